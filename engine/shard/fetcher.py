"""One URL, from its first grant to a page, an error row, or another try later.

The order of things for each hop: robots.txt, the host's turn, the request, the verdict. A redirect's next hop goes
through the same again, for its own host. A URL that is put back or retried begins at its first hop.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from engine.errors import EngineError
from engine.model.outcome import Failure, FailureKind, Outcome
from engine.model.record import Fetched
from engine.model.url import Target, parse_target, site_of
from engine.observe.faultpoint import crash_point
from engine.policy.retry import RetryRules, retry_delay
from engine.policy.verdict import RetryClass, verdict
from engine.shard.caching import Asked
from engine.shard.headers import authorization, replaced, with_cookies
from engine.shard.requester import WHOLE, Answer, Ask, NotAsked, RequestFailed, redirect_target, status_failure
from engine.shard.robots import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from multidict import CIMultiDictProxy

    from engine.frontier.hoststate import HostState
    from engine.frontier.schedule import Schedule
    from engine.model.task import Task
    from engine.policy.outage import OutageDetector
    from engine.shard.budget import PageLease
    from engine.shard.dispatcher import Dispatcher
    from engine.shard.endings import Endings
    from engine.shard.flight import Flight, Note
    from engine.shard.grants import Grant
    from engine.shard.headers import HeaderRules
    from engine.shard.hops import Hops
    from engine.shard.requester import Headers, Requester
    from engine.shard.robots import RobotsFiles
    from engine.transport.cookies import CookieJars

_LOG: Final = structlog.get_logger("shard.fetcher")

_OK: Final = range(200, 300)
_STRAY_BYTE: Final = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class FetchRules:
    """What the settings say of one URL's attempts. Seconds."""

    shard: int
    max_redirects: int
    retry: RetryRules
    max_retry_after_s: float
    observe: bool = False


class Asking(Protocol):
    """Answers a hop's request by more, or less, than sending it: from the cache, or by probes."""

    async def answer(self, asked: Asked, grant: Grant) -> Answer:
        """The answer; the grant is over in every case."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a fetcher works with, all of it the shard's own.

    `asking` is None where every request is simply sent; `ask_of` how a task's target is asked for, None as a page is.
    `cookies` is None where there are none.
    """

    schedule: Schedule
    dispatcher: Dispatcher
    requester: Requester
    robots: RobotsFiles
    hops: Hops
    headers: HeaderRules
    outage: OutageDetector
    endings: Endings
    flight: Flight
    asking: Asking | None = None
    ask_of: Callable[[Task], Ask] | None = None
    cookies: CookieJars | None = None


@dataclass(slots=True)
class Attempt:
    """One attempt at a URL: where it has got to, and what is known of the latest answer."""

    task: Task
    host: HostState
    lease: PageLease
    note: Note
    target: Target
    charged: bool = False  # a request was made for it
    duration_ms: float = 0.0
    answer: Answer | None = None
    answered_by: Target | None = None
    redirects: list[tuple[str, int]] = field(default_factory=list)

    def arrived(self, count: int) -> None:
        """So many bytes of a body came."""
        self.lease.grow(count)
        self.note.heard_of()

    def fetched(self, shard: int, *, observe: bool = False) -> Fetched:
        """The facts for a row; `observe`: those of validation, too."""
        task, answer = self.task, self.answer
        return Fetched(
            url=task.url,
            fetch_url=task.fetch_url,
            shard=shard,
            final_url=self.answered_by.fetch_url if self.answered_by is not None else None,
            input=task.input,
            status_code=answer.response.status if answer is not None else 0,
            content_type=answer.response.headers.get("Content-Type", "") if answer is not None else "",
            content_length=len(answer.response.body) if answer is not None else 0,
            attempts=task.attempts,
            fetch_duration_ms=self.duration_ms,
            from_cache=answer is not None and answer.kept is not None and answer.kept.from_cache,
            x_robots_tag=_x_robots_tag(answer.response.headers) if answer is not None else "",
            observed=self._observed() if observe else None,
        )

    def _observed(self) -> dict[str, Any]:
        answer, by = self.answer, self.answered_by
        found: dict[str, Any] = {"redirects": [{"url": url, "status": status} for url, status in self.redirects]}
        if answer is not None and by is not None:
            found["method"] = answer.ask.name
            found["headers"] = answer.response.headers
            found["network"] = {"scheme": by.scheme, "host": by.host, "port": by.port, "ip": answer.peer_ip}
        return found


