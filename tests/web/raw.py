"""Answers as bytes on the wire, each under /raw/NAME: framings, heads and bodies that servers get wrong, or make so.

A value of ANSWERS is one answer's bytes. The connection is closed after it, but for those in KEPT_OPEN, after which a
client that waits for more waits for ever.
"""

from __future__ import annotations

import gzip
import zlib

import brotli
import zstandard
from web.registry import Asked, Wire, page, path

PAGE = page(1)
LENGTH = f"Content-Length: {len(PAGE)}\r\n".encode()
TYPED = b"Content-Type: text/html; charset=utf-8\r\n"


def answer(head: bytes, body: bytes = PAGE, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """An answer with these header lines (each with its end), and the body as it is to stand on the wire."""
    return status + b"\r\n" + TYPED + head + b"\r\n" + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


def coded(label: bytes, body: bytes) -> bytes:
    """An answer whose body is said to be in this coding."""
    return answer(b"Content-Encoding: %s\r\nContent-Length: %d\r\n" % (label, len(body)), body)


def _raw_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


def _endless_gzip(size: int) -> bytes:
    """A gzip body of stored blocks that hold nothing."""
    return b"\x1f\x8b\x08\0\0\0\0\0\0\3" + b"\0\0\0\xff\xff" * (size // 5)


CHUNKED = b"Transfer-Encoding: chunked\r\n"
PACKED = gzip.compress(PAGE)

ANSWERS: dict[str, bytes] = {
    # heads
    "no-reason": answer(LENGTH, status=b"HTTP/1.1 200"),
    "no-reason-no-space": answer(LENGTH, status=b"HTTP/1.1 200 "),
    "lf-only": answer(LENGTH).replace(b"\r\n", b"\n", 4),
    "leading-blank-lines": b"\r\n\r\n" + answer(LENGTH),
    "lower-case-names": answer(b"content-length: %d\r\nx-y:z\r\n" % len(PAGE)),
    "folded-header": answer(b"X-Folded: a\r\n  b\r\n" + LENGTH),
    "header-without-colon": answer(b"nonsense\r\n" + LENGTH),
    "space-before-colon": answer(b"X-Y : z\r\n" + LENGTH),
    "header-not-ascii": answer("X-Y: Käse\r\n".encode("latin-1") + "X-Z: 日本\r\n".encode() + LENGTH),
    "nul-in-header": answer(b"X-Y: a\0b\r\n" + LENGTH),
    "empty-header-name": answer(b": z\r\n" + LENGTH),
    "status-99": answer(LENGTH, status=b"HTTP/1.1 99 Low"),
    "status-600": answer(LENGTH, status=b"HTTP/1.1 600 High"),
    "status-999": answer(LENGTH, status=b"HTTP/1.1 999 Denied"),
    "status-1000": answer(LENGTH, status=b"HTTP/1.1 1000 More"),
    "status-no-number": answer(LENGTH, status=b"HTTP/1.1 OK"),
    "http-2-line": answer(LENGTH, status=b"HTTP/2 200"),
    "http-1.0": answer(LENGTH, status=b"HTTP/1.0 200 OK"),
    "http-0.9": PAGE,
    "icy": answer(LENGTH, status=b"ICY 200 OK"),
    "tls-alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "switching-protocols": answer(b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"", b"HTTP/1.1 101 Switching"),
    "continue-first": b"HTTP/1.1 100 Continue\r\n\r\n" + answer(LENGTH),
    "processing-thrice": b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + answer(LENGTH),
    "no-content-type": b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n" + PAGE,
    "wrong-content-type": answer(LENGTH).replace(b"text/html; charset=utf-8", b"image/png", 1),
    # lengths
    "length-too-short": answer(b"Content-Length: 200\r\n"),
    "length-too-long": answer(b"Content-Length: %d\r\n" % (len(PAGE) + 1)),
    "length-negative": answer(b"Content-Length: -1\r\n"),
    "length-signed": answer(b"Content-Length: +%d\r\n" % len(PAGE)),
    "length-hex": answer(b"Content-Length: 0x10\r\n"),
    "length-not-a-number": answer(b"Content-Length: many\r\n"),
    "length-enormous": answer(b"Content-Length: 99999999999999999999999\r\n"),
    "length-twice-same": answer(LENGTH + LENGTH),
    "length-twice-different": answer(LENGTH + b"Content-Length: 3\r\n"),
    "length-list": answer(b"Content-Length: %d, %d\r\n" % (len(PAGE), len(PAGE))),
    "length-and-chunked": answer(b"Content-Length: 3\r\n" + CHUNKED, chunked(PAGE)),
    "length-zero": answer(b"Content-Length: 0\r\n", b""),
    "no-length": answer(b""),
    "no-length-keep-alive": answer(b"Connection: keep-alive\r\n", status=b"HTTP/1.0 200 OK"),
    # chunks
    "chunked-trailers": answer(CHUNKED, chunked(PAGE, end=b"0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n")),
    "chunked-one-byte-each": answer(CHUNKED, chunked(*(PAGE[at : at + 1] for at in range(len(PAGE))))),
    "chunked-size-zeros": answer(CHUNKED, b"0000%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE), PAGE)),
    "chunked-size-upper": answer(CHUNKED, b"%X\r\n%s\r\n0\r\n\r\n" % (len(PAGE), PAGE)),
    "chunked-size-enormous": answer(CHUNKED, b"ffffffffffffffffff\r\n" + PAGE),
    "chunked-size-negative": answer(CHUNKED, b"-5\r\nhello\r\n0\r\n\r\n"),
    "chunked-short-chunk": answer(CHUNKED, b"%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE) + 9, PAGE)),
    "chunked-no-end": answer(CHUNKED, chunked(PAGE, end=b"")),
    "chunked-bare-lf": answer(CHUNKED, chunked(PAGE).replace(b"\r\n", b"\n")),
    "chunked-in-http-1.0": answer(CHUNKED, chunked(PAGE), b"HTTP/1.0 200 OK"),
    "chunked-mixed-case": answer(b"transfer-encoding: Chunked\r\n", chunked(PAGE)),
    "transfer-gzip": answer(b"Transfer-Encoding: gzip, chunked\r\n", chunked(PACKED)),
    "chunked-gzip": answer(b"Content-Encoding: gzip\r\n" + CHUNKED, chunked(PACKED[:100], PACKED[100:])),
    # codings
    "gzip-upper-case": coded(b"GZIP", PACKED),
    "x-gzip": coded(b"x-gzip", PACKED),
    "gzip-quoted": coded(b'"gzip"', PACKED),
    "gzip-two-lines": answer(
        b"Content-Encoding: gzip\r\nContent-Encoding: br\r\nContent-Length: %d\r\n" % len(brotli.compress(PACKED)),
        brotli.compress(PACKED),
    ),
    "gzip-then-rubbish": coded(b"gzip", PACKED + b"\0\0 and more"),
    "gzip-wrong-checksum": coded(b"gzip", PACKED[:-8] + b"\1\2\3\4" + PACKED[-4:]),
    "gzip-no-checksum": coded(b"gzip", PACKED[:-8]),
    "gzip-as-br": coded(b"br", PACKED),
    "gzip-as-deflate": coded(b"deflate", PACKED),
    "gzip-not-said": answer(b"Content-Length: %d\r\n" % len(PACKED), PACKED),
    "gzip-twice-said-once": coded(b"gzip", gzip.compress(PACKED)),
    "gzip-empty": coded(b"gzip", b""),
    "gzip-of-nothing": coded(b"gzip", gzip.compress(b"")),
    "gzip-of-nothing-for-ever": coded(b"gzip", _endless_gzip(3_000_000)),
    "deflate-cut": coded(b"deflate", zlib.compress(PAGE)[:-20]),
    "deflate-raw-cut": coded(b"deflate", _raw_deflate(PAGE)[:-20]),
    "br-cut": coded(b"br", brotli.compress(PAGE)[:-20]),
    "zstd-cut": coded(b"zstd", zstandard.compress(PAGE)[:-20]),
    "zstd-skippable": coded(b"zstd", b"\x50\x2a\x4d\x18\4\0\0\0abcd" + zstandard.compress(PAGE)),
    "zstd-window-of-2-gib": coded(b"zstd", b"\x28\xb5\x2f\xfd\0\xa8" + b"\1\0\0"),
    "stack-of-three": coded(b"deflate, gzip, br", brotli.compress(gzip.compress(zlib.compress(PAGE)))),
    "stack-of-nine": coded(b", ".join([b"gzip"] * 9), PACKED),
    "stack-of-nothing": coded(b"gzip, gzip", gzip.compress(_endless_gzip(10_000_000))),
    "identity": coded(b"identity", PAGE),
    "coding-unknown": coded(b"sdch", PAGE),
    "coding-empty": coded(b"", PAGE),
    # no content
    "204-with-body": answer(LENGTH, status=b"HTTP/1.1 204 No Content"),
    "205-with-body": answer(LENGTH, status=b"HTTP/1.1 205 Reset Content"),
    "304-with-body": answer(LENGTH, status=b"HTTP/1.1 304 Not Modified"),
    "empty": answer(b"", b""),
    "206-unasked": answer(b"Content-Range: bytes 0-99/1000\r\n" + LENGTH, status=b"HTTP/1.1 206 Partial Content"),
}

#: After these the server says no more and keeps the connection.
KEPT_OPEN = frozenset({"length-too-long-open"})
ANSWERS["length-too-long-open"] = ANSWERS["length-too-long"]


@path("raw")
def _raw(_: Asked, rest: list[str], wire: Wire) -> None:
    name = rest[0]
    wire.write(ANSWERS[name])
    if name not in KEPT_OPEN:
        wire.close()


@path("flood")
async def _flood(_: Asked, rest: list[str], wire: Wire) -> None:
    """What never ends: interim answers, trailers, a chunk's extension, blank lines, a header's value."""
    start, piece = {
        "interim": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n" * 100),
        "trailers": (answer(CHUNKED, chunked(PAGE, end=b"0\r\n")), b"X-Again: " + b"t" * 1000 + b"\r\n"),
        "extension": (answer(CHUNKED, b"5;x="), b"e" * 4096),
        "blank-lines": (b"", b"\r\n" * 2000),
        "header-value": (b"HTTP/1.1 200 OK\r\nX-Y: ", b"v" * 4096),
        "status-line": (b"HTTP/1.1 200 ", b"r" * 4096),
        "gzip-of-nothing": (
            answer(b"Content-Encoding: gzip\r\nConnection: close\r\n", _endless_gzip(0)),
            b"\0\0\0\xff\xff" * 1000,
        ),
        "gzip-name": (
            answer(b"Content-Encoding: gzip\r\nConnection: close\r\n", b"\x1f\x8b\x08\x08\0\0\0\0\0\3"),
            b"n" * 4096,
        ),
        "zstd-of-nothing": (
            answer(b"Content-Encoding: zstd\r\nConnection: close\r\n", b"\x28\xb5\x2f\xfd\0\x58"),
            b"\0\0\0" * 1000,
        ),
        "skippable": (
            answer(b"Content-Encoding: zstd\r\nConnection: close\r\n", b""),
            b"\x50\x2a\x4d\x18\0\0\0\0" * 500,
        ),
    }[rest[0]]
    wire.write(start)
    while True:
        wire.write(piece)
        await wire.drained()
