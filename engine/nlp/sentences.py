"""Sentence boundaries: a spaCy component, `engine_sentences`.

A sentence ends at a full stop, question or exclamation mark (also those of CJK, Arabic and Indic scripts), with the
closing quotes and brackets after it, and at every line break: main text keeps headings, list items and table cells on
lines of their own. A full stop ends none after an abbreviation, an initial or a list number, nor before a lower-case
letter. Written for speed: only the tokens that are marks are looked at one by one.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - quotation marks and full stops of other scripts are what this module is about
from typing import TYPE_CHECKING, Final

import numpy as np
from spacy.language import Language

from engine.nlp.lexicon import LEXICON, Column
from engine.nlp.wordlists import data_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spacy.tokens import Doc

_STOPS: Final = frozenset((".", "...", "…"))
_MARKS: Final = frozenset(("!", "?", "。", "！", "？", "｡", "؟", "۔", "।", "॥", "။", "።", "։"))
_CLOSERS: Final = frozenset("\"'”’»›)]}」』）】》〉")
_ABBREVIATIONS: Final = data_words("abbreviations")

#: What a word is to its neighbours, as bits. A mark ends a sentence; a stop is a mark that has other uses.
_MARK: Final = 1
_STOP: Final = 2
_CLOSER: Final = 4
_ABBREVIATION: Final = 8
_DIGITS: Final = 16
_SPACE: Final = 32
_LINE_END: Final = 64
_SMALL: Final = 128
_UNKNOWN: Final = 1 << 15

_NO_START: Final = np.array(-1).astype(np.uint64)


@Language.factory("engine_sentences", assigns=["token.is_sent_start", "doc.sents"])
def create_sentences(nlp: Language, name: str) -> Sentences:  # noqa: ARG001 - spaCy's signature of factories
    """The factory that a spaCy config names."""
    return Sentences(name)


class Sentences:
    """Sets `token.is_sent_start` on every token of a Doc."""

    def __init__(self, name: str = "engine_sentences") -> None:
        self.name = name

    def __call__(self, doc: Doc) -> Doc:
        """`doc` with its sentences set."""
        length = len(doc)
        if not length:
            return doc
        tokens = LEXICON.of(doc)
        bits = _BITS.of(tokens.words)
        marks = np.flatnonzero(bits & _MARK).tolist()
        begins = [0, *_after_marks(marks, bits.tolist(), tokens.spaces.tolist())]
        begins += (np.flatnonzero(bits & _LINE_END) + 1).tolist()
        starts = np.full((length, 1), _NO_START)
        starts[[begin for begin in begins if begin < length]] = 1
        doc.from_array(["SENT_START"], starts)  # type: ignore[arg-type]  # stub: no uint64
        return doc


def _after_marks(marks: list[int], bits: list[int], spaced: list[int]) -> Iterator[int]:
    """The tokens that begin the sentences after those of the marks that end one."""
    length = len(bits)
    for mark in marks:
        is_stop = bits[mark] & _STOP
        if is_stop and mark and not spaced[mark - 1]:
            before = bits[mark - 1]
            if before & _ABBREVIATION:
                continue
            if before & _DIGITS and (mark == 1 or bits[mark - 2] & _SPACE):
                continue
        following = mark + 1
        while following < length and bits[following] & _CLOSER and not spaced[following - 1]:
            following += 1
        if not (is_stop and following < length and bits[following] & _SMALL):
            yield following


def _bits(word: str) -> int:
    is_abbreviation = word.lower() in _ABBREVIATIONS or (len(word) == 1 and word.isupper())
    bits = _ABBREVIATION * is_abbreviation + _SMALL * word[0].islower()
    if word.isalpha():  # most are, and nothing else
        return bits
    is_stop = word in _STOPS
    is_space = word.isspace()
    return (
        bits
        + _MARK * (is_stop or word in _MARKS)
        + _STOP * is_stop
        + _CLOSER * (word in _CLOSERS)
        + _DIGITS * word.isdigit()
        + _SPACE * is_space
        + _LINE_END * (is_space and "\n" in word)
    )


_BITS: Final[Column[np.uint16]] = Column(_bits, np.uint16, _UNKNOWN)
