"""A shard's whole life: ingest, commits and full disks, the orderly end, kills, and what it says when it is done."""

from __future__ import annotations

import asyncio
import os
import random
from itertools import pairwise

import orjson
import pytest
from fake_time import run
from shard_rig import PAGE, Shard, SlowWeb, kinds, redirect

from engine.errors import OutputError
from engine.frontier.store import Store
from engine.ipc.frames import Frame
from engine.ipc.tasks import tasks_frame
from engine.model.entries import Entries
from engine.model.messages import Control
from engine.model.outcome import FailureKind
from engine.model.record import Fetched
from engine.model.task import position
from engine.shard.budget import PageLease
from engine.shard.endings import ROWS_A_COMMIT
from engine.shard.ingest import BATCHES_A_COMMIT, SLICE, let_others
from engine.shard.worker import COMMIT_EVERY_S
from engine.transport.base import Response


def urls(host, count):
    return [f"http://{host}/{n}" for n in range(count)]


def said(shard, message):
    return [header for header in shard.sent if header["type"] == message]


async def fault(shard):
    """The engine's error that the worker ended with."""
    with pytest.raises(ExceptionGroup) as raised:
        await shard.task
    error = raised.value
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


async def resumed(folder, web, **settings):
    """The rows after another life of the same shard."""
    shard = Shard(folder, web, **settings)
    await asyncio.sleep(0)
    shard.tell(Control.INGESTED)
    await shard.until_finished()
    await shard.drain()
    return shard.rows()


# -- what it says -----------------------------------------------------------------------------------------------------


def test_it_is_finished_when_ingest_is_over_and_every_row_committed_and_says_so_once(tmp_path):
    async def main():
        shard = Shard(tmp_path, SlowWeb())
        await shard.feed("http://a.test/", done=False)
        await asyncio.sleep(20)
        assert not said(shard, Control.FINISHED)
        shard.tell(Control.INGESTED)
        await shard.until_finished()
        rows = shard.store.db.execute("SELECT count(*) FROM log").fetchone()
        assert rows == (1,)
        assert shard.parts.endings.uncommitted == 0
        await asyncio.sleep(20)
        assert len(said(shard, Control.FINISHED)) == 1
        last = shard.sent[shard.sent.index(said(shard, Control.FINISHED)[0]) - 1]
        assert (last["type"], last["gauges"]["done"], last["gauges"]["queued"]) == (Control.HEARTBEAT, 1, 0)
        await shard.drain()

    run(main())


def test_credit_is_given_for_what_is_committed_some_batches_at_once_while_more_wait(tmp_path):
    async def main():
        shard = Shard(tmp_path, SlowWeb())
        await asyncio.sleep(0)
        for n in range(1, BATCHES_A_COMMIT + 2):
            entries = [[position(0, n), 0, f"http://a.test/{n}", None, "a.test", None, None]]
            shard.worker.on_frame(Frame(*tasks_frame((0, n), Entries.of(entries))))
        await asyncio.sleep(0.05)
        assert [header["batches"] for header in said(shard, Control.CREDIT)] == [BATCHES_A_COMMIT, 1]
        await shard.kill()
        store = Store.open(tmp_path / "shard-0.sqlite")
        assert store.cursor == (0, BATCHES_A_COMMIT + 1)
        store.close()

    run(main())


@pytest.mark.parametrize("by_ingest", [True, False])
def test_a_loop_that_something_else_than_ingest_makes_late_is_asked_to_do_less(tmp_path, by_ingest):
    async def main():
        shard = Shard(tmp_path, SlowWeb())
        loop = asyncio.get_running_loop()
        insert = shard.parts.schedule.insert

        def slowly(*args, **named):
            loop.pass_by(0.6)
            insert(*args, **named)

        shard.parts.schedule.insert = slowly if by_ingest else insert
        for n in range(1, 60):
            await shard.feed(f"http://a.test/{n}", done=False)
            await asyncio.sleep(0.05)
            if not by_ingest:
                loop.pass_by(0.6)
        assert shard.parts.limit.cause.startswith("capped") is not by_ingest
        await shard.drain()

    run(main())


def test_the_first_rows_of_a_process_are_not_kept_waiting_for_a_commit(tmp_path):
    async def main():
        shard = Shard(tmp_path, SlowWeb(latency_s=0.3), politeness__delay_s=0)
        await shard.feed("http://a.test/", done=False)
        await asyncio.sleep(0.9 * COMMIT_EVERY_S)  # robots.txt, then the page
        assert shard.store.last_commit().count == 1
        await shard.drain()

    run(main())


def test_an_empty_list_is_finished_at_once(tmp_path):
    async def main():
        shard = Shard(tmp_path, SlowWeb())
        assert await shard.complete() == {}

    run(main())


