"""People and organisations known by the words around their name (`engine_names`).

PERSON: a title (Dr., Senator) or a common given name, and the capitalised words that follow. ORG: capitalised words
that end in a legal form or a kind (Inc., GmbH, University, Museum), and "University of …". Each rule is one that is
seldom wrong; names without such a word are left to a trained component.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from spacy.lang.en.stop_words import STOP_WORDS
from spacy.language import Language

from engine.nlp.entities import add_entities
from engine.nlp.lexicon import LEXICON, Column
from engine.nlp.wordlists import data_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from spacy.tokens import Doc

    _Rule = Callable[["_Words", int], tuple[int, int, str] | None]

_FORMS: Final = data_words("org_forms")
#: Words between a given name and a family name ("van", "bin"), in lower case.
_PARTICLES: Final = frozenset(
    ("van", "von", "de", "der", "den", "di", "da", "del", "la", "le", "al", "bin", "ibn", "ten")
)
#: Before a given name these make a place of it: San Fernando Valley.
_PLACE_HEADS: Final = frozenset(("San", "Saint", "St", "Port", "Fort", "Mount", "Lake"))

#: Bounds on a name: longer runs of capitalised words are headings.
_MAX_PERSON_WORDS: Final = 3
_MAX_ORG_WORDS: Final = 5


@Language.factory("engine_names", assigns=["doc.ents", "token.ent_type", "token.ent_iob"])
def create_names(nlp: Language, name: str) -> Names:  # noqa: ARG001 - spaCy's signature of factories
    """The factory that a spaCy config names."""
    return Names(name)


class Names:
    """Adds people and organisations to a Doc's entities."""

    def __init__(self, name: str = "engine_names") -> None:
        self.name = name

    def __call__(self, doc: Doc) -> Doc:
        """`doc` with the names among its entities."""
        numbers = LEXICON.of(doc).words
        cues = np.flatnonzero(_IS_CUE.of(numbers) == 1).tolist()
        if cues:
            words = _Words(numbers.tolist())
            found = [rule(words, at) for at in cues for rule in _rules()[words[at]]]
            add_entities(doc, [span for span in found if span is not None])
        return doc


class _Words:
    """The words of a text as the rules see them, by their numbers."""

    def __init__(self, numbers: list[int]) -> None:
        self._numbers = numbers
        self._length = len(numbers)

    def __getitem__(self, index: int) -> str:
        return LEXICON.words[self._numbers[index]] if 0 <= index < self._length else ""

    def is_name(self, index: int) -> bool:
        """Whether the token is a capitalised word that can be part of a name."""
        word = self[index]
        return word[:1].isupper() and len(word) > 1 and word.lower() not in STOP_WORDS

    def is_initial(self, index: int) -> bool:
        """Whether the token is one capital letter before a full stop, or several with theirs ("J.R.R.")."""
        word = self[index]
        return word[:1].isupper() and ((len(word) == 1 and self[index + 1] == ".") or word[1:2] == ".")

    def person_end(self, index: int, most: int) -> int:
        """One after the last token of a family name with initials and particles before it; `index` if there is none."""
        at = index
        while self.is_initial(at):
            at += 1 if len(self[at]) > 1 else 2
        while self[at] in _PARTICLES:
            at += 1
        end = at
        while end - at < most and self.is_name(end):
            end += 1
        return end if end > at else index


def _titled(words: _Words, at: int) -> tuple[int, int, str] | None:
    start = at + 2 if words[at + 1] == "." else at + 1
    end = words.person_end(start, _MAX_PERSON_WORDS)
    return (start, end, "PERSON") if end > start else None


def _given(words: _Words, at: int) -> tuple[int, int, str] | None:
    if words[at - 1] in _PLACE_HEADS:
        return None
    end = words.person_end(at + 1, 1)
    return (at, end, "PERSON") if end > at + 1 else None


def _suffixed(words: _Words, at: int) -> tuple[int, int, str] | None:
    start = at - 1 if words[at - 1] == "," and words[at] in _FORMS else at
    first = start
    while start - first < _MAX_ORG_WORDS and first > 0:
        if words.is_name(first - 1):
            first -= 1
        elif words[first - 1] == "&" and words.is_name(first - 2):
            first -= 2
        else:
            break
    return (first, at + 1, "ORG") if first < start else None


def _headed(words: _Words, at: int) -> tuple[int, int, str] | None:
    if words[at + 1] != "of":
        return None
    start = at + 3 if words[at + 2] == "the" else at + 2
    end = start
    while end - start < _MAX_ORG_WORDS - 1 and words.is_name(end):
        end += 1
    return (at, end, "ORG") if end > start else None


@cache
def _rules() -> dict[str, list[_Rule]]:
    """The rules of each word that hints at a name."""
    rules: dict[str, list[_Rule]] = {}
    for words, rule in (
        ("person_titles", _titled),
        ("given_names", _given),
        ("org_forms", _suffixed),
        ("org_kinds", _suffixed),
        ("org_heads", _headed),
    ):
        for word in data_words(words):
            rules.setdefault(word, []).append(rule)
    return rules


_IS_CUE: Final[Column[np.int8]] = Column(lambda word: word in _rules(), np.int8, -1)
