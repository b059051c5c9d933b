"""The words of a Doc as numbers: what keywords and the summary are computed from.

Made once a page, with numpy over the ids that spaCy gives each word, so that no step loops over the tokens in Python.
A *term* is a distinct word in lower case. Tokens are of three kinds: content words, stop words, and breaks (white
space, punctuation, numbers, addresses) that no phrase crosses.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - quotation marks and full stops of other scripts are what this module is about
from collections import Counter
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import spacy

from engine.nlp.cjk import GRAMMAR, INNER_SPACE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

BREAK: Final = 0
STOP: Final = 1
CONTENT: Final = 2

#: A longer token is no word that one would name a page by (clauses of scripts without spaces, keys, paths).
_MAX_WORD_CHARS: Final = 40
#: spaCy files Norwegian stop words under the written form that most pages use.
_STOP_WORD_FOLDERS: Final = {"no": "nb"}
#: The tokenizer keeps "n't" with its verb, which spaCy's list cuts off.
_NEGATIONS: Final = frozenset(
    f"{verb}n't"
    for verb in (
        "ai",
        "are",
        "ca",
        "could",
        "did",
        "do",
        "does",
        "had",
        "has",
        "have",
        "is",
        "might",
        "must",
        "need",
        "should",
        "was",
        "were",
        "wo",
        "would",
    )
)
_MAX_KINDS: Final = 100_000


@lru_cache(maxsize=32)
def stop_words(language: str | None) -> frozenset[str]:
    """Stop words, by spaCy, of a BCP 47 language in lower case; English ones where it has none of the language."""
    primary = (language or "en").partition("-")[0]
    words = _spacy_stop_words(_STOP_WORD_FOLDERS.get(primary, primary))
    return frozenset(word.lower() for word in words or _spacy_stop_words("en")) | _NEGATIONS


def _spacy_stop_words(folder: str) -> Collection[str]:
    """The list of spacy/lang/`folder`, read from its file: importing the package would compile its tokenizer rules.

    For French those are two seconds, in the midst of a page.
    """
    path = Path(spacy.__path__[0], "lang", folder, "stop_words.py")
    spec = spec_from_file_location(f"engine_stop_words_{folder}", path)
    if spec is None or spec.loader is None or not path.exists():
        return ()
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    words: Collection[str] = module.STOP_WORDS
    return words


class Kinds:
    """The kind of each term of one vocabulary and language, remembered."""

    def __init__(self, vocab: Vocab, language: str | None) -> None:
        self._strings = vocab.strings
        self._stop_words = stop_words(language)
        self._known: dict[int, int] = {}

    def of(self, ids: NDArray[np.uint64]) -> NDArray[np.int8]:
        """The kind of each word id."""
        known = self._known
        if len(known) > _MAX_KINDS:
            known.clear()
        kinds = []
        for word_id in ids.tolist():
            kind = known.get(word_id)
            if kind is None:
                kind = known[word_id] = self._kind(self._strings[word_id])
            kinds.append(kind)
        return np.array(kinds, dtype=np.int8)

    def _kind(self, word: str) -> int:
        if word.replace("’", "'") in self._stop_words or GRAMMAR.fullmatch(word):
            return STOP
        if not 1 < len(word) <= _MAX_WORD_CHARS or not word[0].isalpha() or "://" in word or word.startswith("www."):
            return BREAK
        return CONTENT


class Terms:
    """Arrays over the n tokens, s sentences and u terms of a Doc that holds at least one token.

    `term` (n): the term of each token. `kind` (n). `orth` (n): spaCy's ids of the tokens as written, a list.
    `sentence` (n). `ids`, `count`, `term_kind` (u). `first` (s): the first token of each sentence. `start`, `end` (n):
    characters.
    """

    def __init__(self, doc: Doc, kinds: Kinds) -> None:
        columns = np.asarray(doc.to_array(["LOWER", "ORTH", "SENT_START", "IDX", "LENGTH"]), dtype=np.uint64)
        self.ids, self.term, self.count = np.unique(columns[:, 0], return_inverse=True, return_counts=True)
        self.term_kind = kinds.of(self.ids)
        self.kind = self.term_kind[self.term]
        self.orth: list[int] = columns[:, 1].tolist()
        starts = columns[:, 2] == 1
        starts[0] = True
        self.first = np.flatnonzero(starts)
        self.sentence = np.cumsum(starts) - 1
        self.start = columns[:, 3].astype(np.int64)
        self.end = self.start + columns[:, 4].astype(np.int64)
        #: Whether a token is written with a capital though no sentence begins with it.
        self.cased = (columns[:, 0] != columns[:, 1]) & ~starts
        self.strings = doc.vocab.strings

    def written(self, places: Iterable[int], length: int) -> str:
        """How `length` tokens are written at most of `places`, one space between where their script has spaces."""
        orth = self.orth
        (ids, _), *_ = Counter([tuple(orth[place : place + length]) for place in places]).most_common(1)
        words = " ".join([self.strings[word] for word in ids])
        return words if words.isascii() else INNER_SPACE.sub("", words)
