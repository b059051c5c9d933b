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

#: Those that the tests of other folders do not come by; the soak has them all.
SHORT = [name for name in KINDS if name not in {
    "a shard killed", "the supervisor killed", "the NLP children's parent killed", "SIGINT, once or twice",
    "killed between the rows and their commit", "a disk that is full", "a frontier gone", "a part's end torn off",
    "two runs at once",
}]  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory, web):
    return stage(tmp_path_factory.mktemp("faults"), web.port, URLS, shards=1)


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
