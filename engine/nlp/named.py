"""What a page's structured data calls by name: persons, organisations, places, products and events, by spaCy's labels.

Any typed node of its JSON-LD counts, however deep, since a name matters only where the text writes it too
(:mod:`engine.nlp.page_facts`); then products and events in microdata, the author of the byline, and the site's name.

Law: bounded work, whatever a page nests; a value that is no name (an account, a department, "Staff") is left out.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from engine.nlp import clean
from engine.nlp.elements import attributes_of, content_end, elements_with, name_within
from engine.nlp.jsonld import MAX_NODES, type_names
from engine.nlp.wordlists import data_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.nlp.jsonld import JsonLd
    from engine.nlp.marked import Marked

#: Endings of schema.org's types, so that a NewsMediaOrganization and a MusicEvent are told as well.
_KINDS: Final = {
    "PERSON": re.compile(r"^Person$"),
    "ORG": re.compile(
        r"(?:Organization|Corporation|Business|Brand|Store|Restaurant|Hotel|School|University|Agency|Airline|Museum"
        r"|Library|Hospital|Team|NGO|Periodical|Newspaper)$"
    ),
    "PRODUCT": re.compile(r"(?:Product|ProductGroup|ProductModel|SoftwareApplication|App|VideoGame|Vehicle|Car)$"),
    "EVENT": re.compile(r"(?:Event|Festival)$"),
    "GPE": re.compile(r"^(?:City|Country|State|AdministrativeArea)$"),
    "LOC": re.compile(r"^(?:Mountain|Volcano|BodyOfWater|\w+BodyOfWater|Continent|Landform|Beach|Park)$"),
}
#: Of a PostalAddress.
_PLACES: Final = ("addressLocality", "addressRegion", "addressCountry")

#: Where microdata or RDFa names a thing: the attribute of its type, that of its name, and the ends of its types.
_MICRODATA: Final = ("itemtype", "itemprop")
_RDFA: Final = ("typeof", "property")
_MARKED_KINDS: Final = {"PRODUCT": "Product", "EVENT": "Event"}
#: Items that are looked at, and how far behind an item's start its name is looked for.
_MOST_ITEMS: Final = 20
_MOST_ITEM_CHARS: Final = 50_000

#: Words of those who are no person though they sign as the author.
_NO_PERSON: Final = frozenset(
    ("admin", "administrator", "author", "blog", "contributor", "contributors", "desk", "editor", "editorial",
     "editors", "guest", "magazine", "media", "news", "newsroom", "press", "reporter", "reporters", "sponsored",
     "staff", "support", "team", "webmaster", "writer", "writers")
)  # fmt: skip
#: A name of more words is a sentence.
_MOST_WORDS: Final = 8
_FEWEST_OF_A_PERSON: Final = 2
_MOST_CHARS: Final = 100

Names = dict[str, list[str]]


def marked_names(source: str, marked: Marked) -> list[tuple[str, str]]:
    """(label, name) of the page's first product and first event in its markup; `source` is without code."""
    vocabularies = [_MICRODATA] if marked.is_microdata else []
    if marked.is_rdfa:
        vocabularies.append(_RDFA)
    return [
        (label, name)
        for typed, naming in vocabularies
        for label, kind in _MARKED_KINDS.items()
        if (name := _first_marked(source, typed, naming, kind))
    ]


def _first_marked(source: str, typed: str, naming: str, kind: str) -> str:
    """The name of the first item of a kind that has one: its own, not that of its maker or its reviewer within it."""
    if f"{typed}=" not in source:
        return ""
    for item in islice(elements_with(source, kind), _MOST_ITEMS):
        if attributes_of(item.attributes).get(typed, "").endswith(kind):
            end = content_end(source, item.name, item.end, _MOST_ITEM_CHARS)
            inner = source[item.end : end if end >= 0 else item.end + _MOST_ITEM_CHARS]
            if (name := name_within(inner, naming)) is not None:
                return clean.line(name, _MOST_CHARS)
    return ""


def page_names(json_ld: JsonLd, marked: list[tuple[str, str]], *, author: str, site: str) -> Names:
    """The names by label, each once, in order of trust; `author` as in metadata (several with commas between)."""
    found: dict[str, dict[str, None]] = {label: {} for label in _KINDS}
    for label, name in (*_told(json_ld), *marked):
        if 0 < len(name.split()) <= _MOST_WORDS:
            found[label][name] = None
    organisations = found["ORG"]
    if site:
        organisations[site] = None
    for name in filter(is_person, author.split(", ")):
        if name not in organisations:
            found["PERSON"][name] = None
    return {label: list(names) for label, names in found.items() if names}


def is_person(name: str) -> bool:
    """Whether an author's name can be a person's in full: two words at least, and none that an institution has."""
    words = name.split()
    return (
        _FEWEST_OF_A_PERSON <= len(words) <= _MOST_WORDS
        and words[-1] not in data_words("org_forms")
        and data_words("org_kinds").isdisjoint(words)
        and _NO_PERSON.isdisjoint(name.lower().split())
    )


def _told(json_ld: JsonLd) -> Iterator[tuple[str, str]]:
    """(label, name) of the typed nodes, outer before inner."""
    pending: list[object] = list(json_ld.values)
    for _ in range(MAX_NODES):
        if not pending:
            return
        item = pending.pop(0)
        if isinstance(item, list):
            pending[:0] = item[:MAX_NODES]
        elif isinstance(item, dict):
            if "@type" in item:
                yield from _of_node(item)
            pending += [value for value in item.values() if isinstance(value, dict | list)]


def _of_node(node: dict[str, object]) -> Iterator[tuple[str, str]]:
    for kind in type_names(node):
        if kind == "PostalAddress":
            yield from (("GPE", clean.line(node.get(key), _MOST_CHARS)) for key in _PLACES)
        for label, pattern in _KINDS.items():
            if pattern.search(kind):
                name = clean.line(node.get("name"), _MOST_CHARS)
                if label != "PERSON" or is_person(name):
                    yield label, name
