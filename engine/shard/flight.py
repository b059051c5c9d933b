"""The URLs whose pages a shard is fetching, noted where they outlive its process: in a small mapped file.

A page that ends its shard by a fault signal (a parser's wild pointer, a decoder's) leaves no word behind, but the
kernel keeps what was stored in a shared mapping. The successor finds there which URLs were under way: one of them did
it, and :mod:`.quarantine` finds out which. A note costs a store; nothing is ever synced, for after a power failure
there is nobody to blame.

Law: the file's blocks are allocated before it is mapped, since a store into a hole of a full disk is a fault signal of
its own.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final, Self

from engine.errors import OutputError
from engine.model.task import TaskKey

if TYPE_CHECKING:
    from pathlib import Path

#: Format, and whether the one URL under way was run alone.
_HEADER: Final = Struct("<8sQ")
_FORMAT: Final = b"flight02"

#: A task's key, and when it was last heard of, as a sequence number: 0 in a free slot.
_SLOT: Final = Struct("<qqqQ")
_store: Final = _SLOT.pack_into


@dataclass(frozen=True, slots=True)
class Left:
    """What a dead process was at: its tasks' keys, the one last heard of first; `alone`: nothing ran beside it."""

    keys: tuple[TaskKey, ...] = ()
    alone: bool = False


class Flight:
    """The notes of one process. `capacity` is how many URLs may be under way at once."""

    def __init__(self, memory: mmap.mmap, capacity: int, left: Left) -> None:
        self.left = left
        self._memory = memory
        self._free = [_HEADER.size + slot * _SLOT.size for slot in range(capacity)]
        self._sequence = 0
        self.alone(on=False)

    @classmethod
    def open(cls, path: Path, capacity: int) -> Self:
        """Read what the last process left in the file, and begin anew. Raises OutputError."""
        size = _size(capacity)
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                left = _read(os.pread(fd, os.fstat(fd).st_size, 0))
                os.ftruncate(fd, size)
                if os.pwrite(fd, bytes(size), 0) < size:
                    raise OSError(0, "it is cut short")
                return cls(mmap.mmap(fd, size), capacity, left)
            finally:
                os.close(fd)
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"{path}: cannot be written: {reason}; mend that, then: enrich resume") from error

    @classmethod
    def in_memory(cls, capacity: int) -> Self:
        """Notes that die with their process."""
        return cls(mmap.mmap(-1, _size(capacity)), capacity, Left())

    def alone(self, *, on: bool) -> None:
        """Say whether URLs run alone from now on: then a death is the fault of the one that is noted."""
        _HEADER.pack_into(self._memory, 0, _FORMAT, int(on))

    def note(self, key: TaskKey) -> Note:
        """A URL is under way until its note is closed."""
        return Note(self, self._free.pop(), key)

    def write(self, offset: int, key: TaskKey) -> None:
        """Store a task's key at an offset, as of now."""
        self._sequence += 1
        _store(self._memory, offset, *key, self._sequence)

    def clear(self, offset: int) -> None:
        """A URL is no longer under way."""
        _store(self._memory, offset, 0, 0, 0, 0)
        self._free.append(offset)


class Note:
    """A URL that is under way."""

    __slots__ = ("_flight", "_key", "_offset")

    def __init__(self, flight: Flight, offset: int, key: TaskKey) -> None:
        self._flight = flight
        self._offset = offset
        self._key = key
        flight.write(offset, key)

    def heard_of(self) -> None:
        """Something of its page came: should the process die now, it is the first to be looked at."""
        self._flight.write(self._offset, self._key)

    def close(self) -> None:
        """Its page is fetched, or has failed. Once."""
        self._flight.clear(self._offset)


def _size(capacity: int) -> int:
    return _HEADER.size + capacity * _SLOT.size


def _read(content: bytes) -> Left:
    if len(content) < _HEADER.size:
        return Left()
    name, alone = _HEADER.unpack_from(content)
    if name != _FORMAT:  # of no process of ours, or of another version's: it says nothing
        return Left()
    whole = (len(content) - _HEADER.size) // _SLOT.size * _SLOT.size
    slots = _SLOT.iter_unpack(content[_HEADER.size : _HEADER.size + whole])
    noted = [(at, TaskKey(*key)) for *key, at in slots if at]
    return Left(tuple(key for _, key in sorted(noted, reverse=True)), bool(alone))
