"""The local web of the tests: every behaviour has a path, and every request is logged. The table is in behaviours.py.

In a test: `async with Web() as web:` and then `web.port`, `web.log`. As a process of its own, so that it survives the
engine's kills and its clock is not the engine's: `python tests/web/server.py --port 0 --log FILE`, which prints
"listening on HOST:PORT".

A log entry is {"t": seconds of the monotonic clock at arrival, "took_s", "host", "path", "status", "peer",
"in_flight"}; with --stamp the kernel tells the time; status 0 = none was sent; in_flight counts this host's requests,
this one included. The file gets an entry when the request is over; the list of a :class:`Web` when it arrives.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import signal
import socket
import struct
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import IO, TYPE_CHECKING, Any, Self

if __package__ in (None, ""):  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from web import behaviours, faculty, site
from web.registry import PATHS, Asked, Reply
from web.stamped import ask_for_stamps, read_stamped

if TYPE_CHECKING:
    import ssl

_PORT = re.compile(r":\d+$")
_CAP = re.compile(r"(?:^|\.)(cap-(\d+)-.*)$")
_SLOW = re.compile(r"(?:^|\.)slow-(\d+)-")
_FAIL = re.compile(r"(?:^|\.)fail-(\d{3})-")


def _whole_site(asked: Asked) -> Reply | None:
    """What a host that is a site of its own answers; None where it is none."""
    if (pages := site.pages_of(asked.host)) is not None:
        return site.answer(asked, pages)
    return faculty.answer(asked) if faculty.size_of(asked.host) is not None else None


class Web:
    """A server for one test. `tls` makes it speak TLS, `stamp` takes times of arrival from the kernel."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        log_file: IO[str] | None = None,
        tls: ssl.SSLContext | None = None,
        *,
        stamp: bool = False,
    ) -> None:
        self.host = host
        self.port = port
        self.stamp = stamp
        self.log: list[dict[str, Any]] = []
        self.connections = 0
        self.seen: Counter[str] = Counter()
        self.in_flight: Counter[str] = Counter()
        self.capped: Counter[str] = Counter()
        self._open: set[_Connection] = set()
        self._all_closed = asyncio.Event()
        self._log_file = log_file
        self._tls = tls
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), self.host, self.port, ssl=self._tls, backlog=4096
        )
        self.port = self._server.sockets[0].getsockname()[1]
        if self.stamp:
            ask_for_stamps(self._server.sockets)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._open):
            connection.reset()
        if self._open:
            await self._all_closed.wait()

    def connect_to(self) -> str:
        """The rule for fetch.connect_to that leads every host here."""
        return f"::{self.host}:{self.port}"

    def paths(self, host: str) -> list[str]:
        """What was asked of a host, in order."""
        return [entry["path"] for entry in self.log if entry["host"] == host]

    def opened(self, connection: _Connection) -> None:
        self._open.add(connection)
        self._all_closed.clear()
        self.connections += 1

    def closed(self, connection: _Connection) -> None:
        self._open.discard(connection)
        if not self._open:
            self._all_closed.set()

    def arrived(self, host: str, target: str, peer: str, at: float) -> dict[str, Any]:
        self.in_flight[host] += 1
        self.seen[host + target] += 1
        entry = {"t": at, "took_s": 0.0, "host": host, "path": target, "status": 0, "peer": peer}
        entry["in_flight"] = self.in_flight[host]
        if self._log_file is None:  # a long run's log belongs on disk only
            self.log.append(entry)
        return entry

    def left(self, entry: dict[str, Any]) -> None:
        self.in_flight[entry["host"]] -= 1
        entry["took_s"] = monotonic() - entry["t"]
        if self._log_file is not None:
            self._log_file.write(json.dumps(entry) + "\n")


