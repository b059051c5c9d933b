from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.url import Target, parse_target
from engine.policy.traps import clean, shape, trap

YEAR = 2026


@pytest.mark.parametrize(
    ("url", "cleaned"),
    [
        ("https://h/a;jsessionid=0A1B2C?x=1", "https://h/a?x=1"),
        ("https://h/a?PHPSESSID=abc", "https://h/a"),
        ("https://h/a?x=1&sid=0123456789abcdef&y=2", "https://h/a?x=1&y=2"),
        ("https://h/a?sid=42", "https://h/a?sid=42"),
        ("https://h/(S(ab1cdefghijklmnopqrstuvw))/p", "https://h/p"),
        ("https://h/a?utm_source=x&id=7&fbclid=q", "https://h/a?id=7"),
        ("https://h/a?", "https://h/a?"),
        ("https://h/a?b", "https://h/a?b"),
    ],
)
def test_what_names_a_visit_is_cut_out(url, cleaned):
    assert clean(url) == cleaned


@pytest.mark.parametrize(
    "url",
    [
        "https://h/a/a/a",
        "https://h/x/a/b/a/b/a/b/y",
        "https://h/a/1/b/a/2/b/a/3/b/a",
        "https://h/" + "/".join(map(str, range(21))),
        "https://h/" + "x" * 2_000,
        "https://h/p?" + "&".join(f"p{n}=1" for n in range(13)),
        "https://h/p?a=1&a=2&a=3&a=4",
        "https://h/calendar/2031/05",
        "https://h/kalender?year=2014&month=3",
        "https://h/index.php?date=2199-01-01",
        "https://h/events/202811/",
        "https://h/calendar/20300131",
    ],
)
def test_a_url_that_can_only_be_a_traps_is_refused(url):
    assert trap(url, YEAR)


@pytest.mark.parametrize(
    "url",
    [
        "https://h/",
        "https://h/a/b/a/b",
        "https://h/2011/11/11/post",
        "https://h/calendar/2027/01",
        "https://h/events/2019/harvest-fair",
        "https://h/archive/1887/letters",
        "https://h/product/2050",
        "https://h/datenschutz/4711",
        "https://h/p?a=1&a=2&a=3",
        "https://calendar.example/2050",
    ],
)
def test_an_ordinary_url_is_none(url):
    assert trap(url, YEAR) is None


def test_urls_that_differ_in_numbers_ids_and_values_have_one_shape():
    assert shape("https://h/p/12?b=1&a=2") == shape("https://h/p/7?a=9&b=8")
    assert shape("https://h/x/deadbeef01") == shape("https://h/x/0123abcd99")
    assert len({shape(f"https://h{path}") for path in ("/p/1", "/q/1", "/p/1?a=1", "/p/1/2", "/p")}) == 5


texts = st.text(max_size=60) | st.from_regex(r"https?://[a-z]{1,3}(/[a-z0-9;=().%-]{0,9}){0,9}(\?[a-z0-9=&_-]{0,30})?")


@given(texts, st.integers(1, 9999))
def test_no_text_makes_them_raise_and_cleaning_twice_is_cleaning_once(url, year):
    assert clean(clean(url)) == clean(url)
    trap(url, year)
    shape(url)


@given(st.from_regex(r"https?://[a-z]{1,3}\.[a-z]{2}(/[a-z0-9;=()]{0,9}){1,5}(\?[a-z0-9=&_]{0,30})?", fullmatch=True))
def test_cleaning_never_leaves_the_host(url):
    before, after = parse_target(url), parse_target(clean(url))
    assert isinstance(before, Target)
    assert isinstance(after, Target)
    assert (after.origin, len(clean(url)) <= len(url)) == (before.origin, True)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), st.integers(3, 5))
def test_every_cycle_is_found(cycle, times):
    assert trap("https://h/" + "/".join(cycle * times), YEAR)
