"""One place of the run and the process that holds it just now: what is known of it, and how it ended."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import EngineError, ExitCode, OutputError, ThresholdError, UsageError
from engine.policy.restart import History
from engine.supervisor.reconcile import NlpSeen, ShardSeen

if TYPE_CHECKING:
    from engine.ipc.channel import Channel
    from engine.model.messages import Gauges
    from engine.supervisor.processes import ChildProcess

_ERRORS: dict[int, type[EngineError]] = {
    ExitCode.USAGE: UsageError,
    ExitCode.OUTPUT: OutputError,
    ExitCode.THRESHOLD: ThresholdError,
}


def error_of(exit_code: int, message: str) -> EngineError:
    """Make the failure that a child's exit code stands for."""
    return _ERRORS.get(exit_code, EngineError)(message)


def exit_words(code: int) -> str:
    """Say how a process ended, for a sentence."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"


@dataclass(slots=True)
class ShardPlace:
    """A shard. What follows `alive` is of the present process, but `gauges`, the last that any of them reported.

    `fault` is the signal of a fault by which the last process died, 0 where it did not.
    """

    shard: int
    history: History = field(default_factory=History)
    respawn_at: float | None = 0.0
    first: bool = True  # none of its processes has said HELLO in this command
    gauges: Gauges | None = None
    fault: int = 0
    alive: bool = False  # from the start's beginning until it is reaped
    process: ChildProcess | None = None
    channel: Channel | None = None
    ready: bool = False
    silent_ticks: int = 0
    asked_to_leave: bool = False
    finished: bool = False
    hung: bool = False
    rows: int = 0  # committed, as it last reported

    def begin(self) -> None:
        """A new process takes the place."""
        self.alive, self.process, self.channel = True, None, None
        self.ready = self.asked_to_leave = self.finished = self.hung = False
        self.silent_ticks = self.rows = 0
        self.respawn_at = None

    def seen(self) -> ShardSeen:
        """Its view for :func:`engine.supervisor.reconcile.reconcile`."""
        return ShardSeen(self.shard, self.alive, self.ready, self.silent_ticks, self.asked_to_leave, self.respawn_at)

    def signal(self, number: int) -> None:
        """Send a signal, if there is a process yet; the view stays the same, so the action comes again."""
        if self.process is not None:
            self.process.signal(number)


@dataclass(slots=True)
class NlpPlace:
    """A place in the NLP pool. `child` is the present process's number, never used twice in a run."""

    slot: int
    history: History = field(default_factory=History)
    respawn_at: float | None = 0.0
    alive: bool = False
    child: int = -1
    path: Path | None = None
    process: ChildProcess | None = None
    ready: bool = False
    unready_ticks: int = 0
    still_ticks: int = 0
    hung: bool = False
    stopped: bool = False

    def begin(self, child: int, path: Path) -> None:
        """A new process takes the place."""
        self.alive, self.process, self.child, self.path = True, None, child, path
        self.ready = self.hung = self.stopped = False
        self.unready_ticks = self.still_ticks = 0
        self.respawn_at = None

    def tick(self) -> None:
        """Count a second of what a child may not be for long: not ready yet, or stopped."""
        self.unready_ticks += self.alive and not self.ready
        still = self.alive and self.process is not None and is_stopped(self.process.pid)
        self.still_ticks = self.still_ticks + 1 if still else 0

    def seen(self) -> NlpSeen:
        """Its view for :func:`engine.supervisor.reconcile.reconcile`."""
        return NlpSeen(self.slot, self.alive, self.ready, self.unready_ticks, self.still_ticks, self.respawn_at)


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped by a signal (SIGSTOP); where the system does not show it, it never is.

    Not where a debugger holds it. Its own alarm does not end it: signals other than SIGKILL wait until it goes on.
    """
    try:
        shown = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return shown.rpartition(b")")[2].split()[:1] == [b"T"]  # proc(5): the state follows the name in parentheses


#: A fork server tells of a child's end within a millisecond of it.
_TOLD_WITHIN_S: Final = 5.0


async def told_of(process: ChildProcess) -> bool:
    """Wait for the end of a fork server's child; False where it has ended and its parent does not tell of it.

    Where the system cannot say itself that a process has ended (pidfd_open, Linux), the parent's word is waited for.
    """
    telling = asyncio.ensure_future(readable(process.sentinel))
    try:
        if hasattr(os, "pidfd_open"):
            await _either(telling, process.pid)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(telling), _TOLD_WITHIN_S)
            return telling.done()
        await telling
    finally:
        telling.cancel()
        await asyncio.wait((telling,))  # a descriptor has one reader at a time
    return True


async def _either(telling: asyncio.Future[None], pid: int) -> None:
    """Wait until the parent tells of a process's end, or the system does."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:  # it has ended, and its parent has collected it
        return
    ending = asyncio.ensure_future(readable(fd))
    try:
        await asyncio.wait((telling, ending), return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        await asyncio.wait((ending,))
        os.close(fd)


async def readable(fd: int) -> None:
    """Wait until a descriptor can be read: a process's sentinel, when it has ended."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def on_readable() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(fd, on_readable)
    try:
        await ready
    finally:
        loop.remove_reader(fd)
