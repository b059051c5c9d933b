"""Which URLs a frontier has, by key, and which tasks a host has, in order: the two indexes of the task table.

Of the latest tasks both are in memory, of all others in sorted runs (:mod:`.runs`); `sealed` in the table of numbers
says up to which task. What is in memory is made from the tasks themselves when a file is opened again.

A new URL must not cost a look-up in the runs: a filter (Bloom, CACM 13/7, 1970; one bit a key) tells most of them.
"""

from __future__ import annotations

from collections import defaultdict
from struct import Struct
from typing import TYPE_CHECKING, Final

from engine.frontier.runs import Runs
from engine.model.prints import key_of
from engine.model.url import host_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

#: Tasks whose keys and hosts are in memory: sorting and writing so many stops fetching for 30 ms.
GENERATION: Final = 1 << 15

#: Bytes of the filter. Of a million URLs 0.4 % are looked up in vain, of ten million 4 %.
_FILTER_BYTES: Final = 1 << 25
_BITS: Final = tuple(1 << bit for bit in range(8))
_WORD: Final = Struct(">I12x")

#: Records merged for each that is added: with two indexes of three tiers every record is merged six times at the most.
_WORK: Final = 8

#: A host's record: its id, its band made positive (a priority is within ±100), and n.
_OF_HOST: Final = Struct(">qQ")
_OF_BAND: Final = Struct(">qB")
_Q_BYTES: Final = 8
_BAND_SHIFT: Final = 56
_BAND_BIAS: Final = 128
_N_MASK: Final = (1 << _BAND_SHIFT) - 1

_NO_HOST: Final = host_id("")


class TaskIndex:
    """Both indexes of one file. What is added the caller inserts in the same transaction; `begin` begins one."""

    def __init__(self, db: sqlite3.Connection, begin: Callable[[], object]) -> None:
        self._db = db
        self._begin = begin
        self.generation = GENERATION
        self._keys = Runs(db, 0)
        self._hosts = Runs(db, 1)
        row = db.execute("SELECT value FROM meta WHERE name = 'sealed'").fetchone()
        self._sealed: int = row[0] if row else -1
        self._loaded = False
        self._filter: bytearray | None = None
        # What follows is of the tasks above `sealed`.
        self._recent: set[bytes] = set()
        self._tail: defaultdict[tuple[int, int], list[int]] = defaultdict(list)  # (host, band) -> n
        self._bands: defaultdict[int, set[int]] = defaultdict(set)  # host -> bands; only of hosts with another than 0
        self._last = self._sealed

    # -- by key ---------------------------------------------------------------------------------------------------

    def known(self, keys: Sequence[bytes]) -> set[int]:
        """Which of these are there already, or stand earlier among them, by their place."""
        self._load()
        found = {at for at in self._maybe(keys) if self._keys.holds(keys[at])} if self._keys else set()
        if len(set(keys)) < len(keys) or not self._recent.isdisjoint(keys):
            before: set[bytes] = set()
            for at, key in enumerate(keys):
                if key in self._recent or key in before:
                    found.add(at)
                before.add(key)
        return found

    def holds(self, key: bytes) -> bool:
        """Whether a URL is there."""
        return bool(self.known((key,)))

    def _maybe(self, keys: Sequence[bytes]) -> list[int]:
        """Which of these the filter has; all others are new to the runs."""
        filled, bits = self._filled(), _BITS
        hits = [filled[word >> 7] & bits[word & 7] for (word,) in _WORD.iter_unpack(b"".join(keys))]
        return [at for at, hit in enumerate(hits) if hit] if any(hits) else []

    def _filled(self) -> bytearray:
        if self._filter is None:
            self._filter = bytearray(_FILTER_BYTES)
            for block in self._keys.blocks():
                self._note(block)
        return self._filter

    def _note(self, keys: bytes) -> None:
        if (filled := self._filter) is not None:
            for (word,) in _WORD.iter_unpack(keys):
                filled[word >> 7] |= _BITS[word & 7]

    # -- by host --------------------------------------------------------------------------------------------------

    def after(self, host: int, band: int, n: int) -> Iterator[int]:
        """The tasks of a host's band above n, in order. One may be there no more."""
        self._load()
        if self._hosts:
            start = _OF_HOST.pack(host, ((band + _BAND_BIAS) << _BAND_SHIFT) + n)
            prefix = _OF_BAND.pack(host, band + _BAND_BIAS)
            for record in self._hosts.behind(start, prefix):
                yield _OF_HOST.unpack(record)[1] & _N_MASK
        yield from (one for one in self._tail.get((host, band), ()) if one > n)

    def bands(self, host: int) -> list[int]:
        """The bands that a host has tasks in, in order."""
        self._load()
        found = set(self._bands.get(host, ()))
        if (host, 0) in self._tail:
            found.add(0)
        if self._hosts:
            start = _OF_HOST.pack(host, 0)
            prefix = start[:-_Q_BYTES]
            while (first := self._hosts.first(start, prefix)) is not None:
                place = _OF_HOST.unpack(first)[1]
                found.add((place >> _BAND_SHIFT) - _BAND_BIAS)
                start = _OF_HOST.pack(host, place | _N_MASK)
        return sorted(found)

    # -- writing --------------------------------------------------------------------------------------------------

    def add(self, keys: Sequence[bytes], hosts: Sequence[int], bands: Sequence[int], first: int) -> None:
        """Take in tasks from n = `first` on, none of which is there."""
        self._recent.update(keys)
        self.place(hosts, bands, first)
        if len(self._recent) >= self.generation:
            self._seal()
        elif self._keys:
            self._work(_WORK * len(keys))

    def _work(self, records: int) -> None:
        for runs in (self._keys, self._hosts):
            runs.work(records // 2)

    def place(self, hosts: Sequence[int], bands: Sequence[int], first: int) -> None:
        """Take in tasks whose keys are there: under a host from now on."""
        self._load()
        tail = self._tail
        for n, at in enumerate(zip(hosts, bands, strict=True), first):
            tail[at].append(n)
        if any(bands):
            for host, band in zip(hosts, bands, strict=True):
                self._bands[host].add(band)
        self._last = first + len(hosts) - 1

    def _seal(self) -> None:
        """Write what is in memory as a run of each index."""
        self._begin()
        since = self._sealed + 1
        keys = sorted(self._recent)
        pack = _OF_HOST.pack
        places = [
            pack(host, ((band + _BAND_BIAS) << _BAND_SHIFT) | n) for (host, band), ns in self._tail.items() for n in ns
        ]
        places.sort()
        self._filled()
        self._keys.add(keys, since)
        self._note(b"".join(keys))
        self._hosts.add(places, since)
        self._sealed = self._last
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('sealed', ?)", (self._sealed,))
        self._recent, self._tail, self._bands = set(), defaultdict(list), defaultdict(set)

    def _load(self) -> None:
        """Once: read what is not in runs; more than a generation of it where the file was of an older format."""
        if self._loaded:
            return
        self._loaded = True
        tasks = self._db.cursor().execute(
            "SELECT n, host, band, url, fetch_url FROM task WHERE n > ? ORDER BY n", (self._sealed,)
        )
        while rows := tasks.fetchmany(self.generation):
            for n, host, band, url, fetch_url in rows:
                self._recent.add(key_of(fetch_url or url, "" if host == _NO_HOST else "a host"))
                self.place((host,), (band,), n)
            if len(rows) == self.generation:
                self._seal()
                self._work(_WORK * len(rows))
