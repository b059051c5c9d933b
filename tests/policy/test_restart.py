"""Who is replaced, after how long, and when it ends."""

from __future__ import annotations

import pytest

from engine.errors import ExitCode
from engine.policy.restart import (
    BACKOFF_S,
    MAX_FAILED_STARTS,
    MAX_RESTARTS,
    Action,
    ExitCause,
    History,
    after_exit,
    exit_cause,
)


def deaths(cause, history=None, *, between=lambda history: history):
    """Exits of `cause` until the run gives up (at most 100); returns the waits before each respawn."""
    history, waits = history or History(), []
    for _ in range(100):
        decision, history = after_exit(cause, history)
        if decision.action is not Action.RESPAWN:
            break
        waits.append(decision.after_s)
        history = between(history)
    return waits


@pytest.mark.parametrize("cause", [ExitCause.CRASHED, ExitCause.HUNG])
def test_five_restarts_without_a_row_are_the_end(cause):
    waits = deaths(cause, between=History.ready)
    assert waits == list(BACKOFF_S)
    assert len(waits) == MAX_RESTARTS


def test_rows_between_deaths_forgive_them():
    assert deaths(ExitCause.CRASHED, between=History.progressed) == [BACKOFF_S[0]] * 100


def test_a_child_that_cannot_start_is_not_tried_for_ever():
    assert len(deaths(ExitCause.FAILED_TO_START)) == MAX_FAILED_STARTS - 1


def test_starts_that_fail_now_and_then_count_as_restarts_only():
    history = History()
    for _ in range(MAX_RESTARTS):
        decision, history = after_exit(ExitCause.FAILED_TO_START, history)
        assert decision.action is Action.RESPAWN
        history = history.ready()
    assert after_exit(ExitCause.FAILED_TO_START, history)[0].action is Action.GIVE_UP


def test_recycling_is_free():
    assert deaths(ExitCause.RECYCLED, History(restarts=MAX_RESTARTS)) == [0.0] * 100


@pytest.mark.parametrize("cause", [ExitCause.FINISHED, ExitCause.STOPPED])
def test_who_is_done_or_was_stopped_stays_away(cause):
    assert after_exit(cause, History())[0].action is Action.LEAVE


def test_a_fault_is_believed_at_once():
    decision, _ = after_exit(ExitCause.FAULT, History())
    assert decision.action is Action.GIVE_UP


@pytest.mark.parametrize(
    ("code", "ready", "stopping", "hung", "cause"),
    [
        (0, True, False, False, ExitCause.FINISHED),
        (0, False, False, False, ExitCause.FAILED_TO_START),
        (1, False, False, False, ExitCause.FAILED_TO_START),
        (1, True, False, False, ExitCause.CRASHED),
        (-11, True, False, False, ExitCause.CRASHED),
        (ExitCode.ENGINE, True, False, False, ExitCause.CRASHED),
        (ExitCode.OUTPUT, False, False, False, ExitCause.FAULT),
        (ExitCode.USAGE, True, False, False, ExitCause.FAULT),
        (-9, True, True, False, ExitCause.STOPPED),
        (-9, True, False, True, ExitCause.HUNG),
    ],
)
def test_exit_codes_name_their_cause(code, ready, stopping, hung, cause):
    assert exit_cause(code, ready=ready, stopping=stopping, hung=hung) is cause
