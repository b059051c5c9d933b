from __future__ import annotations

import pytest

from engine.nlp.pipeline import load


def sentences(text):
    return [sentence.text.strip() for sentence in load("rules")(text).sents]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It works. Does it? It does!", ["It works.", "Does it?", "It does!"]),
        ("Dr. Smith met J. Doe at 5 p.m. on Monday.", ["Dr. Smith met J. Doe at 5 p.m. on Monday."]),
        ("He said “Go.” She went.", ["He said “Go.”", "She went."]),
        ("A heading\n\nThe text. More", ["A heading", "The text.", "More"]),
        ("1. First point\n2. Second point", ["1. First point", "2. Second point"]),
        ("Wait... what? Yes.", ["Wait... what?", "Yes."]),
        ("今日は天気。明日は雨。", ["今日は天気。", "明日は雨。"]),
        ("one", ["one"]),
        ("", []),
    ],
)
def test_where_a_sentence_ends(text, expected):
    assert sentences(text) == expected
