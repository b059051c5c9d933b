"""The commonest failures out of any number of error rows, in bounded memory.

Failures are counted by (kind, site) with the algorithm of Misra and Gries (Finding repeated elements, 1982): at most
`capacity` counters; when another is needed, all are lowered by one and those at zero dropped. So a count is never too
high, and too low by at most rows / (capacity + 1); whatever is commoner than that is among the groups.
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


def collect(lines: Iterable[bytes], capacity: int = CAPACITY) -> Failures:
    """Count error rows (lines of failures.jsonl, as :func:`engine.output.codec.open_lines` gives them).

    Rows without an error are passed over. `by_kind` is exact; each of its kinds has a group: one without a site, should
    its failures lie too thin for any site to be common. Raises orjson.JSONDecodeError on a line that is no row.
    """
    counters: dict[tuple[str, str], _Counter] = {}
    by_kind: dict[str, int] = {}
    examples: dict[str, tuple[str, str]] = {}
    exact = True
    for line in lines:
        row = orjson.loads(line)
        kind = row["error_kind"]
        if kind is None:
            continue
        by_kind[kind] = by_kind.get(kind, 0) + 1
        url, error = row["url"][:_MAX_CHARS], (row["error"] or "")[:_MAX_CHARS]
        examples.setdefault(kind, (url, error))
        key = (kind, _site(row["fetch_url"]))
        counter = counters.get(key)
        if counter is not None:
            counter.count += 1
        elif len(counters) < capacity:
            counters[key] = _Counter(1, url, error)
        else:
            # As many steps as counts they take away: constant time a row in the long run.
            exact = False
            for other in list(counters):
                counters[other].count -= 1
                if not counters[other].count:
                    del counters[other]
    groups = [FailureGroup(*key, counter.count, counter.url, counter.error) for key, counter in counters.items()]
    thin = examples.keys() - {group.kind for group in groups}
    groups += [FailureGroup(kind, "", 1, *examples[kind]) for kind in sorted(thin)]
    return Failures(sorted(groups, key=lambda group: -group.count), exact, by_kind)


def _site(fetch_url: str) -> str:
    target = parse_target(fetch_url)
    return "" if isinstance(target, Failure) else site_of(target.host)
