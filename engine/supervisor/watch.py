"""The run while it is on: ticks and events change what is seen, what is seen gives actions, actions are carried out.

The run ends by its *ending*: complete when every shard has finished; interrupted by a first signal (a second one
stops at once); or the first failure that anything reported. Whatever it is, shards are asked to leave first, the NLP
pool works until they have left, and at the end no process is left.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import EngineError
from engine.model.messages import Control
from engine.observe.logs import get_logger
from engine.supervisor.nlp_pool import NlpPool
from engine.supervisor.reconcile import (
    Action,
    Aim,
    AskToLeave,
    Desired,
    DumpStacks,
    KillNlp,
    KillShard,
    StartNlp,
    StartShard,
    next_time,
    reconcile,
)
from engine.supervisor.shards import Shards

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ipc.frames import Header
    from engine.model.messages import Gauges
    from engine.supervisor.feed import Feed
    from engine.supervisor.folder import RunFolder
    from engine.supervisor.plan import Plan
    from engine.supervisor.processes import Processes

_log = get_logger(__name__)

TICK_S: Final = 1.0

#: From a first signal to the end of the shards' patience: the command has promised to be gone within 10 s.
DRAIN_S: Final = 8.0
#: With nothing left to do, a shard still folds its log back into its file.
LEAVE_S: Final = 60.0
#: After a failure: what can still be committed is.
FAILED_LEAVE_S: Final = 3.0
#: How long before the end of that patience a shard is told that it ends, so that its last commit is not cut off.
_MARGIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a run is over: by an error, by a signal, or (neither) because everything is done."""

    interrupted: bool = False
    error: EngineError | None = None


