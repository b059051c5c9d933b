from __future__ import annotations

# ruff: noqa: RUF001 - characters of other scripts are what is tested
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from engine.nlp.tokens import MAX_TOKEN_CHARS, TOKENIZER, text_of

NLP = spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": TOKENIZER}}})


def tokens(text):
    return [token.text for token in NLP.make_doc(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's Ann's dog, isn't it?", ["It", "'s", "Ann", "'s", "dog", ",", "isn't", "it", "?"]),
        ("a state-of-the-art model", ["a", "state-of-the-art", "model"]),
        ("the U.S. and AT&T", ["the", "U.S.", "and", "AT&T"]),
        ("costs $1,500.50 now.", ["costs", "$", "1,500.50", "now", "."]),
        ("The end.Next one", ["The", "end", ".", "Next", "one"]),
        ("see https://example.com/a?b=1, or", ["see", "https://example.com/a?b=1", ",", "or"]),
        ("तेज भूरी लोमड़ी।", ["तेज", "भूरी", "लोमड़ी", "।"]),
        ("你好，世界。", ["你好", "，", "世界", "。"]),
        ("one\n\ntwo", ["one", "\n\n", "two"]),
    ],
)
def test_words_are_cut_where_readers_would(text, expected):
    assert tokens(text) == expected


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_tokens_give_the_text_back(text):
    doc = NLP.make_doc(text)
    assert "".join(token.text_with_ws for token in doc) == text == text_of(doc)


def test_tokens_are_bounded_whatever_the_text():
    for run in ("a", "(", " ", "é-", "a.", "漢", "."):
        assert max(map(len, tokens(run * 5000))) <= MAX_TOKEN_CHARS


def test_the_pipeline_survives_a_round_trip_to_disk(tmp_path):
    NLP.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    assert [token.text for token in again("It's here.")] == ["It", "'s", "here", "."]
