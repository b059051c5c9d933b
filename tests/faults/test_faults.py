"""One round of each kind of fault: nothing lost, nothing twice, nothing that differs, nothing that hangs.

The moments are drawn by a fixed seed; `scripts/soak` draws others, for up to an hour.
"""

from __future__ import annotations

import os
import random

import pytest
from faults.kinds import KINDS
from faults.scene import Scene, stage

#: Enough for two shards with two hosts each, and a few commits.
URLS = 75


@pytest.fixture(scope="module")
def shared(tmp_path_factory, web):
    return stage(tmp_path_factory.mktemp("faults"), web.port, URLS)


@pytest.mark.parametrize("name", KINDS)
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
