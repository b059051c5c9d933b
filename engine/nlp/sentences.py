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

from engine.nlp.wordlists import data_words

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

_STOPS: Final = (".", "...", "…")
_MARKS: Final = ("!", "?", "。", "！", "？", "｡", "؟", "۔", "।", "॥", "။", "።", "։")
_CLOSERS: Final = frozenset("\"'”’»›)]}」』）】》〉")
_ABBREVIATIONS: Final = data_words("abbreviations")


@Language.factory("engine_sentences", assigns=["token.is_sent_start", "doc.sents"])
def create_sentences(nlp: Language, name: str) -> Sentences:
    """The factory that a spaCy config names."""
    return Sentences(nlp.vocab, name)


class Sentences:
    """Sets `token.is_sent_start` on every token of a Doc."""

    def __init__(self, vocab: Vocab, name: str = "engine_sentences") -> None:
        self.name = name
        self._stops = {vocab.strings.add(mark) for mark in _STOPS}
        self._marks = np.array([vocab.strings.add(mark) for mark in (*_STOPS, *_MARKS)], dtype=np.uint64)

    def __call__(self, doc: Doc) -> Doc:
        """`doc` with its sentences set."""
        length = len(doc)
        if not length:
            return doc
        columns = doc.to_array(["ORTH", "IS_SPACE"])
        starts = np.full(length, -1, dtype=np.int64)
        starts[0] = 1
        for index in np.flatnonzero(np.isin(columns[:, 0], self._marks)).tolist():
            following = self._after(doc, index, is_stop=int(columns[index, 0]) in self._stops)
            if following < length:
                starts[following] = 1
        for index in np.flatnonzero(columns[:, 1]).tolist():
            if index + 1 < length and "\n" in doc[index].orth_:
                starts[index + 1] = 1
        doc.from_array(["SENT_START"], starts.astype(np.uint64).reshape(-1, 1))  # type: ignore[arg-type]  # stub: no uint64
        return doc

    @staticmethod
    def _after(doc: Doc, index: int, *, is_stop: bool) -> int:
        """The token that begins the sentence after the mark at `index`; len(doc) where none does."""
        length = len(doc)
        if is_stop and index and not doc[index - 1].whitespace_:
            before = doc[index - 1].orth_
            if before.lower() in _ABBREVIATIONS or (len(before) == 1 and before.isupper()):
                return length
            if before.isdigit() and (index == 1 or doc[index - 2].is_space):
                return length
        following = index + 1
        while following < length and doc[following].orth_ in _CLOSERS and not doc[following - 1].whitespace_:
            following += 1
        if is_stop and following < length and doc[following].orth_[0].islower():
            return length
        return following
