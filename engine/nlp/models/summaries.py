"""Abstractive summaries by a sequence-to-sequence model: text to a few sentences of its own.

A text longer than the model takes is read in windows; the first of them are summarised, and what they say is the
summary. Greedy or beam search, as the model's own configuration says, and never sampling: the same text gives the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from transformers import AutoModelForSeq2SeqLM

from engine.nlp.models.batches import by_tokens, whole_sentences
from engine.nlp.models.loaded import LoadedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STRIDE: Final = 64
#: What a page says after so many windows (some 2,500 words) is seldom what it is about, and a window takes seconds.
_MOST_WINDOWS: Final = 3
#: A text of fewer tokens is as short as its summary would be: the extractive one stays.
LEAST_TOKENS: Final = 60
_MOST_NEW_TOKENS: Final = 150
_FEWEST_NEW_TOKENS: Final = 30


class Summariser(LoadedModel):
    """A summarising model."""

    KIND = AutoModelForSeq2SeqLM
    LONGEST = 1_024

    def summarise(self, texts: Sequence[str], most_chars: int, step: Callable[[], None]) -> list[str | None]:
        """Whole sentences of `most_chars` at most (0: no limit) a text; `step` is called after each batch.

        None for a text that is too short to sum up, and where no sentence that was written is short enough.
        """
        if not texts:
            return []
        windows = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self._longest,
            stride=min(STRIDE, self._longest // 4),
            return_overflowing_tokens=True,
        )
        of_text: list[list[int]] = [[] for _ in texts]
        for number, text in enumerate(windows["overflow_to_sample_mapping"]):
            if len(of_text[text]) < _MOST_WINDOWS and len(windows["input_ids"][number]) >= LEAST_TOKENS:
                of_text[text].append(number)
        chosen = [number for numbers in of_text for number in numbers]
        written: dict[int, str] = {}
        for batch in by_tokens([len(windows["input_ids"][number]) for number in chosen], self._batch_tokens):
            numbers = [chosen[place] for place in batch]
            padded = self._tokenizer.pad(
                {key: [windows[key][number] for number in numbers] for key in ("input_ids", "attention_mask")},
                return_tensors="pt",
            ).to(self._device)
            with torch.inference_mode():
                made = self._model.generate(
                    **padded, do_sample=False, max_length=_MOST_NEW_TOKENS, min_length=_FEWEST_NEW_TOKENS
                )
            texts_made = self._tokenizer.batch_decode(made, skip_special_tokens=True)
            written |= {number: " ".join(text.split()) for number, text in zip(numbers, texts_made, strict=True)}
            step()
        return [
            whole_sentences(" ".join(written[number] for number in numbers), most_chars) or None for numbers in of_text
        ]
