"""robots.txt in a shard (RFC 9309): fetched once an origin, kept with the frontier for a day, asked first.

A file that answers 4xx allows everything; one that answers 5xx or 429 makes its host pause, so that its URLs wait and
the file is asked for again; one that cannot be reached fails its URLs as their own request would have. Such a failure
is remembered for a moment: it concerns all URLs that wait, each once, and only who has been told of it asks anew. So a
dead host is asked a few times, and not once for each of its URLs.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.frontier.robots import RobotsRow
from engine.model.outcome import Failure, FailureKind
from engine.model.url import Target, parse_target
from engine.policy.politeness import effective_delay
from engine.policy.robots import ALLOW_ALL, Robots, parse
from engine.shard.requester import NotAsked, RequestFailed, path_of, redirect_target

if TYPE_CHECKING:
    from engine.frontier.hoststate import HostState
    from engine.frontier.robots import RobotsTable
    from engine.model.task import TaskKey
    from engine.shard.dispatcher import Dispatcher
    from engine.shard.grants import Grant
    from engine.shard.hops import Hops
    from engine.shard.requester import Headers, Requester

#: RFC 9309, section 2.4: a cached file is not to be used for more than a day.
MAX_AGE_S: Final = 86_400.0

#: RFC 9309, section 2.3.1.2: at least five redirects are followed; beyond them the file counts as unavailable.
MAX_REDIRECTS: Final = 5

#: Parsed files in memory, bytes; what was used longest ago is read again from disk when it is needed.
MAX_IN_MEMORY_BYTES: Final = 32 << 20

#: How long a file that could not be reached answers for further URLs of its origin.
FAILURE_S: Final = 10.0

_OK: Final = range(200, 300)
_UNAVAILABLE: Final = range(300, 500)
_TOO_MANY_REQUESTS: Final = 429


@dataclass(slots=True)
class _Unreachable:
    """Why an origin's file could not be had, since when, and which URLs that was said of."""

    failure: Failure
    at: float
    told: set[TaskKey] = field(default_factory=set)


