"""stdin, kept: what can be read only once is written to a file first, so that a run on it can be resumed.

The file appears whole or not at all: written aside, synced, renamed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, Final

from engine.errors import OutputError, UsageError
from engine.sources.source import GZIP_MAGIC, STDIN, ZSTD_MAGIC, Compression, Format, Source, reason
from engine.sources.streams import text_chunks

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK_BYTES: Final = 1 << 20


def spool_stdin(stream: BinaryIO, path: Path) -> None:
    """Copy `stream` to its end into the file `path`, a MiB at a time.

    UsageError where the stream cannot be read, OutputError where the file cannot be written; neither leaves a file.
    """
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            while chunk := _read(stream):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise OutputError(f"cannot keep stdin in {str(path)!r}: {reason(error)}") from error
    finally:
        aside.unlink(missing_ok=True)


def spooled(path: Path) -> Source:
    """The Source of a kept stdin; packing and kind are told by its first bytes (JSON lines, else URLs).

    UsageError where it is no text.
    """
    with path.open("rb") as file:
        head = file.read(len(ZSTD_MAGIC))
    compression = Compression.NONE
    if head.startswith(GZIP_MAGIC):
        compression = Compression.GZ
    elif head.startswith(ZSTD_MAGIC):
        compression = Compression.ZST
    source = Source(STDIN, Format.TXT, compression, path)
    is_json = next(text_chunks(source), b"").lstrip()[:1] in {b"{", b'"'}
    return Source(STDIN, Format.JSONL, compression, path) if is_json else source


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(_CHUNK_BYTES)
    except (OSError, ValueError) as error:  # ValueError: stdin is closed
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot read stdin: {why}") from error


def _sync_folder(folder: Path) -> None:
    """Make the rename last a power cut (fsync of a file does not cover its name)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
