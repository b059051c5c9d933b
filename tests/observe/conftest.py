from __future__ import annotations

import pytest


def gauges_of(shard=0, **values):
    """A shard's gauges: idle but for `values`."""
    base = dict.fromkeys(
        ["known", "queued", "waiting", "done", "failed", "duplicates", "requests", "finished", "bytes_received",
         "timed", "in_flight", "connecting", "waiting_for_nlp", "bytes_in_flight", "open_breakers", "active_hosts"],
        0,
    )  # fmt: skip
    rest = {"fetch_ms_sum": 0.0, "process_ms_sum": 0.0, "tail_s": 0.0, "limit": 10, "limit_cause": "start"}
    return base | rest | {"shard": shard, "failed_by_kind": {}, "slow_sites": []} | values


@pytest.fixture(scope="session")
def gauges():
    return gauges_of
