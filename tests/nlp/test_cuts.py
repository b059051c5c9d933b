"""What is cut out of a source before it is read. No test takes a time: a search that is not linear hangs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.nlp.cuts import without_code, without_unread

PIECES = (
    "<script>", "</script>", '<script type="application/ld+json">', "<style a='>'>", "</STYLE>", "<!--", "-->",
    "<svg/>", "<svg>", "</svg>", "<nav>", "</nav>", "<b title='<nav>", '<i x="<script>', "'>", '">', "<", ">", "text ",
    "<p>", "</p>", "<foreignObject>",
)  # fmt: skip


def cut(source):
    scripts = []
    return without_code(source, scripts), scripts


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("a<script src=x>if (a < b) '<p>'</script>b", "ab"),
        ("a<SCRIPT>x</ScRiPt >b", "ab"),
        ("a<script></SCRIPT></p></SCRIPT>b", "a</p></SCRIPT>b"),
        ("a<style></p></b></sTyle>b", "ab"),
        ("a<!-- <script> -->b<script>'<!--'</script>c", "abc"),
        ("a<!-->b", "ab"),
        ("a<style>x", "a"),
        ("a<svg><title>x</title><svg></svg></svg>b<svg/>c", "abc"),
        ("a<svg><use><p>b</p><svg></svg>", "a<p>b</p>"),
        ("a<svg><foreignObject><p>x</p></foreignObject></svg>b", "ab"),
        ("<b title='<script>'>a</b>", "<b title='<script>'>a</b>"),
        ("1 < 2 <!-- x -->", "1 < 2 "),
        ("<scripted>a</scripted>", "<scripted>a</scripted>"),
    ],
)
def test_code_is_cut_out(source, left):
    assert cut(source)[0] == left


def test_what_has_no_code_is_left_as_it_is():
    page = "<p class=x>text</p>" * 9
    assert cut(page)[0] is page
    assert without_unread(page) is page


def test_json_ld_is_kept():
    page = "<script type='application/LD+JSON'>{\"a\": 1}</script><script>b</script>"
    assert cut(page) == ("", ['{"a": 1}'])


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("a<nav>x<nav>y</nav>z</nav>b", "ab"),
        ("a<nav><!-- </nav> -->x</nav>b", "ab"),
        ("a<nav><b title='</nav>'>x</b></nav>b", "ab"),
        ("a<nav-bar>b</nav-bar>", "a<nav-bar>b</nav-bar>"),
        ("a<textarea><p></textarea >b<title>x</title>", "ab"),
        ("a<footer>x", "a"),
    ],
)
def test_what_is_not_read_is_cut_out(source, left):
    assert without_unread(source) == left


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_a_cut_only_leaves_things_out(source):
    left, scripts = cut(source)
    assert len(left) + sum(map(len, scripts)) <= len(source)
    rest = iter(source)
    assert all(letter in rest for letter in left)
    assert isinstance(without_unread(source), str)


@pytest.mark.parametrize(
    "piece", [*PIECES, "<svg><p>", "<script></SCRIPT>", "<nav <nav", "<b title='<svg", "<svg><foreignObject><p>", "<!-"]
)
def test_whatever_is_repeated_takes_linear_time(piece):
    cut(piece * 30_000)
    without_unread(piece * 30_000)
