"""The jobs on disk; every change moves jobs by the one table.

A lead is in one task at a time; an answer moves those of its task's leads that the table lets it move, so an answer
that comes twice, or after another has ended the job, changes nothing.

What must be on disk before something else happens (an intent, a webhook's call) is when its method returns, together
with all that was written before it. Answers are with the next :meth:`JobStore.commit`: those that came in the same
moment share one sync, and until then their requests count as under way.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import orjson

from engine.model.lead import LeadFailure
from engine.policy.job import Event, State, after
from engine.providers.base import RowState
from engine.providers.schema import connect, writing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.providers.base import Json, Reply, RowReply


class NewLead(NamedTuple):
    """A row of the input. With a `kind` it is dead from the start, for the reason in `error`."""

    key: bytes
    original: Mapping[str, Json]
    info: Mapping[str, Json]
    kind: LeadFailure | None = None
    error: str | None = None


class Planned(NamedTuple):
    """A lead to be submitted."""

    n: int
    info: dict[str, Json]


class Task(NamedTuple):
    """A submit under way, or a task of the provider's. Times are seconds since 1970."""

    id: int
    mark: str
    task_id: str | None
    size: int
    submitted_at: float
    started_at: float | None
    next_poll: float | None


class Ended(NamedTuple):
    """A lead whose job has ended just now."""

    was: State
    state: State
    kind: LeadFailure | None = None
    cost_cents: float | None = None


class Kept(NamedTuple):
    """A webhook's call."""

    id: str
    mark: str | None
    body: bytes


_TASK = "id, mark, task_id, size, submitted_at, started_at, next_poll"
_EVENTS = {RowState.DONE: Event.DONE, RowState.FAILED: Event.JOB_FAILED}

#: Calls that nothing is known of yet are kept up to so many: whoever has the secret is the provider, but may err.
MAX_UNUSED_EVENTS = 10_000


