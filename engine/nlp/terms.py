"""The words of a Doc as numbers: what keywords and the summary are computed from.

Made once a page, with numpy over the numbers that the lexicon gives each word, so that no step loops over the tokens
in Python. A *term* is a distinct word in lower case. Tokens are of three kinds: content words, stop words, and breaks
(white space, punctuation, numbers, addresses) that no phrase crosses.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - quotation marks and full stops of other scripts are what this module is about
from collections import Counter
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import spacy

from engine.nlp.cjk import GRAMMAR, INNER_SPACE
from engine.nlp.lexicon import LENGTH, LEXICON, LOWER, ORTH, Column

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray
    from spacy.tokens import Doc

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
    """The kind of each term of one language, remembered.

    All share the room that :meth:`distinct` works in: a process has one thread that analyses.
    """

    _places: ClassVar[NDArray[np.intp]] = np.empty(0, dtype=np.intp)

    def __init__(self, language: str | None) -> None:
        self._stop_words = stop_words(language)
        self._column: Column[np.int8] = Column(self._kind, np.int8, -1)

    def of(self, terms: NDArray[np.intp]) -> NDArray[np.int8]:
        """The kind of each word of the lexicon."""
        return self._column.of(terms)

    def distinct(self, words: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The different ones of `words`, by spaCy's ids, and where each of `words` is among them.

        What numpy.unique gives, without sorting the words: each is written to its own place, where the last one stays.
        """
        places = Kinds._places
        if len(places) < len(LEXICON.words):
            places = Kinds._places = np.empty(2 * len(LEXICON.words), dtype=np.intp)
        all_places = np.arange(len(words))
        places[words] = all_places
        terms = words[places[words] == all_places]
        terms = terms[np.argsort(ORTH.of(terms))]
        places[terms] = np.arange(len(terms))
        return terms, places[words]

    def _kind(self, word: str) -> int:
        if word.replace("’", "'") in self._stop_words or GRAMMAR.fullmatch(word):
            return STOP
        if not 1 < len(word) <= _MAX_WORD_CHARS or not word[0].isalpha() or "://" in word or word.startswith("www."):
            return BREAK
        return CONTENT


def changes(*columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where arrays that are sorted together have a value for the first time."""
    found = np.zeros(len(columns[0]), dtype=bool)
    found[:1] = True
    for column in columns:
        found[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(found)


def sizes(begins: NDArray[np.intp], end: int) -> NDArray[np.intp]:
    """How many there are of each of the parts that begin so, the last of which ends at `end`."""
    found = np.empty_like(begins)  # numpy.diff takes five times as long
    np.subtract(begins[1:], begins[:-1], out=found[:-1])
    found[-1:] = end - begins[-1:]
    return found


class Terms:
    """Arrays over the n tokens, s sentences and u terms of a Doc that holds at least one token.

    `word` (n): the number of each token's word, a list. `term` (n): its term. `kind` (n). `cased` (n): whether it is
    written with a capital though no sentence begins with it. `sentence` (n). `ids` (u): the numbers of the terms as
    words. `count`, `term_kind` (u). `first` (s): the first token of each sentence. `start`, `end` (s): its characters.

    `order` (n): the tokens sorted by term, else as they come; `begin` (u): where in it a term's begin. `in_term`,
    `in_sentence`, `times`: which term is in which sentence, and how often, in that order.
    """

    def __init__(self, doc: Doc, kinds: Kinds) -> None:
        tokens = LEXICON.of(doc)
        words = tokens.words
        lower = LOWER.of(words)
        self.word: list[int] = words.tolist()
        self.ids, self.term = kinds.distinct(lower)
        self.count = np.bincount(self.term, minlength=len(self.ids))
        self.term_kind = kinds.of(self.ids)
        self.kind = self.term_kind[self.term]
        starts = doc.to_array("SENT_START") == 1
        starts[0] = True
        self.first = np.flatnonzero(starts)
        self.sentence = np.cumsum(starts) - 1
        lasts = self.first + sizes(self.first, len(words)) - 1
        self.start = tokens.starts[self.first]
        self.end = tokens.starts[lasts] + LENGTH.of(words[lasts])
        self.cased = (lower != words) & ~starts
        # numpy sorts what fits into 16 bits by radix.
        self.order = np.argsort(self.term.astype(np.uint16) if len(self.ids) < 1 << 16 else self.term, kind="stable")
        self.begin = np.cumsum(self.count) - self.count
        in_term, in_sentence = self.term[self.order], self.sentence[self.order]
        at = changes(in_term, in_sentence)
        self.in_term, self.in_sentence = in_term[at], in_sentence[at]
        self.times = sizes(at, len(words))

    def among(self, words: Iterable[str]) -> list[int]:
        """Which of the terms are among `words`, in lower case."""
        wanted = {LEXICON.find(word) for word in words}
        return [term for term, number in enumerate(self.ids.tolist()) if number in wanted]

    def written(self, places: Iterable[int], length: int) -> str:
        """How `length` tokens are written at most of `places`, one space between where their script has spaces."""
        word = self.word
        ways = [tuple(word[place : place + length]) for place in places]
        numbers = ways[0]
        if ways.count(numbers) * 2 <= len(ways):
            (numbers, _), *_ = Counter(ways).most_common(1)
        words = " ".join([LEXICON.words[number] for number in numbers])
        return words if words.isascii() else INNER_SPACE.sub("", words)
