"""A model in memory: its tokenizer, its limits, and how much of it a batch may be."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from transformers import AutoTokenizer

#: Tokens of a padded batch on an accelerator: 16 windows of 512, which a large classifier needs some 100 KB a token
#: for, or 8 of 1,024, which a beam search multiplies.
BATCH_TOKENS: Final = 8_192


class LoadedModel:
    """The model of the folder `source` on `device`.

    A subclass says what transformers calls its kind, and how long its windows are where the model names no limit.
    """

    KIND: ClassVar[Any]
    LONGEST: ClassVar[int]

    def __init__(self, source: str, device: str, batch_tokens: int | None = None) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True, use_fast=True)
        model = self.KIND.from_pretrained(source, local_files_only=True)
        self._model = model.eval().to(device)
        self._device = device
        limits = (self._tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", self.LONGEST))
        self._longest = min(self.LONGEST, *limits)
        # A CPU gains nothing by large batches, and each is to end within nlp.timeout_s.
        self._batch_tokens = batch_tokens or (self._longest if device == "cpu" else BATCH_TOKENS)
