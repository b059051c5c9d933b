"""URLs found here that belong to another shard's site: kept until that shard has committed them.

They enter the outbox in the transaction that commits the row of the page that named them, and leave it when their owner
says that they are in its own frontier. A message lost with a process is sent again; a URL that arrives twice is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from engine.frontier.schema import writing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.frontier.store import Store
    from engine.model.messages import TaskEntry


class Outbox:
    """The entries of one frontier that wait for their owners."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.waiting: int
        with writing(store.path):
            (self.waiting,) = store.db.execute("SELECT count(*) FROM outbox").fetchone()

    def add(self, entries: Iterable[tuple[int, TaskEntry]]) -> None:
        """Take in (shard, entry) pairs, durable with the next commit."""
        rows = [(shard, orjson.dumps(entry)) for shard, entry in entries]
        with writing(self._store.path):
            self._store.begin().executemany("INSERT INTO outbox (shard, entry) VALUES (?, ?)", rows)
        self.waiting += len(rows)

    def shards(self) -> list[int]:
        """The shards that something waits for."""
        with writing(self._store.path):
            return [row[0] for row in self._store.db.execute("SELECT DISTINCT shard FROM outbox")]

    def first(self, shard: int, limit: int) -> tuple[int, list[Any]]:
        """(number of the last, entries) of the first so many that wait for a shard."""
        with writing(self._store.path):
            rows = self._store.db.execute(
                "SELECT id, entry FROM outbox WHERE shard = ? ORDER BY id LIMIT ?", (shard, limit)
            ).fetchall()
        return (rows[-1][0] if rows else 0), [orjson.loads(row[1]) for row in rows]

    def taken(self, shard: int, up_to: int) -> None:
        """A shard has committed what waited for it, up to this number."""
        with writing(self._store.path):
            done = self._store.begin().execute("DELETE FROM outbox WHERE shard = ? AND id <= ?", (shard, up_to))
            self.waiting -= done.rowcount
