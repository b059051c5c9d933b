"""The figures of a run out of its shards' gauges (pure: time is an argument)."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.messages import Gauges

#: The rate shown is that of the last half minute: long enough to be steady at a row a second, short enough to follow.
RATE_WINDOW_S: Final = 30.0


def success_rate(done: int, failed: int) -> float | None:
    """Give the share of finished URLs that did not fail, None before any has finished."""
    return done / (done + failed) if done + failed else None


def eta_s(remaining: int, rate_per_s: float | None, tail_s: float) -> float | None:
    """Estimate the seconds until `remaining` URLs are finished, None where there is no telling.

    The greater of what the rate allows and of `tail_s`, the longest host queue times its delay: a run is not over
    before its slowest host is, however fast the others go.
    """
    if not remaining:
        return 0.0
    if not rate_per_s:
        return None
    return max(remaining / rate_per_s, tail_s)


class SlidingRate:
    """How fast a total grows, over the last `window_s` seconds of updates."""

    def __init__(self, window_s: float = RATE_WINDOW_S) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, elapsed_s: float, total: int) -> None:
        """Note the total at a time; times do not fall."""
        self._samples.append((elapsed_s, total))
        # One sample at or before the window's edge is kept: it is where the window's growth starts from.
        while len(self._samples) > 1 and self._samples[1][0] <= elapsed_s - self._window_s:
            self._samples.popleft()

    def per_s(self) -> float | None:
        """Give the growth per second, None before two different times are known."""
        if not self._samples:
            return None
        (start_s, first), (end_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (end_s - start_s) if end_s > start_s else None


class FinishedRows:
    """The rows committed since the command started, over all processes that a shard has had.

    A shard's own count starts at 0 in each of its processes, so a smaller value than the last is a new process.
    """

    def __init__(self) -> None:
        self.total = 0
        self._last: dict[int, int] = {}

    def update(self, gauges: Sequence[Gauges]) -> int:
        """Take in the latest gauges; give the total."""
        for gauge in gauges:
            now, before = gauge["finished"], self._last.get(gauge["shard"], 0)
            self.total += now - before if now >= before else now
            self._last[gauge["shard"]] = now
        return self.total


@dataclass(frozen=True, slots=True)
class ShardLimit:
    """A shard's AIMD limit, and why it has this value."""

    shard: int
    limit: int
    cause: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The sums over all shards. Times in milliseconds are averages over pages; `tail_s` is the longest of all."""

    known: int = 0
    done: int = 0
    failed: int = 0
    waiting: int = 0
    failed_by_kind: dict[str, int] = field(default_factory=dict)
    in_flight: int = 0
    connecting: int = 0
    waiting_for_nlp: int = 0
    open_breakers: int = 0
    bytes_received: int = 0
    fetch_ms: float | None = None
    process_ms: float | None = None
    limits: tuple[ShardLimit, ...] = ()
    tail_s: float = 0.0

    @property
    def finished(self) -> int:
        """URLs that have their row."""
        return self.done + self.failed

    @property
    def remaining(self) -> int:
        """URLs known that have no row yet."""
        return max(0, self.known - self.finished)

    @property
    def limit(self) -> int:
        """The run's concurrency limit: the sum of its shards'."""
        return sum(limit.limit for limit in self.limits)


def figures(gauges: Sequence[Gauges]) -> Figures:
    """Add up the gauges of the shards."""
    kinds: Counter[str] = Counter()
    for gauge in gauges:
        kinds.update(gauge["failed_by_kind"])
    timed = sum(gauge["timed"] for gauge in gauges)
    limits = (ShardLimit(gauge["shard"], gauge["limit"], gauge["limit_cause"]) for gauge in gauges)
    return Figures(
        known=sum(gauge["known"] for gauge in gauges),
        done=sum(gauge["done"] for gauge in gauges),
        failed=sum(gauge["failed"] for gauge in gauges),
        waiting=sum(gauge["waiting"] for gauge in gauges),
        failed_by_kind={kind: count for kind, count in kinds.most_common() if count},
        in_flight=sum(gauge["in_flight"] for gauge in gauges),
        connecting=sum(gauge["connecting"] for gauge in gauges),
        waiting_for_nlp=sum(gauge["waiting_for_nlp"] for gauge in gauges),
        open_breakers=sum(gauge["open_breakers"] for gauge in gauges),
        bytes_received=sum(gauge["bytes_received"] for gauge in gauges),
        fetch_ms=sum(gauge["fetch_ms_sum"] for gauge in gauges) / timed if timed else None,
        process_ms=sum(gauge["process_ms_sum"] for gauge in gauges) / timed if timed else None,
        limits=tuple(sorted(limits, key=lambda limit: limit.shard)),
        tail_s=max((gauge["tail_s"] for gauge in gauges), default=0.0),
    )
