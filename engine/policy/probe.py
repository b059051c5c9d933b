"""How a URL is validated: HEAD first, and what is asked next where that does not settle it.

Many servers refuse HEAD, or answer it otherwise than GET (a 404 for a page that is there, no media type). So the word
of HEAD is taken only where it says that all is well; anything else is asked again by a GET for the first bytes (RFC
9110, section 14.2), and by a whole GET that is broken off where the server does not know ranges.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from engine.model.outcome import FailureKind


class Method(StrEnum):
    """The row's `validation_method`."""

    HEAD = "HEAD"
    RANGE = "GET (range)"
    GET = "GET"


_OK: Final = range(200, 300)
_REDIRECT: Final = range(300, 400)
_RANGE_NOT_SATISFIABLE: Final = 416
#: These are about us and now, and would be said to a GET as well.
_NOT_NOW: Final = frozenset({429, 503})

#: How a server that does not expect HEAD may fail below HTTP. What keeps it from being reached fails a GET as well.
_BROKEN_BY_HEAD: Final = frozenset({
    FailureKind.CONNECTION_LOST, FailureKind.BAD_RESPONSE, FailureKind.READ_TIMEOUT, FailureKind.TOTAL_TIMEOUT,
    FailureKind.DECODE_FAILED,
})  # fmt: skip


def after_answer(method: Method, status: int, content_type: str) -> Method | None:
    """What to ask after an answer; None where it settles the matter."""
    match method:
        case Method.HEAD:
            told = status in _OK and bool(content_type.strip())
            return None if told or status in _REDIRECT or status in _NOT_NOW else Method.RANGE
        case Method.RANGE if status == _RANGE_NOT_SATISFIABLE:  # an empty page has no first byte
            return Method.GET
        case _:
            return None


def after_failure(method: Method, kind: FailureKind) -> Method | None:
    """What to ask after a request that failed below HTTP; None where that settles the matter."""
    if method is Method.HEAD and kind in _BROKEN_BY_HEAD:
        return Method.RANGE
    # The first bytes of a compressed form, sent although none was asked for.
    return Method.GET if method is Method.RANGE and kind is FailureKind.DECODE_FAILED else None


def total_length(status: int, content_length: str, content_range: str) -> int | None:
    """The length of the whole in bytes, as an answer's headers tell it; None where they do not."""
    if status == 206:  # noqa: PLR2004 - Partial Content
        _, slash, total = content_range.strip().partition("/")
        return int(total) if slash and total.isascii() and total.isdecimal() else None
    length = content_length.strip()
    return int(length) if length.isascii() and length.isdecimal() else None
