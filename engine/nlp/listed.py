"""Names of a list, found in a text by the numbers of its words.

A name is looked for where its first word stands and its second one after it, which is found for all of a text by one
look-up: the time does not grow with the number of names.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import numpy as np

from engine.nlp.lexicon import LEXICON, Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

_Value = TypeVar("_Value")

#: A word is a name, begins one of several words, is the second word of one.
_ALONE: Final = 1
_FIRST: Final = 2
_SECOND: Final = 4


class Listed(Generic[_Value]):
    """Finds the names of `names` in texts, and says the value of each; names are words as the tokenizer cuts them."""

    def __init__(self, names: Mapping[tuple[str, ...], _Value]) -> None:
        self._names = names
        lengths: dict[str, set[int]] = defaultdict(set)
        self._places: dict[str, int] = defaultdict(int)
        for words in names:
            lengths[words[0]].add(len(words))
            self._places[words[0]] |= _FIRST if words[1:] else _ALONE
            for second in words[1:2]:
                self._places[second] |= _SECOND
        #: How many words the names have that begin with a word, ascending.
        self._lengths = {word: tuple(sorted(found)) for word, found in lengths.items()}
        self._bits: Column[np.int8] = Column(self._place_of, np.int8, -1)

    def find(self, numbers: NDArray[np.intp]) -> Iterator[tuple[int, int, _Value]]:
        """(first word, one after the last, value) of each name among the words `numbers`; names may overlap."""
        bits = self._bits.of(numbers)
        may_begin = bits & _ALONE
        may_begin[:-1] |= bits[:-1] & bits[1:] >> 1 & _FIRST  # a second word after a first one
        names, lexicon = self._names, LEXICON.words
        for at in np.flatnonzero(may_begin).tolist():
            lengths = self._lengths[lexicon[numbers[at]]]
            words = tuple([lexicon[number] for number in numbers[at : at + lengths[-1]].tolist()])
            for length in lengths:
                if length > len(words):  # the name is longer than what is left of the text
                    break
                if (value := names.get(words[:length])) is not None:
                    yield at, at + length, value

    def _place_of(self, word: str) -> int:
        return self._places.get(word, 0)