class Fetcher:
    """Runs URLs. `random` gives jitter, uniform in [0, 1)."""

    def __init__(self, parts: Parts, rules: FetchRules, now: Callable[[], float], random: Callable[[], float]) -> None:
        self._parts = parts
        self._rules = rules
        self._now = now
        self._random = random

    async def run(self, task: Task, host: HostState, grant: Grant, lease: PageLease) -> bool:
        """Take a URL as far as it goes; False where it was put back as if it had not been handed out.

        Its grant, and all that it holds, is released in every case.
        """
        parts = self._parts
        target = parse_target(task.fetch_url)
        if isinstance(target, Failure):  # the frontier holds normalised URLs only
            parts.dispatcher.unused(grant)
            raise TypeError(f"the frontier held {target.message}")
        attempt = Attempt(task, host, lease, parts.flight.note(task.key), target)
        attempts_before = task.attempts
        try:
            try:
                failure, outcome = await self._follow(attempt, grant)
            except NotAsked:
                lease.close()
                task.attempts = attempts_before
                parts.schedule.put_back(host, task, self._now())
                return False
            except RequestFailed as failed:
                attempt.duration_ms += failed.duration_ms
                failure, outcome = failed.failure, Outcome(kind=failed.failure.kind)
            except EngineError:
                raise
            except Exception as error:  # noqa: BLE001 - the edge: a fault of ours costs this URL its row, and is loud
                _LOG.exception("internal error", url=task.url)
                message = f"a fault in the engine: {type(error).__name__}: {error}"
                failure = Failure(FailureKind.INTERNAL_ERROR, message)
                outcome = Outcome(kind=failure.kind)
            self._conclude(attempt, failure, outcome)
            return True
        finally:
            attempt.note.close()

    async def _follow(self, attempt: Attempt, grant: Grant) -> tuple[Failure | None, Outcome]:
        """All hops of one attempt; a failure is None where the last answer is a page."""
        first = attempt.target
        seen: set[str] = set()
        for hop in range(self._rules.max_redirects + 1):
            if hop == 0:
                admitted = await self._admit(attempt, grant)
                if isinstance(admitted, Failure):
                    return admitted, Outcome(kind=admitted.kind)
                grant = admitted
            seen.add(attempt.target.fetch_url)
            answer = await self._request(attempt, grant, first)
            if self._parts.cookies is not None and "Set-Cookie" in answer.response.headers:
                seen.clear()  # it may lead back to itself, to see its cookie come: the hops are counted all the same
            location = redirect_target(answer)
            if location is None:
                status = answer.response.status
                return (None if status in _OK else status_failure(status)), answer.outcome
            target = _next_target(location, attempt.target)
            if isinstance(target, Failure):
                return target, Outcome(answer.outcome.status, target.kind)
            attempt.redirects.append((attempt.target.fetch_url, answer.response.status))
            if target.fetch_url in seen:
                looped = Failure(FailureKind.TOO_MANY_REDIRECTS, f"redirects lead back to {target.fetch_url}")
                return looped, Outcome(answer.outcome.status, looped.kind)
            if hop < self._rules.max_redirects:
                attempt.lease.drop_bytes()
                granted = await self._parts.hops.grant(target)
                attempt.target = target
                if isinstance(granted, Failure):
                    return granted, Outcome(kind=granted.kind)
                grant = granted
        many = Failure(FailureKind.TOO_MANY_REDIRECTS, f"more than {self._rules.max_redirects} redirects")
        return many, Outcome(answer.outcome.status, many.kind)

    async def _admit(self, attempt: Attempt, grant: Grant) -> Grant | Failure:
        """May the first hop be asked, and under which grant? This one goes to the robots.txt where that is not there.

        Then the host waits for its turn like any, unless nobody is before it.
        """
        parts, target, host = self._parts, attempt.target, attempt.host
        rules = parts.robots.known(target, host)
        if rules is None:
            failure = parts.robots.failed(target, attempt.task.key)
            if failure is not None:
                parts.dispatcher.unused(grant)
                self._charge(attempt)
                raise RequestFailed(failure, 0.0)
            if parts.robots.loading(target) is not None:
                parts.dispatcher.unused(grant)
                raise NotAsked
            attempts_before = attempt.task.attempts
            self._charge(attempt)
            rules = await parts.robots.load(target, host, grant, attempt.task.key)
            following = parts.dispatcher.at_once(host)
            if following is None:
                raise NotAsked
            grant = following
            attempt.task.attempts, attempt.charged = attempts_before, False
        refused = refusal(rules, target)
        if refused is not None:
            parts.dispatcher.unused(grant)
            return refused
        return grant

    async def _request(self, attempt: Attempt, grant: Grant, first: Target) -> Answer:
        headers = self._headers(attempt, first)
        asking, ask_of = self._parts.asking, self._parts.ask_of
        ask = WHOLE if ask_of is None else ask_of(attempt.task)
        if asking is None or ask.truncate:  # what is cut is not to be kept
            answer = await self._send(attempt, headers, grant, (), ask)
        else:
            send = partial(self._send, attempt, headers)
            answer = await asking.answer(Asked(attempt.target, headers, send, attempt.arrived, ask), grant)
        attempt.answer, attempt.answered_by = answer, attempt.target
        return answer

    async def _send(
        self, attempt: Attempt, headers: Headers, grant: Grant, conditions: Headers, ask: Ask = WHOLE, /
    ) -> Answer:
        self._charge(attempt)
        grant.again = attempt.task.attempts > 1
        answer = await self._parts.requester.send(
            attempt.target, grant, headers, attempt.arrived, conditions=conditions, ask=ask
        )
        crash_point("page_came", attempt.target.fetch_url, signal.SIGSEGV)
        attempt.duration_ms += answer.duration_ms
        jars, target = self._parts.cookies, attempt.target
        if jars is not None and (lines := answer.response.headers.getall("Set-Cookie", ())):
            jars.take(target.fetch_url, site_of(target.host), lines)
        return answer

    @staticmethod
    def _charge(attempt: Attempt) -> None:
        if not attempt.charged:
            attempt.charged = True
            attempt.task.attempts += 1

    def _headers(self, attempt: Attempt, first: Target) -> Headers:
        """Cookies and authorisation go to the site of the URL as given, never to where a redirect leads."""
        target, auth = attempt.target, attempt.task.auth
        own_site = target is first or site_of(target.host) == site_of(first.host)
        own_site = own_site and (target.scheme == "https" or first.scheme == "http")  # nor over an unsafe line
        headers = self._parts.headers.of(target.host, own_site=own_site)
        if auth is not None and target.origin == first.origin:
            headers = replaced(headers, "Authorization", authorization(auth))
        jars = self._parts.cookies
        if jars is not None and (set_before := jars.cookies(target.fetch_url, site_of(target.host))):
            headers = with_cookies(headers, set_before)
        return headers

    # -- the end of an attempt ------------------------------------------------------------------------------------

    def _conclude(self, attempt: Attempt, failure: Failure | None, outcome: Outcome) -> None:
        task, lease = attempt.task, attempt.lease
        fetched = attempt.fetched(self._rules.shard, observe=self._rules.observe)
        if failure is None and attempt.answer is not None:
            self._parts.endings.page(task, fetched, attempt.answer.response.body, lease, attempt.answer.kept)
            return
        lease.close()
        if failure is None:
            raise TypeError("an attempt ended with neither an answer nor a failure")
        retry = verdict(outcome).retry
        if retry is not None and attempt.host.condemned is None and self._try_again(attempt, retry, outcome):
            return
        self._parts.endings.fail(task, fetched, failure)

    def _try_again(self, attempt: Attempt, retry: RetryClass, outcome: Outcome) -> bool:
        """Back to the frontier for another attempt, with no slot held; False where no attempt is left."""
        task, rules = attempt.task, self._rules
        now = self._now()
        made = task.attempts
        if outcome.status == 0 and self._parts.outage.is_suspected(now):
            made = task.attempts = task.attempts - 1  # our own outage is nobody's fault, and charges no attempt
        delay = retry_delay(rules.retry, retry, made, outcome.retry_after_s, rules.max_retry_after_s, self._random())
        if delay is None:
            return False
        self._parts.schedule.retry(attempt.host, task, now + delay, now)
        self._parts.dispatcher.wake()
        return True


def _x_robots_tag(headers: CIMultiDictProxy[str]) -> str:
    return "\n".join(headers.getall("X-Robots-Tag")) if "X-Robots-Tag" in headers else ""


def _next_target(location: str, base: Target) -> Target | Failure:
    """Where a redirect leads; a relative Location is resolved against the request (RFC 9110, section 10.2.2)."""
    if not location.strip():
        return Failure(FailureKind.BAD_REDIRECT, "a redirect without a Location")
    # Bytes that are no UTF-8 stand for themselves, as browsers have it; they came as lone surrogates.
    location = _STRAY_BYTE.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", location)
    target = parse_target(location, base.fetch_url)
    if isinstance(target, Failure):
        return Failure(FailureKind.BAD_REDIRECT, f"a redirect to what cannot be fetched: {target.message}")
    return target
