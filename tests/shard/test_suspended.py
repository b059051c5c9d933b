"""A machine that slept for an hour: both clocks have moved on when the shard wakes in the midst of its requests."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from fake_time import run
from shard_rig import Shard, SlowWeb, kinds, reply

HOUR_S = 3600.0


@pytest.mark.parametrize("monotonic", [True, False], ids=["its timers ran on", "its timers stood still"])
def test_a_shard_goes_on_after_an_hour_of_sleep(tmp_path, monotonic):
    """Linux's monotonic clock stands still meanwhile, others' runs on; the time of day has moved in either case."""
    urls = [f"http://host{n % 5}.test/{n}" for n in range(40)]

    async def main():
        loop = asyncio.get_running_loop()
        slept_s = 0.0
        web = SlowWeb(latency_s=2.0)
        web.answer("host0.test", "/5", reply(503), reply(200, b"in the end"))
        shard = Shard(tmp_path, web, wall=lambda: 1e9 + loop.time() + slept_s, politeness__delay_s=1)
        await shard.feed(*urls)
        await asyncio.sleep(9.0)
        assert shard.parts.dispatcher.grants.on_network
        slept_s = HOUR_S
        if monotonic:
            loop._clock.now += HOUR_S
        await shard.until_finished()
        await shard.drain()
        assert shard.held == (0,) * 6
        return shard.rows(), [web.times(f"host{n}.test") for n in range(5)]

    rows, asked = run(main())
    assert kinds(rows) == dict.fromkeys(urls)
    assert all(later - earlier >= 1.0 for times in asked for earlier, later in pairwise(times))
