"""RFC 9111 as tables. Each case names the section that asks for it; what is left out stands in LEFT_OUT, with why."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.policy.cache_control import MAX_DELTA_S
from engine.policy.freshness import (
    MAX_HEURISTIC_S,
    MAX_VALIDATOR_CHARS,
    age_s,
    assess,
    cacheable_request,
    lifetime_s,
    storable,
    to_store,
    updated,
    variant_key,
    vary_names,
)
from engine.policy.http_date import format_http_date

NOW = 1_800_000_000.0
DAY = 86_400
REQUEST = (("User-Agent", "enrich-engine/1"), ("Accept", "text/html"))

#: Requirements of RFC 9111 (by section) that no case stands for.
LEFT_OUT = {
    "3.3": "incomplete answers are not kept at all: the transport gives whole ones or none",
    "3.4": "nor are partial ones combined: no Range is ever sent, and a 206 is not kept",
    "4.3.5": "no HEAD is ever sent",
    "4.4": "only GET is ever sent, so nothing here makes other answers invalid",
    "5.2.1.6": "no-transform concerns what is forwarded",
    "5.2.1.7": "only-if-cached: the engine's own requests have no use for a 504 of its own making",
    "5.2.2.6": "no-transform concerns what is forwarded",
    "5.5": "Warning is obsolete",
}


def at(seconds):
    return format_http_date(NOW + seconds)


def fields(*lines):
    """Fields from "Name: value" lines, in which {N} is the HTTP date N seconds from now."""
    return tuple(
        (name, re.sub(r"\{(-?\d+)\}", lambda found: at(int(found[1])), value.strip()))
        for name, _, value in (line.partition(":") for line in lines)
    )


def keep(*lines, status=200, request=REQUEST, delay=0.0):
    return to_store(status, request, fields(*lines), NOW - delay, NOW)


# -- section 3: what is kept ------------------------------------------------------------------------------------------

KEPT = [
    # section, kept?, status, request lines, response lines
    ("3 explicit", True, 200, [], ["Cache-Control: max-age=60"]),
    ("3 explicit", True, 200, [], ["Expires: {60}"]),
    ("3 explicit", True, 200, [], ["Cache-Control: s-maxage=60"]),
    ("3 validator", True, 200, [], ['ETag: "a"']),
    ("3 validator", True, 200, [], ["Last-Modified: {-100}"]),
    ("3 validator", True, 200, [], ["Cache-Control: no-cache", 'ETag: "a"']),
    ("3 validator", True, 200, [], ["Cache-Control: max-age=0", 'ETag: "a"']),
    ("of no use", False, 200, [], []),
    ("of no use", False, 200, [], ["Cache-Control: max-age=0"]),
    ("of no use", False, 200, [], ["Cache-Control: public"]),
    ("of no use", False, 200, [], ["Expires: 0"]),
    ("5.2.2.5", False, 200, [], ["Cache-Control: no-store", 'ETag: "a"']),
    ("5.2.2.5", False, 200, [], ["Cache-Control: No-StOrE", 'ETag: "a"']),
    ("5.2.2.5", False, 200, [], ["Cache-Control: max-age=10000, no-store", "Expires: {10000}", "Date: {0}"]),
    ("5.2.2.5", False, 200, [], ["Cache-Control: max-age=10000", "Cache-Control: no-store"]),
    ("5.2.2.5", False, 200, [], ["Cache-Control: no-cache no-store", 'ETag: "a"']),
    ("5.2.2.5", True, 200, [], ['Cache-Control: ext="no-store", max-age=60']),
    ("5.2.2.3", True, 200, [], ["Cache-Control: must-understand, no-store, max-age=60"]),
    ("5.2.2.3", False, 299, [], ["Cache-Control: must-understand, max-age=60"]),
    ("5.2.2.7", False, 200, [], ["Cache-Control: private, max-age=3600"]),
    ("5.2.2.7", False, 200, [], ['Cache-Control: private="set-cookie", max-age=3600']),
    ("5.2.1.5", False, 200, ["Cache-Control: no-store"], ["Cache-Control: max-age=60"]),
    ("3.5", False, 200, ["Authorization: Basic eDp5"], ["Cache-Control: max-age=60"]),
    ("3.5", True, 200, ["authorization: Basic eDp5"], ["Cache-Control: max-age=60, public"]),
    ("3.5", True, 200, ["Authorization: Basic eDp5"], ["Cache-Control: s-maxage=60"]),
    ("3.5", True, 200, ["Authorization: Basic eDp5"], ["Cache-Control: max-age=60, must-revalidate"]),
    ("4.1", False, 200, [], ["Vary: *", "Cache-Control: max-age=60"]),
    ("4.1", False, 200, [], ["Vary: *, *", "Cache-Control: max-age=60"]),
    ("4.1", False, 200, [], ["Vary: , *", "Cache-Control: max-age=60"]),
    ("4.1", False, 200, [], ["Vary: ", "Vary: *", "Cache-Control: max-age=60"]),
    ("4.1", False, 200, [], ["Vary: Accept, *", "Cache-Control: max-age=60"]),
    ("4.1", True, 200, [], ["Vary: Accept", "Cache-Control: max-age=60"]),
    ("3 final", False, 103, [], ["Cache-Control: max-age=60"]),
    ("3 final", False, 999, [], ["Cache-Control: max-age=60"]),
    ("partial", False, 206, [], ["Cache-Control: max-age=60"]),
    ("4.3.3", False, 304, [], ["Cache-Control: max-age=60"]),
    ("range", False, 200, ["Range: bytes=0-9"], ["Cache-Control: max-age=60"]),
    ("4.3.2", False, 200, ['If-None-Match: "x"'], ["Cache-Control: max-age=60"]),
    *(("3 by status", True, status, [], ["Last-Modified: {-1000}"]) for status in (200, 203, 204, 300, 301, 308)),
    *(("3 by status", True, status, [], ["Last-Modified: {-1000}"]) for status in (404, 405, 410, 414, 501)),
    *(("3 by status", False, status, [], ["Last-Modified: {-1000}"]) for status in (201, 202, 302, 303, 307)),
    *(("3 by status", False, status, [], ["Last-Modified: {-1000}"]) for status in (400, 403, 500, 502, 503, 504, 599)),
    *(
        ("3 explicit", True, status, [], ["Cache-Control: max-age=60"])
        for status in (201, 302, 307, 403, 500, 503, 599)
    ),
    ("4.2.2 public", True, 599, [], ["Last-Modified: {-1000}", "Cache-Control: public"]),
]


@pytest.mark.parametrize(("section", "kept", "status", "request_lines", "lines"), KEPT)
def test_what_is_kept(section, kept, status, request_lines, lines):
    stored = to_store(status, (*REQUEST, *fields(*request_lines)), fields(*lines), NOW, NOW)
    assert (stored is not None) == kept, section


def test_the_fields_of_a_connection_are_not_kept():
    """Section 3.1: what Connection names, what the hop alone concerns, what a proxy asks for."""
    stored = keep(
        "Cache-Control: max-age=60", "Connection: a, B", "A: 1", "b: 2", "C: 3", "Keep-Alive: timeout=5",
        "Transfer-Encoding: chunked", "Proxy-Authenticate: Basic", "Proxy-Authentication-Info: x", "Set-Cookie: d=4",
    )  # fmt: skip
    assert {name for name, _ in stored.fields} == {"Cache-Control", "C", "Set-Cookie", "Date"}


@pytest.mark.parametrize("lines", [(), ("Date: 0",), ("Date: yesterday",)])
def test_an_answer_without_a_date_gets_one(lines):
    """RFC 9110, section 6.6.1."""
    assert [value for name, value in keep("Cache-Control: max-age=60", *lines).fields if name == "Date"] == [at(0)]


# -- section 4.2: freshness -------------------------------------------------------------------------------------------

LIFETIMES = [
    # section, seconds, response lines (all with an entity tag)
    ("4.2.1", 3600, ["Cache-Control: max-age=3600"]),
    ("4.2.1", 3600, ["Cache-Control: foobar, max-age=3600"]),
    ("4.2.1", 3600, ["Cache-Control: MaX-aGe=3600"]),
    ("1.2.2", MAX_DELTA_S, ["Cache-Control: max-age=99999999999"]),
    ("4.2.1", 3600, ["Cache-Control: max-age=3600", "Expires: {-10000}", "Date: {0}"]),
    ("4.2.1", 3600, ["Cache-Control: max-age=3600", "Expires: 0", "Date: {0}"]),
    ("4.2.1", 0, ["Cache-Control: max-age=0", "Expires: {10000}", "Date: {0}"]),
    ("4.2.1", 0, ["Cache-Control: max-age=1x", "Expires: {10000}", "Date: {0}"]),
    ("4.2.1 twice", 0, ["Cache-Control: max-age=1800", "Cache-Control: max-age=1"]),
    ("5.2.2.10", 60, ["Cache-Control: s-maxage=60"]),
    ("5.2.2.10 longer max-age", 1, ["Cache-Control: max-age=3600, s-maxage=1"]),
    ("5.2.2.10 longer max-age", 1, ["Cache-Control: s-maxage=1", "Cache-Control: max-age=3600"]),
    ("a private cache's", 1, ["Cache-Control: s-maxage=3600, max-age=1"]),
    ("5.3", 600, ["Expires: {600}", "Date: {0}"]),
    ("5.3 no Date", 600, ["Expires: {600}"]),
    ("5.3 by its Date", 700, ["Expires: {600}", "Date: {-100}"]),
    ("5.3", 0, ["Expires: {-600}", "Date: {0}"]),
    ("5.3", 0, ["Expires: {0}", "Date: {0}"]),
    ("5.3 invalid", 0, ["Expires: 0", "Last-Modified: {-1000000}"]),
    ("5.3 invalid", 0, ["Expires: ", "Last-Modified: {-1000000}"]),
    ("5.3 twice", 600, ["Expires: {600}", "Expires: {600}", "Date: {0}"]),
    ("5.3 twice", 0, ["Expires: {600}", "Expires: {700}", "Date: {0}"]),
    ("4.2 case", 600, [f"Expires: {at(600).upper()}", "Date: {0}"]),
    ("4.2 zone", 0, [f"Expires: {at(600).replace('GMT', 'UTC')}", "Date: {0}"]),
    ("4.2.2", 1000, ["Last-Modified: {-10000}", "Date: {0}"]),
    ("4.2.2 bounded", MAX_HEURISTIC_S, [f"Last-Modified: {{{-1000 * DAY}}}", "Date: {0}"]),
    ("4.2.2 of the future", 0, ["Last-Modified: {1000}", "Date: {0}"]),
    ("4.2.2 nothing said", 0, []),
]


@pytest.mark.parametrize(("section", "seconds", "lines"), LIFETIMES)
def test_lifetimes(section, seconds, lines):
    assert lifetime_s(keep('ETag: "a"', *lines)) == seconds, section


AGES = [
    # section, age on arrival, delay of the answer, response lines
    ("4.2.3", 0, 0, ["Date: {0}"]),
    ("4.2.3 apparent", 100, 0, ["Date: {-100}"]),
    ("4.2.3 a clock ahead", 0, 0, ["Date: {100}"]),
    ("4.2.3 no Date", 0, 0, []),
    ("4.2.3 said", 30, 0, ["Date: {0}", "Age: 30"]),
    ("4.2.3 delay", 35, 5, ["Date: {0}", "Age: 30"]),
    ("4.2.3 the older", 100, 5, ["Date: {-100}", "Age: 30"]),
    ("5.1 the first", 7200, 0, ["Age: 7200, 0"]),
    ("5.1 the first", 0, 0, ["Age: 0, 7200"]),
    ("5.1 the first", 7200, 0, ["Age: 7200", "Age: 0"]),
    ("5.1 ignored", 0, 0, ["Age: abc"]),
    ("5.1 ignored", 0, 0, ["Age: -7200"]),
    ("5.1 ignored", 0, 0, ["Age: 7200.0"]),
    ("1.2.2", MAX_DELTA_S, 0, ["Age: 99999999999999"]),
]


@pytest.mark.parametrize(("section", "age", "delay", "lines"), AGES)
def test_ages(section, age, delay, lines):
    stored = keep('ETag: "a"', *lines, delay=delay)
    assert age_s(stored, NOW) == age, section
    assert age_s(stored, NOW + 10) == age + 10, section


FRESH = [
    # section, fresh?, seconds after it came, request lines, response lines
    ("4.2", True, 59, [], ["Cache-Control: max-age=60"]),
    ("4.2", False, 60, [], ["Cache-Control: max-age=60"]),
    ("4.2 age", False, 0, [], ["Cache-Control: max-age=10", "Age: 15"]),
    ("4.2 a clock that went back", False, -3600, [], ["Cache-Control: max-age=60"]),
    ("5.2.2.4", False, 0, [], ["Cache-Control: max-age=60, no-cache"]),
    ("5.2.2.4", False, 0, [], ["Cache-Control: max-age=60, No-CaChE"]),
    ("5.2.2.4", False, 0, [], ['Cache-Control: max-age=60, no-cache="a"']),
    ("5.2.2.2", True, 59, [], ["Cache-Control: max-age=60, must-revalidate"]),
    ("5.2.2.2", False, 60, [], ["Cache-Control: max-age=60, must-revalidate"]),
    ("RFC 8246", False, 60, [], ["Cache-Control: max-age=60, immutable"]),
    ("RFC 5861", False, 60, [], ["Cache-Control: max-age=60, stale-while-revalidate=60"]),
    ("5.2.1.4", False, 0, ["Cache-Control: no-cache"], ["Cache-Control: max-age=60"]),
    ("5.2.1.1", False, 10, ["Cache-Control: max-age=5"], ["Cache-Control: max-age=60"]),
    ("5.2.1.1", True, 5, ["Cache-Control: max-age=5"], ["Cache-Control: max-age=60"]),
    ("5.2.1.1", False, 1, ["Cache-Control: max-age=0"], ["Cache-Control: max-age=60"]),
    ("5.2.1.1 unreadable", False, 1, ["Cache-Control: max-age=x"], ["Cache-Control: max-age=60"]),
    ("5.2.1.3", False, 10, ["Cache-Control: min-fresh=51"], ["Cache-Control: max-age=60"]),
    ("5.2.1.3", True, 10, ["Cache-Control: min-fresh=50"], ["Cache-Control: max-age=60"]),
    ("5.2.1.2", False, 70, ["Cache-Control: max-stale=100"], ["Cache-Control: max-age=60"]),
    ("5.4", False, 0, ["Pragma: no-cache"], ["Cache-Control: max-age=60"]),
    ("5.4", True, 0, ["Pragma: no-cache", "Cache-Control: max-age=60"], ["Cache-Control: max-age=60"]),
    ("5.4 not for answers", True, 0, [], ["Pragma: no-cache", "Cache-Control: max-age=60"]),
]


@pytest.mark.parametrize(("section", "fresh", "after", "request_lines", "lines"), FRESH)
def test_freshness(section, fresh, after, request_lines, lines):
    assessed = assess(keep('ETag: "a"', *lines), (*REQUEST, *fields(*request_lines)), NOW + after)
    assert assessed.fresh == fresh, section


@pytest.mark.parametrize(
    ("usable", "after", "control"),
    [
        (True, 70, "max-age=60, stale-if-error=20"),
        (False, 80, "max-age=60, stale-if-error=20"),
        (False, 59, "max-age=60, stale-if-error=20"),  # fresh: there is nothing to excuse
        (False, 70, "max-age=60"),
        (False, 70, "max-age=60, stale-if-error"),
        (False, 70, "max-age=60, stale-if-error=20, must-revalidate"),
        (False, 70, "max-age=60, stale-if-error=20, proxy-revalidate"),
        (False, 70, "s-maxage=60, stale-if-error=20"),
        (False, 70, "max-age=60, stale-if-error=20, no-cache"),
        (False, -70, "max-age=60, stale-if-error=20"),
    ],
)
def test_a_stale_answer_is_used_only_where_the_server_said_so(usable, after, control):
    """Section 4.2.4; RFC 5861, section 4."""
    assert assess(keep(f"Cache-Control: {control}"), REQUEST, NOW + after).usable_on_error == usable


# -- section 4.3: asking again ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "conditions"),
    [
        (['ETag: "a"'], (("If-None-Match", '"a"'),)),
        (['ETag: W/"a"'], (("If-None-Match", 'W/"a"'),)),
        (["ETag: a"], (("If-None-Match", "a"),)),  # as it came: it is the server's own word
        (["Last-Modified: {-10}"], (("If-Modified-Since", at(-10)),)),
        (["Last-Modified: {-10}", 'ETag: "a"'], (("If-None-Match", '"a"'), ("If-Modified-Since", at(-10)))),
        (["Cache-Control: max-age=1"], ()),
        (["Cache-Control: max-age=1", "ETag: "], ()),
        (["Cache-Control: max-age=1", 'ETag: "a"', 'ETag: "b"'], ()),
        (["Cache-Control: max-age=1", 'ETag: "a"', 'ETag: "a"'], (("If-None-Match", '"a"'),)),
        (["Cache-Control: max-age=1", "ETag: " + "a" * (MAX_VALIDATOR_CHARS + 1)], ()),
    ],
)
def test_the_conditions_of_a_request(lines, conditions):
    assert assess(keep(*lines), REQUEST, NOW + 10).conditions == conditions


SAME = [
    # the 304 is about the stored answer?, stored lines, lines of the 304
    (True, ['ETag: "a"'], ['ETag: "a"']),
    (False, ['ETag: "a"'], ['ETag: "b"']),
    (True, ['ETag: W/"a"'], ['ETag: W/"a"']),
    (True, ['ETag: W/"a"'], ['ETag: "a"']),
    (False, ["Last-Modified: {-10}"], ['ETag: "a"']),
    (True, ["Last-Modified: {-10}"], ["Last-Modified: {-10}"]),
    (False, ["Last-Modified: {-10}"], ["Last-Modified: {-5}"]),
    (True, ['ETag: "a"', "Last-Modified: {-10}"], ['ETag: "a"', "Last-Modified: {-5}"]),
    (True, ['ETag: "a"'], []),
    (True, ["Last-Modified: {-10}"], []),
]


@pytest.mark.parametrize(("same", "lines", "lines_304"), SAME)
def test_which_304_is_about_the_stored_answer(same, lines, lines_304):
    assert (updated(keep(*lines), fields(*lines_304), NOW + 10, NOW + 11) is not None) == same


@pytest.mark.parametrize("name", ["Test-Header", "X-Content-Foo", "Content-Language", "Content-Location", "Set-Cookie"])
def test_a_304_replaces_fields_and_leaves_others(name):
    stored = keep('ETag: "a"', "Cache-Control: max-age=1", f"{name}: old", f"{name}: older", "Other: kept")
    new = updated(stored, fields(f"{name.lower()}: new", 'ETag: "a"'), NOW + 10, NOW + 11)
    assert [value for key, value in new.fields if key.lower() == name.lower()] == ["new"]
    assert ("Other", "kept") in new.fields
    assert ("Cache-Control", "max-age=1") in new.fields


@pytest.mark.parametrize("name", ["Content-Type", "Content-Length", "Content-Encoding", "Content-Range"])
def test_a_304_leaves_what_the_kept_body_and_row_were_made_by(name):
    """Section 3.2."""
    new = updated(keep('ETag: "a"', f"{name}: old"), fields(f"{name}: new"), NOW, NOW)
    assert [value for key, value in new.fields if key == name] == ["old"]


def test_a_304_makes_a_stale_answer_fresh_again():
    stored = keep('ETag: "a"', "Cache-Control: max-age=60", "Age: 50", "Date: {0}")
    assert not assess(stored, REQUEST, NOW + 100).fresh
    new = updated(stored, fields("Date: {100}"), NOW + 100, NOW + 100)
    assert assess(new, REQUEST, NOW + 159).fresh
    assert not assess(new, REQUEST, NOW + 160).fresh


def test_a_304_without_a_date_is_dated_by_its_coming():
    new = updated(keep('ETag: "a"', "Cache-Control: max-age=60", "Date: {-1000}"), (), NOW + 100, NOW + 100)
    assert age_s(new, NOW + 100) == 0


def test_a_304_may_forbid_to_keep_the_answer_any_longer():
    new = updated(keep('ETag: "a"'), fields("Cache-Control: no-store"), NOW, NOW)
    assert not storable(new.status, REQUEST, new.fields)


def test_fields_of_the_connection_of_a_304_are_not_kept():
    new = updated(keep('ETag: "a"'), fields("Connection: close, X", "X: 1"), NOW, NOW)
    assert {name for name, _ in new.fields} == {"ETag", "Date"}


# -- section 4.1: Vary ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("same", "vary", "first", "second"),
    [
        (True, [], ["Accept: a"], ["Accept: b"]),
        (False, ["Vary: Accept"], ["Accept: a"], ["Accept: b"]),
        (False, ["Vary: aCCept"], ["Accept: a"], ["accept: b"]),
        (True, ["Vary: Accept"], ["Accept: a"], ["accept:  a "]),
        (True, ["Vary: Accept"], ["Accept: a,b"], ["Accept: a , b"]),
        (True, ["Vary: Accept"], ["Accept: a", "Accept: b"], ["Accept: a, b"]),
        (False, ["Vary: Accept"], ["Accept: a, b"], ["Accept: b, a"]),
        (False, ["Vary: Accept"], ["Accept: "], []),
        (True, ["Vary: Accept"], [], []),
        (False, ["Vary: Foo, Accept"], ["Accept: a"], ["Accept: b"]),
        (False, ["Vary: Foo", "Vary: Accept"], ["Accept: a"], ["Accept: b"]),
        (True, ["Vary: Foo, Accept"], ["Accept: a", "Foo: 1"], ["Foo: 1", "Accept: a"]),
        (False, ["Vary: Foo, Accept"], ["Foo: a", "Accept: b"], ["Foo: b", "Accept: a"]),
        # Beyond the RFC: no identity is given another's page.
        (False, [], ["Cookie: a=1"], ["Cookie: a=2"]),
        (False, [], ["Cookie: a=1"], []),
        (False, [], ["Authorization: Basic a"], ["Authorization: Basic b"]),
    ],
)
def test_variants(same, vary, first, second):
    names = vary_names(fields(*vary))
    assert (variant_key(names, fields(*first)) == variant_key(names, fields(*second))) == same


def test_a_key_holds_no_secret():
    assert b"hunter2" not in variant_key(("authorization",), (("Authorization", "hunter2"),))


@pytest.mark.parametrize("name", ["Range", "if-none-match", "If-Modified-Since", "If-Match", "If-Range"])
def test_requests_with_conditions_of_their_own_go_past_the_cache(name):
    assert not cacheable_request((*REQUEST, (name, "x")))
    assert cacheable_request(REQUEST)


def test_no_section_is_both_tested_and_left_out():
    tested = {case[0].split()[0] for table in (KEPT, LIFETIMES, AGES, FRESH) for case in table}
    assert not tested & LEFT_OUT.keys()


# -- whatever comes ---------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["Cache-Control", "cache-control", "Expires", "Date", "Age", "Last-Modified", "ETag", "Vary", "Connection", "X"]
)
CONTROL = st.lists(
    st.sampled_from([
        "max-age=60", "max-age=0", "s-maxage=99", "no-cache", "no-store", "private", "public", "max-age", "max-age=x",
        "must-revalidate", "must-understand", "stale-if-error=9", 'ext="no-store"', ";", "",
    ])
).map(", ".join)  # fmt: skip
VALUES = (
    CONTROL
    | st.integers(-(10**9), 2 * 10**9).map(lambda s: format_http_date(max(0.0, NOW + s)))
    | st.integers(-5, 10**12).map(str)
    | st.sampled_from(["*", "Accept", "", "0", '"a"', 'W/"a"'])
    | st.text(max_size=20)
)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=5).map(tuple)
STATUS = st.integers(100, 999)


@given(STATUS, FIELDS, FIELDS, FIELDS, st.floats(-1e6, 1e9))
def test_laws(status, request, response, fields_304, after):
    stored = to_store(status, request, response, NOW, NOW + 1)
    said = {word.strip() for name, value in response if name.lower() == "cache-control" for word in value.split(",")}
    if stored is None:
        return
    assert "private" not in said
    assert "no-store" not in said or "must-understand" in said
    assert storable(status, request, response)
    assert 0 <= lifetime_s(stored) <= max(MAX_DELTA_S, 2.1e9)
    assessed = assess(stored, request, NOW + after)
    assert assessed.age_s >= 0
    # Once stale, always stale, and no answer is both fresh and in need of an excuse.
    if not assessed.fresh and after >= 1:
        assert not assess(stored, request, NOW + after + 1).fresh or "min-fresh" in str(request)
    assert not (assessed.fresh and assessed.usable_on_error)
    assert not ("no-cache" in said and assessed.fresh)
    new = updated(stored, fields_304, NOW + 10, NOW + 11)
    if new is not None:
        assert new.status == status
        assert sum(name.lower() == "date" for name, _ in new.fields) >= 1
        again = updated(new, fields_304, NOW + 10, NOW + 11)
        assert again is None or again == new  # the same 304 twice says nothing new


@given(FIELDS, FIELDS)
def test_a_variant_is_the_same_for_the_same_request(request, response):
    names = vary_names(response)
    assert variant_key(names, request) == variant_key(names, tuple(request))
    assert set(names) >= {"authorization", "cookie"}
