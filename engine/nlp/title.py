"""The title of a page: what its author would call it, without the site's name.

The first heading is the author's own words, but a page may have several, or one that is the site's; og:title, the title
element and the JSON-LD headline are written for others and tell which heading it is. Measured on 300 pages: h1 alone
equals the truth on 63 %, og:title on 40 %, the title element on 18 %.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from engine.nlp import clean

if TYPE_CHECKING:
    from engine.nlp.facts import Facts
    from engine.nlp.jsonld import JsonLd

#: What sites put between a page's title and their name; a hyphen only with spaces around it.
_SEPARATOR: Final = re.compile(r"\s+[|\u2013\u2014\u2022\u00b7\u00bb\u00ab:>/-]+\s+|\s*[|\u00bb\u00ab]\s*")
_WORD: Final = re.compile(r"\w+")

#: Shares of the words of a heading and a reference that are in both: of several headings one with so many is the title,
#: a lone heading with a few. One with fewer is a slogan, a section or a form.
_AGREEMENT: Final = 0.5
_CONTACT: Final = 0.2

#: What documentation tools put behind a heading.
_PERMALINK: Final = "\u00b6# "

#: What is cut off with the site's name may be a section too, but a title keeps at least this much.
_SHORTEST_CHARS: Final = 4


def page_title(facts: Facts, json_ld: JsonLd, site_name: str) -> str:
    """The page's title on one line; "" where the page has none."""
    site = _fold(site_name)
    statements = (
        facts.meta.get("og:title", ""),
        json_ld.value("headline"),
        facts.meta.get("twitter:title", ""),
        facts.titles[0] if facts.titles else "",
    )
    # A template that was given no title leaves what it puts behind it.
    given = (text for statement in statements if (text := clean.text(statement)) and not _SEPARATOR.match(f" {text}"))
    whole = list(dict.fromkeys(given))
    headings = [heading.rstrip(_PERMALINK) for heading in facts.headings]
    references = [without_site(text, site_name, whole, headings) for text in whole]
    headings = [text for text in headings if _fold(text) != site and not _is_tail(text, whole)]
    best, agreement = _agreeing(headings, references)
    if agreement > _AGREEMENT or (len(headings) == 1 and agreement > _CONTACT) or (headings and not references):
        return _without_label(best, references) or headings[0]
    return next((text for text in references if _fold(text) != site), references[0] if references else "")


def without_site(title: str, site_name: str, others: list[str], headings: list[str]) -> str:
    """`title` less the parts at either end that name the site.

    Those are its known name, or what another statement of the title (`others`, or one of the page's `headings` at its
    start) does not have; where neither tells, the last part, if it is the shorter one.
    """
    parts = _SEPARATOR.split(title)
    if len(parts) == 1:
        return title
    folded = _fold(title)
    site = _fold(site_name)
    for other in (*headings, *others):
        if len(other) >= _SHORTEST_CHARS and other != title and _fold(other) != site:
            part = _fold(other)
            if folded.startswith(part) or (other in others and folded.endswith(part)):
                return other
    separators = list(_SEPARATOR.finditer(title))
    if site and _fold(parts[0]) == site:
        return title[separators[0].end() :]
    last = separators[-1]
    if len(separators) > 1 and len({found.group() for found in separators}) == 1:
        # "A question - its board - the site": the question is the longest.
        lengths = list(map(len, parts))
        last = separators[0] if lengths[0] > sum(lengths[1:]) / 2 and lengths[0] == max(lengths) else last
    kept = title[: last.start()]
    is_site = (site and _fold(parts[-1]) == site) or "|" in last.group()
    return kept if len(kept) >= _SHORTEST_CHARS and (is_site or len(parts[-1]) < len(kept)) else title


def _without_label(heading: str, references: list[str]) -> str:
    """`heading` less what kind of page it is ("Thread: …"), where a reference has it without."""
    label, colon, rest = heading.partition(": ")
    return rest if colon and " " not in label and rest in references else heading


def _is_tail(heading: str, titles: list[str]) -> bool:
    """Whether a heading is the end of a title of several parts: then it is the site's, or the book's or the board's."""
    return any(
        len(parts := _SEPARATOR.split(title)) > 1 and _fold(parts[-1]).startswith(_fold(heading)) for title in titles
    )


def _agreeing(headings: list[str], references: list[str]) -> tuple[str, float]:
    """The heading that shares most of its words with a reference, the earlier of equal ones; and that share."""
    best, best_score = "", 0.0
    for heading in headings:
        words = set(_words(heading))
        for reference in references:
            others = set(_words(reference))
            if words and others:
                score = len(words & others) / len(words | others)
                if score > best_score:
                    best, best_score = heading, score
    return best, best_score


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _fold(text: str) -> str:
    return " ".join(_words(text))