@pytest.mark.parametrize(
    ("turns_s", "enough_after", "taken"),
    [
        ([], 0, 1),  # nobody has anything to do
        ([], 9, 1),
        ([0.002] * 2, 0, 3),
        ([0.002] * 50, 0, 5),  # enough is done before they had the least time
        ([0.002] * 50, 12, 12),
        ([0.002] * 50, 90, 20),  # no more than the most
        ([0.05], 90, 1),
    ],
)
def test_between_slices_others_have_turns_until_they_have_done_enough_or_need_none(turns_s, enough_after, taken):
    clock, turns = 0.0, 0

    async def others():
        nonlocal clock, turns
        left = iter(turns_s)
        while True:
            clock += next(left, 0.0)
            turns += 1
            await asyncio.sleep(0)

    async def main():
        busy = asyncio.ensure_future(others())
        took_s = await let_others(0.01, 0.04, lambda: turns >= enough_after, lambda: clock)
        busy.cancel()
        assert took_s == pytest.approx(sum(turns_s[:taken]))

    run(main())
    assert turns == taken


def test_a_long_batch_is_taken_in_slices_and_its_credit_given_once_it_is_durable(tmp_path):
    async def main():
        shard = Shard(tmp_path, SlowWeb(), politeness__delay_s=0, politeness__max_per_host=0)
        await asyncio.sleep(0)
        count = 2 * SLICE + 10
        entries = [[position(0, 3 * n), 0, f"http://a.test/{n}", None, "a.test", None, None] for n in range(1, count)]
        shard.worker.on_frame(Frame(*tasks_frame((0, 3 * count + 5), Entries.of(entries))))
        seen = []
        while not said(shard, Control.CREDIT):
            seen.append(shard.store.cursor)
            await asyncio.sleep(0)
        assert {(0, 3 * SLICE), (0, 6 * SLICE)} < set(seen)  # others have their turn between two slices
        await shard.kill()
        store = Store.open(tmp_path / "shard-0.sqlite")
        assert store.cursor == (0, 3 * count + 5)
        assert store.counters["known"] == count - 1
        store.close()

    run(main())


def test_heartbeats_go_on_while_a_given_up_host_has_its_urls_ended(tmp_path):
    web = SlowWeb(default=Response(429))

    async def main():
        shard = Shard(tmp_path, web, politeness__max_pauses=1, politeness__delay_s=0)
        rows = await shard.complete(*urls("a.test", 3000))
        assert set(kinds(rows).values()) == {FailureKind.RATE_LIMITED}
        store = Store.open(tmp_path / "shard-0.sqlite")
        assert max(record.count for _, record in store.commit_records()) <= ROWS_A_COMMIT + 300
        store.close()
        beats = said(shard, Control.HEARTBEAT)
        assert beats[-1]["gauges"]["failed"] == 3000

    run(main())


def test_a_message_that_it_cannot_take_ends_it_loudly(tmp_path):
    async def main():
        shard = Shard(tmp_path, SlowWeb())
        await asyncio.sleep(0)
        shard.worker.on_lost(ValueError("the supervisor sent nonsense"))
        assert str(await fault(shard)) == "the supervisor sent nonsense"
        shard.store.close()
        shard.part.close()

    run(main())


# -- full disks -------------------------------------------------------------------------------------------------------


class Disk:
    """Takes so many writes, then is full."""

    def __init__(self, writes):
        self.left = writes

    def write(self, fd, data, offset):
        self.left -= 1
        if self.left < 0:
            raise OSError(28, "No space left on device")
        return os.pwrite(fd, data, offset)


def test_a_full_disk_ends_the_worker_and_no_row_is_lost_or_there_twice(tmp_path):
    async def main():
        shard = Shard(tmp_path, SlowWeb(), write=Disk(3).write)
        await shard.feed(*urls("a.test", 12))
        error = await fault(shard)
        assert isinstance(error, OutputError)
        assert "No space left" in str(error)
        shard.store.close()
        shard.part.close()
        assert 0 < shard.store.counters["done"] < 12
        assert len(await resumed(tmp_path, SlowWeb())) == 12

    run(main())


class EagerPool:
    """A pool whose rows come as they do from a socket: by a callback of the loop, whose exceptions end only itself."""

    def __init__(self):
        self.swallowed = []
        self.children = 1

    def submit(self, header, _body, on_row, _on_failed):
        def deliver():
            try:
                on_row(orjson.dumps({"url": header["fetched"]["url"], "error_kind": None}) + b"\n", None, 1.0)
            except Exception as error:  # noqa: BLE001 - as a channel does
                self.swallowed.append(error)

        asyncio.get_running_loop().call_soon(deliver)


