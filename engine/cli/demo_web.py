"""The web of `enrich demo`: some made-up sites on one loopback port, told apart by the Host header.

Pages lie in demo_pages/HOST/PATH; what has no file is 404. Each page is there to show one thing: rows rich in dates,
money, addresses and names, and how a missing, moved, forbidden or slow page ends.
"""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

DEMO_URLS: Final = (
    "http://harbour-gazette.example/news/lighthouse-reopens.html",
    "http://harbour-gazette.example/news/ferry-budget.html",
    "http://harbour-gazette.example/old/lighthouse",  # moved
    "http://harbour-gazette.example/drafts/unfinished.html",  # robots.txt forbids it
    "http://orchard-books.example/reviews/the-salt-road.html",
    "http://orchard-books.example/events.html",
    "http://northfield-observatory.example/news/comet.html",
    "http://northfield-observatory.example/archive/night-log.html",  # slow
    "http://kettleworks.example/press/annual-results.html",
    "http://kettleworks.example/about.html",
    "http://kettleworks.example/press/gone.html",  # missing
    "http://www.westmoor-college.example/research/peat.html",
    "http://www.westmoor-college.example/staff/imani-okafor.html",
    "http://tidewater-kitchen.example/recipes/barley-soup.html",
)

_PAGES: Final = Path(__file__).with_name("demo_pages")
_MOVED: Final = {"harbour-gazette.example/old/lighthouse": "/news/lighthouse-reopens.html"}
_SLOW_S: Final = {"northfield-observatory.example/archive/night-log.html": 1.5}
_TYPES: Final = {".html": "text/html; charset=utf-8", ".txt": "text/plain; charset=utf-8"}
_HEAD_END: Final = b"\r\n\r\n"


class DemoWeb:
    """A context manager: the server runs in a thread of its own while the block does, on `port` of 127.0.0.1."""

    def __init__(self) -> None:
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = Event()
        self._failure: OSError | None = None
        self._thread = Thread(target=self._main, name="demo-web", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        try:
            server = await asyncio.start_server(_connection, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
        except OSError as error:
            self._failure = error
            return
        finally:
            self._ready.set()
        await self._stop.wait()
        server.close()


async def _connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection, one after the other, until the client leaves."""
    try:
        while True:
            head = (await reader.readuntil(_HEAD_END)).decode("latin-1")
            writer.write(await _answer(head))
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        pass  # the client is done, or is none of ours
    finally:
        writer.close()


async def _answer(head: str) -> bytes:
    """The whole response to a request's head; the engine sends GET requests without a body only."""
    first, *lines = head.split("\r\n")
    path = first.split(" ")[1] if first.count(" ") == 2 else "/"  # noqa: PLR2004 - method, target, version
    hosts = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("host:")]
    address = f"{hosts[0].partition(':')[0] if hosts else ''}{path.partition('?')[0]}"
    await asyncio.sleep(_SLOW_S.get(address, 0))
    if address in _MOVED:
        return _response("301 Moved Permanently", "text/plain", b"", f"Location: {_MOVED[address]}\r\n")
    file = (_PAGES / address).resolve()
    if not file.is_relative_to(_PAGES.resolve()) or file.suffix not in _TYPES or not file.is_file():
        return _response("404 Not Found", _TYPES[".html"], b"<!doctype html><title>Not found</title><p>No such page.")
    return _response("200 OK", _TYPES[file.suffix], file.read_bytes())


def _response(status: str, content_type: str, body: bytes, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode("latin-1") + body
