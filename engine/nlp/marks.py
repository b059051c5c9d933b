"""What an element says of its place on the page, by its own name and the words of its class, id and role.

Words that page authors use for the same part of a page are one mark; an element has the marks of all elements around
it. What a mark is worth is not decided here (:mod:`engine.nlp.weights`).
"""

from __future__ import annotations

import re
from typing import Final

#: A mark's name, and the words that set it. Only whole words count: "site-nav" is navigation, "unavailable" is not.
WORDS: Final = {
    "navigation": (
        "nav navbar navigation menu menubar submenu megamenu mega subnav breadcrumb breadcrumbs flyout hamburger burger"
    ),
    "footer": "footer contentinfo copyright colophon legal privacy disclaimer",
    "sidebar": "sidebar complementary widget widgets aside rail",
    "consent": "cookie cookies consent gdpr onetrust ccpa",
    "popup": "popup modal overlay dialog popover drawer tooltip offcanvas",
    "share": "share sharing social socials follow facebook twitter pinterest",
    "sign_up": "newsletter subscribe subscription signup optin login register account signin sign",
    "related": (
        "related recommended recommendations recommend recommendation popular trending recent similar upsell upsells "
        "crosssell more"
    ),
    "controls": (
        "pagination pager prev previous toolbar topbar controls control toggle skip actions buttons button btn cta "
        "switcher tablist"
    ),
    "search": (
        "search searchform searchbar filter filters facets facet form input dropdown sort commentform respond fields"
    ),
    "banner": "header masthead banner logo branding tagline topnav utility",
    "advertisement": "advert advertisement ads ad adslot sponsor sponsored promo promotion announcement",
    "author": (
        "byline author authors authorname contributor writer bio avatar user username userinfo postprofile poster"
    ),
    "labels": "meta date published tags tag categories category taxonomy signature",
    "unseen": "sr visually screen offscreen collapsed noprint print mobile",
    "content": "content contents main maincontent",
    "prose": "prose rich markdown text rte wysiwyg editor body copy",
    "details": ("description details detail specs specifications overview faq features summary accordion tab tabpanel"),
    "discussion": ("message question answer reply comment comments thread topic bbcode postbody usertext replies"),
    "product": "product products price pricing card item items grid collection listing",
    "in_header": "",
    "in_article": "",
}
MARKS: Final = (*WORDS, "hidden", "unscripted")
BIT: Final = {mark: 1 << number for number, mark in enumerate(MARKS)}
CONSENT: Final = BIT["consent"]
HIDDEN: Final = BIT["hidden"]
UNSCRIPTED: Final = BIT["unscripted"]

_BY_WORD: Final = {word: BIT[mark] for mark, words in WORDS.items() for word in words.split()}
_KNOWN: Final = frozenset(_BY_WORD)

#: What an element's name says. A body's and a main element's classes tell of the page's state, or of nothing.
_BY_NAME: Final = {
    "header": BIT["in_header"],
    "article": BIT["in_article"],
    "noscript": UNSCRIPTED,
    "body": 0,
    "main": 0,
}
_CLASSLESS: Final = frozenset({"body", "main"})

#: The values of the attributes whose words are read.
_values: Final = re.compile(r"""\s(?:class|id|role)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE).findall
_QUOTED: Final = re.compile(r""""[^"]*"|'[^']*'""")
_HIDDEN: Final = re.compile(r"\shidden(?:[\s=/]|$)", re.IGNORECASE)
_SPACES: Final = ('"', "-", "_", "'")

#: Sites use the same few hundred tags on all their pages; longer ones hold styles and data, and are seldom met again.
_REMEMBERED: Final = 8192
_REMEMBERED_CHARS: Final = 200


class Marks(dict[str, int]):
    """The marks of an element, as bits, by its start tag without brackets.

    Found when they are asked for, and remembered: emptied when it is full, which costs a page or two what they cost.
    """

    def __missing__(self, tag: str) -> int:
        """The marks of a tag that was not met lately."""
        if len(self) >= _REMEMBERED:
            self.clear()
        marks = _marks_of(tag)
        if len(tag) <= _REMEMBERED_CHARS:
            self[tag] = marks
        return marks


def _marks_of(tag: str) -> int:
    name = tag.split(None, 1)[0].lower()
    marks = 0
    if name in _BY_NAME:
        marks = _BY_NAME[name]
        if name in _CLASSLESS:
            return marks
    if values := " ".join(_values(tag)).lower():
        for sign in _SPACES:  # str.translate would take three times as long
            values = values.replace(sign, " ")
        for word in _KNOWN.intersection(values.split()):
            marks |= _BY_WORD[word]
    return marks | HIDDEN if is_hidden(tag) else marks


def is_hidden(tag: str) -> bool:
    """Whether a browser does not show the element."""
    if "display:" in tag and "display:none" in tag.replace(" ", ""):
        return True
    return "hidden" in tag and _HIDDEN.search(_QUOTED.sub("", tag)) is not None


#: Those of a process.
MARKS_OF: Final = Marks()
