"""An event loop whose clock jumps to the next timer as soon as nothing else is to be done: minutes pass in no time.

Sockets within the loop work; threads and other processes do not, for nobody waits for them.
"""

from __future__ import annotations

import asyncio
import selectors


class NothingWillHappen(Exception):  # noqa: N818 - what a test that hangs would wait for
    """Nothing is ready and no timer is set."""


class _Clock(selectors.DefaultSelector):
    def __init__(self):
        super().__init__()
        self.now = 1000.0  # no event of a test may depend on a clock that starts at nought

    def select(self, timeout=None):
        events = super().select(0)
        if events or timeout == 0:
            return events
        if timeout is None:
            raise NothingWillHappen
        self.now += timeout
        return events


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """asyncio's loop on a clock of its own."""

    def __init__(self):
        self._clock = _Clock()
        super().__init__(self._clock)
        self._clock_resolution = 1e-9

    def time(self):
        return self._clock.now

    def pass_by(self, seconds):
        """Let time pass in the midst of a callback, as work does."""
        self._clock.now += seconds


class MillisecondLoop(FakeTimeLoop):
    """Its timers ring at the nearest millisecond, before their time too, as uvloop's do; at once is no timer at all."""

    def call_at(self, when, callback, *args, context=None):
        in_ms = round((when - self.time()) * 1000)
        if in_ms <= 0:
            self._clock.now += 1e-4  # a turn of the loop takes its time
            return self.call_soon(callback, *args, context=context)
        return super().call_at(self.time() + in_ms / 1000, callback, *args, context=context)


def run(main, loop_factory=FakeTimeLoop):
    """Run a coroutine to its end in fake time; its result."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)
