"""The life of a lead's job: one table, from where it stands and what happened to where it stands next.

The law: a job that may have been paid for is never planned again by itself. What leads from `submitting` back to
`planned` is a proof that nothing was begun (no connection, or a refusal); a submit whose answer was lost is
`uncertain`, and stays so until the provider says more of it or the user asks for a second submit. What is not in the
table changes nothing: so duplicates, late answers and answers that came by two ways are harmless.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a job stands; the row's `status`."""

    PLANNED = "planned"  # to be submitted
    SUBMITTING = "submitting"  # the intent is on disk, the answer is not
    UNCERTAIN = "uncertain"  # submitted perhaps: the answer was lost
    RUNNING = "running"  # the provider's id is on disk
    COMPLETED = "completed"
    FAILED = "failed"  # the provider says so
    EXPIRED = "expired"  # no end within the time, or no longer known to the provider
    DEAD = "dead"  # never to be submitted: no lead, or one without what the call needs


class Event(StrEnum):
    """What may happen to a job."""

    INTEND = "intend"  # about to be submitted
    NOT_BEGUN = "not_begun"  # the submit reached nobody, or was turned away before any work
    LOST = "lost"  # no answer came to the submit, or none that says what became of it
    ACCEPTED = "accepted"  # the provider gave an id
    REFUSED = "refused"  # the provider will not take this lead as it is
    DONE = "done"
    JOB_FAILED = "job_failed"
    OVERDUE = "overdue"
    GONE = "gone"  # the provider no longer knows the id
    DROP = "drop"  # found unfit before it was submitted
    RETRY = "retry"  # the user asks for what failed, again
    POLL_AGAIN = "poll_again"  # the user asks for what is overdue, by the id that was paid for
    RESUBMIT = "resubmit"  # the user takes the risk of paying twice


TABLE: Final[dict[tuple[State, Event], State]] = {
    (State.PLANNED, Event.INTEND): State.SUBMITTING,
    (State.PLANNED, Event.DROP): State.DEAD,
    (State.SUBMITTING, Event.NOT_BEGUN): State.PLANNED,
    (State.SUBMITTING, Event.LOST): State.UNCERTAIN,
    (State.SUBMITTING, Event.ACCEPTED): State.RUNNING,
    (State.SUBMITTING, Event.REFUSED): State.FAILED,
    # A synchronous call answers with the result; a webhook may come before the submit's own answer.
    (State.SUBMITTING, Event.DONE): State.COMPLETED,
    (State.SUBMITTING, Event.JOB_FAILED): State.FAILED,
    # A webhook carries our own mark, so it tells what became of a submit whose answer was lost.
    (State.UNCERTAIN, Event.ACCEPTED): State.RUNNING,
    (State.UNCERTAIN, Event.DONE): State.COMPLETED,
    (State.UNCERTAIN, Event.JOB_FAILED): State.FAILED,
    (State.UNCERTAIN, Event.RESUBMIT): State.PLANNED,
    (State.RUNNING, Event.DONE): State.COMPLETED,
    (State.RUNNING, Event.JOB_FAILED): State.FAILED,
    (State.RUNNING, Event.OVERDUE): State.EXPIRED,
    (State.RUNNING, Event.GONE): State.EXPIRED,
    # An answer that comes late was paid for all the same.
    (State.EXPIRED, Event.DONE): State.COMPLETED,
    (State.EXPIRED, Event.JOB_FAILED): State.FAILED,
    (State.EXPIRED, Event.POLL_AGAIN): State.RUNNING,
    (State.EXPIRED, Event.RETRY): State.PLANNED,
    (State.FAILED, Event.RETRY): State.PLANNED,
}

#: States that no further work of this command changes.
ENDED: Final = frozenset({State.UNCERTAIN, State.COMPLETED, State.FAILED, State.EXPIRED, State.DEAD})


def after(state: State, event: Event) -> State | None:
    """Where a job in `state` stands after `event`; None: where it stood, the event says nothing to it."""
    return TABLE.get((state, event))
