"""Entities known by name: countries, cities, nationalities, days, well-known organisations (`engine_phrases`).

The names are in data/LABEL.txt, one a line, `#` for comments; case matters, since "China" is a country and "china" is
not. They are looked for where their first two words may stand, which is found for all of a text by one look-up: the
time does not grow with the number of names (0.05 ms a page).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np
from spacy.language import Language

from engine.nlp.entities import add_entities
from engine.nlp.lexicon import LEXICON, Column
from engine.nlp.wordlists import data_lines

if TYPE_CHECKING:
    from spacy.tokens import Doc

LABELS: Final = ("GPE", "LOC", "NORP", "ORG", "DATE", "EVENT")

#: A word is a name, begins one of several words, is the second word of one.
_ALONE: Final = 1
_FIRST: Final = 2
_SECOND: Final = 4


@Language.factory("engine_phrases", assigns=["doc.ents", "token.ent_type", "token.ent_iob"])
def create_phrases(nlp: Language, name: str) -> Phrases:
    """The factory that a spaCy config names."""
    return Phrases(nlp, name)


class Phrases:
    """Adds the listed names to a Doc's entities."""

    def __init__(self, nlp: Language, name: str = "engine_phrases") -> None:
        self.name = name
        #: The labels of a name, by the words of it as the pipeline's tokenizer cuts them.
        self._labels: dict[tuple[str, ...], tuple[str, ...]] = {}
        lengths: dict[str, set[int]] = defaultdict(set)
        self._places: dict[str, int] = defaultdict(int)
        for label in LABELS:
            for phrase in data_lines(label.lower()):
                words = tuple([token.orth_ for token in nlp.make_doc(phrase)])
                self._labels[words] = (*self._labels.get(words, ()), label)
                lengths[words[0]].add(len(words))
                self._places[words[0]] |= _FIRST if words[1:] else _ALONE
                for second in words[1:2]:
                    self._places[second] |= _SECOND
        #: How many words the names have that begin with a word.
        self._lengths = {word: tuple(sorted(found)) for word, found in lengths.items()}
        self._bits: Column[np.int8] = Column(self._place_of, np.int8, -1)

    def __call__(self, doc: Doc) -> Doc:
        """`doc` with the names among its entities."""
        numbers = LEXICON.of(doc).words
        bits = self._bits.of(numbers)
        may_begin = bits & _ALONE
        may_begin[:-1] |= bits[:-1] & bits[1:] >> 1 & _FIRST  # a second word after a first one
        found: list[tuple[int, int, str]] = []
        for at in np.flatnonzero(may_begin).tolist():
            lengths = self._lengths[LEXICON.words[numbers[at]]]
            words = [LEXICON.words[number] for number in numbers[at : at + lengths[-1]].tolist()]
            for length in lengths:
                if length <= len(words):  # else the name is longer than what is left of the text
                    found += [(at, at + length, label) for label in self._labels.get(tuple(words[:length]), ())]
        if found:
            add_entities(doc, found)
        return doc

    def _place_of(self, word: str) -> int:
        return self._places.get(word, 0)
