"""The circuit breaker of a host.

The law: consecutive failures open it; while open nothing is asked; when the cooling time is over, the next `admit` is
the probe (there is no timer), and one probe is out at a time. A failed probe opens it again for twice as long, enough
successful ones close it. Every permit carries a generation, and what an earlier generation reports is ignored: a late
answer neither opens nor closes anything, and a permit that is given back wedges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from engine.policy.retry import doubling


class State(Enum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """The settings of group `breaker`; seconds, and counts of consecutive outcomes.

    `failure_threshold` 0: never opens. `max_failed_probes` 0: never exhausted, and then a run may never end.
    """

    failure_threshold: int = 5
    success_threshold: int = 2
    cooldown_s: float = 60.0
    max_cooldown_s: float = 900.0
    max_failed_probes: int = 4
    cooldowns_s: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cooldowns_s", doubling(self.cooldown_s, max(self.cooldown_s, self.max_cooldown_s)))


#: What survives a restart: (state, failures in a row, failed probes in a row, seconds of cooling left).
Snapshot = tuple[str, int, int, float]


class Breaker:
    """One host's breaker; `state` is what it is, `failed_probes` how many failed in a row since it was last closed."""

    __slots__ = (
        "_failures",
        "_generation",
        "_open_until",
        "_probing",
        "_rules",
        "_successes",
        "failed_probes",
        "state",
    )

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._failures = 0
        self._successes = 0
        self._generation = 0
        self._probing = False
        self._open_until = 0.0
        self.failed_probes = 0
        self.state = State.CLOSED

    @property
    def exhausted(self) -> bool:
        """Whether so many probes failed in a row that the host's URLs are to be given up."""
        return 0 < self._rules.max_failed_probes <= self.failed_probes

    def admit(self, now: float) -> int | None:
        """Give a permit for one request, to be handed to `record` or `release` once; None: not now."""
        if self.state is State.CLOSED:
            return self._generation
        if self.state is State.OPEN:
            if now < self._open_until:
                return None
            self.state = State.HALF_OPEN
            self._successes = 0
        elif self._probing:
            return None
        # Each probe is a generation of its own: one that was released and answers all the same changes nothing.
        self._generation += 1
        self._probing = True
        return self._generation

    def retry_at(self, now: float) -> float | None:
        """When to ask `admit` again: the first moment at which it says yes.

        None while a probe is out: that is the moment its outcome is recorded, which no clock knows.
        """
        if self.state is State.OPEN:
            return max(now, self._open_until)
        return None if self._probing else now

    def record(self, generation: int, failed: bool | None, now: float) -> None:
        """Take the outcome of a permit: True the host failed, False it works, None nothing was learnt."""
        if generation != self._generation or self.state is State.OPEN:
            return
        if self.state is State.HALF_OPEN and not self._probing:
            return  # this probe was given back before
        if self.state is State.CLOSED:
            if failed is False:
                self._failures = 0
            elif failed:
                self._failures += 1
                if 0 < self._rules.failure_threshold <= self._failures:
                    self._open(now)
            return
        self._probing = False
        if failed:
            self.failed_probes += 1
            self._open(now)
        elif failed is False:
            self.failed_probes = 0
            self._successes += 1
            if self._successes >= self._rules.success_threshold:
                self.state = State.CLOSED
                self._failures = 0
                self._generation += 1

    def release(self, generation: int, now: float) -> None:
        """Give back a permit that was not used, or whose request was cancelled."""
        self.record(generation, None, now)

    def snapshot(self, now: float) -> Snapshot:
        """Say what to store: plain values, the cooling time as what is left of it (the next process has another clock).

        A probe that is out is lost with the process: it is stored as open, with its time over.
        """
        if self.state is State.CLOSED:
            return (State.CLOSED.value, self._failures, 0, 0.0)
        left_s = max(0.0, self._open_until - now) if self.state is State.OPEN else 0.0
        return (State.OPEN.value, 0, self.failed_probes, left_s)

    @classmethod
    def restore(cls, rules: BreakerRules, snapshot: Snapshot, now: float) -> Breaker:
        """Make the breaker that `snapshot` describes; it cools no longer than `rules`, which may be new, allow."""
        breaker = cls(rules)
        state, breaker._failures, breaker.failed_probes, left_s = snapshot
        breaker.state = State.CLOSED if state == State.CLOSED.value else State.OPEN
        breaker._open_until = now + min(left_s, rules.cooldowns_s[-1])
        return breaker

    def _cooldown_s(self) -> float:
        cooldowns_s = self._rules.cooldowns_s
        return cooldowns_s[min(self.failed_probes, len(cooldowns_s) - 1)]

    def _open(self, now: float) -> None:
        self.state = State.OPEN
        self._failures = 0
        self._generation += 1
        self._open_until = now + self._cooldown_s()
