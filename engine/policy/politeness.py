"""How long a host is left alone between two requests, and which rules a site has.

The law: the gap runs from the moment one request is written to the socket to the next one's writing, for all requests
to the host; jitter only adds to it. A host that says "not now" (429, 503) is left alone as a whole, and however many
requests were in flight then, that is one pause.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Generic, TypeVar

import ada_url

if TYPE_CHECKING:
    from collections.abc import Iterable

Rule = TypeVar("Rule")


def effective_delay(delay_s: float, crawl_delay_s: float | None, max_crawl_delay_s: float) -> float:
    """Choose the gap in seconds: our own, or the host's Crawl-delay where that is longer.

    A Crawl-delay counts up to `max_crawl_delay_s` (0: without bound); our own delay is never shortened.
    """
    if crawl_delay_s is None:
        return delay_s
    return max(delay_s, min(crawl_delay_s, max_crawl_delay_s) if max_crawl_delay_s > 0 else crawl_delay_s)


def next_due(written_at: float, delay_s: float, jitter: float, u: float) -> float:
    """When the host may be asked again, after a request that was written at `written_at`."""
    return written_at + delay_s * (1.0 + jitter * u)


def share(n: int, shards: int) -> int:
    """One shard's part of a limit of the whole run: at least 1, and 0 (no limit) of 0."""
    return max(1, n // shards) if n > 0 else 0


class Pause:
    """The pauses of one host: nothing is sent before `until`; `count` is how many there were since the last success."""

    __slots__ = ("_began", "count", "until")

    def __init__(self) -> None:
        self._began = -inf
        self.count = 0
        self.until = -inf

    def pause(self, now: float, for_s: float, sent_at: float = inf) -> None:
        """Leave the host alone for `for_s` from now, at least.

        The answer to a request sent before this pause began (`sent_at`), or that comes within it, belongs to it: it may
        make the pause longer, but counts for nothing.
        """
        if now >= self.until and sent_at >= self._began:
            self.count += 1
            self._began = now
        self.until = max(self.until, now + for_s)

    def exhausted(self, max_pauses: int) -> bool:
        """Whether there were so many pauses with no success between that the host's URLs are given up (0: never)."""
        return 0 < max_pauses <= self.count

    def success(self, sent_at: float = inf) -> None:
        """Note that the host gave what it was asked for; of a request sent before the pause began that says nothing."""
        if sent_at >= self._began:
            self.count = 0

    def snapshot(self, now: float) -> tuple[int, float]:
        """Say what to store: (count, seconds left)."""
        return (self.count, max(0.0, self.until - now))

    @classmethod
    def restore(cls, snapshot: tuple[int, float], now: float) -> Pause:
        """Make the pauses that another process stored."""
        pause = cls()
        pause.count, left_s = snapshot
        if left_s > 0:
            pause._began, pause.until = now, now + left_s
        return pause


class SiteRules(Generic[Rule]):
    """The `sites:` settings, compiled: which rule a host has.

    `rules` are pairs of a match and its rule. A match is a host name, or `*.suffix` for the suffix itself and every
    host below it, or `*` for all. The most specific one wins: the exact name, then the longest suffix; of two equal
    matches the later one. Rules are not merged. Names may be given in any case and in Unicode.
    """

    __slots__ = ("_exact", "_suffixes")

    def __init__(self, rules: Iterable[tuple[str, Rule]]) -> None:
        self._exact: dict[str, Rule] = {}
        self._suffixes: dict[str, Rule] = {}
        for match, rule in rules:
            name = _normalised(match)
            if name == "*":
                self._suffixes[""] = rule
            elif name.startswith("*."):
                self._suffixes[name[2:]] = rule
            else:
                self._exact[name] = rule

    def lookup(self, host: str) -> Rule | None:
        """Find the rule of a normalised host name (lower case, punycode, no port); one dictionary look-up a label."""
        if not self._suffixes and not self._exact:
            return None
        name = host.rstrip(".")
        rule = self._exact.get(name)
        if rule is not None or not self._suffixes:
            return rule
        suffix = name
        while suffix:
            rule = self._suffixes.get(suffix)
            if rule is not None:
                return rule
            suffix = suffix.partition(".")[2]
        return self._suffixes.get("")


def _normalised(match: str) -> str:
    name = match.strip().rstrip(".").lower()
    return name if name.isascii() else ada_url.idna_to_ascii(name).decode("ascii")
