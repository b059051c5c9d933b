"""The row's `metadata`: what a page says of its author, dates, site, address and kind. Only found keys are present.

Sources in order of trust: JSON-LD of the page's article, then OpenGraph and other meta elements, then the page's
visible time and author elements, then its URL. Dates are RFC 3339 (:mod:`engine.nlp.dates`), addresses absolute.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import ada_url

from engine.nlp import authorship, clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.nlp.byline import Byline
    from engine.nlp.facts import Facts
    from engine.nlp.jsonld import JsonLd

_MODIFIED: Final = ("article:modified_time", "og:updated_time", "datemodified", "last-modified", "dcterms.modified")
_DESCRIPTION: Final = ("description", "og:description", "twitter:description", "dc.description")
_IMAGE: Final = ("og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src")

#: RFC 5646, 2.1, as far as pages use it: a primary subtag of letters, then subtags of letters or digits.
_LANGUAGE_TAG: Final = re.compile(r"[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8})*")

_MAX_FEEDS: Final = 20
_MAX_TYPES: Final = 50

_FEED_TYPES: Final = frozenset({"application/rss+xml", "application/atom+xml", "application/feed+json"})


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


def page_metadata(facts: Facts, json_ld: JsonLd, origin: Byline, site: str, url: str) -> dict[str, Any]:
    """The metadata of a page of the site called `site` that was fetched from `url`, by whom and when `origin` says."""
    canonical = [link.href for link in facts.links if link.rel == "canonical"]
    found = {
        "author": origin.author,
        "published_at": origin.date,
        "modified_at": authorship.first_date(_modified(facts, json_ld)),
        "description": clean.text(_first(facts, _DESCRIPTION)) or clean.text(json_ld.value("description")),
        "site_name": site,
        "canonical_url": absolute((canonical or [facts.meta.get("og:url", "")])[0], url),
        "image": absolute(_first(facts, _IMAGE) or json_ld.value("image", "thumbnailUrl"), url),
        "type": clean.line(facts.meta.get("og:type"), 100),
        "json_ld_types": json_ld.types[:_MAX_TYPES],
        "feeds": _feeds(facts, url),
    }
    return {key: value for key, value in found.items() if value}


def _modified(facts: Facts, json_ld: JsonLd) -> Iterator[str]:
    yield json_ld.value("dateModified")
    yield from (facts.meta[name] for name in _MODIFIED if name in facts.meta)
    yield from authorship.modified_times(facts)


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


def _feeds(facts: Facts, url: str) -> list[str]:
    hrefs = (link.href for link in facts.links if link.rel == "alternate" and link.media_type in _FEED_TYPES)
    return list(dict.fromkeys(found for href in hrefs if (found := absolute(href, url))))[:_MAX_FEEDS]


def _first(facts: Facts, names: tuple[str, ...]) -> str:
    return next((facts.meta[name] for name in names if name in facts.meta), "")
