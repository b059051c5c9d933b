"""The NLP pool without supervisor, shard and network: its real children and a shard's real client, pages from memory.

And bare copies of what a child does to a page, to compare with. Both are started from a preloaded fork server.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import multiprocess
import uvloop

from engine.model.plan import NlpConfig
from engine.model.record import Fetched
from engine.nlp.page import Page
from engine.settings import Settings
from engine.shard.nlp_client import NlpClient

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from engine.model.outcome import Failure

CONTENT_TYPE = "text/html; charset=utf-8"

#: Pages in the client beyond those that the children have credit for: it never idles.
QUEUED = 16

#: Pages of each process that are not counted: caches fill.
WARM_UP_S = 2.0
_START_S = 60.0


def _context() -> Any:
    context = multiprocess.get_context("forkserver")
    context.set_forkserver_preload(["engine.nlp.preload"])
    return context


def _fetched(number: int) -> Fetched:
    url = f"http://ok-{number % 100}.test/{number}.html"
    return Fetched(url, url, 0, final_url=url, status_code=200, content_type=CONTENT_TYPE, attempts=1)


# -- bare copies ------------------------------------------------------------------------------------------------------


def bare_rate(pages: list[bytes], copies: int, seconds: float, _folder: Path) -> float:
    """Pages a second that so many copies of the analyser reach together, each in a loop of its own."""
    context = _context()
    ready, go, told = context.Barrier(copies + 1), context.Event(), context.SimpleQueue()
    settings = Settings().model_dump(mode="json")
    processes = [
        context.Process(target=_bare_copy, args=(settings, pages, seconds, ready, go, told), daemon=True)
        for _ in range(copies)
    ]
    for process in processes:
        process.start()
    ready.wait(_START_S)
    go.set()
    rate = sum(told.get() for _ in processes)
    for process in processes:
        process.join()
    return rate


def _bare_copy(  # noqa: PLR0913, PLR0917 - a process's arguments
    settings: dict[str, Any], pages: list[bytes], seconds: float, ready: Any, go: Any, told: Any
) -> None:
    from engine.nlp.worker import PageWorker  # noqa: PLC0415 - only a child loads spaCy

    worker = PageWorker(Settings.model_validate(settings))
    number = 0
    ready.wait()
    go.wait()
    for counted_s in (WARM_UP_S, seconds):
        began, first = time.monotonic(), number
        while time.monotonic() - began < counted_s:
            worker.work(Page(number, False, _fetched(number), CONTENT_TYPE, pages[number % len(pages)]))  # noqa: FBT003
            number += 1
        rate = (number - first) / (time.monotonic() - began)
    told.put(rate)


# -- the pool ---------------------------------------------------------------------------------------------------------


def pool_rate(pages: list[bytes], children: int, seconds: float, folder: Path) -> float:
    """Pages a second that so many children of the pool reach, fed by a shard's client in this process."""
    context = _context()
    settings = Settings().model_dump(mode="json")
    life_read, life_write = context.Pipe(duplex=False)
    paths = [folder / f"{number}.sock" for number in range(children)]
    processes = []
    for number, path in enumerate(paths):
        path.unlink(missing_ok=True)
        config = NlpConfig(number, str(path), settings, -1, log_level="warning")
        processes.append(context.Process(target=_child, args=(config, life_read), daemon=True))
        processes[-1].start()
    try:
        return uvloop.run(_feed(pages, paths, seconds))
    finally:
        life_write.close()
        for process in processes:
            process.join(10)
            process.kill()


def _child(config: NlpConfig, life: Connection) -> None:
    from engine.nlp.child import child_main  # noqa: PLC0415 - only a child loads spaCy

    child_main(replace(config, life_fd=life.fileno()))


async def _feed(pages: list[bytes], paths: list[Path], seconds: float) -> float:
    client = NlpClient(Settings().nlp.timeout_s)
    for number, path in enumerate(paths):
        await _until(path.exists)
        await client.on_up(number, str(path))
    await _until(lambda: client.children == len(paths))
    feed = _Feed(client, pages)
    for _ in range(QUEUED + 4 * len(paths)):
        feed.submit()
    await asyncio.sleep(WARM_UP_S)
    began, first = time.monotonic(), feed.rows
    await asyncio.sleep(seconds)
    rate = (feed.rows - first) / (time.monotonic() - began)
    feed.over = True
    await client.until_idle()
    if feed.failures:
        raise RuntimeError(f"{len(feed.failures)} pages failed, the first: {feed.failures[0]}")
    return rate


async def _until(holds: Any) -> None:
    async with asyncio.timeout(_START_S):
        while not holds():  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.02)


class _Feed:
    """A page for every row that comes back."""

    def __init__(self, client: NlpClient, pages: list[bytes]) -> None:
        self._client = client
        self._pages = pages
        self._number = 0
        self.rows = 0
        self.over = False
        self.failures: list[Failure] = []

    def submit(self) -> None:
        number = self._number
        self._number += 1
        header = {"fetched": _fetched(number)._asdict(), "ct": CONTENT_TYPE}
        self._client.submit(header, self._pages[number % len(self._pages)], self._on_row, self.failures.append)

    def _on_row(self, _line: bytes, _kind: object, _ms: float) -> None:
        self.rows += 1
        if not self.over:
            self.submit()
