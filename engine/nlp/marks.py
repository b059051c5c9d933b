"""What an element says of its place on the page, by its own name and the words of its class, id and role.

Words that page authors use for the same part of a page are one mark; an element has the marks of all elements around
it. What a mark is worth is not decided here (:mod:`engine.nlp.weights`).
"""

from __future__ import annotations

from functools import lru_cache
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

#: Elements that a browser shows only where it cannot show what they are for, or when asked.
_UNSEEN: Final = ("audio", "canvas", "dialog", "noembed", "noframes", "object", "template", "textarea", "video")
_BY_TAG: Final = {
    "header": BIT["in_header"],
    "article": BIT["in_article"],
    "noscript": UNSCRIPTED,
    **dict.fromkeys(_UNSEEN, HIDDEN),
}

#: Attributes whose words are read, as the serializer writes them.
_READ: Final = (('class="', 7), (' id="', 5), ('role="', 6))
#: Longer ones hold styles and data, and are seldom met again.
_REMEMBERED_CHARS: Final = 200
_SPACED: Final = str.maketrans("-_", "  ")


def marks_of(tag: str, attributes: str) -> int:
    """The marks of one element, as bits; `attributes` as a serializer writes them."""
    return _known(tag, attributes) if len(attributes) <= _REMEMBERED_CHARS else _marks_of(tag, attributes)


def _marks_of(tag: str, attributes: str) -> int:
    marks = _BY_TAG.get(tag, 0)
    if not attributes or tag in {"body", "main"}:  # their classes tell of the page's state, or of nothing
        return marks
    for opening, length in _READ:
        start = attributes.find(opening)
        if start >= 0:
            start += length
            marks |= _marks_of_words(attributes[start : attributes.find('"', start)])
    if 'hidden=""' in attributes or ("display:" in attributes and "display:none" in attributes.replace(" ", "")):
        marks |= HIDDEN
    return marks


#: Sites use the same few hundred tags on all their pages.
_known: Final = lru_cache(maxsize=8192)(_marks_of)


@lru_cache(maxsize=8192)
def _marks_of_words(value: str) -> int:
    marks = 0
    for word in _KNOWN.intersection(value.lower().translate(_SPACED).split()):
        marks |= _BY_WORD[word]
    return marks
