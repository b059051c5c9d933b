from __future__ import annotations

import asyncio
import os
import random
import signal
from itertools import pairwise

import pytest
from fake_time import run
from shard_rig import Shard, SlowWeb, kinds, reply

from engine.errors import OutputError
from engine.model.messages import Control
from engine.model.outcome import FailureKind
from engine.model.task import TaskKey
from engine.policy.restart import MAX_RESTARTS
from engine.shard.flight import Flight, Left


class Deadly(SlowWeb):
    """A web with pages whose answer ends the process that reads it."""

    def __init__(self, *deadly, **options):
        super().__init__(**options)
        self.deadly = deadly
        self.died = asyncio.Event()
        self.asked = []

    async def respond(self, request):
        self.asked.append(request.target)
        response = await super().respond(request)
        if request.target in self.deadly:
            self.died.set()
            await asyncio.Event().wait()  # nothing comes after a death
        return response


async def live(folder, web, urls, **settings):
    """Lives of one shard to the end of the run, a successor told what its predecessor died of; (the last, lives)."""
    fault, deaths_without_progress, lives = 0, 0, 0
    while True:
        shard = Shard(folder, web, fault=fault, **settings)
        lives += 1
        web.died.clear()
        await shard.feed(*(() if shard.store.ingested else urls))
        ends = [asyncio.ensure_future(shard.finished.wait()), asyncio.ensure_future(web.died.wait()), shard.task]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends[:2]:
            end.cancel()
        if not web.died.is_set():
            if shard.task.done():
                shard.task.result()
            await shard.drain()
            return shard, lives
        told = [header["gauges"]["finished"] for header in shard.sent if header["type"] == Control.HEARTBEAT]
        deaths_without_progress = 0 if any(told) else deaths_without_progress + 1
        assert deaths_without_progress <= MAX_RESTARTS, "the supervisor would have given up"
        await shard.kill()
        fault = signal.SIGSEGV


@pytest.mark.parametrize("deadly", [1, 2, 5])
@pytest.mark.parametrize("delay_s", [0, 1])
def test_a_page_that_ends_its_shard_costs_its_own_row_alone(tmp_path, deadly, delay_s):
    urls = [f"http://host{n % 7}.test/{n}" for n in range(40)]
    victims = random.Random(deadly).sample(range(40), deadly)  # noqa: S311 - a test's choice

    async def main():
        web = Deadly(*(f"/{n}" for n in victims))
        shard, lives = await live(tmp_path, web, urls, politeness__delay_s=delay_s)
        assert shard.held == (0,) * 6
        return shard.rows(), lives

    rows, lives = run(main())
    assert kinds(rows) == {url: FailureKind.INTERNAL_ERROR if n in victims else None for n, url in enumerate(urls)}
    assert lives <= 1 + 2 * deadly
    (first, *_) = victims
    assert "SIGSEGV, twice" in rows[urls[first]]["error"]


def test_suspects_run_alone_and_nothing_beside_them(tmp_path):
    urls = [f"http://host{n}.test/{n}" for n in range(12)]

    async def main():
        web = Deadly("/3", latency_s=1.0)
        first = Shard(tmp_path, web, politeness__delay_s=0)
        await first.feed(*urls)
        await web.died.wait()
        await first.kill()
        web.written.clear()
        second = Shard(tmp_path, web, fault=signal.SIGSEGV, politeness__delay_s=0)
        suspects = len(second.parts.quarantine._found.tasks)
        web.died.clear()
        await web.died.wait()
        pages = [at for at, _, target in web.written if target != "/robots.txt"]
        await second.kill()
        return suspects, pages

    suspects, pages = run(main())
    assert suspects > 1
    assert len(pages) <= suspects
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(pages))


def test_who_was_killed_by_others_gives_nobody_away(tmp_path):
    async def main():
        web = Deadly("/1")
        first = Shard(tmp_path, web, politeness__delay_s=0)
        await first.feed("http://a.test/1", "http://a.test/2")
        await web.died.wait()
        await first.kill()
        second = Shard(tmp_path, SlowWeb(), fault=0, politeness__delay_s=0)
        assert second.parts.quarantine is None
        await second.until_finished()
        await second.drain()
        return kinds(second.rows())

    assert set(run(main()).values()) == {None}


def test_a_suspect_whose_host_may_not_be_asked_is_let_go(tmp_path):
    """Its host pauses for longer than anybody would wait; the other URLs go on without it."""

    async def main():
        web = Deadly("/dead")
        web.answer("later.test", "/robots.txt", reply(503, Retry_After="300"))
        first = Shard(tmp_path, web, politeness__delay_s=0)
        await first.feed("http://later.test/1", "http://a.test/dead", "http://a.test/2")
        await web.died.wait()
        await first.kill()
        web.died.clear()
        return await live(tmp_path, web, (), politeness__delay_s=0)

    shard, _ = run(main())
    assert kinds(shard.rows())["http://a.test/2"] is None


# -- the notes --------------------------------------------------------------------------------------------------------


def test_notes_outlive_their_process(tmp_path):
    path = tmp_path / "flight"
    flight = Flight.open(path, 4)
    keys = [TaskKey(1, -5, 7), TaskKey(1, 0, 8), TaskKey(1 << 40, 0, 9)]
    a, b, c = map(flight.note, keys)
    b.close()
    a.heard_of()
    flight.alone(on=True)
    left = Flight.open(path, 4).left
    assert left == Left((keys[0], keys[2]), alone=True)
    assert Flight.open(path, 4).left == Left()  # what was read is forgotten
    c.close()


@pytest.mark.parametrize("content", [b"", b"short", b"not ours" * 40, os.urandom(1000)])
def test_a_file_that_is_no_notes_says_nothing(tmp_path, content):
    path = tmp_path / "flight"
    path.write_bytes(content)
    assert Flight.open(path, 4).left == Left()


def test_a_file_of_another_capacity_is_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "flight"
    for _ in "ab":
        Flight.open(path, 8).note(TaskKey(1, 0, 2))
        assert Flight.open(path, 2).left.keys == (TaskKey(1, 0, 2),)


def test_a_file_that_cannot_be_made_ends_the_run_in_words(tmp_path):
    with pytest.raises(OutputError, match=r"flight: cannot be written: .*enrich resume"):
        Flight.open(tmp_path / "none" / "flight", 4)
