"""A word as the entity recogniser sees it: its attributes and its kind, both functions of the word alone.

Law: nothing here looks at the words around. So all of a word is computed once and remembered, and what a text costs
is its new words; the context comes in where attributes and kinds of neighbours are added up (engine/nlp/ner_model.py).
"""

from __future__ import annotations

# ruff: noqa: RUF001 - quotation marks and dashes of print are what this module is about
from functools import cache
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
_MARK_NAMES: Final = {
    ",": "comma", ".": "stop", "!": "stop", "?": "stop", ":": "stop", ";": "stop", "…": "stop", "...": "stop",
    "(": "opening", "[": "opening", ")": "closing", "]": "closing",
    '"': "quote", "“": "quote", "”": "quote", "'": "quote", "‘": "quote", "’": "quote", "``": "quote", "''": "quote",
    "-": "dash", "–": "dash", "—": "dash", "--": "dash", "|": "slash", "/": "slash", "&": "ampersand",
    "'s": "possessive", "’s": "possessive",
}  # fmt: skip
_MARKS: Final = {mark: _KIND[name] for mark, name in _MARK_NAMES.items()}

#: Groups that are a kind of their own, in order of rank.
_TELLING: Final = ("person_title", "org_form", "org_kind", "nation", "calendar")
_LONG_UPPER: Final = 5
_MAX_WORD: Final = 30
_NO_GROUPS: Final[frozenset[str]] = frozenset()
#: Of words in small letters.
_LOWER: Final = _KIND["lower"]
_SMALL_KINDS: Final = dict.fromkeys(STOP_WORDS, _KIND["lower_stop"]) | dict.fromkeys(_LINKS, _KIND["link"])
_MAX_SHAPE: Final = 8
#: Lengths of the beginnings and endings that are attributes.
AFFIXES: Final = (2, 3, 4)


#: All that is known of a word: in small letters, cut; the number of its kind; its shape; as written, "" where it has no
#: capital; the lists it is in, with its capital if it has none; whether it begins with a letter or digit.
Parts = tuple[str, int, str, str, frozenset[str], bool]


def word_parts(word: str) -> Parts:
    """The word taken apart: what its attributes are named by."""
    # An abbreviation is taken without its full stop, which some tokenizers leave at it and some do not.
    if word[-1:] == "." and len(word) > 2 and word.count(".") == 1:  # noqa: PLR2004 - "J."
        word = word[:-1]
    lower = word.lower()[:_MAX_WORD]
    if word.isalpha():
        if word.islower():  # two words in three
            return lower, _SMALL_KINDS.get(word, _LOWER), "x", "", _groups(word.capitalize()), True
        if word[0].isupper():
            groups = _groups(word)
            shape = "Xx" if word[1:].islower() else _shape(word)
            return lower, _capitalised_kind(word, groups), shape, word[:_MAX_WORD], groups, True
    shape = _shape(word)
    if not word[:1].isalnum():
        is_capital = word[:1].isupper()  # a letter in a circle: no letter, but a capital one
        kind = _MARKS.get(word) or (_capitalised_kind(word, _NO_GROUPS) if is_capital else _other_kind(word))
        return lower, kind, shape, "", _NO_GROUPS, False
    if word.islower() or not any(map(str.isupper, word)):
        return lower, _other_kind(word), shape, "", _groups(word.capitalize()), True
    groups = _groups(word)
    kind = _capitalised_kind(word, groups) if word[0].isupper() else _other_kind(word)
    return lower, kind, shape, word[:_MAX_WORD], groups, True


def word_attributes(word: str) -> list[str]:
    """The word's attributes, each `family=value`; which families count at which distance is `ner_features.REACH`.

    Affixes, its groups and the parts of a hyphenated word with a capital among them.
    """
    lower, kind, shape, cased, groups, is_word = word_parts(word)
    attributes = [f"w={lower}", f"k={KINDS[kind]}", f"x={shape}"]
    if is_word:
        sizes = [size for size in AFFIXES if len(lower) > size]
        attributes += [f"p={lower[:size]}" for size in sizes]
        attributes += [f"s={lower[-size:]}" for size in sizes]
    if cased:
        attributes.append(f"c={cased}")
        attributes += [f"g={group}" for group in sorted(groups)]
        attributes += [f"i={piece}" for piece in lower.split("-")] if "-" in lower else []
    else:
        attributes += [f"l={group}" for group in sorted(groups)]
    return attributes


def word_kind(word: str) -> int:
    """The number of the word's kind in `KINDS`."""
    return word_parts(word)[1]


def group_sets() -> set[frozenset[str]]:
    """What lists a word may be in, but for none."""
    return set(_group_index().values())


def _other_kind(word: str) -> int:
    first = word[:1]
    letters = any(map(str.isalpha, word))
    if first.isdigit():
        return _KIND["number_mixed" if letters else "number"]
    if first in {"@", "#"} or "://" in word or word.startswith("www.") or ("@" in word and "." in word):
        return _KIND["address"]
    if any(map(str.isupper, word)):
        return _KIND["mixed"]
    return _SMALL_KINDS.get(word, _LOWER) if letters else _KIND["symbol"]


def _capitalised_kind(word: str, groups: frozenset[str]) -> int:
    told, otherwise = _kinds_by_groups(groups)
    if told:
        return told
    if len(word) == 1 or (word[1:2] == "." and len(word) <= 4):  # noqa: PLR2004 - "J.R."
        return _KIND["title_stop" if word in {"A", "I"} else "initial"]
    rest = word[1:]
    if rest.islower():
        return _KIND["title_stop"] if word.lower() in STOP_WORDS else otherwise or _KIND["title"]
    is_stop = word.lower() in STOP_WORDS
    if word.isupper():
        return _KIND["upper" if len(word) < _LONG_UPPER or is_stop else "upper_long"]
    if is_stop:
        return _KIND["title_stop"]
    return otherwise or _KIND["mixed" if rest.isalpha() else "title"]


@cache
def _kinds_by_groups(groups: frozenset[str]) -> tuple[int, int]:
    """The kind of a capitalised word of these groups, whatever it is, and that of one which is nothing else; or 0."""
    told = next((_KIND[group] for group in _TELLING if group in groups), 0)
    person = "".join(group for group in ("given", "surname") if group in groups)
    kind = "both_names" if person == "givensurname" else person
    if not groups.isdisjoint(("country", "state", "city", "town")):
        kind = "title_place_name" if person else "place"
    return told, _KIND[kind] if kind else 0


def _shape(word: str) -> str:
    """Its letters and digits as X, x and 9, runs as one: "Xx" for London, "xX9" for iPhone6."""
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
    return found or _NO_GROUPS


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