class RobotsFiles:
    """The robots.txt of every origin of the shard. `token` is our product token."""

    def __init__(  # noqa: PLR0913 - keyword-only but for the four parts
        self,
        table: RobotsTable,
        requester: Requester,
        dispatcher: Dispatcher,
        hops: Hops,
        *,
        token: str,
        headers: Headers,
        max_crawl_delay_s: float,
        obey: bool,
    ) -> None:
        self._table = table
        self._requester = requester
        self._dispatcher = dispatcher
        self._hops = hops
        self._token = token
        self._headers = headers
        self._max_crawl_delay_s = max_crawl_delay_s
        self._obey = obey
        self._parsed: OrderedDict[str, tuple[Robots, float]] = OrderedDict()  # origin -> (rules, kept until)
        self._parsed_bytes = 0
        self._loading: dict[str, asyncio.Future[None]] = {}
        self._unreachable: dict[str, _Unreachable] = {}  # by origin, the oldest first
        self._now = asyncio.get_running_loop().time

    def known(self, target: Target, host: HostState) -> Robots | None:
        """The rules of a URL's origin, None where they must first be fetched (:meth:`load`)."""
        if not self._obey:
            return ALLOW_ALL
        origin = target.origin
        found = self._parsed.get(origin)
        if found is not None and found[1] > self._now():
            self._parsed.move_to_end(origin)
            return self._slowed(host, found[0])
        row = self._table.get(origin)
        if row is None or (age := time.time() - row.fetched_at) >= MAX_AGE_S:
            return None
        return self._remember(origin, row, host, MAX_AGE_S - max(0.0, age))

    def loading(self, target: Target) -> asyncio.Future[None] | None:
        """The fetch of a URL's robots.txt that is under way."""
        return self._loading.get(target.origin)

    def failed(self, target: Target, asking: TaskKey) -> Failure | None:
        """Why the file of a URL's origin could not be had a moment ago; None for who was told already, and may ask."""
        found = self._unreachable.get(target.origin)
        if found is None or found.at + FAILURE_S <= self._now() or asking in found.told:
            return None
        found.told.add(asking)
        return found.failure

    def failed_since(self, target: Target, began: float) -> Failure | None:
        """Why the file could not be had, for who has waited since `began`."""
        found = self._unreachable.get(target.origin)
        return found.failure if found is not None and found.at >= began else None

    async def load(self, target: Target, host: HostState, grant: Grant, asking: TaskKey | None = None) -> Robots:
        """Fetch the robots.txt of a URL's origin, its first request under `grant`; :meth:`known` has it from then on.

        Raises RequestFailed where it cannot be reached, NotAsked where it is to be tried again when the host is due.
        """
        origin = target.origin
        done = self._loading[origin] = asyncio.get_running_loop().create_future()
        host.robots_pending += 1
        try:
            row = await self._fetch(target, host, grant)
            self._table.keep(origin, row)
            return self._remember(origin, row, host, MAX_AGE_S)
        except RequestFailed as failed:
            self._note_failure(origin, failed.failure, asking)
            raise
        finally:
            host.robots_pending -= 1
            del self._loading[origin]
            done.set_result(None)
            self._dispatcher.revisit(host)  # its tasks have waited, whatever came of it

    async def _fetch(self, target: Target, host: HostState, grant: Grant) -> RobotsRow:
        file = f"{target.origin}/robots.txt"
        url: Target | Failure = Target(file, file, target.scheme, target.host, target.port)
        for redirects in range(MAX_REDIRECTS + 1):
            if isinstance(url, Failure):  # a redirect to what is no URL of ours
                break
            answer = await self._requester.send(url, grant, self._headers, _ignore, robots=True)
            status = answer.response.status
            if status == _TOO_MANY_REQUESTS or status not in range(200, 500):
                # The host that answered pauses already; the one whose file it is waits with it.
                self._dispatcher.pause(host, answer.outcome)
                raise NotAsked
            if status in _OK:
                return RobotsRow(time.time(), status, answer.response.body)
            location = redirect_target(answer)
            if location is None:
                return RobotsRow(time.time(), status, b"")
            if redirects == MAX_REDIRECTS:
                break
            url = parse_target(location, url.fetch_url)
            if isinstance(url, Target):
                hop = await self._hops.grant(url, check_robots=False)
                if isinstance(hop, Failure):  # unreachable is not unavailable (2.3.1.4): it allows nothing
                    raise RequestFailed(hop, 0.0)
                grant = hop
        return RobotsRow(time.time(), _UNAVAILABLE.start, b"")

    def _remember(self, origin: str, row: RobotsRow, host: HostState, for_s: float) -> Robots:
        rules = parse(row.body, self._token) if row.status in _OK else ALLOW_ALL
        if (old := self._parsed.pop(origin, None)) is not None:
            self._parsed_bytes -= old[0].size_bytes
        self._parsed[origin] = (rules, self._now() + for_s)
        self._parsed_bytes += rules.size_bytes
        while self._parsed_bytes > MAX_IN_MEMORY_BYTES and len(self._parsed) > 1:
            _, (dropped, _) = self._parsed.popitem(last=False)
            self._parsed_bytes -= dropped.size_bytes
        return self._slowed(host, rules)

    def _note_failure(self, origin: str, failure: Failure, asking: TaskKey | None) -> None:
        now, noted = self._now(), self._unreachable
        noted.pop(origin, None)
        while noted and next(iter(noted.values())).at + FAILURE_S <= now:
            del noted[next(iter(noted))]
        if failure.kind is not FailureKind.INTERNAL_ERROR:  # that says nothing about the origin
            noted[origin] = _Unreachable(failure, now, set() if asking is None else {asking})

    def _slowed(self, host: HostState, rules: Robots) -> Robots:
        """Keep a host to its Crawl-delay, also one that has left memory since the file was read."""
        if rules.crawl_delay_s is not None:
            self._dispatcher.crawl_delay(host, effective_delay(0.0, rules.crawl_delay_s, self._max_crawl_delay_s))
        return rules


def refusal(rules: Robots, target: Target) -> Failure | None:
    """Why a URL may not be fetched, None if it may. The robots.txt itself always may (RFC 9309, section 2.2.2)."""
    path = path_of(target)
    if path == "/robots.txt" or rules.allows(path):
        return None
    return Failure(FailureKind.ROBOTS_DISALLOWED, f"{target.origin}/robots.txt disallows it")


def _ignore(_: int) -> None:
    """A robots.txt is small and short-lived: not counted against the pages' budget."""
