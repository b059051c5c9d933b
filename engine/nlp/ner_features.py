"""What the entity recogniser knows of each word of a text, in the two forms that training and use need.

Three kinds of features, and nothing else, so that use is table look-ups (engine/nlp/ner_model.py):

- attributes of the word and of its neighbours (`REACH` says which family counts at which distance);
- the kinds of two or three words in a row (`WINDOWS`);
- the word's kind with what the text around says: whether a longer gazetteer name covers it (`marks`), whether its
  line is written like a heading (`style`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from spacy.matcher import PhraseMatcher
from spacy.util import filter_spans

from engine.nlp.ner_words import EDGE, KINDS
from engine.nlp.wordlists import data_lines, gazetteers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

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


class LongNames:
    """Finds gazetteer names of several words."""

    def __init__(self, nlp: Language) -> None:
        names = gazetteers()
        lists = {
            "gpe": {*data_lines("gpe"), *names["country"], *names["state"], *names["city"], *names["town"]},
            "loc": set(data_lines("loc")),
            "org": set(data_lines("org")),
        }
        self._matcher = PhraseMatcher(nlp.vocab, attr="ORTH")
        for name, phrases in lists.items():
            docs = [nlp.make_doc(phrase) for phrase in sorted(phrases) if " " in phrase or "-" in phrase]
            self._matcher.add(name, [doc for doc in docs if len(doc) > 1])

    def marks(self, doc: Doc) -> NDArray[np.int64]:
        """The number in `MARKS` of each token."""
        found = np.zeros(len(doc), dtype=np.int64)
        for span in filter_spans(self._matcher(doc, as_spans=True)):
            first = MARKS.index(f"{span.label_}-first")
            found[span.start] = first
            found[span.start + 1 : span.end] = first + 1
        return found


class Words:
    """The words of a Doc, less its white space, sentence by sentence with `MOST` empty places before and after each.

    All arrays run over these n places. `token`: the token's index, -1 for an empty place. `orth`: its id. `mark`: see
    `MARKS`. `first`: whether a sentence begins here.
    """

    def __init__(self, doc: Doc, marks: NDArray[np.int64]) -> None:
        columns = np.asarray(doc.to_array(["ORTH", "SENT_START", "IS_SPACE"]), dtype=np.uint64).reshape(-1, 3)
        words = np.flatnonzero(columns[:, 2] == 0)
        sentence = np.cumsum(columns[:, 1] == 1)[words]
        begins = np.ones(len(words), dtype=bool)
        begins[1:] = sentence[1:] != sentence[:-1]
        self.at = np.arange(len(words)) + MOST * np.cumsum(begins)
        size = len(words) + MOST * (int(begins.sum()) + 1)
        self.token = np.full(size, -1, dtype=np.int64)
        self.token[self.at] = words
        self.orth = np.zeros(size, dtype=np.uint64)
        self.orth[self.at] = columns[words, 0]
        self.mark = np.zeros(size, dtype=np.int64)
        self.mark[self.at] = marks[words]
        self.first = np.zeros(size, dtype=bool)
        self.first[self.at] = begins

    def __len__(self) -> int:
        return len(self.token)

    def styles(self, kind: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number in `STYLES` of each place, by the kinds of the words of its sentence."""
        styles = np.zeros(len(self), dtype=np.int64)
        if not len(self.at):
            return styles
        group = np.cumsum(self.first[self.at]) - 1
        of_words = kind[self.at]
        words = np.bincount(group, weights=_IS_WORD[of_words])
        upper = np.bincount(group, weights=_IS_UPPER[of_words])
        capitals = np.bincount(group, weights=_IS_CAPITAL[of_words])
        style = np.where(capitals >= _HEADING_SHARE * words, 1, 0)
        style = np.where(upper >= _HEADING_SHARE * words, 2, style)
        style[words < _HEADING_WORDS] = 0
        styles[self.at] = style[group]
        return styles


def feature_names(
    words: Words, attributes: Sequence[Sequence[str]], kind: NDArray[np.int64]
) -> Iterator[tuple[int, list[str]]]:
    """(place, its features by name) of every word: what a CRF is trained on. `attributes` of each place."""
    styles = words.styles(kind)
    for place in words.at.tolist():
        names = ["bias"]
        for distance, families in REACH.items():
            names += [f"{distance}:{name}" for name in attributes[place + distance] if name[0] in families]
        for window in WINDOWS:
            names.append(window_name(window, [int(kind[place + distance]) for distance in window]))
        names.append(mark_name(int(words.mark[place])))
        names.append(style_name(int(styles[place]), int(kind[place])))
        yield place, names


def window_name(window: tuple[int, ...], kinds: Sequence[int]) -> str:
    """The feature of `kinds` in a row at the distances `window`."""
    return f"{window[0]}+{len(window)}|{' '.join(KINDS[kind] for kind in kinds)}"


def mark_name(mark: int) -> str:
    """The feature of a mark."""
    return f"mark|{MARKS[mark]}"


def style_name(style: int, kind: int) -> str:
    """The feature of a word's kind in a line of a style."""
    return f"style|{STYLES[style]} {KINDS[kind]}"


def strings_of(vocab: Vocab, words: Words) -> list[str]:
    """The word of each place, "" for an empty one."""
    strings = vocab.strings
    return [strings[orth] if orth else "" for orth in words.orth.tolist()]


def _flags(*starts: str, but: tuple[str, ...] = ()) -> NDArray[np.float64]:
    return np.array([float(kind.startswith(starts) and kind not in but) for kind in KINDS])


_CAPITALISED: Final = (
    "title", "given", "surname", "both", "place", "upper", "person", "org", "nation", "calendar", "initial", "mixed"
)  # fmt: skip
_IS_CAPITAL: Final = _flags(*_CAPITALISED)
_IS_UPPER: Final = _flags("upper")
#: Small words have small letters in headings too, so they tell nothing.
_IS_WORD: Final = _flags(*_CAPITALISED, "lower", but=("lower_stop",))
assert KINDS[EDGE] == "edge"  # noqa: S101 - places without a word are 0 in every array
