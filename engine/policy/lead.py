"""What may be paid for: whether a row is a lead at all, and which rows are the same one.

The law: a doubt is the user's to settle, not ours: only what is plainly no person (a category, a listing page, a name
without a letter) is left out, always with the reason. Two rows are one lead if they say the same who: by a profile
that only one person has, else by name together with what tells namesakes apart.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME_FIELDS: Final = ("name", "full_name", "fullname", "person", "person_name")
URL_FIELDS: Final = ("url", "profile_url", "website", "page", "link", "source_url")
_PROFILE_FIELDS: Final = ("linkedin", "linkedin_url", "orcid")
_APART_FIELDS: Final = ("email", *URL_FIELDS, "company", "organisation", "organization", "employer", "domain")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Headings of directory pages that scrapers take for names. A person may be called Page or Staff: only whole names, or
#: names that are made of such words alone, count.
_CATEGORY_WORDS: Final = _words(
    "about academic academics administration administrative adjunct advisory affiliated affiliates all alumni and "
    "associate associates assistant board by category categories centre center clinical committee contact core "
    "courtesy department departments directory division emerita emeriti emeritus executive faculty fellows former "
    "graduate group groups home honorary in index institute investigators lab labs leadership lecturers list "
    "listing management members memoriam meet news of office other our page past people personnel phd postdoc "
    "postdoctoral postdocs principal professor professors profile profiles programme program research researchers "
    "results scholars school scientists search senior staff students team the undergraduate university us view "
    "visiting"
)

#: Path segments that a listing ends in (a profile has a segment of its own behind them).
_LISTING_SEGMENTS: Final = _words(
    "people faculty staff directory team members category categories tag tags search index emeritus emeriti alumni "
    "students professors researchers listing list all departments department"
)
_LISTING_QUERY: Final = re.compile(r"(?:^|&)(?:page|paged|category|letter|search|q|s|filter)=", re.IGNORECASE)
_TITLES: Final = re.compile(r"\b(?:prof|professor|dr|mr|mrs|ms|sir|dame|phd|md|mba|msc)\b\.?", re.IGNORECASE)
_WORD: Final = re.compile(r"\w+")
_INDEX_FILE: Final = re.compile(r"^(?:index|default)\.\w+$")


def name_of(info: Mapping[str, Any]) -> str:
    """The name that a lead gives, whole or in parts; "" where it gives none."""
    for field in NAME_FIELDS:
        if isinstance(value := info.get(field), str) and value.strip():
            return value.strip()
    parts = [str(info[field]).strip() for field in ("first_name", "last_name") if info.get(field)]
    return " ".join(parts)


def no_person(info: Mapping[str, Any]) -> str | None:
    """Why a row is plainly no person; None: it may be one. Rows without name and URL are for `required` to judge."""
    if name := name_of(info):
        if not any(char.isalpha() for char in name):
            return f"the name {name[:80]!r} has no letter in it"
        if "@" in name or "://" in name:
            return f"the name {name[:80]!r} is an address, not a name"
        words = [word.casefold() for word in _WORD.findall(name)]
        if words and _CATEGORY_WORDS.issuperset(words):
            return f"{name[:80]!r} is the name of a category or a listing, not of a person"
        return None
    for field in URL_FIELDS:
        if isinstance(value := info.get(field), str) and is_listing(value):
            return f"{value[:200]!r} is a category or listing page, not a person's"
    return None


def is_listing(url: str) -> bool:
    """Whether a URL has the form of a listing or category page: by its last segment, or by a query that pages."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return False
    segments = [segment.casefold() for segment in parts.path.split("/") if segment]
    while segments and _INDEX_FILE.match(segments[-1]):
        segments.pop()
    if segments and (segments[-1] in _LISTING_SEGMENTS or "category" in segments or "tag" in segments):
        return True
    return bool(segments) and bool(_LISTING_QUERY.search(parts.query))


def identity(call: str, info: Mapping[str, Any]) -> bytes:
    """The 128-bit key that a lead is distinct by, for one call of a provider."""
    for field in _PROFILE_FIELDS:
        if value := info.get(field):
            return _key(call, field.removesuffix("_url"), _plain_url(str(value)))
    if name := name_of(info):
        bare = _TITLES.sub(" ", _plain(name))
        apart = next(((field, _plain_url(str(info[field]))) for field in _APART_FIELDS if info.get(field)), None)
        if apart is not None:
            return _key(call, " ".join(bare.split()), *apart)
    return _key(call, *(f"{field}={_plain(str(value))}" for field, value in sorted(info.items()) if value))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _plain_url(text: str) -> str:
    """A URL without scheme, www., query, fragment and last slash; any other text folded."""
    folded = _plain(text)
    if "://" in folded:
        folded = folded.partition("://")[2]
    return folded.removeprefix("www.").partition("#")[0].partition("?")[0].rstrip("/")


def _key(*parts: str) -> bytes:
    return blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()
