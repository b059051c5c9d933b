from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.policy.lead import identity, is_listing, name_of, no_person


@pytest.mark.parametrize(
    "info",
    [
        {"name": "Emeritus"},
        {"name": "Emeritus Faculty"},
        {"name": "Faculty & Staff Directory"},
        {"name": "All People"},
        {"name": "Department of Research"},
        {"name": "12345"},
        {"name": "info@example.org"},
        {"name": "https://example.org/a"},
        {"url": "https://uni.example/people/"},
        {"url": "https://uni.example/people/category/emeritus"},
        {"profile_url": "https://uni.example/faculty/index.html"},
        {"url": "https://uni.example/people?page=3"},
    ],
)
def test_what_is_plainly_no_person_is_left_out(info):
    assert no_person(info)


@pytest.mark.parametrize(
    "info",
    [
        {"name": "Larry Page"},
        {"name": "Ada Lovelace", "url": "https://uni.example/people/"},
        {"name": "Home Staff-Lee"},
        {"name": "María José Núñez"},
        {"name": "孫 文"},
        {"first_name": "Ada", "last_name": "Dean"},
        {"url": "https://uni.example/people/ada-lovelace"},
        {"url": "https://uni.example/?page_id=42"},
        {"url": "https://ada.example/"},
        {"email": "ada@example.org"},
        {},
    ],
)
def test_a_doubt_is_the_users(info):
    assert no_person(info) is None


def test_a_name_is_found_whole_or_in_parts():
    assert name_of({"full_name": " Ada Lovelace "}) == "Ada Lovelace"
    assert name_of({"first_name": "Ada", "last_name": "Lovelace"}) == "Ada Lovelace"
    assert name_of({"email": "a@b.example"}) == ""


@settings(deadline=None)
@given(st.text())
def test_any_url_is_judged(url):
    assert is_listing(url) in {True, False}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "Ada Lovelace", "email": "ada@x.example"}, {"name": "  ada LOVELACE ", "email": "Ada@X.example"}),
        ({"name": "Prof. Ada Lovelace", "company": "X"}, {"name": "Ada Lovelace", "company": "x", "note": "again"}),
        ({"linkedin": "https://www.linkedin.com/in/ada/"}, {"linkedin_url": "http://linkedin.com/in/ada?x=1"}),
        ({"name": "Ada", "url": "https://x.example/ada/"}, {"name": "Ada", "url": "http://www.x.example/ada#top"}),
    ],
)
def test_the_same_lead_is_known_again(one, other):
    assert identity("enrich-lead", one) == identity("enrich-lead", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "Ada Lovelace", "company": "X"}, {"name": "Ada Lovelace", "company": "Y"}),
        ({"name": "Ada", "email": "info@x.example"}, {"name": "Bob", "email": "info@x.example"}),
        ({"name": "Ada", "born": "1815"}, {"name": "Ada", "born": "1915"}),
        ({"domain": "a.example"}, {"domain": "b.example"}),
    ],
)
def test_namesakes_are_kept_apart(one, other):
    assert identity("enrich-lead", one) != identity("enrich-lead", other)


def test_the_same_lead_for_another_call_is_another():
    assert identity("find-email", {"name": "Ada"}) != identity("enrich-lead", {"name": "Ada"})
