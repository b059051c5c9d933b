"""Which URLs a frontier has, by key, and which tasks a host has, in order: the two indexes of the task table.

Of the latest tasks both are in memory, of all others in sorted runs (:mod:`.runs`); `sealed` in the table of numbers
says up to which task. What is in memory is made from the tasks themselves when a file is opened again.

A new URL must not cost a look-up in the runs: a filter tells most of them.
"""

from __future__ import annotations

from collections import defaultdict
from struct import Struct
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.frontier.filter import RECORD_BYTES, Filter
from engine.frontier.runs import Runs
from engine.model.prints import key_of
from engine.model.url import host_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

#: Tasks whose keys and hosts are in memory: sorting and writing so many stops fetching for 15 ms.
GENERATION: Final = 1 << 15

#: Bits of the filter. Of a million URLs 0.4 % are looked up in vain, of ten million 4 %.
_FILTER_BITS: Final = 1 << 28

#: Records merged for each that is added: with two indexes of three tiers every record is merged six times at the most.
_WORK: Final = 8

#: A host's record: its id, its band made positive (a priority is within ±100), and n.
_OF_HOST: Final = Struct(">qQ")
_OF_BAND: Final = Struct(">qB")
_OF_HOSTS: Final = np.dtype([("host", ">i8"), ("place", ">u8")])
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
        self._filter: Filter | None = None
        self._last = self._sealed
        self._begin_generation()

    def _begin_generation(self) -> None:
        """What follows is of the tasks above `sealed`."""
        self._recent: set[bytes] = set()
        self._latest: defaultdict[int, dict[int, int]] = defaultdict(dict)  # band -> host -> n of its latest task
        self._before: dict[int, int | None] = {}  # n -> that of its host's task before it
        self._new_keys, self._new_places = bytearray(), bytearray()  # records, as they came

    # -- by key ---------------------------------------------------------------------------------------------------

    def known(self, keys: bytes) -> set[int]:
        """Which of these, one after another, are there already or stand earlier among them, by their place."""
        self._load()
        listed = _listed(keys)
        found = {at for at in self._filled().among(keys) if self._keys.holds(listed[at])} if self._keys else set()
        if len(set(listed)) < len(listed) or not self._recent.isdisjoint(listed):
            before: set[bytes] = set()
            for at, key in enumerate(listed):
                if key in self._recent or key in before:
                    found.add(at)
                before.add(key)
        return found

    def holds(self, key: bytes) -> bool:
        """Whether a URL is there."""
        return bool(self.known(key))

    def _filled(self) -> Filter:
        if self._filter is None:
            self._filter = Filter(_FILTER_BITS)
            for block in self._keys.blocks():
                self._filter.note(block)
        return self._filter

    # -- by host --------------------------------------------------------------------------------------------------

    def after(self, host: int, band: int, n: int, most: int) -> list[int]:
        """The first tasks of a host's band above n, in order, `most` at the most. One may be there no more."""
        self._load()
        found: list[int] = []
        if self._hosts:
            start = _OF_HOST.pack(host, ((band + _BAND_BIAS) << _BAND_SHIFT) + n)
            records = self._hosts.behind(start, _OF_BAND.pack(host, band + _BAND_BIAS), most)
            found = [_OF_HOST.unpack(record)[1] & _N_MASK for record in records]
        if len(found) < most and band in self._latest:
            recent = []
            at = self._latest[band].get(host)
            while at is not None and at > n:
                recent.append(at)
                at = self._before[at]
            found += recent[::-1][: most - len(found)]
        return found

    def bands(self, host: int) -> list[int]:
        """The bands that a host has tasks in, in order."""
        self._load()
        found = {band for band, latest in self._latest.items() if host in latest}
        if self._hosts:
            start = _OF_HOST.pack(host, 0)
            prefix = start[:-_Q_BYTES]
            while (first := self._hosts.first(start, prefix)) is not None:
                place = _OF_HOST.unpack(first)[1]
                found.add((place >> _BAND_SHIFT) - _BAND_BIAS)
                start = _OF_HOST.pack(host, place | _N_MASK)
        return sorted(found)

    # -- writing --------------------------------------------------------------------------------------------------

    def add(self, keys: bytes, hosts: Sequence[int], bands: Sequence[int], first: int) -> None:
        """Take in tasks from n = `first` on, none of which is there; their keys one after another."""
        self._enter(keys, hosts, bands, range(first, first + len(hosts)))
        if len(self._recent) >= self.generation:
            self._seal()
        elif self._keys:
            self._work(_WORK * len(hosts))

    def _enter(self, keys: bytes, hosts: Sequence[int], bands: Sequence[int], numbers: Sequence[int]) -> None:
        self._recent.update(_listed(keys))
        self._new_keys += keys
        self.place(hosts, bands, numbers)

    def _work(self, records: int) -> None:
        for runs in (self._keys, self._hosts):
            runs.work(records // 2)

    def place(self, hosts: Sequence[int], bands: Sequence[int], numbers: Sequence[int]) -> None:
        """Take in tasks whose keys are there: under a host from now on."""
        self._load()
        places = np.empty(len(hosts), _OF_HOSTS)
        places["host"], places["place"] = hosts, numbers
        if any(bands):
            places["place"] |= (np.array(bands) + _BAND_BIAS).astype(np.uint64) << _BAND_SHIFT
            for host, band, n in zip(hosts, bands, numbers, strict=True):
                self._before[n] = self._latest[band].get(host)
                self._latest[band][host] = n
        else:  # most lists have one band
            places["place"] |= _BAND_BIAS << _BAND_SHIFT
            latest, before = self._latest[0], self._before
            for host, n in zip(hosts, numbers, strict=True):
                before[n] = latest.get(host)
                latest[host] = n
        self._new_places += places.tobytes()
        self._last = numbers[-1]

    def _seal(self) -> None:
        """Write what is in memory as a run of each index."""
        self._begin()
        since = self._sealed + 1
        self._filled().note(self._new_keys)
        self._keys.add(self._new_keys, since)
        self._hosts.add(self._new_places, since)
        self._sealed = self._last
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('sealed', ?)", (self._sealed,))
        self._begin_generation()

    def _load(self) -> None:
        """Once: read what is not in runs; more than a generation of it where the file was of an older format."""
        if self._loaded:
            return
        self._loaded = True
        tasks = self._db.cursor().execute(
            "SELECT n, host, band, url, fetch_url FROM task WHERE n > ? ORDER BY n", (self._sealed,)
        )
        while rows := tasks.fetchmany(self.generation):
            numbers, hosts, bands, urls, fetch_urls = zip(*rows, strict=True)
            keys = [
                key_of(fetch_url or url, "" if host == _NO_HOST else "a host")
                for url, fetch_url, host in zip(urls, fetch_urls, hosts, strict=True)
            ]
            self._enter(b"".join(keys), hosts, bands, numbers)
            if len(rows) == self.generation:
                self._seal()
                self._work(_WORK * len(rows))


def _listed(keys: bytes) -> list[bytes]:
    """Take keys apart: of its kinds of bytes numpy gives this one with the zeros at the end."""
    found: list[bytes] = np.frombuffer(keys, f"V{RECORD_BYTES}").tolist()
    return found
