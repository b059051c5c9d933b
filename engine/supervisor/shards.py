"""The shards' places: their processes' lives, and what they say.

A process's life here is one task: started once its lock is free, heard over its control channel, reaped, and its end
turned into what follows by :mod:`engine.policy.restart`. The task ends only when everything that the process said
before it died has been read.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from engine.errors import EngineError
from engine.ipc.channel import from_socket
from engine.model.messages import Control
from engine.observe.logs import get_logger
from engine.policy.restart import Action, ExitCause, after_exit, exit_cause, fault_signal
from engine.supervisor.child import ShardPlace, error_of, exit_words, readable
from engine.supervisor.lock import FileLock, held
from engine.supervisor.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ipc.frames import Frame, Header
    from engine.model.messages import Gauges
    from engine.supervisor.feed import Feed
    from engine.supervisor.folder import RunFolder
    from engine.supervisor.plan import Plan
    from engine.supervisor.processes import Processes

_log = get_logger(__name__)

#: How often, and how many times, a dead shard's lock is tried: the kernel frees it with the process that held it.
_LOCK_POLL_S: Final = 0.05
_LOCK_TRIES: Final = 200


class Shards:
    """All shards of a run.

    `ready` is called with a shard whose process has said HELLO, `progressed` when rows were committed, `failed` with
    what ends the run, `changed` whenever the view may give other actions.
    """

    def __init__(  # noqa: PLR0913 - what a shard's life touches; all by name
        self,
        plan: Plan,
        folder: RunFolder,
        processes: Processes,
        *,
        ready: Callable[[int], None],
        progressed: Callable[[], None],
        failed: Callable[[EngineError], None],
        changed: Callable[[], None],
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._processes = processes
        self._ready = ready
        self._progressed = progressed
        self._failed = failed
        self._changed = changed
        self.places = [ShardPlace(shard) for shard in range(plan.shards)]
        self._relay = Relay(plan.shards, self.send)
        self.feed: Feed

    # -- what others ask ------------------------------------------------------------------------------------------

    def send(self, shard: int, header: Header, body: bytes = b"") -> bool:
        """Send a frame to a shard that has said HELLO; False where there is none."""
        place = self.places[shard]
        if place.channel is None or not place.ready or place.channel.closed:
            return False
        place.channel.send(header, body)
        return True

    def broadcast(self, header: Header) -> None:
        """Send a frame to every shard that has said HELLO; the others are told what holds when they do."""
        for place in self.places:
            self.send(place.shard, header)

    def ask_to_leave(self, shard: int, within_s: float) -> None:
        """Tell a shard to drain, HELLO said or not; comes again until there is a process to tell."""
        place = self.places[shard]
        if place.channel is not None:
            place.channel.send({"type": Control.DRAIN, "within_s": max(0.0, within_s)})
            place.asked_to_leave = True

    def tick(self) -> None:
        """Count a second of silence of every living process."""
        for place in self.places:
            place.silent_ticks += place.alive

    def gauges(self) -> list[Gauges]:
        """Give the latest report of each shard that has made one."""
        return [place.gauges for place in self.places if place.gauges is not None]

    @property
    def all_finished(self) -> bool:
        """Whether every shard's present process has said that nothing is left to do."""
        return all(place.finished for place in self.places)

    @property
    def any_alive(self) -> bool:
        """Whether a process is still there."""
        return any(place.alive for place in self.places)

    # -- a process's life -----------------------------------------------------------------------------------------

    async def live(self, shard: int) -> None:
        """Start a process for a shard and stay with it to its end. `ShardPlace.begin` was called."""
        place = self.places[shard]
        try:
            await self._until_unlocked(shard)
            config = self._plan.shard_config(shard, first=place.first, fault=place.fault)
            process, sock = await self._processes.start_shard(config)
        except EngineError as error:
            self._ended(place, ExitCause.FAILED_TO_START, str(error))
            return
        place.process = process
        place.channel = await from_socket(sock, partial(self._on_frame, place), partial(self._on_lost, place))
        self._changed()
        await readable(process.sentinel)
        code = await self._processes.reap(process)
        await place.channel.wait_closed()
        place.fault = fault_signal(code)
        cause = exit_cause(code, ready=place.ready, stopping=place.asked_to_leave, hung=place.hung)
        if cause is ExitCause.FINISHED:  # a shard leaves when it is asked to, and not before
            cause = ExitCause.CRASHED
        reason = process.reason
        if cause is ExitCause.FAULT and reason:
            self._failed(error_of(code, reason))
        self._ended(place, cause, reason or exit_words(code))

    async def _until_unlocked(self, shard: int) -> None:
        """Make sure that no process holds a shard's state: the old one is reaped, but it may be an unknown one."""
        path = self._folder.shard_lock(shard)
        for _ in range(_LOCK_TRIES):
            if (lock := FileLock.try_acquire(path)) is not None:
                lock.release()  # for the new process, which takes it as it starts
                return
            await asyncio.sleep(_LOCK_POLL_S)
        raise held(path)

    def _ended(self, place: ShardPlace, cause: ExitCause, words: str) -> None:
        """Note a process's end, tell the others, and work out what follows."""
        was_ready, place.alive, place.ready, place.finished = place.ready, False, False, False
        self.feed.gone(place.shard)
        if was_ready:
            self._relay.gone(place.shard)
        decision, place.history = after_exit(cause, place.history)
        if decision.action is Action.RESPAWN:
            place.respawn_at = asyncio.get_running_loop().time() + decision.after_s
            _log.warning("a shard ended and is started again", shard=place.shard, cause=cause.value, how=words)
        elif decision.action is Action.GIVE_UP:
            self._failed(EngineError(f"shard {place.shard}: {decision.reason} ({words})"))
        self._changed()

    # -- what a process says --------------------------------------------------------------------------------------

    def _on_lost(self, place: ShardPlace, cause: Exception | None) -> None:
        if cause is not None and place.process is not None and not isinstance(cause, OSError):
            # It said something that is no message: nothing it does can be trusted.
            _log.error("a shard's messages cannot be read", shard=place.shard, error=str(cause))
            place.process.kill()

    def _on_frame(self, place: ShardPlace, frame: Frame) -> None:
        header = frame.header
        match frame.type:
            case Control.HEARTBEAT:
                place.silent_ticks = 0
                self._report(place, header["gauges"])
            case Control.CREDIT:
                self.feed.credit(place.shard, int(header["batches"]))
            case Control.HELLO:
                place.ready, place.first, place.silent_ticks = True, False, 0
                place.history = place.history.ready()
                cursor = (int(header["cursor"][0]), int(header["cursor"][1]))
                self.feed.hello(place.shard, cursor, ingested=bool(header["ingested"]))
                self._ready(place.shard)
                self._changed()
            case Control.FINISHED:
                place.finished = True
                self._changed()
            case Control.FAULT:
                self._failed(error_of(int(header["exit_code"]), str(header["message"])))
            case _:
                if frame.type == Control.FOUND_DONE:
                    place.finished = False  # it has new URLs; that it had finished may have been said before it knew
                if not self._relay.passes(place.shard, frame):
                    raise ValueError(f"shard {place.shard} sent {frame.type!r}, which is no message to a supervisor")

    def _report(self, place: ShardPlace, gauges: Gauges) -> None:
        place.gauges = gauges
        if gauges["finished"] > place.rows:
            place.rows = gauges["finished"]
            place.history = place.history.progressed()
            self._progressed()
