"""The rows of discovery, and which of a page's links are followed.

The pool says what a page is and names (:mod:`engine.nlp.outline`), the same for everybody who asks; what follows from
it for this run is decided here, in the shard that owns the page's site: scope, depth, traps that only many pages
together show. A page that another one stands for (by its canonical link, or where it redirects to) names that one and
nothing else; so a page that is found under many names is asked for under each, and followed under one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import orjson

from engine.frontier.likeness import Likeness
from engine.model.finding import Finding, Role, Source, finding_of
from engine.model.outcome import Failure, FailureKind
from engine.model.stage_rows import discovery_row
from engine.model.url import parse_target, site_of
from engine.policy.page_directives import page_directives
from engine.policy.placement import shard_of
from engine.policy.robots import parse as parse_robots
from engine.policy.sameness import MIN_WORDS, Shapes
from engine.policy.scope import Scope, ScopeRules
from engine.policy.traps import shape, trap
from engine.shard.requester import WHOLE, Ask
from engine.shard.rows import Made, as_line, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.frontier.robots import RobotsTable
    from engine.frontier.store import Store
    from engine.model.record import Fetched
    from engine.model.task import Task
    from engine.settings import DiscoverySettings
    from engine.shard.caching import Kept
    from engine.shard.rows import Find

#: Origins whose robots.txt was looked into for sitemaps a moment ago.
_REMEMBERED_ORIGINS: Final = 10_000

#: Read at most of what is no document that names others: its media type is known by then.
_FILE_BYTES: Final = 64 * 1024

_OK: Final = range(200, 300)
_FOLLOW_NOTHING: Final = frozenset({"nofollow", "none"})
_MS: Final = 1000


class DiscoveryRows:
    """Stage 1 of one shard. `token` is our name in robots.txt and page directives; `wall` the time of day."""

    def __init__(  # noqa: PLR0913 - keyword-only but for the settings
        self,
        settings: DiscoverySettings,
        *,
        store: Store,
        table: RobotsTable,
        shards: int,
        token: str,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._scope = Scope(ScopeRules(settings.scope, settings.allowed_domains, settings.include, settings.exclude))
        self._table = table
        self._likeness = Likeness(store)
        self._shapes = Shapes()
        self._shards = shards
        self._token = token
        self._wall = wall
        self._origins: dict[str, None] = {}
        self._document = Ask(max_body_bytes=settings.max_sitemap_bytes)
        self._file = Ask(max_body_bytes=_FILE_BYTES, truncate=True)

    def ask_of(self, task: Task) -> Ask:
        """How a task's target is asked for: sitemaps may be larger than pages, and of files the type is enough."""
        match _finding(task).expected:
            case Role.SITEMAP | Role.FEED:
                return self._document
            case Role.FILE:
                return self._file
            case _:
                return WHOLE

    # -- rows -----------------------------------------------------------------------------------------------------

    def bare(self, task: Task, fetched: Fetched) -> Made:
        """See StageRows."""
        return self._conclude(task, fetched, {"role": _finding(task).expected}, None)

    def made(self, task: Task, fetched: Fetched, line: bytes, kind: FailureKind | None) -> Made:
        """See StageRows."""
        outline = orjson.loads(line)
        return self._conclude(task, fetched, outline, None if kind is None else Failure(kind, outline["failure"]))

    def kept(self, task: Task, fetched: Fetched, kept: Kept) -> Made:
        """See StageRows."""
        return self._conclude(task, fetched, dict(kept.row_fields or {}), None)

    def failed(self, task: Task, fetched: Fetched, failure: Failure) -> Made:
        """See StageRows."""
        return self._conclude(task, fetched, {}, failure)

    def _conclude(self, task: Task, fetched: Fetched, outline: dict[str, Any], failure: Failure | None) -> Made:
        finding = _finding(task)
        metadata: dict[str, Any] = {
            "role": outline.get("role", finding.expected),
            "status_code": fetched.status_code,
            "content_type": outline.get("media_type") or fetched.media_type,
        }
        if fetched.final_url not in {None, fetched.fetch_url}:
            metadata["final_url"] = fetched.final_url
        metadata |= {key: outline[key] for key in ("title", "damaged", "profile", "no_profile") if outline.get(key)}
        said = page_directives(fetched.x_robots_tag.splitlines(), outline.get("meta", {}), self._token)
        if said:
            metadata["robots"] = said
        if finding.note:
            metadata["note"] = finding.note
        finds = list(self._sitemaps(task, finding))
        if failure is None:
            finds += self._follow(fetched, finding, outline, metadata, said)
        first_seen = finding.first_seen / _MS if finding.first_seen else self._wall()
        row = discovery_row(fetched, finding, rfc3339(first_seen), metadata, failure)
        return Made(as_line(row), failure.kind if failure is not None else None, finds)

    # -- finds ----------------------------------------------------------------------------------------------------

    def _follow(
        self, fetched: Fetched, finding: Finding, outline: dict[str, Any], metadata: dict[str, Any], said: Iterable[str]
    ) -> list[Find]:
        """The finds of a page, sitemap or feed; `metadata` is told what the page turned out to be."""
        true_name = self._true_name(fetched, finding, outline)
        if true_name is not None:
            url, source = true_name
            metadata["duplicate_of"] = url
            if source is Source.CANONICAL:
                metadata["canonical_url"] = url
            return self._finds([[url, finding.expected, source, None]], fetched, finding, depth=finding.depth)
        here = shape(fetched.fetch_url)
        if outline.get("simhash") and (outline.get("words", 0) >= MIN_WORDS or "profile" in outline):
            target = parse_target(fetched.fetch_url)
            host = "" if isinstance(target, Failure) else target.host
            like = self._likeness.place(fetched.fetch_url, host, outline["simhash"])
            self._shapes.note(here, duplicate=like is not None)
            if like is not None:
                metadata["duplicate_of" if like[1] else "similar_to"] = like[0]
        links = outline.get("links", [])
        metadata["links_found"] = len(links)
        if not _FOLLOW_NOTHING.isdisjoint(said) or finding.depth >= self._settings.max_depth:
            return []
        finds = self._finds(links, fetched, finding, depth=finding.depth + 1)
        metadata["links_followed"] = len(finds)
        return finds

    def _true_name(self, fetched: Fetched, finding: Finding, outline: dict[str, Any]) -> tuple[str, Source] | None:
        """The URL that stands for this one, if it is another one in scope."""
        for url, source in ((outline.get("canonical"), Source.CANONICAL), (fetched.final_url, Source.REDIRECT)):
            if not url or url == fetched.fetch_url or (url == finding.source_url and finding.source is source):
                continue  # two pages that each say that the other is meant: both are
            target = parse_target(url)
            known = isinstance(target, Failure) or self._is_trap(target.fetch_url)
            if not known and self._scope.admits(target.fetch_url, target.host, finding.seed):  # type: ignore[union-attr]
                return url, source
        return None

    def _finds(self, links: Iterable[list[Any]], fetched: Fetched, finding: Finding, *, depth: int) -> list[Find]:
        """Those of [url, expected role, source, note] that are to be followed."""
        seen_at = int(self._wall() * _MS)
        wanted = {Role.SITEMAP: self._settings.sitemaps, Role.FEED: self._settings.feeds}
        found: list[Find] = []
        for url, expected, source, note in links:
            if not wanted.get(expected, True) or url == fetched.fetch_url:
                continue
            target = parse_target(url)
            if isinstance(target, Failure) or not self._scope.admits(url, target.host, finding.seed):
                continue
            if self._shapes.closed(shape(url)):
                continue
            one = Finding(depth, source, expected, fetched.fetch_url, finding.seed, seen_at, note)
            found.append(self._find(url, target.host, one))
        return found

    def _find(self, url: str, host: str, finding: Finding) -> Find:
        """An entry: what is nearer to its seed is asked first. Its position is given where it is inserted."""
        columns = orjson.dumps(list(finding)).decode()
        return shard_of(site_of(host), self._shards), [0, -finding.depth, url, None, host, None, columns]

    def _sitemaps(self, task: Task, finding: Finding) -> Iterable[Find]:
        """The sitemaps of a URL's origin, when its first page has ended, however it did."""
        target = parse_target(task.fetch_url)
        if isinstance(target, Failure) or not self._settings.sitemaps or target.origin in self._origins:
            return
        self._origins[target.origin] = None
        if len(self._origins) > _REMEMBERED_ORIGINS:
            del self._origins[next(iter(self._origins))]
        robots, seen_at = self._table.get(target.origin), int(self._wall() * _MS)
        named = parse_robots(robots.body, self._token).sitemaps if robots is not None and robots.status in _OK else ()
        source = Source.ROBOTS if named else Source.SITEMAP
        for url in named or (f"{target.origin}/sitemap.xml",):
            where = parse_target(url)
            if isinstance(where, Failure):
                continue
            one = Finding(finding.depth, source, Role.SITEMAP, f"{target.origin}/robots.txt", finding.seed, seen_at)
            yield self._find(where.fetch_url, where.host, one)

    def _is_trap(self, url: str) -> bool:
        return trap(url, time.gmtime(self._wall()).tm_year) is not None or self._shapes.closed(shape(url))


def _finding(task: Task) -> Finding:
    """How a task was found; a seed's is made up. `first_seen` 0: now."""
    found = finding_of(orjson.loads(task.input)) if task.input else None
    return found or Finding(0, Source.SEED, Role.PAGE, task.url, task.fetch_url, 0)
