"""The encodings of row files: plain, gzip, zstd; names, whole blocks, and lines as a stream.

A block is encoded as one complete gzip member (RFC 1952) or zstd frame (RFC 8878), so blocks can be cut off, copied and
joined as bytes, and any common tool reads the whole file. gzip headers carry no time: equal rows give equal bytes.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, Literal, cast

import zstandard
from isal import igzip, isal_zlib

from engine.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Compression = Literal["none", "gz", "zst"]

SUFFIXES: Final[dict[Compression, str]] = {"none": "", "gz": ".gz", "zst": ".zst"}

OUTPUT_NAME: Final = "enrichment_output.jsonl"
#: The merged rows of each stage.
OUTPUT_NAMES: Final = {
    "discovery": "discovery_output.jsonl",
    "validation": "validation_output.jsonl",
    "enrichment": OUTPUT_NAME,
}
FAILURES_NAME: Final = "failures.jsonl"

#: isal's levels are 0 to 3; on JSON of prose 3 takes half as long again as 2 for 3 % fewer bytes.
_GZIP_LEVEL: Final = 2
#: zstd's own default.
_ZSTD_LEVEL: Final = 3

_READ_BYTES: Final = 1 << 20

#: What the decoders raise on bytes that are not theirs.
_DECODE_ERRORS: Final[tuple[type[Exception], ...]] = (
    cast("type[Exception]", isal_zlib.error),
    igzip.BadGzipFile,
    EOFError,
    zstandard.ZstdError,
)


class CorruptError(ValueError):
    """Bytes that are not what was written; the message says how, without the file's name."""


def file_name(stem: str, compression: Compression) -> str:
    """`stem` (which ends in .jsonl) with the suffix of its compression."""
    return stem + SUFFIXES[compression]


def part_name(shard: int, compression: Compression) -> str:
    """Name the part file of a shard, in the folder `parts`."""
    return file_name(f"part-{shard:05d}.jsonl", compression)


class Encoder:
    """Encodes whole blocks. Holds a compression context: not for several threads at once."""

    def __init__(self, compression: Compression) -> None:
        self._compression = compression
        self._zstd = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True) if compression == "zst" else None

    def encode(self, block: bytes) -> bytes:
        """One complete frame; `block` itself where there is no compression."""
        if self._zstd is not None:
            return self._zstd.compress(block)
        if self._compression == "gz":
            return igzip.compress(block, _GZIP_LEVEL, mtime=0)
        return block


def decode(stored: bytes, compression: Compression, raw_length: int) -> bytes:
    """Give back the block that was stored as one frame; `raw_length` is its decoded length. Raises CorruptError."""
    try:
        if compression == "gz":
            block: bytes = igzip.decompress(stored)  # type: ignore[no-untyped-call]
        elif compression == "zst":
            block = zstandard.ZstdDecompressor().decompress(stored, max_output_size=raw_length)
        else:
            block = stored
    except _DECODE_ERRORS as error:
        raise CorruptError(f"not a valid {compression} frame: {error}") from error
    if len(block) != raw_length:
        raise CorruptError(f"{len(block):,} bytes decoded, {raw_length:,} expected")
    return block


def crc32(data: bytes, start: int = 0) -> int:
    """CRC-32 (that of gzip and zlib) of the bytes; `start` is that of the bytes before them."""
    return isal_zlib.crc32(data, start)


def compression_of(path: Path) -> Compression:
    """Tell the compression that a file's name declares."""
    for compression, suffix in SUFFIXES.items():
        if suffix and path.name.endswith(suffix):
            return compression
    return "none"


@contextmanager
def open_lines(path: Path) -> Iterator[Iterator[bytes]]:
    """Stream the lines of a row file, each with its newline, decoded by what its name ends in.

    Raises OutputError where the file cannot be opened and, while lines are read, CorruptError where a frame is damaged.
    A file that is cut short may also show only in its last line, which then has no newline.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror or error}") from error
    with file, _decoded(file, compression_of(path)) as stream:
        yield _lines(stream)


def _decoded(file: IO[bytes], compression: Compression) -> IO[bytes]:
    if compression == "gz":
        return cast("IO[bytes]", igzip.IGzipFile(fileobj=file, mode="rb"))  # type: ignore[no-untyped-call]
    if compression == "zst":
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_size=_READ_BYTES, read_across_frames=True)
        return io.BufferedReader(cast("io.RawIOBase", reader), _READ_BYTES)
    return file


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    try:
        yield from stream
    except _DECODE_ERRORS as error:
        raise CorruptError(f"its compressed data is damaged: {error}") from error
