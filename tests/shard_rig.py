"""A whole shard in one loop of fake time: real frontier and part file, a fake network, the supervisor by hand."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from engine.frontier.hosts import HostTable
from engine.frontier.store import Store
from engine.ipc.frames import Frame
from engine.ipc.tasks import tasks_frame
from engine.model.entries import Entries
from engine.model.messages import Control
from engine.model.outcome import Failure, FailureKind
from engine.model.task import position
from engine.model.url import Target, parse_target
from engine.output.codec import part_name
from engine.output.parts import PartWriter
from engine.settings import load
from engine.shard.assembly import assemble
from engine.shard.flight import Flight
from engine.shard.main import queue_lost_rows
from engine.shard.quarantine import suspects
from engine.shard.worker import Worker
from engine.transport.base import Response
from engine.transport.fake import FakeTransport

if TYPE_CHECKING:
    from pathlib import Path

ALLOW = Response(404)
PAGE = Response(200, body=b"page")


class SlowWeb(FakeTransport):
    """A fake web whose answers take time, and which notes when each request was written."""

    def __init__(self, default=PAGE, latency_s=0.05, connect_s=0.0):
        super().__init__(default)
        self.latency_s = latency_s
        self.connect_s = connect_s
        self.slow = {}  # (host, target) -> seconds
        self.slow_connect = {}  # host -> seconds
        self.addresses = {}
        self.connects = []  # (time, host)
        self.written = []  # (time, host, target)

    async def connect(self, scheme, host, port):
        self.connects.append((asyncio.get_running_loop().time(), host))
        await asyncio.sleep(self.slow_connect.get(host, self.connect_s))
        exchange = await super().connect(scheme, host, port)
        exchange.peer_ip = self.addresses.get(host)
        return exchange

    async def respond(self, request):
        host, target = request.host, request.target
        self.written.append((asyncio.get_running_loop().time(), host, target))
        await asyncio.sleep(self.slow.get((host, target), self.latency_s))
        if target == "/robots.txt" and (host, target) not in self._answers:
            return ALLOW
        return await super().respond(request)

    def times(self, host, *, robots=True):
        return [at for at, name, target in self.written if name == host and (robots or target != "/robots.txt")]


def redirect(location, status=302):
    return reply(status, Location=location)


def reply(status, body=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, CIMultiDictProxy(CIMultiDict(named)), body)


class Shard:
    """One life of a shard. Settings by key (`politeness__delay_s=1`); no jitter and no NLP unless asked for."""

    def __init__(  # noqa: PLR0913 - what a test may replace
        self,
        folder: Path,
        web,
        *,
        shard=0,
        shards=1,
        relay=None,
        write=os.pwrite,
        cache=None,
        wall=time.time,
        fault=0,
        **settings,
    ):
        plain = {
            "politeness.jitter": 0.0, "retry.jitter": 0.0, "extract.extractor": "none", "nlp.pipeline": "none",
            "fetch.contact": "https://example.org/",
        }  # fmt: skip
        flags = plain | {key.replace("__", "."): value for key, value in settings.items()}
        self.settings = load([], {}, flags).settings
        self.folder = folder
        self.shard = shard
        self.web = web
        self.sent = []
        self.relay = relay
        self.finished = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.worker = Worker(shard, self.send, loop)
        self.store = Store.open(folder / f"shard-{shard}.sqlite", create=True)
        table = HostTable(self.store)
        table.reopen()
        self.flight_path = folder / f"shard-{shard}.flight"
        flight = Flight.open(self.flight_path, self.settings.run.max_in_flight_pages)
        found = suspects(self.store, flight.left, fault)
        self.store.commit()
        self.part_path = folder / part_name(shard, "none")
        queue_lost_rows(self.store, self.part_path)
        self.store.commit()
        self.part = PartWriter.open(self.part_path, "none", self.store.last_commit(), write)
        self.parts = self.worker.parts = assemble(
            self.settings, shard, shards, loop, store=self.store, table=table, part=self.part, transport=web,
            send=self.send, spawn=self.worker.spawn, max_files=10_000, cache=cache, wall=wall,
            flight=flight, suspects=found,
        )  # fmt: skip
        self.task = loop.create_task(self.worker.run())

    def send(self, header):
        self.sent.append(header)
        if header["type"] == Control.FINISHED:
            self.finished.set()
        if self.relay is not None and "to" in header:
            self.relay(self.shard, header)

    def tell(self, message, /, body=b"", **header):
        self.worker.on_frame(Frame({"type": message, **header}, body))

    async def feed(self, *urls, done=True):
        """The input's next lines; `done`: its last ones."""
        await asyncio.sleep(0)  # the worker has said HELLO
        first = self.store.cursor[1] + 1
        entries = [_entry(first + at, url) for at, url in enumerate(urls)]
        self.finished.clear()
        self.worker.on_frame(Frame(*tasks_frame((0, first + len(urls) - 1), Entries.of(entries))))
        if done:
            self.tell(Control.INGESTED)

    async def until_finished(self, within_s=100_000):
        """Every URL has its row. Fails where the worker does, or nothing comes of it."""
        waiter = asyncio.ensure_future(self.finished.wait())
        try:
            async with asyncio.timeout(within_s):
                await asyncio.wait((waiter, self.task), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise AssertionError(self.worker.describe()) from None
        finally:
            waiter.cancel()
        if self.task.done():
            self.task.result()
            raise AssertionError("the worker left")

    async def drain(self, within_s=8.0):
        """As at SIGINT; the worker has left in good order when this returns."""
        self.tell(Control.DRAIN, within_s=within_s)
        await self.task
        self.store.close()
        self.part.close()

    async def kill(self):
        """As SIGKILL, or a fault: what was not committed is gone, what was mapped is there."""
        mapped = self.flight_path.read_bytes()
        self.task.cancel()
        await asyncio.wait([self.task])
        self.flight_path.write_bytes(mapped)
        if self.store.db.in_transaction:
            self.store.db.execute("ROLLBACK")
        self.store.db.close()
        self.part.close()

    async def lose_power(self, cut):
        """As a power failure: of the files that are written to without a sync, `cut` says how much is left."""
        part, log = self.part_path, self.store.path.with_name(f"{self.store.path.name}-wal")
        saved = {path: path.read_bytes() for path in (self.store.path, log, part, self.flight_path) if path.exists()}
        await self.kill()
        for path, content in saved.items():
            path.write_bytes(content)
        log.with_name(log.name.replace("-wal", "-shm")).unlink(missing_ok=True)
        for path in (part, log):
            if path in saved:
                cut(path)

    async def complete(self, *urls):
        """Feed these, wait for their rows, and leave; the rows by URL."""
        await self.feed(*urls)
        await self.until_finished()
        await self.drain()
        return self.rows()

    def rows(self):
        """The live rows of the closed frontier, by URL: each is there once."""
        store = Store.open(self.folder / f"shard-{self.shard}.sqlite")
        offsets = {commit: record.offset for commit, record in store.commit_records()}
        data = self.part_path.read_bytes()
        found = {}
        for _, place, _ in store.live_rows("input"):
            start = offsets[place.commit] + place.start
            row = orjson.loads(data[start : start + place.length])
            assert row["url"] not in found
            found[row["url"]] = row
        store.close()
        return found

    @property
    def held(self):
        """What must be nought once nothing is under way."""
        grants, budget = self.parts.dispatcher.grants, self.parts.budget
        sites = sum(site.in_flight for site in self.parts.residence.sites.values())
        return (grants.on_network, grants.connecting, grants._fresh_count, budget.pages, budget.bytes, sites)


class OutlinePool:
    """Stands for the NLP pool of a discovery: a page's body is its outline."""

    children = 1
    idle = True

    def submit(self, _header, body, on_row, on_failed):
        if body == b"bad":
            on_failed(Failure(FailureKind.NLP_CRASHED, "crashed"))
        else:
            on_row(body, None, 1.0)

    async def until_idle(self):
        pass


def outline(*links, **facts):
    found = [link if isinstance(link, list) else [link, "page", "link", None] for link in links]
    return Response(200, body=orjson.dumps({"role": "page", "media_type": "text/html", "links": found, **facts}))


def kinds(rows):
    """The error kind of each URL."""
    return {url: row["error_kind"] and FailureKind(row["error_kind"]) for url, row in rows.items()}


def _entry(ordinal, url):
    target = parse_target(url)
    where = position(0, ordinal)
    if isinstance(target, Target):
        fetch_url = None if target.fetch_url == target.url else target.fetch_url
        return [where, 0, target.url, fetch_url, target.host, target.auth, None]
    return [where, 0, url, None, "", None, None]
