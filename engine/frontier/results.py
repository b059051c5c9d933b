"""The ends of tasks: what each commit notes of them, what waits to be tried again, and which rows are live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from engine.frontier.ledger import Ledger
from engine.frontier.schema import writing
from engine.model.task import CommitRecord, Place, TaskKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from engine.model.outcome import FailureKind

QUEUED: Final = 0  # in `result`: to be fetched again, while the older row stays live
DONE: Final = 1
FAILED: Final = 2

#: Error rows' counters are named "failed:KIND".
FAILED_PREFIX: Final = "failed:"

_NO_RESULT: Final = (
    " AND NOT EXISTS (SELECT 1 FROM result r WHERE r.host = t.host AND r.band = t.band AND r.n = t.n AND r.state > 0)"
)
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


class Results(Ledger):
    """The part of a store that knows how tasks ended."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._next_commit: int = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM commits").fetchone()[0]
        self._has_results = connection.execute("SELECT 1 FROM result LIMIT 1").fetchone() is not None
        self._has_waiting = connection.execute("SELECT 1 FROM waiting LIMIT 1").fetchone() is not None

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
