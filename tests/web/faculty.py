"""A directory of people, for profiles: hosts whose name has a label faculty-N- (faculty-60-a.test) show N persons.

| path | answer |
| --- | --- |
| / | the front page: links to the listing, the categories, the news |
| /people/?page=K | a listing: ten people a page, each a card with a link, a title and a mail address |
| /people/category/NAME | the people of a category, under a heading such as Emeritus |
| /research/NAME | the people of a field, under a heading that is written as names are |
| /people/SLUG | a profile whose data is JSON-LD, with links to colleagues |
| /profile.php?id=K | a profile in microdata, with a vCard link |
| /people/SLUG/ | a profile for readers alone: labels in a table, the address written out |
| /people/SLUG/publications | the same person's second page |
| /news/K | an article whose author is one of them |
| /contact | the office's address |
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from functools import lru_cache

from web.registry import HTML, Asked, Reply

_FACULTY = re.compile(r"(?:^|\.)faculty-(\d+)-")
_A_PAGE = 10
ORGANISATION = "Northmoor University"

_GIVEN = (
    "Amara", "Björn", "Chiara", "Dmitri", "Esperança", "Faisal", "Grace", "Hana", "Ingrid", "Jean-Luc", "Kwame", "Leila"
)  # fmt: skip
_FAMILY = (
    "Okafor",
    "Lindqvist",
    "De Luca",
    "Volkov",
    "van der Berg",
    "Al Rashid",
    "O'Neill",
    "Nováková",
    "Smith-Jones",
)
_FAMILY_OF = ("Page", "Staff", "Dean", "King", "Reyes", "Tanaka")
_TITLES = (
    "Professor of Mathematics", "Associate Professor", "Senior Lecturer", "Postdoctoral Researcher", "PhD Student",
    "Emeritus Professor of Physics", "Director of Research Computing", "Teaching Fellow",
)  # fmt: skip
_DEPARTMENTS = ("Department of Physics", "School of Computing", "Institute for Water Research")
_AREAS = (
    "number theory",
    "machine learning",
    "coastal erosion",
    "graph algorithms",
    "protein folding",
    "fluid dynamics",
)
CATEGORIES = {"emeritus": "Emeritus", "research-staff": "Research Staff", "phd-students": "PhD Students"}
FIELDS = {"machine-learning": "Machine Learning", "condensed-matter": "Condensed Matter Physics"}


@dataclass(frozen=True, slots=True)
class Person:
    """One of them, as they truly are; what is None or empty is not on their page."""

    number: int
    host: str
    name: str
    title: str
    organisation: str
    email: str
    phone: str | None
    areas: tuple[str, ...]
    links: tuple[str, ...]

    @property
    def layout(self) -> int:
        return self.number % 3

    @property
    def path(self) -> str:
        slug = self.email.partition("@")[0].replace(".", "-")
        return (f"/people/{slug}", f"/profile.php?id={self.number}", f"/people/{slug}/")[self.layout]

    @property
    def url(self) -> str:
        return f"http://{self.host}{self.path}"


def size_of(host: str) -> int | None:
    """How many people a host has; None where it is no directory."""
    found = _FACULTY.search(host)
    return int(found[1]) if found else None


@lru_cache(maxsize=4)
def people(host: str) -> tuple[Person, ...]:
    return tuple(_person(host, number) for number in range(size_of(host) or 0))


def _person(host: str, number: int) -> Person:
    families = (*_FAMILY, *_FAMILY_OF)
    given, family = _GIVEN[number % len(_GIVEN)], families[(number % 12 + number // 12 * 3) % len(families)]
    name = f"{given} {family}"
    plain = name.lower().translate(str.maketrans("öçáéà", "ocaea")).replace("'", "").replace(" ", ".")
    own = [f"https://orcid.org/0000-0002-1825-{number:04}", f"https://scholar.google.com/citations?user=u{number}"]
    if number % 3 == 1:
        own.append(f"http://{host}/cards/{number}.vcf")
    return Person(
        number,
        host,
        name,
        _TITLES[number % len(_TITLES)],
        _DEPARTMENTS[number // 3 % len(_DEPARTMENTS)],
        f"{plain}@northmoor.example",
        f"+44 20 7946 {number:04}" if number % 5 else None,
        tuple(_AREAS[(number + step) % len(_AREAS)] for step in range(2 + number % 3)) if number % 7 else (),
        tuple(own) if number % 4 else tuple(own[2:]),
    )


def answer(asked: Asked) -> Reply:  # noqa: PLR0911 - a table of paths
    """What a directory answers."""
    everyone = people(asked.host)
    by_path = {person.path: person for person in everyone}
    path = asked.target.partition("?")[0]
    if person := by_path.get(asked.target):
        return _page(*(_as_json_ld, _as_microdata, _for_readers)[person.layout](person))
    first, *rest = path.strip("/").split("/")
    match first, *rest:
        case ["people"]:
            return _listing(everyone, int(asked.query.get("page", "1")))
        case ["people", "category", name] if name in CATEGORIES:
            chosen = everyone[:: 4 + list(CATEGORIES).index(name)]
            return _page(CATEGORIES[name], _cards(CATEGORIES[name], chosen))
        case ["research", name] if name in FIELDS:
            chosen = everyone[: 1 + 3 * list(FIELDS).index(name)]
            return _page(FIELDS[name], _cards(FIELDS[name], chosen))
        case ["people", _, "publications"] if owner := by_path.get(path.removesuffix("publications")):
            return _page(
                owner.name, f"<h1>{_text(owner.name)}</h1><p>{_mail(owner)}</p><h2>Publications</h2><p>Many.</p>"
            )
        case ["news", number]:
            return _article(everyone[int(number)])
        case ["contact"]:
            return _page("Contact", '<h1>Contact Us</h1><p><a href="mailto:info@northmoor.example">Write to us</a></p>')
        case [""]:
            return _page("Welcome", "<h1>Northmoor University</h1><p>Founded long ago by people who liked the sea.</p>")
        case _:
            return Reply(404, b"no such page")


def _page(title: str, main: str, head: str = "") -> Reply:
    links = (
        "/people/",
        *(f"/people/category/{name}" for name in CATEGORIES),
        *(f"/research/{name}" for name in FIELDS),
    )
    menu = "".join(f'<a href="{link}">x</a>' for link in (*links, "/news/0", "/news/1", "/contact"))
    footer = (
        '<a href="mailto:webmaster@northmoor.example">Webmaster</a> <a href="tel:+442079460999">Switchboard</a>'
        '<a href="https://twitter.com/northmoor">Twitter</a><a href="/people/?page=2">Jane Footer</a>'
    )
    return Reply(
        200,
        f"<!DOCTYPE html><html><head><title>{_text(title)} | {ORGANISATION}</title>{head}</head><body>"
        f"<header><nav>{menu}</nav></header><main>{main}</main><footer>{footer}</footer></body></html>".encode(),
        HTML,
    )


def _cards(heading: str, chosen: tuple[Person, ...]) -> str:
    cards = "".join(
        f'<div class="card"><h3><a href="{html.escape(one.path)}">{_text(one.name)}</a></h3><p>{one.title}</p>'
        f"<p>{_mail(one)}</p></div>"
        for one in chosen
    )
    return f"<h1>{heading}</h1>{cards}"


def _listing(everyone: tuple[Person, ...], page: int) -> Reply:
    shown = everyone[(page - 1) * _A_PAGE : page * _A_PAGE]
    more = f'<a rel="next" href="/people/?page={page + 1}">Next</a>' if page * _A_PAGE < len(everyone) else ""
    return _page("People", _cards("People", shown) + more)


def _as_json_ld(person: Person) -> tuple[str, str, str]:
    told = {
        "@type": "Person",
        "name": person.name,
        "honorificPrefix": "Dr",
        "jobTitle": person.title,
        "worksFor": {"@type": "CollegeOrUniversity", "name": person.organisation},
        "email": f"mailto:{person.email}",
        "telephone": person.phone,
        "sameAs": list(person.links),
        "knowsAbout": list(person.areas),
    }
    graph = {"@context": "https://schema.org", "@graph": [{"@type": "WebSite", "name": ORGANISATION}, told]}
    script = f'<script type="application/ld+json">{json.dumps(graph)}</script>'
    others = [one for one in people(person.host) if one.number != person.number][person.number % 9 :][:4]
    links = "".join(f'<li><a href="{html.escape(one.path)}">{_text(one.name)}</a></li>' for one in others)
    main = f"<h1>Dr. {_text(person.name)}</h1><p>Teaches here.</p><h2>Colleagues</h2><ul>{links}</ul>"
    return person.name, main, script


def _as_microdata(person: Person) -> tuple[str, str]:
    phone = f'<p>Tel: <span itemprop="telephone">{person.phone}</span></p>' if person.phone else ""
    links = "".join(f'<a href="{link}">elsewhere</a> ' for link in person.links)
    items = "".join(f"<li>{area}</li>" for area in person.areas)
    areas = f"<h2>Research Interests</h2><ul>{items}</ul>" if items else ""
    main = (
        f'<div itemscope itemtype="https://schema.org/Person"><h1 itemprop="name">{_text(person.name)}</h1>'
        f'<p itemprop="jobTitle">{person.title}</p><div itemprop="affiliation" itemscope itemtype="https://schema.org/'
        f'Organization"><span itemprop="name">{person.organisation}</span></div>'
        f'<p><a itemprop="email" href="mailto:{person.email}?subject=Hello">Write</a></p>{phone}</div>'
        f"{areas}<p>{links}</p>"
    )
    return f"Profile - {person.name}", main


def _for_readers(person: Person) -> tuple[str, str]:
    written = person.email.replace("@", " [at] ").replace(".example", " [dot] example")
    phone = f"<tr><th>Phone</th><td>{person.phone}</td></tr>" if person.phone else ""
    areas = f"<h3>Research areas</h3><p>{', '.join(person.areas)}</p>" if person.areas else ""
    links = "".join(f'<li><a href="{link}">elsewhere</a></li>' for link in person.links)
    second = f'<a href="{person.path}publications">Publications</a>' if person.number % 4 == 0 else ""
    main = (
        f"<h1>Prof. {_text(person.name)}, PhD</h1><p>{person.title}, {person.organisation}</p>"
        f"<table><tr><th>Email</th><td>{written}</td></tr>{phone}<tr><th>Office</th><td>Room 12-345-678</td></tr>"
        f"</table>{areas}<h3>Links</h3><ul>{links}</ul>{second}<p>Born by the sea, and never far from it.</p>"
    )
    return f"{person.name} - People", main


def _article(author: Person) -> Reply:
    told = {"@type": "NewsArticle", "headline": "A prize", "author": {"@type": "Person", "name": author.name}}
    graph = {"@context": "https://schema.org", "@graph": [told, {"@type": "Person", "name": author.name}]}
    script = f'<script type="application/ld+json">{json.dumps(graph)}</script>'
    return _page(
        "A Prize for Water Research", f"<h1>A Prize</h1><p>By {_text(author.name)}</p><p>It was won.</p>", script
    )


def _mail(person: Person) -> str:
    return f'<a href="mailto:{person.email}">{person.email}</a>'


def _text(name: str) -> str:
    return html.escape(name, quote=False)
