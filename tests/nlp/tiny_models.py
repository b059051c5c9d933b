"""Small transformers, made on the spot: a token classifier that has learnt a few names, and an untrained summariser.

Imports torch and transformers: for tests that are skipped where the extra is absent.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import torch
from nlp.tiny_pipelines import PEOPLE, PLACES, SENTENCES, sentence
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForTokenClassification,
    BertTokenizerFast,
    PreTrainedTokenizerFast,
)

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
_TEXTS = " ".join((*PEOPLE, *PLACES, *SENTENCES))
WORDS = sorted({word for word in _TEXTS.replace(".", " ").split() if "{" not in word})


def name_model(path: Path) -> str:
    """A classifier of 64 tokens at most, which knows the names of tiny_pipelines."""
    path.mkdir(parents=True)
    (path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", *WORDS]))
    tokenizer = BertTokenizerFast(str(path / "vocab.txt"), do_lower_case=False, model_max_length=64)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(LABELS)), label2id={label: number for number, label in enumerate(LABELS)},
    )  # fmt: skip
    model = BertForTokenClassification(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    rng = random.Random(1)  # noqa: S311 - reproducible, not secret
    for _ in range(40):
        texts, truth = zip(*[_several(rng) for _ in range(8)], strict=True)
        batch = tokenizer(list(texts), padding=True, truncation=True, return_offsets_mapping=True, return_tensors="pt")
        offsets = batch.pop("offset_mapping").tolist()
        labels = torch.tensor(
            [[_label(span, names) for span in row] for row, names in zip(offsets, truth, strict=True)]
        )
        optimizer.zero_grad()
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return str(path)


def _several(rng: random.Random) -> tuple[str, list[tuple[int, int, str]]]:
    text, names = "", []
    for _ in range(rng.randint(1, 4)):
        more, found = sentence(rng)
        names += [(len(text) + start, len(text) + end, label) for start, end, label in found]
        text += more + " "
    return text, names


def _label(span: tuple[int, int], names: list[tuple[int, int, str]]) -> int:
    start, end = span
    if start == end:
        return -100
    for first, last, label in names:
        if first <= start and end <= last:
            kind = "PER" if label == "PERSON" else "LOC"
            return LABELS.index(f"B-{kind}" if start == first else f"I-{kind}")
    return 0


def summariser(path: Path) -> str:
    """An untrained one of 64 tokens at most: what it writes says nothing, and always the same."""
    vocabulary = {word: number for number, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", ".", *WORDS])}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, model_max_length=64, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        unk_token="<unk>",
    )  # fmt: skip
    torch.manual_seed(1)
    config = BartConfig(
        vocab_size=len(vocabulary), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=256,
        pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=2,
    )  # fmt: skip
    model = BartForConditionalGeneration(config)
    model.final_logits_bias[:, :4] = -100.0  # words only, or it may write nothing that is seen
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return str(path)
