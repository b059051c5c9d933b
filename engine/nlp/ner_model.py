"""The trained recogniser: a linear-chain CRF, read from package data and decoded with numpy.

Trained by python-crfsuite (scripts/train_ner.py). Its own tagger takes every feature of every word as a string; here
all features are functions of single words or of small numbers (engine/nlp/ner_features.py), so a word's weights are
added up once and remembered, a text is sums of rows of tables, and the Viterbi search runs over all its names at once.

Law: the labels are those that crfsuite's tagger gives, but where a word outside any name would need more than
`_PRUNE` to become part of one.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.nlp.ner_features import MARKS, MOST, REACH, STYLES, WINDOWS, mark_name, style_name, window_name
from engine.nlp.ner_words import EDGE, KINDS, word_attributes, word_kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from spacy.strings import StringStore

    from engine.nlp.ner_features import Words

OUTSIDE: Final = "O"
#: Words are O without a search where O is ahead by so much (log odds) of all else: names are a tenth of a text.
_PRUNE: Final = 8.0
#: Words searched at once. The search takes a step a word of the longest run, for all runs together, so that 20,000
#: capitals in a row would take seconds; no name is a tenth as long.
_LONGEST_RUN: Final = 200
#: Words remembered: 100 bytes each and their weights. A process is replaced before it has seen many more.
_MOST_WORDS: Final = 60_000
_DISTANCES: Final = tuple(REACH)
#: Weights are stored as multiples of this: finer changes no label in a thousand.
_STEP: Final = 1 / 256

Weights = dict[tuple[str, str], float]


class Model:
    """Weights as tables. `labels` are O, B-PER, I-PER, B-LOC and so on."""

    def __init__(self, labels: Sequence[str], state: Weights, transitions: Weights) -> None:
        self.labels = tuple(labels)
        self._number = {label: number for number, label in enumerate(self.labels)}
        self.outside = self._number[OUTSIDE]
        size = len(self.labels)
        self._transitions = np.zeros((size, size))
        for (before, after), weight in transitions.items():
            self._transitions[self._number[before], self._number[after]] = weight
        rows: dict[str, NDArray[np.float32]] = {}
        named: dict[str, NDArray[np.float32]] = {}
        for (name, label), weight in state.items():
            distance, colon, attribute = name.partition(":")
            if colon and distance.lstrip("-").isdigit() and "|" not in distance:
                block = rows.setdefault(attribute, np.zeros((len(_DISTANCES), size), dtype=np.float32))
                block[_DISTANCES.index(int(distance)), self._number[label]] = weight
            else:
                named.setdefault(name, np.zeros(size, dtype=np.float32))[self._number[label]] = weight
        #: Row of each attribute; row 0 is of those without weight.
        self._row = {attribute: row for row, attribute in enumerate(rows, 1)}
        self._blocks = np.zeros((len(rows) + 1, len(_DISTANCES), size), dtype=np.float32)
        if rows:
            self._blocks[1:] = np.stack(list(rows.values()))
        self._bias = named.get("bias", np.zeros(size, dtype=np.float32))
        self._windows = [self._table(named, window) for window in WINDOWS]
        none = np.zeros(size, dtype=np.float32)
        self._marks = np.stack([named.get(mark_name(mark), none) for mark in range(len(MARKS))])
        self._styles = np.stack(
            [named.get(style_name(style, kind), none) for style, kind in product(range(len(STYLES)), range(len(KINDS)))]
        )

    def _table(self, named: Mapping[str, NDArray[np.float32]], window: tuple[int, ...]) -> NDArray[np.float32]:
        table = np.zeros((len(KINDS),) * len(window) + (len(self.labels),), dtype=np.float32)
        for kinds in product(range(len(KINDS)), repeat=len(window)):
            weights = named.get(window_name(window, kinds))
            if weights is not None:
                table[kinds] = weights
        return table.reshape(-1, len(self.labels))

    def blocks(self, words: Sequence[str]) -> NDArray[np.float32]:
        """What each word adds to the scores of the words around it: (words, distances, labels)."""
        row_of = self._row.get
        rows: list[int] = []
        begins = []
        for word in words:
            begins.append(len(rows))
            rows += [row_of(name, 0) for name in word_attributes(word)]
        total: NDArray[np.float32] = np.add.reduceat(self._blocks[rows], begins, axis=0)
        return total

    def scores(self, words: Words, block: NDArray[np.float32], kind: NDArray[np.int64]) -> NDArray[np.float32]:
        """The score of each label for each place, (n, labels), by the `block` and `kind` of the words there."""
        length = len(words)
        inner = slice(MOST, length - MOST)
        total = np.zeros((length, len(self.labels)), dtype=np.float32)
        scores = total[inner]
        scores += self._bias
        for number, distance in enumerate(_DISTANCES):
            # Attributes of the word at `distance` are its own row of the block of the word there.
            scores += block[MOST + distance : length - MOST + distance, number]
        for window, table in zip(WINDOWS, self._windows, strict=True):
            code = np.zeros(length - 2 * MOST, dtype=np.int64)
            for distance in window:
                code = code * len(KINDS) + kind[MOST + distance : length - MOST + distance]
            scores += table[code]
        scores += self._marks[words.mark[inner]]
        scores += self._styles[(words.styles(kind) * len(KINDS) + kind)[inner]]
        return total

    def decode(self, words: Words, scores: NDArray[np.float32]) -> NDArray[np.int64]:
        """The best label of each place, by number; O for the empty ones."""
        tags = np.full(len(words), self.outside, dtype=np.int64)
        others = np.delete(scores, self.outside, axis=1).max(axis=1)
        open_ = (words.token >= 0) & (others + _PRUNE > scores[:, self.outside])
        begins = np.flatnonzero(open_ & ~np.concatenate(([False], open_[:-1])))
        if not begins.size:
            return tags
        ends = np.flatnonzero(open_ & ~np.concatenate((open_[1:], [False]))) + 1
        begins, ends = _in_pieces(begins, ends)
        order = np.argsort(begins - ends, kind="stable")  # the longest first, so that those still running are a prefix
        self._search(words, scores, begins[order], ends[order], tags)
        return tags

    def _search(
        self, words: Words, scores: NDArray[np.float32], begins: NDArray[Any], ends: NDArray[Any], tags: NDArray[Any]
    ) -> None:
        """Viterbi over the runs begins:ends at once, longest first; words beside a run are O or no words."""
        lengths = ends - begins
        before = (words.token[begins - 1] >= 0).astype(np.float64)[:, None] * self._transitions[self.outside]
        after = (words.token[ends] >= 0).astype(np.float64)[:, None] * self._transitions[:, self.outside]
        best = scores[begins] + before
        running = np.searchsorted(-lengths, -np.arange(1, lengths[0]), side="left") if lengths[0] > 1 else ()
        came_from = []
        for step, count in enumerate(running, 1):
            through = best[:count, :, None] + self._transitions
            choice = through.argmax(axis=1)
            came_from.append(choice)
            best[:count] = np.take_along_axis(through, choice[:, None, :], axis=1)[:, 0] + scores[begins[:count] + step]
        label = (best + after).argmax(axis=1)
        for step in range(int(lengths[0]) - 1, -1, -1):
            count = int(running[step - 1]) if step else len(lengths)
            tags[begins[:count] + step] = label[:count]
            if step:
                label[:count] = np.take_along_axis(came_from[step - 1], label[:count, None], axis=1)[:, 0]


def _in_pieces(begins: NDArray[Any], ends: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The runs begins:ends with those longer than _LONGEST_RUN cut up."""
    pieces = (ends - begins + _LONGEST_RUN - 1) // _LONGEST_RUN
    if pieces.max() == 1:
        return begins, ends
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = np.repeat(begins, pieces) + number * _LONGEST_RUN
    return starts, np.minimum(starts + _LONGEST_RUN, np.repeat(ends, pieces))


