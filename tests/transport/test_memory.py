"""Bombs and endless bodies cost no more memory than the limit on a body's size."""

from __future__ import annotations

import tracemalloc

import pytest

from engine.transport.base import TransportError


@pytest.mark.parametrize("path", ["/bomb/10240", "/bomb-zstd", "/endless"])
async def test_memory_stays_flat(client, path):
    with pytest.raises(TransportError):  # once before, for what is made once
        await client.get(path, max_body_bytes=1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(TransportError):
            await client.get(path, max_body_bytes=1_000_000)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 40_000_000
