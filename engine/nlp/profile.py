"""Whether a page is one person's profile, and what it says of that person, each value with where it was said.

Who the page is about is told by its heading or its title, never by a name alone that is somewhere in it: an article
has an author, a listing has many people. What machines are told (:mod:`.person_data`) comes first, then links, then
what readers see (:mod:`.profile_lines`).

Law: a page is a profile for evidence that only its person gives (data about them, an address that holds their name), or
for two plainer signs where nothing speaks for a listing; else it is left out, with the reason.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from engine.model.profile import FIELDS, LISTS
from engine.nlp import clean
from engine.nlp.jsonld import JsonLd
from engine.nlp.metadata import absolute
from engine.nlp.person_data import persons
from engine.nlp.person_names import names_owner, parts, person_name, same_person
from engine.nlp.profile_lines import (
    EMAIL,
    Said,
    labelled,
    lines_of,
    phone_in,
    research_areas,
    title_and_organisation,
    written_addresses,
)
from engine.nlp.profile_links import person_links
from engine.policy.lead import is_listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resiliparse.parse.html import HTMLTree

    from engine.model.profile import Profile
    from engine.nlp.blocks import Block
    from engine.nlp.person_data import Person
    from engine.nlp.profile_lines import Line

#: Links to other people that make a page a listing, unless it is plainly one person's.
_MANY_PEOPLE: Final = 3
#: Plain signs that make a page a profile.
_ENOUGH_SIGNS: Final = 2
#: The fields of which one is a sign: shops and offices have an address and a number, and no position.
_SIGNS: Final = ({"email", "phone"}, {"title"}, {"research_areas"})
#: What data must say, beside links, to be of somebody.
_TELLING: Final = ("title", "organisation", "email", "phone", "research_areas")
_MAX_JSON_LD_CHARS: Final = 1_000_000
_MAX_HEADINGS: Final = 20
_MAX_VALUES: Final = 30

#: Segments of paths that a person's page lies under.
_FOLDERS: Final = frozenset(
    [
        "about-us",
        "academic-staff",
        "bio",
        "bios",
        "consultants",
        "directory",
        "experts",
        "faculty",
        "fellows",
        "lawyers",
        "members",
        "our-people",
        "our-team",
        "people",
        "person",
        "persons",
        "physicians",
        "profile",
        "profiles",
        "researchers",
        "scholars",
        "scientists",
        "staff",
        "staff-directory",
        "student",
        "students",
        "team",
        "user",
        "users",
    ]
)
#: Addresses of an office, not of a person.
_OFFICE: Final = re.compile(
    r"(?:info|office|contact|webmaster|admin|help|support|enquir\w+|inquir\w+|mail|hello|press|secretary|dept|"
    r"department|reception|admissions|noreply|no-reply)\d*@.*",
    re.IGNORECASE,
)


class ProfileReader:
    """What a page's tree says of a person, read in two turns: before the main text is taken from it, and after."""

    def __init__(self, tree: HTMLTree, url: str) -> None:
        self._url = url
        self._json_ld = JsonLd(_scripts(tree))
        self._persons = persons(tree, self._json_ld)
        self._links = person_links(tree, url)

    def read(self, blocks: Sequence[Block], title: str) -> Profile | str:
        """The profile, or why the page is none."""
        lines = lines_of(blocks)
        headings = [(at, line.text) for at, line in enumerate(lines) if line.kind in {"h1", "h2"}][:_MAX_HEADINGS]
        about, name, name_at = self._about(lines, headings, title)
        if not name:
            if len(self._persons) >= _MANY_PEOPLE or len(self._links.others) >= _MANY_PEOPLE:
                return "a listing: it names several people, and none in its heading"
            return "neither its heading nor its title is a person's name"
        said = self._said(name, about, lines, name_at)
        if why := self._doubt(name, about, said):
            return why
        values = {field: said[field] for field in FIELDS if field in said}
        profile: Profile = {"name": name}
        for field, one in values.items():
            profile[field] = one.value.split("\n") if field in LISTS else one.value
        name_source = about[0].source if about else "heading" if name_at >= 0 else "title"
        profile["sources"] = {"name": name_source, **{field: one.source for field, one in values.items()}}
        return profile

    def _about(
        self, lines: Sequence[Line], headings: Sequence[tuple[int, str]], title: str
    ) -> tuple[list[Person], str, int]:
        """The descriptions of the person whom the page is about, their name, and the line that it stands in (or -1)."""
        in_title = [name for part in parts(title) if (name := person_name(part))]
        named = [(at, name) for at, text in headings if (name := person_name(text))]
        first = [(at, name) for at, name in named if lines[at].kind == "h1"]
        first += [(at, name) for at, name in named if any(same_person(name, other) for other in in_title)]
        candidates = [*first, *((-1, name) for name in in_title)]
        if candidates:
            at, name = candidates[0]
            about = [person for person in self._persons if same_person(_bare(person.name), name)]
            return about, _bare(about[0].name) if about else name, at
        main = [person for person in self._persons if person.is_main]
        if len(main) == 1 and (name := _bare(main[0].name)):
            return main, name, -1
        return [], "", -1

    # -- values -------------------------------------------------------------------------------------------------------

    def _said(self, name: str, about: Sequence[Person], lines: Sequence[Line], name_at: int) -> dict[str, Said]:
        said: dict[str, Said] = {}
        for person in about:
            for field, values in person.values.items():
                if value := self._of_data(field, values):
                    said.setdefault(field, Said(value, person.source))
        if address := self._address(name, lines):
            said.setdefault("email", address)
        if phone := self._phone(lines):
            said.setdefault("phone", phone)
        for field, one in title_and_organisation(lines, name_at).items() if name_at >= 0 else ():
            said.setdefault(field, one)
        if areas := research_areas(lines):
            said.setdefault("research_areas", areas)
        pages = said["links"].value.split("\n") if "links" in said else []
        if more := [page for page in self._links.pages if page not in pages]:
            source = f"{said['links'].source}, link" if pages else "link"
            said["links"] = Said("\n".join([*pages, *more][:_MAX_VALUES]), source)
        return said

    def _of_data(self, field: str, values: Sequence[str]) -> str:
        """A field's value in data for machines, in the form that rows have; lists by lines."""
        match field:
            case "email":
                plain = (value.partition(":")[2] if value.lower().startswith("mailto:") else value for value in values)
                return next((text for value in plain if EMAIL.fullmatch(text := value.partition("?")[0])), "")
            case "phone":
                return next((value.removeprefix("tel:") for value in values if any(map(str.isdigit, value))), "")
            case "links":
                own = self._url.partition("#")[0]
                found = [link for value in values if (link := absolute(value, self._url)) and link != own]
                return "\n".join(dict.fromkeys(found[:_MAX_VALUES]))
            case "research_areas":
                return "\n".join(values[:_MAX_VALUES])
            case _:
                return values[0] if values else ""

    def _address(self, name: str, lines: Sequence[Line]) -> Said | None:
        """The person's mail address: one that holds their name, else the only one that is no office's."""
        linked = [address for text in self._links.emails for address in written_addresses(text)]
        found = [Said(address, "mailto link") for address in linked]
        found += [Said(one, "label") for text in labelled(lines, "email") for one in written_addresses(text)]
        found += [Said(one, "text") for line in lines for one in written_addresses(line.text)]
        personal = [one for one in found if not _OFFICE.fullmatch(one.value)]
        own = [one for one in personal if names_owner(one.value.partition("@")[0], name)]
        if own:
            return own[0]
        if len({one.value.casefold() for one in personal}) != 1:
            return None
        local = personal[0].value.partition("@")[0]
        return None if any(names_owner(local, other) for other, _ in self._links.others) else personal[0]

    def _phone(self, lines: Sequence[Line]) -> Said | None:
        if self._links.phones and (number := phone_in(self._links.phones[0])):
            return Said(number, "tel link")
        return next((Said(number, "label") for text in labelled(lines, "phone") if (number := phone_in(text))), None)

    # -- the verdict --------------------------------------------------------------------------------------------------

    def _doubt(self, name: str, about: Sequence[Person], said: dict[str, Said]) -> str | None:
        """Why the page of this heading is no profile; None: it is one."""
        address = said["email"].value.partition("@")[0] if "email" in said else ""
        # Accounts of a site's makers are described as persons too, with links alone.
        told = any(person.is_main or any(person.values.get(field) for field in _TELLING) for person in about)
        if told or (address and names_owner(address, name)):
            return None
        if is_listing(self._url):
            return "a listing or category page, by its URL"
        if len({other for other, _ in self._links.others if not same_person(other, name)}) >= _MANY_PEOPLE:
            return f"a listing: it links to several people, and says nothing of {name!r} alone"
        signs = sum(not said.keys().isdisjoint(fields) for fields in _SIGNS) + _is_personal(self._url, name)
        return None if signs >= _ENOUGH_SIGNS else f"too little says that {name!r} is a person"


def _bare(name: str) -> str:
    """A name from data, which need not look like one."""
    return person_name(name) or clean.line(name, 100)


def _is_personal(url: str, name: str) -> bool:
    """Whether a URL lies in a folder of people, and its last segment holds the name."""
    segments = [unquote(segment).casefold() for segment in urlsplit(url).path.split("/") if segment]
    return len(segments) > 1 and not _FOLDERS.isdisjoint(segments[:-1]) and names_owner(segments[-1], name)


def _scripts(tree: HTMLTree) -> list[str]:
    if tree.document is None:
        return []
    texts = [
        element.text_content or "" for element in tree.document.query_selector_all('script[type*="ld+json" i]')[:20]
    ]
    return [text for text in texts if len(text) <= _MAX_JSON_LD_CHARS]
