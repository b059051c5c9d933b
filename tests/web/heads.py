"""Servers that refuse HEAD, or answer it otherwise than GET. The table that lists them is behaviours.py's."""

from __future__ import annotations

import re

from web.registry import HTML, Asked, Reply, Wire, page, path

_RANGE = re.compile(r"bytes=0-(\d+)")


@path("head")
def _head(asked: Asked, rest: list[str], wire: Wire) -> Reply | None:
    kind, number = rest
    if asked.method == "HEAD":
        if kind == "reset":
            wire.reset()
            return None
        if kind == "untyped":
            wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return None
        return Reply(int(kind), b"no")
    body = page(int(number), 100_000)
    wanted = _RANGE.fullmatch(asked.headers.get("range", ""))
    if wanted is None:
        return Reply(200, body, HTML)
    part = body[: int(wanted[1]) + 1]
    return Reply(206, part, HTML, (("Content-Range", f"bytes 0-{len(part) - 1}/{len(body)}"),))


@path("head-flood")
async def _flood(asked: Asked, _: list[str], wire: Wire) -> Reply | None:
    if asked.method == "HEAD":
        return Reply(405, b"")
    wire.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n")
    while True:
        wire.write(b"more " * 10_000)
        await wire.drained()


@path("head-empty")
def _empty(asked: Asked, _: list[str], __: Wire) -> Reply:
    if asked.method == "HEAD":
        return Reply(501, b"")
    return (
        Reply(416, b"", headers=(("Content-Range", "bytes */0"),))
        if "range" in asked.headers
        else Reply(200, b"", HTML)
    )
