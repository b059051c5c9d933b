"""Windows in batches for a model: pure rules.

A batch is padded to its longest window, so windows of like length belong together, and what a batch costs is its number
of windows times that length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def by_tokens(lengths: Sequence[int], most_tokens: int) -> Iterator[list[int]]:
    """The numbers of the windows, by batch, longest first; a padded batch has at most `most_tokens`, or one window."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda number: (-lengths[number], number)):
        if batch and (len(batch) + 1) * lengths[batch[0]] > most_tokens:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def whole_sentences(text: str, most_chars: int) -> str:
    """As many whole sentences from the front of `text` as fit (0: no limit); "" where the first does not."""
    if not most_chars or len(text) <= most_chars:
        return text
    end = max(text.rfind(mark, 0, most_chars) for mark in (".", "!", "?"))
    while end >= 0 and not text[end + 1].isspace():  # a full stop inside a number or a name
        end = max(text.rfind(mark, 0, end) for mark in (".", "!", "?"))
    return text[: end + 1]
