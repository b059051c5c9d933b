"""An index as sorted runs: what a long list costs least in, since nothing is ever inserted in the midst of it.

The records of an index are 16 bytes each and compare as bytes. Those of the latest tasks are in memory, with whoever
owns the index; so many at once are sorted and written as a *run*, in blocks. Eight runs of a tier are merged into one
of the next (a log-structured merge tree: O'Neil et al., Acta Informatica 33, 1996), a piece at a time, so that fetching
goes on: a record is written once a tier, and a look-up reads a block of some ten runs, however long the list. A B-tree
takes each record at a random place: each of a million URLs then cost 6 KB of writing instead of 0.3, and twice as much
processor time.

A run is noted in `run` once it is whole, in the transaction that lets those go that it is made of.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from engine.frontier.filter import RECORD_BYTES, WORD_BYTES, Filter

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Records = NDArray[np.bytes_]

#: Records as an array, which numpy orders as bytes: also one taken out of it, which lacks the zeros at its end.
_RECORD: Final = np.dtype(f"S{RECORD_BYTES}")

#: Seven such blocks fill a page of 8 KiB; a record of a table without rowid has a page's quarter at most.
BLOCK_RECORDS: Final = 64
_BLOCK_BYTES: Final = BLOCK_RECORDS * RECORD_BYTES

#: Runs of a tier that are merged at once: more of them cost look-ups, fewer writing.
FAN: Final = 8

#: Blocks of each run that a merge reads, and that the end of one takes away, between two pauses.
_BLOCKS_A_STEP: Final = 8
_BLOCKS_DROPPED: Final = 256

#: By tier, the bits of a filter of what a run's records begin with: eight a record. One of a higher tier is large, and
#: there are few such runs.
_FILTER_BITS: Final = {0: 1 << 18, 1: 1 << 21}

#: Of a run, the one block that may hold a record, or begins before it.
_NEAR: Final = "SELECT records FROM block WHERE run = ? AND first <= ? ORDER BY first DESC LIMIT 1"
_BEHIND: Final = "SELECT records FROM block WHERE run = ? AND first > ? ORDER BY first"


class _Run(NamedTuple):
    id: int
    tier: int
    since: int  # runs of an index are in the order of this


class Runs:
    """The runs of one index. `owner` is 0 or 1: there are two in a file. The caller begins transactions."""

    def __init__(self, db: sqlite3.Connection, owner: int) -> None:
        self._db = db
        self._owner = owner
        self._runs = [
            _Run(*row) for row in db.execute("SELECT id, tier, since FROM run WHERE owner = ? ORDER BY since", (owner,))
        ]
        self._next_id = max((run.id for run in self._runs), default=owner) + 2  # so an owner's are even, or odd
        self._filters: dict[int, Filter] = {}  # by run; made when first asked
        self._merging: Iterator[int] | None = None
        self._cleared = False

    def __bool__(self) -> bool:
        """Whether anything is in them."""
        return bool(self._runs)

    # -- reading --------------------------------------------------------------------------------------------------

    def holds(self, record: bytes) -> bool:
        """Whether a record is in a run."""
        blocks = (self._near(run, record) for run in self._runs)
        return any(block is not None and _at(block, bisect_left(_Places(block), record)) == record for block in blocks)

    def behind(self, after: bytes, prefix: bytes) -> Iterator[bytes]:
        """The records above `after` that begin with `prefix`: the oldest run's, in order, then the next one's.

        None that does not begin so lies between `after` and those that do.
        """
        for run in self._runs:
            if self._may_hold(run, prefix):
                yield from self._of_run(run, after, prefix)

    def first(self, after: bytes, prefix: bytes) -> bytes | None:
        """The lowest of what :meth:`behind` gives."""
        firsts = (next(self._of_run(run, after, prefix), None) for run in self._runs if self._may_hold(run, prefix))
        return min((record for record in firsts if record is not None), default=None)

    def _near(self, run: _Run, record: bytes) -> bytes | None:
        found = self._db.execute(_NEAR, (run.id, record)).fetchone()
        return found[0] if found else None

    def _may_hold(self, run: _Run, prefix: bytes) -> bool:
        """Whether records of a run may begin so: of most runs, a host that comes once has none."""
        bits = _FILTER_BITS.get(run.tier)
        if bits is None or len(prefix) < WORD_BYTES:
            return True
        held = self._filters.get(run.id)
        if held is None:
            held = self._filters[run.id] = Filter(bits)
            held.note(b"".join(self._blocks_of(run)))
        return held.has(prefix)

    def _of_run(self, run: _Run, after: bytes, prefix: bytes) -> Iterator[bytes]:
        near = self._near(run, after)
        if near is not None:
            yield from _cut(near, after, prefix)
            if near[-RECORD_BYTES:] > after and not near.startswith(prefix, len(near) - RECORD_BYTES):
                return
        for (block,) in self._db.execute(_BEHIND, (run.id, after)):
            yield from _cut(block, after, prefix)
            if not block.startswith(prefix, len(block) - RECORD_BYTES):
                return

    def blocks(self) -> Iterator[bytes]:
        """Every record, in no order, a block's at once."""
        for run in self._runs:
            yield from self._blocks_of(run)

    def _blocks_of(self, run: _Run) -> Iterator[bytes]:
        return (block for (block,) in self._db.execute("SELECT records FROM block WHERE run = ?", (run.id,)))

    # -- writing --------------------------------------------------------------------------------------------------

    def add(self, records: bytes | bytearray, since: int) -> None:
        """Write records, one after another in any order, as a run; `since` is above that of every earlier one."""
        self._clear()
        run = _Run(self._take_id(), 0, since)
        self._write(run.id, np.sort(_split(records)))
        self._note(run)

    def work(self, records: int) -> None:
        """Merge what is to be merged, about so many records of it."""
        while records > 0:
            if self._merging is None:
                if (due := self._due()) is None:
                    return
                self._clear()
                self._merging = self._merge(due)
            if (done := next(self._merging, None)) is None:
                self._merging = None
            else:
                records -= done

    def _due(self) -> list[_Run] | None:
        """The oldest runs of a tier that has enough of them."""
        for tier in {run.tier for run in self._runs}:
            of_tier = [run for run in self._runs if run.tier == tier]
            if len(of_tier) >= FAN:
                return of_tier[:FAN]
        return None

    def _merge(self, old: list[_Run]) -> Iterator[int]:
        """Write one run in place of several; gives the number of records after each step."""
        new = _Run(self._take_id(), old[0].tier + 1, old[0].since)
        read = {run.id: b"" for run in old}  # the first record of the last block read
        heads = {run.id: _split(b"") for run in old}
        out = _split(b"")
        while heads:
            for run in [run for run, head in heads.items() if not head.size]:
                blocks = self._db.execute(
                    "SELECT records FROM block WHERE run = ? AND first > ? ORDER BY first LIMIT ?",
                    (run, read[run], _BLOCKS_A_STEP),
                ).fetchall()
                if blocks:
                    read[run] = blocks[-1][0][:RECORD_BYTES]
                    heads[run] = _split(b"".join(block for (block,) in blocks))
                else:
                    del heads[run]
            # What is up to the lowest of what was read last is read in full.
            upto = min((head[-1] for head in heads.values()), default=b"")
            ends = {run: int(head.searchsorted(upto, side="right")) for run, head in heads.items()}
            step = np.concatenate([out[:0], *(head[: ends[run]] for run, head in heads.items())])
            heads = {run: head[ends[run] :] for run, head in heads.items()}
            step.sort(kind="stable")  # as good as merging: it finds what is sorted
            out = np.concatenate([out, step])
            whole = out.size - out.size % BLOCK_RECORDS if heads else out.size
            self._write(new.id, out[:whole])
            out = out[whole:]
            yield step.size
        self._db.executemany("DELETE FROM run WHERE id = ?", [(run.id,) for run in old])
        self._runs = [run for run in self._runs if run not in old]
        self._note(new)
        for gone in old:
            self._filters.pop(gone.id, None)
            yield from self._drop(gone.id)

    def _write(self, run: int, records: Records) -> None:
        written = records.tobytes()
        self._db.executemany(
            "INSERT INTO block (run, first, records) VALUES (?, ?, ?)",
            [
                (run, written[at : at + RECORD_BYTES], written[at : at + _BLOCK_BYTES])
                for at in range(0, len(written), _BLOCK_BYTES)
            ],
        )

    def _note(self, run: _Run) -> None:
        self._db.execute(
            "INSERT INTO run (id, owner, tier, since) VALUES (?, ?, ?, ?)", (run.id, self._owner, *run[1:])
        )
        self._runs = sorted([*self._runs, run], key=lambda one: one.since)

    def _drop(self, run: int) -> Iterator[int]:
        """Take the blocks of a run away; gives about what each step costs, in records merged."""
        sql = "DELETE FROM block WHERE run = ? AND first IN (SELECT first FROM block WHERE run = ? LIMIT ?)"
        while self._db.execute(sql, (run, run, _BLOCKS_DROPPED)).rowcount:
            yield 4 * _BLOCKS_DROPPED

    def _clear(self) -> None:
        """Once: take away what a killed process left of a merge that it had not ended, or not cleared up after."""
        if self._cleared:
            return
        self._cleared = True
        known = {run.id for run in self._runs}
        run = -1
        while (run := self._db.execute("SELECT min(run) FROM block WHERE run > ?", (run,)).fetchone()[0]) is not None:
            if run % 2 == self._owner and run not in known:
                for _ in self._drop(run):
                    pass

    def _take_id(self) -> int:
        self._next_id += 2
        return self._next_id - 2


class _Places:
    """A block's records as a sequence, for bisect."""

    __slots__ = ("_block",)

    def __init__(self, block: bytes) -> None:
        self._block = block

    def __len__(self) -> int:
        return len(self._block) // RECORD_BYTES

    def __getitem__(self, at: int) -> bytes:
        return _at(self._block, at)


def _at(block: bytes, at: int) -> bytes:
    return block[at * RECORD_BYTES : (at + 1) * RECORD_BYTES]


def _split(records: bytes | bytearray) -> Records:
    return np.frombuffer(records, _RECORD)


def _cut(block: bytes, after: bytes, prefix: bytes) -> Iterator[bytes]:
    """The records of a block above `after` that begin with `prefix`."""
    at = block.find(prefix)
    while at > 0 and at % RECORD_BYTES:  # in the midst of a record
        at = block.find(prefix, at + 1)
    while 0 <= at < len(block) and block.startswith(prefix, at):
        record = _at(block, at // RECORD_BYTES)
        if record > after:
            yield record
        at += RECORD_BYTES
