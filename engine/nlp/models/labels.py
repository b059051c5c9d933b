"""From the labels of words to names: pure rules.

Labels may be plain or in any of the schemes BIO, BIOES and BILOU; PER and LOC get the names that spaCy has for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.nlp.models.asked import Span

_OUTSIDE: Final = "O"
_LABELS: Final = {"PER": "PERSON", "LOC": "GPE"}
_BEGINS: Final = frozenset("BSU")
_SCHEME: Final = frozenset("BIESLU")


class Word(NamedTuple):
    """A word of a text, the label that the model gives it, and how many tokens the window showed around it."""

    start: int
    end: int
    label: str
    seen: int


def spans(words: Iterable[Word]) -> Iterator[Span]:
    """The names that labelled words make; `words` in the order of the text."""
    current: Span | None = None
    for word in words:
        prefix, dash, rest = word.label.partition("-")
        scheme, kind = (prefix, rest) if dash and prefix in _SCHEME else ("I", word.label)
        label = _LABELS.get(kind, kind)
        if current is not None and current[2] == label and scheme not in _BEGINS:
            current = (current[0], word.end, label)
            continue
        if current is not None:
            yield current
        current = None if kind == _OUTSIDE else (word.start, word.end, label)
    if current is not None:
        yield current
