"""A bound from our own side: a loop that lags is asked to do less, whatever the servers would bear.

The law: lag is how much later than asked the loop comes back to us. While its recent mean is above `too_long_s`, the
requests in flight are cut by a quarter, once an interval; once it is short again the bound is raised by a quarter an
interval, and lifted where it no longer binds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

#: Weight of the newest sample in the mean: of ten samples a second it remembers about the last second.
_WEIGHT: Final = 0.1

_CUT: Final = 0.75
_RAISE: Final = 1.25


@dataclass(frozen=True, slots=True)
class LagRules:
    """Seconds. Between `short_s` and `too_long_s` the bound stays as it is."""

    too_long_s: float = 0.25
    short_s: float = 0.1
    interval_s: float = 1.0


class LagBound:
    """Fed with a lag sample each tick; `bound` is the most requests in flight, None where lag asks for no bound."""

    __slots__ = ("_next_at", "_rules", "bound", "mean_s")

    def __init__(self, rules: LagRules, now: float) -> None:
        self._rules = rules
        self._next_at = now + rules.interval_s
        self.bound: int | None = None
        self.mean_s = 0.0

    def sample(self, lag_s: float, now: float, in_flight: int, limit: int) -> bool:
        """Take a sample; whether `bound` changed. `limit` is the number that the bound may be lifted at."""
        self.mean_s += _WEIGHT * (max(0.0, lag_s) - self.mean_s)
        if now < self._next_at:
            return False
        self._next_at = now + self._rules.interval_s
        before = self.bound
        if self.mean_s > self._rules.too_long_s:
            self.bound = max(1, int(min(in_flight, before or in_flight) * _CUT))
        elif before is not None and self.mean_s < self._rules.short_s:
            raised = ceil(before * _RAISE)
            self.bound = None if raised >= limit else raised
        return self.bound != before
