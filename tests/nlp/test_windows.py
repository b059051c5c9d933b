from __future__ import annotations

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Span

from engine.nlp.windows import cut_windows, joined


@given(text=st.text(alphabet="ab. \n", max_size=200), most=st.integers(1, 30))
def test_the_windows_are_the_text_and_none_is_too_long(text, most):
    windows = list(cut_windows(text, most))
    assert "".join(windows) == text
    assert all(len(window) <= most for window in windows)


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("One two.\n\nThree four. Five", ["One two.\n\n", "Three four. ", "Five"]),
        ("One two three four five", ["One two ", "three four ", "five"]),
        ("x" * 25, ["x" * 12, "x" * 12, "x"]),
        ("", [""]),
    ],
)
def test_a_window_ends_where_the_least_is_torn(text, windows):
    assert list(cut_windows(text, 12)) == windows


def test_the_docs_of_windows_are_one_doc_again():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    docs = [nlp(window) for window in ("Ann met Bob. They spoke.\n\n", "Bob left. ", "So did Ann.")]
    docs[1].set_ents([Span(docs[1], 0, 1, label="PERSON")])
    doc = joined(docs)
    assert doc.text == "".join(part.text for part in docs)
    assert [(entity.text, entity.label_) for entity in doc.ents] == [("Bob", "PERSON")]
    sentences = [sentence.text.strip() for sentence in doc.sents]
    assert list(filter(None, sentences)) == ["Ann met Bob.", "They spoke.", "Bob left.", "So did Ann."]
