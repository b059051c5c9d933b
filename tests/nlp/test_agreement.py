from __future__ import annotations

import numpy as np
import pytest

from engine.nlp.agreement import Text, agree
from engine.nlp.iob import read_documents, spans
from engine.nlp.lexicon import LEXICON


def agreed(text, *mentions, weak=()):
    """(words, label) of the mentions in `text` after agreement; `weak` are the places of words that begin a line."""
    words = text.split()
    numbers = np.array([LEXICON.number(word) for word in words], dtype=np.intp)
    marks = np.isin(np.arange(len(words)), weak)
    capitals = np.array([at for at, word in enumerate(words) if word[0].isupper()], dtype=np.int64)
    found = agree(mentions, Text(numbers, marks, capitals))
    return [(" ".join(words[start:end]), label) for start, end, label in found]


def test_a_name_found_once_is_found_everywhere():
    assert agreed("Ada Lum met us . We like Ada Lum", (0, 2, "PER")) == [("Ada Lum", "PER"), ("Ada Lum", "PER")]


def test_a_surname_alone_is_the_person_named_before():
    assert agreed("Ada Lum met us . Lum spoke", (0, 2, "PER")) == [("Ada Lum", "PER"), ("Lum", "PER")]
    assert agreed("Oslo Lum met us . Lum spoke", (0, 2, "ORG")) == [("Oslo Lum", "ORG")]


def test_the_same_words_have_the_label_of_most():
    mentions = [(0, 1, "LOC"), (2, 3, "LOC"), (4, 5, "ORG")]
    assert agreed("Lorne , Lorne , Lorne", *mentions) == [("Lorne", "LOC")] * 3


def test_a_capital_that_begins_a_line_is_no_name_where_the_word_is_written_small_too():
    assert agreed("Solar works . He sells solar panels", (0, 1, "ORG"), weak=[0]) == []
    assert agreed("Oxfam works . He sells solar panels", (0, 1, "ORG"), weak=[0]) == [("Oxfam", "ORG")]


@pytest.mark.parametrize(
    ("text", "mentions", "expected"),
    [
        ("the Bank of Far Sea ( BFS ) said BFS", [(6, 7, "LOC")], [("Bank of Far Sea", "LOC"), ("BFS", "LOC")]),
        ("the Bank of Far Sea ( BFS )", [], [("Bank of Far Sea", "ORG"), ("BFS", "ORG")]),
        ("the Bank of Far Sea ( BFS )", [(3, 4, "PER")], [("Bank of Far Sea", "ORG"), ("BFS", "ORG")]),
        ("the Bank of Far Sea ( BXS )", [], []),
        ("( BFS ) and ( B", [], []),
    ],
)  # fmt: skip
def test_an_acronym_in_brackets_and_its_name_are_one(text, mentions, expected):
    assert agreed(text, *mentions)[: len(expected)] == expected
    assert bool(agreed(text, *mentions)) == bool(expected)


def test_thousands_of_acronyms_take_linear_time():
    assert len(agreed("the Alpha Beta ( AB ) said " * 10_000)) == 20_000


def test_an_acronym_takes_the_place_of_all_that_it_overlaps_and_of_no_more():
    text, mentions = "Old Far Sea Bank ( FSB ) Far Sea Bank", [(0, 2, "PER"), (2, 3, "LOC"), (5, 7, "LOC")]
    assert agreed(text, *mentions) == [("Far Sea Bank", "LOC"), ("FSB", "LOC"), ("Far Sea Bank", "LOC")]


def test_a_word_that_is_mostly_no_name_is_not_spread():
    assert agreed("March " * 9, (0, 1, "PER")) == [("March", "PER")]


def test_tags_are_read_and_mean_spans(tmp_path):
    path = tmp_path / "a.iob"
    path.write_text("# a comment\nAda\tB-PER\nLum x\tI-PER\n\n-DOCSTART-\tO\n\n#\tO\r\nOslo NNP I-LOC\nb\tB-X\n")
    documents = read_documents(path)
    assert documents == [[(["Ada", "Lum"], ["B-PER", "I-PER"])], [(["#", "Oslo", "b"], ["O", "I-LOC", "B-X"])]]
    assert [list(spans(tags)) for [(_, tags)] in documents] == [[(0, 2, "PER")], [(1, 2, "LOC"), (2, 3, "X")]]