class Watch:
    """One run's supervision. `on_tick` is called each second with the shards' gauges and the number of NLP children."""

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        processes: Processes,
        on_tick: Callable[[list[Gauges], int], None],
        *,
        tick_s: float = TICK_S,
    ) -> None:
        self._processes = processes
        self._on_tick = on_tick
        self._tick_s = tick_s
        self._changed = asyncio.Event()
        self._ending: Ending | None = None
        self._deferred: Header | None = None
        self._desired = Desired(Aim.RUN, nlp_children=0)
        self._nlp_children = plan.nlp_children
        self.pool = NlpPool(plan, processes, broadcast=self._broadcast, failed=self.fail, changed=self._wake)
        self.shards = Shards(
            plan,
            folder,
            processes,
            ready=self._greet,
            progressed=self.pool.progressed,
            failed=self.fail,
            changed=self._wake,
        )

    # -- what ends a run ------------------------------------------------------------------------------------------

    def fail(self, error: EngineError) -> None:
        """End the run by an error; the first one is told."""
        self._end(Ending(error=error), FAILED_LEAVE_S)

    def defer(self, reason: str) -> None:
        """Give up what is left: every URL without a row ends as deferred, for this reason. Once a command."""
        if self._deferred is None:
            _log.warning("giving up what is left", reason=reason)
            self._deferred = {"type": Control.DEFER, "message": reason}
            self.shards.broadcast(self._deferred)

    def dump(self) -> None:
        """Let every shard say in the log what it waits for."""
        for place in self.shards.places:
            if place.ready:
                place.signal(signal.SIGUSR1)

    def interrupt(self) -> None:
        """Take a signal: leave in order; at once, if the run is leaving already."""
        if self._desired.aim is Aim.RUN:
            _log.info("stopping: what is in flight is finished and committed; once more stops at once")
            self._end(Ending(interrupted=True), DRAIN_S)
        else:
            if self._ending is not None and self._ending.error is None:
                self._ending = Ending(interrupted=True)
            self._desired = Desired(Aim.STOP, self._nlp_children)
            self._wake()

    def _end(self, ending: Ending, within_s: float) -> None:
        if self._ending is None:
            self._ending = ending
            leave_by = asyncio.get_running_loop().time() + within_s
            self._desired = Desired(Aim.LEAVE, self._desired.nlp_children, leave_by)
        elif ending.error is not None and self._ending.error is None and not self._ending.interrupted:
            # All rows were committed, and then something failed on the way out: the merge would not know of it.
            self._ending = ending
        elif ending.error is not None:
            _log.warning("while stopping", error=str(ending.error))
        self._wake()

    # -- the loop -------------------------------------------------------------------------------------------------

    async def run(self, feed: Feed, on_ingested: Callable[[], None]) -> Ending:
        """Supervise until no process is left. `on_ingested` is called once all inputs are in the frontiers."""
        self.shards.feed = feed
        try:
            async with asyncio.TaskGroup() as group:
                helpers = [
                    group.create_task(self._tick(), name="tick"),
                    group.create_task(self._ingest(feed, on_ingested), name="feed"),
                ]
                await self._reconcile_to_the_end(group)
                for helper in helpers:
                    helper.cancel()
        finally:
            self._kill_all()
        self._report()  # what the shards said as they left
        if self._ending is None:
            raise EngineError("the supervision ended without a reason")  # unreachable unless the loop above is wrong
        return self._ending

    async def _reconcile_to_the_end(self, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            if self._desired.aim is Aim.RUN and self.shards.feed.finished and self.shards.all_finished:
                self._end(Ending(), LEAVE_S)
            if self._desired.aim is not Aim.RUN and not self.shards.any_alive:
                if not self.pool.any_alive:
                    return
                self._desired = Desired(Aim.STOP, 0)
            shards = [place.seen() for place in self.shards.places]
            pool = [place.seen() for place in self.pool.places]
            for action in reconcile(self._desired, shards, pool, loop.time()):
                self._carry_out(action, group)
            at = next_time(self._desired, shards, pool)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(at if at is not None and at > loop.time() else None):
                    await self._changed.wait()

    def _carry_out(self, action: Action, group: asyncio.TaskGroup) -> None:
        match action:
            case StartShard(shard):
                self.shards.places[shard].begin()
                group.create_task(self.shards.live(shard), name=f"shard {shard}")
            case AskToLeave(shard):
                leave_by = self._desired.leave_by or 0.0
                within_s = leave_by - asyncio.get_running_loop().time() - _MARGIN_S
                self.shards.ask_to_leave(shard, within_s)
            case DumpStacks(shard):
                _log.error("a shard is silent: its stacks follow", shard=shard)
                self.shards.places[shard].hung = True  # it dies of the signal, once its stacks are out
                self.shards.places[shard].signal(signal.SIGABRT)
            case KillShard(shard, hung):
                self.shards.places[shard].hung |= hung
                self.shards.places[shard].signal(signal.SIGKILL)
            case StartNlp(slot):
                self.pool.begin(slot)
                group.create_task(self.pool.live(slot), name=f"nlp {slot}")
            case KillNlp(slot, hung):
                self.pool.kill(slot, hung=hung)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._tick_s)
            self.shards.tick()
            self.pool.tick()
            self._report()
            self._wake()

    def _report(self) -> None:
        try:
            self._on_tick(self.shards.gauges(), self.pool.ready_count)
        except EngineError as error:
            self.fail(error)

    async def _ingest(self, feed: Feed, on_ingested: Callable[[], None]) -> None:
        try:
            await feed.run()
            on_ingested()
        except EngineError as error:
            self.fail(error)
        self._wake()

    def _kill_all(self) -> None:
        """Leave no process behind, whatever happened; does nothing after an orderly end."""
        processes = [place.process for place in self.shards.places] + [place.process for place in self.pool.places]
        living = [process for process in processes if process is not None and process.exit_code is None]
        if living:
            self._processes.kill_all(living)

    # -- small things ---------------------------------------------------------------------------------------------

    def _broadcast(self, header: Header) -> None:
        self.shards.broadcast(header)

    def _greet(self, shard: int) -> None:
        for header in self.pool.announcements():
            self.shards.send(shard, header)
        if self._deferred is not None:
            self.shards.send(shard, self._deferred)

    def _wake(self) -> None:
        # The pool starts with the first page that waits for it, and then stays.
        if not self._desired.nlp_children and self._desired.aim is not Aim.STOP and self._pages_wait():
            self._desired = Desired(self._desired.aim, self._nlp_children, self._desired.leave_by)
        self._changed.set()

    def _pages_wait(self) -> bool:
        return any(gauges["waiting_for_nlp"] for gauges in self.shards.gauges())
