"""Shards that die at random moments, by kills and by their pages, on a web of all sorts: one row a URL in the end.

Fake time: a life costs milliseconds, so some seeds run here and as many more as one likes by hand (SEEDS=1000).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal

import pytest
from fake_time import run
from shard_rig import Shard, SlowWeb, kinds, redirect, reply

from engine.model.outcome import FailureKind

SEEDS = int(os.environ.get("SEEDS", "8"))
FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT)


class Web(SlowWeb):
    """Answers by URL; `deadly` ones end the process that reads them."""

    def __init__(self, chance, urls):
        super().__init__(latency_s=chance.choice((0.0, 0.05, 3.0)), connect_s=chance.choice((0.0, 0.2)))
        self.died = asyncio.Event()
        self.deadly = set()
        for url in urls:
            host, path = url.removeprefix("http://").split("/", 1)
            self.page(chance, urls, host, f"/{path}")
        for host in sorted({url.split("/")[2] for url in urls}):
            self.host(chance, host)

    def page(self, chance, urls, host, path):
        match chance.randrange(12):
            case 0:
                self.deadly.add((host, path))
            case 1:
                self.answer(host, path, redirect(chance.choice(urls)))
            case 2:
                self.answer(host, path, *[reply(500)] * chance.randint(1, 5), reply(200))
            case 3:
                self.answer(host, path, reply(404))
            case 4:
                self.slow[host, path] = 20.0

    def host(self, chance, host):
        match chance.randrange(10):
            case 0:
                self.fail_connect(host, *[FailureKind.CONNECT_TIMEOUT] * chance.choice((2, 200)))
            case 1:
                self.answer(host, "/robots.txt", *[reply(503)] * chance.choice((1, 200)), reply(404))
            case 2:
                self.answer(host, "/robots.txt", reply(200, b"User-agent: *\nCrawl-delay: 5\n"))
            case 3:
                self.answer(host, "/robots.txt", redirect(f"http://{host}/other.txt"))

    async def respond(self, request):
        response = await super().respond(request)
        if (request.host, request.target) in self.deadly:
            self.died.set()
            await asyncio.Event().wait()
        return response


async def lives(folder, chance, urls, web, **settings):
    """Live and die until everything has its row; the last shard, and how many lives it took."""
    fault, count, kills = 0, 0, chance.randint(0, 6)
    while True:
        count += 1
        assert count < 200, "it never ends"
        shard = Shard(folder, web, fault=fault, **settings)
        web.died.clear()
        if not shard.store.ingested:
            await shard.feed(*urls[shard.store.cursor[1] :])
        waits = [asyncio.ensure_future(shard.finished.wait()), asyncio.ensure_future(web.died.wait())]
        latest_s = chance.choice((0.01, 1.0, 30.0, 300.0)) if kills else None
        await asyncio.wait([*waits, shard.task], timeout=latest_s, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if shard.task.done():
            shard.task.result()
        if shard.finished.is_set() and not web.died.is_set():
            await shard.drain()
            assert shard.held == (0,) * 6
            return shard, count
        if web.died.is_set():
            fault = chance.choice(FAULTS)
            await shard.kill()
        else:
            kills -= 1
            fault = 0
            match chance.randrange(4):
                case 0:
                    fault = signal.SIGABRT
                    await shard.kill()
                case 1:
                    await shard.kill()
                case 2:
                    await shard.lose_power(lambda path: lose_tail(chance, path))
                case _:
                    await shard.drain(within_s=chance.choice((0.1, 8.0)))


def lose_tail(chance, path):
    """Cut it, or leave zeros in its place: both are what file systems leave of what was not synced."""
    size = path.stat().st_size
    os.truncate(path, chance.randrange(size + 1))
    if chance.random() < 0.3:
        os.truncate(path, size)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_each_url_has_one_row_whatever_dies(tmp_path, seed):
    chance = random.Random(seed)  # noqa: S311 - a test's choice
    hosts = chance.randint(1, 12)
    urls = [f"http://h{chance.randrange(hosts)}.test/{n}" for n in range(chance.randint(5, 60))]
    settings = {
        "politeness__delay_s": chance.choice((0, 1, 15)),
        "run__max_active_hosts": chance.choice((1, 3, 100)),
        "run__max_in_flight_pages": chance.choice((1, 4, 1000)),
        "retry__max_attempts": 3,
    }

    async def main():
        web = Web(chance, urls)
        shard, count = await lives(tmp_path, chance, urls, web, **settings)
        return kinds(shard.rows()), {f"http://{host}{path}" for host, path in web.deadly}, count

    found, deadly, _ = run(main())
    assert found.keys() == set(urls)
    if not deadly:
        assert FailureKind.INTERNAL_ERROR not in found.values()
    assert all(found[url] is not None for url in deadly)
