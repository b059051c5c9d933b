from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.policy.http_date import format_http_date, parse_http_date

#: Sun, 06 Nov 1994 08:49:37 GMT, the moment of RFC 9110's examples.
MOMENT = 784_111_777.0
NOW = 1_800_000_000.0  # January 2027


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "sun, 06 nov 1994 08:49:37 gmt",
        "SUN, 06 NOV 1994 08:49:37 GMT",
        " Sun, 06 Nov 1994 08:49:37 GMT\t",
        # The day of the week is not checked: browsers do not, and the rest names the moment.
        "Mon, 06 Nov 1994 08:49:37 GMT",
    ],
)
def test_all_forms_in_any_case_name_the_same_moment(text):
    assert parse_http_date(text, NOW) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1",
        "784111777",
        "never",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 EST",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun 06 Nov 1994 08:49:37 GMT",
        "Sun, 06  Nov  1994 08:49:37 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 08.49.37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, \N{ARABIC-INDIC DIGIT ZERO}6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
    ],
)
def test_anything_else_is_no_date(text):
    assert parse_http_date(text, NOW) is None


def test_two_digits_of_a_year_more_than_fifty_years_ahead_are_of_the_past():
    year = 365.2425 * 86_400
    assert parse_http_date("Sunday, 06-Nov-76 08:49:37 GMT", NOW) > NOW + 49 * year
    assert parse_http_date("Sunday, 06-Nov-78 08:49:37 GMT", NOW) < NOW - 48 * year


def test_a_leap_second_is_the_one_after():
    assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", NOW) == parse_http_date(
        "Sun, 01 Jan 2017 00:00:00 GMT", NOW
    )


@given(st.integers(0, 253_402_300_799))
def test_what_is_written_reads_as_the_same(seconds):
    assert parse_http_date(format_http_date(seconds), NOW) == seconds


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"))
def test_no_text_is_an_error(text):
    found = parse_http_date(text, NOW)
    assert found is None or isinstance(found, float)
