from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.policy.job import ENDED, TABLE, Event, State, after

BY_THE_USER = {Event.RETRY, Event.RESUBMIT, Event.POLL_AGAIN}
EVENTS = st.lists(st.sampled_from(list(Event)), max_size=30)


def test_every_state_can_be_reached_and_no_state_is_final_by_mistake():
    reached, frontier = {State.PLANNED}, [State.PLANNED]
    while frontier:
        state = frontier.pop()
        for (was, _), new in TABLE.items():
            if was is state and new not in reached:
                reached.add(new)
                frontier.append(new)
    assert reached == set(State)
    assert {state for state in State if not any(was is state for was, _ in TABLE)} == {State.COMPLETED, State.DEAD}


@settings(deadline=None)
@given(EVENTS)
def test_what_may_have_been_paid_for_is_planned_again_only_by_proof_or_by_the_user(events):
    state = State.PLANNED
    for event in events:
        new = after(state, event)
        if new is State.PLANNED:
            assert event is Event.NOT_BEGUN or event in BY_THE_USER
            assert state is not State.RUNNING
        state = new or state


@settings(deadline=None)
@given(EVENTS)
def test_a_second_word_of_the_same_end_changes_nothing(events):
    state = State.PLANNED
    for event in events:
        new = after(state, event)
        if new in ENDED and new is not State.UNCERTAIN and event not in BY_THE_USER:
            assert after(new, event) in {None, new}
        state = new or state


@pytest.mark.parametrize("event", [event for event in Event if event is not Event.RESUBMIT])
def test_uncertain_is_never_submitted_by_anything_but_the_user(event):
    assert after(State.UNCERTAIN, event) not in {State.PLANNED, State.SUBMITTING}
