"""One merged file in the making: written aside, hashed on the way, shown under its name only when whole and synced."""

from __future__ import annotations

import hashlib
import os
from typing import IO, TYPE_CHECKING, Final, Self, TypedDict

from engine.errors import OutputError
from engine.output.codec import Encoder, file_name
from engine.output.folder import reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from engine.output.codec import Compression

#: Rows that are not copied as a whole block are gathered into frames of about this size: small ones compress badly.
_FRAME_BYTES: Final = 1 << 20


class FileFacts(TypedDict):
    """What the manifest says of a merged file: its length on disk, its rows, the SHA-256 (hex) of its bytes."""

    bytes: int
    rows: int
    sha256: str


class MergedFile:
    """A file of rows that replaces its predecessor in one step. Every method raises OutputError."""

    def __init__(self, folder: Path, stem: str, compression: Compression) -> None:
        self.path = folder / file_name(stem, compression)
        self.compression = compression
        self.rows = 0
        self._aside = folder / (self.path.name + ".tmp")
        self._encoder = Encoder(compression)
        self._hash = hashlib.sha256()
        self._bytes = 0
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._file = self._open()

    def _open(self) -> IO[bytes]:
        try:
            return self._aside.open("wb")
        except OSError as error:
            raise self._failure(error) from error

    def add(self, rows: Iterable[bytes]) -> None:
        """Append rows, each with its newline."""
        for row in rows:
            self._pending.append(row)
            self._pending_bytes += len(row)
            if self._pending_bytes >= _FRAME_BYTES:
                self._flush()

    def copy(self, stored: bytes, rows: int) -> None:
        """Append a block as it lies in a part of the same compression."""
        self._flush()
        self._write(stored)
        self.rows += rows

    def _flush(self) -> None:
        if self._pending:
            self._write(self._encoder.encode(b"".join(self._pending)))
            self.rows += len(self._pending)
            self._pending.clear()
            self._pending_bytes = 0

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise self._failure(error) from error
        self._hash.update(data)
        self._bytes += len(data)

    def finish(self) -> FileFacts:
        """Write what is pending and sync it; the file is not yet visible under its name."""
        self._flush()
        if not self._bytes:
            self._write(self._encoder.encode(b""))  # gunzip refuses a file without any member
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error
        return {"bytes": self._bytes, "rows": self.rows, "sha256": self._hash.hexdigest()}

    def publish(self) -> None:
        """Give the finished file its name, in place of an older one. The folder is the caller's to sync."""
        try:
            self._aside.replace(self.path)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path}: cannot be written: {reason(error)}; mend that, then: enrich resume")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing aside; a file that was published stays."""
        try:
            self._file.close()
        except OSError:
            # A full disk refuses the last buffered bytes once more: the first refusal is on its way to the user.
            pass
        finally:
            self._aside.unlink(missing_ok=True)
