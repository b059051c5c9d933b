"""Persons, organisations and places by a trained recogniser (component `engine_ner`).

Labels are spaCy's: PERSON; ORG; GPE for what has a government or people live in, LOC for other places. Entities that
are there already stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from spacy.language import Language

from engine.nlp.agreement import Text, agree
from engine.nlp.entities import add_entities
from engine.nlp.iob import spans
from engine.nlp.ner_features import LongNames, Words
from engine.nlp.ner_model import Memory, shipped
from engine.nlp.wordlists import data_lines, data_words

if TYPE_CHECKING:
    from spacy.tokens import Doc

_LABELS: Final = {"PER": "PERSON", "ORG": "ORG", "LOC": "GPE"}


@Language.factory("engine_ner", assigns=["doc.ents", "token.ent_type", "token.ent_iob"])
def create_recogniser(nlp: Language, name: str) -> Recogniser:
    """The factory that a spaCy config names; it needs sentences."""
    return Recogniser(nlp, name)


class Recogniser:
    """Adds the names that the shipped model finds to a Doc's entities."""

    def __init__(self, nlp: Language, name: str = "engine_ner") -> None:
        self.name = name
        self._model = shipped()
        self._memory = Memory(self._model)
        self._model.blocks(["London"])  # the word lists are read now and not on a page's time
        self._long_names = LongNames(nlp)
        self._places = frozenset(data_lines("loc"))
        self._place_words = data_words("place_words")

    def __call__(self, doc: Doc) -> Doc:
        """`doc` with the names among its entities."""
        words = Words(doc, self._long_names.marks(doc))
        if not len(words.at):
            return doc
        block, kind = self._memory.look_up(words.orth, doc.vocab.strings)
        tags = self._model.decode(words, self._model.scores(words, block, kind))[words.at]
        if not (tags != self._model.outside).any():
            return doc
        labels = self._model.labels
        weak = words.first[words.at] | (words.styles(kind)[words.at] > 0)
        text = Text(words.orth[words.at], weak, doc.vocab.strings)
        mentions = agree(list(spans([labels[tag] for tag in tags.tolist()])), text)
        token = words.token[words.at].tolist()
        add_entities(
            doc,
            [
                (token[start], token[end - 1] + 1, self._label(text, start, end, label))
                for start, end, label in mentions
            ],
        )
        return doc

    def _label(self, text: Text, start: int, end: int, label: str) -> str:
        if label == "LOC":
            words = [text.word(at) for at in range(start, end)]
            if " ".join(words) in self._places or not self._place_words.isdisjoint(words):
                return "LOC"
        return _LABELS[label]
