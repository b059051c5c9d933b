"""An input's bytes, unpacked, and its lines; all bounded, whatever the file holds.

Lines end as Python's universal newlines do, and keep their ends. A line that is not UTF-8 is read as Windows-1252, what
most such files are: no bytes are an error. A line longer than MAX_LINE_BYTES is cut, and is then longer than
MAX_RECORD_CHARS, which no record may be: readers tell it by that.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol, cast

import zstandard
from isal import isal_zlib

from engine.errors import UsageError
from engine.sources.source import GZIP_MAGIC, ZSTD_MAGIC, Compression, Source, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: A character is at most four bytes of UTF-8, so a line cut at the first bound is above the second.
MAX_LINE_BYTES: Final = 4 << 20
MAX_RECORD_CHARS: Final = MAX_LINE_BYTES // 4 - 1

_CHUNK_BYTES: Final = 256 << 10

#: Packed bytes given to a decoder at once. gzip packs at most 1032 : 1, a zstd block of 4 bytes unpacks to 128 KiB: so
#: a hostile file unpacks to at most 33 and 16 MiB at a time.
_PACKED_BYTES: Final = {Compression.GZ: 32 << 10, Compression.ZST: 512}

_MAGIC: Final = {Compression.GZ: GZIP_MAGIC, Compression.ZST: ZSTD_MAGIC}

_DECODE_ERRORS: Final = (cast("type[Exception]", isal_zlib.error), zstandard.ZstdError)

#: So much of a text's start is looked at for NUL bytes, as git and grep do.
_BINARY_HEAD_BYTES: Final = 8_000

_UTF8_BOM: Final = b"\xef\xbb\xbf"
_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


class _Decoder(Protocol):
    """One gzip member or zstd frame being unpacked."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def unpacked_chunks(source: Source) -> Iterator[bytes]:
    """Give the file's bytes, unpacked. UsageError where it cannot be read, is not packed as named, or is cut short."""
    packed = source.compression
    raw = _file_chunks(source, _PACKED_BYTES.get(packed, _CHUNK_BYTES))
    if packed is Compression.NONE:
        return raw
    first = next(raw, b"")
    if first and not first.startswith(_MAGIC[packed]):
        raise UsageError(f"{source.name!r} is no .{packed} file: pack it, or name it for what it is")
    return _unpack(source, chain((first,), raw), _new_gzip if packed is Compression.GZ else _new_zstd)


def text_chunks(source: Source) -> Iterator[bytes]:
    """Give the unpacked bytes of a text, without a byte order mark. UsageError where it is no text."""
    chunks = _gathered(unpacked_chunks(source))
    head = next(chunks, b"")
    if head.startswith(_UTF16_BOMS):
        raise UsageError(f"{source.name!r} is UTF-16: convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)")
    if b"\0" in head[:_BINARY_HEAD_BYTES]:
        raise UsageError(f"{source.name!r} is a binary file, no {source.format} text: name a list of URLs")
    yield head.removeprefix(_UTF8_BOM)
    yield from chunks


def _gathered(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Join small chunks, so that no cost a chunk counts; what came before a fault is still delivered before it."""
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            if size >= _CHUNK_BYTES:
                yield b"".join(parts)
                parts, size = [], 0
    except UsageError:
        yield b"".join(parts)
        raise
    yield b"".join(parts)


def lines(source: Source) -> Iterator[str]:
    """Give the lines of a text, ends kept, each of at most MAX_LINE_BYTES and a chunk."""
    return chain.from_iterable(map(lines_in, line_blocks(source)))


def line_blocks(source: Source) -> Iterator[bytes]:
    """Give a text in blocks of whole lines."""
    return _line_blocks(text_chunks(source))


def _line_blocks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        data = rest + chunk
        # A CR at the very end may be half of a CR LF: it waits for what follows.
        end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1)) + 1
        if end:
            yield data[:end]
        rest = data[end:]
        if len(rest) > MAX_LINE_BYTES:
            rest = rest[:MAX_LINE_BYTES] + rest[-1:]  # the last byte may be that CR
    if rest:
        yield rest


def lines_in(block: bytes) -> list[str]:
    """Give the lines of a block, ends kept."""
    found = block.splitlines(keepends=True)
    try:
        return [line.decode() for line in found]
    except UnicodeDecodeError:
        return [decode_text(line) for line in found]


def decode_text(data: bytes) -> str:
    """Decode UTF-8, or what is none as Windows-1252 (its five unused bytes become U+FFFD)."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _file_chunks(source: Source, chunk_bytes: int) -> Iterator[bytes]:
    if source.path is None:
        raise ValueError(f"{source.name!r} has no file")
    try:
        with source.path.open("rb") as file:
            while chunk := file.read(chunk_bytes):
                yield chunk
    except OSError as error:
        raise UsageError(f"cannot read {source.name!r}: {reason(error)}") from error


def _new_gzip() -> _Decoder:
    window_and_gzip_header = 31  # zlib's convention, which isal follows
    return cast("_Decoder", isal_zlib.decompressobj(wbits=window_and_gzip_header))


def _new_zstd() -> _Decoder:
    return cast("_Decoder", zstandard.ZstdDecompressor().decompressobj())


def _unpack(source: Source, packed: Iterator[bytes], new: Callable[[], _Decoder]) -> Iterator[bytes]:
    """Unpack members (RFC 1952, section 2.2) or frames (RFC 8878, section 3.1), one after another."""
    decoder = new()
    inside = False
    for chunk in packed:
        data = chunk
        while data:
            if not inside and not data.strip(b"\0"):
                break  # tape padding, which gzip skips too
            inside = True
            try:
                plain = decoder.decompress(data)
            except _DECODE_ERRORS as error:
                raise UsageError(f"{source.name!r} is damaged ({error}): pack it again") from error
            if plain:
                yield plain
            if not decoder.eof:
                break
            data, decoder, inside = decoder.unused_data, new(), False
    if inside:
        raise UsageError(f"{source.name!r} is cut short: its .{source.compression} data has no end; copy it again")
