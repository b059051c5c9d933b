"""What every part of a shard's frontier shares: its connection, the open transaction, and its counters.

One connection, one writer, one open transaction: every method leaves the tables consistent, so :meth:`Ledger.commit`
may come at any moment and makes durable all that was done before it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from engine.frontier.schema import writing
from engine.observe.faultpoint import failing_point

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Ledger:
    """One shard's file. All times are seconds since the epoch."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.db = connection
        self.meta = dict(connection.execute("SELECT name, value FROM meta"))  # as it was when the file was opened
        self.counters: dict[str, int] = dict(connection.execute("SELECT name, value FROM counter"))
        self._dirty: set[str] = set()
        self._at_commit: list[Callable[[], None]] = []

    def close(self) -> None:
        """Commit and close; closed it is also where it cannot commit."""
        with closing(self.db):
            self.commit()

    def begin(self) -> sqlite3.Connection:
        """The connection, inside a transaction."""
        if not self.db.in_transaction:
            self.db.execute("BEGIN IMMEDIATE")
        return self.db

    def at_commit(self, write: Callable[[], None]) -> None:
        """Call this before each commit: it writes what its owner has gathered."""
        self._at_commit.append(write)

    def commit(self) -> None:
        """Make durable against a kill all that was written so far. Raises OutputError."""
        with writing(self.path):
            for write in self._at_commit:
                write()
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
