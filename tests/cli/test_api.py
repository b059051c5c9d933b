from __future__ import annotations

import gzip
import json

import pytest
import zstandard

from engine.api import rows
from engine.errors import UsageError

LINES = [json.dumps({"url": f"http://example.org/{n}", "title": "Tïtle"}).encode() + b"\n" for n in range(3)]


def frames(compress):
    """As commits leave them: a frame each."""
    return compress(LINES[0]) + compress(b"".join(LINES[1:]))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("enrichment_output.jsonl", b"".join(LINES)),
        ("enrichment_output.jsonl.gz", frames(gzip.compress)),
        ("enrichment_output.jsonl.zst", frames(zstandard.ZstdCompressor().compress)),
    ],
)
def test_rows_reads_every_compression_to_its_last_frame(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert [row["url"][-1] for row in rows(tmp_path)] == ["0", "1", "2"]
    assert next(rows(tmp_path))["title"] == "Tïtle"


def test_rows_of_a_run_that_has_none_yet(tmp_path):
    with pytest.raises(UsageError, match="enrich merge"):
        rows(tmp_path)
