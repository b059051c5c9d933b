"""Which found URLs belong to a discovery: judged from the URL, the seed that its chain of finds began at, and rules.

The law: a URL is in scope by its own text and its seed's alone. So it does not matter which page named it, nor in which
order pages came, and a shard can judge a link to a site of another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from engine.model.outcome import Failure
from engine.model.url import parse_target, site_of

if TYPE_CHECKING:
    from collections.abc import Sequence

Extent = Literal["site", "host", "path"]


@dataclass(frozen=True, slots=True)
class ScopeRules:
    """`allowed_domains`, where there are any, take the place of `extent`; patterns are searched for in the URL.

    A URL must match one of `include` (if there are any) and none of `exclude`.
    """

    extent: Extent = "site"
    allowed_domains: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class _Seed(NamedTuple):
    host: str
    site: str
    folder: str  # the URL without its scheme, up to the last "/" of its path


class Scope:
    """The rules, compiled."""

    def __init__(self, rules: ScopeRules) -> None:
        self._extent = rules.extent
        self._domains = frozenset(domain.lower().lstrip(".") for domain in rules.allowed_domains)
        self._include = _any_of(rules.include)
        self._exclude = _any_of(rules.exclude)

    def admits(self, url: str, host: str, seed: str) -> bool:
        """Whether normalised `url`, of `host`, is to be followed in a discovery that began at `seed`."""
        return self._is_near(url, host, seed) and self.wants(url)

    def wants(self, url: str) -> bool:
        """Whether the patterns let a URL through."""
        if self._include is not None and not self._include.search(url):
            return False
        return self._exclude is None or not self._exclude.search(url)

    def _is_near(self, url: str, host: str, seed: str) -> bool:
        if self._domains:
            return any(domain in self._domains for domain in _domains_of(host))
        start = _seed(seed)
        if start is None:
            return False
        match self._extent:
            case "site":
                return site_of(host) == start.site
            case "host":
                return host == start.host
            case "path":
                return url.partition("://")[2].startswith(start.folder)


@lru_cache(maxsize=4_096)
def _seed(url: str) -> _Seed | None:
    target = parse_target(url)
    if isinstance(target, Failure):
        return None
    bare = target.fetch_url.partition("?")[0].partition("://")[2]
    return _Seed(target.host, site_of(target.host), bare[: bare.rindex("/") + 1])


@lru_cache(maxsize=16_384)
def _domains_of(host: str) -> tuple[str, ...]:
    """A host's name and all that it lies below: a.b.example, b.example, example."""
    labels = host.rstrip(".").split(".")
    return tuple(".".join(labels[at:]) for at in range(len(labels)))


def _any_of(patterns: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else None
