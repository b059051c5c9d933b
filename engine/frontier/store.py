"""The tasks of a shard on disk: inserted by ingest, handed out by host, given their end at each commit.

One connection, one writer, one open transaction: every method leaves the tables consistent, so :meth:`Store.commit`
may come at any moment and makes durable all that was done before it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self

from engine.frontier.index import TaskIndex
from engine.frontier.intake import NOTHING, append
from engine.frontier.schema import connect, writing
from engine.frontier.sitebudget import OVER_BUDGET, SiteBudget
from engine.model.prints import prints
from engine.model.task import CommitRecord, Place, Task, TaskKey, position
from engine.model.url import host_id, url_key
from engine.observe.faultpoint import failing_point

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.frontier.intake import Inserted
    from engine.model.outcome import FailureKind

QUEUED: Final = 0  # in `result`: to be fetched again, while the older row stays live
DONE: Final = 1
FAILED: Final = 2

#: Error rows' counters are named "failed:KIND".
FAILED_PREFIX: Final = "failed:"

_COLUMNS: Final = "t.band, t.n, t.url, t.fetch_url, t.position, t.auth, t.input"
_NO_RESULT: Final = (
    " AND NOT EXISTS (SELECT 1 FROM result r WHERE r.host = t.host AND r.band = t.band AND r.n = t.n AND r.state > 0)"
)
_GONE: Final = (
    "SELECT n FROM result WHERE host = ? AND band = ? AND n BETWEEN ? AND ? AND state > 0"
    " UNION ALL SELECT n FROM waiting WHERE host = ? AND band = ? AND n BETWEEN ? AND ?"
)
#: Tasks of a host that are compared with its results at once.
_LOOKED_THROUGH: Final = 1000

_RESULT_OF_WAITING: Final = (
    "INSERT OR REPLACE INTO result SELECT host, band, n, ?, ?, ?, ?, ? FROM waiting"
    " WHERE host = ? AND band = ? AND n = ?"
)


class Finished(NamedTuple):
    """A task that ended: its row's (start, length) in the block of the commit, and its kind if it failed."""

    key: TaskKey
    kind: FailureKind | None
    start: int
    length: int


class Waiting(NamedTuple):
    """A task to be tried again: not before (seconds since the epoch), after so many attempts."""

    key: TaskKey
    not_before: float
    attempts: int


