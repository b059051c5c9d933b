"""The tasks of a shard on disk: inserted by ingest, handed out by host, given their end at each commit.

What is shared stands in :mod:`.ledger`, the ends of tasks in :mod:`.results`, the way back from an end to the queue in
:mod:`.requeue`; here are ingest and handing out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from engine.frontier.intake import append
from engine.frontier.requeue import Requeue
from engine.frontier.schema import connect, writing
from engine.frontier.sitebudget import OVER_BUDGET
from engine.model.entries import Entries
from engine.model.task import Task, TaskKey, position
from engine.model.url import url_key

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from pathlib import Path

    from engine.frontier.intake import Inserted
    from engine.model.messages import TaskEntry

_COLUMNS: Final = "t.band, t.n, t.url, t.fetch_url, t.position, t.auth, t.input"
_GONE: Final = (
    "SELECT n FROM result WHERE host = ? AND band = ? AND n BETWEEN ? AND ? AND state > 0"
    " UNION ALL SELECT n FROM waiting WHERE host = ? AND band = ? AND n BETWEEN ? AND ?"
)
#: Tasks of a host that are compared with its results at once, at the most.
_LOOKED_THROUGH: Final = 1000


class Store(Requeue):
    """One shard's tasks, results and commits."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        meta = self.meta
        self.cursor = (meta.get("cursor_input", 0), meta.get("cursor_ordinal", 0))
        self.ingested = bool(meta.get("ingested", 0))
        self._banded = bool(meta.get("banded", 0))
        self.clock = meta.get("clock", 0)  # when a shard last wrote, by the clock of then

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> Self:
        """Open a frontier, folding what the last process logged. The caller holds the shard's lock."""
        connection = connect(path, create=create)
        try:
            with writing(path):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(
                    "INSERT OR REPLACE INTO result SELECT host, band, n, state, kind, commit_id, start, length"
                    " FROM log ORDER BY host, band, n, id"
                )
                connection.execute("DELETE FROM log")
                connection.execute("COMMIT")
                return cls(path, connection)
        except BaseException:
            connection.close()
            raise

    # -- ingest ---------------------------------------------------------------------------------------------------

    def insert(self, entries: Entries, cursor: tuple[int, int], *, found: bool = False) -> Inserted:
        """Insert a slice of a batch and move the cursor to `cursor` (input, ordinal).

        Entries at or before the present cursor were inserted before a restart and are skipped, uncounted. `found`: they
        are links of pages; one that is known is no duplicate input, and one over its site's budget is left out.
        """
        with writing(self.path):
            db = self.begin()
            held = position(*self.cursor)
            if entries and min(entries.positions) <= held:
                entries = entries.only([place for place, at in enumerate(entries.positions) if at > held])
            if self.budget.limit:
                entries = self._within_budget(db, entries, leave_out=found)
            inserted = append(db, self.index, entries, self._next_n)
            self._next_n += len(entries)
            self._banded = self._banded or any(inserted.bands)
            self.cursor = max(self.cursor, cursor)
            self.set_meta(
                next_n=self._next_n, cursor_input=self.cursor[0], cursor_ordinal=self.cursor[1],
                banded=int(self._banded),
            )  # fmt: skip
            self.count("known", inserted.new)
            if not found:
                self.count("duplicates", len(entries) - inserted.new)
            return inserted

    def _within_budget(self, db: sqlite3.Connection, entries: Entries, *, leave_out: bool) -> Entries:
        """Entries under the host that the budget puts them under; those over it, or without them."""
        placed: list[TaskEntry] = []
        for where, priority, url, fetch_url, name, *rest in entries.rows():
            host = self.budget.place(db, str(name), known=self.index.holds(url_key(str(fetch_url or url))))
            if leave_out and host == OVER_BUDGET:
                self.count("left_out", 1)
            else:
                placed.append([where, priority, url, fetch_url, host, *rest])
        return Entries.of(placed)

    def finish_ingest(self) -> None:
        """No more entries will come."""
        self.ingested = True
        self.set_meta(ingested=1)

    # -- handing out ----------------------------------------------------------------------------------------------

    @property
    def last_n(self) -> int:
        """The sequence number given out last: any task inserted later has a greater one."""
        return int(self._next_n) - 1

    def bands(self, host: int) -> list[int]:
        """The bands that a host has tasks in, first served first (done ones not excluded)."""
        if not self._banded:
            return [0]
        with writing(self.path):
            return self.index.bands(host)

    def take(self, host: int, band: int, after: int, limit: int) -> list[Task]:
        """The next queued tasks of a host's band with a sequence number above `after`, in order; fewer: all of them."""
        found: list[Task] = []
        with writing(self.path):
            db = self.begin()  # within a transaction a query need not begin one of its own, which is half of its cost
            wanted = limit
            while len(found) < limit and (some := self.index.after(host, band, after, wanted)):
                ended, after = len(some) < wanted, some[-1]
                if self._has_results or self._has_waiting:
                    gone = {n for (n,) in db.execute(_GONE, (host, band, some[0], after) * 2)}
                    some = [n for n in some if n not in gone]
                some = some[: limit - len(found)]
                sql = f"SELECT {_COLUMNS} FROM task t WHERE t.n IN ({','.join('?' * len(some))}) ORDER BY t.n"  # noqa: S608 - constants
                found += [_task(host, row) for row in db.execute(sql, some)]
                if ended:
                    break
                wanted = min(4 * wanted, _LOOKED_THROUGH)
        return found

    def ahead(self, host: int, cursors: Mapping[int, int], at_most: int) -> int:
        """How many tasks lie on disk behind a host's cursors by band; of each counted up to `at_most`."""
        with writing(self.path):
            return sum(len(self.index.after(host, band, after, at_most)) for band, after in cursors.items())

    def waiting_of(self, host: int) -> list[tuple[float, Task]]:
        """(not before, task) of a host's tasks that wait for a retry."""
        if not self._has_waiting:
            return []
        found = self.db.execute(
            f"SELECT {_COLUMNS}, w.not_before, w.attempts FROM waiting w JOIN task t USING (host, band, n)"  # noqa: S608
            " WHERE w.host = ?",
            (host,),
        )
        return [(row[7], _task(host, row, attempts=row[8])) for row in found]


def _task(host: int, row: tuple, attempts: int = 0) -> Task:  # type: ignore[type-arg]
    band, n, url, fetch_url, where, auth, extra = row[:7]
    return Task(TaskKey(host, band, n), url, fetch_url or url, where, extra, auth, attempts)
