"""The next hop of a redirect: a grant for wherever it leads, from this shard or from the one that owns the site.

A hop waits for its host's turn like any request, with no slot held. For a site of another shard a *permit* is asked
for: that shard checks robots.txt, waits for the host's turn, answers "go", and keeps the host's side of the grant until
it is told how the request ended. No body travels, and the URL's owner stays its owner.
"""

from __future__ import annotations

import asyncio
import secrets
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from engine.model.messages import Control
from engine.model.outcome import Failure, FailureKind, Outcome
from engine.model.url import Target, parse_target, site_of
from engine.policy.placement import shard_of
from engine.shard.grants import Grant
from engine.shard.requester import NotAsked, RequestFailed
from engine.shard.robots import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.frontier.hoststate import HostState
    from engine.frontier.schedule import Schedule
    from engine.shard.dispatcher import Dispatcher
    from engine.shard.robots import RobotsFiles

#: Added to the longest request that settings allow before a permit's user is taken for lost.
PERMIT_MARGIN_S = 30.0


class Spawn(Protocol):
    """Starts a task that the shard's task group observes."""

    def __call__(self, coroutine: Any, /) -> object:  # noqa: ANN401 - any coroutine
        """Start it."""


class ForeignGrant(Grant):
    """A grant whose host belongs to another shard; `permit` is our number for it there."""

    __slots__ = ("permit", "shard")

    def __init__(self, shard: int, permit: int, now: float) -> None:
        super().__init__(None, None, 0, now)
        self.shard = shard
        self.permit = permit


