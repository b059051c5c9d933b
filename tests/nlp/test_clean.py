"""Texts put in order, whatever a page has written."""

from __future__ import annotations

import html

import pytest

from engine.nlp import clean


@pytest.mark.parametrize(
    "text", ["", "a", "&", "&amp;&amp;lt;", "&copy2&notit;&#65&#x41;&#0;&#1114112;", "a &b; &#; &#x;"]
)
def test_references_stand_for_what_the_standard_library_says(text):
    assert clean.unescape(text) == html.unescape(text)


def test_a_reference_to_a_number_beyond_reading_is_no_character():
    assert clean.unescape(f"a&#{'9' * 100_000};b&#x{'f' * 100_000}z") == "a\ufffdb\ufffdz"
