"""A running shard: what the supervisor says, the tick, and the orderly end."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import structlog

from engine.errors import EngineError
from engine.model.messages import Control, NlpExit
from engine.model.outcome import Failure, FailureKind
from engine.policy.lag import LagBound, LagRules
from engine.shard.gauges import measure
from engine.shard.ingest import Ingest
from engine.shard.watchdog import Watchdog, waits_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ipc.frames import Frame
    from engine.shard.assembly import Assembly

_LOG: Final = structlog.get_logger("shard")

TICK_S: Final = 0.1
COMMIT_EVERY_S: Final = 1.0
HEARTBEAT_EVERY_S: Final = 1.0

#: Of the time given to leave, the part that requests under way may use; the rest is the NLP pool's.
FETCH_SHARE: Final = 0.6


class Worker:
    """Drives an assembled shard. `send` writes to the supervisor."""

    def __init__(self, shard: int, send: Callable[[dict[str, Any]], None], loop: asyncio.AbstractEventLoop) -> None:
        self.parts: Assembly  # set once assembled, before the first frame
        self._shard = shard
        self._send = send
        self._loop = loop
        self._group: asyncio.TaskGroup
        self._running = False
        self._early: list[Frame] = []
        self._ingest: Ingest
        self._tasks: set[asyncio.Task[None]] = set()
        self._leave = asyncio.Event()
        self._within_s = 0.0
        self._broken: Exception | None = None
        self._told_finished = False
        self._told_first_page = False
        self._logged_limit = 0
        self._watchdog = Watchdog(loop.time())
        self._lag = LagBound(LagRules(), loop.time())

    def spawn(self, coroutine: Any) -> None:  # noqa: ANN401 - any coroutine
        """Start a task of a URL or a permit; the group observes it."""
        try:
            task = self._group.create_task(coroutine)
        except RuntimeError:  # the group is being torn down, for a reason that it will report
            coroutine.close()
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> None:
        """Work until told to leave. Raises what any part of it raised (in a group)."""
        store = self.parts.store
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._send({
                "type": Control.HELLO, "shard": self._shard, "pid": os.getpid(), "cursor": list(store.cursor),
                "ingested": store.ingested,
            })  # fmt: skip
            self._ingest = Ingest(self.parts, self._send, self._loop.time)
            ingest = group.create_task(self._ingest.run())
            tick = group.create_task(self._tick())
            committing = group.create_task(self._commit_when_full())
            self.parts.dispatcher.wake()
            self._loop.add_signal_handler(
                signal.SIGUSR1, lambda: _LOG.warning("what it waits for", all=self.describe())
            )
            self._running = True
            self._look_at_suspects()
            for frame in self._early:
                self._take(frame)
            try:
                await self._leave.wait()
            finally:
                self.parts.dispatcher.stop()
            if self._broken is not None:
                raise self._broken
            ingest.cancel()
            await self._drain()
            tick.cancel()
            committing.cancel()
        self.parts.endings.commit()
        self._running = False  # what still comes finds no frontier to go to: who sent it keeps it
        self._beat()

    def _look_at_suspects(self) -> None:
        """What a former process died of is found before anything else is asked for."""
        quarantine = self.parts.quarantine
        if quarantine is not None:
            if quarantine.convict():  # that row is what came of the last process, and is told before another can die
                self.parts.endings.commit()
                self._beat()
            self.spawn(quarantine.run())

    # -- what the supervisor says ---------------------------------------------------------------------------------

    def on_frame(self, frame: Frame) -> None:
        """One message of the supervisor, or of another shard through it; kept until the work has begun."""
        if self._running:
            self._take(frame)
        else:
            self._early.append(frame)

    def _take(self, frame: Frame) -> None:  # noqa: C901 - a table of messages
        header, hops, pool = frame.header, self.parts.hops, self.parts.pool
        match frame.type:
            case Control.TASKS | Control.INGESTED:
                self._told_finished = False
                self._ingest.add(frame)
            case Control.NLP_UP if pool is not None:
                self._group.create_task(pool.on_up(header["child"], header["path"]))
            case Control.NLP_GONE if pool is not None:
                pool.on_gone(header["child"], NlpExit(header["cause"]))
            case Control.PERMIT_ASK:
                hops.on_ask(header)
            case Control.PERMIT_REPLY:
                hops.on_reply(header)
            case Control.PERMIT_DONE:
                hops.on_done(header)
            case Control.DEFER:
                self.parts.schedule.defer(Failure(FailureKind.DEFERRED, header["message"]))
            case Control.SHARD_GONE:
                hops.on_shard_gone(header["shard"])
                self.parts.links.on_shard_gone(header["shard"])
            case Control.FOUND:
                self._told_finished = False
                self.parts.links.on_found(header)
                self.parts.dispatcher.wake()
            case Control.FOUND_DONE:
                self.parts.links.on_done(header)
            case Control.DRAIN:
                self._within_s = header["within_s"]
                self._leave.set()
            case other:
                raise ValueError(f"the supervisor sent {other}")

    def on_lost(self, cause: Exception | None) -> None:
        """The supervisor's channel ended. With it gone the life pipe ends us; what went wrong in here must be loud."""
        if cause is not None and not isinstance(cause, OSError):
            self._broken = cause
            self._leave.set()

    def on_callback_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What a callback raised, which ends no task: a state that cannot be written ends the worker all the same."""
        error = context.get("exception")
        if isinstance(error, EngineError) and self._broken is None:
            self._broken = error
            self._leave.set()
        else:
            loop.default_exception_handler(context)

    # -- the tick -------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        parts, loop = self.parts, self._loop
        commit_at = beat_at = asked_for = loop.time()
        while True:
            now = loop.time()
            self._bound_by_lag(now - asked_for - self._ingest.take_loop_s(), now)
            parts.limit.tick(now, parts.dispatcher.grants.on_network)
            self._log_limit()
            parts.dispatcher.grants.hand_on()
            parts.dispatcher.wake()
            await self._end_condemned(now + TICK_S)
            ended = self._ended()
            # The first rows of a process are not kept waiting, for who looks sees that it works; nor is what holds up
            # further pages.
            awaited = parts.endings.uncommitted > 0 and (not parts.endings.finished or parts.budget.short)
            if now >= commit_at or ended or awaited:
                parts.endings.commit()
                commit_at = now + COMMIT_EVERY_S
                ended = ended and self._ended()  # the last page may have named further ones
            # The pool starts with the first page that waits for it, which the supervisor is told at once.
            first_page = parts.pool is not None and parts.endings.waiting_for_nlp > 0 and not parts.pool.children
            if now >= beat_at or (ended and not self._told_finished) or (first_page and not self._told_first_page):
                self._told_first_page = first_page
                self._beat()
                beat_at = now + HEARTBEAT_EVERY_S
            if ended and not self._told_finished:
                self._told_finished = True
                self._send({"type": Control.FINISHED})
            if not ended:
                self._watch(now)
            asked_for = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)  # a tick is a matter of time, and of nothing else

    async def _commit_when_full(self) -> None:
        while True:
            await self.parts.endings.fill()
            self.parts.endings.commit()

    async def _end_condemned(self, until: float) -> None:
        """End URLs of condemned hosts, a slice at a time, so that fetching goes on; the rest on the next tick."""
        endings = self.parts.endings
        while endings.end_condemned() and self._loop.time() < until:
            if endings.full:
                endings.commit()
            await asyncio.sleep(0)

    def _log_limit(self) -> None:
        limit = self.parts.limit
        before, self._logged_limit = self._logged_limit, limit.limit
        if limit.limit < before:
            _LOG.info("limit", limit=limit.limit, before=before, cause=limit.cause)
        elif before and limit.limit > before:
            _LOG.debug("limit", limit=limit.limit, before=before, cause=limit.cause)

    def _bound_by_lag(self, lag_s: float, now: float) -> None:
        """A loop that comes back late has too much to do, whatever the servers would bear.

        Not where ingest held it up, whose part of the loop has a bound of its own: fewer requests would mend nothing.
        """
        grants, limit = self.parts.dispatcher.grants, self.parts.limit
        if self._lag.sample(lag_s, now, grants.on_network, self.parts.max_limit):
            limit.cap(self._lag.bound, f"the event loop is {self._lag.mean_s * 1000:.0f} ms late")

    def describe(self) -> str:
        """What this shard waits for."""
        ingesting = self._ingest.waiting or not self.parts.store.ingested
        return waits_for(self.parts, self._loop.time(), running=len(self._tasks), ingesting=ingesting)

    def _watch(self, now: float) -> None:
        parts = self.parts
        due = parts.schedule.next_due()
        busy = bool(
            self._tasks
            or self._ingest.waiting
            or not parts.store.ingested
            or parts.endings.waiting_for_nlp
            or parts.endings.uncommitted
            or parts.budget.pages
            or parts.dispatcher.out
            or parts.hops.permits_out
            or (due is not None and due > now)  # what is due already, the dispatcher would have started
        )
        self._watchdog.look(now, busy=busy, description="" if busy else self.describe())

    def _ended(self) -> bool:
        """Whether every URL of the inputs has its row, committed or about to be."""
        store = self.parts.store
        if not store.ingested or self._ingest.waiting or self.parts.links.waiting:
            return False
        counters = store.counters
        ended = counters.get("done", 0) + counters.get("failed", 0) + self.parts.endings.uncommitted
        return ended >= counters.get("known", 0)

    def _beat(self) -> None:
        parts = self.parts
        gauges = measure(
            self._shard, parts.store, parts.residence, parts.dispatcher, parts.requester, parts.endings, parts.budget
        )
        self._send({"type": Control.HEARTBEAT, "gauges": gauges})

    # -- the end --------------------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Start nothing new; let what is under way come in as far as the time allows; the frontier keeps the rest."""
        began = self._loop.time()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._within_s * FETCH_SHARE)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
        pool = self.parts.pool
        if pool is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, began + self._within_s - self._loop.time())):
                    await pool.until_idle()
        _LOG.debug("drained", seconds=round(self._loop.time() - began, 2), cancelled=len(left))