def test_a_full_disk_is_not_swallowed_by_the_connection_that_brought_the_row(tmp_path):
    async def main():
        shard = Shard(tmp_path, SlowWeb(), write=Disk(0).write)
        pool = shard.parts.endings._pool = EagerPool()
        await asyncio.sleep(0)
        rows = [[position(0, n), 0, f"http://a.test/{n}", None, "a.test", None, None] for n in range(1, 700)]
        shard.parts.schedule.insert(Entries.of(rows), (0, 700), 0)
        host = shard.parts.residence.named("a.test", 0)
        for _ in range(ROWS_A_COMMIT + 100):
            task = shard.parts.schedule.next_task(host, 0)
            fetched = Fetched(task.url, task.fetch_url, 0)
            shard.parts.endings.page(task, fetched, b"", PageLease(shard.parts.budget))
        assert isinstance(await fault(shard), OutputError)
        assert not pool.swallowed
        shard.store.close()
        shard.part.close()

    run(main())


def test_a_frontier_that_cannot_be_written_ends_the_worker_and_makes_no_error_rows(tmp_path):
    async def main():
        shard = Shard(tmp_path, SlowWeb())

        def full(_origin, _row):
            raise OutputError("the frontier cannot be written")

        shard.parts.hops.robots._table.keep = full
        await shard.feed(*urls("a.test", 3))
        assert isinstance(await fault(shard), OutputError)
        assert shard.parts.endings.uncommitted == 0
        shard.store.close()
        shard.part.close()

    run(main())


# -- the orderly end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.5, 1.01, 2.5, 7.0])
def test_a_drain_at_any_moment_leaves_what_a_resume_completes(tmp_path, after_s):
    web = SlowWeb(latency_s=0.3)
    web.slow["a.test", "/3"] = 60.0
    web.answer("b.test", "/0", Response(500), PAGE)

    async def main():
        shard = Shard(tmp_path, web)
        await shard.feed(*urls("a.test", 6), *urls("b.test", 3))
        await asyncio.sleep(after_s)
        began = asyncio.get_running_loop().time()
        await shard.drain(within_s=5.0)
        assert asyncio.get_running_loop().time() - began <= 5.1
        assert web.open_exchanges == 0
        for row in shard.rows().values():
            assert row["error_kind"] is None
        asked = len(web.written)
        await asyncio.sleep(100)
        assert len(web.written) == asked
        web.slow.clear()
        return await resumed(tmp_path, web)

    rows = run(main())
    assert len(rows) == 9
    assert set(kinds(rows).values()) == {None}


def test_a_drain_while_many_wait_for_one_robots_txt_makes_no_error_rows(tmp_path):
    """Hops wait for the file that another URL fetches: to cancel one of them must not cancel it for all."""
    web = SlowWeb()
    web.slow["b.test", "/robots.txt"] = 1000.0
    for n in range(5):
        web.answer(f"h{n}.test", "/", redirect("http://b.test/x"))

    async def main():
        shard = Shard(tmp_path, web, politeness__delay_s=0, politeness__max_per_host=8)
        await shard.feed("http://b.test/", *(f"http://h{n}.test/" for n in range(5)))
        await asyncio.sleep(5)
        await shard.drain(within_s=3.0)
        assert shard.rows() == {}
        web.slow.clear()
        return await resumed(tmp_path, web)

    assert set(kinds(run(main())).values()) == {None}


# -- kills ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_after_kills_at_any_moments_every_url_has_one_row_and_no_host_was_asked_too_soon(tmp_path, seed):
    chance = random.Random(seed)  # noqa: S311 - when to kill
    web = SlowWeb(latency_s=0.2)
    for n in range(0, 40, 5):
        web.answer("a.test", f"/{n}", Response(500), PAGE)
        web.answer("b.test", f"/{n}", Response(404))
    lines = [
        url for n in range(20) for url in (f"http://a.test/{n}", f"http://b.test/{n}", f"http://c{n % 7}.test/{n}")
    ]
    killed_at = []

    async def main():
        loop = asyncio.get_running_loop()
        for _ in range(8):
            shard = Shard(tmp_path, web, run__max_active_hosts=3, politeness__delay_s=1)
            await asyncio.sleep(0)
            held = shard.store.cursor[1]
            await shard.feed(*lines[held:], done=True)
            await asyncio.sleep(chance.uniform(0.0, 8.0))
            assert not shard.task.done()
            await shard.kill()
            killed_at.append(loop.time())
        return await resumed(tmp_path, web, politeness__delay_s=1)

    rows = run(main())
    assert len(rows) == 60
    expected = {url: FailureKind.HTTP_STATUS if url in {f"http://b.test/{n}" for n in range(0, 20, 5)} else None
                for url in lines}  # fmt: skip
    assert kinds(rows) == expected
    for host in ("a.test", "b.test", "c0.test"):
        times = sorted(web.times(host))
        assert min(after - before for before, after in pairwise(times)) >= 1.0 - 1e-6
