"""The words that a process has met, numbered, and what its components know of each.

Of a text's words most were met before, and what is asked of a word (its lower-case form, whether it ends a sentence,
whether it is a stop word) depends on nothing else. So each word has a number, a :class:`Column` remembers one answer
for each, and a component reads the answers for a whole Doc by one look-up with an array, where a spaCy Token for every
word would cost a hundred times as much.

Law: a word keeps its number for as long as its process lives. It is one process's: numbers never leave it, and what is
put on a Doc for other components does not depend on them. As spaCy's vocabulary, it only grows.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from weakref import ref

import numpy as np
from spacy.strings import get_string_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray
    from spacy.tokens import Doc

_Number = TypeVar("_Number", bound=np.generic)

#: Room for so many words before the columns grow the first time.
_ROOM: Final = 1 << 14


class Tokens:
    """The tokens of a Doc: the number of each one's word, and 1 where a space follows it (both are arrays)."""

    __slots__ = ("_starts", "spaces", "words")

    def __init__(self, words: NDArray[np.intp], spaces: NDArray[np.intp]) -> None:
        self.words = words
        self.spaces = spaces
        self._starts: NDArray[np.intp] | None = None

    @property
    def starts(self) -> NDArray[np.intp]:
        """The first character of each token."""
        if self._starts is None:
            self._starts = np.zeros(len(self.words), dtype=np.intp)
            np.cumsum((LENGTH.of(self.words) + self.spaces)[:-1], out=self._starts[1:])
        return self._starts


class Lexicon:
    """`words` by their numbers, which count up from 0."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}
        self._by_id: dict[int, int] = {}
        self._adding = Lock()
        self._last: tuple[ref[Doc] | None, Tokens] = (None, Tokens(np.empty(0, np.intp), np.empty(0, np.intp)))

    def number(self, word: str) -> int:
        """The number of a word, which has one from now on."""
        number = self._numbers.get(word)
        if number is None:
            with self._adding:
                number = self._numbers.get(word)
                if number is None:
                    self.words.append(word)  # first, so that a number never lacks its word, wherever memory runs out
                    number = self._numbers[word] = len(self.words) - 1
        return number

    def find(self, word: str) -> int | None:
        """The number of a word that was met; None for another."""
        return self._numbers.get(word)

    def of(self, doc: Doc) -> Tokens:
        """The tokens of a Doc; those of the last one are remembered, while its length stays."""
        last, tokens = self._last
        if last is not None and last() is doc and len(tokens.words) == len(doc):
            return tokens
        columns = doc.to_array(["ORTH", "SPACY"])
        ids = columns[:, 0].tolist()
        known, strings = self._by_id, doc.vocab.strings
        for word_id in set(ids).difference(known):
            known[word_id] = self.number(strings[word_id])
        tokens = Tokens(np.array([known[word_id] for word_id in ids], dtype=np.intp), columns[:, 1].astype(np.intp))
        self.remember(doc, tokens)
        return tokens

    def remember(self, doc: Doc, tokens: Tokens) -> None:
        """`tokens` are those of `doc`: a tokenizer knows them."""
        self._last = (ref(doc), tokens)


#: Those of this process.
LEXICON: Final = Lexicon()


class Column(Generic[_Number]):
    """`value` of each word of the lexicon, computed when it is first asked for; `unknown` is the value of no word."""

    def __init__(self, value: Callable[[str], Any], dtype: type[_Number] | DTypeLike, unknown: int) -> None:
        self._value = value
        self._unknown = unknown
        self._values: NDArray[_Number] = np.full(_ROOM, unknown, dtype=dtype)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Column, (self._value, self._values.dtype, self._unknown))  # without the values: see the law

    def of(self, numbers: NDArray[np.intp]) -> NDArray[_Number]:
        """The value of the word of each number."""
        column = self._values
        if len(column) < len(LEXICON.words):
            more = np.full(2 * len(LEXICON.words) - len(column), self._unknown, dtype=column.dtype)
            column = self._values = np.concatenate((column, more))
        values = column[numbers]
        new = values == self._unknown
        if new.any():
            words, value = LEXICON.words, self._value
            met = list(set(numbers[new].tolist()))
            column[met] = [value(words[number]) for number in met]
            values = column[numbers]
        return values


#: spaCy's id of a word, the number of its lower-case form, its length in characters, and whether it is white space.
ORTH: Final[Column[np.uint64]] = Column(get_string_id, np.uint64, 0)
LOWER: Final[Column[np.intp]] = Column(lambda word: LEXICON.number(word.lower()), np.intp, -1)
LENGTH: Final[Column[np.intp]] = Column(len, np.intp, -1)
IS_SPACE: Final[Column[np.int8]] = Column(str.isspace, np.int8, -1)
