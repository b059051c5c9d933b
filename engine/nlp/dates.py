"""Dates as pages write them, to RFC 3339: a date, or a date and time with its offset.

A time without an offset is cut to its date, since RFC 3339 has no way to say "local time". A date that may be read in
two ways (03/04/2021) is no date. Nothing here reads a clock.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Final

#: Before the web, a page's date is the date of something else; the upper bound refuses numbers that are no years.
_FIRST_YEAR: Final = 1990
_LAST_YEAR: Final = 2099

_LONGEST: Final = 64

_ISO: Final = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ]\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)?)?",
    re.IGNORECASE,
)
_COMPACT: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T\d{4,6}Z?)?$")
_NUMERIC: Final = re.compile(r"(\d{4})[/.](\d\d?)[/.](\d\d?)\b|(\d\d?)([/.-])(\d\d?)\5(\d{4})\b")
_MONTH_NAMES: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_MONTH: Final = rf"({'|'.join(_MONTH_NAMES)})[a-z]*\.?"
_WORDS: Final = re.compile(
    rf"\b{_MONTH}\s+(\d\d?)(?:st|nd|rd|th)?,?\s+(\d{{4}})\b|\b(\d\d?)(?:st|nd|rd|th)?[\s-]+{_MONTH},?[\s-]+(\d{{4}})\b",
    re.IGNORECASE,
)
_ISO_WITHIN: Final = re.compile(r"(?<![\d-])(\d{4})-(\d\d)-(\d\d)(?![\d-])")
_IN_URL: Final = re.compile(r"/((?:19|20)\d\d)[/-]([01]?\d)[/-]([0-3]?\d)(?=[/-])")


def to_rfc3339(text: str) -> str | None:
    """The date, or date and time, that `text` starts with or says; None where it says none surely."""
    text = " ".join(text[:_LONGEST].split())
    if found := _ISO.match(text):
        return _from_iso(found)
    if found := _COMPACT.match(text):
        return _date(*found.groups())
    if "," in text[:5] and (moment := _from_mail(text)):
        return moment
    if found := _WORDS.search(text):
        month, day, year, day_first, month_second, year_last = found.groups()
        name = (month or month_second).lower()
        return _date(year or year_last, _MONTHS[name], day or day_first)
    if found := _NUMERIC.search(text):
        return _from_numbers(found)
    found = _ISO_WITHIN.search(text)
    return _date(*found.groups()) if found else None


def from_url(url: str) -> str | None:
    """The date that a URL's path names (/2021/09/08/), or None."""
    found = _IN_URL.search(url)
    return _date(*found.groups()) if found else None


def as_shown(stated: str | None, shown: str | None) -> str | None:
    """`stated`, unless it is of the day before or after the one that a page shows to its readers; either may be None.

    Machines are told the moment in UTC, readers the day where the site is, and only that is a day that somebody wrote.
    """
    if stated is None or shown is None:
        return stated or shown
    days = [date.fromisoformat(moment[:10]) for moment in (stated, shown)]
    is_local = stated[10:] and not stated.endswith(("Z", "+00:00"))
    return shown if not is_local and abs((days[0] - days[1]).days) == 1 else stated


def _from_iso(found: re.Match[str]) -> str | None:
    year, month, day, hour, minute, second, offset = found.groups()
    day_only = _date(year, month, day)
    if day_only is None or hour is None or offset is None:
        return day_only
    if offset.upper() in {"Z", "UTC", "GMT"}:
        zone = "Z"
    else:
        digits = offset[1:].replace(":", "").ljust(4, "0")
        zone = f"{offset[0]}{digits[:2]}:{digits[2:]}"
    moment = f"{day_only}T{hour:0>2}:{minute}:{second or '00'}{zone}"
    try:
        datetime.fromisoformat(moment)
    except ValueError:
        return day_only
    return moment


def _from_mail(text: str) -> str | None:
    """A date as mail and HTTP write it (RFC 5322, section 3.3)."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return _date(moment.year, moment.month, moment.day)
    return moment.isoformat().replace("+00:00", "Z") if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


def _from_numbers(found: re.Match[str]) -> str | None:
    year, month, day, first, separator, second, last_year = found.groups()
    if year:
        return _date(year, month, day)
    if separator == ".":  # only written with the day first
        return _date(last_year, second, first)
    if int(first) > 12:  # noqa: PLR2004 - a month
        return _date(last_year, second, first)
    if int(second) > 12 or first == second:  # noqa: PLR2004 - likewise
        return _date(last_year, first, second)
    return None


def _date(year: str | int, month: str | int, day: str | int) -> str | None:
    if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        return None
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None
