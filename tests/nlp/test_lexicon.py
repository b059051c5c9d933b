from __future__ import annotations

from copy import deepcopy
from weakref import ref

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from engine.nlp.lexicon import LEXICON, LOWER, ORTH, Column
from engine.nlp.pipeline import load
from engine.nlp.tokens import TOKENIZER

TEXT = "The Harbour trust. It's a trust, said GPE and 漢字 at www.example.com!"


def blank():
    return spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": TOKENIZER}}})


def words(doc):
    return [LEXICON.words[number] for number in LEXICON.of(doc).words.tolist()]


@pytest.mark.parametrize("nlp", [blank(), spacy.blank("en"), spacy.blank("de")], ids=["ours", "spacy", "german"])
def test_the_numbers_of_a_doc_are_those_of_its_words_whoever_made_it(nlp):
    doc, other = nlp.make_doc(TEXT), nlp.make_doc("another text")
    for each in (doc, other, doc, Doc(nlp.vocab, words=["trust", "GPE"])):
        assert words(each) == [token.orth_ for token in each]
        tokens = LEXICON.of(each)
        numbers = tokens.words
        assert tokens.starts.tolist() == [token.idx for token in each]
        assert ORTH.of(numbers).tolist() == each.to_array("ORTH").tolist()
        assert [LEXICON.words[number] for number in LOWER.of(numbers).tolist()] == [token.lower_ for token in each]


def test_tokens_that_were_merged_are_seen():
    doc = blank().make_doc("New York is large")
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:2])
    assert words(doc) == ["New York", "is", "large"]


def test_no_doc_is_kept_for_its_tokens():
    doc = blank().make_doc(TEXT)
    LEXICON.of(doc)
    kept = ref(doc)
    del doc
    assert kept() is None


def test_a_column_asks_once_a_word_and_grows_with_the_lexicon():
    asked = []
    column = Column(lambda word: asked.append(word) or len(word), np.int32, -1)
    numbers = np.array([LEXICON.number(f"column{number}") for number in (*range(30_000), 0, 0)])
    assert column.of(numbers).tolist() == [len(LEXICON.words[number]) for number in numbers.tolist()]
    assert len(column.of(numbers)) == 30_002
    assert len(asked) == 30_000


def test_a_memory_zone_that_has_ended_leaves_the_tokenizer_sound():
    nlp = blank()
    with nlp.memory_zone():
        nlp.make_doc("zonedword zonedword")
    assert [token.text for token in nlp.make_doc("zonedword again")] == ["zonedword", "again"]


def test_a_vocabulary_that_was_read_from_disk_leaves_the_tokenizer_sound(tmp_path):
    nlp = blank()
    nlp.to_disk(tmp_path / "pipeline")
    nlp.make_doc("laterword")
    nlp.from_disk(tmp_path / "pipeline")
    assert [token.text for token in nlp.make_doc("laterword again")] == ["laterword", "again"]


ASKED = []


def asked_length(word):
    ASKED.append(word)
    return len(word)


def test_a_copy_of_a_pipeline_takes_no_numbers_along():
    numbers = np.array([LEXICON.number("sent")])
    column = Column(asked_length, np.int32, -1)
    column.of(numbers)
    deepcopy(column).of(numbers)
    assert ASKED == ["sent", "sent"]
    nlp = load("rules")
    text = "Dr. Jane Doe left New York for New Zealand on 3 May 2024."
    again = deepcopy(nlp)
    assert [(ent.text, ent.label_) for ent in again(text).ents] == [(ent.text, ent.label_) for ent in nlp(text).ents]


def test_a_doc_with_its_user_data_can_be_sent_to_another_process():
    doc = load("rules")(TEXT)
    again = Doc(load("rules").vocab).from_bytes(doc.to_bytes())
    assert words(again) == words(doc)
