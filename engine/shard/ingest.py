"""A shard's ingest: batches go into the frontier in slices, and between two of them everything else has its turns.

Either could fill the loop: a list would be in at once, and nothing fetched meanwhile; or a list of which every page is
asked for as soon as it is known would take a day to come in. So both get on, in proportion.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from engine.ipc.tasks import tasks_in
from engine.model.messages import Control
from engine.model.task import split_position

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ipc.frames import Frame
    from engine.shard.assembly import Assembly

#: Entries inserted at once: larger slices insert faster, but fetching stands still meanwhile (5 ms at this size).
SLICE: Final = 1_000

#: After a slice all others have their turns, until they have ended a page for each URLS_A_PAGE URLs that came in: a
#: page of a new host costs as much as 150 URLs do on their way in, one of a known host as much as 90. Found by trying:
#: what comes of it is some 55 URLs a page, as the others' turns also end when they need no more, or have had the most.
URLS_A_PAGE: Final = 35

#: Whatever pages cost, ingest has between a quarter and six parts in eleven of the time, these parts of what the others
#: take; and no more than MAX_HELD_S at once.
LEAST_TO_REST: Final = 1 / 3
MOST_TO_REST: Final = 1.2
MAX_HELD_S: Final = 0.1

#: Batches that are committed at once while more wait: a page of the file that several write to is written once.
BATCHES_A_COMMIT: Final = 3


async def let_others(least_s: float, most_s: float, enough: Callable[[], bool], clock: Callable[[], float]) -> float:
    """Turns of the loop for all others, until they have done enough in `least_s` to `most_s` seconds, or need none.

    Gives the seconds they took.
    """
    took_s = 0.0
    while True:
        began = clock()
        await asyncio.sleep(0)
        turn_s = clock() - began
        took_s += turn_s
        if turn_s <= 0 or took_s >= most_s or (took_s >= least_s and enough()):
            return took_s


class Ingest:
    """Takes what the supervisor reads into a shard's frontier. `send` writes to the supervisor."""

    def __init__(self, parts: Assembly, send: Callable[[dict[str, Any]], None], clock: Callable[[], float]) -> None:
        self._store = parts.store
        self._schedule = parts.schedule
        self._endings = parts.endings
        self._wake = parts.dispatcher.wake
        self._send = send
        self._clock = clock
        self._batches: deque[Frame] = deque()
        self._came = asyncio.Event()
        self._uncommitted = 0  # batches
        self._loop_s = 0.0  # what it took of the loop since that was last asked for
        self._held_s = 0.0  # and since the others had their turns
        self._urls = 0  # that came in since then

    @property
    def waiting(self) -> bool:
        """Whether there are batches that are not in the frontier."""
        return bool(self._batches)

    def add(self, frame: Frame) -> None:
        """A batch, or the word that there are no more."""
        self._batches.append(frame)
        self._came.set()

    def take_loop_s(self) -> float:
        """The seconds that it took of the loop since this was last asked for."""
        loop_s, self._loop_s = self._loop_s, 0.0
        return loop_s

    async def run(self) -> None:
        """Take in what comes, for as long as the shard lives."""
        until = 0.0  # it has the loop to itself until then
        while True:
            while not self._batches:
                self._came.clear()
                await self._came.wait()
                self._held_s, self._urls = 0.0, 0
            frame = self._batches.popleft()
            if frame.type == Control.INGESTED:
                self._store.finish_ingest()
                self._store.commit()
                continue
            began = self._clock()
            entries = tasks_in(frame)
            end = (frame.header["input"], frame.header["last"])
            for start in range(0, max(1, len(entries)), SLICE):
                part = entries.some(start, start + SLICE)
                last = start + SLICE >= len(entries)
                self._schedule.insert(part, end if last else split_position(part.positions[-1]), self._clock())
                self._urls += len(part)
                self._wake()
                if self._clock() >= until:
                    self._held(began)
                    took_s = await self._let_others()
                    began = self._clock()
                    until = began + min(MAX_HELD_S, took_s * MOST_TO_REST)
            self._commit_some()
            self._held(began)

    def _held(self, since: float) -> None:
        held_s = self._clock() - since
        self._loop_s += held_s
        self._held_s += held_s

    async def _let_others(self) -> float:
        held_s, pages = self._held_s, self._endings.ended + self._urls // URLS_A_PAGE
        self._held_s, self._urls = 0.0, 0
        return await let_others(
            held_s / MOST_TO_REST, held_s / LEAST_TO_REST, lambda: self._endings.ended >= pages, self._clock
        )

    def _commit_some(self) -> None:
        self._uncommitted += 1
        if not self._batches or self._uncommitted >= BATCHES_A_COMMIT:
            self._store.commit()
            self._send({"type": Control.CREDIT, "batches": self._uncommitted})
            self._uncommitted = 0
