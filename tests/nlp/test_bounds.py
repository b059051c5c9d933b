"""What a parser is given of a page that would cost it too much. No test takes a time: a bound that fails, hangs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from engine.nlp.bounds import MAX_ATTRIBUTES, MAX_TAGS, MAX_TEXT_BYTES, bound_markup
from engine.nlp.charset import decode
from engine.nlp.extract import Extractors
from engine.nlp.jsonld import parse
from engine.nlp.plain import extract_plain
from engine.nlp.sniff import sniff
from engine.nlp.text import count_words
from engine.settings import ExtractSettings

URL = "http://a.example/"


def elements(source):
    return len(HTMLTree.parse(source).document.query_selector_all("*"))


def test_a_page_within_all_bounds_is_left_as_it_is():
    page = "<p>" + "<b class=x>Bold <i>and</i></b> <a href='/y'>more</a> " * 3_000
    assert bound_markup(page) is page


def test_beyond_so_many_tags_only_the_text_is_left():
    beyond = "<p>late <b>words</b><script>if (a < b) no()</script><!-- <p>no --> &amp; more<style>no"
    bounded = bound_markup("<p>a" * MAX_TAGS + beyond)
    assert bounded.count("<") == MAX_TAGS
    assert bounded.endswith("late  words    &amp; more ")


def test_formatting_left_open_is_not_repeated_in_every_paragraph():
    page = "".join(f"<font size={n}>" for n in range(1_500)) + "<p>words" * 1_600
    assert elements(bound_markup(page)) < 2_000
    closed = "".join(f"<p><font size={n}>words</font>" for n in range(3_000))
    assert bound_markup(closed) is closed


def test_an_element_keeps_its_first_attributes():
    written = " ".join(f'data-{n}="x > y"' for n in range(2 * MAX_ATTRIBUTES))
    bounded = bound_markup(f"<p>before<div {written}>after</div>")
    (div,) = HTMLTree.parse(bounded).body.query_selector_all("div")[:]
    assert len(div.attrs) == MAX_ATTRIBUTES
    assert div.getattr("data-7") == "x > y"
    assert HTMLTree.parse(bounded).body.text == "beforeafter"


def test_a_comparison_in_a_script_is_no_tag():
    page = f"<script>if (a <b && {'c = d; ' * 3_000}</script><p>text"
    assert bound_markup(page) == page


def test_one_long_value_is_no_harm():
    page = f"<p><img src=\"data:image/png;base64,{'A' * 50_000}\"><p title='{'word ' * 10_000}'>text"
    assert bound_markup(page) == page


def test_comments_and_tags_that_never_end_take_linear_time():
    for piece in ("<!--", "<a b='", "<a b", "<"):
        bound_markup(piece * 200_000)


def test_a_text_that_is_too_large_is_read_in_part_and_says_so():
    extractors = Extractors(ExtractSettings())
    large = extractors.extract(b"word " * (MAX_TEXT_BYTES // 5 + 9), "text/plain", URL)
    assert not large.whole
    assert len(large.text) <= MAX_TEXT_BYTES
    assert extractors.extract(b"word", "text/plain", URL).whole


def test_many_comments_before_a_page_are_seen_through_once():
    assert sniff(b"<!---->" * 200 + b"<p>", "text/plain") == "text/plain"
    assert sniff(b"<!-- a -- b -->\n <!--->--><!DOCTYPE  html>", "text/plain") == "text/html"


def test_a_heading_of_number_signs_is_read_in_linear_time():
    assert extract_plain(b"# " + b"#" * 200_000 + b"x", None, "text/markdown").title == ""
    assert extract_plain(b"# a" + b" " * 200_000 + b"x", None, "text/markdown").title == "a"
    assert extract_plain(b"text\n# The title ##\n", None, "text/markdown").title == "The title"


def test_blanks_in_broken_json_ld_take_linear_time():
    assert parse("{" + " " * 200_000 + "x") is None
    assert parse('<!-- // <![CDATA[\n{"a": 1}') is None
    for wrapped in ('<!-- {"a":1,} -->', '//<![CDATA[\n{"a":1}\n//]]>', '/*<![CDATA[*/{"a":1}/*]]>*/', '{"a":1};'):
        assert parse(wrapped) == {"a": 1}


def test_bytes_of_any_kind_are_decoded():
    assert decode(bytes(range(256)) * 100, "utf-8").encoding == "utf-8"


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 7), st.integers(0, 7), st.sampled_from(["word ", "a", " ", "ab\n", "\u2003x"]))
def test_words_are_counted_piecewise_as_a_split_has_them(before, after, piece):
    text = " x"[:before] + piece * ((2_100_000 + after) // len(piece)) + "y" * after
    assert count_words(text) == len(text.split())
