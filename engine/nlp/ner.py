"""Persons, organisations and places by a trained recogniser (component `engine_ner`).

Labels are spaCy's: PERSON; ORG; GPE for what has a government or people live in, LOC for other places. Entities that
are there already stay. It was trained on English, and passes over a text that is known to be in another language:
there a capital may mean a noun.
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
from engine.nlp.page_facts import language_of
from engine.nlp.wordlists import data_lines, data_words

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from spacy.tokens import Doc

LANGUAGE: Final = "en"
_LABELS: Final = {"PER": "PERSON", "ORG": "ORG", "LOC": "GPE"}
_KNOWN: Final = {"PERSON": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC"}


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
        if (language_of(doc) or LANGUAGE) != LANGUAGE:
            return doc
        words = Words(doc, self._long_names.marks(doc))
        if not len(words.at):
            return doc
        block, kind = self._memory.look_up(words.orth, doc.vocab.strings)
        tags = self._model.decode(words, self._model.scores(words, block, kind))[words.at]
        token = words.token[words.at]
        tagged = [self._model.labels[tag] for tag in tags.tolist()]
        _tag_known(doc, token, tagged)
        weak = words.first[words.at] | (words.styles(kind)[words.at] > 0)
        text = Text(words.orth[words.at], weak, doc.vocab.strings)
        tokens = token.tolist()
        add_entities(
            doc,
            [
                (tokens[start], tokens[end - 1] + 1, self._label(text, start, end, label))
                for start, end, label in agree(list(spans(tagged)), text)
            ],
        )
        return doc

    def _label(self, text: Text, start: int, end: int, label: str) -> str:
        if label == "LOC":
            words = [text.word(at) for at in range(start, end)]
            if " ".join(words) in self._places or not self._place_words.isdisjoint(words):
                return "LOC"
        return _LABELS[label]


def _tag_known(doc: Doc, token: NDArray[np.int64], tags: list[str]) -> None:
    """Write the entities that are there over `tags`, so that other mentions agree with them; `token` of each word."""
    for entity in doc.ents:
        label = _KNOWN.get(entity.label_)
        first, end = np.searchsorted(token, (entity.start, entity.end)).tolist()
        for at in range(first, end):
            tags[at] = "O" if label is None else f"{'I' if at > first else 'B'}-{label}"
