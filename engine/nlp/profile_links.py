"""The links of a page that tell of a person: mail, phone, vCards, their pages elsewhere, and links to other people."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from engine.nlp import clean
from engine.nlp.metadata import absolute
from engine.nlp.person_names import person_name

if TYPE_CHECKING:
    from resiliparse.parse.html import ElementNode, HTMLTree

#: Pages that people have elsewhere; on a site's own footer they are the site's.
_ELSEWHERE: Final = re.compile(
    r"^https?://(?:[\w-]+\.)*(?:linkedin\.com/in/|orcid\.org/\d|scholar\.google\.[\w.]+/citations|github\.com/[\w-]+/?$|"
    r"gitlab\.com/[\w-]+/?$|researchgate\.net/profile/|(?:twitter|x)\.com/\w+/?$|dblp\.(?:org|uni-trier\.de)/p|"
    r"semanticscholar\.org/author/|scopus\.com/authid/|publons\.com/|webofscience\.com/wos/author/|bsky\.app/profile/|"
    r"academia\.edu/|arxiv\.org/a/)",
    re.IGNORECASE,
)
_HOME: Final = re.compile(
    r"(?:my |personal |lab |research |group )*(?:web ?site|home ?page|web ?page|lab|curriculum vitae|cv|vcard|v-card|"
    r"download vcard|blog)(?: \(?pdf\)?)?",
    re.IGNORECASE,
)
_VCARD: Final = re.compile(r"\.vcf(?:$|[?#])", re.IGNORECASE)
_MAX_LINKS: Final = 3_000
_MAX_CHARS: Final = 2_000
_CLOUDFLARE_HEX: Final = re.compile(r"[0-9a-f]{4,400}")


@dataclass(slots=True)
class PersonLinks:
    """`emails` and `phones` as they are written, without what a link adds; `others` are (name, URL) of other people."""

    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)


class _Frame:
    """What stands around a page's own content; each header is looked through once, whatever links it holds."""

    def __init__(self) -> None:
        self._is_pages_own: dict[ElementNode, bool] = {}

    def holds(self, element: ElementNode) -> bool:
        """Whether an element stands in a menu, in the footer, or in a header that is not the page's own."""
        around = element.closest("nav, footer, header")
        if around is None or around.tag != "header":
            return around is not None
        if around not in self._is_pages_own:
            self._is_pages_own[around] = around.query_selector("h1") is not None
        return not self._is_pages_own[around]


def person_links(tree: HTMLTree, url: str) -> PersonLinks:
    """Of the page at `url`: what stands in its menus and its footer is the site's, and left out."""
    found = PersonLinks()
    if tree.body is None:
        return found
    frame = _Frame()
    for element in tree.body.query_selector_all("a[href], [data-cfemail]")[:_MAX_LINKS]:
        href = (element.getattr("href") or "").strip()[:_MAX_CHARS]
        scheme, _, rest = href.partition(":")
        match scheme.lower():
            case "mailto":
                _add(found.emails, unquote(rest.partition("?")[0]), element, frame)
            case "tel" | "callto":
                _add(found.phones, unquote(rest.partition(";")[0]), element, frame)
            case _ if element.hasattr("data-cfemail") or "/cdn-cgi/l/email-protection" in href:
                code = element.getattr("data-cfemail") or href.rpartition("#")[2]
                _add(found.emails, _unprotected(code), element, frame)
            case _:
                target = absolute(href, url)
                if target and target.partition("#")[0] != url:
                    _page(found, target, element, frame)
    return found


def _page(found: PersonLinks, target: str, element: ElementNode, frame: _Frame) -> None:
    text = clean.line(element.text_content, 100)
    if _ELSEWHERE.match(target) or _VCARD.search(target) or _HOME.fullmatch(text):
        _add(found.pages, target, element, frame)
    elif (name := person_name(text)) and not frame.holds(element):
        found.others.append((name, target))


def _add(values: list[str], value: str, element: ElementNode, frame: _Frame) -> None:
    value = clean.line(value, _MAX_CHARS)
    if value and value not in values and not frame.holds(element):
        values.append(value)


def _unprotected(code: str) -> str:
    """The address in Cloudflare's code: bytes, each exclusive-or the first."""
    if not _CLOUDFLARE_HEX.fullmatch(code) or len(code) % 2:
        return ""
    key, *rest = bytes.fromhex(code)
    return bytes(byte ^ key for byte in rest).decode("utf-8", "replace")
