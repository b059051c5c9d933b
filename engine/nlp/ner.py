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
from engine.nlp.iob import join, parts
from engine.nlp.ner_features import HAS_CAPITAL, LongNames, words_of
from engine.nlp.ner_model import shipped
from engine.nlp.ner_tagger import Tagger
from engine.nlp.page_facts import language_of
from engine.nlp.wordlists import data_lines, data_words

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from spacy.tokens import Doc

    from engine.nlp.ner_features import Words
    from engine.nlp.ner_model import Model

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
        self.use(shipped())  # which reads the word lists too: not on a page's time
        self._long_names = LongNames(nlp)
        self._places = frozenset(data_lines("loc"))
        self._place_words = data_words("place_words")

    def use(self, model: Model) -> None:
        """Find names by `model` from now on, instead of the shipped one."""
        self._tagger = Tagger(model)
        number = {tag: at for at, tag in enumerate(model.labels)}
        self._known = {label: (number[f"B-{own}"], number[f"I-{own}"]) for label, own in _KNOWN.items()}
        self._parts = [parts(tag) for tag in model.labels]

    def __call__(self, doc: Doc) -> Doc:
        """`doc` with the names among its entities."""
        if (language_of(doc) or LANGUAGE) != LANGUAGE:
            return doc
        words = words_of(doc, self._long_names)
        if not len(words):
            return doc
        label, kind, style = self._tagger.tag(words)
        self._label_known(doc, words, label)
        text = Text(words.number, words.first | (style > 0), np.flatnonzero(HAS_CAPITAL.take(kind)))
        token = words.token.item
        named = np.flatnonzero(label)
        mentions = join(zip(named.tolist(), [self._parts[tag] for tag in label[named].tolist()], strict=True))
        found = agree([*mentions], text)
        add_entities(
            doc,
            [(token(start), token(end - 1) + 1, self._named(text, start, end, own)) for start, end, own in found],
        )
        return doc

    def _label_known(self, doc: Doc, words: Words, labels: NDArray[np.int64]) -> None:
        """Write the entities that are there over `labels`, so that other mentions agree with them."""
        entities = doc.ents
        if not entities:
            return
        edges = np.searchsorted(words.token, [edge for entity in entities for edge in (entity.start, entity.end)])
        at = iter(edges.tolist())
        for entity, first, end in zip(entities, at, at, strict=False):
            begin, inside = self._known.get(entity.label_, (0, 0))
            labels[first:end] = inside
            if begin and first < end:
                labels[first] = begin

    def _named(self, text: Text, start: int, end: int, label: str) -> str:
        if label == "LOC":
            words = [text.word(at) for at in range(start, end)]
            if " ".join(words) in self._places or not self._place_words.isdisjoint(words):
                return "LOC"
        return _LABELS[label]
