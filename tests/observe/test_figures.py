from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.observe.figures import FinishedRows, ShardLimit, SlidingRate, eta_s, figures, success_rate


def test_success_rate():
    assert success_rate(0, 0) is None
    assert success_rate(98, 2) == 0.98


@pytest.mark.parametrize(
    ("remaining", "rate", "tail_s", "expected"),
    [
        (0, None, 900.0, 0.0),
        (100, None, 0.0, None),
        (100, 0.0, 5.0, None),
        (100, 10.0, 0.0, 10.0),
        (100, 10.0, 60.0, 60.0),  # the slowest host decides
        (1000, 10.0, 60.0, 100.0),
    ],
)
def test_eta_is_the_greater_of_the_rate_s_and_the_longest_queue_s(remaining, rate, tail_s, expected):
    assert eta_s(remaining, rate, tail_s) == expected


def test_the_rate_is_that_of_the_window():
    rate = SlidingRate(window_s=10)
    assert rate.per_s() is None
    rate.add(0, 0)
    assert rate.per_s() is None
    for second in range(1, 21):
        rate.add(second, second * 100)
    assert rate.per_s() == 100
    for second in range(21, 31):
        rate.add(second, 2000)
    assert rate.per_s() == 0


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 1000)), min_size=1), st.floats(0.1, 50))
def test_the_window_keeps_little_and_never_goes_wrong(steps, window_s):
    rate = SlidingRate(window_s)
    at, total = 0.0, 0
    for by_s, by in steps:
        at, total = at + by_s, total + by
        rate.add(at, total)
        value = rate.per_s()
        assert value is None or value >= 0
    assert sum(sample[0] <= at - window_s for sample in rate._samples) <= 1


def test_a_restarted_shard_s_rows_are_added_not_lost(gauges):
    rows = FinishedRows()
    assert rows.update([gauges(0, finished=10), gauges(1, finished=5)]) == 15
    assert rows.update([gauges(0, finished=12), gauges(1, finished=2)]) == 19
    assert rows.update([gauges(0, finished=12)]) == 19  # shard 1 has not reported since it was started again


def test_figures_add_up_over_shards(gauges):
    now = figures([
        gauges(1, known=50, done=20, failed=5, timed=10, fetch_ms_sum=1000.0, process_ms_sum=100.0, limit=7,
               limit_cause="halved", failed_by_kind={"http_status": 5}, tail_s=3.0),
        gauges(0, known=30, done=10, failed=2, timed=30, fetch_ms_sum=3000.0, process_ms_sum=500.0, in_flight=4,
               failed_by_kind={"dns_failed": 1, "http_status": 1}, tail_s=9.0),
    ])  # fmt: skip
    assert (now.known, now.finished, now.remaining, now.in_flight) == (80, 37, 43, 4)
    assert (now.fetch_ms, now.process_ms) == (100.0, 15.0)
    assert now.failed_by_kind == {"http_status": 6, "dns_failed": 1}
    assert now.limits == (ShardLimit(0, 10, "start"), ShardLimit(1, 7, "halved"))
    assert (now.limit, now.tail_s) == (17, 9.0)


def test_figures_of_no_shard_are_empty():
    now = figures([])
    assert (now.known, now.remaining, now.fetch_ms, now.tail_s, now.limit) == (0, 0, None, 0.0, 0)
