"""The trained recogniser: the weights of a linear-chain CRF as tables, read from package data and added up by numpy.

Trained by python-crfsuite (scripts/train_ner.py). Its own tagger takes every feature of every word as a string; here
all features are functions of single words or of small numbers (engine/nlp/ner_features.py), so a word's weights are
added up once and remembered (engine/nlp/ner_memory.py), and a text's scores are sums of a dozen rows of tables.

Rows are as wide as a multiple of eight labels: numpy takes rows of 32 bytes twice as fast as rows of 28, and `take` is
four to eight times as fast as an index.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.nlp.ner_features import MARKS, MOST, REACH, STYLES, WINDOWS, mark_name, style_name, window_name
from engine.nlp.ner_words import AFFIXES, KINDS, group_sets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from engine.nlp.ner_words import Parts

OUTSIDE: Final = "O"
_DISTANCES: Final = tuple(REACH)
#: Weights are stored as multiples of this: finer changes no label in a thousand.
_STEP: Final = 1 / 256
_LANES: Final = 8
#: Kinds of the word before, the word and the word after, as one number.
_TRIPLE: Final = (-1, 0, 1)

Weights = dict[tuple[str, str], float]


class Model:
    """Weights as tables. `labels` are O, always the first, B-PER, I-PER, B-LOC …; `transitions` from each to each."""

    def __init__(self, labels: Sequence[str], state: Weights, transitions: Weights) -> None:
        self.labels = (OUTSIDE, *(label for label in labels if label != OUTSIDE))
        self._number = {label: number for number, label in enumerate(self.labels)}
        self.transitions = np.zeros((len(labels), len(labels)))
        for (before, after), weight in transitions.items():
            self.transitions[self._number[before], self._number[after]] = weight
        self._set_gains()
        self._width = -(-len(labels) // _LANES) * _LANES
        attributes: dict[str, NDArray[np.float32]] = defaultdict(lambda: np.zeros(self.block_shape, dtype=np.float32))
        named: dict[str, NDArray[np.float32]] = defaultdict(self._row)
        for (name, label), weight in state.items():
            distance, colon, attribute = name.partition(":")
            if colon and distance.lstrip("-").isdigit() and "|" not in distance:
                attributes[attribute][_DISTANCES.index(int(distance)), self._number[label]] = weight
            else:
                named[name][self._number[label]] = weight
        self._set_attributes(attributes)
        self._set_tables(named)

    @property
    def block_shape(self) -> tuple[int, int]:
        """What a word adds to the scores of the words around it: (distances, labels and what fills them up)."""
        return len(_DISTANCES), self._width

    def _set_gains(self) -> None:
        """What a name may gain by transitions, at most: `most`, by a word of each label but O, `most_at_edge`.

        From O to O is the measure. What is above it in any transition from a to b is at most the sum of a part of a's,
        `leaving`, and a part of b's, `entering`; so a run of words between words that are O gains by its transitions
        no more than the sum of both parts of each word. At the edge of a sentence one part is 0 instead.
        """
        gains = self.transitions - self.transitions[0, 0]
        leaving = gains[:, 0]
        entering = (gains - leaving[:, None]).max(axis=0)
        self.most: NDArray[np.float32] = (entering + leaving)[1:, None].astype(np.float32)
        self.most_at_edge = max(0.0, -float(entering.min()), -float(leaving.min()))

    def _row(self) -> NDArray[np.float32]:
        return np.zeros(self._width, dtype=np.float32)

    def _set_attributes(self, blocks: Mapping[str, NDArray[np.float32]]) -> None:
        """By family and value, the row of each attribute; row 0 is of those without weight.

        A word's groups are one row for all, and so is a beginning or an ending of it with the shorter ones.
        """
        rows = [np.zeros(self.block_shape, dtype=np.float32)]
        families: dict[str, dict[str, int]] = {family: {} for family in "wkxci"}
        for name, block in blocks.items():
            if name[0] in families:
                families[name[0]][name[2:]] = len(rows)
                rows.append(block)
        self._affixes: dict[str, dict[str, int]] = {"p": {}, "s": {}}
        self._groups: dict[str, dict[frozenset[str], int]] = {"g": {}, "l": {}}
        for name in blocks:
            family, value = name[0], name[2:]
            if family in self._affixes:
                sizes = [size for size in AFFIXES if size <= len(value)]
                parts = [f"{family}={value[:size] if family == 'p' else value[-size:]}" for size in sizes]
                self._affixes[family][value] = len(rows)
                rows.append(sum((blocks[part] for part in parts if part in blocks), rows[0]))
        for family, groups in product("gl", sorted(group_sets(), key=sorted)):
            parts = [f"{family}={group}" for group in sorted(groups)]
            self._groups[family][groups] = len(rows)
            rows.append(sum((blocks[part] for part in parts if part in blocks), rows[0]))
        self._kinds = [families["k"].get(kind, 0) for kind in KINDS]
        self._families = families
        self._blocks: NDArray[np.float32] = np.stack(rows).reshape(len(rows), -1)

    def _set_tables(self, named: Mapping[str, NDArray[np.float32]]) -> None:
        """The features of several words' kinds, and those of a kind and a small number."""
        windows = {window: self._window(named, window) for window in WINDOWS}
        middle = windows.pop(_TRIPLE) + windows.pop((-1, 0))[:, :, None] + windows.pop((0, 1))[None]
        middle += named.get("bias", self._row())
        before, after = windows.pop((-2, -1, 0)), windows.pop((0, 1, 2))
        assert not windows  # noqa: S101 - scores() knows of these five only
        self._triples = [table.reshape(-1, self._width) for table in (middle, before, after)]
        none = self._row()
        sides = [
            named.get(mark_name(mark), none) + named.get(style_name(style, kind), none)
            for mark, style, kind in product(range(len(MARKS)), range(len(STYLES)), range(len(KINDS)))
        ]
        self._sides: NDArray[np.float32] = np.stack(sides)

    def _window(self, named: Mapping[str, NDArray[np.float32]], window: tuple[int, ...]) -> NDArray[np.float32]:
        table = np.zeros((len(KINDS),) * len(window) + (self._width,), dtype=np.float32)
        number = {kind: number for number, kind in enumerate(KINDS)}
        start = window_name(window, ())
        for name, weights in named.items():  # a few thousand; of what there may be, there are a hundred thousand
            if name.startswith(start):
                table[tuple(number[kind] for kind in name.removeprefix(start).split(" "))] = weights
        return table

    def blocks(self, words: Sequence[Parts]) -> NDArray[np.float32]:
        """What each word adds to the scores of the words around it: (words, distances, labels)."""
        row_of, shape_row, cased_row, piece_row = (self._families[family].get for family in "wxci")
        group_row, small_group_row = (self._groups[family].get for family in "gl")
        starting, ending = self._affixes["p"].get, self._affixes["s"].get
        kinds = self._kinds
        rows: list[int] = []
        begins = []
        for lower, kind, shape, cased, groups, is_word in words:
            begins.append(len(rows))
            rows += (row_of(lower, 0), kinds[kind], shape_row(shape, 0))
            if is_word and len(lower) > AFFIXES[-1]:
                rows += (
                    starting(lower[:4]) or starting(lower[:3]) or starting(lower[:2], 0),
                    ending(lower[-4:]) or ending(lower[-3:]) or ending(lower[-2:], 0),
                )
            elif is_word:
                sizes = range(len(lower) - 1, 1, -1)
                rows.append(next(filter(None, (starting(lower[:size]) for size in sizes)), 0))
                rows.append(next(filter(None, (ending(lower[-size:]) for size in sizes)), 0))
            if cased:
                rows += (cased_row(cased, 0), group_row(groups, 0))
                rows += [piece_row(piece, 0) for piece in lower.split("-")] if "-" in lower else ()
            elif groups:
                rows.append(small_group_row(groups, 0))
        total: NDArray[np.float32] = np.add.reduceat(self._blocks.take(rows, axis=0), begins, axis=0)
        return total.reshape(len(words), *self.block_shape)

    def scores(
        self,
        row: NDArray[np.int64],
        kind: NDArray[np.int64],
        side: NDArray[np.int64],
        blocks: Iterable[NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """The score of each label for each place, (places, labels).

        By what the word there is, all 0 where there is none: its `row` in each distance's table of `blocks`, its
        `kind`, and what :func:`sides` makes of it.
        """
        total = np.zeros((len(row), self._width), dtype=np.float32)
        end = len(row) - MOST
        scores = total[MOST:end]
        for table, distance in zip(blocks, _DISTANCES, strict=True):
            scores += table.take(row[MOST + distance : end + distance], axis=0)
        triple = (kind[:-2] * len(KINDS) + kind[1:-1]) * len(KINDS) + kind[2:]  # the first is of the place 1
        for table, first in zip(self._triples, (1, 0, 2), strict=True):
            scores += table.take(triple[first : first + len(scores)], axis=0)
        scores += self._sides.take(side[MOST:end], axis=0)
        return total


def sides(kind: NDArray[np.int64], mark: NDArray[np.int64], style: NDArray[np.int64]) -> NDArray[np.int64]:
    """A word's kind with what the text around says of it, as one number."""
    return (mark * len(STYLES) + style) * len(KINDS) + kind


def save(path: Path, labels: Sequence[str], state: Weights, transitions: Weights) -> None:
    """Write a model; the same weights give the same bytes."""
    numbers = {label: number for number, label in enumerate(labels)}
    steps = {key: round(weight / _STEP) for key, weight in state.items()}
    kept = sorted(key for key, weight in steps.items() if weight)
    names = sorted({name for name, _ in kept})
    number_of = {name: number for number, name in enumerate(names)}
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            labels=_packed(labels),
            names=_packed(names),
            name=np.array([number_of[name] for name, _ in kept], dtype=np.uint32),
            label=np.array([numbers[label] for _, label in kept], dtype=np.uint8),
            weight=np.array([steps[key] for key in kept], dtype=np.int16),
            before=np.array([numbers[key[0]] for key in sorted(transitions)], dtype=np.uint8),
            after=np.array([numbers[key[1]] for key in sorted(transitions)], dtype=np.uint8),
            transition=np.array([transitions[key] for key in sorted(transitions)], dtype=np.float64),
        )


def read(path: Path) -> Model:
    """The model that :func:`save` wrote."""
    with np.load(path, allow_pickle=False) as data:
        labels, names = _unpacked(data["labels"]), _unpacked(data["names"])
        state = {
            (names[name], labels[label]): weight * _STEP
            for name, label, weight in zip(
                data["name"].tolist(), data["label"].tolist(), data["weight"].tolist(), strict=True
            )
        }
        transitions = {
            (labels[before], labels[after]): weight
            for before, after, weight in zip(
                data["before"].tolist(), data["after"].tolist(), data["transition"].tolist(), strict=True
            )
        }
    return Model(labels, state, transitions)


@cache
def shipped() -> Model:
    """The model in the package's data."""
    return read(files("engine.nlp") / "data" / "ner.npz")  # type: ignore[arg-type]  # installed as plain files


def _packed(strings: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(strings).encode("utf-8"), dtype=np.uint8)


def _unpacked(data: NDArray[np.uint8]) -> list[str]:
    return data.tobytes().decode("utf-8").split("\n")
