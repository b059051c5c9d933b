"""The words that the recogniser has met, with all that it adds up for each: computed once, then looked up by id.

Law: bounded. What is remembered only saves time, so it is forgotten as a whole when it is too much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engine.nlp.ner_words import EDGE, word_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from spacy.strings import StringStore

    from engine.nlp.ner_model import Model

#: Words remembered: 170 bytes each and their entry. A process is replaced before it has seen many more.
_MOST_WORDS: Final = 60_000
_FIRST_SIZE: Final = 1024
#: Words of ids that end in the same 16 bits share a slot, where the last of them is found without a look at the others.
_SLOTS: Final = np.uint64((1 << 16) - 1)


class _Rows(dict[int, int]):
    """The row of each word by its id; one that is not there gets the next and is listed as new."""

    def __init__(self) -> None:
        super().__init__({0: 0})  # 0 is the id of no word
        self.new: list[int] = []

    def __missing__(self, orth: int) -> int:
        row = self[orth] = len(self)
        self.new.append(orth)
        return row


class Memory:
    """Rows of the words of one vocabulary, and tables of what `model` adds up for each row.

    `blocks` has a table a distance (:meth:`Model.scores`), `kinds` the kind of each row. Rows and tables are good until
    the next look-up.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._forget(_FIRST_SIZE)

    def _forget(self, size: int) -> None:
        distances, width = self._model.block_shape
        self._rows = _Rows()
        self._quick = np.zeros(int(_SLOTS) + 1, dtype=np.int64)
        self._orth = np.zeros(size, dtype=np.uint64)
        self.blocks = np.zeros((distances, size, width), dtype=np.float32)
        self.kinds = np.full(size, EDGE, dtype=np.int64)
        self.is_space = np.zeros(size, dtype=bool)

    def look_up(self, orth: NDArray[np.uint64], strings: StringStore) -> NDArray[np.int64]:
        """The row of each word."""
        if len(self._rows) > _MOST_WORDS:
            self._forget(len(self.kinds))
        slot = (orth & _SLOTS).view(np.int64)
        rows = self._quick.take(slot)
        missed = np.flatnonzero(self._orth.take(rows) != orth)
        if missed.size:
            try:
                rows[missed] = self._find(orth[missed], strings)
            except BaseException:  # a page that runs out of memory or time may leave rows that are not filled
                self._forget(_FIRST_SIZE)
                raise
            self._quick[slot[missed]] = rows[missed]
        return rows

    def _find(self, orth: NDArray[np.uint64], strings: StringStore) -> NDArray[np.int64]:
        """The rows of words, by their ids one by one; those that are new are added."""
        rows = np.fromiter(map(self._rows.__getitem__, orth.tolist()), np.int64, len(orth))
        if self._rows.new:
            self._add(self._rows.new, [strings[new] for new in self._rows.new])
            self._rows.new.clear()
        return rows

    def _add(self, ids: Sequence[int], words: Sequence[str]) -> None:
        """Fill the last rows."""
        end = len(self._rows)
        start = end - len(words)
        while end > len(self.kinds):
            self.blocks = np.concatenate((self.blocks, np.zeros_like(self.blocks)), axis=1)
            self._orth = np.concatenate((self._orth, np.zeros_like(self._orth)))
            self.kinds = np.concatenate((self.kinds, np.zeros_like(self.kinds)))
            self.is_space = np.concatenate((self.is_space, np.zeros_like(self.is_space)))
        self._orth[start:end] = ids
        parts = [word_parts(word) for word in words]
        self.blocks[:, start:end] = self._model.blocks(parts).swapaxes(0, 1)
        self.kinds[start:end] = [kind for _, kind, *_ in parts]
        self.is_space[start:end] = [word.isspace() for word in words]
