"""Starts requests: whenever something changed, hosts that are due are granted one, as far as limits and budgets admit.

The dispatcher is a function run from the loop (:meth:`Dispatcher._pump`), not a task: it never waits, so no limit that
moves can strand it. Whatever may let a request start calls :meth:`Dispatcher.wake`; what only time can let start is
woken by one timer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

from engine.model.outcome import Failure, FailureKind, Outcome
from engine.policy.breaker import State
from engine.policy.outage import network_sign
from engine.policy.politeness import next_due
from engine.policy.verdict import Signal, is_answer_below_500, verdict
from engine.shard.grants import Grant, Grants

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.frontier.hoststate import Gate, HostState
    from engine.frontier.residence import Residence
    from engine.frontier.schedule import Schedule
    from engine.model.task import Task
    from engine.policy.aimd import ShardLimit
    from engine.policy.outage import OutageDetector
    from engine.policy.verdict import Verdict
    from engine.settings import Settings
    from engine.shard.budget import Budget

#: Requests begun in one turn of the loop. More of them than a loop can connect in a few milliseconds wait for each
#: other's steps, and all answers meanwhile for them.
MAX_STARTS: Final = 32

#: uvloop's clock counts whole milliseconds: what was written "now" may have been written so much later.
CLOCK_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class PauseRules:
    """How long a host pauses that says it is asked too much (seconds), and how often before it is given up."""

    default_s: float
    max_s: float
    max_pauses: int

    @classmethod
    def of(cls, settings: Settings) -> PauseRules:
        """From politeness.* and retry.rate_limit_delay_s."""
        polite = settings.politeness
        return cls(settings.retry.rate_limit_delay_s, polite.max_retry_after_s, polite.max_pauses)


class Dispatcher:
    """Grants requests to hosts. `start` is handed each task with its host and grant, and must not wait."""

    def __init__(  # noqa: PLR0913 - the parts that a decision to start depends on
        self,
        schedule: Schedule,
        residence: Residence,
        limit: ShardLimit,
        budget: Budget,
        outage: OutageDetector,
        *,
        max_connecting: int,
        jitter: float,
        pauses: PauseRules,
        random: Callable[[], float],
        start: Callable[[Task, HostState, Grant], None],
    ) -> None:
        self.grants = Grants(limit, max_connecting, self.wake)
        self._schedule = schedule
        self._residence = residence
        self._limit = limit
        self._budget = budget
        self._outage = outage
        self._jitter = jitter
        self._pauses = pauses
        self._random = random
        self._start = start
        self._loop = asyncio.get_running_loop()
        self._woken = False
        self._timer: asyncio.Handle | None = None  # one that is still to ring
        self._timer_due = 0.0
        self.stopped = False
        self.turns_only = False  # nothing but redirect hops, robots.txt and suspects

    @property
    def out(self) -> bool:
        """Whether everything waits for the end of an outage of our own."""
        return self._outage.is_out(self._loop.time())

    # -- starting -------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something changed: look again, once, when the loop comes to it."""
        if not self._woken and not self.stopped:
            self._woken = True
            self._loop.call_soon(self._pump)

    def stop(self) -> None:
        """Start nothing more; whoever waits for a turn is told that none comes."""
        self.stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for host in list(self._schedule.hosts.values()):
            while host.turns:
                turn = self._schedule.take_turn(host)
                if not turn.done():
                    turn.set_result(None)

    def _pump(self) -> None:
        self._woken = False
        if self.stopped:
            return
        now = self._loop.time()
        schedule, grants = self._schedule, self.grants
        starts = MAX_STARTS
        while grants.may_begin(now):
            if not starts:
                self.wake()
                break
            starts -= 1
            if self._outage.is_out(now) and not self._outage.may_probe(now):
                break
            # Without budget, hops of pages under way may still go: they are what gives it back.
            turns_only = self._budget.exhausted or self.turns_only
            host = schedule.pop_turn(now) if turns_only else schedule.pop(now, self._limit.limit)
            if host is None:
                break
            if host.turns:
                turn = schedule.take_turn(host)
                if turn.done():  # whoever waited was cancelled
                    schedule.revisit(host, now)
                else:
                    turn.set_result(self._grant(host, now))
                continue
            task = schedule.next_task(host, now)
            if task is not None:
                self._start(task, host, self._grant(host, now))
        self._set_timer(now)

    def _set_timer(self, now: float) -> None:
        if self._outage.is_out(now):
            due: float | None = self._outage.next_probe_at
        else:
            due = min(
                (t for t in (self._schedule.next_due(), self.grants.next_settling) if t is not None), default=None
            )
        # What is due already waits for an event (a slot, the budget), and events wake the dispatcher themselves.
        due = due if due is not None and due > now else None
        timer = self._timer
        if timer is not None:
            if due is not None and now < self._timer_due <= due:
                return  # it comes in time, and then looks for the next: cheaper than a new one for each request
            timer.cancel()
        self._timer = self._loop.call_at(due, self._ring) if due is not None else None
        self._timer_due = due or 0.0

    def _ring(self) -> None:
        # uvloop's timers know milliseconds only: one may ring before its time, when there is nothing to do yet, and
        # what is due within half of one is a handle without a time. So one that has rung is forgotten, and set anew.
        self._timer = None
        self.wake()

    def _grant(self, host: HostState, now: float) -> Grant:
        generation = host.breaker.admit(now)
        if generation is None:
            raise RuntimeError(f"{host.name} was chosen although its breaker admits nothing")
        address = self._schedule.granted(host, now)
        return self.grants.begin(Grant(host, address, generation, now))

    async def turn(self, host: HostState) -> Grant | None:
        """A grant for what goes before the host's tasks (a redirect hop); None: stopped, or the host given up."""
        if self.stopped or host.condemned is not None:
            return None
        turn: asyncio.Future[Grant | None] = self._loop.create_future()
        self._schedule.add_turn(host, turn, self._loop.time())
        self.wake()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and (grant := turn.result()) is not None:
                self.unused(grant)
            raise

    def at_once(self, host: HostState) -> Grant | None:
        """A grant for the page of a host whose robots.txt has just come, if no delay holds it and nobody is before it.

        Else None, and it waits for its turn as any host does. A host of one page, of which there may be half a million,
        is then taken up and let go once, and asked while its connection is warm. Not where there is a delay: a server
        that read the first request late, as those of a burst of new connections are, would see the next too soon.
        """
        now = self._loop.time()
        if (
            self.stopped or self.turns_only or host.condemned is not None
            or host.delay_s > 0
            or host.in_flight or host.turns or host.robots_pending  # of its own: all that goes before its tasks
            or host.site.members > 1 or host.address is not None  # others may be parked for a place
            or self._budget.exhausted or self._outage.is_out(now) or not self.grants.may_begin(now)
        ):  # fmt: skip
            return None
        open_at = host.open_at(now)
        return None if open_at is None or open_at > now else self._grant(host, now)

    def revisit(self, host: HostState) -> None:
        """What a host waited for is over, or turned out not to concern it."""
        self._schedule.revisit(host, self._loop.time())
        self.wake()

    def crawl_delay(self, host: HostState, delay_s: float) -> None:
        """A host's robots.txt asks for a delay, which a successor of this process is to keep too."""
        if delay_s != host.crawl_delay_s:
            host.crawl_delay(delay_s)
            self._residence.save(host, self._loop.time())

    # -- a grant's way --------------------------------------------------------------------------------------------

    def written(self, grant: Grant) -> None:
        """The request is on the wire: the host's delay runs from now."""
        host = grant.host
        if host is not None:
            now = self._loop.time()
            due = now
            if host.delay_s > 0:
                due = next_due(now + CLOCK_S, host.delay_s, self._jitter, self._random())
            if grant.unwritten:
                grant.unwritten = False
                self._schedule.written(host, due, now)
            else:  # written again on a fresh connection
                host.next_due = max(host.next_due, due)

    def at_address(self, grant: Grant, gate: Gate) -> None:
        """The request goes to this address, and counts there."""
        if grant.address is not gate:
            self._schedule.moved(grant.address, gate, self._loop.time())
            grant.address = gate

    def unused(self, grant: Grant) -> None:
        """Nothing was sent and nothing will be: the host may be asked again at once."""
        self._end(grant, 0.0, self._loop.time())

    def finish(self, grant: Grant, outcome: Outcome, *, unreachable: bool = False, page: bool = True) -> None:
        """The request ended so: judged by the shard's limit, the host's limit, its breaker and its pause.

        `unreachable`: the system said that there is no network. `page`: it was no robots.txt.
        """
        now = self._loop.time()
        host = grant.host
        decided = verdict(outcome)
        self.grants.judge(grant, decided.signal, now, alive=page and is_answer_below_500(outcome))
        if host is not None:
            answered = network_sign(outcome)
            if answered is not None:
                host.silent = not answered
                self._outage.record(
                    answered,
                    host.id,
                    now,
                    host_has_answered=host.answered,
                    sent_at=grant.sent_at,
                    unreachable=unreachable,
                )
            if answered is not False or not self._outage.is_suspected(now):  # an outage of ours is no host's fault
                self._judge_host(host, grant, outcome, decided, now)
            # A connect that failed is no request, but is not to be repeated faster than one.
            due = next_due(now, host.delay_s, self._jitter, self._random()) if grant.unwritten else 0.0
            self._end(grant, due, now)
        else:
            self._end(grant, 0.0, now)

    def _end(self, grant: Grant, due: float, now: float) -> None:
        host = grant.host
        if host is not None:
            host.breaker.release(grant.generation, now)
            if grant.unwritten:
                grant.unwritten = False
                self._schedule.written(host, due, now)
            self._schedule.released(host, grant.address, now)
        self.grants.leave(grant)

    def _judge_host(self, host: HostState, grant: Grant, outcome: Outcome, decided: Verdict, now: float) -> None:
        sent_at = grant.sent_at
        host.limit.on_outcome(decided.signal, sent_at, now, host.in_flight)
        host.breaker.record(grant.generation, decided.breaker, now)
        was_open, host.breaker_open = host.breaker_open, host.breaker.state is not State.CLOSED
        if host.breaker_open and not was_open:
            self._residence.save(host, now)
        if decided.pause:
            self._pause(host, outcome, sent_at, now)
        elif decided.signal is Signal.SUCCESS:
            host.pause.success(sent_at)
        if host.condemned is None:
            self._give_up(host, outcome)

    def pause(self, host: HostState, outcome: Outcome) -> None:
        """Leave a host alone for what another one answered in its place (a redirected robots.txt)."""
        self._pause(host, outcome, inf, self._loop.time())
        if host.condemned is None:
            self._give_up(host, outcome)

    def _pause(self, host: HostState, outcome: Outcome, sent_at: float, now: float) -> None:
        rules = self._pauses
        asked = outcome.retry_after_s or 0.0
        # As for a retry, what a server asks for is a lower bound: "Retry-After: 0", or a date that is over, is no leave
        # to use up all pauses within a moment.
        wait_s = max(rules.default_s, min(asked, rules.max_s) if rules.max_s else asked)
        host.pause.pause(now, wait_s, sent_at)
        self._residence.save(host, now)

    def _give_up(self, host: HostState, outcome: Outcome) -> None:
        """Every run ends: a host that only fails, or only says "later", is asked no more."""
        if outcome.kind is FailureKind.DNS_NOT_FOUND and host.breaker.state is State.OPEN:
            # That a name does not exist is an answer, given several times by now: cooling would not mend it.
            message = f"the name {host.name} does not exist or has no address"
            self.condemn(host, Failure(FailureKind.DNS_NOT_FOUND, message))
        elif host.breaker.exhausted:
            message = f"{host.name} failed too often in a row; its circuit breaker was tried again in vain"
            self.condemn(host, Failure(FailureKind.CIRCUIT_OPEN, message))
        elif host.pause.exhausted(self._pauses.max_pauses):
            pauses = self._pauses.max_pauses
            if host.robots_pending:
                message = (
                    f"the robots.txt of {host.name} could not be had in {pauses} tries (answered {outcome.status})"
                )
                self.condemn(host, Failure(FailureKind.ROBOTS_DISALLOWED, message))
            else:
                message = f"{host.name} answered {outcome.status} again after each of {pauses} pauses"
                self.condemn(host, Failure(FailureKind.RATE_LIMITED, message))

    def condemn(self, host: HostState, failure: Failure) -> None:
        """End all URLs of a host with this failure."""
        self._schedule.condemn(host, failure)
        self._residence.save(host, self._loop.time())
