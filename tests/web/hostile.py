"""Answers in many pieces, in codings, and against the rules. The table that lists them is behaviours.py's."""

from __future__ import annotations

import asyncio
import gzip
import struct
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

import brotli
import zstandard
from web import poison
from web.registry import HTML, Asked, Reply, Wire, page, path

if TYPE_CHECKING:
    from collections.abc import Callable


@path("partial")
def _partial(_: Asked, __: list[str], wire: Wire) -> None:
    wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    wire.close()


@path("partial-chunked")
def _partial_chunked(_: Asked, __: list[str], wire: Wire) -> None:
    wire.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    wire.close()


@path("slow-body")
async def _slow_body(_: Asked, rest: list[str], wire: Wire) -> None:
    size, pause_s = int(rest[0]), int(rest[1]) / 1000
    wire.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
    for _index in range(size):
        await asyncio.sleep(pause_s)
        wire.write(b".")


@path("endless")
async def _endless(_: Asked, __: list[str], wire: Wire) -> None:
    wire.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        wire.write(b"1000\r\n" + b"e" * 0x1000 + b"\r\n")
        await wire.drained()


@path("hang")
async def _hang(_: Asked, __: list[str], ___: Wire) -> None:
    await asyncio.Event().wait()


@path("hang-head")
async def _hang_head(_: Asked, __: list[str], wire: Wire) -> None:
    wire.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    await asyncio.Event().wait()


@path("until-close")
def _until_close(_: Asked, rest: list[str], wire: Wire) -> None:
    wire.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"u" * int(rest[0]))
    wire.close()


@path("chunked")
def _chunked(_: Asked, __: list[str], wire: Wire) -> None:
    body = page(1)
    chunks = [body[start : start + 500] for start in range(0, len(body), 500)]
    coded = b"".join(f"{len(chunk):x};ext=1\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    wire.write(head + coded + b"0\r\nX-Sum: 1\r\n\r\n")


@path("chunked-bad")
async def _chunked_bad(_: Asked, __: list[str], wire: Wire) -> None:
    wire.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    await asyncio.sleep(0.02)  # a read of its own: the head must not fail with it
    wire.write(b"no size\r\nworld\r\n")


def _raw_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate-raw": ("deflate", _raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "stacked": ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
    "gzip-members": (
        "gzip",
        lambda data: b"".join(gzip.compress(data[i : i + 1000]) for i in range(0, len(data), 1000)),
    ),
}


@path(*CODINGS)
def _coded(asked: Asked, _: list[str], __: Wire) -> Reply:
    label, encode = CODINGS[asked.target[1:].partition("?")[0]]
    return Reply(200, encode(page(1)), HTML, (("Content-Encoding", label),))


@path("bad-gzip")
def _bad_gzip(_: Asked, __: list[str], ___: Wire) -> Reply:
    return Reply(200, b"this is not gzip at all", HTML, (("Content-Encoding", "gzip"),))


@path("cut-gzip")
def _cut_gzip(_: Asked, __: list[str], ___: Wire) -> Reply:
    whole = gzip.compress(page(1))
    return Reply(200, whole[: len(whole) // 2], HTML, (("Content-Encoding", "gzip"),))


@path("coding")
def _coding(_: Asked, rest: list[str], __: Wire) -> Reply:
    return Reply(200, page(1), HTML, (("Content-Encoding", rest[0]),))


@lru_cache(maxsize=1)
def _mebibyte_of_zeros() -> bytes:
    """A piece of a deflate stream that can be repeated: it ends on a byte and refers to nothing before it."""
    coder = zlib.compressobj(9, wbits=-15)
    return coder.compress(bytes(1 << 20)) + coder.flush(zlib.Z_FULL_FLUSH)


@path("bomb")
async def _bomb(_: Asked, rest: list[str], wire: Wire) -> None:
    mebibytes = int(rest[0]) if rest else 1024
    wire.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    wire.write(b"a\r\n" + struct.pack("<4BLBB", 0x1F, 0x8B, 8, 0, 0, 0, 3) + b"\r\n")
    piece = _mebibyte_of_zeros() * 32
    for _index in range(0, mebibytes, 32):
        wire.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await wire.drained()
    wire.write(b"0\r\n\r\n")


@lru_cache(maxsize=1)
def _gibibyte_of_zeros() -> bytes:
    return zstandard.compress(bytes(64 << 20)) * 16


@path("bomb-zstd")
def _bomb_zstd(_: Asked, __: list[str], ___: Wire) -> Reply:
    return Reply(200, _gibibyte_of_zeros(), HTML, (("Content-Encoding", "zstd"),))


@path("headers-huge")
def _headers_huge(_: Asked, rest: list[str], __: Wire) -> Reply:
    return Reply(200, page(0), HTML, (("X-Huge", "h" * int(rest[0])),))


@path("headers-many")
def _headers_many(_: Asked, rest: list[str], __: Wire) -> Reply:
    return Reply(200, page(0), HTML, tuple((f"X-Header-{i}", "v") for i in range(int(rest[0]))))


@path("headers-endless")
async def _headers_endless(_: Asked, __: list[str], wire: Wire) -> None:
    wire.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        wire.write(b"X-Again: " + b"h" * 1000 + b"\r\n")
        await wire.drained()


@path("early-hints")
def _early_hints(_: Asked, __: list[str], wire: Wire) -> Reply:
    wire.write(b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n")
    return Reply(200, page(1), HTML)


@path("not-http")
def _not_http(_: Asked, __: list[str], wire: Wire) -> None:
    wire.write(b"220 mail.example ESMTP ready\r\n")
    wire.close()


@path("empty-with-body")
def _empty_with_body(_: Asked, rest: list[str], __: Wire) -> Reply:
    return Reply(int(rest[0]), b"a body that must not be here")


@path("poison")
def _poison(_: Asked, rest: list[str], __: Wire) -> Reply:
    body, kind = poison.POISONS[rest[0]](int(rest[1].partition("?")[0]) / 1000)
    return Reply(200, body, kind)
