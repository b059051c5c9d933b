"""Entities known by name: countries, cities, nationalities, days, well-known organisations (`engine_phrases`).

The names are in data/LABEL.txt, one a line, `#` for comments; case matters, since "China" is a country and "china" is
not. A spaCy PhraseMatcher finds them in one pass whose time does not grow with their number (0.1 ms a page).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spacy.language import Language
from spacy.matcher import PhraseMatcher

from engine.nlp.entities import add_entities
from engine.nlp.wordlists import data_lines

if TYPE_CHECKING:
    from spacy.tokens import Doc

LABELS: Final = ("GPE", "LOC", "NORP", "ORG", "DATE", "EVENT")


@Language.factory("engine_phrases", assigns=["doc.ents", "token.ent_type", "token.ent_iob"])
def create_phrases(nlp: Language, name: str) -> Phrases:
    """The factory that a spaCy config names."""
    return Phrases(nlp, name)


class Phrases:
    """Adds the listed names to a Doc's entities."""

    def __init__(self, nlp: Language, name: str = "engine_phrases") -> None:
        self.name = name
        self._strings = nlp.vocab.strings
        self._matcher = PhraseMatcher(nlp.vocab, attr="ORTH")
        for label in LABELS:
            self._matcher.add(label, [nlp.make_doc(phrase) for phrase in data_lines(label.lower())])

    def __call__(self, doc: Doc) -> Doc:
        """`doc` with the names among its entities."""
        found = self._matcher(doc)
        if found:
            add_entities(doc, [(start, end, self._strings[label]) for label, start, end in found])
        return doc
