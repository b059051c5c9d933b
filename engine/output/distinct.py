"""Finding equal keys among any number of them in bounded memory: an external merge sort of 128-bit hashes.

Keys are gathered, sorted and written to a temporary file as *runs*; merging the runs brings equal keys together. Two of
a billion distinct URLs share a 128-bit hash with probability 1e-21, so a shared key is taken for a shared URL.
"""

from __future__ import annotations

import heapq
import tempfile
from itertools import pairwise
from struct import Struct
from typing import IO, TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Key, part, commit, start, length: what a key belongs to. Big endian, so that bytes sort as the fields do.
_ENTRY = Struct(">16sIQII")

#: Entries of a run: about 17 MB as Python objects, and 500 runs for a hundred million URLs.
RUN_ENTRIES = 200_000

#: Entries of a run that are read at once while runs are merged.
_READ_ENTRIES = 512


class Where(NamedTuple):
    """A live row: its part's index, and its place there."""

    part: int
    commit: int
    start: int
    length: int


class Distinct:
    """A multiset of keys on disk. To be closed: it holds a temporary file, which has no name."""

    def __init__(self, run_entries: int = RUN_ENTRIES) -> None:
        self._run_entries = run_entries
        self._entries: list[bytes] = []
        self._runs: list[tuple[int, int]] = []
        self._file: IO[bytes] | None = None

    def add(self, key: bytes, where: Where) -> None:
        """Add a key of 16 bytes. Raises OSError where the temporary folder is full."""
        self._entries.append(_ENTRY.pack(key, *where))
        if len(self._entries) >= self._run_entries:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the set; closed by close()
        start = self._file.tell()
        self._file.write(b"".join(sorted(self._entries)))
        self._runs.append((start, self._file.tell()))
        self._entries.clear()

    def repeated(self) -> Iterator[tuple[Where, Where]]:
        """Give (a place, the next place with the same key) for each place but a key's first, in order of the keys."""
        merged = heapq.merge(*(self._run(*run) for run in self._runs), sorted(self._entries))
        for one, other in pairwise(merged):
            if one[:16] == other[:16]:
                yield Where(*_ENTRY.unpack(one)[1:]), Where(*_ENTRY.unpack(other)[1:])

    def _run(self, start: int, end: int) -> Iterator[bytes]:
        if self._file is None:
            return
        size = _ENTRY.size
        while start < end:
            self._file.seek(start)
            data = self._file.read(min(_READ_ENTRIES * size, end - start))
            start += len(data)
            for at in range(0, len(data), size):
                yield data[at : at + size]

    def close(self) -> None:
        """Drop the temporary file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
