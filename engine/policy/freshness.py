"""HTTP caching (RFC 9111): which answers are kept, how long they are fresh, and how they are asked about again.

The law: what is kept is kept for runs of anybody who uses this cache folder, with whatever credentials, so the rules
are those of a *shared* cache: `private` answers are not kept, and answers to requests with Authorization only where the
server allows it. Beyond the RFC, a request's Authorization and Cookie always belong to the key, so that no identity is
ever given another's page. When in doubt (a directive that cannot be read, two that contradict, a clock that went back)
an answer is stale: asking again is always allowed.

Lifetimes: the shorter of s-maxage and max-age (s-maxage is a shared cache's own, section 5.2.2.10, but is mostly meant
for a CDN that the site can purge; whoever also said max-age meant everybody), else Expires, else a tenth of the
page's age where it says when it was modified, a day at most.

All times are seconds since 1970; `now` is one of them. Fields are (name, value) pairs as they came, names in any case.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from engine.policy.cache_control import delta_seconds, parse_cache_control, seconds_of
from engine.policy.http_date import format_http_date, parse_http_date

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.policy.cache_control import Directives

Fields = tuple[tuple[str, str], ...]

#: Cacheable without a word about it (RFC 9110, section 15.1), less 206: no part of a page is ever asked for.
HEURISTIC_STATUSES: Final = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})

#: Statuses whose rules for caches are followed here: what `must-understand` asks for (section 5.2.2.3).
UNDERSTOOD_STATUSES: Final = HEURISTIC_STATUSES | {302, 303, 307, 400, 401, 403, 500, 502, 503, 504}

#: Section 4.2.2 suggests this part of the time since Last-Modified.
HEURISTIC_SHARE: Final = 0.1

#: A guess is good for a day at most: what RFC 7234 (section 5.5.4) thought worth a warning beyond.
MAX_HEURISTIC_S: Final = 86_400.0

#: Variants of one URL are told apart by these too, whether or not Vary names them.
ALWAYS_IN_KEY: Final = ("authorization", "cookie")

#: A validator goes back with each request; one longer than this would not fit into many servers' limits.
MAX_VALIDATOR_CHARS: Final = 1024

#: A caller's own preconditions and ranges: the answer is to those, and neither kept nor taken from here.
_CONDITIONS: Final = frozenset(
    {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"}
)

#: Section 3.1: for one connection or one proxy. What Connection names comes on top.
_NOT_KEPT: Final = frozenset({
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    "proxy-authenticate", "proxy-authentication-info", "proxy-authorization",
})  # fmt: skip

#: Section 3.2: not updated by a 304, as bodies are kept decoded and rows were made by their type.
_NOT_UPDATED: Final = frozenset({"content-length", "content-encoding", "content-type", "content-range"})

#: Section 3.5.
_ALLOWS_AUTHORIZED: Final = frozenset({"must-revalidate", "public", "s-maxage"})
#: Section 3, last item, beside Expires and the status itself.
_ALLOWS_STORING: Final = frozenset({"public", "max-age", "s-maxage"})
#: Section 4.2.4, with 5.2.2.8 and 5.2.2.10: never used stale.
_FORBIDS_STALE: Final = frozenset({"no-cache", "must-revalidate", "proxy-revalidate", "s-maxage"})

_FINAL: Final = range(200, 600)
_NOT_MODIFIED: Final = 304
_PARTIAL: Final = 206


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer as it is kept: its fields less those of the connection, always with a Date.

    `requested_at` is when its request (or the last 304's) was sent, `received_at` when its head had come.
    """

    status: int
    fields: Fields
    requested_at: float
    received_at: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """What may be done with a stored answer now.

    `fresh`: use it without asking. Else ask with `conditions` added to the request (none: it cannot be asked about, so
    ask as if nothing were kept), and where the server fails (no answer, or 500, 502, 503, 504) the answer may be used
    all the same if `usable_on_error`. `age_s` and `lifetime_s` are for people.
    """

    fresh: bool
    conditions: Fields
    usable_on_error: bool
    age_s: float
    lifetime_s: float


def cacheable_request(request: Fields) -> bool:
    """Whether a GET with these fields is any business of the cache: none with preconditions or ranges of its own is."""
    return not any(name.lower() in _CONDITIONS for name, _ in request)


