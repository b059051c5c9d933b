"""What a page says of its own use: X-Robots-Tag and the robots meta element.

There is no RFC for them; the rules are those that Google documents. A line of X-Robots-Tag may begin with the name of
a crawler, and is then for that one alone; a meta element is for all under the name "robots", or for the crawler that it
is named after. Where directives contradict each other, the one that allows less counts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from engine.policy.http_date import parse_http_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

#: The name under which a meta element speaks to every crawler.
EVERYBODY: Final = "robots"

#: What is written with a value; any other word before a colon is a crawler's name.
_VALUED: Final = frozenset({"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"})
_UNTIL: Final = "unavailable_after"
#: Of the date in it, what stands before a comma: "unavailable_after: Friday, 25-Jun-10 15:00:00 GMT".
_WEEKDAY_ALONE: Final = re.compile(rf"{_UNTIL}:\D*")

_NOT_TO_INDEX: Final = frozenset({"noindex", "none"})
_NOT_TO_QUOTE: Final = frozenset({"nosnippet", "max-snippet:0"})

#: What a row keeps of them; real pages have three.
MAX_DIRECTIVES: Final = 30
MAX_CHARS: Final = 100


def page_directives(lines: Sequence[str], meta: Mapping[str, str], token: str) -> tuple[str, ...]:
    """The directives for the crawler `token`, each once, in order: "noindex", "max-snippet:50", ...

    `lines` are the values of X-Robots-Tag, `meta` the contents of meta elements by their lower-case names.
    """
    if not lines and not meta:
        return ()
    ours = token.lower()
    found = [each for line in lines for each in _of_line(line, ours)]
    for name in (EVERYBODY, ours):
        if name in meta:
            found += _split(meta[name])
    return tuple(dict.fromkeys(each[:MAX_CHARS] for each in found))[:MAX_DIRECTIVES]


def forbids_indexing(directives: Iterable[str], now: float) -> bool:
    """Whether nothing of the page is to be kept at `now` (seconds since 1970)."""
    return any(each in _NOT_TO_INDEX or _is_over(each, now) for each in directives)


def holds_for_a_time(directives: Iterable[str]) -> bool:
    """Whether what a page may be used for changes by itself, at a date that it names."""
    return any(each.startswith(_UNTIL) for each in directives)


def forbids_quoting(directives: Iterable[str]) -> bool:
    """Whether no excerpt of the page is to be made."""
    return not _NOT_TO_QUOTE.isdisjoint(directives)


def _of_line(line: str, ours: str) -> Iterator[str]:
    """A header line's directives, as far as they are for everybody or for us."""
    is_for_us = True
    for each in _split(line):
        name, colon, rest = each.partition(":")
        directive = each
        if colon and name not in _VALUED:
            is_for_us, directive = name == ours, rest
        if is_for_us and directive:
            yield directive


def _split(text: str) -> list[str]:
    """Directives in lower case, without spaces around their words and colons."""
    found: list[str] = []
    for part in text.lower().split(","):
        each = " ".join(part.split()).replace(" :", ":").replace(": ", ":")
        if not each:
            continue
        if found and _WEEKDAY_ALONE.fullmatch(found[-1]):
            found[-1] += f", {each}"
        else:
            found.append(each)
    return found


def _is_over(directive: str, now: float) -> bool:
    name, _, text = directive.partition(":")
    if name != _UNTIL:
        return False
    moment = _moment(text.upper(), now)
    return moment is not None and moment <= now


def _moment(text: str, now: float) -> float | None:
    """A date as HTTP, ISO 8601 or e-mail writes it, in seconds since 1970; without a time zone it is UTC."""
    moment = parse_http_date(text, now)
    if moment is not None:
        return moment
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = parse(text)
        except (ValueError, OverflowError):
            continue
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    return None
