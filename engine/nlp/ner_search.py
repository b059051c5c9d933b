"""The labels of a text by the scores of each: the Viterbi search of a linear-chain CRF over all its names at once.

Law: the labels are those that crfsuite's tagger gives, but where a word outside any name would need more than `_PRUNE`
to become part of one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.nlp.ner_model import Model

#: Words are O without a search where O is ahead by so much (log odds) of all else: names are a tenth of a text.
_PRUNE: Final = 8.0
#: A gain that ends a run, and what is more than the rounding of a text full of it.
_NEVER: Final = -1e4
_EPSILON: Final = 1e-3
#: Words searched at once. The search takes a step a word of the longest run, for all runs together, so that 20,000
#: capitals in a row would take seconds; no name is a tenth as long.
_LONGEST_RUN: Final = 200


def decode(model: Model, is_word: NDArray[np.bool_], scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """The best label of each place, by number; `is_word` tells the places that are not empty, whose label is O."""
    by_label = np.ascontiguousarray(scores[:, : len(model.labels)].T)
    labels = np.zeros(len(is_word), dtype=np.int64)
    begins, ends = _runs(model, is_word, by_label)
    if begins.size:
        begins, ends = _in_pieces(begins, ends)
        order = np.argsort(begins - ends, kind="stable")  # the longest first, so that those still running are a prefix
        place, label = _search(model, is_word, by_label, begins[order], ends[order])
        labels[place] = label
    return labels


def _runs(
    model: Model, is_word: NDArray[np.bool_], scores: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where runs of words begin and end in which a label other than O may be best.

    A word is in a name only if some run of words around it, none of them pruned, may gain 0 or more over being O.
    """
    outside, names = scores[0], scores[1:]
    is_open = (np.maximum.reduce(names, axis=0) + _PRUNE > outside) & is_word
    gain = np.maximum.reduce(names + model.most, axis=0) - outside
    edges = np.flatnonzero(is_word[1:] != is_word[:-1])  # before a sentence's first word, then its last word
    gain[edges[::2] + 1] += model.most_at_edge
    gain[edges[1::2]] += model.most_at_edge
    gain[~is_open] = _NEVER
    until = np.cumsum(gain, dtype=np.float64)
    # The best run around a word: to where the sum is highest after it, from where it is lowest before.
    best = np.maximum.accumulate(until[::-1])[::-1] - np.minimum.accumulate(until - gain)
    is_open &= best >= -_EPSILON
    edges = np.flatnonzero(is_open[1:] != is_open[:-1]) + 1  # no name at the ends: the places there are empty
    return edges[::2], edges[1::2]


def _search(
    model: Model,
    is_word: NDArray[np.bool_],
    scores: NDArray[np.float32],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of the runs begins:ends, longest first, and their labels; words beside a run are O or no words.

    Columns go by time: the first words of all runs, then the second words of those that have one, and so on.
    """
    lengths = ends - begins
    times = np.arange(lengths[0])
    running = np.searchsorted(-lengths, -times, side="left")  # runs longer than 0, 1, 2 …
    offsets = np.cumsum(running) - running
    time = np.repeat(times, running)
    place = begins[np.arange(len(time)) - offsets[time]] + time
    transitions = model.transitions
    best = scores.take(place, axis=1).astype(np.float64)
    best[:, : len(begins)] += transitions[:1].T * is_word[begins - 1]
    spans = [*zip(offsets.tolist(), running.tolist(), strict=True)]
    of_each = transitions[:, :, None]
    for (before, _), (now, count) in pairwise(spans):
        reached = best[:, now : now + count]
        reached += np.maximum.reduce(best[:, None, before : before + count] + of_each, axis=0)
    last = offsets[lengths - 1] + np.arange(len(lengths))
    label = (best.take(last, axis=1) + transitions[:, :1] * is_word[ends]).argmax(axis=0)
    found = np.empty(len(place), dtype=np.int64)
    for (before, _), (now, count) in reversed([*pairwise(spans)]):
        found[now : now + count] = still = label[:count]
        np.argmax(best[:, before : before + count] + transitions.take(still, axis=1), axis=0, out=still)
    found[: len(label)] = label
    return place, found


def _in_pieces(begins: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The runs begins:ends with those longer than _LONGEST_RUN cut up."""
    pieces = (ends - begins + _LONGEST_RUN - 1) // _LONGEST_RUN
    if pieces.max() == 1:
        return begins, ends
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = np.repeat(begins, pieces) + number * _LONGEST_RUN
    return starts, np.minimum(starts + _LONGEST_RUN, np.repeat(ends, pieces))
