"""An index as sorted runs: what a long list costs least in, since nothing is ever inserted in the midst of it.

The records of an index are 16 bytes each and compare as bytes. Those of the latest tasks are in memory, with whoever
owns the index; so many at once are sorted and written as a *run*, in blocks. Eight runs of a tier are merged into one
of the next (a log-structured merge tree: O'Neil et al., Acta Informatica 33, 1996), a piece at a time, so that fetching
goes on: a record is written once a tier, and a look-up reads a block of some ten runs, however long the list. A B-tree
takes each record at a random place: each of a million URLs then cost 6 KB of writing instead of 0.3, and twice as much
processor time.

A block is a row, and a page, of its own. Which one a record is in, the blocks' first records say: a run's are in
memory, and in its row of `run`, which is written once the run is whole, in the transaction that lets those go that it
is made of.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.frontier.filter import RECORD_BYTES, WORD_BYTES, Filter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Records = NDArray[np.bytes_]

#: Records as an array, which numpy orders as bytes: also one taken out of it, which lacks the zeros at its end.
_RECORD: Final = np.dtype(f"S{RECORD_BYTES}")

#: So many fill a page of 8 KiB to its end but for a few bytes, and no more than it: a longer row goes on in others.
BLOCK_RECORDS: Final = 500
_BLOCK_BYTES: Final = BLOCK_RECORDS * RECORD_BYTES

#: A block's id is its run's and its place in the run.
_PLACE_BITS: Final = 32

#: Runs of a tier that are merged at once: more of them cost look-ups, fewer writing.
FAN: Final = 8

#: Blocks that the end of a merge takes away between two pauses, and what one costs, in records merged.
_BLOCKS_DROPPED: Final = 32
_COST_OF_DROPPING: Final = 32

#: By tier, the bits of a filter of what a run's records begin with: eight a record. One of a higher tier is large, and
#: there are few such runs.
_FILTER_BITS: Final = {0: 1 << 18, 1: 1 << 21}


@dataclass(slots=True, eq=False)
class _Run:
    id: int
    tier: int
    since: int  # runs of an index are in the order of this
    firsts: list[bytes] = field(default_factory=list)  # the first record of each block
    filter: Filter | None = None  # made when first asked


class Runs:
    """The runs of one index. `owner` is 0 or 1: there are two in a file. The caller begins transactions."""

    def __init__(self, db: sqlite3.Connection, owner: int) -> None:
        self._db = db
        self._owner = owner
        self._runs = [
            _Run(number, tier, since, [_at(firsts, place) for place in range(len(firsts) // RECORD_BYTES)])
            for number, tier, since, firsts in db.execute(
                "SELECT id, tier, since, firsts FROM run WHERE owner = ? ORDER BY since", (owner,)
            )
        ]
        self._next_id = max((run.id for run in self._runs), default=owner) + 2  # so an owner's are even, or odd
        self._merging: Iterator[int] | None = None
        self._cleared = False

    def __bool__(self) -> bool:
        """Whether anything is in them."""
        return bool(self._runs)

    # -- reading --------------------------------------------------------------------------------------------------

    def holds(self, record: bytes) -> bool:
        """Whether a record is in a run."""
        return any(self._has(run, record) for run in self._runs)

    def _has(self, run: _Run, record: bytes) -> bool:
        place = bisect_right(run.firsts, record) - 1
        if place < 0:
            return False
        block = self._read(run, place)
        return block.startswith(record, RECORD_BYTES * _place(bisect_left, block, record))

    def behind(self, after: bytes, prefix: bytes, most: int) -> list[bytes]:
        """Up to `most` records above `after` that begin with `prefix`: the oldest run's, in order, then the next one's.

        None that does not begin so lies between `after` and those that do.
        """
        found: list[bytes] = []
        for run in self._that_may_hold(prefix):
            if len(found) < most:
                found += self._of_run(run, after, prefix, most - len(found))
        return found

    def first(self, after: bytes, prefix: bytes) -> bytes | None:
        """The lowest record above `after` that begins with `prefix`."""
        firsts = (self._of_run(run, after, prefix, 1) for run in self._that_may_hold(prefix))
        return min((first for (first,) in filter(None, firsts)), default=None)

    def _that_may_hold(self, prefix: bytes) -> list[_Run]:
        """The runs with records that may begin so: most have none of a host that comes once."""
        if len(prefix) < WORD_BYTES:
            return self._runs
        word = Filter.word(prefix)
        found = []
        for run in self._runs:
            if run.filter is None and run.tier in _FILTER_BITS:
                run.filter = Filter(_FILTER_BITS[run.tier])
                run.filter.note(b"".join(self._blocks_of(run)))
            if run.filter is None or run.filter.has(word):
                found.append(run)
        return found

    def _of_run(self, run: _Run, after: bytes, prefix: bytes, most: int) -> list[bytes]:
        found: list[bytes] = []
        first = max(0, bisect_right(run.firsts, after) - 1)
        for place in range(first, len(run.firsts)):
            if place > first and not run.firsts[place].startswith(prefix):
                break
            block = self._read(run, place)
            for at in range(RECORD_BYTES * _place(bisect_right, block, after), len(block), RECORD_BYTES):
                if len(found) == most or not block.startswith(prefix, at):
                    return found
                found.append(block[at : at + RECORD_BYTES])
        return found

    def _read(self, run: _Run, place: int) -> bytes:
        found = self._db.execute("SELECT records FROM block WHERE id = ?", (_id(run, place),)).fetchone()
        if found is None:
            torn = sqlite3.DatabaseError(f"run {run.id} lacks block {place}")
            torn.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise torn
        records: bytes = found[0]
        return records

    def blocks(self) -> Iterator[bytes]:
        """Every record, in no order, a block's at once."""
        for run in self._runs:
            yield from self._blocks_of(run)

    def _blocks_of(self, run: _Run) -> Iterator[bytes]:
        return (self._read(run, place) for place in range(len(run.firsts)))

    # -- writing --------------------------------------------------------------------------------------------------

    def add(self, records: bytes | bytearray, since: int) -> None:
        """Write records, one after another in any order, as a run; `since` is above that of every earlier one."""
        self._clear()
        run = _Run(self._take_id(), 0, since)
        self._write(run, np.sort(_split(records)))
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
        heads = [(self._blocks_of(run), _split(b"")) for run in old]  # what is still to be read, and what was
        out = _split(b"")
        while heads:
            heads = [(left, head if head.size else _split(next(left, b""))) for left, head in heads]
            heads = [(left, head) for left, head in heads if head.size]
            # What is up to the lowest of what was read last is read in full.
            upto = min((head[-1] for _, head in heads), default=b"")
            ends = [int(head.searchsorted(upto, side="right")) for _, head in heads]
            step = np.concatenate([out[:0], *(head[:end] for (_, head), end in zip(heads, ends, strict=True))])
            heads = [(left, head[end:]) for (left, head), end in zip(heads, ends, strict=True)]
            step.sort(kind="stable")  # as good as merging: it finds what is sorted
            out = np.concatenate([out, step])
            whole = out.size - out.size % BLOCK_RECORDS if heads else out.size
            self._write(new, out[:whole])
            out = out[whole:]
            yield step.size
        self._db.executemany("DELETE FROM run WHERE id = ?", [(run.id,) for run in old])
        self._runs = [run for run in self._runs if run not in old]
        self._note(new)
        for gone in old:
            yield from self._drop(gone.id)

    def _write(self, run: _Run, records: Records) -> None:
        """Write a run's next blocks."""
        written = records.tobytes()
        blocks = [written[at : at + _BLOCK_BYTES] for at in range(0, len(written), _BLOCK_BYTES)]
        self._db.executemany(
            "INSERT INTO block (id, records) VALUES (?, ?)",
            [(_id(run, place), block) for place, block in enumerate(blocks, len(run.firsts))],
        )
        run.firsts += [block[:RECORD_BYTES] for block in blocks]

    def _note(self, run: _Run) -> None:
        self._db.execute(
            "INSERT INTO run (id, owner, tier, since, firsts) VALUES (?, ?, ?, ?, ?)",
            (run.id, self._owner, run.tier, run.since, b"".join(run.firsts)),
        )
        self._runs = sorted([*self._runs, run], key=lambda one: one.since)

    def _drop(self, run: int) -> Iterator[int]:
        """Take the blocks of a run away; gives about what each step costs, in records merged."""
        sql = "DELETE FROM block WHERE id IN (SELECT id FROM block WHERE id BETWEEN ? AND ? LIMIT ?)"
        while self._db.execute(sql, (run << _PLACE_BITS, ((run + 1) << _PLACE_BITS) - 1, _BLOCKS_DROPPED)).rowcount:
            yield _COST_OF_DROPPING * _BLOCKS_DROPPED

    def _clear(self) -> None:
        """Once: take away what a killed process left of a merge that it had not ended, or not cleared up after."""
        if self._cleared:
            return
        self._cleared = True
        known = {run.id for run in self._runs}
        run = -1
        above = "SELECT min(id) FROM block WHERE id >= ?"
        while (found := self._db.execute(above, ((run + 1) << _PLACE_BITS,)).fetchone()[0]) is not None:
            run = found >> _PLACE_BITS
            if run % 2 == self._owner and run not in known:
                for _ in self._drop(run):
                    pass

    def _take_id(self) -> int:
        self._next_id += 2
        return self._next_id - 2


def _id(run: _Run, place: int) -> int:
    return run.id << _PLACE_BITS | place


def _at(records: bytes, place: int) -> bytes:
    return records[place * RECORD_BYTES : (place + 1) * RECORD_BYTES]


def _place(bisect: Callable[..., int], block: bytes, record: bytes) -> int:
    """Where a record is, or would be, among a block's."""
    return bisect(range(len(block) // RECORD_BYTES), record, key=lambda place: _at(block, place))


def _split(records: bytes | bytearray) -> Records:
    return np.frombuffer(records, _RECORD)
