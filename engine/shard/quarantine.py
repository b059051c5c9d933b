"""Which page ends its shard: those that were under way when a process died of a fault run again, each alone.

The law: nobody is convicted who might be innocent. A URL that was one of several only is suspect; it ends as
`internal_error` when its shard dies of a fault again while nothing runs beside it. With that one convicted the death is
explained, and the others run as before. Meanwhile ingest goes on, and no other request starts.

A suspect whose host may not be asked soon (a pause, an open breaker) is let go: should it do it again, it is suspect
again. Every death is so followed by another or by a row, and the restart bounds of the supervisor hold.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from engine.frontier.results import Waiting
from engine.model.outcome import Failure, FailureKind
from engine.model.record import Fetched
from engine.shard.budget import PageLease

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.frontier.schedule import Schedule
    from engine.frontier.store import Store
    from engine.model.task import TaskKey
    from engine.shard.budget import Budget
    from engine.shard.dispatcher import Dispatcher
    from engine.shard.endings import Endings
    from engine.shard.fetcher import Fetcher
    from engine.shard.flight import Flight, Left

_LOG: Final = structlog.get_logger("shard.quarantine")

#: How long a suspect waits for its turn once its host's delay is over.
PATIENCE_S: Final = 60.0

#: One that was put back is tried again so soon: what it waits for, a robots.txt, comes by an event of its own.
AGAIN_AFTER_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Suspects:
    """The tasks that were under way at a death by signal `fault`; `proven`: the only one was alone."""

    fault: int
    tasks: Sequence[TaskKey]
    proven: bool


def suspects(store: Store, left: Left, fault: int) -> Suspects | None:
    """Find those that are to be looked at, and take them out of their hosts' order. None: there are none.

    `fault` is the signal by which the last process died, 0 where it was no fault of its own. Whoever was killed by
    others, or has lost its power, gives nobody away. Called before any host is active.
    """
    if not fault:
        return None
    tasks = [key for key in left.keys if store.is_unfinished(key)]
    store.hold_back([Waiting(task, 0.0, 0) for task in tasks])
    return Suspects(fault, tasks, proven=left.alone) if tasks else None


class Quarantine:
    """Runs the suspects. `shard` is the number for rows."""

    def __init__(  # noqa: PLR0913 - what a URL's run alone takes; all by name
        self,
        found: Suspects,
        shard: int,
        *,
        flight: Flight,
        schedule: Schedule,
        dispatcher: Dispatcher,
        fetcher: Fetcher,
        endings: Endings,
        budget: Budget,
        now: Callable[[], float],
    ) -> None:
        self._found = found
        self._shard = shard
        self._flight = flight
        self._schedule = schedule
        self._dispatcher = dispatcher
        self._fetcher = fetcher
        self._endings = endings
        self._budget = budget
        self._now = now
        dispatcher.turns_only = not found.proven

    def convict(self) -> bool:
        """End the URL that is proven; whether there was one."""
        if not self._found.proven:
            return False
        taken = self._schedule.take_by_name(self._found.tasks[0], self._now())
        if taken is None:
            return False
        _, task = taken
        died_of = signal.Signals(self._found.fault).name
        message = f"its page ended the process that fetched it by {died_of}, twice; nothing else was running"
        _LOG.error("a page ends its shard: it is not asked for again", url=task.url, signal=died_of)
        fetched = Fetched(task.url, task.fetch_url, self._shard, input=task.input, attempts=task.attempts + 2)
        self._endings.fail(task, fetched, Failure(FailureKind.INTERNAL_ERROR, message))
        return True

    async def run(self) -> None:
        """Run the suspects one after another, then let everything go on."""
        if self._found.proven:
            return
        _LOG.warning("a shard died of a fault: the URLs that were under way run alone", urls=len(self._found.tasks))
        self._flight.alone(on=True)
        try:
            for key in self._found.tasks:
                await self._alone(key)
        finally:
            self._flight.alone(on=False)
            self._dispatcher.turns_only = False
            self._dispatcher.wake()

    async def _alone(self, key: TaskKey) -> None:
        """Fetch one URL, with its robots.txt first where that is not there; what comes of it is as ever."""
        ended = False
        while not ended and (taken := self._schedule.take_by_name(key, self._now())) is not None:
            host, task = taken
            try:
                async with asyncio.timeout_at(max(self._now(), host.next_due) + PATIENCE_S):
                    grant = await self._dispatcher.turn(host)
            except TimeoutError:
                grant = None
            if grant is None:
                self._schedule.put_back(host, task, self._now())
                return
            ended = await self._fetcher.run(task, host, grant, PageLease(self._budget))
            if not ended:  # its robots.txt came first, or is on its way for another shard's hop
                await asyncio.sleep(AGAIN_AFTER_S)
