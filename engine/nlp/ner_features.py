"""What the entity recogniser knows of each word of a text, in the two forms that training and use need.

Three kinds of features, and nothing else, so that use is table look-ups (engine/nlp/ner_model.py):

- attributes of the word and of its neighbours (`REACH` says which family counts at which distance);
- the kinds of two or three words in a row (`WINDOWS`);
- the word's kind with what the text around says: whether a longer gazetteer name covers it (`marks`), whether its
  line is written like a heading (`style`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from engine.nlp.lexicon import IS_SPACE, LEXICON
from engine.nlp.listed import Listed
from engine.nlp.ner_words import EDGE, KINDS
from engine.nlp.wordlists import data_lines, gazetteers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from spacy.language import Language
    from spacy.tokens import Doc

#: The families of attributes that count at each distance from the word.
REACH: Final = {-2: "wkgl", -1: "wkxgls", 0: "wkxpscgli", 1: "wkxgls", 2: "wkgl"}
MOST: Final = 2
#: Distances of the words whose kinds make one feature.
WINDOWS: Final = ((-1, 0), (0, 1), (-1, 0, 1), (-2, -1, 0), (0, 1, 2))
#: First and later words of the longer gazetteer names, by list; 0 is no name.
MARKS: Final = ("none", "gpe-first", "gpe-later", "loc-first", "loc-later", "org-first", "org-later")
STYLES: Final = ("text", "heading", "capitals")

#: A line with so large a share of capitalised words is a heading.
_HEADING_SHARE: Final = 0.6
_HEADING_WORDS: Final = 3

_Value = TypeVar("_Value", bound=np.generic)


class LongNames:
    """Finds gazetteer names of several words, as the tokenizer of `nlp` cuts them."""

    def __init__(self, nlp: Language) -> None:
        names = gazetteers()
        lists = {
            "gpe": {*data_lines("gpe"), *names["country"], *names["state"], *names["city"], *names["town"]},
            "loc": set(data_lines("loc")),
            "org": set(data_lines("org")),
        }
        first_marks: dict[tuple[str, ...], int] = {}
        for name, phrases in lists.items():
            for phrase in phrases:
                if " " in phrase or "-" in phrase:
                    words = [LEXICON.words[number] for number in LEXICON.of(nlp.make_doc(phrase)).words.tolist()]
                    if words[1:]:
                        first_marks.setdefault(tuple(words), MARKS.index(f"{name}-first"))
        self._listed = Listed(first_marks)

    def marks(self, numbers: NDArray[np.intp]) -> NDArray[np.int64]:
        """The mark of each token, by its word's number; of names that overlap the longest counts, then the first."""
        marks = np.zeros(len(numbers), dtype=np.int64)
        found = sorted((start - end, start, end, mark) for start, end, mark in self._listed.find(numbers))
        for _, start, end, mark in found:
            if not marks[start] and not marks[end - 1]:
                marks[start:end] = mark + 1
                marks[start] = mark
        return marks


class Words:
    """The words of a text, less its white space, and their places: `MOST` empty ones are before and after a sentence.

    Arrays over the words: `token`, the token's index; `number`, that of the word in the lexicon; `mark`, see `MARKS`;
    `first`, whether a sentence begins here; `at`, its place. Made of arrays over the tokens, `starts` where a sentence
    does.
    """

    def __init__(self, numbers: NDArray[np.intp], starts: NDArray[np.bool_], mark: NDArray[np.int64]) -> None:
        self.token = np.flatnonzero(IS_SPACE.of(numbers) == 0)
        sentence = np.cumsum(starts).take(self.token)
        self.first = np.ones(len(self), dtype=bool)
        np.not_equal(sentence[1:], sentence[:-1], out=self.first[1:])
        self._begins = np.flatnonzero(self.first)
        self._sentence = np.cumsum(self.first)
        self.at = np.arange(len(self)) + MOST * self._sentence
        self._places = len(self) + MOST * (len(self._begins) + 1)
        self.number = numbers.take(self.token)
        self.mark = mark.take(self.token)

    def __len__(self) -> int:
        return len(self.token)

    def placed(self, values: NDArray[_Value]) -> NDArray[_Value]:
        """The words' `values` at their places; 0 at the empty ones."""
        spread: NDArray[_Value] = np.zeros(self._places, dtype=values.dtype)
        spread[self.at] = values
        return spread

    def styles(self, kind: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number in `STYLES` of each word's sentence, by the kinds of its words."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        counts = np.add.reduceat(_COUNTED.take(kind), self._begins)
        words, upper, capitals = (counts >> _WORDS & _FIELD, counts >> _UPPER & _FIELD, counts & _FIELD)
        style = np.where(capitals >= _HEADING_SHARE * words, 1, 0)
        style[upper >= _HEADING_SHARE * words] = 2
        style[words < _HEADING_WORDS] = 0
        of_words: NDArray[np.int64] = style.take(self._sentence - 1)
        return of_words


def words_of(doc: Doc, names: LongNames) -> Words:
    """The words of a Doc."""
    numbers = LEXICON.of(doc).words
    return Words(numbers, doc.to_array("SENT_START") == 1, names.marks(numbers))


def feature_names(
    words: Words, attributes: Sequence[Sequence[str]], kind: NDArray[np.int64]
) -> Iterator[tuple[int, list[str]]]:
    """(word, its features by name) of every word: what a CRF is trained on. `attributes` and `kind` of each place."""
    styles = words.styles(kind[words.at])
    for word, place in enumerate(words.at.tolist()):
        names = ["bias"]
        for distance, families in REACH.items():
            names += [f"{distance}:{name}" for name in attributes[place + distance] if name[0] in families]
        for window in WINDOWS:
            names.append(window_name(window, [int(kind[place + distance]) for distance in window]))
        names.append(mark_name(int(words.mark[word])))
        names.append(style_name(int(styles[word]), int(kind[place])))
        yield word, names


def window_name(window: tuple[int, ...], kinds: Sequence[int]) -> str:
    """The feature of `kinds` in a row at the distances `window`."""
    return f"{window[0]}+{len(window)}|{' '.join(KINDS[kind] for kind in kinds)}"


def mark_name(mark: int) -> str:
    """The feature of a mark."""
    return f"mark|{MARKS[mark]}"


def style_name(style: int, kind: int) -> str:
    """The feature of a word's kind in a line of a style."""
    return f"style|{STYLES[style]} {KINDS[kind]}"


def strings_of(words: Words) -> list[str]:
    """The word of each place, "" for an empty one."""
    return [LEXICON.words[number - 1] if number else "" for number in words.placed(words.number + 1).tolist()]


#: Where in a number the counts of words, of those in capitals and of those with a capital lie, so that one sum over a
#: sentence counts all three.
_WORDS: Final = 40
_UPPER: Final = 20
_FIELD: Final = (1 << _UPPER) - 1
_CAPITALISED: Final = (
    "title", "given", "surname", "both", "place", "upper", "person", "org", "nation", "calendar", "initial", "mixed"
)  # fmt: skip
#: By kind. Small words have small letters in headings too, so they tell nothing.
_COUNTED: Final = np.array(
    [
        (kind.startswith((*_CAPITALISED, "lower")) and kind != "lower_stop") << _WORDS
        | kind.startswith("upper") << _UPPER
        | kind.startswith(_CAPITALISED)
        for kind in KINDS
    ],
    dtype=np.int64,
)
#: Whether a word of the kind may begin with a capital.
HAS_CAPITAL: Final = _COUNTED & 1 > 0
assert KINDS[EDGE] == "edge"  # noqa: S101 - places without a word are 0 in every array
