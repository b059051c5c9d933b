"""Names by a token classifier: text to (first character, one after the last, label), whatever its length.

A text longer than the model takes is read in windows that overlap by `STRIDE` tokens; where two windows tell of a word,
the one that sees more around it counts. A word is what its first token is called (:mod:`.labels`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from transformers import AutoModelForTokenClassification

from engine.nlp.models.batches import by_tokens
from engine.nlp.models.labels import Word, spans
from engine.nlp.models.loaded import LoadedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.nlp.models.asked import Span

STRIDE: Final = 64


class NameModel(LoadedModel):
    """A token classifier."""

    KIND = AutoModelForTokenClassification
    LONGEST = 512

    def __init__(self, source: str, device: str, batch_tokens: int | None = None) -> None:
        super().__init__(source, device, batch_tokens)
        self._labels: dict[int, str] = self._model.config.id2label

    def find(self, texts: Sequence[str], step: Callable[[], None]) -> list[list[Span]]:
        """The names in each text, in order; `step` is called after each batch."""
        if not texts:
            return []
        windows = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self._longest,
            stride=min(STRIDE, self._longest // 4),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        words: list[dict[int, Word]] = [{} for _ in texts]
        ids = windows["input_ids"]
        for batch in by_tokens([len(window) for window in ids], self._batch_tokens):
            padded = self._tokenizer.pad(
                {key: [windows[key][number] for number in batch] for key in ("input_ids", "attention_mask")},
                return_tensors="pt",
            ).to(self._device)
            with torch.inference_mode():
                best = self._model(**padded).logits.argmax(dim=-1).cpu().tolist()
            for number, labels in zip(batch, best, strict=True):
                known = words[windows["overflow_to_sample_mapping"][number]]
                self._read(windows.word_ids(number), windows["offset_mapping"][number], labels, known)
            step()
        return [list(spans(known[word] for word in sorted(known))) for known in words]

    def _read(
        self,
        word_ids: Sequence[int | None],
        offsets: Sequence[tuple[int, int]],
        labels: Sequence[int],
        known: dict[int, Word],
    ) -> None:
        """Note the words of a window in `known`, by number, where no other window has seen more around them."""
        length = len(word_ids)
        before = None
        for at, word in enumerate(word_ids):
            if word is None:
                before = None
            elif word == before:
                known[word] = known[word]._replace(end=max(known[word].end, offsets[at][1]))
            else:
                seen = min(at, length - at)
                if word not in known or known[word].seen < seen:
                    known[word] = Word(offsets[at][0], offsets[at][1], self._labels[labels[at]], seen)
                before = word
