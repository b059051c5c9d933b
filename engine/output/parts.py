"""A shard's part file, and its only writer.

Law: the bytes up to the end of the last commit record are never touched again, and whatever lies behind them means
nothing. So an append that fails, or that is never noted, is undone by cutting the file, and a kill between the write
and the note costs only work that is done again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Self

from engine.errors import OutputError
from engine.model.task import CommitRecord
from engine.observe.faultpoint import failing_point
from engine.output.codec import Encoder, crc32
from engine.output.folder import reason, sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from engine.output.codec import Compression

#: os.pwrite: (file descriptor, bytes, offset) -> bytes taken.
Write = Callable[[int, memoryview, int], int]

_MODE: Final = 0o666  # the user's umask decides, as for any file


class PartWriter:
    """Appends blocks of rows to one part file. One instance, one thread; the shard's lock keeps others away."""

    def __init__(self, path: Path, fd: int, end: int, encoder: Encoder, write: Write) -> None:
        self.path = path
        self._fd = fd
        self._end = end
        self._encoder = encoder
        self._write = write

    @classmethod
    def open(
        cls, path: Path, compression: Compression, committed: CommitRecord | None, write: Write = os.pwrite
    ) -> Self:
        """Open a part to append to it, made if it is missing, and cut what was written after `committed`.

        `committed` is the last commit record that the frontier holds, None where it holds none. Raises OutputError
        where the file cannot be written, and where it ends before `committed` does: then :func:`.recover.damaged`
        was not asked, or its commits were not dropped. `write` lets a test have a disk that fails.
        """
        end = committed.offset + committed.length if committed else 0
        try:
            new = not path.exists()
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
            try:
                size = os.fstat(fd).st_size
                if size > end:
                    os.ftruncate(fd, end)
                if new:
                    sync_folder(path.parent)
            except BaseException:
                os.close(fd)
                raise
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {reason(error)}; mend that, then: enrich resume") from error
        if size < end:
            os.close(fd)
            raise OutputError(f"{path}: {size:,} bytes, but rows up to byte {end:,} are committed")
        return cls(path, fd, end, Encoder(compression), write)

    @property
    def end(self) -> int:
        """Where the next block goes, in bytes from the file's start."""
        return self._end

    def append(self, rows: Sequence[bytes]) -> tuple[CommitRecord, list[tuple[int, int]]]:
        """Append rows, each one JSON line with its newline, as one block; handed to the system when this returns.

        Gives the block's record, and of each row (start, length) in the decoded block. Raises OutputError when the
        block cannot be written whole; the file then ends where it did before.
        """
        block = b"".join(rows)
        stored = self._encoder.encode(block)
        record = CommitRecord(self._end, len(stored), len(block), crc32(stored), len(rows))
        try:
            self._write_all(stored)
        except OSError as error:
            self._cut()
            raise OutputError(
                f"{self.path}: cannot be written: {reason(error)}; mend that, then: enrich resume"
            ) from error
        self._end += len(stored)
        places = []
        start = 0
        for row in rows:
            places.append((start, len(row)))
            start += len(row)
        return record, places

    def _write_all(self, stored: bytes) -> None:
        """One write; a further one only after a short write, to learn why it was short."""
        done = 0
        failing_point("part_write")
        with memoryview(stored) as view:
            while done < len(stored):
                written = self._write(self._fd, view[done:], self._end + done)
                if not written:
                    raise OSError(0, f"only {done:,} of {len(stored):,} bytes were taken")
                done += written

    def _cut(self) -> None:
        """Undo a write that failed."""
        try:
            os.ftruncate(self._fd, self._end)
        except OSError:
            # Nothing is lost: blocks are written at their offsets, and the next opening cuts the file.
            return

    def sync(self) -> None:
        """Make what was appended survive a power failure. Raises OutputError."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be synced to disk: {reason(error)}") from error

    def close(self) -> None:
        """Close the file; more than once does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
