"""The row's `metadata`: what a page says of its author, dates, site, address and kind. Only found keys are present.

Sources in order of trust: JSON-LD of the page's article, then OpenGraph and other meta elements, then the page's
visible time and author elements, then its URL. Dates are RFC 3339 (:mod:`engine.nlp.dates`), addresses absolute.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import ada_url

from engine.nlp import clean, dates
from engine.nlp.byline import person

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.nlp.byline import Byline
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
_MODIFIED: Final = ("article:modified_time", "og:updated_time", "datemodified", "last-modified", "dcterms.modified")
_DESCRIPTION: Final = ("description", "og:description", "twitter:description", "dc.description")
_IMAGE: Final = ("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")

#: RFC 5646, 2.1, as far as pages use it: a primary subtag of letters, then subtags of letters or digits.
_LANGUAGE_TAG: Final = re.compile(r"[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8})*")

_BY: Final = ("written by", "author", "by")
_BY_START: Final = re.compile(r"(?:written )?by:?\s+", re.IGNORECASE)
_MAX_AUTHORS: Final = 10
_MAX_CLASS_NAMES: Final = 2
_MAX_AUTHOR_CHARS: Final = 200
_MAX_FEEDS: Final = 20
_MAX_TYPES: Final = 50

_FEED_TYPES: Final = frozenset({"application/rss+xml", "application/atom+xml", "application/feed+json"})

#: Words in a time element's class that make it the publication's, the update's, or that of something else.
_TIME_PUBLISHED: Final = ("publish", "pubdate", "posted", "entry-date", "datecreated")
_TIME_MODIFIED: Final = ("update", "modif")
_TIME_OTHER: Final = ("comment", "event", "duration", "reply")


def site_name(facts: Facts, json_ld: JsonLd) -> str:
    """The name of the page's site; "" where the page does not say."""
    for value in (
        facts.meta.get("og:site_name"),
        json_ld.of_type("WebSite").get("name"),
        facts.meta.get("application-name"),
    ):
        if name := clean.text(value):
            return name
    publisher = json_ld.names(json_ld.article.get("publisher"))
    return clean.text(publisher[0]) if publisher else ""


def page_metadata(facts: Facts, json_ld: JsonLd, byline: Byline, site: str, url: str) -> dict[str, Any]:
    """The metadata of a page of the site called `site` that was fetched from `url`."""
    author = _author(facts, json_ld, byline)
    canonical = [link.href for link in facts.links if link.rel == "canonical"]
    found = {
        "author": author,
        "published_at": _published(facts, json_ld, byline, url, has_author=bool(author)),
        "modified_at": _first_date(
            [json_ld.value("dateModified"), *_all(facts, _MODIFIED), *_times(facts, _TIME_MODIFIED)]
        ),
        "description": clean.text(_first(facts, _DESCRIPTION)) or clean.text(json_ld.value("description")),
        "site_name": site,
        "canonical_url": absolute((canonical or [facts.meta.get("og:url", "")])[0], url),
        "image": absolute(_first(facts, _IMAGE) or json_ld.value("image", "thumbnailUrl"), url),
        "type": clean.line(facts.meta.get("og:type"), 100),
        "json_ld_types": json_ld.types[:_MAX_TYPES],
        "feeds": _feeds(facts, url),
    }
    return {key: value for key, value in found.items() if value}


def language(facts: Facts) -> str | None:
    """The page's own claim, BCP 47 in form, or None."""
    for claim in (facts.language, facts.meta.get("content-language"), facts.meta.get("og:locale")):
        if claim:
            tag = claim.split(",")[0].strip().replace("_", "-")
            if _LANGUAGE_TAG.fullmatch(tag):
                return tag
    return None


def absolute(href: str, base: str) -> str:
    """`href` resolved against the page's URL (WHATWG); "" for what is no http or https URL."""
    href = clean.line(href, 4_000)
    if not href:
        return ""
    try:
        resolved = ada_url.join_url(base, href)
    except ValueError:
        return ""
    return resolved if resolved.startswith(("http://", "https://")) else ""


def _author(facts: Facts, json_ld: JsonLd, byline: Byline) -> str:
    """Names joined by commas: the first source that names anybody."""
    named = json_ld.names(json_ld.article.get("author")) or json_ld.names(json_ld.page.get("author"))
    labelled = facts.meta.get("twitter:data1", "") if facts.meta.get("twitter:label1", "").lower() in _BY else ""
    sources = (
        named,
        [_first_name_first(name) for name in facts.cited],
        *([value] for value in _all(facts, _AUTHOR)),
        [labelled],
        facts.authors[:1],
        [byline.author],
        _only_name(facts.bylines),
    )
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


def _published(facts: Facts, json_ld: JsonLd, byline: Byline, url: str, *, has_author: bool) -> str | None:
    return (
        _first_date(
            [
                json_ld.value("datePublished", "uploadDate", "dateCreated"),
                *_all(facts, _PUBLISHED),
                *_times(facts, _TIME_PUBLISHED),
            ]
        )
        or dates.from_url(url)
        or byline.date
        or _first_date(_lone_time(facts, has_author=has_author))
        or _first_date(facts.dated)
    )


def _times(facts: Facts, words: tuple[str, ...]) -> Iterable[str]:
    """The time elements that are marked with one of `words`, in document order."""
    return [time.value for time in facts.times if any(word in time.marks for word in words)]


def _lone_time(facts: Facts, *, has_author: bool) -> list[str]:
    """The page's first unmarked time, unless there are so many that they belong to a list's items.

    On a page that somebody wrote they belong to what was said after it.
    """
    plain = [t for t in facts.times if not any(word in t.marks for word in (*_TIME_MODIFIED, *_TIME_OTHER))]
    is_one = has_author or len({time.value for time in plain}) <= 2  # noqa: PLR2004 - and its update
    return [plain[0].value] if plain and is_one else []


def _first_date(candidates: Iterable[str]) -> str | None:
    return next((found for text in candidates if (found := dates.to_rfc3339(text))), None)


def _feeds(facts: Facts, url: str) -> list[str]:
    hrefs = (link.href for link in facts.links if link.rel == "alternate" and link.media_type in _FEED_TYPES)
    return list(dict.fromkeys(found for href in hrefs if (found := absolute(href, url))))[:_MAX_FEEDS]


def _all(facts: Facts, names: tuple[str, ...]) -> list[str]:
    return [facts.meta[name] for name in names if name in facts.meta]


def _first(facts: Facts, names: tuple[str, ...]) -> str:
    return next((facts.meta[name] for name in names if name in facts.meta), "")
