"""The summary at the end of a run: how many, how fast, what failed where and what helps, which sites were slowest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.observe.figures import success_rate
from engine.observe.mends import MENDS
from engine.observe.progress import percent
from engine.observe.text import duration, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Sites named with one kind of failure, and slow sites: a summary fits a screen.
_SITES_A_KIND: Final = 3
_SLOW_SITES: Final = 5

_URL_CHARS: Final = 120
_ERROR_CHARS: Final = 160
_SITE_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """The failures of one kind at one site, with an example. `site` is "" where a line was no URL.

    `error` is the example's sentence, "" where only its URL is known.
    """

    kind: str
    site: str
    count: int
    url: str
    error: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known at the end.

    `rows` and `failed` are the run folder's live rows; `finished` the rows of this command, made in `duration_s`
    seconds. `groups` come commonest first (:func:`engine.observe.failures.collect`), with `exact` False where their
    counts are lower bounds; `slow_sites` are (site, URLs, seconds they need at the site's delay), worst first.
    `made` is what a row without an error is.
    """

    rows: int
    failed: int
    finished: int
    duration_s: float
    failed_by_kind: Mapping[str, int] = field(default_factory=dict)
    groups: Sequence[FailureGroup] = ()
    exact: bool = True
    slow_sites: Sequence[tuple[str, int, float]] = ()
    duplicates: int = 0
    made: str = "enriched"


def summarise(summary: Summary) -> str:
    """Write the summary: lines without a final newline, fit for a terminal whatever the pages held."""
    return "\n".join(_lines(summary))


def _lines(summary: Summary) -> Iterator[str]:
    done = summary.rows - summary.failed
    share = percent(success_rate(done, summary.failed))
    yield f"{count_of(summary.rows, 'row')}: {done:,} {summary.made} ({share}), {summary.failed:,} failed"
    if summary.duplicates:
        yield f"{count_of(summary.duplicates, 'duplicate')} left out"
    speed = f", {summary.finished / summary.duration_s:,.1f} pages/s" if summary.duration_s > 0 else ""
    yield f"{count_of(summary.finished, 'page')} in {duration(summary.duration_s)}{speed}"
    if summary.failed_by_kind:
        yield "Commonest failures:"
        for line in failure_lines(summary.failed_by_kind, summary.groups, exact=summary.exact):
            yield "  " + line
    if summary.slow_sites:
        yield "Slowest sites:"
        for site, urls, seconds in summary.slow_sites[:_SLOW_SITES]:
            yield f"  {shown(site, _SITE_CHARS)}: {count_of(urls, 'URL')}, {duration(seconds)} at its delay"


def failure_lines(failed_by_kind: Mapping[str, int], groups: Sequence[FailureGroup], *, exact: bool) -> Iterator[str]:
    """Write a line for each kind, the commonest first: how many, at which sites, an example, the mend."""
    for kind, count in sorted(failed_by_kind.items(), key=lambda item: (-item[1], item[0])):
        if count > 0:
            yield _failure(kind, count, [group for group in groups if group.kind == kind], exact=exact)


def _failure(kind: str, count: int, groups: Sequence[FailureGroup], *, exact: bool) -> str:
    """Write one kind: where, how many, an example, the mend."""
    mend = MENDS.get(kind, "see the rows' error")
    if not groups:
        return f"{kind}: {count_of(count, 'URL')}; {mend}"
    first = groups[0]
    reason = f" ({shown(first.error, _ERROR_CHARS)})" if first.error else ""
    example = f"e.g. {shown(first.url, _URL_CHARS)}{reason}"
    if first.site and first.count >= count:
        return f"{kind} at {shown(first.site, _SITE_CHARS)}: {count_of(count, 'URL')}; {example}; {mend}"
    at_least = "" if exact else "at least "
    sites = ", ".join(
        f"{shown(group.site, _SITE_CHARS)} {at_least}{group.count:,}"
        for group in groups[:_SITES_A_KIND]
        if group.site and group.count > 1
    )
    most = f" (most at {sites})" if sites else ""
    return f"{kind}: {count_of(count, 'URL')}{most}; {example}; {mend}"


def count_of(count: int, noun: str) -> str:
    """Write a number with its noun: `1 URL`, `1,204 URLs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
