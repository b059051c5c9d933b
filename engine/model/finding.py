"""How a URL of the discovery stage was found: what its task carries from the page that named it to its own row.

A task's `input` holds the other columns of an input row, an object. A found URL has no such row, and holds its finding
there as an array: so the two are told apart, and a finding is stored, and sent between processes, as any input is.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple


class Source(StrEnum):
    """What named a URL: the row's `discovery_source`."""

    SEED = "seed"
    ROBOTS = "robots"  # a Sitemap line of robots.txt
    SITEMAP = "sitemap"
    FEED = "feed"
    LINK = "link"
    CANONICAL = "canonical"
    REDIRECT = "redirect"


class Role(StrEnum):
    """What a URL turned out to be, or is taken for until then."""

    PAGE = "page"
    SITEMAP = "sitemap"
    FEED = "feed"
    FILE = "file"  # of any other type: nothing is looked for in it


class Finding(NamedTuple):
    """`source_url` named it; `seed` is the URL of the input that the chain of finds began at.

    `expected` is the role that whoever named it gave it. `first_seen` is in milliseconds since the epoch. `note` is
    what a sitemap or a feed says of it (lastmod, a news title).
    """

    depth: int
    source: Source
    expected: Role
    source_url: str
    seed: str
    first_seen: int
    note: dict[str, Any] | None = None


_FIELDS: Final = len(Finding._fields)


def finding_of(columns: Any) -> Finding | None:  # noqa: ANN401 - a task's input, decoded
    """Read a task's decoded input; None for a seed, whose input is an object or nothing."""
    if not isinstance(columns, list) or len(columns) != _FIELDS:
        return None
    depth, source, expected, *rest = columns
    return Finding(depth, Source(source), Role(expected), *rest)
