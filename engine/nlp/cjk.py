"""Words of scripts that put no space between them: Chinese and Japanese, without a dictionary.

What repeats in a text is a word of it: sequences of two to four Han characters that occur twice are cut out, longest
first; what is left is cut at characters that mostly stand for particles, and into pairs. Japanese is also cut where
the script changes: content words are in Han or katakana, endings and particles in hiragana. A reader would cut one in
four elsewhere; keywords and the summary, which live by repetition, are well served. Korean has spaces.

Law: the pieces joined give the text back; the time is linear in its length.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HAN: Final = r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HIRAGANA: Final = r"\u3041-\u309f"
_KATAKANA: Final = r"\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f"

#: Any character of these scripts, and a space between two of them.
CHARACTER: Final = re.compile(rf"[{_HAN}{_HIRAGANA}{_KATAKANA}]")
INNER_SPACE: Final = re.compile(rf"(?<=[{_HAN}{_HIRAGANA}{_KATAKANA}]) (?=[{_HAN}{_HIRAGANA}{_KATAKANA}])")
#: A word in hiragana alone is grammar.
GRAMMAR: Final = re.compile(rf"[{_HIRAGANA}]+")

_HAN_CHARACTER: Final = re.compile(rf"[{_HAN}]")
_RUN: Final = re.compile(rf"[{_HAN}]+|[{_HIRAGANA}]+|[{_KATAKANA}]+|[^{_HAN}{_HIRAGANA}{_KATAKANA}]+")
_PARTICLES: Final = frozenset("的了是在和与與及或也就都而着著这這那被把从從到对對很吗嗎呢吧啊")
_LONGEST: Final = 4
_LONGEST_WHOLE: Final = 4


class Segmenter:
    """Cuts the words of one text, by what repeats among all of `words`."""

    def __init__(self, words: Iterable[str]) -> None:
        counts: Counter[str] = Counter()
        for word in words:
            for run in _RUN.findall(word):
                if _is_han(run):
                    for size in range(2, _LONGEST + 1):
                        counts.update(run[at : at + size] for at in range(len(run) - size + 1))
        self._repeated = frozenset(
            piece for piece, count in counts.items() if count > 1 and _PARTICLES.isdisjoint(piece)
        )

    def cut(self, word: str) -> Iterator[str]:
        """The pieces of a word as a tokenizer without these rules sees it."""
        for run in _RUN.findall(word):
            if _is_han(run):
                yield from self._cut_han(run)
            else:
                yield run

    def _cut_han(self, run: str) -> Iterator[str]:
        at = rest = 0
        while at < len(run):
            size = next((size for size in range(_LONGEST, 1, -1) if run[at : at + size] in self._repeated), 0)
            if size:
                yield from _cut_rest(run[rest:at])
                yield run[at : at + size]
                at = rest = at + size
            else:
                at += 1
        yield from _cut_rest(run[rest:])


def _cut_rest(run: str) -> Iterator[str]:
    if len(run) == 2:  # noqa: PLR2004 - most words are pairs
        yield run
        return
    piece = ""
    for char in run:
        if char in _PARTICLES:
            yield from _pairs(piece)
            yield char
            piece = ""
        else:
            piece += char
    yield from _pairs(piece)


def _pairs(piece: str) -> Iterator[str]:
    if 0 < len(piece) <= _LONGEST_WHOLE:
        yield piece
    else:
        yield from (piece[at : at + 2] for at in range(0, len(piece), 2))


def _is_han(run: str) -> bool:
    return _HAN_CHARACTER.match(run) is not None
