"""A fast web server in a process of its own, whose answers take as long as they are told to.

Who a host is says its name, up to the first "-": `slow-…` takes --slow-s, `fail-…` answers 500 (but, with
--failing-with-robots, 404 for its robots.txt), any other answers 200 after a time drawn from --delay-s. /robots.txt is
404, as late as a page. /go/X redirects to /page/X of the same host; /flaky/X is 425 the first time (to be tried again,
and no sign of load). /-/stats tells how things stand. With --cap, requests in flight beyond it get 503.

It prints its port. On SIGTERM it writes --record: {"pages": {class: [time of each answer]}, "refused", "requests":
with --log [[arrived, host, path, status, answered], ...]}; times are of the system's monotonic clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import signal
from array import array
from pathlib import Path
from time import monotonic

import uvloop

from lib.parent import die_with_parent

_HEAD = re.compile(rb"GET (\S+) HTTP/1.1\r\n(?:.*\r\n)*?Host: *([^:\r]+)", re.IGNORECASE)
_REASONS = {
    200: "OK",
    302: "Found",
    404: "Not Found",
    425: "Too Early",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def answer(status: int, body: bytes = b"", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: text/html; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\n{more}\r\n".encode() + body


class Web:
    """What all connections share."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.loop = asyncio.get_running_loop()
        self.random = random.Random(1)  # noqa: S311 - how long an answer takes
        self.in_flight = 0
        self.highest = 0  # in flight, since the last question
        self.refused = 0
        self.robots = 0
        self.pages: dict[str, array[float]] = {}
        self.requests: list[list[object]] = []
        self.seen: set[bytes] = set()
        self.page = answer(200, filler(options.body_bytes))
        self.missing = answer(404, b"no such page")
        self.failing = answer(500, b"out of order")
        self.early = answer(425, b"again, please")
        self.busy = answer(503, b"too many", f"Retry-After: {options.retry_after}\r\n" if options.retry_after else "")

    def stats(self) -> bytes:
        highest, self.highest = self.highest, self.in_flight
        told = {
            "now": monotonic(), "in_flight": self.in_flight, "highest": highest, "refused": self.refused,
            "robots": self.robots, "pages": {name: len(times) for name, times in self.pages.items()},
            "first": {name: times[0] for name, times in self.pages.items()},
            "last": {name: times[-1] for name, times in self.pages.items()},
        }  # fmt: skip
        return answer(200, json.dumps(told).encode())

    def choose(self, host: bytes, path: bytes) -> tuple[tuple[int, bytes, str], float]:  # noqa: PLR0911 - a table
        """((status, answer, class of page or ""), seconds from now) of a request that is counted as in flight.

        An empty answer: the connection is cut.
        """
        options = self.options
        if 0 < options.cap < self.in_flight:
            self.refused += 1
            return (503, self.busy, ""), 0.0
        delay_s = self.random.uniform(*options.delay_s)
        kind = host.partition(b"-")[0].decode()
        if path == b"/robots.txt" and (kind != "fail" or options.failing_with_robots):
            self.robots += 1
            return (404, self.missing, ""), delay_s
        if kind == "fail":
            return (500, self.failing, kind), delay_s
        if kind == "slow":
            return (200, self.page, kind), options.slow_s
        if path.startswith(b"/go/"):
            return (302, answer(302, b"", f"Location: /page/{path[4:].decode()}\r\n"), ""), delay_s
        if path.startswith(b"/flaky/") and host + path not in self.seen:
            self.seen.add(host + path)
            return (425, self.early, ""), delay_s
        return (200, self.page, kind), delay_s

    def record(self) -> None:
        pages = {name: times.tolist() for name, times in self.pages.items()}
        told = {"pages": pages, "refused": self.refused, "requests": self.requests}
        Path(self.options.record).write_text(json.dumps(told))


def filler(size: int) -> bytes:
    """A page of so many bytes, the same each time: sentences of made-up words, a few thousand different ones."""
    draw = random.Random(1)  # noqa: S311 - the same text each time
    syllables = [a + b for a in "bcdfglmnprstv" for b in ("a", "e", "i", "o", "u", "an", "er", "in")]
    words = ["".join(draw.choices(syllables, k=draw.randint(1, 3))) for _ in range(3000)]
    head, tail = "<!doctype html><title>A page</title><main><h1>A page</h1>", "</main>"
    text = ""
    while len(text) < size:
        sentences = (" ".join(draw.choices(words, k=12)).capitalize() + ". " for _ in range(6))
        text += f"<p>{''.join(sentences)}</p>\n"
    return (head + text[: max(0, size - len(head) - len(tail))] + tail).encode()


class Connection(asyncio.Protocol):
    """Requests one after the other, as our client sends them."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.buffer = b""
        self.transport: asyncio.Transport | None = None
        self.waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, _: Exception | None) -> None:
        self.transport = None
        if self.waits is not None:
            self.waits.cancel()
            self.waits = None
            self.web.in_flight -= 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.buffer.endswith(b"\r\n\r\n"):
            return
        found = _HEAD.match(self.buffer)
        self.buffer = b""
        if found is None:
            self.transport.close()
            return
        path, host = found.groups()
        web = self.web
        if path == b"/-/stats":
            self.transport.write(web.stats())
            return
        web.in_flight += 1
        web.highest = max(web.highest, web.in_flight)
        asked = (monotonic(), host, path)
        reply, delay_s = web.choose(host, path)
        if delay_s > 0:
            self.waits = web.loop.call_later(delay_s, self.reply, asked, reply)
        else:
            self.reply(asked, reply)

    def reply(self, asked: tuple[float, bytes, bytes], reply: tuple[int, bytes, str]) -> None:
        web = self.web
        arrived, host, path = asked
        status, data, kind = reply
        self.waits = None
        web.in_flight -= 1
        now = monotonic()
        if kind:
            times = web.pages.get(kind)
            if times is None:
                times = web.pages[kind] = array("d")
            times.append(now)
        if web.options.log:
            web.requests.append([arrived, host.decode(), path.decode(), status, now])
        if self.transport is None:
            return
        if data:
            self.transport.write(data)
        else:
            self.transport.abort()


async def serve(options: argparse.Namespace, kind: type[Web] = Web) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # the benchmark decides
    web = kind(options)
    server = await loop.create_server(lambda: Connection(web), options.address, options.port, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    web.record()


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    made.add_argument("--address", nargs="+", default=["127.0.0.1"], help="several: with a port, which all have")
    made.add_argument("--port", type=int, default=0)
    made.add_argument("--delay-s", type=float, nargs=2, default=(0.0, 0.0))
    made.add_argument("--slow-s", type=float, default=20.0)
    made.add_argument("--body-bytes", type=int, default=2048)
    made.add_argument("--cap", type=int, default=0)
    made.add_argument("--retry-after", default="")
    made.add_argument("--failing-with-robots", action="store_true")
    made.add_argument("--log", action="store_true")
    made.add_argument("--record", required=True)
    return made


def main() -> None:
    die_with_parent()
    uvloop.run(serve(parser().parse_args()))


if __name__ == "__main__":
    main()