class JobStore:
    """All jobs of a run folder. The caller holds the folder's lock."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.db = connection

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> Self:
        """Open or make the file."""
        return cls(path, connect(path, create=create))

    def close(self) -> None:
        """Commit, and close it."""
        try:
            self.commit()
        finally:
            self.db.close()

    def commit(self) -> None:
        """Make all that was written durable."""
        with writing(self.path):
            if self.db.in_transaction:
                self.db.execute("COMMIT")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with writing(self.path):
            if not self.db.in_transaction:
                self.db.execute("BEGIN IMMEDIATE")
            yield self.db

    # -- the inputs ---------------------------------------------------------------------------------------------------

    @property
    def ingested(self) -> bool:
        """Whether the inputs were read to their end."""
        return self.db.execute("SELECT 1 FROM meta WHERE name = 'ingested'").fetchone() is not None

    def ingest(self, leads: Iterable[NewLead]) -> tuple[int, int]:
        """Take in all rows at once, or none; (leads, duplicates left out)."""
        new = seen = 0
        with self._transaction() as db:
            try:
                for lead in leads:
                    seen += 1
                    state = State.PLANNED if lead.kind is None else State.DEAD
                    new += db.execute(
                        "INSERT OR IGNORE INTO lead (key, original, info, state, kind, error)"
                        " VALUES (?, ?, ?, ?, ?, ?)",
                        (lead.key, orjson.dumps(lead.original), orjson.dumps(lead.info), state, lead.kind, lead.error),
                    ).rowcount
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("INSERT OR REPLACE INTO meta VALUES ('ingested', 1)")
            db.execute("INSERT OR REPLACE INTO meta VALUES ('duplicates', ?)", (seen - new,))
        self.commit()
        return new, seen - new

    # -- submitting ---------------------------------------------------------------------------------------------------

    def planned(self, after_n: int, limit: int) -> list[Planned]:
        """The next planned leads behind `after_n`, in order."""
        rows = self.db.execute(
            "SELECT n, info FROM lead WHERE state = ? AND n > ? ORDER BY n LIMIT ?", (State.PLANNED, after_n, limit)
        )
        return [Planned(n, orjson.loads(info)) for n, info in rows]

    def intend(self, groups: Sequence[Sequence[Planned]], wall_now: float) -> list[Task]:
        """Put on disk that these groups are about to be submitted, each as one task."""
        tasks: list[Task] = []
        with self._transaction() as db:
            for group in groups:
                mark = secrets.token_urlsafe(16)
                cursor = db.execute(
                    "INSERT INTO task (mark, size, submitted_at) VALUES (?, ?, ?)", (mark, len(group), wall_now)
                )
                task = Task(cursor.lastrowid or 0, mark, None, len(group), wall_now, None, None)
                for place, lead in enumerate(group):
                    db.execute(
                        "UPDATE lead SET state = ?, task = ?, place = ?, attempts = attempts + 1, submitted_at = ?,"
                        " finished_at = NULL, kind = NULL, error = NULL, result = NULL WHERE n = ? AND state = ?",
                        (State.SUBMITTING, task.id, place, wall_now, lead.n, State.PLANNED),
                    )
                tasks.append(task)
        self.commit()
        return tasks

    def not_begun(self, task: Task) -> None:
        """The submit reached nobody, or was turned away before any work: it was no attempt."""
        with self._transaction() as db:
            db.execute(
                "UPDATE lead SET state = ?, task = NULL, place = NULL, attempts = attempts - 1, submitted_at = NULL"
                " WHERE task = ? AND state = ?",
                (State.PLANNED, task.id, State.SUBMITTING),
            )
            db.execute(
                "DELETE FROM task WHERE id = ? AND NOT EXISTS (SELECT 1 FROM lead WHERE lead.task = task.id)",
                (task.id,),
            )

    def lost(self, task: Task, why: str) -> list[Ended]:
        """No answer came to the submit."""
        return self._move_all(task, Event.LOST, LeadFailure.UNCERTAIN, why, None)

    def refused(self, task: Task, why: str, wall_now: float) -> list[Ended]:
        """The provider will not take these leads."""
        return self._move_all(task, Event.REFUSED, LeadFailure.REFUSED, why, wall_now)

    def answered(self, task: Task, reply: Reply, next_poll: float | None, wall_now: float) -> list[Ended]:
        """Take in what the provider says of a task: its id, its start, and each lead's end."""
        with self._transaction() as db:
            db.execute(
                "UPDATE task SET task_id = coalesce(task_id, ?), started_at = coalesce(?, started_at), next_poll = ?"
                " WHERE id = ?",
                (reply.task_id, reply.started_at, next_poll, task.id),
            )
            ended: list[Ended] = []
            rows = db.execute("SELECT n, place, state FROM lead WHERE task = ?", (task.id,)).fetchall()
            for n, place, state in rows:
                row = reply.rows[place] if place < len(reply.rows) else reply.rows[-1]
                if row.state is not RowState.PENDING:
                    ended += self._end(n, State(state), row, wall_now)
                elif (new := after(State(state), Event.ACCEPTED)) is not None and reply.task_id is not None:
                    db.execute("UPDATE lead SET state = ?, kind = NULL, error = NULL WHERE n = ?", (new, n))
            return ended

    def _end(self, n: int, state: State, row: RowReply, wall_now: float) -> list[Ended]:
        new = after(state, _EVENTS[row.state])
        if new is None:
            return []
        kind = row.kind or (LeadFailure.JOB_FAILED if new is State.FAILED else None)
        self.db.execute(
            "UPDATE lead SET state = ?, kind = ?, error = ?, result = ?, finished_at = ?,"
            " cost = CASE WHEN ? IS NULL THEN cost ELSE coalesce(cost, 0) + ? END WHERE n = ?",
            (
                new, kind, row.error, None if row.result is None else orjson.dumps(row.result), wall_now,
                row.cost_cents, row.cost_cents, n,
            ),
        )  # fmt: skip
        return [Ended(state, new, kind, row.cost_cents)]

    def expire(self, task: Task, event: Event, kind: LeadFailure, why: str, wall_now: float) -> list[Ended]:
        """A task has had its time (OVERDUE), or the provider no longer knows it (GONE)."""
        return self._move_all(task, event, kind, why, wall_now)

    def _move_all(self, task: Task, event: Event, kind: LeadFailure, why: str, at: float | None) -> list[Ended]:
        ended: list[Ended] = []
        with self._transaction() as db:
            for n, state in db.execute("SELECT n, state FROM lead WHERE task = ?", (task.id,)).fetchall():
                if (new := after(State(state), event)) is not None:
                    db.execute(
                        "UPDATE lead SET state = ?, kind = ?, error = ?, finished_at = ? WHERE n = ?",
                        (new, kind, why, at, n),
                    )
                    ended.append(Ended(State(state), new, kind))
        return ended

    # -- tasks --------------------------------------------------------------------------------------------------------

    def open_tasks(self) -> list[Task]:
        """Tasks with a lead that is running."""
        rows = self.db.execute(
            f"SELECT {_TASK} FROM task WHERE id IN (SELECT task FROM lead WHERE state = ?)",  # noqa: S608 - a constant
            (State.RUNNING,),
        )
        return [Task(*row) for row in rows]

    def task_of(self, mark: str | None, task_id: str) -> Task | None:
        """The task that a webhook's call is about: by our mark, else by the provider's id. Both must agree."""
        if mark is not None:
            row = self.db.execute(f"SELECT {_TASK} FROM task WHERE mark = ?", (mark,)).fetchone()  # noqa: S608
        else:
            row = self.db.execute(f"SELECT {_TASK} FROM task WHERE task_id = ?", (task_id,)).fetchone()  # noqa: S608
        return Task(*row) if row is not None and row[2] in {None, task_id} else None

    def knows_mark(self, mark: str) -> bool:
        """Whether a mark is one of ours."""
        return self.db.execute("SELECT 1 FROM task WHERE mark = ?", (mark,)).fetchone() is not None

    def is_running(self, task: Task) -> bool:
        """Whether any lead of a task is running."""
        found = self.db.execute("SELECT 1 FROM lead WHERE task = ? AND state = ? LIMIT 1", (task.id, State.RUNNING))
        return found.fetchone() is not None

    # -- starting again -----------------------------------------------------------------------------------------------

    def recover(self, why: str) -> int:
        """What an earlier process was submitting when it ended is uncertain; how many leads that are."""
        with self._transaction() as db:
            found = db.execute(
                "UPDATE lead SET state = ?, kind = ?, error = ? WHERE state = ?",
                (State.UNCERTAIN, LeadFailure.UNCERTAIN, why, State.SUBMITTING),
            ).rowcount
        self.commit()
        return found

    def plan_again(self, kinds: Collection[str], wall_now: float) -> int:
        """What failed is to be submitted again, and what is overdue asked after again; `kinds` empty: all of it."""
        return self._again(
            [
                (State.FAILED, Event.RETRY, None),
                (State.EXPIRED, Event.POLL_AGAIN, LeadFailure.OVERDUE),
                (State.EXPIRED, Event.RETRY, LeadFailure.RESULT_GONE),
            ],
            kinds,
            wall_now,
        )

    def resubmit_uncertain(self) -> int:
        """The user takes the risk of paying twice for what is uncertain."""
        return self._again([(State.UNCERTAIN, Event.RESUBMIT, None)], (), 0.0)

    def _again(
        self, moves: Sequence[tuple[State, Event, LeadFailure | None]], kinds: Collection[str], wall_now: float
    ) -> int:
        moved = 0
        with self._transaction() as db:
            for state, event, only in moves:
                found = db.execute("SELECT n, kind, task FROM lead WHERE state = ?", (state,)).fetchall()
                for n, kind, task in found:
                    if (kinds and kind not in kinds) or (only is not None and kind != only):
                        continue
                    new = after(state, event)
                    assert new is not None, (state, event)  # noqa: S101 - the table has these
                    db.execute("UPDATE lead SET state = ?, kind = NULL, error = NULL WHERE n = ?", (new, n))
                    if event is Event.POLL_AGAIN:
                        # Its time begins anew, or the first answer would find it overdue again.
                        db.execute(
                            "UPDATE task SET started_at = NULL, next_poll = NULL, submitted_at = ? WHERE id = ?",
                            (wall_now, task),
                        )
                    moved += 1
        self.commit()
        return moved

    # -- the rate budget, from one process to the next -----------------------------------------------------------------

    def lease(self, count: int, wall_now: float, keep_s: float) -> None:
        """Put on disk that up to `count` requests may be made from now on; forget what is older than `keep_s`."""
        with self._transaction() as db:
            db.execute("DELETE FROM lease WHERE at < ?", (wall_now - keep_s,))
            db.execute("INSERT INTO lease VALUES (?, ?)", (wall_now, count))

    def leased(self, since: float) -> int:
        """How many requests may have been made since then."""
        (count,) = self.db.execute("SELECT coalesce(sum(n), 0) FROM lease WHERE at >= ?", (since,)).fetchone()
        return int(count)

    # -- webhooks -----------------------------------------------------------------------------------------------------

    def keep_event(self, event: Kept, wall_now: float) -> bool:
        """Keep a call, to be looked at later; False where it was kept before, or where there are too many."""
        with self._transaction() as db:
            unused = db.execute("SELECT count(*) FROM event WHERE used = 0").fetchone()[0]
            if unused >= MAX_UNUSED_EVENTS:
                return False
            new = db.execute(
                "INSERT OR IGNORE INTO event (id, at, mark, body) VALUES (?, ?, ?, ?)",
                (event.id, wall_now, event.mark, event.body),
            ).rowcount
        self.commit()
        return bool(new)

    def unused_events(self) -> list[Kept]:
        """The calls that nothing was made of yet."""
        return [Kept(*row) for row in self.db.execute("SELECT id, mark, body FROM event WHERE used = 0 ORDER BY at")]

    def event_used(self, event: Kept) -> None:
        """What a call said is in the jobs: its id is kept, so that it is known when it comes again."""
        with self._transaction() as db:
            db.execute("UPDATE event SET used = 1, body = x'' WHERE id = ?", (event.id,))

    # -- reading ------------------------------------------------------------------------------------------------------

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """All leads, in order, as :func:`engine.leads.rows.lead_row` takes them."""
        return iter(
            self.db.execute(
                "SELECT n, original, state, (SELECT task_id FROM task WHERE id = lead.task), attempts, submitted_at,"
                " finished_at, kind, error, result, cost FROM lead ORDER BY n"
            )
        )
