"""What the work relies on of a provider, and the values in between. Adapters do no I/O: they write calls, read answers.

A *task* is what the provider gives an id to: one lead, or several where it takes many at once; so an answer has a row
for each lead of its task.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.lead import LeadFailure

Json = Any  # what orjson makes of a body


@dataclass(frozen=True, slots=True)
class Call:
    """One request: `path` below the base URL, `body` to be sent as JSON. `timeout_s` is for the whole answer."""

    method: str
    path: str
    body: Mapping[str, Json] | None = None
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `body` is None where it was no JSON; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None


class RowState(Enum):
    """What an answer says of one lead."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RowReply:
    """One lead's part of an answer. `result` is the provider's, whole, kept as it came."""

    state: RowState
    result: Json = None
    kind: LeadFailure | None = None
    error: str | None = None
    cost_cents: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that says how a task stands. `started_at` is seconds since 1970, by the provider's clock."""

    rows: tuple[RowReply, ...]
    task_id: str | None = None
    started_at: float | None = None
    retry_after_s: float | None = None

    @property
    def pending(self) -> bool:
        """Whether the task is to be asked after again."""
        return any(row.state is RowState.PENDING for row in self.rows)

    @property
    def partly_done(self) -> bool:
        """Whether some of its leads have ended and others not."""
        return self.pending and any(row.state is not RowState.PENDING for row in self.rows)


class Fault(Enum):
    """What an answer that is no reply means: for this request, and for all that would follow."""

    LEAD = "lead"  # this lead, as it is, will never be taken
    BALANCE = "balance"  # no more submits until somebody pays
    KEY = "key"  # nothing at all until the key is right
    CALL = "call"  # the provider has no such call
    RATE = "rate"  # too many requests: nothing was begun, come later
    AWAY = "away"  # not now: nothing was begun
    BROKEN = "broken"  # something went wrong there: what was begun is not known
    GONE = "gone"  # the task is not known


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no reply."""

    fault: Fault
    message: str
    retry_after_s: float | None = None


class Told(NamedTuple):
    """What a webhook's body says: of which task (by its id), and what."""

    task_id: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class Facts:
    """A result, taken apart for the row."""

    data: Mapping[str, Json]
    notes: str | None = None
    confidence: float | None = None
    sources: Json = None


class Provider(Protocol):
    """One provider's call, with the settings that it was given."""

    @property
    def name(self) -> str:
        """What the setting leads.provider calls it."""

    @property
    def bulk(self) -> int:
        """How many leads a task may have."""

    @property
    def retry_hints(self) -> Sequence[str]:
        """Where in an answer's body it is said how long to wait."""

    def missing(self, info: Mapping[str, Json]) -> str | None:
        """Say what a lead lacks to be submitted; None where it lacks nothing."""

    def submit(self, infos: Sequence[Mapping[str, Json]], callback_url: str | None) -> Call:
        """Write the call that submits a task."""

    def read_submit(self, answer: Answer, count: int, wall_now: float) -> Reply | Refusal:
        """Read its answer; `count` is the number of leads in the task."""

    def poll(self, task_id: str) -> Call:
        """Write the call that asks after a task."""

    def read_poll(self, answer: Answer, count: int, wall_now: float) -> Reply | Refusal:
        """Read its answer."""

    def cancel(self, task_id: str) -> Call | None:
        """Write the call that cancels a task, where the provider has one."""

    def read_event(self, body: Json) -> Told | None:
        """Read a webhook's body; None where it is none of this provider's."""

    def facts(self, result: Json) -> Facts:
        """Take a result apart. Total: what cannot be told apart is data under the key "value"."""
