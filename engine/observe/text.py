"""Making text from outside fit to be shown: no secrets, no control characters, bounded length.

A URL or a page can hold anything, a terminal's escape sequences included; a log line has to stay one line.
"""

from __future__ import annotations

import re
from typing import Final

#: The userinfo of a URL (RFC 3986, section 3.2.1): between "//" and the last "@" before the path, query or fragment.
#: A "\\" is a "/" to browsers, which also take spaces in a password (WHATWG URL Standard). One class, greedy, and no
#: two starts share a character: linear in the text's length.
_USERINFO: Final = re.compile(r"(?<=://)[^/\\?#\"'<>\n]*@")

#: C0 and C1 control characters, those that reorder or break lines (Unicode's bidirectional controls, line and paragraph
#: separators), and lone surrogates, which no encoder takes.
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

REDACTED: Final = "<redacted>"


def redact(text: str) -> str:
    """Replace user and password of every URL in `text`."""
    return _USERINFO.sub(REDACTED + "@", text) if "@" in text else text


def printable(text: str) -> str:
    """Show control characters as escapes, so that `text` is one line that no terminal obeys."""
    return _CONTROLS.sub(lambda found: ascii(found.group())[1:-1], text)


def clip(text: str, max_chars: int) -> str:
    """Cut `text` to `max_chars` characters, the last one "…" where something is left out."""
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def shown(text: str, max_chars: int) -> str:
    """Text from outside as it may be shown: redacted, printable, clipped."""
    # Redacted as a whole, or a cut could part a password from the "@" behind it; escapes only make text longer.
    return clip(printable(redact(text)[: max_chars + 1]), max_chars)


def duration(seconds: float) -> str:
    """Write a duration for people: 0.8s, 42s, 3m 20s, 2h 05m, 3d 4h."""
    if seconds < 10:  # noqa: PLR2004 - below it, tenths matter
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest}s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes}m {rest:02}s"
    days, hours = divmod(hours, 24)
    return f"{days}d {hours}h" if days else f"{hours}h {minutes:02}m"
