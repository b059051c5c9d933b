"""The hosts of a shard on disk: which have work, when they may next be asked, and what is remembered of them.

A host's row is *idle* (all its tasks are committed), *ready* (work waits on disk) or *active* (the schedule in memory
has it). An active host whose process died is ready again when the file is next opened, and is then treated as asked
just now: what the dead process sent last is not known.

Hosts that tasks came in for are first appended to a log, `fresh`, and get their row, or become ready in it, when hosts
are next needed: writing to rows in no order costs three times as much, and ingest is not to wait for it.

What is written of hosts is gathered until the next commit, or until hosts are next looked for: most hosts of a long
list come once, and a statement for each would cost more than its work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from mmap import mmap
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import orjson

from engine.frontier.schema import writing
from engine.model.url import host_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.frontier.store import Store

#: Hosts to activate. The status stands in the text, not as a parameter, so that SQLite may use the partial index.
_DUE: Final = "status = 1 AND due <= ? ORDER BY due LIMIT ?"


IDLE: Final = 0
READY: Final = 1
ACTIVE: Final = 2

#: Places of the table by which a host is known to be fresh or ready (8 bytes each): each host has one, which the latest
#: host takes. Of half a million hosts two thirds keep theirs; the others are in the log twice.
_KNOWN: Final = 1 << 20

#: Fresh hosts that are in one row of the log, and how far apart in the log the next such block is, as a part of it (the
#: golden ratio: so the blocks come from all over it). Else a list sorted by site would fill the memory with hosts of
#: one site, which wait for each other.
_BLOCK: Final = 16
_STRIDE: Final = 0.618034


#: A clock that is corrected by less than this changes nothing that a pause would show.
_CLOCK_SLACK_S: Final = 2.0


@dataclass(slots=True)
class HostMemory:
    """What outlives a host's time in memory. Durations are seconds, left at `written_at` (seconds since the epoch).

    `cursors` maps a band to the sequence number up to which every task is committed or waiting, where bands differ.
    `condemned` is the (kind, message) with which all its URLs end, None for a host in good standing.
    """

    cursors: dict[str, int] = field(default_factory=dict)
    pause_left_s: float = 0.0
    pauses: int = 0
    breaker: list[object] | None = None
    condemned: list[str] | None = None
    answered: bool = False
    crawl_delay_s: float = 0.0
    written_at: float = field(default=0.0, compare=False)

    def age(self, now: float) -> None:
        """Take off what has passed by `now`, seconds since the epoch."""
        passed_s = max(0.0, now - self.written_at)
        self.pause_left_s = max(0.0, self.pause_left_s - passed_s)
        if self.breaker is not None:
            *rest, left_s = self.breaker
            self.breaker = [*rest, max(0.0, float(str(left_s)) - passed_s)]


class HostRow(NamedTuple):
    """A host as it comes off the disk. `due` is seconds since the epoch; `stale`: written before this opening."""

    id: int
    name: str
    due: float
    stale: bool
    cursor: int
    memory: HostMemory


class _Left(NamedTuple):
    """What is to be written of a host; a cursor of None stays as it is. `memory` is not changed once it is here."""

    status: int
    due: float
    cursor: int | None
    memory: HostMemory


class HostTable:
    """The host table of one shard's store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = np.frombuffer(mmap(-1, 8 * _KNOWN), np.int64)  # pages that nobody writes to cost nothing
        self._known[0] = ~0  # as all others: no host's whose place it is
        self._stride = 0.0
        self._stale: int  # what the log has up to here is of earlier openings
        (self._stale,) = store.db.execute("SELECT coalesce(max(seq), 0) FROM fresh").fetchone()
        self._any_fresh = self._stale > 0
        self._left: dict[int, _Left] = {}  # what is to be written, by id
        store.at_commit(self.write)

    def reopen(self, now: float = 0.0) -> None:
        """Called once for each process: active hosts of the last one are ready again.

        `now` is seconds since the epoch. Where the clock was set back since the file was last written, all that is due
        comes forward by as much: a second's pause must not become an hour's.
        """
        store = self._store
        ahead_s = store.clock - now if now else 0.0
        with writing(store.path):
            if ahead_s > _CLOCK_SLACK_S:
                for column in (
                    "host SET due = due",
                    "waiting SET not_before = not_before",
                    "robots SET fetched_at = fetched_at",
                ):
                    store.begin().execute(f"UPDATE {column} - ?", (ahead_s,))
            store.set_meta(clock=int(now))
            store.generation += 1
            store.set_meta(generation=store.generation)
            store.begin().execute("UPDATE host SET status = ? WHERE status = ?", (READY, ACTIVE))

    def found(self, hosts: Mapping[int, str]) -> None:
        """Tasks of these hosts (names by id) came in."""
        ids = np.fromiter(hosts, np.int64, len(hosts))
        places = ids % _KNOWN
        fresh = np.flatnonzero(self._known[places] != ids)
        if not fresh.size:
            return
        self._known[places[fresh]] = ids[fresh]
        given = list(hosts.values())
        names = [given[at] for at in fresh.tolist()]
        self._any_fresh = True
        with writing(self._store.path):
            self._store.begin().executemany(
                "INSERT INTO fresh (names) VALUES (?)",
                [("\n".join(names[at : at + _BLOCK]),) for at in range(0, len(names), _BLOCK)],
            )

    def enter(self, number: int, name: str) -> None:
        """A host that has no row gets one, and an idle one becomes ready."""
        store = self._store
        with writing(store.path):
            self.write()
            store.begin().execute(
                "INSERT INTO host (id, name, status, due, generation, cursor) VALUES (?, ?, ?, 0, ?, -1)"
                " ON CONFLICT (id) DO UPDATE SET status = ? WHERE status = ?",
                (number, name, READY, store.generation, READY, IDLE),
            )

    def _activate_fresh(self, limit: int) -> list[HostRow]:
        """Take a block off the log: hosts without a row are active at once, up to `limit`; all others get ready."""
        store = self._store
        with writing(store.path):
            db = store.begin()
            # One query for both ends would read all that is between them.
            first, last = db.execute("SELECT (SELECT min(seq) FROM fresh), (SELECT max(seq) FROM fresh)").fetchone()
            self._stride = (self._stride + _STRIDE) % 1.0
            start = first + int((last - first) * self._stride)
            seq, names = db.execute(
                "SELECT seq, names FROM fresh WHERE seq >= ? ORDER BY seq LIMIT 1", (start,)
            ).fetchone()
            db.execute("DELETE FROM fresh WHERE seq = ?", (seq,))
            self._any_fresh = first != last
            self.write()
            hosts = {host_id(name): name for name in names.split("\n")}
            marks = ",".join("?" * len(hosts))
            known = [number for (number,) in db.execute(f"SELECT id FROM host WHERE id IN ({marks})", list(hosts))]  # noqa: S608 - placeholders
            db.executemany(
                "UPDATE host SET status = ? WHERE id = ? AND status = ?", [(READY, number, IDLE) for number in known]
            )
            for number in known:
                del hosts[number]
            stale = seq <= self._stale  # an earlier process may have asked it, and died before it could say so
            rows = [HostRow(number, name, 0.0, stale, -1, HostMemory()) for number, name in hosts.items()]
            active = rows[:limit]
            self._forget(row.id for row in active)
            db.executemany(
                "INSERT INTO host (id, name, status, due, generation, cursor) VALUES (?, ?, ?, 0, ?, -1)",
                [
                    (row.id, row.name, ACTIVE if at < limit else READY, -1 if stale else store.generation)
                    for at, row in enumerate(rows)
                ],
            )
            return active

    def activate(self, limit: int, now: float) -> list[HostRow]:
        """Up to `limit` hosts that are due by `now`, in order of due time, taken off the disk's queue."""
        rows = self._take(_DUE, (0.0, limit)) if self._any_fresh else []
        while self._any_fresh and len(rows) < limit:
            rows += self._activate_fresh(limit - len(rows))
        return rows + self._take(_DUE, (now, limit - len(rows))) if len(rows) < limit else rows

    def activate_one(self, number: int) -> HostRow:
        """A host by its id, whenever it is due."""
        return self._take("id = ?", (number,))[0]

    def _take(self, where: str, values: tuple[object, ...]) -> list[HostRow]:
        store = self._store
        with writing(store.path):
            self.write()
            found = store.db.execute(
                f"SELECT id, name, due, generation, cursor, state FROM host WHERE {where}",  # noqa: S608 - constants
                values,
            ).fetchall()
            if found:
                self._forget(row[0] for row in found)
                store.begin().executemany(
                    "UPDATE host SET status = ? WHERE id = ?", [(ACTIVE, row[0]) for row in found]
                )
        return [
            HostRow(number, name, due, generation < store.generation, cursor, _memory(state))
            for number, name, due, generation, cursor, state in found
        ]

    def _forget(self, hosts: Iterable[int]) -> None:
        """These are active: should tasks come in for one once it has left, it is fresh again."""
        known = self._known
        for number in hosts:
            if known[number % _KNOWN] == number:
                known[number % _KNOWN] = ~number  # no host's whose place it is

    def next_due(self) -> float | None:
        """When the first host on disk is due, None where none has work."""
        if self._any_fresh:
            return 0.0
        with writing(self._store.path):
            self.write()
        (due,) = self._store.db.execute("SELECT min(due) FROM host WHERE status = 1").fetchone()
        return None if due is None else float(due)

    def park(self, number: int, memory: HostMemory, *, cursor: int, due: float, idle: bool) -> None:
        """A host leaves memory: idle, or to be activated again once due."""
        self._left[number] = _Left(IDLE if idle else READY, due, cursor, memory)

    def save(self, number: int, memory: HostMemory, *, due: float) -> None:
        """Remember an active host's pauses and breaker, should this process die."""
        self._left[number] = _Left(ACTIVE, due, None, memory)

    def write(self) -> None:
        """Write what was gathered; called before each commit."""
        if not self._left:
            return
        left, self._left = self._left, {}
        store = self._store
        store.begin().executemany(
            "UPDATE host SET status = ?, due = ?, generation = ?, cursor = coalesce(?, cursor), state = ? WHERE id = ?",
            [
                (host.status, host.due, store.generation, host.cursor, _state(host.memory), number)
                for number, host in left.items()
            ],
        )


_FORGETTABLE: Final = HostMemory()


def _state(memory: HostMemory) -> str | None:
    return None if memory == _FORGETTABLE else orjson.dumps(memory).decode()


def _memory(state: str | None) -> HostMemory:
    return HostMemory(**orjson.loads(state)) if state else HostMemory()
