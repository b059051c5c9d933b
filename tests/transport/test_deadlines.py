from __future__ import annotations

import asyncio

import pytest

from engine.transport.deadlines import DeadlineExpiredError, Deadlines


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def deadlines(clock):
    return Deadlines(clock, None)


async def waiting(deadlines, limit_s, started):
    with deadlines.within(limit_s):
        started.set()
        await asyncio.Event().wait()


async def begin(deadlines, limit_s):
    started = asyncio.Event()
    task = asyncio.ensure_future(waiting(deadlines, limit_s, started))
    await started.wait()
    return task


async def test_a_block_expires_when_its_time_is_over_and_not_before(clock, deadlines):
    task = await begin(deadlines, 5)
    clock.now += 4.99
    deadlines.sweep()
    await asyncio.sleep(0)
    assert not task.done()
    clock.now += 0.07
    deadlines.sweep()
    with pytest.raises(DeadlineExpiredError):
        await task
    assert task.cancelling() == 0


async def test_a_block_that_ends_in_time_is_left_alone(clock, deadlines):
    with deadlines.within(1):
        await asyncio.sleep(0)
    clock.now += 10
    deadlines.sweep()
    await asyncio.sleep(0)


async def test_a_cancellation_from_outside_stays_one(clock, deadlines):
    task = await begin(deadlines, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    both = await begin(deadlines, 5)
    clock.now += 10
    deadlines.sweep()
    both.cancel()
    with pytest.raises(asyncio.CancelledError):
        await both


async def test_an_error_in_the_block_passes(deadlines):
    with pytest.raises(ValueError, match="mine"), deadlines.within(1):
        raise ValueError("mine")


async def test_no_limit_is_no_deadline(clock, deadlines):
    task = await begin(deadlines, 0)
    clock.now += 1e9
    deadlines.sweep()
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


async def test_nested_blocks_expire_by_their_own_time(clock, deadlines):
    inner_expired = asyncio.Event()

    async def nested() -> None:
        with deadlines.within(10):
            try:
                await waiting(deadlines, 1, asyncio.Event())
            except DeadlineExpiredError:
                inner_expired.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(nested())
    await asyncio.sleep(0)
    clock.now += 2
    deadlines.sweep()
    await inner_expired.wait()
    clock.now += 10
    deadlines.sweep()
    with pytest.raises(DeadlineExpiredError):
        await task


async def test_the_sweep_runs_by_itself_on_a_loop():
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop.time, loop, tick_s=0.001)
    with pytest.raises(DeadlineExpiredError), deadlines.within(0.001):
        await asyncio.Event().wait()
    deadlines.close()
