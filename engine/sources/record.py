"""One line or row of an input, as a reader gives it, and what all readers share.

A record is bounded in size, whatever the input holds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import UsageError
from engine.model.url import HIDDEN, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.settings.groups import InputSettings
    from engine.sources.plain import PlainLines
    from engine.sources.source import Source

#: Longer than any URL that servers take (8 KiB is their usual bound), short enough for a batch to stay small.
MAX_URL_CHARS: Final = 64 << 10

#: What is kept of a text that is no URL: enough to find its line again.
MAX_BROKEN_CHARS: Final = 2_000

MAX_PRIORITY: Final = 100

#: An error names at most so many columns, each cut to so many characters.
_MAX_NAMED_COLUMNS: Final = 20
_MAX_COLUMN_CHARS: Final = 40


class Record(NamedTuple):
    """One line or row. A tuple, since one is made for every line and a frozen dataclass costs three times more.

    `ordinal` counts lines from 1 (a record over several lines has its first one's), in Parquet files rows; `priority`
    is served higher first, within ±MAX_PRIORITY; `input` holds the other columns, JSON-able. `broken` marks a record
    that cannot be read, whose `url` is then its text, cut: it is no URL even where it looks like one.
    """

    ordinal: int
    url: str
    priority: int = 0
    input: dict[str, Any] | None = None
    broken: bool = False


def broken(ordinal: int, text: str) -> Record:
    """Make the record of a line that cannot be read: its text, cut, without what looks like a password."""
    # Credentials go before the cut, which could take away the "@" that shows them to be some.
    shown = without_credentials(text[: 2 * MAX_BROKEN_CHARS].strip())
    if len(shown) > MAX_BROKEN_CHARS:
        shown = shown[:MAX_BROKEN_CHARS] + HIDDEN
    return Record(ordinal, shown, broken=True)


def whole(ordinal: int, url: str, priority: int = 0, columns: dict[str, Any] | None = None) -> Record:
    """Make the record of a line that can be read; one whose URL is too long is broken."""
    if len(url) > MAX_URL_CHARS:
        return broken(ordinal, url)
    return Record(ordinal, url, priority, columns or None)


def priority_of(value: object) -> int:
    """Read a priority: an integer (or its digits), clamped; anything else is 0."""
    if not isinstance(value, int | float | str):
        return 0
    try:
        number = int(value)
    except (ValueError, OverflowError):  # no digits, or digits beyond Python's bound; NaN and infinities
        return 0
    return max(-MAX_PRIORITY, min(MAX_PRIORITY, number))


class Records(ABC):
    """The records of one input after an ordinal, in order; iterate once.

    `last` is the last ordinal passed so far, of a record or not: a cursor moves over comments and blank lines too.
    """

    def __init__(self, source: Source, settings: InputSettings, after_ordinal: int) -> None:
        self.source = source
        self.settings = settings
        self.after = after_ordinal
        self.last = after_ordinal

    @abstractmethod
    def __iter__(self) -> Iterator[Record]:
        """Read the input from its start; UsageError where it is unfit, after the records before the fault."""

    def pieces(self) -> Iterator[Record | PlainLines]:
        """Read the same, in larger pieces where the input allows it."""
        return iter(self)

    def require_url_column(self, columns: Sequence[str]) -> None:
        """Refuse an input without its column of URLs, naming those that it has."""
        wanted = self.settings.url_column
        if wanted in columns:
            return
        shown = ", ".join(repr(column[:_MAX_COLUMN_CHARS]) for column in columns[:_MAX_NAMED_COLUMNS])
        more = ", …" if len(columns) > _MAX_NAMED_COLUMNS else ""
        has = f"it has {shown}{more}: choose one with --url-column" if columns else "it is empty"
        raise UsageError(f"{self.source.name!r} has no column {wanted!r}; {has}")
