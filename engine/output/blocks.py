"""Reading parts: blocks by their commit records, rows by their places. Every block is checked before it is believed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self

from engine.errors import OutputError
from engine.model.task import CommitRecord, Place
from engine.output.codec import CorruptError, crc32, decode
from engine.output.folder import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from engine.output.codec import Compression

Order = Literal["completion", "input"]

#: One live row: its position in the inputs, where it lies, and whether it is an error row.
LiveRow = tuple[int, Place, bool]


@dataclass(frozen=True, slots=True)
class Part:
    """A part file with what the frontier knows of it.

    `records` are its commits by id, or a callable that gives (id, record) in rising order of ids, which is the order
    of the file (Store.commit_records). `live` gives each live row once: for "completion" in the order of (commit,
    start), for "input" in the order of positions (Store.live_rows).
    """

    path: Path
    compression: Compression
    records: Mapping[int, CommitRecord] | Callable[[], Iterable[tuple[int, CommitRecord]]]
    live: Callable[[Order], Iterable[LiveRow]]

    def commits(self) -> Iterator[tuple[int, CommitRecord]]:
        """(commit id, record) in the order of the file."""
        return iter(self.records()) if callable(self.records) else iter(sorted(self.records.items()))


class Block(NamedTuple):
    """A commit with its live rows in the order of the file (none: all its rows were replaced)."""

    commit: int
    record: CommitRecord
    rows: list[LiveRow]


def blocks(part: Part) -> Iterator[Block]:
    """Give all commits of a part in file order, each with its live rows; streams both sides.

    Raises OutputError where a live row's commit is not among the part's records.
    """
    groups = ((commit, list(rows)) for commit, rows in groupby(part.live("completion"), lambda row: row[1].commit))
    wanted = next(groups, None)
    for commit, record in part.commits():
        if wanted is not None and wanted[0] == commit:
            yield Block(commit, record, wanted[1])
            wanted = next(groups, None)
        else:
            yield Block(commit, record, [])
    if wanted is not None:
        raise unknown_commit(part, wanted[0])


def unknown_commit(part: Part, commit: int) -> OutputError:
    """Make the error for live rows of a commit that is not among the part's records."""
    return OutputError(f"{part.path}: rows of commit {commit} are live, but the frontier holds no such commit")


def rows_of(block: bytes, places: Iterable[Place]) -> Iterator[bytes]:
    """Cut rows, each with its newline, out of a decoded block. Raises CorruptError where none lies."""
    for place in places:
        yield _checked(block[place.start : place.start + place.length], place)


def _checked(row: bytes, place: Place) -> bytes:
    if len(row) != place.length or not row.endswith(b"\n"):
        raise CorruptError(f"no row of {place.length:,} bytes lies at {place.start:,} of it")
    return row


#: How much is read at once where a block is only checked.
_CHUNK_BYTES: Final = 1 << 20


class PartReader:
    """Random access to a part file; opened for reading only. A missing file reads as an empty one."""

    def __init__(self, path: Path, compression: Compression) -> None:
        self.path = path
        self._compression = compression
        self._checked: set[int] = set()
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._fd = -1
        except OSError as error:
            raise OutputError(f"{path}: cannot be read: {reason(error)}") from error

    @property
    def size(self) -> int:
        """The file's length in bytes now."""
        return os.fstat(self._fd).st_size if self._fd >= 0 else 0

    def intact(self, record: CommitRecord) -> bool:
        """Tell whether a block's bytes are all there with the right CRC, without holding it."""
        crc, at, end = 0, record.offset, record.offset + record.length
        while at < end:
            chunk = self._read(at, min(_CHUNK_BYTES, end - at))
            if not chunk:
                return False
            crc = crc32(chunk, crc)
            at += len(chunk)
        return crc == record.crc32

    def stored(self, record: CommitRecord) -> bytes:
        """Read a block as it lies on disk. Raises CorruptError where it is missing or its CRC is wrong."""
        data = self._read(record.offset, record.length)
        if len(data) < record.length:
            raise CorruptError(f"{record.length - len(data):,} of its {record.length:,} bytes are missing")
        if crc32(data) != record.crc32:
            raise CorruptError("its checksum is wrong")
        return data

    def block(self, record: CommitRecord) -> bytes:
        """Read a block and decode it. Raises CorruptError."""
        return decode(self.stored(record), self._compression, record.raw_length)

    def rows(self, commit: int, record: CommitRecord, places: Sequence[Place]) -> list[bytes]:
        """Read some rows of one block, each with its newline. Raises CorruptError.

        A block is checked when it is first touched; later visits to a plain one read only the rows.
        """
        if self._compression == "none" and commit in self._checked:
            return [_checked(self._read(record.offset + place.start, place.length), place) for place in places]
        block = self.block(record)
        self._checked.add(commit)
        return list(rows_of(block, places))

    def _read(self, offset: int, length: int) -> bytes:
        """Read up to `length` bytes: fewer only at the end of the file."""
        if self._fd < 0:
            return b""
        try:
            data = os.pread(self._fd, length, offset)
            while len(data) < length and (more := os.pread(self._fd, length - len(data), offset + len(data))):
                data += more
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be read: {reason(error)}") from error
        return data

    def close(self) -> None:
        """Close the file; more than once does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
