"""A word as the entity recogniser sees it: its attributes and its kind, both functions of the word alone.

Law: nothing here looks at the words around. So all of a word is computed once and remembered, and what a text costs
is its new words; the context comes in where attributes and kinds of neighbours are added up (engine/nlp/ner_model.py).
"""

from __future__ import annotations

# ruff: noqa: RUF001 - quotation marks and dashes of print are what this module is about
from functools import cache, lru_cache
from typing import Final

from spacy.lang.en.stop_words import STOP_WORDS

from engine.nlp.wordlists import data_lines, data_words, gazetteers

#: What a word is, coarsely enough that three in a row can be one feature. Index = number of the kind.
KINDS: Final = (
    "edge",  # before the first word of a sentence, and after the last
    "lower", "lower_stop", "link",
    "title", "title_stop", "given", "surname", "both_names", "place", "title_place_name",
    "upper", "upper_long", "mixed", "initial",
    "person_title", "org_kind", "org_form", "nation", "calendar",
    "number", "number_mixed", "comma", "stop", "opening", "closing", "quote", "possessive", "dash", "slash",
    "ampersand", "address", "symbol",
)  # fmt: skip
EDGE: Final = 0
_KIND: Final = {name: number for number, name in enumerate(KINDS)}

#: Words inside names that begin with a small letter.
_LINKS: Final = data_words("name_links")
_CALENDAR: Final = data_words("calendar")
_MARKS: Final = {
    ",": "comma", ".": "stop", "!": "stop", "?": "stop", ":": "stop", ";": "stop", "…": "stop", "...": "stop",
    "(": "opening", "[": "opening", ")": "closing", "]": "closing",
    '"': "quote", "“": "quote", "”": "quote", "'": "quote", "‘": "quote", "’": "quote", "``": "quote", "''": "quote",
    "-": "dash", "–": "dash", "—": "dash", "--": "dash", "|": "slash", "/": "slash", "&": "ampersand",
    "'s": "possessive", "’s": "possessive",
}  # fmt: skip

#: Groups that are a kind of their own, in order of rank.
_TELLING: Final = ("person_title", "org_form", "org_kind", "nation", "calendar")
_LONG_UPPER: Final = 5
_MAX_WORD: Final = 30
_MAX_SHAPE: Final = 8


def word_kind(word: str) -> int:
    """The number of the word's kind in `KINDS`."""
    return _KIND[_kind(_bare(word))]


@lru_cache(maxsize=4096)  # asked for a page's new words twice: for their kinds, and among their attributes
def _kind(word: str) -> str:
    if word.isalpha() and word.islower():
        return _small_kind(word)
    mark = _MARKS.get(word)
    if mark is not None:
        return mark
    return _capitalised_kind(word) if word[:1].isupper() else _other_kind(word)


def _other_kind(word: str) -> str:
    first = word[:1]
    letters = any(map(str.isalpha, word))
    if first.isdigit():
        return "number_mixed" if letters else "number"
    if first in {"@", "#"} or "://" in word or word.startswith("www.") or ("@" in word and "." in word):
        return "address"
    if any(map(str.isupper, word)):
        return "mixed"
    return _small_kind(word) if letters else "symbol"


def _small_kind(word: str) -> str:
    return "link" if word in _LINKS else "lower_stop" if word in STOP_WORDS else "lower"


def _capitalised_kind(word: str) -> str:
    groups = _groups(word)
    told = next((group for group in _TELLING if group in groups), None)
    if told is not None:
        return told
    if len(word) == 1 or (word[1:2] == "." and len(word) <= 4):  # noqa: PLR2004 - "J.R."
        return "title_stop" if word in {"A", "I"} else "initial"
    if word.isupper():
        is_short = len(word) < _LONG_UPPER or word.lower() in STOP_WORDS
        return "upper" if is_short else "upper_long"
    if word.lower() in STOP_WORDS:
        return "title_stop"
    return _title_kind(word, groups)


def _title_kind(word: str, groups: frozenset[str]) -> str:
    person = "".join(group for group in ("given", "surname") if group in groups)
    if not groups.isdisjoint(("country", "state", "city", "town")):
        return "title_place_name" if person else "place"
    if person:
        return "both_names" if person == "givensurname" else person
    return "title" if word[1:].islower() or not word[1:].isalpha() else "mixed"


def word_attributes(word: str) -> list[str]:
    """The word's attributes, each `family=value`; which families count at which distance is `ner_model.REACH`."""
    word = _bare(word)
    lower = word.lower()[:_MAX_WORD]
    attributes = [f"w={lower}", f"k={_kind(word)}", f"x={_shape(word)}"]
    if word[:1].isalnum():
        attributes += [
            f"{family}={lower[:size]}" for family, size in (("p", 2), ("p", 3), ("p", 4)) if len(lower) > size
        ]
        attributes += [f"s={lower[-size:]}" for size in (2, 3, 4) if len(lower) > size]
        if not word.islower() and any(map(str.isupper, word)):
            attributes.append(f"c={word[:_MAX_WORD]}")
            attributes += [f"g={group}" for group in sorted(_groups(word))]
            attributes += [f"i={part}" for part in lower.split("-")] if "-" in lower else []
        else:
            attributes += [f"l={group}" for group in sorted(_groups(word.capitalize()))]
    return attributes


def _bare(word: str) -> str:
    """An abbreviation without its full stop, which some tokenizers leave at it and some do not."""
    return word[:-1] if len(word) > 2 and word[-1] == "." and word.count(".") == 1 else word  # noqa: PLR2004 - "J."


def _shape(word: str) -> str:
    """Its letters and digits as X, x and 9, runs as one: "Xx" for London, "xX9" for iPhone6."""
    # Of nine words in ten two methods tell it.
    if word.isalpha():
        if word.islower():
            return "x"
        if word[:1].isupper() and word[1:].islower():
            return "Xx"
    return _shape_by_char(word)


def _shape_by_char(word: str) -> str:
    shape = ""
    for char in word[:_MAX_WORD]:
        sign = "X" if char.isupper() else "x" if char.isalpha() else "9" if char.isdigit() else char
        if shape[-1:] != sign:
            shape += sign
            if len(shape) == _MAX_SHAPE:
                break
    return shape


def _groups(word: str) -> frozenset[str]:
    """The lists that the word is in, as written or with only its first letter a capital."""
    groups = _group_index()
    found = groups.get(word)
    if found is None and word.isupper() and len(word) > 3:  # noqa: PLR2004 - "USA" is no "Usa"
        found = groups.get(word.capitalize())
    return found or frozenset()


@cache
def _group_index() -> dict[str, frozenset[str]]:
    lists: dict[str, frozenset[str] | tuple[str, ...]] = {
        **gazetteers(),
        "person_title": data_words("person_titles"),
        "org_form": data_words("org_forms"),
        "org_kind": data_words("org_kinds") | data_words("org_heads"),
        "nation": data_lines("norp"),
        "calendar": _CALENDAR,
        "gpe": data_lines("gpe"),
        "loc": data_lines("loc"),
        "org": data_lines("org"),
        "first": data_words("given_names"),
    }
    index: dict[str, set[str]] = {}
    for group, names in lists.items():
        for name in names:
            if " " not in name:
                index.setdefault(name, set()).add(group)
    shared: dict[frozenset[str], frozenset[str]] = {}
    return {name: shared.setdefault(groups := frozenset(found), groups) for name, found in index.items()}
