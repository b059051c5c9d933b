"""The robots.txt files of a shard's origins on disk, so that a successor of this process need not ask for them again.

They are written with the next commit: most hosts of a long list come once, and a statement for each would cost more
than its work. For the same reason an origin without one is told from memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.frontier.filter import Filter

if TYPE_CHECKING:
    from engine.frontier.store import Store

#: Bits of the filter of origins that have one, for half a million of them.
_FILTER_BITS: Final = 1 << 22


class RobotsRow(NamedTuple):
    """A robots.txt as it was fetched (seconds since the epoch): the answer's status and its body."""

    fetched_at: float
    status: int
    body: bytes


class RobotsTable:
    """The robots table of one shard's store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._left: dict[str, RobotsRow] = {}  # what is to be written, by origin
        # Only of files that this process has kept: where there are others, every origin is looked for.
        kept_before = store.db.execute("SELECT 1 FROM robots LIMIT 1").fetchone() is not None
        self._kept = None if kept_before else Filter(_FILTER_BITS)
        store.at_commit(self._write)

    def get(self, origin: str) -> RobotsRow | None:
        """The robots.txt of an origin, if one was kept."""
        if (left := self._left.get(origin)) is not None:
            return left
        if self._kept is not None and not self._kept.has(hash(origin)):
            return None
        row = self._store.db.execute(
            "SELECT fetched_at, status, body FROM robots WHERE origin = ?", (origin,)
        ).fetchone()
        return RobotsRow(*row) if row else None

    def keep(self, origin: str, row: RobotsRow) -> None:
        """Keep a robots.txt, in place of an older one."""
        self._left[origin] = row
        if self._kept is not None:
            self._kept.add(hash(origin))

    def _write(self) -> None:
        if self._left:
            left, self._left = self._left, {}
            self._store.begin().executemany(
                "INSERT OR REPLACE INTO robots VALUES (?, ?, ?, ?)", [(origin, *row) for origin, row in left.items()]
            )
