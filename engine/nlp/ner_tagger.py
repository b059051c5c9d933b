"""A model at work on texts: words to the label of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.nlp.ner_memory import Memory
from engine.nlp.ner_model import sides
from engine.nlp.ner_search import decode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.nlp.ner_features import Words
    from engine.nlp.ner_model import Model


class Tagged(NamedTuple):
    """Of each word: its label's number in `Model.labels`, its kind, the style of its sentence."""

    label: NDArray[np.int64]
    kind: NDArray[np.int64]
    style: NDArray[np.int64]


class Tagger:
    """Labels words by `model`."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._memory = Memory(model)

    def tag(self, words: Words) -> Tagged:
        """What the model says of the words."""
        row = self._memory.look_up(words.number)
        kinds = self._memory.kinds
        kind = kinds.take(row)
        style = words.styles(kind)
        placed = words.placed(row)
        side = words.placed(sides(kind, words.mark, style))
        scores = self.model.scores(placed, kinds.take(placed), side, self._memory.blocks)
        return Tagged(decode(self.model, placed > 0, scores).take(words.at), kind, style)
