"""The end of every URL: a page goes to the NLP pool and comes back as a row; rows are appended and committed together.

The commit is the one moment that counts. Rows are appended to the part file in one write; then one transaction notes
that write and gives each task its end. Whatever a kill leaves beyond the last commit is cut or fetched again.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from engine.errors import EngineError
from engine.frontier.results import Finished
from engine.model.outcome import Failure, FailureKind
from engine.model.record import Fetched
from engine.model.task import split_position
from engine.model.url import Target, parse_target
from engine.observe.faultpoint import crash_point
from engine.shard.rows import with_input

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.frontier.schedule import Schedule
    from engine.frontier.store import Store
    from engine.model.task import Task
    from engine.output.parts import PartWriter
    from engine.shard.budget import Budget, PageLease
    from engine.shard.caching import Caching, Kept
    from engine.shard.links import Links
    from engine.shard.rows import Find, Made, StageRows

_LOG: Final = structlog.get_logger("shard")

#: A commit takes so many rows at the most before its time, unless output.commit_rows says otherwise.
ROWS_A_COMMIT: Final = 500

#: Where the budget is short, pages that only wait for a commit hold others up: it comes before its time for such a part
#: of all pages that there may be. Fewer are not worth one.
_WORTH_A_COMMIT: Final = 1 / 8

#: Found URLs that are held until a commit; it comes before its time where there are more.
MAX_FINDS: Final = 20_000

#: Tasks of a condemned host that are ended before the loop goes on with other things.
CONDEMNED_AT_ONCE: Final = 200


class RowMaker(Protocol):
    """The NLP pool, as seen from here."""

    def submit(
        self, header: dict[str, Any], body: bytes, on_row: Callable[[bytes, FailureKind | None, float], None],
        on_failed: Callable[[Failure], None],
    ) -> None:  # fmt: skip
        """Make a page's row: `on_row` gets its line, its kind and its milliseconds; `on_failed` why there is none."""


