"""A body, read and decoded under the limit on its size: memory stays flat whatever comes.

A text that is gzip all the same was packed by somebody who did not say so (files of a bucket, a second compressor): it
is unpacked once, under the same limit. Where that fails it stays as it came, and is judged by what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model.outcome import FailureKind
from engine.transport.base import UNREAD_BODY_BYTES, TransportError
from engine.transport.decoding import DecodeError, decoder_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import StreamReader
    from multidict import CIMultiDictProxy

    from engine.transport.wire import Lease


_GZIP: Final = b"\x1f\x8b\x08"
_TEXTS: Final = ("text/", "application/xhtml+xml", "application/json", "application/xml")


class Bound(NamedTuple):
    """How much of a decoded body is taken (bytes, 0 = all), and whether a longer one is cut or refused."""

    max_body_bytes: int
    truncate: bool = False


async def read_body(
    lease: Lease,
    headers: CIMultiDictProxy[str],
    stream: StreamReader,
    bound: Bound,
    on_bytes: Callable[[int], None],
) -> tuple[bytes, bool]:
    """The decoded body and whether it was read to its end; body_too_large as soon as it is, unless it may be cut."""
    max_body_bytes = bound.max_body_bytes
    coding = headers.get("Content-Encoding")
    pieces: list[bytes] = []
    size = 0
    try:
        decoder = None if coding is None else decoder_for(", ".join(headers.getall("Content-Encoding")), max_body_bytes)
        if decoder is None and max_body_bytes and not bound.truncate:
            _check_declared(headers.get("Content-Length", ""), max_body_bytes, stream)
        while not stream.at_eof():
            data = lease.ready(stream) or await lease.piece(stream)
            for piece in (data,) if decoder is None else decoder.feed(data):
                size += len(piece)
                if size > max_body_bytes > 0:
                    if bound.truncate:
                        return b"".join((*pieces, piece))[:max_body_bytes], False
                    raise _too_large(max_body_bytes)
                on_bytes(len(piece))
                pieces.append(piece)
        if decoder is not None:
            decoder.finish()
    except DecodeError as error:
        raise TransportError(FailureKind.DECODE_FAILED, str(error)) from error
    body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    if body.startswith(_GZIP) and headers.get("Content-Type", "").lower().startswith(_TEXTS):
        body = _unpacked(body, bound, on_bytes)
    return body, True


def _unpacked(body: bytes, bound: Bound, on_bytes: Callable[[int], None]) -> bytes:
    """A text that was packed without a word about it; as it came where it is no whole gzip."""
    decoder = decoder_for("gzip")
    if decoder is None:
        raise TypeError("gzip is a coding")
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in decoder.feed(body):
            size += len(piece)
            if size > bound.max_body_bytes > 0:
                if not bound.truncate:
                    raise _too_large(bound.max_body_bytes)
                return b"".join((*pieces, piece))[: bound.max_body_bytes]
            on_bytes(len(piece))
            pieces.append(piece)
        decoder.finish()
    except DecodeError:
        return body
    return b"".join(pieces)


async def read_unread_body(lease: Lease, headers: CIMultiDictProxy[str], stream: StreamReader) -> tuple[bytes, bool]:
    """A body that nobody reads, a redirect's or what came with a 205: an endless or broken one is no reason to fail."""
    try:
        return await read_body(lease, headers, stream, Bound(UNREAD_BODY_BYTES, truncate=True), _uncounted)
    except TransportError:
        return b"", False


def _uncounted(_: int) -> None:
    """It is let go at once: counted against no budget."""


def _check_declared(content_length: str, max_body_bytes: int, stream: StreamReader) -> None:
    """Refuse a body that says itself that it is too large, unless there is none (HEAD, 304)."""
    if content_length.isdecimal() and int(content_length) > max_body_bytes and not stream.at_eof():
        raise _too_large(max_body_bytes)


def _too_large(max_body_bytes: int) -> TransportError:
    message = f"the body is larger than {max_body_bytes} bytes (fetch.max_body_bytes)"
    return TransportError(FailureKind.BODY_TOO_LARGE, message)
