"""The words that the recogniser has met, with all that it adds up for each: computed once, then looked up by number.

Law: bounded. What is remembered only saves time, so it is forgotten as a whole when it is too much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.nlp.lexicon import Column
from engine.nlp.ner_words import EDGE, word_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.nlp.ner_model import Model

#: Words remembered: 170 bytes each. A process is replaced before it has seen many more.
_MOST_WORDS: Final = 60_000
_FIRST_SIZE: Final = 1024
_NO_WORD: Final = 0


class Memory:
    """Rows of the lexicon's words, and tables of what `model` adds up for each row; row 0 is of no word.

    `blocks` has a table a distance (:meth:`Model.scores`), `kinds` the kind of each row. Rows and tables are good until
    the next look-up.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._forget(_FIRST_SIZE)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Memory, (self._model,))  # the numbers of words are one process's

    def _forget(self, size: int) -> None:
        distances, width = self._model.block_shape
        self._row: Column[np.intp] = Column(self._next_row, np.intp, _NO_WORD)
        self._used = 1
        self._new: list[str] = []
        self.blocks = np.zeros((distances, size, width), dtype=np.float32)
        self.kinds = np.full(size, EDGE, dtype=np.int64)

    def look_up(self, numbers: NDArray[np.intp]) -> NDArray[np.intp]:
        """The row of each word."""
        if self._used > _MOST_WORDS:
            self._forget(len(self.kinds))
        try:
            rows = self._row.of(numbers)
            if self._new:
                self._add(self._new)
                self._new = []
        except BaseException:  # a page that runs out of memory or time may leave rows that are not filled
            self._forget(_FIRST_SIZE)
            raise
        return rows

    def _next_row(self, word: str) -> int:
        """The row of a word that was not met; it is filled with the others of its text."""
        self._new.append(word)
        self._used += 1
        return self._used - 1

    def _add(self, words: list[str]) -> None:
        """Fill the last rows."""
        end = self._used
        start = end - len(words)
        while end > len(self.kinds):
            self.blocks = np.concatenate((self.blocks, np.zeros_like(self.blocks)), axis=1)
            self.kinds = np.concatenate((self.kinds, np.zeros_like(self.kinds)))
        parts = [word_parts(word) for word in words]
        self.blocks[:, start:end] = self._model.blocks(parts).swapaxes(0, 1)
        self.kinds[start:end] = [kind for _, kind, *_ in parts]
