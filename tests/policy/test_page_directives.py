"""X-Robots-Tag and the robots meta element: whom they are for, and what they forbid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.policy.page_directives import (
    MAX_CHARS,
    MAX_DIRECTIVES,
    forbids_indexing,
    forbids_quoting,
    page_directives,
)

TOKEN = "Our-Bot"
NOW = 1_700_000_000.0  # 14 November 2023


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ()),
        (["noindex"], ("noindex",)),
        ([" NOINDEX ,  NoFollow,, "], ("noindex", "nofollow")),
        (["noindex", "nofollow, noindex"], ("noindex", "nofollow")),
        (["our-bot: noindex, nofollow"], ("noindex", "nofollow")),
        (["OUR-BOT : noindex"], ("noindex",)),
        (["otherbot: noindex, nofollow"], ()),
        (["otherbot: noindex", "noarchive"], ("noarchive",)),
        (["nofollow, otherbot: noindex, our-bot: nosnippet"], ("nofollow", "nosnippet")),
        (["max-snippet: 50, max-image-preview:large"], ("max-snippet:50", "max-image-preview:large")),
        (["our-bot: max-snippet:0"], ("max-snippet:0",)),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST"], ("unavailable_after:25 jun 2010 15:00:00 pst",)),
        (
            ["unavailable_after: Friday, 25-Jun-10 15:00:00 GMT, nofollow"],
            ("unavailable_after:friday, 25-jun-10 15:00:00 gmt", "nofollow"),
        ),
        ([":"], ()),
    ],
)
def test_header_lines(lines, expected):
    assert page_directives(lines, {}, TOKEN) == expected


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"description": "noindex"}, ()),
        ({"robots": "noindex,follow"}, ("noindex", "follow")),
        ({"robots": "index", "our-bot": "none"}, ("index", "none")),
        ({"otherbot": "noindex"}, ()),
    ],
)
def test_meta_elements(meta, expected):
    assert page_directives([], meta, TOKEN) == expected


def test_both_count_and_each_once():
    assert page_directives(["nofollow, noarchive"], {"robots": "noindex, nofollow"}, TOKEN) == (
        "nofollow", "noarchive", "noindex"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("directive", "forbids"),
    [
        ("noindex", True),
        ("none", True),
        ("all", False),
        ("nofollow", False),
        ("unavailable_after:25 jun 2010 15:00:00 pst", True),
        ("unavailable_after:fri, 25 jun 2010 15:00:00 gmt", True),
        ("unavailable_after:friday, 25-jun-10 15:00:00 gmt", True),
        ("unavailable_after:2023-11-14", True),
        ("unavailable_after:2023-11-14t22:13:20z", True),
        ("unavailable_after:2023-11-14t22:13:21+00:00", False),
        ("unavailable_after:25 jun 2090 15:00:00 gmt", False),
        ("unavailable_after:never", False),
        ("unavailable_after:", False),
        ("unavailable_after", False),
    ],
)
def test_what_forbids_to_keep_anything(directive, forbids):
    assert forbids_indexing(["index", directive], NOW) is forbids


def test_what_forbids_excerpts():
    assert forbids_quoting(["nosnippet"])
    assert forbids_quoting(["follow", "max-snippet:0"])
    assert not forbids_quoting(["noindex", "max-snippet:10"])


@given(st.lists(st.text(max_size=300)), st.dictionaries(st.sampled_from(["robots", "our-bot"]), st.text()))
def test_no_page_is_too_odd(lines, meta):
    found = page_directives(lines, meta, TOKEN)
    assert len(found) <= MAX_DIRECTIVES
    assert all(len(each) <= MAX_CHARS for each in found)
    forbids_indexing(found, NOW)


@given(st.text())
def test_no_date_is_too_odd(text):
    assert forbids_indexing([f"unavailable_after:{text}"], NOW) in (True, False)
