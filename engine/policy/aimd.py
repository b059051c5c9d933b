"""How many requests may be in flight: additive increase, multiplicative decrease, on two levels.

The law: a limit rises slowly, and only while it is used; it falls at once. A shard's limit hears every host once
(:mod:`.votes`), and only hosts that have answered below 500 in this run: dead sites say nothing about our load. Nothing
is held against a limit twice: outcomes of requests that were sent before a decrease do not count for the next one.

A limit is a number that its owner reads before each start, not a semaphore: a change strands no waiter.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import Final

from engine.policy.verdict import Signal
from engine.policy.votes import Votes

#: A rate is looked at from so many outcomes on.
MIN_OUTCOMES: Final = 20

#: It is below the target where chance alone would hardly make it so: by so many standard deviations of a binomial
#: share. It is looked at on every drop, a host's outcomes go together, and pages that are broken for good are some in a
#: hundred of any list: without this, one in a hundred held a limit of 200 at 20, and three at 5. With it, two never
#: lower it, and an overloaded server is found as soon as before, for it refuses far more than chance.
_DEVIATIONS: Final = 4.0

#: The share of the limit from which on it counts as reached, and may rise by interval.
_REACHED: Final = 0.95

#: Rates are sums of fractions: 19 of 20 must count as 95 % whatever rounding has made of it.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class AimdRules:
    """The settings of group `aimd`, a shard's share of them.

    `window` is in outcomes, `interval_s` in seconds, `decrease` the factor of a fall, `target_success` a share.
    """

    initial: int = 10
    min: int = 2
    max: int = 200
    slow_start: bool = True
    increase: int = 2
    interval_s: float = 5.0
    decrease: float = 0.5
    target_success: float = 0.95
    window: int = 100


class ShardLimit:
    """The requests that a shard may have on the network.

    `limit` is the number now, `cause` says why (for logs and the status). It starts at `initial` and rises by one a
    success until the first drop; after that by `increase` each `interval_s` in which the success rate is at the target
    and nineteen twentieths of the limit were used.
    """

    __slots__ = (
        "_cap",
        "_cap_cause",
        "_cause",
        "_decreased_at",
        "_fresh",
        "_max",
        "_min",
        "_peak",
        "_rise_at",
        "_rules",
        "_slow_start",
        "_target",
        "_value",
        "_votes",
        "cause",
        "limit",
    )

    def __init__(self, rules: AimdRules, now: float) -> None:
        self._rules = rules
        self._max = max(1, rules.max)
        self._min = min(max(1, rules.min), self._max)
        self._target = rules.target_success - _ROUNDING
        self._value = min(max(rules.initial, self._min), self._max)
        self._cap = self._max
        self._cap_cause = ""
        self._cause = "initial"
        self._slow_start = rules.slow_start
        self._votes = Votes(rules.window)
        self._fresh = False  # has any outcome counted since the last look for a rise?
        self._peak = 0  # the most requests on the network since then
        self._rise_at = now + rules.interval_s
        self._decreased_at = -inf
        self.limit = self._value
        self.cause = self._cause

    @property
    def success_rate(self) -> float:
        """The share of successes, one vote a host, of the outcomes in the window; 1.0 without any."""
        return self._votes.success

    def on_outcome(  # noqa: PLR0913, PLR0917 -- called once a request: a value object would cost more than the rule
        self, host: int, signal: Signal, host_has_answered: bool, sent_at: float, now: float, in_flight: int
    ) -> None:
        """Count the end of a request to `host` that was sent at `sent_at`.

        `host_has_answered`: whether the host has answered below 500 in this run, this outcome included; its owner keeps
        that with the host, so that nothing here grows with the hosts. `in_flight` counts this request too.
        """
        self._peak = max(self._peak, in_flight)
        if signal is Signal.IGNORE or not host_has_answered or sent_at < self._decreased_at:
            return
        self._fresh = True
        if signal is Signal.DROP:
            if self._slow_start:
                self._end_slow_start(in_flight)
            self._votes.add(host, dropped=True)
            if self._too_many_drops():
                self._fall(now)
            return
        self._votes.add(host, dropped=False)
        if self._slow_start and 2 * in_flight >= self.limit:
            self._rise(1, "slow start")

    def tick(self, now: float, in_flight: int) -> None:
        """Look whether the limit may rise; called more often than each `interval_s`, it acts once in that time."""
        self._peak = max(self._peak, in_flight)
        if now < self._rise_at:
            return
        # A limit that is not reached binds nobody and need not rise; a host's own limit may be what holds it there.
        used, fresh = self._peak >= _REACHED * self.limit, self._fresh
        self._rise_at = now + self._rules.interval_s
        self._peak = in_flight
        self._fresh = False
        success = self._votes.success
        if used and fresh and not self._slow_start and success >= self._target:
            self._rise(self._rules.increase, f"raised at {success:.1%} success")

    def cap(self, n: int | None, cause: str) -> None:
        """Bound the limit for a reason on our own side (a loop that lags, few file descriptors); None lifts the bound.

        The bound may lie below `min`, but never below 1: with no request in flight nothing would ever lift it.
        """
        self._cap = self._max if n is None else min(max(1, n), self._max)
        self._cap_cause = cause
        self._apply()

    def _rise(self, by: int, cause: str) -> None:
        # A value above the cap would be a rise that nobody has tried out.
        value = min(self._value + by, self._max, max(self._cap, self._value))
        if value != self._value:
            self._value = value
            self._cause = cause
            self._apply()

    def _too_many_drops(self) -> bool:
        votes, target = self._votes, self._rules.target_success
        if votes.count < min(MIN_OUTCOMES, self._rules.window):
            return False
        return votes.success < self._target - _DEVIATIONS * sqrt(target * (1 - target) / votes.count)

    def _end_slow_start(self, in_flight: int) -> None:
        """The first drop came at this load: what slow start had allowed beyond it was never tried out."""
        self._slow_start = False
        if in_flight < self._value:
            self._value = max(self._min, in_flight)
            self._cause = f"slow start ended by a drop at {in_flight} in flight"
            self._apply()

    def _fall(self, now: float) -> None:
        votes = self._votes
        # From the limit in force: it is what the drops are an answer to, also where a cap has held it down.
        self._value = max(self._min, min(self._value, int(self.limit * self._rules.decrease)))
        self._cause = f"lowered at {1 - votes.success:.1%} drops of {votes.hosts} hosts in {votes.count} outcomes"
        votes.clear()
        self._decreased_at = now
        self._rise_at = now + self._rules.interval_s
        self._peak = 0
        self._fresh = False
        self._apply()

    def _apply(self) -> None:
        if self._cap < self._value:
            self.limit, self.cause = self._cap, f"capped: {self._cap_cause}"
        else:
            self.limit, self.cause = self._value, self._cause


#: Requests at once to a host that has no bound (max_per_host 0): above what any one host is asked.
UNBOUNDED: Final = 1 << 30

#: Twice no delay is none: a host that is asked without any and drops is paced from this gap on.
FIRST_DELAY_S: Final = 0.1

#: Where the user sets no bound, drops slow a host down to one request an hour and no further.
LONGEST_DELAY_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class HostRules:
    """What all hosts with the same settings share.

    `max_per_host`: requests at once, 0 = no bound. `max_delay_s` (politeness.max_crawl_delay_s) bounds what drops may
    make of a host's delay (0: an hour does). `window`: so many outcomes without a drop are a clean window. Five: a host
    of whose pages one in 25 is broken for good gives, with the retries, a drop in each nine outcomes, and its clean
    windows must outnumber its drops, or its delay would drift up to the maximum though nothing is overloaded.
    """

    max_per_host: int = 1
    max_delay_s: float = 60.0
    window: int = 5


class HostLimit:
    """The requests at once to one host (`limit`, from its maximum down to 1), and then the delay between them.

    A drop halves the limit; at 1 it doubles the delay. A clean window first takes that back, by halves, and then adds 1
    to the limit. `base_delay_s` may be set when the host's Crawl-delay becomes known.
    """

    __slots__ = ("_clean", "_decreased_at", "_doublings", "_rules", "base_delay_s", "limit")

    def __init__(self, rules: HostRules, base_delay_s: float) -> None:
        self._rules = rules
        self._clean = 0
        self._doublings = 0
        self._decreased_at = -inf
        self.base_delay_s = base_delay_s
        self.limit = rules.max_per_host or UNBOUNDED

    @property
    def delay_s(self) -> float:
        """The least seconds between two requests now: never below the base, nor slowed beyond the maximum."""
        base_s, doublings = self.base_delay_s, self._doublings
        if not doublings:
            return base_s
        slowed_s = max(base_s * (1 << doublings), FIRST_DELAY_S * (1 << (doublings - 1)))
        return max(base_s, min(slowed_s, self._rules.max_delay_s or LONGEST_DELAY_S))

    def on_outcome(self, signal: Signal, sent_at: float, now: float, in_flight: int) -> None:
        """Count the end of a request to this host that was sent at `sent_at`; `in_flight` to it, this one included."""
        if signal is Signal.IGNORE or sent_at < self._decreased_at:
            return
        if signal is Signal.DROP:
            self._clean = 0
            self._decreased_at = now
            if self.limit > 1:
                # From what was really in flight: a bound that was never reached is no load to halve.
                self.limit = max(1, min(self.limit, in_flight) // 2)
            elif self.delay_s < (self._rules.max_delay_s or LONGEST_DELAY_S):
                self._doublings += 1
            return
        self._clean += 1
        # A limit above the window must have been used twice over before it rises, or it would rise within a round trip.
        if self._clean >= max(self._rules.window, 2 * self.limit):
            self._clean = 0
            if self._doublings:
                self._doublings -= 1
            elif self.limit < (self._rules.max_per_host or UNBOUNDED):
                self.limit += 1
