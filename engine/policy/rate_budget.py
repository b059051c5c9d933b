"""A provider's limit on requests: at most N in any window of time, judged by the provider's clock.

The law: there are N slots; a request takes one, and the slot is free again a whole window after the request's *end*.
The provider sees a request somewhere between its start and its end, so two requests of one slot are seen at least a
window apart, and no window, wherever it begins, sees more than N; no margin for the network is needed. A burst of up
to N goes out at once.
"""

from __future__ import annotations

from collections import deque
from math import inf


class RateBudget:
    """N slots, each resting `window_s` after its request's end. Times may only move forward."""

    __slots__ = ("_out", "_paused_until", "_resting", "limit", "window_s")

    def __init__(self, limit: int, window_s: float = 60.0) -> None:
        self.limit = limit  # 0: none
        self.window_s = window_s
        self._out = 0
        self._resting: deque[float] = deque()
        self._paused_until = -inf

    def ready(self, now: float) -> bool:
        """Whether a request may start now."""
        if now < self._paused_until:
            return False
        while self._resting and self._resting[0] <= now:
            self._resting.popleft()
        return not self.limit or self._out + len(self._resting) < self.limit

    def start(self) -> None:
        """A request starts: a slot is out until `end`."""
        self._out += 1

    def end(self, now: float) -> None:
        """A request ended: with an answer, or given up."""
        self._out -= 1
        if self.limit:
            self._resting.append(now + self.window_s)

    def spend(self, count: int, now: float) -> None:
        """Take `count` slots as if their requests ended now: those of an earlier process on the same key."""
        for _ in range(min(count, self.limit)):
            self._resting.append(now + self.window_s)

    def pause(self, until: float) -> None:
        """Start nothing before `until`: the provider refused, and said for how long."""
        self._paused_until = max(self._paused_until, until)

    def lower(self, limit: int) -> None:
        """Take the provider's word that its limit is lower than ours."""
        if limit > 0 and (not self.limit or limit < self.limit):
            self.limit = limit

    def retry_at(self, now: float) -> float | None:
        """When to look again; None: when a request ends, which no clock knows."""
        if now < self._paused_until:
            return self._paused_until
        if self.ready(now):
            return now
        # A limit that was lowered may have more slots resting than it has.
        over = self._out + len(self._resting) - self.limit
        return self._resting[over] if over < len(self._resting) else None
