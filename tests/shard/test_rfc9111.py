"""RFC 9111 from end to end: requests to a page cache one after another, and what each of them costs its server.

The cases are those that the public test suite for HTTP caches requires of a cache that is no proxy, said in our own
words, and more. Each is named by its section; a requirement that none stands for is in LEFT_OUT, with the reason.
tests/policy/test_freshness.py has the rules themselves, in more detail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from fake_time import run
from shard_rig import reply

from engine.model.outcome import Failure, FailureKind, Outcome
from engine.model.url import parse_target
from engine.policy.http_date import format_http_date
from engine.shard.caching import Asked, Caching
from engine.shard.requester import Answer, RequestFailed
from engine.transport.base import Response
from engine.transport.cache import MemoryCache

BEGAN = 1_800_000_000.0
DAY = 86_400
TAG, MODIFIED = 'ETag: "a"', "Last-Modified: {-86400}"

#: What a request costs: nothing; a question that is answered 304; the page.
CACHED, ASKED, FETCHED = "cached", "asked", "fetched"

LEFT_OUT = {
    "3.3, 3.4, 206, Range": "no part of a page is ever asked for; a 206 is not kept, nor is an incomplete answer",
    "3.2 by HEAD, 4.3.5": "no HEAD is ever sent",
    "4.4 invalidation by POST, PUT, DELETE and others": "only GET is ever sent",
    "4.3.2 conditions of a client, 304 to them": "nobody asks this cache but the engine, which sends none; a user's own"
    " conditions (fetch.headers) go past the cache, as do their answers",
    "4 collapsed forwarding": "a URL is asked for once in a run",
    "5.2.1.7 only-if-cached": "a 504 of our own making would be a row that says something untrue of the server",
    "5.2.2.6 no-transform, 5.5 Warning": "concern what is forwarded; the second is obsolete",
    "interim answers passed on": "there is nobody to pass them on to; the final one is kept",
    "RFC 9213 CDN-Cache-Control, Surrogate-Control": "for caches that act for the server: never read",
    "3 of other statuses than 2xx": "allowed to be kept, and never kept: an error is no saving, and a redirect is what"
    " tells where its page is now",
    "3.2 Content-Type and Content-Encoding from a 304": "left as they were (section 3.2 allows it): the body is kept"
    " decoded, and its row was made by its type",
}


@dataclass
class Step:
    """One request, `after` seconds later; `said` and `status` are what the server answers where it is asked."""

    want: str
    said: tuple[str, ...] = ()
    status: int = 200
    after: float = 3.0
    asking: tuple[str, ...] = ()
    url: str = "http://a.test/page"
    fails: FailureKind | None = None
    conditions: dict[str, str] | None = None
    holds: dict[str, str | None] = field(default_factory=dict)


def first(*said, status=200, asking=()):
    return Step(FETCHED, said, status, 0.0, asking)


def then(want, *said, **options):
    return Step(want, said, **options)


def twice(section, want, *said, status=200, asking=(), now=(), after=3.0):  # noqa: PLR0913 - what a case may set
    """The same page twice: the commonest case."""
    return section, [first(*said, status=status, asking=asking), Step(want, said, status, after, now)]


def varied(section, want, vary, one, other):
    said = ("Cache-Control: max-age=5000", "Last-Modified: {-3000}")
    lines = (vary,) if isinstance(vary, str) else vary
    return section, [first(*said, *lines, asking=one), then(want, *said, *lines, asking=other)]


FRESH = "Cache-Control: max-age=3600"
ABZ = ("Foo: 1", "Bar: a", "Baz: 7")
AS_F = ("Authorization: F",)

CASES = [
    # -- 3: what is kept --
    twice("3 nothing said", FETCHED),
    twice("3.5 Authorization", FETCHED, "Expires: {2592000}", asking=("Authorization: FOO",)),
    twice("3.5 Authorization, max-age", FETCHED, FRESH, asking=AS_F, now=AS_F),
    twice("3.5 public", CACHED, "Cache-Control: max-age=9, public", asking=AS_F, now=AS_F),
    twice("3.5 must-revalidate", CACHED, "Cache-Control: max-age=9, must-revalidate", asking=AS_F,
          now=AS_F),
    twice("3.5 s-maxage", CACHED, "Cache-Control: s-maxage=9", asking=AS_F, now=AS_F),
    twice("3.5 kept for that identity alone", FETCHED, "Cache-Control: max-age=9, public", asking=AS_F),
    twice("5.2.2.7 private", FETCHED, "Cache-Control: private, max-age=3600"),
    twice("5.2.2.5 no-store", FETCHED, "Cache-Control: no-store"),
    twice("5.2.2.5 in any case", FETCHED, "Cache-Control: No-StOrE", TAG),
    twice("5.2.2.5 with freshness", FETCHED, "Cache-Control: max-age=10000, no-store", "Expires: {10000}"),
    ("5.2.2.5 a newer no-store drops the older", [
        first("Cache-Control: max-age=2", "A: 1"), then(FETCHED, "Cache-Control: no-store", "A: 2"), then(FETCHED),
    ]),
    twice("5.2.1.5 no-store asked", FETCHED, FRESH, asking=("Cache-Control: no-store",)),
    twice("5.2.2.3 unknown status", FETCHED, "Cache-Control: max-age=3600, no-store, must-understand", status=299),
    twice("5.2.2.3 known status", CACHED, "Cache-Control: max-age=3600, no-store, must-understand"),
    # -- 4.2: freshness --
    twice("4.2 max-age", CACHED, FRESH),
    twice("4.2 max-age over", FETCHED, "Cache-Control: max-age=2"),
    twice("4.2 max-age=0", FETCHED, "Cache-Control: max-age=0"),
    twice("4.2 max-age negative", FETCHED, "Cache-Control: max-age=-3600"),
    twice("4.2 max-age of 2^31", CACHED, "Cache-Control: max-age=2147483648"),
    twice("4.2 max-age beyond", CACHED, "Cache-Control: max-age=99999999999"),
    twice("4.2 max-age, leading zeros", CACHED, "Cache-Control: max-age=003600"),
    twice("4.2 max-age quoted", CACHED, 'Cache-Control: max-age="3600"'),
    twice("4.2 max-age in single quotes", FETCHED, "Cache-Control: max-age='3600'"),
    twice("4.2 space before =", FETCHED, "Cache-Control: max-age =3600"),
    twice("4.2 space after =", FETCHED, "Cache-Control: max-age= 3600"),
    twice("4.2 max-age a3600", FETCHED, "Cache-Control: max-age=a3600"),
    twice("4.2 max-age 3600a", FETCHED, "Cache-Control: max-age=3600a"),
    twice("4.2 max-age decimal", FETCHED, "Cache-Control: max-age=3600.0"),
    twice("4.2 quoted elsewhere, first", FETCHED, 'Cache-Control: extension="max-age=3600", max-age=1'),
    twice("4.2 quoted elsewhere, last", FETCHED, 'Cache-Control: max-age=1, extension="max-age=3600"'),
    twice("4.2 twice, fresh first", FETCHED, "Cache-Control: max-age=1800, max-age=1"),
    twice("4.2 twice, stale first", FETCHED, "Cache-Control: max-age=1", "Cache-Control: max-age=1800"),
    twice("4.2 extension", CACHED, "Cache-Control: foobar, max-age=3600"),
    twice("4.2 any case", CACHED, "cache-control: MaX-aGe=3600"),
    twice("4.2 Expires is over", CACHED, FRESH, "Expires: {-10000}"),
    twice("4.2 Expires invalid", CACHED, FRESH, "Expires: 0"),
    twice("4.2 max-age=0 before Expires", FETCHED, "Cache-Control: max-age=0", "Expires: {10000}"),
    twice("4.2.3 Age beyond max-age", FETCHED, "Cache-Control: max-age=3600", "Age: 12000"),
    twice("4.2.3 Age within", CACHED, "Cache-Control: max-age=3600", "Age: 12"),
    twice("4.2.3 an old Date", FETCHED, "Cache-Control: max-age=60", "Date: {-100}"),
    twice("5.1 Age not a number", CACHED, FRESH, "Age: abc"),
    twice("5.1 Age negative", CACHED, FRESH, "Age: -7200"),
    twice("5.1 the first of two", FETCHED, FRESH, "Age: 7200", "Age: 0"),
    twice("5.2.2.10 s-maxage", CACHED, "Cache-Control: s-maxage=3600"),
    twice("5.2.2.10 shorter s-maxage", FETCHED, "Cache-Control: max-age=3600, s-maxage=1"),
    twice("5.2.2.10 shorter s-maxage first", FETCHED, "Cache-Control: s-maxage=1, max-age=3600"),
    twice("5.2.2.10 on two lines", FETCHED, "Cache-Control: max-age=3600", "Cache-Control: s-maxage=1"),
    twice("5.2.2.10 a private cache's", FETCHED, "Cache-Control: s-maxage=3600, max-age=1"),
    twice("5.3 Expires", CACHED, "Expires: {2592000}"),
    twice("5.3 past", FETCHED, "Expires: {-2592000}"),
    twice("5.3 present", FETCHED, "Expires: {0}", after=0),
    twice("5.3 older than Date", FETCHED, "Expires: {300}", "Date: {400}"),
    twice("5.3 invalid", FETCHED, "Expires: 0"),
    twice("5.3 invalid Date", CACHED, "Expires: {10}", "Date: foo"),
    twice("5.3 Age, slow Date", FETCHED, "Date: {-10}", "Expires: {10}", "Age: 25", after=0),
    twice("5.3 Age, fast Date", FETCHED, "Date: {10}", "Expires: {20}", "Age: 15", after=0),
    twice("5.3 weekday's case", CACHED, "Expires: THU, 18 Aug 2050 02:01:18 GMT"),
    twice("5.3 month's case", CACHED, "Expires: Thu, 18 AUG 2050 02:01:18 GMT"),
    twice("5.3 zone's case", CACHED, "Expires: Thu, 18 Aug 2050 02:01:18 gMT"),
    *(
        twice(f"5.3 {value}", FETCHED, f"Expires: {value}")
        for value in (
            "Thu, 18 Aug 2050 02:01:18 UTC", "Thu, 18 Aug 50 02:01:18 GMT", "Thu 18 Aug 2050 02:01:18 GMT",
            "Thu, 18  Aug  2050 02:01:18 GMT", "Thu, 18-Aug-2050 02:01:18 GMT", "Thu, 18 Aug 2050 02.01.18 GMT",
            "Thu, 18 Aug 2050 2:01:18 GMT", "Thu, 18 Aug 2050 02:01:18 AEST",
        )
    ),
    *(twice(f"4.2.2 {status}", CACHED, MODIFIED, status=status) for status in (200, 203, 204)),
    *(twice(f"4.2.2 not {status}", FETCHED, MODIFIED, status=status) for status in (201, 202)),
    *(twice(f"4.2.2 not {status}", FETCHED, MODIFIED, status=status) for status in (403, 502, 503, 504, 599)),
    twice("4.2.2 299 with public", CACHED, MODIFIED, "Cache-Control: public", status=299),
    twice("4.2.2 over", ASKED, "Last-Modified: {-100}", after=20),
    *(
        twice(f"4.2 a stale {status}", FETCHED, "Expires: {-5000}", status=status)
        for status in (200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599)
    ),
    *(twice(f"3 a fresh {status}", CACHED, FRESH, status=status) for status in (200, 203, 204, 299)),
    # -- 4.2.4: stale answers --
    *(
        (f"4.2.4 {word}", [
            first(f"Cache-Control: max-age=2, stale-if-error=60, {word}"),
            then(FETCHED, fails=FailureKind.CONNECTION_LOST),
        ])
        for word in ("must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2")
    ),
    ("4.2.4 not without leave", [first("Cache-Control: max-age=2"), then(FETCHED, fails=FailureKind.CONNECTION_LOST)]),
    ("RFC 5861, section 4: closed", [
        first("Cache-Control: max-age=2, stale-if-error=60", TAG),
        then(CACHED, fails=FailureKind.CONNECTION_LOST),
    ]),
    ("RFC 5861, section 4: 503", [
        first("Cache-Control: max-age=2, stale-if-error=60", TAG), then(CACHED, status=503),
    ]),
    ("RFC 5861, section 4: over", [
        first("Cache-Control: max-age=2, stale-if-error=60", TAG), then(FETCHED, status=503, after=100),
    ]),
    twice("RFC 5861, section 3: stale-while-revalidate is not used", ASKED,
          "Cache-Control: max-age=2, stale-while-revalidate=60", TAG),
    twice("RFC 8246: immutable while fresh", CACHED, "Cache-Control: max-age=9, immutable", TAG),
    twice("RFC 8246: immutable once stale", ASKED, "Cache-Control: max-age=2, immutable", TAG),
    # -- 4.3: asking again --
    twice("5.2.2.4 no-cache", FETCHED, "Cache-Control: max-age=10000, no-cache", "Expires: {10000}"),
    twice("5.2.2.4 in any case", FETCHED, "Cache-Control: max-age=10000, No-CaChE", "Expires: {10000}"),
    twice("5.2.2.4 is asked about", ASKED, "Cache-Control: no-cache", TAG),
    twice("5.2.2.4 fresh is asked about", ASKED, "Cache-Control: max-age=10000, no-cache", TAG),
    twice("5.2.2.4 with names", ASKED, 'Cache-Control: max-age=10000, no-cache="a"', TAG),
    twice("5.2.2.2 must-revalidate while fresh", CACHED, "Cache-Control: max-age=9, must-revalidate", TAG),
    twice("5.2.2.2 must-revalidate", ASKED, "Cache-Control: max-age=2, must-revalidate", TAG),
    ("4.3.1 a strong tag", [
        first("Cache-Control: max-age=2", TAG), then(ASKED, TAG, conditions={"If-None-Match": '"a"'}),
    ]),
    ("4.3.1 a weak tag", [
        first("Cache-Control: max-age=2", 'ETag: W/"a"'),
        then(ASKED, 'ETag: W/"a"', conditions={"If-None-Match": 'W/"a"'}),
    ]),
    ("4.3.1 Last-Modified", [
        first("Cache-Control: max-age=2", MODIFIED),
        then(ASKED, MODIFIED, conditions={"If-Modified-Since": format_http_date(BEGAN - DAY)}),
    ]),
    ("4.3.1 both", [
        first("Cache-Control: max-age=2", MODIFIED, TAG),
        then(ASKED, TAG, conditions={"If-None-Match": '"a"', "If-Modified-Since": format_http_date(BEGAN - DAY)}),
    ]),
    ("4.3.1 the fields that Vary names go along", [
        first("Expires: {1}", TAG, "Vary: Abc", asking=("Abc: 123",)), then(ASKED, TAG, asking=("Abc: 123",)),
    ]),
    ("4.3.1 none of another variant", [
        first("Expires: {10000}", TAG, "Vary: Abc", asking=("Abc: 123",)),
        then(FETCHED, TAG, asking=("Abc: 456",), conditions={}),
    ]),
    ("4.3.3 a full answer replaces", [
        first("Cache-Control: max-age=2", TAG, "A: 1"), then(FETCHED, FRESH, 'ETag: "b"', "A: 2"),
        then(CACHED, holds={"A": "2"}),
    ]),
    ("4.3.4 what a 304 omits stays", [
        first("Cache-Control: max-age=2", MODIFIED, "Test-Header: one"),
        then(ASKED, MODIFIED, holds={"Test-Header": "one"}),
    ]),
    *(
        (f"3.2 {name} from a 304", [
            first("Cache-Control: max-age=2", TAG, f"{name}: {old}"),
            then(ASKED, "Cache-Control: max-age=2", TAG, f"{name}: {new}", holds={name: new}),
            then(CACHED, holds={name: new}, after=1),
        ])
        for name, old, new in (
            ("Test-Header", "A", "B"), ("X-Test-Header", "A", "B"), ("Content-Foo", "A", "B"),
            ("X-Content-Foo", "A", "B"), ("Content-Location", "/foo", "/bar"), ("Content-MD5", "rL0Y2w==", "N7Udwg=="),
            ("Content-Security-Policy", "default-src 'self'", "default-src *"), ("Clear-Site-Data", "cache", "cookies"),
            ("Public-Key-Pins", "A", "B"), ("Set-Cookie", "a=b", "a=c"), ("Set-Cookie2", "a=b", "a=c"),
            ("X-Frame-Options", "deny", "sameorigin"), ("X-XSS-Protection", "1", "1; mode=block"),
        )
    ),
    ("3.2 Cache-Control from a 304", [
        first("Cache-Control: max-age=1", TAG), then(ASKED, FRESH, TAG), then(CACHED, after=3000),
    ]),
    ("3.2 Expires from a 304", [
        first("Expires: {1}", TAG), then(ASKED, "Expires: {3600}", TAG), then(CACHED, after=3000),
    ]),
    *(
        (f"3.2 {name} stays", [
            first("Cache-Control: max-age=2", TAG, f"{name}: {old}"),
            then(ASKED, TAG, f"{name}: {new}", holds={name: old}),
            then(CACHED, holds={name: old}, after=1),
        ])
        for name, old, new in (("Content-Length", "4", "10"), ("Content-Type", "text/a", "text/b"))
    ),
    ("3.2 a 304 that forbids to keep it", [
        first("Cache-Control: max-age=2", TAG), then(ASKED, "Cache-Control: no-store", TAG), then(FETCHED),
    ]),
    ("4.3.4 a 304 about another answer", [
        first("Cache-Control: max-age=2", TAG), then(FETCHED, 'ETag: "b"', status=304),
    ]),
    # -- 3.1: which fields are kept --
    *(
        (f"3.1 {name} is kept", [first(FRESH, f"{name}: {value}"), then(CACHED, holds={name: value})])
        for name, value in (
            ("Test-Header", "A"), ("X-Test-Header", "A"), ("Content-Foo", "A"), ("X-Content-Foo", "A"),
            ("Content-Encoding", "A"), ("Content-Length", "4"), ("Content-Location", "/foo"), ("Content-MD5",
            "rL0Y2w=="),
            ("Content-Range", "A"), ("Content-Security-Policy", "default-src 'self'"), ("Content-Type", "text/plain"),
            ("Clear-Site-Data", "cookies"), ("ETag", '"abcdef"'), ("Expires", "Fri, 01 Jan 2038 01:01:01 GMT"),
            ("Public-Key-Pins", "A"), ("Set-Cookie", "a=b"), ("Set-Cookie2", "a=b"), ("X-Frame-Options", "deny"),
            ("X-XSS-Protection", "1"), ("WWW-Authenticate", "A"),
        )
    ),
    *(
        (f"3.1 {name} is not", [first(FRESH, f"{name}: A"), then(CACHED, holds={name: None})])
        for name in (
            "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
            "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade",
        )
    ),
    ("3.1 what Connection names is not", [
        first(FRESH, "Connection: a, b", "A: 1", "B: 2", "C: 3"), then(CACHED, holds={"A": None, "B": None, "C": "3"}),
    ]),
    # -- 4, 5.1: what is given --
    ("5.1 Age is made", [first("Expires: {2592000}"), then(CACHED, holds={"Age": "3"})]),
    ("5.1 Age grows, by Expires", [first("Expires: {2592000}", "Age: 30"), then(CACHED, holds={"Age": "33"})]),
    ("5.1 Age grows, by max-age", [first("Cache-Control: max-age=600", "Age: 30"), then(CACHED, holds={"Age": "33"})]),
    ("4 Date stays", [first(FRESH, "Date: {0}"), then(CACHED, holds={"Date": format_http_date(BEGAN)})]),
    ("4 Date stays, by Expires", [
        first("Expires: {2592000}", "Date: {0}"), then(CACHED, holds={"Date": format_http_date(BEGAN)}),
    ]),
    ("2 another query is another page", [first(FRESH), then(FETCHED, url="http://a.test/page?test=1")]),
    ("2 another scheme is another page", [first(FRESH), then(FETCHED, url="https://a.test/page")]),
    ("2 the same page by another spelling", [first(FRESH), then(CACHED, url="http://A.test:80/./page#part")]),
    twice("3 Set-Cookie", CACHED, FRESH, "Set-Cookie: a=b"),
    # -- 4.1: Vary --
    varied("4.1 the same", CACHED, "Vary: Foo", ("Foo: 1",), ("Foo: 1",)),
    varied("4.1 another", FETCHED, "Vary: Foo", ("Foo: 1",), ("Foo: 2",)),
    varied("4.1 none", FETCHED, "Vary: Foo", ("Foo: 1",), ()),
    varied("4.1 none before", FETCHED, "Vary: Foo", (), ("Foo: 1",)),
    varied("4.1 not named", CACHED, "Vary: Foo", ("Foo: 1", "Other: 2"), ("Foo: 1", "Other: 3")),
    varied("4.1 two, the same", CACHED, "Vary: Foo, Bar", ("Foo: 1", "Bar: abc"), ("Foo: 1", "Bar: abc")),
    varied("4.1 two, one differs", FETCHED, "Vary: Foo, Bar", ("Foo: 1", "Bar: abc"), ("Foo: 2", "Bar: abc")),
    varied("4.1 two, none", FETCHED, "Vary: Foo, Bar", ("Foo: 1",), ()),
    varied("4.1 three, the same", CACHED, "Vary: Foo, Bar, Baz", ABZ, ABZ),
    varied("4.1 three, one differs", FETCHED, "Vary: Foo, Bar, Baz", ABZ, ("Foo: 1", "Bar: b", "Baz: 7")),
    varied("4.1 three, another order", CACHED, "Vary: Foo, Bar, Baz", ABZ, ("Baz: 7", "Foo: 1", "Bar: a")),
    varied("4.1 three, one left out in both", CACHED, "Vary: Foo, Bar, Baz", ("Foo: 1", "Baz: 7"), ("Foo: 1",
           "Baz: 7")),
    varied("4.1 on three lines", FETCHED, ("Vary: Foo", "Vary: Bar", "Vary: Baz"), ("Foo: 1", "Baz: 7"),
           ("Foo: 1", "Baz: 8")),
    varied("4.1 spaces", CACHED, "Vary: Foo", ("Foo: 1,2",), ("Foo:  1, 2 ",)),
    varied("4.1 lines joined", CACHED, "Vary: Foo", ("Foo: 1, 2",), ("Foo: 1", "Foo: 2")),
    *(
        varied(f"4.1 {' / '.join(lines)}", FETCHED, lines, ("Foo: 1", "Baz: 789"), ("Foo: 1", "Baz: 789"))
        for lines in (
            ("Vary: *",), ("Vary: *, *",), ("Vary: *", "Vary: *"), ("Vary: , *",), ("Vary: ", "Vary: *"),
            ("Vary: *, Foo",), ("Vary: Foo, *",),
        )
    ),
    ("4.1 a variant leaves the other one", [
        first(FRESH, "Vary: Foo", asking=("Foo: 1",)), then(FETCHED, FRESH, "Vary: Foo", asking=("Foo: 2",)),
        then(CACHED, asking=("Foo: 1",)), then(CACHED, asking=("Foo: 2",)),
    ]),
    # -- 5.2.1, 5.4: what a user's own request asks --
    twice("5.2.1.1 max-age=0", FETCHED, FRESH, now=("Cache-Control: max-age=0",)),
    twice("5.2.1.1 max-age=1", FETCHED, FRESH, now=("Cache-Control: max-age=1",)),
    twice("5.2.1.1 of an aged answer", FETCHED, FRESH, "Age: 1800", now=("Cache-Control: max-age=600",)),
    twice("5.2.1.3 min-fresh", FETCHED, "Cache-Control: max-age=1500", now=("Cache-Control: min-fresh=2000",)),
    twice("5.2.1.3 of an aged answer", FETCHED, "Cache-Control: max-age=1500", "Age: 1000",
          now=("Cache-Control: min-fresh=1000",)),
    twice("5.2.1.4 no-cache", FETCHED, FRESH, now=("Cache-Control: no-cache",)),
    twice("5.2.1.4 no-cache asks about it", ASKED, FRESH, TAG, now=("Cache-Control: no-cache",)),
    twice("5.4 Pragma", FETCHED, FRESH, now=("Pragma: no-cache",)),
    twice("5.4 another Pragma", CACHED, FRESH, now=("Pragma: unknown",)),
    twice("5.4 an answer's Pragma says nothing", CACHED, FRESH, "Pragma: no-cache"),
    # -- what is never kept --
    twice("206", FETCHED, FRESH, "Content-Range: bytes 0-3/9", status=206),
    twice("a Range goes past the cache", FETCHED, FRESH, asking=("Range: bytes=0-3",)),
]  # fmt: skip


def pairs(lines):
    """(name, value) of "Name: value" lines, in which {N} is the HTTP date N seconds from the first request."""
    return tuple(
        (name, re.sub(r"\{(-?\d+)\}", lambda found: format_http_date(BEGAN + int(found[1])), value.strip()))
        for name, _, value in (line.partition(":") for line in lines)
    )


class Server:
    """Answers one step's request, and is what the cache stands on: its requester and its hops too."""

    def __init__(self):
        self.step = first()
        self.sent = []

    async def send(self, _, conditions, __=None):
        self.sent.append(dict(conditions))
        step = self.step
        if step.fails is not None:
            raise RequestFailed(Failure(step.fails, "as it was told to"), 0.0)
        status = 304 if step.want == ASKED and conditions else step.status
        if step.status == 304 and not conditions:
            status = 200
        headers = reply(status).headers.copy()
        headers.extend(pairs(step.said))
        return Answer(Response(status, headers, b"" if status == 304 else b"page"), Outcome(status), 0.0)

    def unused(self, _):
        """A grant is given back."""

    async def grant(self, _):
        return "grant"


