"""Which mentions name the same: each is given the fullest form of its name that the text has.

Rules that are seldom wrong, all within one label: white space, quotes around a name and a possessive are no part of
it; a name in capitals is the same as one in small letters; a surname or a given name alone is the one person of that
name; an organisation without its legal form, or as the initials of its words, is the one in full. Where two full names
fit, the short one stays as it is.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - quotation marks of print are what this module is about
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from engine.nlp.text import squeeze
from engine.nlp.wordlists import data_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    #: (text, label)
    Mention = tuple[str, str]

#: Labels whose text is a name: of others (dates, amounts, addresses) each way of writing stands for itself.
NAMES: Final = frozenset({"PERSON", "ORG", "GPE", "LOC", "PRODUCT", "EVENT", "NORP", "FAC", "WORK_OF_ART"})
_QUOTES: Final = "\"'“”‘’«»`*_ "
_POSSESSIVES: Final = ("'s", "’s")
_FEWEST_INITIALS: Final = 2


def fullest_names(mentions: Iterable[Mention]) -> dict[Mention, str]:
    """The text to list each mention under; "" for one that holds nothing."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    normal: dict[Mention, str] = {}
    for mention in mentions:
        text = normal.get(mention)
        if text is None:
            text = normal[mention] = _normalised(*mention)
        counts[mention[1]][text] += 1
    full = {label: _merged(label, texts) for label, texts in counts.items() if label in NAMES}
    return {mention: full.get(mention[1], {}).get(text, text) for mention, text in normal.items()}


def _normalised(text: str, label: str) -> str:
    text = squeeze(text)
    if label not in NAMES:
        return text
    bare = text.strip(_QUOTES)
    for ending in _POSSESSIVES:
        bare = bare.removesuffix(ending)
    return bare or text


def _merged(label: str, counts: Counter[str]) -> dict[str, str]:
    """The fullest form of each text of a label, where that is another."""
    cased: dict[str, str] = {}
    for text in sorted(counts, key=lambda text: (text.isupper(), -counts[text])):
        cased.setdefault(text.casefold(), text)
    forms = set(cased.values())
    shorter: dict[str, set[str]] = defaultdict(set)
    if label in _SHORTENERS:
        for name in forms:
            for short in _SHORTENERS[label](name):
                if short != name and short in forms:
                    shorter[short].add(name)
    merged = {}
    for text in counts:
        name = cased[text.casefold()]
        seen = {name}
        while len(fuller := shorter[name] - seen) == 1:
            name = fuller.pop()
            seen.add(name)
        merged[text] = name
    return merged


def _short_persons(name: str) -> Iterator[str]:
    words = name.split(" ")
    if len(words) > 1:
        yield words[-1]
        yield words[0]
        yield f"{words[0]} {words[-1]}"
        yield f"{words[0][0]}. {words[-1]}"


def _short_organisations(name: str) -> Iterator[str]:
    words = name.rstrip(".").split(" ")
    if len(words) > 1:
        if words[-1] in data_words("org_forms"):
            yield " ".join(words[:-1]).rstrip(",")
        initials = "".join(word[0] for word in words if word[:1].isupper())
        if len(initials) >= _FEWEST_INITIALS:
            yield initials
    if name.startswith(("The ", "the ")):
        yield name[4:]


_SHORTENERS: Final = {"PERSON": _short_persons, "ORG": _short_organisations}
