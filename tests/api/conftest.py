from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from system.conftest import web  # noqa: E402, F401 - the same local web


@pytest.fixture
def local(web):  # noqa: F811 - the fixture
    """Settings that lead every host to the local web, without a delay; text alone, which a pool is sooner begun for."""
    return {
        "fetch.connect_to": [f"::127.0.0.1:{web.port}"],
        "guard.allow_networks": ["127.0.0.0/8"],
        "politeness.delay_s": 0,
        "fetch.contact": "tests@operator.example",
        "run.shards": 1,
        "run.nlp_processes": 1,
        "nlp.pipeline": "none",
    }
