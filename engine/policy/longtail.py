"""When a run gives up what is left: after a time, or when it has become too slow to be worth waiting for.

The law: a run that may take `max_duration_s` gives up at that time, whatever its rate; one that must make `min_rate`
gives up once it has made less for `grace_s` on end. Both count from the first row, or from the start where none comes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LongTailRules:
    """The settings of group `run`; seconds, and rows a second. 0 = no such bound."""

    max_duration_s: float = 0.0
    min_rate: float = 0.0
    grace_s: float = 60.0


class LongTail:
    """One run's patience, asked once a tick."""

    def __init__(self, rules: LongTailRules) -> None:
        self._rules = rules
        self._samples: deque[tuple[float, int]] = deque()
        self.given_up: str | None = None

    def update(self, elapsed_s: float, rows: int) -> str | None:
        """Take the rows made in `elapsed_s` so far; the reason to give up what is left, None to go on."""
        rules = self._rules
        if self.given_up is None:
            if 0 < rules.max_duration_s <= elapsed_s:
                self.given_up = f"the run took longer than run.max_duration_s ({rules.max_duration_s:g} s)"
            elif rules.min_rate > 0 and self._too_slow(elapsed_s, rows):
                self.given_up = (
                    f"fewer than run.min_rate ({rules.min_rate:g}) rows a second for run.grace_s ({rules.grace_s:g} s)"
                )
        return self.given_up

    def _too_slow(self, elapsed_s: float, rows: int) -> bool:
        samples = self._samples
        samples.append((elapsed_s, rows))
        while len(samples) > 1 and samples[1][0] <= elapsed_s - self._rules.grace_s:
            samples.popleft()
        since_s, before = samples[0]
        waited_s = elapsed_s - since_s
        return waited_s >= self._rules.grace_s and rows - before < self._rules.min_rate * waited_s