async def play(steps):
    """What each step cost, and what was given."""
    server, now = Server(), BEGAN
    caching = Caching(MemoryCache(), server, server, made_under="these", max_body_bytes=0, wall=lambda: now)
    found = []
    for step in steps:
        now += step.after
        server.step = step
        server.sent.clear()
        try:
            answer = await caching.answer(
                Asked(parse_target(step.url), pairs(step.asking), server.send, lambda _: None), "grant"
            )
        except RequestFailed:
            answer = None
        reused = answer is not None and answer.kept is not None and answer.kept.from_cache
        unchanged = reused and step.fails is None and step.status not in {500, 502, 503, 504}
        cost = FETCHED if not reused else ASKED if server.sent and unchanged else CACHED
        found.append((cost, list(server.sent), answer))
    return found


@pytest.mark.parametrize(("name", "steps"), CASES, ids=[name for name, _ in CASES])
def test_a_case(name, steps):
    found = run(play(steps))
    assert [cost for cost, _, _ in found] == [step.want for step in steps], name
    for (_, sent, answer), step in zip(found, steps, strict=True):
        if step.conditions is not None:
            assert sent == [step.conditions]
        for field_name, value in step.holds.items():
            assert answer.response.headers.get(field_name) == value, field_name


def test_there_are_more_cases_than_the_public_suite_requires():
    names = [name for name, _ in CASES]
    assert len(names) == len(set(names)) > 160
    assert all(LEFT_OUT.values())
