"""The shard's slots: whatever the limit does, nobody who waits for one is forgotten."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace

import pytest
from fake_time import run
from shard_rig import PAGE, Shard, SlowWeb, kinds, reply

from engine.model.outcome import FailureKind
from engine.policy.aimd import AimdRules, ShardLimit
from engine.policy.verdict import Signal
from engine.shard.grants import MIN_FRESH_S, Grant, Grants


def grants_of(limit=10, max_connecting=1000):
    return Grants(ShardLimit(AimdRules(initial=limit, min=1, max=1000), 0.0), max_connecting, lambda: None)


def begun(grants, now=0.0):
    return grants.begin(Grant(None, None, 0, now))


def test_a_thousand_tasks_all_run_while_the_limit_rises_and_falls_at_random():
    async def main():
        grants, now = grants_of(), asyncio.get_running_loop().time
        chance = random.Random(7)  # noqa: S311 - weather
        done, peak = [], 0

        async def task(number):
            nonlocal peak
            grant = begun(grants, now())
            try:
                await grants.enter(grant, now)
                peak = max(peak, grants.on_network)
                await asyncio.sleep(chance.random())
                grants.judge(grant, Signal.SUCCESS, now(), alive=True)
            finally:
                grants.leave(grant)
            done.append(number)

        async def weather():
            while len(done) < 1000:
                grants.limit.cap(chance.choice((1, 2, 5, 20, 50)), "by chance")
                grants.hand_on()
                await asyncio.sleep(0.5)

        async with asyncio.timeout(10_000), asyncio.TaskGroup() as group:
            group.create_task(weather())
            for number in range(1000):
                group.create_task(task(number))
        assert sorted(done) == list(range(1000))
        assert (grants.on_network, grants.connecting, len(grants._queue)) == (0, 0, 0)
        assert 1 < peak <= 50

    run(main())


@pytest.mark.parametrize("when", ["waiting", "just given"])
def test_one_who_is_cancelled_in_the_queue_leaves_his_slot_to_the_next(when):
    async def main():
        grants, now = grants_of(limit=2), asyncio.get_running_loop().time
        holders = [begun(grants), begun(grants)]
        for grant in holders:
            await grants.enter(grant, now)
        waiting = [begun(grants), begun(grants)]
        tasks = [asyncio.ensure_future(grants.enter(grant, now)) for grant in waiting]
        await asyncio.sleep(0)
        if when == "just given":
            grants.leave(holders[0])
        tasks[0].cancel()
        await asyncio.sleep(0)
        grants.leave(waiting[0])
        if when == "waiting":
            grants.leave(holders[0])
        await asyncio.wait_for(tasks[1], 5)
        assert grants.on_network == 2
        for grant in (holders[1], waiting[1]):
            grants.leave(grant)
        assert (grants.on_network, grants.connecting) == (0, 0)

    run(main())


def test_what_connects_counts_against_the_limit_only_for_its_first_moment():
    grants = grants_of(limit=2, max_connecting=4)
    first = [begun(grants), begun(grants), begun(grants)]
    assert not grants.may_begin(0.0)
    assert grants.may_begin(MIN_FRESH_S)
    fourth = begun(grants, MIN_FRESH_S)
    assert not grants.may_begin(10.0)  # as many as may connect
    grants.leave(fourth)
    assert grants.may_begin(10.0)
    for grant in first:
        grants.leave(grant)
        grants.leave(grant)  # the end of a grant is told more than once
    assert (grants.connecting, grants._fresh_count) == (0, 0)


def test_that_moment_is_as_long_as_connects_take_that_come_through():
    async def main():
        grants, loop = grants_of(limit=2), asyncio.get_running_loop()
        for _ in range(50):
            grant = begun(grants, loop.time())
            await asyncio.sleep(0.1)
            await grants.enter(grant, loop.time)
            grants.leave(grant)
        began = loop.time()
        for _ in range(3):
            begun(grants, began)
        assert not grants.may_begin(began + 0.1)
        assert grants.may_begin(began + 0.2)

    run(main())


def test_a_host_that_was_silent_when_last_asked_is_not_expected_to_take_a_slot():
    grants = grants_of(limit=1)
    silent = SimpleNamespace(silent=True)
    for _ in range(10):
        assert grants.may_begin(0.0)
        grants.begin(Grant(silent, None, 0, 0.0))
    begun(grants)
    assert grants.connecting == 11
    begun(grants)
    assert not grants.may_begin(0.0)


def test_half_of_the_limit_is_connected_ahead_and_waits_within_what_may_connect():
    async def main():
        grants, now = grants_of(limit=4, max_connecting=5), asyncio.get_running_loop().time
        entering = []
        while grants.may_begin(now()):
            entering.append(asyncio.ensure_future(grants.enter(begun(grants, now()), now)))
            await asyncio.sleep(0)
        assert (len(entering), grants.on_network, grants.connecting) == (6, 4, 0)
        grants.limit.cap(20, "more than may wait")
        begun(grants, now()), begun(grants, now()), begun(grants, now())
        assert not grants.may_begin(now())  # two wait and three connect
        for task in entering:
            task.cancel()

    run(main())


def test_a_request_that_waited_for_its_slot_is_not_sent_into_a_pause_of_its_host(tmp_path):
    web = SlowWeb(latency_s=1.0)
    web.answer("a.test", "/1", reply(429, Retry_After="100"), PAGE)  # the first: /0 has fetched the robots.txt

    async def main():
        shard = Shard(
            tmp_path, web, fetch__max_concurrency=2, aimd__initial=2, politeness__max_per_host=4, politeness__delay_s=0
        )
        rows = await shard.complete(*(f"http://a.test/{n}" for n in range(6)))
        assert shard.held == (0,) * 6
        return rows

    assert set(kinds(run(main())).values()) == {None}
    first, second, *later = web.times("a.test", robots=False)
    assert first == second
    assert len(later) == 5
    assert min(later) >= first + web.latency_s + 100


def test_black_holes_do_not_hold_the_slots_of_those_who_answer(tmp_path):
    web = SlowWeb()
    dead = [f"dead{n}.test" for n in range(30)]
    web.slow_connect = dict.fromkeys(dead, 10.0)
    for host in dead:
        web.fail_connect(host, FailureKind.CONNECT_TIMEOUT)

    async def main():
        shard = Shard(tmp_path, web, fetch__max_concurrency=4, aimd__initial=4, retry__max_attempts=1)
        await shard.feed(*(f"http://{host}/" for host in dead), *(f"http://a{n}.test/" for n in range(30)))
        await shard.until_finished()
        await shard.drain()
        return shard.rows()

    began = 1000.0
    rows = run(main())
    assert sorted(map(str, kinds(rows).values())) == ["None"] * 30 + ["connect_timeout"] * 30
    assert max(at for at, host, _ in web.written if host.startswith("a")) < began + 10.0


def test_a_shard_whose_limit_falls_and_rises_finishes_a_thousand_urls(tmp_path):
    web = SlowWeb(latency_s=0.2)
    chance = random.Random(3)  # noqa: S311 - weather

    async def main():
        shard = Shard(tmp_path, web, politeness__max_per_site=0)

        async def weather():
            while not shard.finished.is_set():
                shard.parts.limit.cap(chance.choice((1, 3, 10, 40)), "by chance")
                await asyncio.sleep(0.7)

        await shard.feed(*(f"http://h{n % 100}.test/{n}" for n in range(1000)))
        changing = asyncio.ensure_future(weather())
        await shard.until_finished()
        await changing
        await shard.drain()
        assert shard.held == (0,) * 6
        return shard.rows()

    assert len(run(main())) == 1000
