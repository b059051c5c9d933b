"""The persons that a page describes for machines: JSON-LD, microdata and microformats (h-card, hCard), in this order.

Each is a mapping from the fields of a profile (:mod:`engine.model.profile`) to what is said of it, with where it was
said; which of them the page is about, if any, is not decided here.

Law: bounded work, whatever a page nests or repeats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from engine.nlp import clean
from engine.nlp.jsonld import type_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from resiliparse.parse.html import ElementNode, HTMLTree

    from engine.nlp.jsonld import JsonLd, Node

#: Persons of a page that are looked at, and properties of one.
MAX_PERSONS: Final = 50
_MAX_PROPERTIES: Final = 200
_MAX_CHARS: Final = 300

#: Fields of a profile, and the properties of schema.org that say them, the plainest first.
_SCHEMA: Final = {
    "title": ("jobTitle", "hasOccupation", "roleName"),
    "organisation": ("worksFor", "affiliation", "memberOf"),
    "email": ("email",),
    "phone": ("telephone",),
    "links": ("sameAs", "url"),
    "research_areas": ("knowsAbout",),
}
#: Where an address, number or description lies one node further down.
_CONTACT: Final = ("contactPoint", "workLocation")
_FIELD_OF: Final = {name: field for field, names in _SCHEMA.items() for name in names}
#: Of a Person within another item: what the page is about, not who wrote it or works there.
_ABOUT: Final = frozenset({"mainentity", "mainentityofpage", "about"})

#: Classes of h-card (microformats2) and of hCard before it.
_CLASSES: Final = {
    "p-name": "name", "fn": "name",
    "p-job-title": "title", "title": "title", "role": "title", "p-role": "title",
    "p-org": "organisation", "org": "organisation",
    "u-email": "email", "email": "email",
    "p-tel": "phone", "tel": "phone",
    "u-url": "links", "url": "links",
    "p-category": "research_areas", "category": "research_areas",
}  # fmt: skip
_CARDS: Final = ".h-card, .vcard"
_CARD_PROPERTIES: Final = ", ".join(f".{name}" for name in _CLASSES)


@dataclass(slots=True)
class Person:
    """What one place says of one person; `is_main`: and that the page is about them."""

    source: str
    name: str
    is_main: bool = False
    values: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, value: object) -> None:
        """Note a value of a field, once."""
        text = clean.text(value, _MAX_CHARS)
        known = self.values.setdefault(name, [])
        if text and text not in known and len(known) < MAX_PERSONS:
            known.append(text)


def persons(tree: HTMLTree, json_ld: JsonLd) -> list[Person]:
    """All persons that the page describes, each as often as it does so."""
    found = [*_of_json_ld(json_ld), *_of_microdata(tree), *_of_cards(tree)]
    return [person for person in found if person.name]


# -- JSON-LD ----------------------------------------------------------------------------------------------------------


def _of_json_ld(json_ld: JsonLd) -> Iterator[Person]:
    by_id = {node["@id"]: node for node in json_ld.nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    main: list[Any] = []
    for node in json_ld.nodes:
        if "ProfilePage" in type_names(node):
            entities = _listed(node.get("mainEntity"))
            main += [by_id.get(str(entity.get("@id")), entity) for entity in entities if isinstance(entity, dict)]
    for node in [node for node in json_ld.nodes if "Person" in type_names(node)][:MAX_PERSONS]:
        person = Person("json-ld", _name(node), is_main=any(node is one for one in main))
        for owner in (node, *(one for key in _CONTACT for one in _listed(node.get(key)) if isinstance(one, dict))):
            for name, keys in _SCHEMA.items():
                for key in keys:
                    for value in _listed(owner.get(key)):
                        person.add(
                            name, _plain(by_id.get(str(value.get("@id")), value) if isinstance(value, dict) else value)
                        )
        yield person


def _listed(value: object) -> list[Any]:
    return value[:MAX_PERSONS] if isinstance(value, list) else [] if value is None else [value]


def _name(node: Node) -> str:
    given = clean.text(node.get("name"), _MAX_CHARS)
    return given or clean.text(f"{_plain(node.get('givenName'))} {_plain(node.get('familyName'))}", _MAX_CHARS)


def _plain(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("name") or value.get("@value") or value.get("url")
    return clean.text(value[0] if isinstance(value, list) and value else value, _MAX_CHARS)


# -- microdata --------------------------------------------------------------------------------------------------------


def _of_microdata(tree: HTMLTree) -> Iterator[Person]:
    if tree.document is None:
        return
    for item in tree.document.query_selector_all('[itemscope][itemtype*="schema.org/Person" i]')[:MAX_PERSONS]:
        role = (item.getattr("itemprop") or "").lower().split()
        if role and _ABOUT.isdisjoint(role):
            continue
        person = Person("microdata", "", is_main=bool(role))
        for element in item.query_selector_all("[itemprop]")[:_MAX_PROPERTIES]:
            for name in (element.getattr("itemprop") or "").split():
                if name == "name":
                    person.name = person.name or (_value(element) if _is_own(element) else "")
                elif name in _FIELD_OF:
                    inner = element.query_selector('[itemprop="name"]') if element.hasattr("itemscope") else None
                    person.add(_FIELD_OF[name], _value(inner or element))
        yield person


def _is_own(element: ElementNode) -> bool:
    """Whether a property is the person's, not that of an organisation within."""
    parent = element.parent
    owner = cast("ElementNode", parent).closest("[itemscope]") if parent is not None else None
    return owner is not None and "schema.org/person" in (owner.getattr("itemtype") or "").lower()


def _value(element: ElementNode) -> str:
    """What a property says (HTML, section 5.2.4), as far as people have such: a content, a link's target, its text."""
    for attribute in ("content", "href"):
        if value := element.getattr(attribute):
            return value
    return element.text_content or ""


# -- microformats -----------------------------------------------------------------------------------------------------


def _of_cards(tree: HTMLTree) -> Iterator[Person]:
    if tree.document is None:
        return
    for card in tree.document.query_selector_all(_CARDS)[:MAX_PERSONS]:
        person = Person("h-card", "")
        for element in card.query_selector_all(_CARD_PROPERTIES)[:_MAX_PROPERTIES]:
            for name in _fields_of((element.class_name or "").split()):
                is_link = name in {"links", "email"} and element.hasattr("href")
                value = element.getattr("href") if is_link else element.text_content
                if name == "name":
                    person.name = person.name or clean.text(value, _MAX_CHARS)
                else:
                    person.add(name, value)
        yield person


def _fields_of(classes: Iterable[str]) -> set[str]:
    return {_CLASSES[name] for name in classes if name in _CLASSES}
