"""Dates become RFC 3339, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.nlp.dates import as_shown, from_url, to_rfc3339


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-09-08", "2021-09-08"),
        ("2021-09-08T12:30:05+02:00", "2021-09-08T12:30:05+02:00"),
        ("2021-09-08T12:30:05.123Z", "2021-09-08T12:30:05Z"),
        ("2021-09-08 12:30 +0200", "2021-09-08T12:30:00+02:00"),
        ("2021-09-08T12:30:05", "2021-09-08"),
        ("2021-09-08T25:30:05Z", "2021-09-08"),
        ("20210908", "2021-09-08"),
        ("Wed, 08 Sep 2021 10:00:00 GMT", "2021-09-08T10:00:00Z"),
        ("Wed, 08 Sep 2021 10:00:00 -0500", "2021-09-08T10:00:00-05:00"),
        ("Published on September 8th, 2021 at noon", "2021-09-08"),
        ("8 Sept. 2021", "2021-09-08"),
        ("08.09.2021", "2021-09-08"),
        ("09/28/2021", "2021-09-28"),
        ("28/09/2021", "2021-09-28"),
        ("09/08/2021", None),
        ("2021-02-30", None),
        ("1784-01-01", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(text, expected):
    assert to_rfc3339(text) == expected


def test_a_date_in_an_address():
    assert from_url("https://a.example/2021/9/08/post") == "2021-09-08"
    assert from_url("https://a.example/2021/13/08/post") is None


@pytest.mark.parametrize(
    ("stated", "shown", "expected"),
    [
        ("2021-09-09T02:41:41Z", "2021-09-08", "2021-09-08"),
        ("2021-09-09T02:41:41+00:00", "2021-09-08", "2021-09-08"),
        ("2021-09-09", "2021-09-08", "2021-09-08"),
        ("2021-09-09T02:41:41+02:00", "2021-09-08", "2021-09-09T02:41:41+02:00"),
        ("2021-09-09T02:41:41Z", "2021-09-01", "2021-09-09T02:41:41Z"),
        ("2021-09-09T02:41:41Z", "2021-09-09", "2021-09-09T02:41:41Z"),
        ("2021-09-09T02:41:41Z", None, "2021-09-09T02:41:41Z"),
        (None, "2021-09-08", "2021-09-08"),
        (None, None, None),
    ],
)
def test_the_day_of_a_moment_is_the_one_that_readers_see(stated, shown, expected):
    assert as_shown(stated, shown) == expected


@given(st.text(max_size=100))
def test_any_text_is_a_date_or_none(text):
    found = to_rfc3339(text)
    assert found is None or found[4] == "-"
