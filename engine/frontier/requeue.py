"""The way back from an end to the queue: rows that were lost, and failures that are to be tried again."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from engine.frontier.index import TaskIndex
from engine.frontier.results import DONE, FAILED, FAILED_PREFIX, QUEUED, Results
from engine.frontier.schema import writing
from engine.frontier.sitebudget import OVER_BUDGET, SiteBudget
from engine.model.url import host_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from pathlib import Path


class Requeue(Results):
    """The part of a store that gives tasks their numbers, also anew: one that is moved to another host gets another."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self.index = TaskIndex(connection, self.begin)
        self.generation = self.meta.get("generation", 0)
        self.budget = SiteBudget(0)  # its owner sets another where run.max_urls_per_site does
        self._next_n = self.meta.get("next_n", 0)

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
            self.index.place((host,), (band,), (n,))  # before the task has this number: it may have to be loaded yet
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
