from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.nlp.gathering import WITHIN_S, Gathering


def test_without_pages_it_waits_for_one():
    assert Gathering(8).wait_s(0, now=5.0) is None


def test_a_full_batch_begins_at_once_and_a_lone_page_in_a_moment():
    gathering = Gathering(8)
    assert gathering.wait_s(1, now=0.0) == WITHIN_S <= 0.05
    assert gathering.wait_s(8, now=0.0) == 0


def test_whatever_waits_is_a_batch_where_nothing_is_gained():
    assert Gathering(1).wait_s(1, now=5.0) == 0


@given(
    steps=st.lists(st.tuples(st.floats(0, 0.03), st.integers(0, 2)), max_size=60),
    pages=st.integers(1, 6),
)
def test_no_page_waits_longer_than_the_bound(steps, pages):
    gathering = Gathering(pages)
    now, waiting, since = 0.0, 0, 0.0
    for passed, came in steps:
        wait = gathering.wait_s(waiting, now)
        now += passed if wait is None else min(passed, wait)
        if not waiting and came:
            since = now
        waiting += came
        if waiting and gathering.wait_s(waiting, now) == 0:
            gathering.begun()
            waiting, since = max(0, waiting - pages), now
        assert not waiting or now - since <= WITHIN_S + 1e-9
