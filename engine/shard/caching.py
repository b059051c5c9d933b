"""The page cache in a shard (RFC 9111): what has not changed since an earlier run is not fetched nor analysed again.

It stands between a granted hop and its request, after robots.txt. What is fresh uses no request, and its grant is given
back; what is stale is asked about under its conditions, and a 304 yields the earlier row. Each hop is looked up by its
own URL, so what a redirect leads to is found however it is come by. Only pages (2xx) are kept: an error is no saving,
and a redirect is what tells where its page is now.

A row's fields are kept with the settings and versions that they depend on; under others the body alone is used, which
goes to the pool as if it had just come. What belongs to this run (THIS_RUN) is never taken from an earlier one. Nor is
anything at all that came from elsewhere than this run would ask: a run that leads hosts to a test machine, or believes
any certificate, has a web of its own (:func:`web_of`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from engine import __version__
from engine.model.outcome import Failure, Outcome
from engine.model.record import SCHEMA_VERSION, base_row
from engine.nlp.available import pipeline_version
from engine.policy.freshness import assess, cacheable_request, storable, to_store, updated, with_age
from engine.policy.outage import network_sign
from engine.policy.page_directives import holds_for_a_time
from engine.settings import fingerprint
from engine.shard.requester import WHOLE, Answer, Ask, RequestFailed
from engine.transport.base import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.record import Fetched, Row
    from engine.model.url import Target
    from engine.policy.freshness import Assessment, Fields
    from engine.settings import Settings
    from engine.shard.grants import Grant
    from engine.shard.hops import Hops
    from engine.shard.requester import Headers, Requester
    from engine.transport.cache import Found, PageCache

#: The row's fields that are always this run's.
THIS_RUN: Final = frozenset({
    "url", "url_hash", "fetch_url", "final_url", "input", "attempts", "shard", "from_cache", "fetch_duration_ms",
    "process_duration_ms", "enriched_at", "duplicate_of",
})  # fmt: skip

_OK: Final = range(200, 300)
_NOT_MODIFIED: Final = 304
#: An answer that says so is no word on the page, and the earlier one is not forgotten for it.
_NOT_NOW: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500
#: Where a stale answer may serve, if the server allowed it (RFC 5861, section 4).
_FAILS: Final = frozenset({500, 502, 503, 504})


#: Settings that a row's fields depend on: of enrichment, and of discovery.
_OF_ROWS: Final = ("extract.", "nlp.", "run.stage", "discovery.")


class Send(Protocol):
    """Sends the request of a hop under a grant, with conditions beside its headers; see Requester.send."""

    async def __call__(self, grant: Grant, conditions: Headers, ask: Ask = WHOLE, /) -> Answer:
        """Send it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A hop's request; `on_bytes` is told of a body that comes from the cache, as of one that comes from its server."""

    target: Target
    headers: Headers
    send: Send
    on_bytes: Callable[[int], None]
    ask: Ask = WHOLE


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer's entry in the cache. `row_fields` are the earlier row's, None where there are none to be used.

    `from_cache`: the page was not fetched now. `keep` takes the row that was made of it.
    """

    keep: Callable[[bytes], None]
    from_cache: bool = False
    row_fields: Row | None = None

    def row(self, fetched: Fetched, enriched_at: str) -> Row:
        """The earlier row as this run's."""
        row = base_row(fetched, enriched_at)
        row.update(self.row_fields or {})
        return row


