"""The commonest failures out of any number of them, in bounded memory.

Failures are counted by (kind, site) with the algorithm of Misra and Gries (Finding repeated elements, 1982): at most
`capacity` counters; when another is needed, all are lowered together until one is free. So a count is never too high,
and too low by at most failures / (capacity + 1); whatever is commoner than that is among the groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from engine.model.outcome import Failure
from engine.model.url import parse_target, site_of
from engine.observe.report import FailureGroup

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Sites times kinds that are told apart: some 300 KB.
CAPACITY: Final = 1000

#: What is kept of an example's URL and sentence; more is never shown.
_MAX_CHARS: Final = 500


class Failures(NamedTuple):
    """Failure groups, commonest first. `exact`: the counts are right; else they are lower bounds."""

    groups: list[FailureGroup]
    exact: bool
    by_kind: dict[str, int]


@dataclass(slots=True)
class _Counter:
    count: int
    url: str
    error: str


class Tally:
    """Counts failures as they come; :meth:`result` tells what was commonest."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._counters: dict[tuple[str, str], _Counter] = {}
        self._by_kind: dict[str, int] = {}
        self._examples: dict[str, tuple[str, str]] = {}
        self._exact = True

    def add(self, kind: str, site: str, url: str, error: str = "", count: int = 1) -> None:
        """Count so many failures of a kind at a site ("" where a line was no URL); `url` and `error` are an example."""
        url, error = url[:_MAX_CHARS], error[:_MAX_CHARS]
        self._by_kind[kind] = self._by_kind.get(kind, 0) + count
        self._examples.setdefault(kind, (url, error))
        counters = self._counters
        counter = counters.get((kind, site))
        if counter is not None:
            counter.count += count
            return
        while count and len(counters) >= self._capacity:
            # As many steps as counts they take away: constant time a failure in the long run.
            self._exact = False
            least = min(count, *(other.count for other in counters.values()))
            count -= least
            for key in list(counters):
                counters[key].count -= least
                if not counters[key].count:
                    del counters[key]
        if count:
            counters[kind, site] = _Counter(count, url, error)

    def result(self) -> Failures:
        """Each kind has a group: one without a site, should its failures lie too thin for any site to be common."""
        groups = [FailureGroup(*key, one.count, one.url, one.error) for key, one in self._counters.items()]
        thin = self._examples.keys() - {group.kind for group in groups}
        groups += [FailureGroup(kind, "", 1, *self._examples[kind]) for kind in sorted(thin)]
        return Failures(sorted(groups, key=lambda group: -group.count), self._exact, self._by_kind)


def collect(lines: Iterable[bytes], capacity: int = CAPACITY) -> Failures:
    """Count error rows (lines of failures.jsonl, as :func:`engine.output.codec.open_lines` gives them).

    Rows without an error are passed over. Raises orjson.JSONDecodeError on a line that is no row.
    """
    tally = Tally(capacity)
    for line in lines:
        row = orjson.loads(line)
        if row["error_kind"] is not None:
            tally.add(row["error_kind"], _site(row["fetch_url"]), row["url"], row["error"] or "")
    return tally.result()


def _site(fetch_url: str) -> str:
    target = parse_target(fetch_url)
    return "" if isinstance(target, Failure) else site_of(target.host)
