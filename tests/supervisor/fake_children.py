"""A shard and an NLP child without network and pages: real processes, sockets, frontiers and part files.

What a URL makes its shard do stands in its path: see `FakeShard.do`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from engine.errors import UsageError
from engine.frontier.results import Finished
from engine.frontier.store import Store
from engine.ipc.channel import Channel, connect_unix, from_socket
from engine.ipc.frames import Decoder, Frame, encode
from engine.ipc.tasks import tasks_in
from engine.model.messages import Control, Page
from engine.model.outcome import FailureKind
from engine.model.record import Fetched, base_row
from engine.model.task import TaskKey
from engine.output.parts import PartWriter
from engine.supervisor.lock import FileLock

if TYPE_CHECKING:
    from engine.model.plan import NlpConfig, ShardConfig

BEAT_S = 0.02

#: What a URL does to its shard: each time with "always" in it, else once.
DEATHS = {"/kill-": signal.SIGKILL, "/stop-": signal.SIGSTOP, "/segv-": signal.SIGSEGV}


def watch_life(fd: int) -> None:
    def until_eof() -> None:
        os.read(fd, 1)
        os._exit(0)

    threading.Thread(target=until_eof, daemon=True).start()


# -- shard ------------------------------------------------------------------------------------------------------------


def shard(config: ShardConfig) -> None:
    watch_life(config.life_fd)
    FakeShard.check(config)
    lock = FileLock.try_acquire(Path(config.folder) / "state" / f"shard-{config.shard:05d}.lock")
    if lock is None:
        raise UsageError("the lock is held")
    lock.sign()
    asyncio.run(FakeShard(config).run())


class FakeShard:
    def __init__(self, config: ShardConfig) -> None:
        self.config = config
        folder = Path(config.folder)
        self.markers = folder.parent / "markers"
        self.markers.mkdir(exist_ok=True)
        self.note("fault", config.fault)
        self.store = Store.open(folder / "state" / f"shard-{config.shard:05d}.sqlite", create=True)
        if config.retry_kinds is not None:
            self.store.requeue_failed(config.retry_kinds)
            self.store.commit()
        self.part = PartWriter.open(
            folder / "parts" / f"part-{config.shard:05d}.jsonl", "none", self.store.last_commit()
        )
        self.todo: deque[tuple[TaskKey, str]] = deque()
        self.known: set[int] = set()
        self.finished = 0
        self.waiting_for_nlp = 0
        self.leaving = asyncio.Event()
        self.changed = asyncio.Event()
        self.children: dict[int, Channel] = {}
        self.answers: asyncio.Queue[Frame] = asyncio.Queue()
        self.replies: asyncio.Queue[Frame] = asyncio.Queue()
        self.channel: Channel

    @staticmethod
    def check(config: ShardConfig) -> None:
        """A test can have shards that fail at their start."""
        marker = Path(config.folder).parent / "fail-start"
        if marker.exists():
            raise RuntimeError(marker.read_text())

    async def run(self) -> None:
        lost = asyncio.Event()
        self.channel = await from_socket(
            socket.socket(fileno=self.config.control_fd), self.on_frame, lambda _cause: lost.set()
        )
        self.load()
        hello = {"type": Control.HELLO, "shard": self.config.shard, "pid": os.getpid()}
        self.channel.send({**hello, "cursor": list(self.store.cursor), "ingested": self.store.ingested})
        beating = asyncio.create_task(self.beat())
        working = asyncio.create_task(self.work())
        await self.leaving.wait()
        working.cancel()
        await asyncio.wait([working])
        self.store.close()
        self.part.close()
        self.send_gauges()
        beating.cancel()
        self.channel.close()
        await self.channel.wait_closed()

    def load(self) -> None:
        found = self.store.db.execute(
            "SELECT host, band, n, url FROM task t WHERE NOT EXISTS"
            " (SELECT 1 FROM result r WHERE r.n = t.n AND r.state > 0) ORDER BY n"
        )
        for host, band, n, url in found.fetchall():
            if n not in self.known:
                self.known.add(n)
                self.todo.append((TaskKey(host, band, n), url))
        self.changed.set()

    def on_frame(self, frame: Frame) -> None:
        match frame.type:
            case Control.TASKS:
                self.note(f"batch-{self.config.shard}", frame.header["last"])
                self.store.insert(tasks_in(frame), (frame.header["input"], frame.header["last"]))
                self.store.commit()
                self.load()
                if not (self.markers / "no-credit").exists():
                    self.channel.send({"type": Control.CREDIT, "batches": 1})
            case Control.INGESTED:
                self.store.finish_ingest()
                self.store.commit()
                self.changed.set()
            case Control.DRAIN:
                self.leaving.set()
            case Control.NLP_UP:
                self._connecting = asyncio.create_task(self.connect(frame.header["child"], frame.header["path"]))
            case Control.NLP_GONE:
                self.note("nlp-gone", frame.header["cause"])
                self.answers.put_nowait(frame)
            case Control.PERMIT_ASK:
                reply = {"type": Control.PERMIT_REPLY, "to": frame.header["from"], "permit": frame.header["permit"]}
                self.channel.send({**reply, "kind": None, "message": frame.header["url"]})
            case Control.PERMIT_REPLY | Control.SHARD_GONE:
                self.note(f"{frame.type}-{self.config.shard}", orjson.dumps(frame.header).decode())
                self.replies.put_nowait(frame)

    def note(self, name: str, what: object) -> None:
        with (self.markers / name).open("a") as file:
            file.write(f"{what}\n")

    async def connect(self, child: int, path: str) -> None:
        self.children[child] = await connect_unix(path, self.answers.put_nowait, lambda _cause: None)
        self.changed.set()

    async def beat(self) -> None:
        while True:
            self.send_gauges()
            await asyncio.sleep(BEAT_S)

    def send_gauges(self) -> None:
        counters = self.store.counters
        known, done, failed = (counters.get(name, 0) for name in ("known", "done", "failed"))
        names = (
            "queued waiting duplicates requests bytes_received fetch_ms_sum process_ms_sum timed in_flight connecting"
        )
        names += " limit bytes_in_flight open_breakers active_hosts tail_s"
        gauges: dict[str, Any] = dict.fromkeys(names.split(), 0)
        gauges |= {"shard": self.config.shard, "known": known, "done": done, "failed": failed, "limit_cause": ""}
        gauges |= {"failed_by_kind": {}, "slow_sites": [], "finished": self.finished}
        self.channel.send({"type": Control.HEARTBEAT, "gauges": gauges | {"waiting_for_nlp": self.waiting_for_nlp}})

    async def work(self) -> None:
        while True:
            while not self.todo:
                if self.store.ingested:
                    self.send_gauges()
                    self.channel.send({"type": Control.FINISHED})
                self.changed.clear()
                await self.changed.wait()
            key, url = self.todo[0]
            kind = await self.do(url)
            self.todo.popleft()
            self.commit(key, url, kind)
            await asyncio.sleep(0)

    def once(self, url: str) -> bool:
        """True the first time that any process asks."""
        marker = self.markers / url.replace("/", "_")
        if marker.exists():
            return False
        marker.touch()
        return True

    async def do(self, url: str) -> FailureKind | None:
        for name, number in DEATHS.items():
            if name in url and ("always" in url or self.once(url)):
                os.kill(os.getpid(), number)
        if "/hang-once" in url and self.once(url):
            time.sleep(3600)  # noqa: ASYNC251 - that is the fault
        if "/hold" in url:
            self.note("held", os.getpid())
            await asyncio.Event().wait()
        if "/full" in url:
            self.channel.send({"type": Control.FAULT, "message": "part: cannot be written: disk full", "exit_code": 4})
            await asyncio.Event().wait()
        if "/garbage-once" in url and self.once(url):
            self.channel._transport.write(bytes([255]) * 8)
            await asyncio.Event().wait()
        if "/permit" in url:
            other = 1 - self.config.shard
            self.channel.send({"type": Control.PERMIT_ASK, "to": other, "permit": 7, "url": url})
            await self.replies.get()
        if "/fail-once" in url and self.once(url):
            return FailureKind.HTTP_STATUS
        if "/nlp" in url:
            return await self.through_nlp(url)
        return None

    async def through_nlp(self, url: str) -> FailureKind | None:
        self.waiting_for_nlp = 1
        try:
            for _ in range(2):
                while not (alive := [channel for channel in self.children.values() if not channel.closed]):
                    self.changed.clear()
                    await self.changed.wait()
                alive[0].send({"type": Page.PAGE, "id": 1, "url": url})
                while True:
                    frame = await self.answers.get()
                    if frame.type == Page.ROW:
                        return None
                    if frame.type == Control.NLP_GONE:
                        self.children.pop(frame.header["child"])
                        break
            return FailureKind.NLP_CRASHED
        finally:
            self.waiting_for_nlp = 0

    def commit(self, key: TaskKey, url: str, kind: FailureKind | None) -> None:
        row = base_row(Fetched(url=url, fetch_url=url, shard=self.config.shard), "2026-01-01T00:00:00Z")
        row["error_kind"] = row["error"] = kind
        line = orjson.dumps(row) + b"\n"
        record, _ = self.part.append([line])
        self.store.add_commit(record, [Finished(key, kind, 0, len(line))])
        self.store.commit()
        self.finished += 1


# -- NLP --------------------------------------------------------------------------------------------------------------


def nlp(config: NlpConfig) -> None:
    watch_life(config.life_fd)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(config.path)
        listener.listen()
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=serve, args=(peer, config.child), daemon=True).start()


def serve(peer: socket.socket, child: int) -> None:
    decoder = Decoder()
    try:
        peer.sendall(b"".join(encode({"type": Page.READY, "child": child, "credit": 8})))
        while data := peer.recv(65_536):
            for frame in decoder.feed(data):
                url = frame.header["url"]
                peer.sendall(b"".join(encode({"type": Page.STARTED, "ids": [1]})))
                if "poison" in url or "slow" in url:
                    os.kill(os.getpid(), signal.SIGALRM if "slow" in url else signal.SIGKILL)
                    threading.Event().wait()
                peer.sendall(b"".join(encode({"type": Page.ROW, "id": 1, "kind": None, "ms": 1.0}, b"{}\n")))
    except OSError:
        pass


def nlp_that_fails(_config: NlpConfig) -> None:
    raise RuntimeError("no model fits")


def nlp_without_model(_config: NlpConfig) -> None:
    raise UsageError("nlp.pipeline: en_core_web_sm is not installed")


def loaded_modules(config: ShardConfig) -> None:
    """Not a shard: leaves what a child was born with where a test finds it."""
    (Path(config.folder).parent / "modules").write_text("\n".join(sys.modules))
