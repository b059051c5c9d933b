"""The links of an HTML page, and what it says of itself that concerns whoever follows them, in one pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import ada_url

from engine.model.finding import Role, Source
from engine.nlp import clean
from engine.nlp.facts import note_meta

if TYPE_CHECKING:
    from resiliparse.parse.html import ElementNode, HTMLTree

#: Links of one page that are looked at; a page with more is a dump.
MAX_LINKS: Final = 5_000

_SELECTOR: Final = (
    "base[href], title, a[href], area[href], iframe[src], frame[src], meta[name][content], "
    'link[rel="canonical" i][href], link[rel="alternate" i][href], link[rel="next" i][href], link[rel="prev" i][href]'
)
_FEED_TYPES: Final = frozenset({"application/rss+xml", "application/atom+xml", "application/rdf+xml"})


@dataclass(slots=True)
class Hyperlinks:
    """`links` are (URL as written, what it is said to be, who says so); relative to `base`."""

    base: str
    title: str = ""
    canonical: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    links: list[tuple[str, Role, Source]] = field(default_factory=list)


def read_hyperlinks(tree: HTMLTree, url: str) -> Hyperlinks:
    """Of the page that was fetched from `url`. Links marked nofollow are left out."""
    found = Hyperlinks(url)
    if tree.document is None:
        return found
    based = False
    for element in tree.document.query_selector_all(_SELECTOR)[:]:
        match element.tag:
            case "base" if not based:  # the first one counts (HTML, section 4.2.3)
                based = True
                found.base = _joined(url, element.getattr("href") or "") or url
            case "title" if not found.title:
                found.title = clean.line(element.text_content or "")
            case "meta":
                _meta(found, element)
            case "link":
                _link(found, element)
            case "a" | "area" if len(found.links) < MAX_LINKS:
                if "nofollow" not in (element.getattr("rel") or "").lower().split():
                    found.links.append((element.getattr("href") or "", Role.PAGE, Source.LINK))
            case "iframe" | "frame" if len(found.links) < MAX_LINKS:
                found.links.append((element.getattr("src") or "", Role.PAGE, Source.LINK))
            case _:
                pass
    return found


def _meta(found: Hyperlinks, element: ElementNode) -> None:
    if content := element.getattr("content"):
        note_meta(found.meta, (element.getattr("name") or "").strip().lower(), content)


def _link(found: Hyperlinks, element: ElementNode) -> None:
    rel = (element.getattr("rel") or "").lower().split()
    href = element.getattr("href") or ""
    if "canonical" in rel:
        found.canonical = found.canonical or href
    elif len(found.links) >= MAX_LINKS or "nofollow" in rel:
        return
    elif "alternate" in rel and (element.getattr("type") or "").strip().lower() in _FEED_TYPES:
        found.links.append((href, Role.FEED, Source.LINK))
    elif "alternate" not in rel or element.hasattr("hreflang"):
        found.links.append((href, Role.PAGE, Source.LINK))


def _joined(base: str, href: str) -> str | None:
    try:
        return str(ada_url.join_url(base, href.strip()))
    except ValueError:
        return None