def to_store(status: int, request: Fields, response: Fields, requested_at: float, received_at: float) -> Stored | None:
    """What to keep of a whole answer to a GET; None where it may not be kept (section 3), or would be of no use.

    Of no use is what neither stays fresh for any time nor can be asked about again, and what varies on everything.
    """
    if not storable(status, request, response):
        return None
    fields = _kept(response)
    if not any(name.lower() == "date" and parse_http_date(value, received_at) is not None for name, value in fields):
        # RFC 9110, section 6.6.1: who keeps an answer without a Date gives it one.
        dateless = tuple(pair for pair in fields if pair[0].lower() != "date")
        fields = (*dateless, ("Date", format_http_date(received_at)))
    stored = Stored(status, fields, requested_at, received_at)
    useful = bool(_conditions(fields)) or lifetime_s(stored) > 0
    return stored if useful and "*" not in vary_names(fields) else None


def storable(status: int, request: Fields, response: Fields) -> bool:
    """Whether an answer to a GET may be kept at all (section 3). Ask again of what :func:`updated` gives."""
    asked = _asked(request)
    said = _directives(response)
    if not cacheable_request(request) or status not in _FINAL or status in (_PARTIAL, _NOT_MODIFIED):
        return False
    # Section 5.2.2.3: who understands the status goes by what it says, and not by the no-store meant for others.
    refused = status not in UNDERSTOOD_STATUSES if "must-understand" in said else "no-store" in said
    # `private` with an argument concerns the fields that it names; like many caches we take it as without (5.2.2.7).
    if refused or "no-store" in asked or "private" in said:
        return False
    if _value(request, "authorization") is not None and not said.keys() & _ALLOWS_AUTHORIZED:
        return False
    explicit = said.keys() & _ALLOWS_STORING or _value(response, "expires") is not None
    return bool(explicit) or status in HEURISTIC_STATUSES


def assess(stored: Stored, request: Fields, now: float) -> Assessment:
    """Whether a stored answer may be used for a request now (sections 4.2 and 5.2.1), and how to ask about it."""
    said, asked = _directives(stored.fields), _asked(request)
    lifetime = lifetime_s(stored, said)
    age = age_s(stored, now)
    clock_went_back = now < stored.received_at
    fresh = (
        lifetime > age and not clock_went_back and "no-cache" not in said and _accepts(request, asked, age, lifetime)
    )
    grace_s = seconds_of(said, "stale-if-error") or 0  # RFC 5861, section 4
    usable = not fresh and not clock_went_back and not said.keys() & _FORBIDS_STALE and age - lifetime < grace_s
    return Assessment(fresh, _conditions(stored.fields), usable, age, lifetime)


def _accepts(request: Fields, asked: Directives, age: float, lifetime: float) -> bool:
    """Whether the request's own directives, which users may set, allow a fresh answer of this age."""
    if "no-cache" in asked or (not asked and "no-cache" in (_value(request, "pragma") or "").lower()):
        return False
    most_s, least_left_s = seconds_of(asked, "max-age"), seconds_of(asked, "min-fresh")
    return (most_s is None or age <= most_s) and (least_left_s is None or lifetime - age >= least_left_s)


def lifetime_s(stored: Stored, said: Directives | None = None) -> float:
    """How long an answer is fresh from its making (section 4.2.1). `said`: its directives, where they are known."""
    fields = stored.fields
    said = _directives(fields) if said is None else said
    explicit = [seconds for name in ("s-maxage", "max-age") if (seconds := seconds_of(said, name)) is not None]
    if explicit:
        return float(min(explicit))
    date = _date(stored)
    if (expires := _value(fields, "expires")) is not None:
        # What is no date, "0" above all, lies in the past (section 5.3); so do two dates that differ.
        moments = {parse_http_date(value, stored.received_at) for value in _values(fields, "expires")}
        moment = parse_http_date(expires, stored.received_at)
        return max(0.0, moment - date) if moment is not None and len(moments) == 1 else 0.0
    if stored.status not in HEURISTIC_STATUSES and "public" not in said:
        return 0.0
    modified = parse_http_date(_value(fields, "last-modified") or "", stored.received_at)
    return 0.0 if modified is None else min(MAX_HEURISTIC_S, max(0.0, (date - modified) * HEURISTIC_SHARE))


def age_s(stored: Stored, now: float) -> float:
    """How old an answer is (section 4.2.3): what caches on the way say, or its Date, and the time since it came."""
    first = (_value(stored.fields, "age") or "").partition(",")[0].strip()
    said_s = delta_seconds(first) or 0  # section 5.1: the first of a list; ignored where it is no number
    apparent_s = max(0.0, stored.received_at - _date(stored))
    delay_s = max(0.0, stored.received_at - stored.requested_at)
    return max(apparent_s, said_s + delay_s) + max(0.0, now - stored.received_at)


