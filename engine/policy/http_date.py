"""HTTP dates (RFC 9110, section 5.6.7), read as strictly as caching wants them.

The law: all three forms, in any case, in GMT and nothing else (RFC 9111, section 4.2: letters are matched without
regard to case, another zone makes a date invalid, and local time must have no say). What is not a date is None; what
that means is the caller's to say, since for an Expires it is "long ago" and for a Last-Modified "not told".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_DAY: Final = "(?:mon|tue|wed|thu|fri|sat|sun)"
_LONG_DAY: Final = "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"
_TIME: Final = r"(\d\d):(\d\d):(\d\d)"
_MONTH: Final = "([a-z]{3})"
_IMF_FIXDATE: Final = re.compile(rf"{_DAY}, (\d\d) {_MONTH} (\d{{4}}) {_TIME} gmt", re.ASCII)
_RFC850: Final = re.compile(rf"{_LONG_DAY}, (\d\d)-{_MONTH}-(\d\d) {_TIME} gmt", re.ASCII)
_ASCTIME: Final = re.compile(rf"{_DAY} {_MONTH} ([ \d]\d) {_TIME} (\d{{4}})", re.ASCII)

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}

#: "Wednesday, 09-Nov-94 08:49:37 GMT", the longest form.
_MAX_CHARS: Final = 33

#: A year of two digits that seems further ahead than this is the last one that ended so.
_MAX_YEARS_AHEAD: Final = 50

_LEAP_SECOND: Final = 60


def parse_http_date(text: str, now: float) -> float | None:
    """Seconds since 1970 that an HTTP date names, None where it is none. `now`, likewise, dates two-digit years."""
    value = text.strip(" \t").lower()
    if len(value) > _MAX_CHARS:
        return None
    if found := _IMF_FIXDATE.fullmatch(value):
        day, month, year, *clock = found.groups()
        return _seconds(int(year), month, day, clock)
    if found := _ASCTIME.fullmatch(value):
        month, day, *clock, year = found.groups()
        return _seconds(int(year), month, day, clock)
    if found := _RFC850.fullmatch(value):
        day, month, year, *clock = found.groups()
        this_year = datetime.fromtimestamp(now, UTC).year
        full_year = this_year - this_year % 100 + int(year)
        if full_year > this_year + _MAX_YEARS_AHEAD:
            full_year -= 100
        return _seconds(full_year, month, day, clock)
    return None


def format_http_date(seconds: float) -> str:
    """The preferred form of a moment in seconds since 1970, whatever the process's locale; fractions are cut off."""
    moment = datetime.fromtimestamp(int(seconds), UTC)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    month = next(name for name, number in _MONTHS.items() if number == moment.month).capitalize()
    return f"{day}, {moment.day:02d} {month} {moment.year:04d} {moment:%H:%M:%S} GMT"


def _seconds(year: int, month: str, day: str, clock: list[str]) -> float | None:
    hour, minute, second = map(int, clock)
    leap = second == _LEAP_SECOND
    try:
        moment = datetime(year, _MONTHS[month], int(day), hour, minute, second - leap, tzinfo=UTC)
    except (KeyError, ValueError):  # no such month, or no such day in it
        return None
    return moment.timestamp() + leap