class Endings:
    """Gathers rows and commits them. `pool` is None where nobody looks into pages; `links` takes what is found."""

    def __init__(  # noqa: PLR0913 - the seam between frontier, output and pool
        self,
        shard: int,
        *,
        store: Store,
        schedule: Schedule,
        part: PartWriter,
        pool: RowMaker | None,
        stage: StageRows,
        links: Links,
        budget: Budget,
        now: Callable[[], float],
        wake: Callable[[], None],
        commit_rows: int = ROWS_A_COMMIT,
    ) -> None:
        self._shard = shard
        self._store = store
        self._schedule = schedule
        self._part = part
        self._pool = pool
        self._now = now
        self._wake = wake
        self._stage = stage
        self._links = links
        self._budget = budget
        self._commit_rows = commit_rows
        self._some_rows = budget.max_pages * _WORTH_A_COMMIT
        self._finds: list[Find] = []
        self._due = asyncio.Event()
        self.caching: Caching | None = None  # set once, after both are made
        self._rows: list[bytes] = []
        self._ends: list[tuple[Task, FailureKind | None, PageLease | None]] = []
        self.finished = 0
        self.waiting_for_nlp = 0
        self.fetch_ms_sum = 0.0
        self.process_ms_sum = 0.0
        self.timed = 0

    @property
    def uncommitted(self) -> int:
        """Rows gathered since the last commit."""
        return len(self._rows)

    @property
    def ended(self) -> int:
        """URLs that were fetched, or given up, since the process began: their rows are made, or being made."""
        return self.finished + self.uncommitted + self.waiting_for_nlp

    @property
    def full(self) -> bool:
        """Whether a commit is due before its time."""
        rows = len(self._rows)
        return (
            rows >= self._commit_rows
            or len(self._finds) >= MAX_FINDS
            or (rows >= self._some_rows and self._budget.short)
        )

    async def fill(self) -> None:
        """Wait until a commit is due before its time.

        It is not made where rows come in: a full disk must end the worker, and what a callback of a connection raises
        ends only that connection.
        """
        await self._due.wait()

    # -- what a URL may end in ------------------------------------------------------------------------------------

    def page(self, task: Task, fetched: Fetched, body: bytes, lease: PageLease, kept: Kept | None = None) -> None:
        """A page was fetched: its row is made by the pool; the lease is held until the row is committed.

        `kept`: what the cache has of it, which may be the row, or is to have the row that is made.
        """
        if kept is not None and kept.row_fields is not None:
            self._end(task, self._stage.kept(task, fetched, kept), lease)
            return
        self.fetch_ms_sum += fetched.fetch_duration_ms
        self.timed += 1
        if self._pool is None:
            made = self._stage.bare(task, fetched)
            if kept is not None:
                kept.keep(made.line)
            self._end(task, made, lease)
            return
        facts = with_input(fetched)._asdict()
        header = {"fetched": facts, "ct": fetched.content_type}
        self.waiting_for_nlp += 1

        def on_row(line: bytes, kind: FailureKind | None, process_ms: float) -> None:
            self.waiting_for_nlp -= 1
            self.process_ms_sum += process_ms
            try:
                if kept is not None and kind is None:
                    kept.keep(line)
                made = self._stage.made(task, fetched, line, kind)
            except EngineError:
                raise
            except Exception as error:  # noqa: BLE001 - a defect of ours costs its page, as in the pool, not a connection
                _LOG.exception("a row could not be made", url=task.url)
                reason = f"making the row failed: {type(error).__name__}: {error}"
                made = self._stage.failed(task, fetched, Failure(FailureKind.INTERNAL_ERROR, reason))
            self._end(task, made, lease)

        def on_failed(failure: Failure) -> None:
            self.waiting_for_nlp -= 1
            self._end(task, self._stage.failed(task, fetched, failure), lease)

        self._pool.submit(header, body, on_row, on_failed)

    def fail(self, task: Task, fetched: Fetched, failure: Failure) -> None:
        """A URL ends in an error row."""
        self._end(task, self._stage.failed(task, fetched, failure), None)

    def end_condemned(self) -> bool:
        """End some URLs of condemned hosts in bulk; whether there may be more."""
        found = self._schedule.next_condemned(CONDEMNED_AT_ONCE, self._now())
        if found is None:
            return False
        host, tasks = found
        for task in tasks:
            failure = host.condemned if host.name else _invalid(task)
            if failure is None:
                raise TypeError(f"{host.name} was condemned for no reason")
            fetched = Fetched(task.url, task.fetch_url, self._shard, input=task.input, attempts=task.attempts)
            self.fail(task, fetched, failure)
        return True

    # -- the commit -----------------------------------------------------------------------------------------------

    def _end(self, task: Task, made: Made, lease: PageLease | None) -> None:
        self._rows.append(made.line)
        self._ends.append((task, made.kind, lease))
        self._finds.extend(made.finds)
        if self.full:
            self._due.set()

    def commit(self) -> None:
        """Append what was gathered, note it in the frontier, and make the frontier durable. Raises OutputError."""
        self._due.clear()
        rows, ends, finds = self._rows, self._ends, self._finds
        if rows:
            self._rows, self._ends, self._finds = [], [], []
            for start in range(0, len(rows), self._commit_rows):
                self._append(rows[start : start + self._commit_rows], ends[start : start + self._commit_rows])
            self._links.add(finds)
            self._store.set_meta(clock=int(time.time()))
        self._store.commit()
        self._links.pump()
        if self.caching is not None:
            self.caching.flush()
        if rows:
            self.finished += len(rows)
            for _, _, lease in ends:
                if lease is not None:
                    lease.close()
            self._schedule.committed((task.key for task, _, _ in ends), self._now())
            self._wake()

    def _append(self, rows: list[bytes], ends: list[tuple[Task, FailureKind | None, PageLease | None]]) -> None:
        record, places = self._part.append(rows)
        crash_point("between_append_and_commit")
        finished = [
            Finished(task.key, kind, start, length)
            for (task, kind, _), (start, length) in zip(ends, places, strict=True)
        ]
        self._store.add_commit(record, finished)


def _invalid(task: Task) -> Failure:
    """Why a line of an input is no URL to fetch, and which line it is."""
    failure = parse_target(task.url)
    if isinstance(failure, Target):
        raise TypeError(f"{task.url} is a URL after all")
    _, ordinal = split_position(task.position)
    return Failure(failure.kind, f"line {ordinal}: {failure.message}")