class Caching:
    """Answers requests from `cache` where that is allowed, and fills it. `wall` is the time of day in seconds."""

    def __init__(  # noqa: PLR0913 - keyword-only but for the parts
        self,
        cache: PageCache,
        requester: Requester,
        hops: Hops,
        *,
        made_under: str,
        web: str = "",
        max_body_bytes: int,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._cache = cache
        self._requester = requester
        self._hops = hops
        self._made_under = made_under
        self._web = web
        self._max_body_bytes = max_body_bytes
        self._wall = wall
        self.flush = cache.flush

    async def answer(self, asked: Asked, grant: Grant) -> Answer:
        """The answer to a hop's request, from the cache or from its server; raises what `asked.send` does.

        The grant is over in every case.
        """
        if not cacheable_request(asked.headers):
            return await asked.send(grant, (), asked.ask)
        found = self._cache.lookup(self._key(asked), asked.headers, self._made_under)
        if found is None or 0 < self._most_of(asked.ask) < found.body_bytes:
            return self._received(asked, await asked.send(grant, (), asked.ask), None)
        now = self._wall()
        judged = assess(found.stored, asked.headers, now)
        if not judged.fresh:
            return await self._ask_about(found, judged, asked, grant)
        reused = self._reuse(replace(found, stored=with_age(found.stored, judged.age_s)), found.row_fields, asked)
        if reused is None:  # its body has gone meanwhile
            return self._received(asked, await asked.send(grant, (), asked.ask), found)
        self._requester.unused(grant)
        return reused

    async def _ask_about(self, found: Found, judged: Assessment, asked: Asked, grant: Grant) -> Answer:
        """A stale answer: ask its server whether it still holds."""
        try:
            answer = await asked.send(grant, judged.conditions, asked.ask)
        except RequestFailed as failed:
            reused = self._instead(judged, found, Outcome(kind=failed.failure.kind), asked)
            if reused is None:
                raise
            return reused
        if answer.response.status != _NOT_MODIFIED or not judged.conditions:
            return self._instead(judged, found, answer.outcome, asked) or self._received(asked, answer, found)
        reused = self._unchanged(found, answer, asked)
        if reused is None:
            again = await self._hops.grant(asked.target)
            if isinstance(again, Failure):
                raise RequestFailed(again, 0.0)
            reused = self._received(asked, await asked.send(again, (), asked.ask), found)
        return reused

    def _received(self, asked: Asked, answer: Answer, found: Found | None) -> Answer:
        """A whole answer came: kept where it may be; what was kept before goes where it is no longer true."""
        url, headers, response = self._key(asked), asked.headers, answer.response
        status = response.status
        sent_at, came_at = self._times(answer)
        stored = to_store(status, headers, _fields(response), sent_at, came_at) if status in _OK else None
        if stored is not None:
            entry = self._cache.store(url, headers, stored, response.body)
            return answer._replace(kept=Kept(self._keeper(entry)))
        if found is not None and status < _SERVER_ERROR and status not in _NOT_NOW:
            self._cache.forget(url)
        return answer

    def _unchanged(self, found: Found, answer: Answer, asked: Asked) -> Answer | None:
        """A 304 came. None where it is about another answer than ours, or the body has gone: to be fetched anew."""
        url, headers, before = self._key(asked), asked.headers, found.stored
        new = updated(before, _fields(answer.response), *self._times(answer))
        if new is None:
            return None
        # What the page may be used for is in the row, and may change while the page does not.
        same = _robots_tags(before.fields) == _robots_tags(new.fields)
        reused = self._reuse(replace(found, stored=new), found.row_fields if same else None, asked)
        if reused is None:
            return None
        if storable(new.status, headers, new.fields):
            self._cache.refresh(url, headers, found, new)
        else:
            self._cache.forget(url)
        return reused

    def _instead(self, judged: Assessment, found: Found, outcome: Outcome, asked: Asked) -> Answer | None:
        """The stale answer where the server failed, and had allowed it to be used then."""
        failed = outcome.status in _FAILS or (not outcome.status and network_sign(outcome) is not None)
        return self._reuse(found, found.row_fields, asked) if judged.usable_on_error and failed else None

    def _reuse(self, found: Found, row_fields: bytes | None, asked: Asked) -> Answer | None:
        """A kept answer as if it had come now, with its row or its body; None where the body has gone."""
        fields, body = _loaded(row_fields), b""
        if fields is None:
            kept_body = self._cache.body(found)
            if kept_body is None:
                return None
            body = kept_body
            asked.on_bytes(len(body))
        stored = found.stored
        response = Response(stored.status, CIMultiDictProxy(CIMultiDict(stored.fields)), body)
        kept = Kept(self._keeper(found.entry), from_cache=True, row_fields=fields)
        return Answer(response, Outcome(stored.status), 0.0, kept)

    def _key(self, asked: Asked) -> str:
        return self._web + asked.target.fetch_url

    def _keeper(self, entry: int) -> Callable[[bytes], None]:
        def keep(line: bytes) -> None:
            fields = {name: value for name, value in orjson.loads(line).items() if name not in THIS_RUN}
            if holds_for_a_time(fields.get("metadata", {}).get("robots", ())):  # an outline has no metadata
                return  # another day the same page may be used for less
            self._cache.store_row_fields(entry, self._made_under, orjson.dumps(fields))

        return keep

    def _most_of(self, ask: Ask) -> int:
        return self._max_body_bytes if ask.max_body_bytes is None else ask.max_body_bytes

    def _times(self, answer: Answer) -> tuple[float, float]:
        """When the request was sent and its answer had come; connecting counts as sending, which errs to being old."""
        now = self._wall()
        return now - answer.duration_ms / 1000, now


def made_under(settings: Settings) -> str:
    """A hash of all that a row's fields depend on beside the page itself."""
    facts: dict[str, Any] = {key: value for key, value in fingerprint(settings).items() if key.startswith(_OF_ROWS)}
    facts["politeness.obey_page_directives"] = settings.politeness.obey_page_directives
    facts["fetch.user_agent"] = settings.fetch.user_agent  # whose directives count
    facts["versions"] = [__version__, SCHEMA_VERSION, pipeline_version(settings.nlp.pipeline)]
    return sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def web_of(settings: Settings) -> str:
    """What stands before a URL in the key of a run that does not ask the web's own servers, or any that says so."""
    fetch = settings.fetch
    facts = (sorted(fetch.connect_to), fetch.verify_tls)
    return "" if facts == ([], True) else f"{sha256(orjson.dumps(facts)).hexdigest()} "


def _fields(response: Response) -> Fields:
    return tuple(response.headers.items())


def _robots_tags(fields: Fields) -> list[str]:
    return [value for name, value in fields if name.lower() == "x-robots-tag"]


def _loaded(row_fields: bytes | None) -> Row | None:
    if row_fields is None:
        return None
    try:
        found = orjson.loads(row_fields)
    except orjson.JSONDecodeError:  # as whatever else a cache no longer has
        return None
    return found if isinstance(found, dict) else None
