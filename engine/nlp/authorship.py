"""Who wrote a page and when: what it says of that to machines, in order of trust, then what its readers see.

Structured data first (JSON-LD of the page's article, citations, other meta elements, microdata), then the lines around
the heading (:mod:`engine.nlp.byline`), which are read only where something is missing, then classes and bare time
elements, which often belong to something else on the page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.nlp import clean, dates
from engine.nlp.byline import Byline, find_byline, person

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.nlp.blocks import Block
    from engine.nlp.facts import Facts
    from engine.nlp.jsonld import JsonLd

_AUTHOR: Final = (
    "author",
    "article:author",
    "parsely-author",
    "sailthru.author",
    "dcterms.creator",
    "byl",
)
_PUBLISHED: Final = (
    "article:published_time",
    "og:article:published_time",
    "datepublished",
    "parsely-pub-date",
    "sailthru.date",
    "publish-date",
    "publication_date",
    "citation_publication_date",
    "citation_date",
    "citation_online_date",
    "pubdate",
    "publishdate",
    "published_date",
    "article.published",
    "dcterms.created",
    "dcterms.issued",
    "dcterms.date",
    "dc.date.created",
    "dc.date.issued",
    "dc.date",
    "date",
)
_BY: Final = ("written by", "author", "by")
_BY_START: Final = re.compile(r"(?:written )?by:?\s+", re.IGNORECASE)
_MAX_AUTHORS: Final = 10
_MAX_CLASS_NAMES: Final = 2
_MAX_AUTHOR_CHARS: Final = 200

#: Words in a time element's class that make it the publication's, the update's, or that of something else.
_TIME_PUBLISHED: Final = ("publish", "pubdate", "posted", "entry-date", "datecreated")
_TIME_MODIFIED: Final = ("update", "modif")
_TIME_OTHER: Final = ("comment", "event", "duration", "reply")


def find_authorship(facts: Facts, json_ld: JsonLd, blocks: Sequence[Block], title: str, url: str) -> Byline:
    """The author, or authors joined by commas, or "", and the date of publication or None.

    The page has this `title`, and is at `url`.
    """
    author = _first_named(_stated_authors(facts, json_ld))
    stated = first_date(_stated_dates(facts, json_ld))
    shown = dates.from_url(url)
    if author and (stated or shown):
        return Byline(author, dates.as_shown(stated, shown))
    byline = find_byline(blocks, title)
    author = author or _first_named(_shown_authors(facts, byline))
    shown = shown or byline.date
    date = dates.as_shown(stated, shown) or first_date(_shown_dates(facts, has_author=bool(author)))
    return Byline(author, date)


def modified_times(facts: Facts) -> Iterable[str]:
    """The times that are marked as those of a change."""
    return _times(facts, _TIME_MODIFIED)


def first_date(candidates: Iterable[str]) -> str | None:
    """The first of `candidates` that is a date, as RFC 3339."""
    return next((found for text in candidates if (found := dates.to_rfc3339(text))), None)


def _stated_authors(facts: Facts, json_ld: JsonLd) -> Iterable[Sequence[str]]:
    """What each source of structured data calls the authors."""
    yield json_ld.names(json_ld.article.get("author")) or json_ld.names(json_ld.page.get("author"))
    yield [_first_name_first(name) for name in facts.cited]
    yield from ([facts.meta[name]] for name in _AUTHOR if name in facts.meta)
    if facts.meta.get("twitter:label1", "").lower() in _BY:
        yield [facts.meta.get("twitter:data1", "")]
    yield facts.marked.authors[:1]


def _stated_dates(facts: Facts, json_ld: JsonLd) -> Iterable[str]:
    yield json_ld.value("datePublished")
    yield from (facts.meta[name] for name in _PUBLISHED if name in facts.meta)
    yield json_ld.value("uploadDate", "dateCreated")
    yield from _times(facts, _TIME_PUBLISHED)


def _shown_authors(facts: Facts, byline: Byline) -> Iterable[Sequence[str]]:
    yield [byline.author]
    yield _only_name(facts.marked.bylines)


def _shown_dates(facts: Facts, *, has_author: bool) -> Iterable[str]:
    yield from _lone_time(facts, has_author=has_author)
    yield from facts.marked.dated


def _first_named(sources: Iterable[Sequence[str]]) -> str:
    """The names of the first source that names anybody, joined by commas."""
    for source in sources:
        names = dict.fromkeys(name for value in source if (name := _name(value)))
        if names:
            return ", ".join(list(names)[:_MAX_AUTHORS])
    return ""


def _only_name(texts: list[str]) -> list[str]:
    """The first name in texts that are the author's by their class; none where they name several: a list of pages."""
    names = list(dict.fromkeys([name for text in texts if (name := person(_BY_START.sub("", text)))]))
    return names[:1] if len(names) <= _MAX_CLASS_NAMES else []


def _first_name_first(name: str) -> str:
    """A cited name as it is spoken: "Doe, Ann" is Ann Doe."""
    last, comma, first = name.partition(", ")
    return f"{first} {last}" if comma and "," not in first else name


def _name(value: str) -> str:
    """A person's name without "By" and quotation marks; "" for an address of a profile page."""
    name = _BY_START.sub("", clean.text(value)[:_MAX_AUTHOR_CHARS]).strip(" \"'\u201c\u201d")
    return "" if "://" in name or name.startswith(("/", "@")) else name


def _times(facts: Facts, words: tuple[str, ...]) -> Iterator[str]:
    """The times that are marked with one of `words`: of time elements, then of others."""
    yield from (time.value for time in facts.times if any(word in time.marks for word in words))
    yield from (time.value for time in facts.marked.times if any(word in time.marks for word in words))


def _lone_time(facts: Facts, *, has_author: bool) -> list[str]:
    """The page's first unmarked time, unless there are so many that they belong to a list's items.

    On a page that somebody wrote they belong to what was said after it.
    """
    plain = [t for t in facts.times if not any(word in t.marks for word in (*_TIME_MODIFIED, *_TIME_OTHER))]
    is_one = has_author or len({time.value for time in plain}) <= 2  # noqa: PLR2004 - and its update
    return [plain[0].value] if plain and is_one else []
