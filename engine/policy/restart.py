"""Whether a child that ended is replaced.

The law: by cause. A child that says itself that it cannot go on is believed. One that dies is replaced, after a time
that grows, for as long as rows are committed between the deaths; five restarts with none between them end the run. One
that never gets ready fails the same way again: two retries, for a machine that was short of memory, are all it gets.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import Enum
from typing import Final

from engine.errors import ExitCode

MAX_RESTARTS: Final = 5
MAX_FAILED_STARTS: Final = 3

#: Seconds before the first, second, ... restart without progress. The first is at once: most deaths happen once.
BACKOFF_S: Final = (0.0, 1.0, 2.0, 5.0, 10.0)


class ExitCause(Enum):
    """Why a child is gone."""

    FINISHED = "finished"  # its work is done
    STOPPED = "stopped"  # we asked it to leave
    RECYCLED = "recycled"  # it asked to be replaced (memory)
    FAULT = "fault"  # it said that it cannot go on: a disk that is full, settings that are wrong
    FAILED_TO_START = "failed_to_start"  # it ended before it was ready
    CRASHED = "crashed"  # any other exit code, or a signal
    HUNG = "hung"  # it was silent for too long, and we killed it


class Action(Enum):
    """What follows from an exit."""

    LEAVE = "leave"
    RESPAWN = "respawn"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, why (a sentence part for the log), and for RESPAWN the seconds to wait before."""

    action: Action
    reason: str
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """What happened to the processes that held one place (a shard, an NLP child), as far as it counts.

    `restarts` since a row was last committed; `failed_starts` in a row.
    """

    restarts: int = 0
    failed_starts: int = 0

    def ready(self) -> History:
        """Note that the child has started."""
        return History(self.restarts, 0) if self.failed_starts else self

    def progressed(self) -> History:
        """Note that a row was committed."""
        return History() if self.restarts or self.failed_starts else self


#: Exit codes by which a child says that a successor would fail in the same way.
_FAULTS: Final = frozenset({ExitCode.USAGE, ExitCode.OUTPUT, ExitCode.THRESHOLD})


#: Signals that code which runs in a process brings upon it. SIGABRT is also how a hung child is asked for its stacks:
#: one that dies of it was running, in a loop without end; one that was stopped, or swapped out, dies of SIGKILL later.
_FAULT_SIGNALS: Final = frozenset({
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGSYS, signal.SIGTRAP
})  # fmt: skip


def fault_signal(code: int) -> int:
    """Give the signal of a fault that an exit code (negative: the signal's number) stands for; 0: it is none."""
    return -code if -code in _FAULT_SIGNALS else 0


def exit_cause(code: int, *, ready: bool, stopping: bool, hung: bool) -> ExitCause:
    """Name the cause that an exit code (negative: the signal's number) stands for.

    `ready`: it had started; `stopping`: it was told to leave; `hung`: it was killed for its silence.
    """
    if stopping:
        return ExitCause.STOPPED
    if hung:
        return ExitCause.HUNG
    if code in _FAULTS:
        return ExitCause.FAULT
    if not ready:
        return ExitCause.FAILED_TO_START
    return ExitCause.FINISHED if code == ExitCode.COMPLETE else ExitCause.CRASHED


def after_exit(cause: ExitCause, history: History) -> tuple[Decision, History]:
    """Decide what to do now that a child has ended; also the history that then holds for its place."""
    if cause in (ExitCause.FINISHED, ExitCause.STOPPED):
        return Decision(Action.LEAVE, cause.value), history
    if cause is ExitCause.RECYCLED:
        return Decision(Action.RESPAWN, "recycled"), history
    if cause is ExitCause.FAULT:
        return Decision(Action.GIVE_UP, "it cannot go on"), history
    failed_starts = history.failed_starts + (cause is ExitCause.FAILED_TO_START)
    if failed_starts >= MAX_FAILED_STARTS:
        return Decision(Action.GIVE_UP, f"it failed to start {failed_starts} times in a row"), history
    if history.restarts >= MAX_RESTARTS:
        return Decision(Action.GIVE_UP, f"{MAX_RESTARTS} restarts and no row committed between them"), history
    after_s = BACKOFF_S[min(history.restarts, len(BACKOFF_S) - 1)]
    return Decision(Action.RESPAWN, cause.value, after_s), History(history.restarts + 1, failed_starts)
