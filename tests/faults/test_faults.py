"""One round of each kind of fault: nothing lost, nothing twice, nothing that differs, nothing that hangs.

The moments are drawn by a fixed seed; `scripts/soak` draws others, for up to an hour.
"""

from __future__ import annotations

import os
import random

import pytest
from faults.kinds import KINDS
from faults.scene import Scene, stage

#: Two seconds of work.
URLS = 60

#: Those that no test of another folder comes by, and one of each sort of damage; the soak has them all.
SHORT = (
    "the output folder read-only", "few file descriptors", "a frontier's device that fails to write (EIO)",
    "a flipped bit in a part", "a frontier's end torn off", "a power loss",
)  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory, web):
    pools = {KINDS[name].pool for name in SHORT}
    return stage(tmp_path_factory.mktemp("faults"), web.port, URLS, shards=1, pools=pools)


@pytest.mark.parametrize("name", SHORT)
def test_after(shared, name):
    kind = KINDS[name]
    if kind.root and os.geteuid() != 0:
        pytest.skip("a small disk is root's to make")
    scene = Scene(shared, random.Random(f"1/{name}"), pool=kind.pool)  # noqa: S311 - moments
    try:
        kind.strike(scene)
        found = scene.resume()
        assert found.sound, found
    finally:
        scene.close()