def with_age(stored: Stored, age: float) -> Stored:
    """The answer as it is given in place of one that was asked for now: its Age says so (sections 4 and 5.1)."""
    others = tuple(pair for pair in stored.fields if pair[0].lower() != "age")
    return replace(stored, fields=(*others, ("Age", str(int(age)))))


def updated(stored: Stored, fields_304: Fields, requested_at: float, received_at: float) -> Stored | None:
    """The stored answer as a 304 to its conditions leaves it (sections 3.2 and 4.3.4); None: the 304 is of another one.

    None means that the answer must be fetched anew, without conditions. A 304 without a validator is taken to be about
    the one that was asked about. Entity tags are compared weakly, as If-None-Match itself does (RFC 9110, section
    13.1.2), although section 4.3.4 has a strong one in the 304 match a strong one only: servers that compress make the
    200's tag weak and leave the 304's strong, and just one answer was asked about.
    """
    if not _same_page(stored.fields, fields_304, received_at):
        return None
    new = tuple(pair for pair in _kept(fields_304) if pair[0].lower() not in _NOT_UPDATED)
    names = {name.lower() for name, _ in new}
    # Age and Date tell of one answer together: those of the stored one say nothing of the 304's.
    names |= {"age", "date"}
    if all(name.lower() != "date" for name, _ in new):
        new = (*new, ("Date", format_http_date(received_at)))
    old = tuple(pair for pair in stored.fields if pair[0].lower() not in names)
    return Stored(stored.status, old + new, requested_at, received_at)


def _same_page(old: Fields, new: Fields, now: float) -> bool:
    tag, new_tag = _value(old, "etag"), _value(new, "etag")
    if new_tag is not None:
        return tag is not None and tag.removeprefix("W/") == new_tag.removeprefix("W/")
    modified, new_modified = (parse_http_date(_value(fields, "last-modified") or "", now) for fields in (old, new))
    return new_modified is None or tag is not None or new_modified == modified


def vary_names(response: Fields) -> tuple[str, ...]:
    """The request fields that an answer depends on (section 4.1): lower case, sorted, with ALWAYS_IN_KEY."""
    named = {name.strip().lower() for value in _values(response, "vary") for name in value.split(",")}
    return tuple(sorted((named | set(ALWAYS_IN_KEY)) - {""}))


def variant_key(names: Iterable[str], request: Fields) -> bytes:
    """16 bytes that two requests share if and only if they agree in the fields `names` (lower case).

    Lines of one name are joined and spaces around values dropped, as section 4.1 allows. A hash, so that no credentials
    are written to disk.
    """
    digest = blake2b(digest_size=16)
    for name in names:
        values = _values(request, name)
        joined = ",".join(part.strip() for value in values for part in value.split(",")) if values else None
        digest.update(repr((name, joined)).encode())
    return digest.digest()


def _kept(fields: Fields) -> Fields:
    own = {name.strip().lower() for value in _values(fields, "connection") for name in value.split(",")}
    return tuple(pair for pair in fields if (name := pair[0].lower()) not in _NOT_KEPT and name not in own)


def _conditions(fields: Fields) -> Fields:
    """Section 4.3.1: the entity tag, and Last-Modified too, for caches on the way that know no tags."""
    found = []
    for name, condition in (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")):
        values = set(_values(fields, name))
        # Two that differ name two answers, and we have one.
        if len(values) == 1 and 0 < len(value := values.pop()) <= MAX_VALIDATOR_CHARS:
            found.append((condition, value))
    return tuple(found)


def _date(stored: Stored) -> float:
    date = parse_http_date(_value(stored.fields, "date") or "", stored.received_at)
    return stored.received_at if date is None else date


@lru_cache(maxsize=64)
def _asked(request: Fields) -> Directives:
    """The directives of a request: the headers of a run's requests are the same few tuples."""
    return _directives(request)


def _directives(fields: Fields) -> Directives:
    return parse_cache_control(_values(fields, "cache-control"))


def _values(fields: Fields, name: str) -> list[str]:
    return [value.strip() for key, value in fields if key.lower() == name]


def _value(fields: Fields, name: str) -> str | None:
    """The first value of a field, None where there is none."""
    return next((value.strip() for key, value in fields if key.lower() == name), None)
