"""From what a provider says, by an answer or a webhook, to what the store is told.

A call that comes before its task's id is known (it may overtake the submit's own answer) is kept until it is.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.lead import LeadFailure
from engine.observe.logs import get_logger
from engine.policy.job import Event
from engine.providers.base import RowState
from engine.providers.caller import parsed
from engine.providers.shape import retry_after

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.providers.base import Answer, Provider, Reply, RowReply
    from engine.providers.store import Ended, JobStore, Kept, Task

_log = get_logger(__name__)


class Answers:
    """Takes answers in. Nothing here waits or reads a clock."""

    def __init__(self, store: JobStore, provider: Provider) -> None:
        self._store = store
        self._provider = provider
        self._events: deque[Kept] = deque()
        self._early: dict[str, Kept] = {}

    def load(self) -> None:
        """Queue the calls that an earlier process kept and made nothing of."""
        self._events.extend(self._store.unused_events())

    def queue(self, event: Kept) -> None:
        """Queue a call that is in the store."""
        self._events.append(event)

    def early(self, task_id: str | None) -> Kept | None:
        """The call that came before this task's id was known."""
        return None if task_id is None else self._early.pop(task_id, None)

    def events(self) -> Iterator[tuple[Task, Reply]]:
        """What the queued calls say, of which tasks. A call is used up once its consequences are in the store."""
        while self._events:
            event = self._events.popleft()
            told = self._provider.read_event(parsed(event.body))
            if told is None:
                _log.warning("a webhook's call says nothing that can be read", id=event.id)
                self._store.event_used(event)
                continue
            task = self._store.task_of(event.mark, told.task_id)
            if task is None:
                self._early[told.task_id] = event
                continue
            yield task, replace(told.reply, task_id=told.task_id, rows=_fitted(told.reply.rows, task.size))
            self._store.event_used(event)

    def take(self, task: Task, reply: Reply, next_poll: float, wall_now: float) -> list[Ended]:
        """Store what an answer says."""
        rows = tuple(self._judged(row) for row in reply.rows)
        return self._store.answered(task, replace(reply, rows=rows), next_poll if reply.pending else None, wall_now)

    def gone(self, task: Task, why: str, wall_now: float) -> list[Ended]:
        """The provider no longer knows a task."""
        return self._store.expire(task, Event.GONE, LeadFailure.RESULT_GONE, why, wall_now)

    def overdue(self, task: Task, timeout_s: float, wall_now: float) -> list[Ended]:
        """A task has had its time, and the provider has just said that it still runs."""
        why = f"no end within {timeout_s:g} s (leads.job_timeout_s); enrich retry asks for it again, by the same id"
        return self._store.expire(task, Event.OVERDUE, LeadFailure.OVERDUE, why, wall_now)

    def retry_after(self, answer: Answer, wall_now: float) -> float | None:
        """Seconds that an answer asks us to wait."""
        return retry_after(answer, self._provider.retry_hints, wall_now)

    def _judged(self, row: RowReply) -> RowReply:
        """A result without a single fact is no success, though it was paid for."""
        if row.state is not RowState.DONE or row.kind is not None:
            return row
        data = self._provider.facts(row.result).data
        if any(value not in (None, "", [], {}) for value in data.values()):
            return row
        return replace(row, kind=LeadFailure.NOTHING_FOUND, error="the job is done and brought no fact")


def _fitted(rows: tuple[RowReply, ...], size: int) -> tuple[RowReply, ...]:
    return rows if len(rows) == size else (rows[0],) * size