class Store:
    """One shard's tasks, results and commits. All times are seconds since the epoch."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.db = connection
        self.index = TaskIndex(connection, self.begin)
        meta = dict(connection.execute("SELECT name, value FROM meta"))
        self._next_n = meta.get("next_n", 0)
        self.cursor = (meta.get("cursor_input", 0), meta.get("cursor_ordinal", 0))
        self.ingested = bool(meta.get("ingested", 0))
        self._banded = bool(meta.get("banded", 0))
        self.generation = meta.get("generation", 0)
        self.clock = meta.get("clock", 0)  # when a shard last wrote, by the clock of then
        self.budget = SiteBudget(0)  # its owner sets another where run.max_urls_per_site does
        self.counters: dict[str, int] = dict(connection.execute("SELECT name, value FROM counter"))
        self._dirty: set[str] = set()
        self._next_commit: int = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM commits").fetchone()[0]
        self._has_results = connection.execute("SELECT 1 FROM result LIMIT 1").fetchone() is not None
        self._has_waiting = connection.execute("SELECT 1 FROM waiting LIMIT 1").fetchone() is not None

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

    def close(self) -> None:
        """Commit and close; closed it is also where it cannot commit."""
        with closing(self.db):
            self.commit()

    # -- transactions ---------------------------------------------------------------------------------------------

    def begin(self) -> sqlite3.Connection:
        """The connection, inside a transaction."""
        if not self.db.in_transaction:
            self.db.execute("BEGIN IMMEDIATE")
        return self.db

    def commit(self) -> None:
        """Make durable against a kill all that was written so far. Raises OutputError."""
        with writing(self.path):
            if self._dirty:
                self.begin().executemany(
                    "INSERT OR REPLACE INTO counter VALUES (?, ?)", [(n, self.counters[n]) for n in self._dirty]
                )
                self._dirty.clear()
            if self.db.in_transaction:
                failing_point("frontier_commit", sqlite3.OperationalError("disk I/O error"))
                self.db.execute("COMMIT")

    def set_meta(self, **values: int) -> None:
        """Keep numbers by name."""
        self.begin().executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def count(self, name: str, by: int) -> None:
        """Move a counter, written with the next commit."""
        if by:
            self.counters[name] = self.counters.get(name, 0) + by
            self._dirty.add(name)

    # -- ingest ---------------------------------------------------------------------------------------------------

    def insert(
        self, entries: Sequence[Any], cursor: tuple[int, int], *, found: bool = False, made: bytearray | None = None
    ) -> Inserted:
        """Insert a slice of a batch (see messages.TaskEntry) and move the cursor to `cursor` (input, ordinal).

        Entries at or before the present cursor were inserted before a restart and are skipped, uncounted. `found`: they
        are links of pages; one that is known is no duplicate input, and one over its site's budget is left out. `made`:
        the entries' prints, where whoever read them has made them.
        """
        with writing(self.path):
            db = self.begin()
            held = position(*self.cursor)
            given, entries = len(entries), [entry for entry in entries if entry[0] > held]
            if self.budget.limit:
                entries, made = self._within_budget(db, entries, leave_out=found), None
            if made is None or len(entries) < given:
                made = prints(entries)
            inserted = append(db, self.index, entries, made, self._next_n) if entries else NOTHING
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

    def _within_budget(self, db: sqlite3.Connection, entries: Sequence[Any], *, leave_out: bool) -> list[Any]:
        """Entries under the host that the budget puts them under; those over it, or without them."""
        placed = []
        for entry in entries:
            where, priority, url, fetch_url, name, *rest = entry
            host = self.budget.place(db, name, known=self.index.holds(url_key(fetch_url or url)))
            if leave_out and host == OVER_BUDGET:
                self.count("left_out", 1)
            else:
                placed.append([where, priority, url, fetch_url, host, *rest])
        return placed

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
            queued = self._queued(host, band, after)
            while some := list(islice(queued, limit - len(found))):
                sql = f"SELECT {_COLUMNS} FROM task t WHERE t.n IN ({','.join('?' * len(some))}) ORDER BY t.n"  # noqa: S608 - constants
                found += [_task(host, row) for row in self.db.execute(sql, some)]
        return found

    def _queued(self, host: int, band: int, after: int) -> Iterator[int]:
        """The tasks of a host's band above `after` that have not ended and do not wait by name."""
        places = self.index.after(host, band, after)
        if not (self._has_results or self._has_waiting):
            yield from places
        while some := list(islice(places, _LOOKED_THROUGH)):
            gone = self.db.execute(_GONE, (host, band, some[0], some[-1]) * 2)
            yield from sorted(set(some).difference(n for (n,) in gone))

    def ahead(self, host: int, cursors: Mapping[int, int], at_most: int) -> int:
        """How many tasks lie on disk behind a host's cursors by band; counted up to `at_most`."""
        with writing(self.path):
            return sum(
                sum(1 for _ in islice(self.index.after(host, band, after), at_most)) for band, after in cursors.items()
            )

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

    # -- commits --------------------------------------------------------------------------------------------------

    def add_commit(self, record: CommitRecord, finished: Iterable[Finished]) -> int:
        """Note an append to the part file, and give each of its tasks its state and its row's place."""
        with writing(self.path):
            db = self.begin()
            commit_id: int = self._next_commit
            self._next_commit += 1
            db.execute(
                "INSERT INTO commits VALUES (?,?,?,?,?,?)",
                (commit_id, record.offset, record.length, record.raw_length, record.crc32, record.count),
            )
            rows, failed = [], 0
            for key, kind, start, length in finished:
                state = DONE if kind is None else FAILED
                if kind is not None:
                    failed += 1
                    self.count(FAILED_PREFIX + kind, 1)
                rows.append((key.host_id, key.band, key.n, state, kind, commit_id, start, length))
            db.executemany(
                "INSERT INTO log (host, band, n, state, kind, commit_id, start, length) VALUES (?,?,?,?,?,?,?,?)", rows
            )
            if self._has_waiting:
                # A waiting task is read by name, perhaps ahead of its host's cursor (a restart begins with an older
                # one). Its end must be seen before the next opening, or the cursor would come by and hand it out again.
                before = db.total_changes
                db.executemany(_RESULT_OF_WAITING, [(*row[3:], *row[:3]) for row in rows])
                self._has_results = self._has_results or db.total_changes > before
                before = db.total_changes
                db.executemany("DELETE FROM waiting WHERE host = ? AND band = ? AND n = ?", [row[:3] for row in rows])
                self.count("waiting", before - db.total_changes)
            self.count("failed", failed)
            self.count("done", len(rows) - failed)
            return commit_id

    def is_unfinished(self, key: TaskKey) -> bool:
        """Whether there is such a task, and it has not ended."""
        sql = f"SELECT 1 FROM task t WHERE t.host = ? AND t.band = ? AND t.n = ?{_NO_RESULT}"  # noqa: S608 - constants
        return self.db.execute(sql, key).fetchone() is not None

    def hold_back(self, tasks: Sequence[Waiting]) -> None:
        """Let tasks wait by name from now on; those that wait already stay as they are."""
        held = "SELECT 1 FROM waiting WHERE host = ? AND band = ? AND n = ?"
        self.add_waiting([
            task for task in tasks
            if not self.db.execute(held, (task.key.host_id, task.key.band, task.key.n)).fetchone()
        ])  # fmt: skip

    def add_waiting(self, tasks: Sequence[Waiting]) -> None:
        """Note tasks that are to be tried again."""
        if not tasks:
            return
        with writing(self.path):
            db = self.begin()
            self._has_waiting = True
            for key, not_before, attempts in tasks:
                found = db.execute(
                    "UPDATE waiting SET not_before = ?, attempts = ? WHERE host = ? AND band = ? AND n = ?",
                    (not_before, attempts, key.host_id, key.band, key.n),
                )
                if not found.rowcount:
                    db.execute(
                        "INSERT INTO waiting VALUES (?,?,?,?,?)", (key.host_id, key.band, key.n, not_before, attempts)
                    )
                    self.count("waiting", 1)

    def last_commit(self) -> CommitRecord | None:
        """The latest append that is noted."""
        row = self.db.execute(
            "SELECT offset, length, raw_length, crc32, count FROM commits ORDER BY id DESC LIMIT 1"
        ).fetchone()
        return CommitRecord(*row) if row else None

    def commit_records(self) -> Iterator[tuple[int, CommitRecord]]:
        """(commit id, record) in the order of the part file."""
        for row in self.db.execute("SELECT id, offset, length, raw_length, crc32, count FROM commits ORDER BY id"):
            yield row[0], CommitRecord(*row[1:])

    def live_rows(self, order: Literal["completion", "input"]) -> Iterator[tuple[int, Place, bool]]:
        """(position, place, failed) of each live row: in the order of the part file, or of the inputs."""
        by = "r.commit_id, r.start" if order == "completion" else "t.position"
        found = self.db.execute(
            "SELECT t.position, r.commit_id, r.start, r.length, r.kind IS NOT NULL"  # noqa: S608 - constants
            f" FROM result r JOIN task t USING (host, band, n) WHERE r.commit_id IS NOT NULL ORDER BY {by}"
        )
        for where, commit_id, start, length, failed in found:
            yield where, Place(commit_id, start, length), bool(failed)

    # -- going back -----------------------------------------------------------------------------------------------

    def requeue_commits(self, commit_ids: Iterable[int]) -> int:
        """Queue again the tasks whose rows lay in lost or damaged appends; forget those appends."""
        ids = iter(commit_ids)
        total = 0
        while chunk := list(islice(ids, 500)):
            marks = ",".join("?" * len(chunk))
            total += self._requeue(f"commit_id IN ({marks})", chunk, keep_rows=False)
            with writing(self.path):
                self.begin().execute(f"DELETE FROM commits WHERE id IN ({marks})", chunk)  # noqa: S608 - placeholders
        return total

    def requeue_failed(self, kinds: Sequence[str]) -> int:
        """Queue failed tasks again (of these kinds; none named: all). Their old rows stay live until the new ones."""
        marks = ",".join("?" * len(kinds))
        queued = self._requeue(
            f"state = {FAILED}" + (f" AND kind IN ({marks})" if kinds else ""), kinds, keep_rows=True
        )
        with writing(self.path):
            self._move_home(self.begin())
        return queued

    def _move_home(self, db: sqlite3.Connection) -> None:
        """Move what waited for room in its site's budget to its true host, behind all else: runs are never changed."""
        for at, band, name in self.budget.to_move(db):
            host, n = host_id(name), self._next_n
            self._next_n += 1
            self.index.place((host,), (band,), n)  # before the task has this number: it may have to be loaded yet
            db.execute("UPDATE task SET host = ?, n = ? WHERE n = ?", (host, n, at))
            db.execute(
                "UPDATE result SET host = ?, n = ? WHERE host = ? AND band = ? AND n = ?",
                (host, n, host_id(OVER_BUDGET), band, at),
            )
            db.execute(
                "INSERT INTO host (id, name, status, due, generation, cursor) VALUES (?, ?, 1, 0, ?, -1)"
                " ON CONFLICT (id) DO UPDATE SET status = 1, cursor = -1",
                (host, name, self.generation),
            )
        self.set_meta(next_n=self._next_n)

    def _requeue(self, where: str, values: Sequence[object], *, keep_rows: bool) -> int:
        with writing(self.path):
            db = self.begin()
            counted = db.execute(
                f"SELECT state, kind, count(*) FROM result WHERE {where} AND state > 0 GROUP BY state, kind",  # noqa: S608
                values,
            ).fetchall()
            for state, kind, count in counted:
                self.count("done" if state == DONE else "failed", -count)
                if kind is not None:
                    self.count(FAILED_PREFIX + kind, -count)
            # What stood in a host's way is forgotten with its failures: state holds pauses, breaker and cursors.
            db.execute(
                "UPDATE host SET status = 1, cursor = -1, state = NULL WHERE id IN (SELECT DISTINCT host FROM result"  # noqa: S608
                f" WHERE {where})",
                values,
            )
            if keep_rows:
                db.execute(f"UPDATE result SET state = {QUEUED} WHERE {where}", values)  # noqa: S608
            else:
                db.execute(f"DELETE FROM result WHERE {where}", values)  # noqa: S608
            return sum(int(count) for _, _, count in counted)


def _task(host: int, row: tuple, attempts: int = 0) -> Task:  # type: ignore[type-arg]
    band, n, url, fetch_url, where, auth, extra = row[:7]
    return Task(TaskKey(host, band, n), url, fetch_url or url, where, extra, auth, attempts)