class Memory:
    """The kinds and blocks of the words of one vocabulary, remembered. Rows may move: use them at once."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._clear(1024)

    def _clear(self, size: int) -> None:
        self._known: dict[int, int] = {0: 0}  # 0 is the id of no word
        self._blocks = np.zeros((size, len(_DISTANCES), len(self._model.labels)), dtype=np.float32)
        self._kinds = np.full(size, EDGE, dtype=np.int64)

    def look_up(self, orth: NDArray[np.uint64], strings: StringStore) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The block and the kind of each word."""
        ids, inverse = np.unique(orth, return_inverse=True)
        if len(self._known) > _MOST_WORDS:
            self._clear(len(self._kinds))
        known = self._known
        listed = ids.tolist()
        new = [orth_id for orth_id in listed if orth_id not in known]
        if new:
            self._add(new, [strings[orth_id] for orth_id in new])
        rows = np.array([known[orth_id] for orth_id in listed], dtype=np.int64)[inverse]
        return self._blocks[rows], self._kinds[rows]

    def _add(self, ids: list[int], words: list[str]) -> None:
        start = len(self._known)
        end = start + len(ids)
        while end > len(self._kinds):
            self._blocks = np.concatenate((self._blocks, np.zeros_like(self._blocks)))
            self._kinds = np.concatenate((self._kinds, np.zeros_like(self._kinds)))
        self._blocks[start:end] = self._model.blocks(words)
        self._kinds[start:end] = [word_kind(word) for word in words]
        self._known.update(zip(ids, range(start, end), strict=True))


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
