"""Mentions of one thing in a document made to agree: the recogniser sees a sentence at a time, a reader the page.

In this order: an acronym introduced in brackets is what it abbreviates; the first word of a line is no name because of
its capital, if the text writes it small elsewhere; the same words are the same thing wherever they stand; a name found
once is found wherever it is written so; a surname alone is the person named before.

Law: deterministic, and its time is bounded by the length of the text and the number of names in it.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.nlp.lexicon import LEXICON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    #: (first word, one after the last, label)
    Mention = tuple[int, int, str]
    #: A name as the numbers of its words in the lexicon.
    Name = tuple[int, ...]

PERSON: Final = "PER"
ORGANISATION: Final = "ORG"
#: A label that so large a share of a name's mentions have is that of all.
_MAJORITY: Final = 0.6
#: A name of one word is found elsewhere only if so large a share of its places were recognised.
_RECOGNISED: Final = 0.3
#: Names looked for elsewhere in a text, of those whose first word is there: a list of thousands of names holds no
#: repeats worth the time.
_MOST_NAMES: Final = 300
_SHORTEST: Final = 3
_ACRONYM: Final = range(2, 8)
#: Of, the, and, for … within a name with an acronym.
_MOST_SMALL_WORDS: Final = 3


class Text:
    """The words of a text: `numbers` in the lexicon; `weak` where a capital says little (headings).

    Both arrays run over its n words. `capitals`: where the words are that may begin with a capital.
    """

    def __init__(self, numbers: NDArray[np.intp], weak: NDArray[np.bool_], capitals: NDArray[np.int64]) -> None:
        self._array = numbers
        self._numbers = memoryview(numbers)  # type: ignore[arg-type]  # an array is a buffer
        self._weak = weak
        self._capitals: dict[int, list[int]] = defaultdict(list)
        for number, at in zip(numbers[capitals].tolist(), capitals.tolist(), strict=True):
            self._capitals[number].append(at)

    def __len__(self) -> int:
        return len(self._numbers)

    @cached_property
    def _present(self) -> frozenset[int]:
        return frozenset(self._array.tolist())

    def word(self, at: int) -> str:
        """The word at a place; "" beyond the last."""
        return LEXICON.words[self._numbers[at]] if at < len(self) else ""

    def positions(self, word: str) -> list[int]:
        """Where a word is."""
        found: list[int] = np.flatnonzero(self._array == LEXICON.number(word)).tolist()
        return found

    def is_written_small(self, number: int) -> bool:
        """Whether the word is also in the text without its capital."""
        small = LEXICON.find(LEXICON.words[number].lower())
        return small != number and small in self._present

    def is_weak(self, mention: Mention) -> bool:
        """Whether the mention is one word that has its capital from its place."""
        start, end, _ = mention
        return end == start + 1 and bool(self._weak[start]) and self.is_written_small(self._numbers[start])

    def mentioned(self, mention: Mention) -> Name:
        """The name of a mention."""
        start, end, _ = mention
        return tuple(self._numbers[start:end])

    def begin(self, name: Name) -> Sequence[int]:
        """Where the first word of a name is, which begins with a capital."""
        return self._capitals.get(name[0], ())

    def places(self, name: Name) -> list[tuple[int, int]]:
        """Where the name, which begins with a capital, is written."""
        length = len(name)
        starts = self.begin(name)
        if length > 1:
            starts = [start for start in starts if tuple(self._numbers[start : start + length]) == name]
        return [(start, start + length) for start in starts]


def agree(mentions: Sequence[Mention], text: Text) -> list[Mention]:
    """`mentions`, sorted and not overlapping, with labels that agree and repeats added."""
    found = {mention[0]: mention for mention in mentions if not text.is_weak(mention)}
    if explained := _acronyms(found, text):
        _replace(found, explained)
    votes: dict[Name, dict[str, int]] = {}
    named = [(text.mentioned(mention), mention) for mention in found.values()]
    for name, (_, _, label) in named:
        labels = votes.setdefault(name, {})
        labels[label] = labels.get(label, 0) + 1
    decided = {name: choice for name, labels in votes.items() if (choice := _decide(labels))}
    taken = bytearray(len(text))
    for name, (start, end, label) in named:
        found[start] = (start, end, decided.get(name, label))
        taken[start:end] = b"\1" * (end - start)
    for name, label in _repeated(decided, votes, text):
        free = [(start, end) for start, end in text.places(name) if 1 not in taken[start:end]]
        recognised = sum(votes.get(name, {}).values())
        if len(name) == 1 and 0 < recognised < _RECOGNISED * (len(free) + recognised):
            continue
        for start, end in free:
            if 1 not in taken[start:end]:  # a name may overlap itself
                taken[start:end] = b"\1" * (end - start)
                found[start] = (start, end, label)
    return sorted(found.values())


def _replace(found: dict[int, Mention], new: Sequence[Mention]) -> None:
    """Put each of `new` in the place of all that it overlaps."""
    holder = {at: start for start, end, _ in found.values() for at in range(start, end)}
    for mention in new:
        start, end, _ = mention
        for other in {holder[at] for at in range(start, end) if at in holder}:
            first, last, _ = found.pop(other)
            for at in range(first, last):
                del holder[at]
        found[start] = mention
        holder.update(dict.fromkeys(range(start, end), start))


def _decide(labels: Mapping[str, int]) -> str | None:
    """The label of a name, or None where its mentions disagree too much to say."""
    if len(labels) == 1:
        return next(iter(labels))
    count, label = max((count, label) for label, count in labels.items())
    return label if count >= _MAJORITY * sum(labels.values()) else None


def _repeated(
    decided: Mapping[Name, str], votes: Mapping[Name, Mapping[str, int]], text: Text
) -> list[tuple[Name, str]]:
    """Names that may be written where they were not recognised, with their labels, longer ones first."""
    wanted = {
        name: label
        for name, label in decided.items()
        if len(text.begin(name)) > sum(votes[name].values()) and _is_distinct(name, text)
    }
    for name, label in decided.items():
        if label == PERSON and len(name) > 1 and name[-1:] not in votes and _is_distinct(name, text):
            surname = name[-1:]
            if LEXICON.words[surname[0]][1:].islower() and _is_distinct(surname, text):
                wanted[surname] = PERSON
    return sorted(wanted.items(), key=lambda item: (-len(item[0]), _written(item[0]), item[1]))[:_MOST_NAMES]


def _written(name: Name) -> list[str]:
    return [LEXICON.words[number] for number in name]


def _is_distinct(name: Name, text: Text) -> bool:
    """Whether the words would hardly be written so but for the name."""
    first = LEXICON.words[name[0]]
    if not first[:1].isupper():
        return False
    if len(name) > 1:
        return LEXICON.words[name[-1]][:1].isupper()
    return len(first) >= _SHORTEST and not text.is_written_small(name[0])


def _acronyms(found: Mapping[int, Mention], text: Text) -> list[Mention]:
    """Acronyms in brackets and the names before them whose initials they are: World Health Organization (WHO).

    Both have the label that either was recognised with, else they are an organisation.
    """
    pairs: list[Mention] = []
    for bracket in text.positions("("):
        acronym = text.word(bracket + 1)
        if len(acronym) not in _ACRONYM or not acronym.isupper() or text.word(bracket + 2) != ")":
            continue
        start = _spelt_out(acronym, bracket, text)
        if start is None:
            continue
        _, end, label = found.get(start, (0, 0, ""))
        _, _, short_label = found.get(bracket + 1, (0, 0, ""))
        label = (label if end == bracket else "") or short_label or ORGANISATION
        pairs += [(start, bracket, label), (bracket + 1, bracket + 2, label)]
    return pairs


def _spelt_out(acronym: str, end: int, text: Text) -> int | None:
    """Where the name begins that ends before `end` and whose capitals are those of the acronym; small words between."""
    rest = acronym
    for start in range(end - 1, max(end - len(acronym) - _MOST_SMALL_WORDS, 0) - 1, -1):
        word = text.word(start)
        if word[:1].isupper():
            if word[0] != rest[-1]:
                return None
            rest = rest[:-1]
            if not rest:
                return start
        elif not word.isalpha():
            return None
    return None
