from __future__ import annotations

from bisect import bisect_left

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.policy.rate_budget import RateBudget


@settings(deadline=None)
@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 2), st.floats(0, 1)), min_size=1, max_size=60),
)
def test_no_window_of_the_server_sees_more_than_the_limit(limit, requests):
    """Each request: an idle time before it is wanted, its duration, and where in that the server sees it."""
    window_s = 10.0
    budget = RateBudget(limit, window_s)
    now, seen = 0.0, []
    out = []  # ends of those that are under way
    for idle_s, lasts_s, share in requests:
        now += idle_s
        while True:
            for end in sorted(end for end in out if end <= now):
                budget.end(end)
            out = [end for end in out if end > now]
            if budget.ready(now):
                break
            at = budget.retry_at(now)
            now = min([*out, at] if at is not None else out)
        budget.start()
        seen.append(now + lasts_s * share)
        out.append(now + lasts_s)
    seen.sort()
    for place, at in enumerate(seen):
        # Half open, and a rounding of the sums above.
        assert bisect_left(seen, at + window_s - 1e-6) - place <= limit


def test_a_burst_up_to_the_limit_goes_out_at_once():
    budget = RateBudget(500)
    for _ in range(500):
        assert budget.ready(0.0)
        budget.start()
    assert not budget.ready(0.0)
    assert budget.retry_at(0.0) is None  # an end, which no clock knows
    budget.end(1.0)
    assert budget.retry_at(1.0) == 61.0
    assert budget.ready(61.0)


def test_a_pause_holds_and_does_not_shorten():
    budget = RateBudget(5)
    budget.pause(10.0)
    budget.pause(7.0)
    assert not budget.ready(9.9)
    assert budget.retry_at(5.0) == 10.0
    assert budget.ready(10.0)


def test_the_providers_word_only_lowers_the_limit():
    budget = RateBudget(5)
    budget.lower(9)
    budget.lower(0)
    assert budget.limit == 5
    budget.lower(2)
    assert budget.limit == 2


def test_what_an_earlier_process_spent_is_spent():
    budget = RateBudget(3)
    budget.spend(99, 0.0)
    assert not budget.ready(59.9)
    assert budget.ready(60.0)


def test_no_limit_lets_all_through():
    budget = RateBudget(0)
    for _ in range(1000):
        assert budget.ready(0.0)
        budget.start()
    budget.end(0.0)
    assert budget.retry_at(0.0) == 0.0
