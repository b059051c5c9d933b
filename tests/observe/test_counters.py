from __future__ import annotations

from engine.model.messages import Gauges
from engine.model.outcome import FailureKind
from engine.observe.counters import Counters, Counts


def test_a_shard_s_counts_go_on_from_the_frontier_s():
    counters = Counters(done=10, failed=2, failed_by_kind={"http_status": 2})
    counters.requested()
    counters.received(3000)
    counters.received(500)
    counters.took(120.0, 15.0)
    counters.committed(None)
    counters.committed(FailureKind.HTTP_STATUS)
    counters.committed(FailureKind.DNS_FAILED)
    assert counters.snapshot() == {
        "done": 11,
        "failed": 4,
        "failed_by_kind": {"http_status": 3, "dns_failed": 1},
        "requests": 1,
        "finished": 3,
        "bytes_received": 3500,
        "fetch_ms_sum": 120.0,
        "process_ms_sum": 15.0,
        "timed": 1,
    }


def test_a_snapshot_stays_as_it_was():
    counters = Counters()
    before = counters.snapshot()
    counters.committed(FailureKind.HTTP_STATUS)
    assert before["failed_by_kind"] == {}


def test_counts_are_part_of_the_gauges():
    assert Counts.__annotations__.keys() <= Gauges.__annotations__.keys()
