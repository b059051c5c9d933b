"""What to do next, from what is wanted and what is seen (pure: the clock is an argument).

Law: the same view always gives the same actions, and carrying them out leads to a view that gives none. Time here is
counted in the supervisor's own ticks where a silence is judged: a machine that was suspended missed no tick.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: A tick is a second; a shard reports on every one. Thirty silent ones are far beyond any garbage collection or commit.
HUNG_TICKS: Final = 30
#: Before its first report a shard may fold the log of millions of rows; an NLP child may load a large model.
START_TICKS: Final = 300
#: Ticks from the request for a hung child's stacks to its end.
DUMP_TICKS: Final = 2


class Aim(Enum):
    """What the run is about."""

    RUN = "run"
    LEAVE = "leave"  # shards drain, commit and leave; none is replaced
    STOP = "stop"  # all are killed


@dataclass(frozen=True, slots=True)
class Desired:
    """What is wanted. `leave_by` (clock of `now`) is the end of the patience with shards that were asked to leave."""

    aim: Aim
    nlp_children: int
    leave_by: float | None = None


@dataclass(frozen=True, slots=True)
class ShardSeen:
    """A shard's place. `respawn_at`: when its dead process is to be replaced, None: never."""

    shard: int
    alive: bool
    ready: bool = False
    silent_ticks: int = 0
    asked_to_leave: bool = False
    respawn_at: float | None = 0.0


@dataclass(frozen=True, slots=True)
class NlpSeen:
    """A place in the NLP pool. `still_ticks`: for so long it has been seen stopped by a signal."""

    slot: int
    alive: bool
    ready: bool = False
    unready_ticks: int = 0
    still_ticks: int = 0
    respawn_at: float | None = 0.0


@dataclass(frozen=True, slots=True)
class StartShard:
    """Start a process for a shard."""

    shard: int


@dataclass(frozen=True, slots=True)
class AskToLeave:
    """Tell a shard to drain, commit and leave."""

    shard: int


@dataclass(frozen=True, slots=True)
class DumpStacks:
    """Have a hung shard print its stacks."""

    shard: int


@dataclass(frozen=True, slots=True)
class KillShard:
    """End a shard's process for good; `hung` where it was silent for too long."""

    shard: int
    hung: bool = False


@dataclass(frozen=True, slots=True)
class StartNlp:
    """Start a process for a place in the pool."""

    slot: int


@dataclass(frozen=True, slots=True)
class KillNlp:
    """End a child of the pool for good; `hung` where it did not get ready in time, or stands still."""

    slot: int
    hung: bool = False


Action = StartShard | AskToLeave | DumpStacks | KillShard | StartNlp | KillNlp


def reconcile(desired: Desired, shards: Sequence[ShardSeen], pool: Sequence[NlpSeen], now: float) -> list[Action]:
    """Give the actions that bring what is seen nearer to what is wanted; none where there is nothing to do."""
    return [action for seen in shards for action in _shard(desired, seen, now)] + [
        action for seen in pool for action in _nlp(desired, seen, now)
    ]


def next_time(desired: Desired, shards: Sequence[ShardSeen], pool: Sequence[NlpSeen]) -> float | None:
    """Give the earliest moment at which `reconcile` may give more than now without a tick; None: none."""
    times: list[float] = []
    if desired.aim is Aim.RUN:
        times += [seen.respawn_at for seen in shards if not seen.alive and seen.respawn_at is not None]
    if desired.aim is not Aim.STOP:
        wanted = [seen for seen in pool if seen.slot < desired.nlp_children]
        times += [seen.respawn_at for seen in wanted if not seen.alive and seen.respawn_at is not None]
    if desired.aim is Aim.LEAVE and desired.leave_by is not None and any(seen.alive for seen in shards):
        times.append(desired.leave_by)
    return min(times, default=None)


def _shard(desired: Desired, seen: ShardSeen, now: float) -> Iterator[Action]:
    shard = seen.shard
    if not seen.alive:
        if desired.aim is Aim.RUN and _due(seen.respawn_at, now):
            yield StartShard(shard)
        return
    if desired.aim is Aim.STOP or (
        desired.aim is Aim.LEAVE and desired.leave_by is not None and now >= desired.leave_by
    ):
        yield KillShard(shard)
        return
    if desired.aim is Aim.LEAVE and not seen.asked_to_leave:
        yield AskToLeave(shard)
    patience = HUNG_TICKS if seen.ready else START_TICKS
    if seen.silent_ticks >= patience + DUMP_TICKS:
        yield KillShard(shard, hung=True)
    elif seen.silent_ticks >= patience:
        yield DumpStacks(shard)


def _nlp(desired: Desired, seen: NlpSeen, now: float) -> Iterator[Action]:
    wanted = desired.aim is not Aim.STOP and seen.slot < desired.nlp_children
    if seen.alive:
        if not wanted:
            yield KillNlp(seen.slot)
        elif seen.still_ticks >= HUNG_TICKS or (not seen.ready and seen.unready_ticks >= START_TICKS):
            yield KillNlp(seen.slot, hung=True)
    elif wanted and _due(seen.respawn_at, now):
        yield StartNlp(seen.slot)


def _due(at: float | None, now: float) -> bool:
    return at is not None and now >= at
