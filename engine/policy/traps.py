"""URLs without end: told from a URL's text alone, before it is ever asked for.

A site can hold infinitely many URLs without meaning to: a session id in each link, a relative link that nests one
folder deeper each time, a calendar that has a next month for ever. Three answers, from mild to strict: what is no part
of a page's name is cut out (:func:`clean`), a URL that can only be a trap's is refused (:func:`trap`), and URLs that
differ in their numbers alone share a :func:`shape`, by which :mod:`.sameness` learns what the text does not show.

The law: cleaning twice is cleaning once; cleaning never leaves the host; no text makes these raise.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

#: Longer than servers must take (RFC 9110, section 4.1: 8,000 octets), and than any page's that people share.
MAX_URL_CHARS: Final = 2_000
#: Folders of a path, and parameters of a query, beyond which a URL was made by a machine that will make more.
MAX_SEGMENTS: Final = 20
MAX_PARAMETERS: Final = 12
#: A folder, or a row of up to so many, that comes so often in a row is a relative link followed in circles.
MAX_REPEATS: Final = 3
_LONGEST_CYCLE: Final = 4
#: A folder that comes so often anywhere in a path.
_MAX_OCCURRENCES: Final = 4

#: A calendar shows what is planned, and what has been; further off its pages are empty.
YEARS_AHEAD: Final = 1
YEARS_BEHIND: Final = 10

#: Parameters that name a visit and not a page, whatever their value.
_SESSION: Final = frozenset({
    "phpsessid", "jsessionid", "sessionid", "session_id", "sessid", "aspsessionid", "cfid", "cftoken", "zenid",
    "oscsid", "viewstate", "__viewstate",
})  # fmt: skip
#: Likewise, where the value looks like an id.
_PERHAPS_SESSION: Final = frozenset({"sid", "session", "s", "token"})
_ID: Final = re.compile(r"(?=[^&]*\d)[0-9a-zA-Z_-]{16,}")
#: Parameters that tell a site where a visitor came from.
_TRACKING: Final = frozenset({"gclid", "fbclid", "msclkid", "yclid", "dclid", "mc_cid", "mc_eid", "_ga", "igshid"})

_SESSION_IN_PATH: Final = re.compile(r";(?:jsessionid|phpsessid|sid|sessionid)=[^/?;#]*", re.IGNORECASE)
_ASPNET_SESSION: Final = re.compile(r"/\([A-Z]\([0-9a-z]{24}\)\)(?=/)", re.IGNORECASE)

_CALENDAR: Final = re.compile(
    r"(?:^|[/?&_.-])(?:cal|calendar|kalender|calendrier|calendario|agenda|events?|schedule|date|day|week|month|year|"
    r"eventdisplay|tribe-bar-date)(?=$|[/?&=_.-])",
    re.IGNORECASE,
)
_YEAR: Final = re.compile(r"(?<![0-9])([0-9]{4})(?=$|[^0-9]|(?:0[1-9]|1[0-2])(?:$|[^0-9]|[0-3][0-9](?:$|[^0-9])))")

_DIGITS: Final = re.compile(r"[0-9]+")
_HEX: Final = re.compile(r"(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,}", re.IGNORECASE)


def clean(url: str) -> str:
    """A normalised URL without what names a visit: session ids and tracking parameters."""
    head, mark, query = url.partition("?")
    if ";" in head or "(" in head:
        head = _ASPNET_SESSION.sub("", _SESSION_IN_PATH.sub("", head))
    if not mark:
        return head
    kept = [parameter for parameter in query.split("&") if not _is_visit(parameter)]
    if len(kept) == query.count("&") + 1:
        return f"{head}?{query}"
    return f"{head}?{'&'.join(kept)}" if kept else head


def _is_visit(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    name = name.lower()
    if name in _SESSION or name in _TRACKING or name.startswith("utm_"):
        return True
    return name in _PERHAPS_SESSION and _ID.fullmatch(value) is not None


def trap(url: str, year: int) -> str | None:
    """Why a normalised URL is a trap's, in a few words; None where it need not be. `year` is the present one."""
    if len(url) > MAX_URL_CHARS:
        return "a URL too long"
    bare, _, query = url.partition("?")
    _, _, rest = bare.partition("://")
    segments = [segment for segment in rest.split("/")[1:] if segment]
    if len(segments) > MAX_SEGMENTS:
        return "folders without end"
    if len(segments) >= MAX_REPEATS and _goes_round(segments):
        return "a path that repeats itself"
    if query and _is_endless(query):
        return "parameters without end"
    path_and_query = url[len(url) - len(rest) - (len(query) + 1 if query else 0) :].partition("/")[2]
    if _CALENDAR.search(f"/{path_and_query}"):
        years = [int(found) for found in _YEAR.findall(path_and_query)]
        if any(found > year + YEARS_AHEAD or found < year - YEARS_BEHIND for found in years):
            return "a calendar's far page"
    return None


def _goes_round(segments: list[str]) -> bool:
    if max(Counter(segments).values()) >= _MAX_OCCURRENCES:
        return True
    for cycle in range(1, _LONGEST_CYCLE + 1):
        run = 0
        for at in range(cycle, len(segments)):
            run = run + 1 if segments[at] == segments[at - cycle] else 0
            if run >= cycle * (MAX_REPEATS - 1):
                return True
    return False


def _is_endless(query: str) -> bool:
    names = [parameter.partition("=")[0] for parameter in query.split("&")]
    return len(names) > MAX_PARAMETERS or max(Counter(names).values()) > MAX_REPEATS


def shape(url: str) -> str:
    """What a normalised URL has in common with those that a counter or an id would make next."""
    bare, _, query = url.partition("?")
    bare = _DIGITS.sub("0", _HEX.sub("0", bare))
    return f"{bare}?{'&'.join(sorted({part.partition('=')[0] for part in query.split('&')}))}" if query else bare