class Hops:
    """Grants for redirect hops, and permits for those of other shards. `send` writes a control message."""

    def __init__(  # noqa: PLR0913, PLR0917 - the seam between shards
        self,
        shard: int,
        shards: int,
        schedule: Schedule,
        dispatcher: Dispatcher,
        send: Callable[[dict[str, Any]], None],
        spawn: Spawn,
        *,
        longest_request_s: float,
    ) -> None:
        self.robots: RobotsFiles  # set once, after both are made: each needs the other
        self._shard = shard
        self._shards = shards
        self._schedule = schedule
        self._dispatcher = dispatcher
        self._send = send
        self._spawn = spawn
        self._permit_s = longest_request_s + PERMIT_MARGIN_S
        self._loop = asyncio.get_running_loop()
        # Not from 1: an answer to a question of this shard's former life must be told from one to ours.
        self._numbers = count(secrets.randbits(48))
        self._asked: dict[int, tuple[int, asyncio.Future[Failure | None]]] = {}
        self._given: dict[tuple[int, int], tuple[Grant, asyncio.TimerHandle]] = {}

    @property
    def permits_out(self) -> int:
        """Requests that other shards make under permits of ours; their ends come, or a time at which they expire."""
        return len(self._given)

    async def grant(self, target: Target, *, check_robots: bool = True) -> Grant | Failure:
        """Wait for the turn of a hop's host. Raises NotAsked where the shard stops, or the other shard is gone."""
        shard = shard_of(site_of(target.host), self._shards)
        if shard != self._shard:
            return await self._ask(shard, target, check_robots=check_robots)
        return await self._own(target, check_robots=check_robots)

    async def _own(self, target: Target, *, check_robots: bool) -> Grant | Failure:
        began = self._loop.time()
        while True:
            # Looked up anew each time: a host that has nothing to do meanwhile leaves memory.
            host = self._schedule.named(target.host, self._loop.time())
            if check_robots and (refused := self._refused(target, host, began)) is not None:
                self._dispatcher.revisit(host)
                return refused
            grant = await self._dispatcher.turn(host)
            if grant is None:
                if host.condemned is not None:
                    return host.condemned
                raise NotAsked
            if not check_robots:
                return grant
            if (refused := self._refused(target, host, began)) is not None:  # the file has come, or failed, meanwhile
                self._dispatcher.unused(grant)
                return refused
            if self.robots.known(target, host) is not None:
                return grant
            loading = self.robots.loading(target)
            if loading is not None:
                self._dispatcher.unused(grant)
                await asyncio.shield(loading)  # it is not ours alone to cancel
            else:
                await self.robots.load(target, host, grant)

    def _refused(self, target: Target, host: HostState, began: float) -> Failure | None:
        rules = self.robots.known(target, host)
        return self.robots.failed_since(target, began) if rules is None else refusal(rules, target)

    # -- asking another shard -------------------------------------------------------------------------------------

    async def _ask(self, shard: int, target: Target, *, check_robots: bool) -> Grant | Failure:
        number = next(self._numbers)
        answer: asyncio.Future[Failure | None] = self._loop.create_future()
        self._asked[number] = (shard, answer)
        self._send({
            "type": Control.PERMIT_ASK, "to": shard, "permit": number, "url": target.fetch_url, "robots": check_robots
        })  # fmt: skip
        try:
            refused = await answer
        except BaseException:
            self._report(shard, number, Outcome(), written=False)
            raise
        finally:
            del self._asked[number]
        if refused is not None:
            return refused
        return self._dispatcher.grants.begin(ForeignGrant(shard, number, self._loop.time()))

    def on_reply(self, header: dict[str, Any]) -> None:
        """PERMIT_REPLY from another shard."""
        asked = self._asked.get(header["permit"])
        if asked is None:  # asked by this shard's former life, or given up meanwhile
            self._report(header["from"], header["permit"], Outcome(), written=False)
        elif asked[1].done():
            return
        elif header["again"]:
            asked[1].set_exception(NotAsked())
        else:
            kind = header["kind"]
            asked[1].set_result(None if kind is None else Failure(FailureKind(kind), header["message"]))

    def on_shard_gone(self, shard: int) -> None:
        """A shard died: what it asked for ends, what it was asked is asked again by whoever needs it."""
        for asked_of, answer in list(self._asked.values()):
            if asked_of == shard and not answer.done():
                answer.set_exception(NotAsked())
        for key in [key for key in self._given if key[0] == shard]:
            self._end(key, Outcome(), written=True)

    def finished(self, grant: Grant, outcome: Outcome, written: bool) -> None:
        """Tell the owner of a foreign host how the request under its permit ended."""
        if isinstance(grant, ForeignGrant):
            self._report(grant.shard, grant.permit, outcome, written=written)

    def _report(self, shard: int, permit: int, outcome: Outcome, *, written: bool) -> None:
        self._send({
            "type": Control.PERMIT_DONE, "to": shard, "permit": permit, "status": outcome.status,
            "kind": outcome.kind, "retry_after_s": outcome.retry_after_s, "written": written,
        })  # fmt: skip

    # -- asked by another shard -----------------------------------------------------------------------------------

    def on_ask(self, header: dict[str, Any]) -> None:
        """PERMIT_ASK from another shard."""
        self._spawn(self._answer(header["from"], header["permit"], header["url"], check_robots=header["robots"]))

    async def _answer(self, shard: int, permit: int, url: str, *, check_robots: bool) -> None:
        reply: Grant | Failure
        target = parse_target(url)
        try:
            reply = target if isinstance(target, Failure) else await self._own(target, check_robots=check_robots)
        except RequestFailed as failed:
            reply = failed.failure
        except NotAsked:
            self._reply(shard, permit, None, again=True)
            return
        if isinstance(reply, Failure):
            self._reply(shard, permit, reply)
        else:
            # The request itself is the other shard's: here it holds no slot, only its place at the host.
            self._dispatcher.grants.leave(reply)
            timer = self._loop.call_later(self._permit_s, self._expire, (shard, permit))
            self._given[shard, permit] = (reply, timer)
            self._reply(shard, permit, None)

    def _reply(self, shard: int, permit: int, failure: Failure | None, *, again: bool = False) -> None:
        self._send({
            "type": Control.PERMIT_REPLY, "to": shard, "permit": permit, "again": again,
            "kind": failure.kind if failure else None, "message": failure.message if failure else "",
        })  # fmt: skip

    def on_done(self, header: dict[str, Any]) -> None:
        """PERMIT_DONE from another shard."""
        kind = header["kind"]
        outcome = Outcome(header["status"], None if kind is None else FailureKind(kind), header["retry_after_s"])
        self._end((header["from"], header["permit"]), outcome, written=header["written"])

    def _expire(self, key: tuple[int, int]) -> None:
        self._end(key, Outcome(), written=True)

    def _end(self, key: tuple[int, int], outcome: Outcome, *, written: bool) -> None:
        given = self._given.pop(key, None)
        if given is not None:
            grant, timer = given
            timer.cancel()
            if written:
                self._dispatcher.written(grant)
            self._dispatcher.finish(grant, outcome)
