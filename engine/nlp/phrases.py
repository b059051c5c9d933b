"""Entities known by name: countries, cities, nationalities, days, well-known organisations (`engine_phrases`).

The names are in data/LABEL.txt, one a line, `#` for comments; case matters, since "China" is a country and "china" is
not. Finding them costs 0.05 ms a page (engine/nlp/listed.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spacy.language import Language

from engine.nlp.entities import add_entities
from engine.nlp.lexicon import LEXICON
from engine.nlp.listed import Listed
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
        #: By the words of a name, as the pipeline's tokenizer cuts them.
        labels: dict[tuple[str, ...], tuple[str, ...]] = {}
        for label in LABELS:
            for phrase in data_lines(label.lower()):
                words = tuple([token.orth_ for token in nlp.make_doc(phrase)])
                labels[words] = (*labels.get(words, ()), label)
        self._listed = Listed(labels)

    def __call__(self, doc: Doc) -> Doc:
        """`doc` with the names among its entities."""
        found = self._listed.find(LEXICON.of(doc).words)
        add_entities(doc, [(start, end, label) for start, end, labels in found for label in labels])
        return doc
