"""Content codings undone in steps of bounded size (RFC 9110, section 8.4): gzip, deflate, br, zstd, also stacked.

Our own rather than the client library's: that one knows a single coding of four exact names, takes a cut-off gzip
body for a whole one and needs another zstd package. A decoder yields pieces of at most about `STEP_BYTES`, so whoever
counts them stops a bomb within one step of the limit. (zstd cannot be told to stop; it is fed so few bytes at a
time that a step stays below 8 MiB.)

As browsers do: an unknown coding is taken for a wrong label and the body passed as it is; what follows the end of a
compressed stream is ignored; `deflate` may lack its zlib header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import brotli  # type: ignore[import-untyped]  # it has no stubs
import zstandard
from isal import isal_zlib

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the default Accept-Encoding may name.
SUPPORTED: Final = "gzip, deflate, br, zstd"

#: Decoded bytes a step: one step holds most pages, and is what a bomb costs beyond the limit.
STEP_BYTES: Final = 262_144
#: Real answers have one coding, rarely two; a long stack multiplies the work of a bomb.
MAX_CODINGS: Final = 3
#: Real bodies have one gzip member or zstd frame, or few; each costs a new decoder however short it is.
MAX_MEMBERS: Final = 1024
#: A zstd block of 4 bytes may stand for 128 KiB (RFC 8878, section 3.1.1.2): 256 bytes are at most 8 MiB.
_ZSTD_FEED_BYTES: Final = 256
#: RFC 9659: a content coding may ask for a window of 8 MiB at most.
_ZSTD_WINDOW_BYTES: Final = 8 << 20
#: No coding makes a body so much longer, as long as the body is.
_BETWEEN_FACTOR: Final = 4
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's wbits
_ISAL_ERROR: Final[type[Exception]] = isal_zlib.error  # type: ignore[assignment]  # its stub has an instance
_ZLIB_METHOD: Final = 8  # the low four bits of a zlib header's first byte (RFC 1950)


class DecodeError(ValueError):
    """The body is not what its Content-Encoding says, or ends early."""


class Decoder(Protocol):
    """Undoes one coding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The decoded pieces that `data` yields. Raises DecodeError."""

    def finish(self) -> None:
        """The body is at its end: raise DecodeError where the coded stream is not. An empty body is one."""


class _Inflate:
    """gzip (with all its members) and deflate (zlib or raw)."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._gzip = name == "gzip"
        self._stream = isal_zlib.decompressobj(wbits=_GZIP) if self._gzip else None
        self._head = b""
        self._members = 1
        self._fed = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if data and self._stream is None:
            self._stream = isal_zlib.decompressobj(wbits=_ZLIB if data[0] & 0x0F == _ZLIB_METHOD else _RAW)
        more = bool(data)
        while more and self._stream is not None:
            self._fed = True
            if self._stream.eof:
                data = self._next_member(data)
                if not data:
                    return
            try:
                piece = self._stream.decompress(data, STEP_BYTES)
            except _ISAL_ERROR as error:
                raise DecodeError(f"the body is not the {self._name} that it is said to be ({error})") from None
            if piece:
                yield piece
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            # A full step may have more behind it than unconsumed_tail tells: isal keeps decoded bytes to itself.
            more = bool(data) or (not self._stream.eof and len(piece) == STEP_BYTES)

    def _next_member(self, data: bytes) -> bytes:
        """What to feed after the end of a member: nothing where `data` is rubbish, or too little to tell."""
        data = self._head + data
        self._head = b""
        if not self._gzip or data[:2] != _GZIP_MAGIC:
            if self._gzip and data == _GZIP_MAGIC[:1]:
                self._head = data
            return b""
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise DecodeError(f"the gzip body has more than {MAX_MEMBERS} members")
        self._stream = isal_zlib.decompressobj(wbits=_GZIP)
        return data

    def finish(self) -> None:
        if self._fed and self._stream is not None and not self._stream.eof:
            raise DecodeError(f"the {self._name} body ends early")


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._fed = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._fed = self._fed or bool(data)
        while not self._stream.is_finished():
            try:
                piece = self._stream.process(data, output_buffer_limit=STEP_BYTES)
            except brotli.error as error:
                raise DecodeError(f"the body is not the br that it is said to be ({error})") from None
            if piece:
                yield piece
            data = b""
            # Input that is taken in may have output behind it still, which a full step did not hold.
            if self._stream.can_accept_more_data() and len(piece) < STEP_BYTES:
                return

    def finish(self) -> None:
        if self._fed and not self._stream.is_finished():
            raise DecodeError("the br body ends early")


class _Zstd:
    def __init__(self) -> None:
        # The object goes on to the next frame by itself and would not tell of one cut short: frames are ours to follow.
        self._stream = self._frame()
        self._frames = 1
        self._fed = False

    @staticmethod
    def _frame() -> zstandard.ZstdDecompressionObj:
        return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_FEED_BYTES):
            rest = data[start : start + _ZSTD_FEED_BYTES]
            while rest:
                if self._stream.eof:
                    self._frames += 1
                    if self._frames > MAX_MEMBERS:
                        raise DecodeError(f"the zstd body has more than {MAX_MEMBERS} frames")
                    self._stream = self._frame()
                self._fed = True
                try:
                    piece = self._stream.decompress(rest)
                except zstandard.ZstdError as error:
                    raise DecodeError(f"the body is not the zstd that it is said to be ({error})") from None
                rest = self._stream.unused_data if self._stream.eof else b""
                if piece:
                    yield piece

    def finish(self) -> None:
        if self._fed and not self._stream.eof:
            raise DecodeError("the zstd body ends early")


class _Stack:
    """Codings in the order in which they were applied: the last one is undone first.

    What passes between two of them is bounded by `most` (0 = not): nobody else would see a bomb that unpacks to a
    stream which itself holds nothing.
    """

    def __init__(self, decoders: list[Decoder], most: int) -> None:
        self._outer = decoders[-1]
        self._inner: Decoder = _Stack(decoders[:-1], most) if len(decoders) > 2 else decoders[0]  # noqa: PLR2004 - a pair
        self._most = most
        self._passed = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        for piece in self._outer.feed(data):
            self._passed += len(piece)
            if self._passed > self._most > 0:
                raise DecodeError(f"more than {self._most} bytes between two content codings")
            yield from self._inner.feed(piece)

    def finish(self) -> None:
        self._outer.finish()
        self._inner.finish()


def decoder_for(content_encoding: str, max_body_bytes: int = 0) -> Decoder | None:
    """The decoder for a Content-Encoding header; None where the body is to be taken as it is.

    `max_body_bytes` (0 = no limit) is what its caller will take of the decoded body.
    """
    names = [name.strip().lower() for name in content_encoding.split(",")]
    decoders: list[Decoder] = []
    for name in reversed(names):  # the last coding applied is the first to undo; what lies under an unknown one stays
        if name in ("gzip", "x-gzip"):  # RFC 9110, section 8.4.1.3: recipients treat them as the same
            decoders.append(_Inflate("gzip"))
        elif name == "deflate":
            decoders.append(_Inflate("deflate"))
        elif name == "br":
            decoders.append(_Brotli())
        elif name == "zstd":
            decoders.append(_Zstd())
        elif name not in ("", "identity"):
            break
    decoders.reverse()
    if len(decoders) > MAX_CODINGS:
        raise DecodeError(f"more than {MAX_CODINGS} content codings: {content_encoding}")
    if len(decoders) > 1:
        return _Stack(decoders, _BETWEEN_FACTOR * max_body_bytes)
    return decoders[0] if decoders else None