class _Connection(asyncio.Protocol):
    """One client connection: requests one after the other, as our client sends them."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._buffer = b""
        self._requests = 0
        self._entry: dict[str, Any] | None = None
        self._group: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._writable: asyncio.Event | None = None
        self._peer = ""
        self._stop_reading: Callable[[], None] | None = None
        self._came_at: float | None = None  # when the first bytes of the next request came

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._peer = (transport.get_extra_info("peername") or ("",))[0]
        self._web.opened(self)
        if self._web.stamp:
            self._stop_reading = read_stamped(self._transport, self._came)

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        if self._stop_reading is not None:
            self._stop_reading()
        if self._task is not None:
            self._task.cancel()
        self._leave()
        self._web.closed(self)

    def pause_writing(self) -> None:
        self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    def _came(self, data: bytes, at: float) -> None:
        if self._came_at is None:
            self._came_at = at
        self.data_received(data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._entry is None:
            self._next()

    # what behaviours may do (behaviours.Wire)

    def write(self, data: bytes, status: int = 200) -> None:
        if self._entry is not None and not self._entry["status"]:
            self._entry["status"] = status
        if self._transport is not None:
            self._transport.write(data)

    async def drained(self) -> None:
        if self._writable is not None:
            await self._writable.wait()
        else:
            await asyncio.sleep(0)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        if self._transport is not None:
            raw = self._transport.get_extra_info("socket")
            if raw is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    # one request

    def _next(self) -> None:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not self._buffer[:1].isalpha():  # a TLS hello, say: what plain servers answer
            self.write(Reply(400, b"this is no HTTP request").encoded(with_body=True))
            self.close()
        if not end:
            return
        self._buffer = rest
        self._requests += 1
        lines = head.decode("latin-1").split("\r\n")
        method, _, target = lines[0].rpartition(" ")[0].partition(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        host = _PORT.sub("", headers.get("host", ""))
        asked = Asked(method, target, host, headers, self._requests, self._web.seen)
        at, self._came_at = self._came_at, None
        self._entry = self._web.arrived(host, target, self._peer, monotonic() if at is None else at)
        if capped := _CAP.search(host):
            self._group = capped[1]
            self._web.capped[self._group] += 1
            if self._web.capped[self._group] > int(capped[2]):
                self._reply(asked, Reply(503, b"too many requests at once"))
                return
        if slow := _SLOW.search(host):
            self._run(asked, self._slowly(asked, int(slow[1]) / 1000))
            return
        self._answer(asked)

    def _answer(self, asked: Asked) -> None:
        done = self._behave(asked)
        if isinstance(done, Awaitable):
            self._run(asked, done)
        else:
            self._reply(asked, done)

    def _behave(self, asked: Asked) -> Reply | Awaitable[Reply | None] | None:
        if (whole := _whole_site(asked)) is not None:
            return whole
        bare = asked.target.partition("?")[0]
        first, *rest = bare.strip("/").split("/")
        if bare == "/robots.txt":
            return behaviours.robots(asked.host) or PATHS["hang"](asked, rest, self)
        if fails := _FAIL.search(asked.host):
            return Reply(int(fails[1]), b"this host always fails")
        behaviour = PATHS.get(first)
        if behaviour is None:
            return Reply(404, b"no such path")
        try:
            return behaviour(asked, rest, self)
        except (ValueError, IndexError, LookupError) as error:
            return Reply(400, f"{asked.target}: {error!r}".encode())

    async def _slowly(self, asked: Asked, pause_s: float) -> Reply | None:
        await asyncio.sleep(pause_s)
        done = self._behave(asked)
        return await done if isinstance(done, Awaitable) else done

    def _run(self, asked: Asked, doing: Awaitable[Reply | None]) -> None:
        async def run() -> None:
            self._reply(asked, await doing)

        self._task = asyncio.ensure_future(run())

    def _reply(self, asked: Asked, reply: Reply | None) -> None:
        """The end of a request; None = the behaviour has written what there is to write."""
        if reply is not None and self._entry is not None:
            self._entry["status"] = reply.status
            self.write(reply.encoded(with_body=asked.method != "HEAD"))
        self._leave()
        self._task = None
        if asked.headers.get("connection") == "close":
            self.close()
        if self._buffer:
            self._next()

    def _leave(self) -> None:
        if self._entry is not None:
            self._web.left(self._entry)
            self._entry = None
        if self._group is not None:
            self._web.capped[self._group] -= 1
            self._group = None


async def _serve(host: str, port: int, log: IO[str] | None, *, stamp: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Web(host, port, log, stamp=stamp) as web:
        print(f"listening on {web.host}:{web.port}", flush=True)  # noqa: T201 - what a caller reads
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="The local web of the tests.",
        epilog=behaviours.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 = any free one")
    parser.add_argument("--stamp", action="store_true", help="times of arrival are the kernel's (Linux)")
    parser.add_argument("--log", help="append a JSON line a request to this file")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        # A line at a time: a test reads the log while the server runs, or after it killed it.
        log = stack.enter_context(Path(options.log).open("a", buffering=1, encoding="utf-8")) if options.log else None
        asyncio.run(_serve(options.host, options.port, log, stamp=options.stamp))


if __name__ == "__main__":
    main()
