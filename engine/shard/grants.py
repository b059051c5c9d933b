"""Grants: the right to send one request to one host, and the shard's slots on the network.

A grant is begun when its host is popped from the schedule; it is *connecting* until :meth:`Grants.enter`, *on the
network* until :meth:`Grants.leave`. Only requests on the network count against the AIMD limit. Those that connect
have a budget of their own: a tenth of black-holed hosts would else hold most slots for as long as a connect may take.

Law: as many connect as will find a slot, and a few more. What connects counts against the limit for as long as a
connect takes that comes through, and not at all where the host was silent when last asked; beyond the limit a part of
it may be connected ahead, and waits its turn. Without the first, answers that come together let connections begin by
the hundred, none of which gets on while the loop is busy beginning the next; without the second, slots lie idle for
as long as connecting takes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from engine.policy.verdict import Signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.frontier.hoststate import Gate, HostState
    from engine.policy.aimd import ShardLimit

#: So much of the limit may be connected ahead. (A list of new hosts, answers of 300 ms, 200 slots: with none 160 of
#: them are in use, with an eighth 170, a quarter 180, a half 195.)
AHEAD: Final = 0.5

#: A request that connects for longer counts against the connecting budget alone: one and a half times what connects
#: take that come through, within these bounds. A black-holed host holds a slot for as long at its first attempt.
MIN_FRESH_S: Final = 0.025
MAX_FRESH_S: Final = 0.25
_FRESH_MARGIN: Final = 1.5
#: It follows a longer connect by a quarter of the difference, a shorter one by a sixty-fourth: near the longest that
#: are usual, for a busy loop is late with all of them, and most requests find a connection that is open already.
_RISE: Final = 1 / 4
_FALL: Final = 1 / 64


class Grant:
    """One request's way through the shard. Made by :class:`Grants`."""

    __slots__ = (
        "address", "again", "began_at", "connecting", "fresh", "generation", "host", "on_network", "sent_at",
        "unwritten",
    )  # fmt: skip

    def __init__(self, host: HostState | None, address: Gate | None, generation: int, now: float) -> None:
        self.host = host  # None: a host of another shard, which keeps the host's side of this grant
        self.address = address
        self.generation = generation
        self.again = False  # for a URL that has failed before
        self.began_at = now
        self.sent_at = now
        self.connecting = False
        self.fresh = False
        self.on_network = False
        self.unwritten = host is not None


class Grants:
    """The shard's slots. `max_connecting` is this shard's share; all times are monotonic seconds."""

    def __init__(self, limit: ShardLimit, max_connecting: int, wake: Callable[[], None]) -> None:
        self.limit = limit
        self.connecting = 0
        self.on_network = 0
        self._max_connecting = max_connecting
        self._fresh: deque[Grant] = deque()
        self._fresh_count = 0
        self._fresh_s = MIN_FRESH_S
        self._queue: deque[asyncio.Future[None]] = deque()
        self._wake = wake

    def may_begin(self, now: float) -> bool:
        """Whether a further request may begin to connect."""
        while self._fresh and (not self._fresh[0].fresh or self._fresh[0].began_at + self._fresh_s <= now):
            self._settle(self._fresh.popleft())
        waiting = len(self._queue)
        return (
            self.on_network + waiting + self._fresh_count < self.limit.limit * (1 + AHEAD)
            and self.connecting + waiting < self._max_connecting
        )

    @property
    def next_settling(self) -> float | None:
        """When the oldest fresh connect ceases to count against the limit."""
        return self._fresh[0].began_at + self._fresh_s if self._fresh else None

    def begin(self, grant: Grant) -> Grant:
        """The grant's request begins to connect."""
        grant.connecting = True
        self.connecting += 1
        if grant.host is None or not grant.host.silent:
            grant.fresh = True
            self._fresh_count += 1
            self._fresh.append(grant)
        return grant

    def _settle(self, grant: Grant) -> None:
        if grant.fresh:
            grant.fresh = False
            self._fresh_count -= 1

    async def enter(self, grant: Grant, now: Callable[[], float]) -> None:
        """Connected: wait for a slot on the network, first come, first served."""
        self._came_through(now() - grant.began_at)
        self._end_connect(grant)
        if self.on_network >= self.limit.limit or self._queue:
            slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._queue.append(slot)
            try:
                await slot
            except asyncio.CancelledError:
                if slot.done() and not slot.cancelled():  # the slot was given in the same moment: hand it on
                    self.on_network -= 1
                    self.hand_on()
                elif slot in self._queue:
                    self._queue.remove(slot)
                raise
        else:
            self.on_network += 1
        grant.on_network = True
        grant.sent_at = now()

    def _came_through(self, took_s: float) -> None:
        wanted_s = min(MAX_FRESH_S, max(MIN_FRESH_S, _FRESH_MARGIN * took_s))
        self._fresh_s += (wanted_s - self._fresh_s) * (_RISE if wanted_s > self._fresh_s else _FALL)

    def hand_on(self) -> None:
        """Give free slots to those that wait: after a request's end, and whenever the limit rose."""
        while self._queue and self.on_network < self.limit.limit:
            slot = self._queue.popleft()
            if not slot.done():
                self.on_network += 1
                slot.set_result(None)

    def leave(self, grant: Grant) -> None:
        """The request is over, however it ended; the slot goes to the next."""
        self._end_connect(grant)
        if grant.on_network:
            grant.on_network = False
            self.on_network -= 1
            self.hand_on()
        self._wake()

    def _end_connect(self, grant: Grant) -> None:
        if grant.connecting:
            grant.connecting = False
            self.connecting -= 1
            self._settle(grant)

    def judge(self, grant: Grant, signal: Signal, now: float, *, alive: bool) -> None:
        """Feed the shard's limit with a request's end; a rise of the limit lets waiting requests enter.

        `alive`: a page was answered below 500. A robots.txt is none: a site without a single working page may well
        answer 404 for it. That a URL fails which has failed before says more of it than of our load.
        """
        host = grant.host
        if host is not None:
            host.answered = host.answered or alive
            if grant.again and signal is Signal.DROP:
                signal = Signal.IGNORE
            self.limit.on_outcome(host.id, signal, host.answered, grant.sent_at, now, self.on_network)
        self.hand_on()
