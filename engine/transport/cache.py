"""The cache of pages: what the fetcher relies on, and a fake of it in memory. :mod:`.cache_disk` is the real one.

An entry is an answer (:class:`engine.policy.freshness.Stored`), its decoded body, and the fields of the row that was
made of it under some settings. Which answers may be kept, and whether one is fresh, is engine.policy.freshness's to
say; here they are kept and found, by URL, by what Vary names, and for the row's fields by the settings they depend on.

The law: a cache may forget anything at any time, and nobody is told. So nothing here ever fails a page: what cannot be
read is a miss, what cannot be written is dropped.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from engine.errors import UsageError
from engine.policy.freshness import variant_key, vary_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.policy.freshness import Fields, Stored

_FOLDER_NAME: Final = "enrich-engine"


@dataclass(frozen=True, slots=True)
class Found:
    """An entry: its number, the answer, and its body's length in bytes.

    `row_fields` is what was kept with :meth:`PageCache.store_row_fields` under the settings asked for, else None.
    """

    entry: int
    stored: Stored
    body_bytes: int
    row_fields: bytes | None = None


class PageCache(Protocol):
    """One process's use of a cache. URLs are normalised ones; request fields are those sent but for the conditions."""

    def lookup(self, url: str, request: Fields, settings: str) -> Found | None:
        """The newest answer that fits the request (RFC 9111, section 4.1), fresh or not; None where there is none."""

    def body(self, found: Found) -> bytes | None:
        """Read a found answer's body; None where it has gone."""

    def store(self, url: str, request: Fields, stored: Stored, body: bytes) -> int:
        """Keep an answer in place of an older one to such requests; gives the entry's number."""

    def store_row_fields(self, entry: int, settings: str, row_fields: bytes) -> None:
        """Keep what was made of an entry's body under `settings` (a hash of them), in place of what others made."""

    def refresh(self, url: str, request: Fields, found: Found, stored: Stored) -> None:
        """Note that a 304 has updated the answer; body and row fields stay."""

    def forget(self, url: str) -> None:
        """Drop a URL's answers: a newer one came that may not be kept."""

    def flush(self) -> None:
        """Write what is only in memory. Called about as often as rows are committed; a kill loses what came since."""

    def close(self) -> None:
        """Flush and close. Any number of times."""


class MemoryCache:
    """Implements :class:`PageCache`, without bounds and for one process: for tests."""

    def __init__(self) -> None:
        self._entries: dict[int, tuple[str, bytes, Found, bytes]] = {}
        self._row_fields: dict[int, tuple[str, bytes]] = {}
        self._numbers = count(1)

    def lookup(self, url: str, request: Fields, settings: str) -> Found | None:
        """See PageCache."""
        fitting = [
            found
            for kept_url, variant, found, _ in self._entries.values()
            if kept_url == url and variant == variant_of(found.stored, request)
        ]
        if not fitting:
            return None
        found = max(fitting, key=lambda each: each.stored.received_at)
        made_under, row_fields = self._row_fields.get(found.entry, ("", b""))
        return replace(found, row_fields=row_fields) if made_under == settings else found

    def body(self, found: Found) -> bytes | None:
        """See PageCache."""
        entry = self._entries.get(found.entry)
        return None if entry is None else entry[3]

    def store(self, url: str, request: Fields, stored: Stored, body: bytes) -> int:
        """See PageCache."""
        variant = variant_of(stored, request)
        self._drop(lambda kept_url, kept_variant: kept_url == url and kept_variant == variant)
        entry = next(self._numbers)
        self._entries[entry] = (url, variant, Found(entry, stored, len(body)), body)
        return entry

    def store_row_fields(self, entry: int, settings: str, row_fields: bytes) -> None:
        """See PageCache."""
        if entry in self._entries:
            self._row_fields[entry] = (settings, row_fields)

    def refresh(self, url: str, request: Fields, found: Found, stored: Stored) -> None:
        """See PageCache."""
        if found.entry in self._entries:
            _, _, old, body = self._entries[found.entry]
            self._entries[found.entry] = (url, variant_of(stored, request), replace(old, stored=stored), body)

    def forget(self, url: str) -> None:
        """See PageCache."""
        self._drop(lambda kept_url, _: kept_url == url)

    def flush(self) -> None:
        """See PageCache."""

    def close(self) -> None:
        """See PageCache."""

    def _drop(self, fits: Callable[[str, bytes], bool]) -> None:
        for entry in [number for number, (url, variant, *_) in self._entries.items() if fits(url, variant)]:
            del self._entries[entry]
            self._row_fields.pop(entry, None)


def variant_of(stored: Stored, request: Fields) -> bytes:
    """What a request must share with the one that an answer was given to, for that answer to fit it."""
    return variant_key(vary_names(stored.fields), request)


def default_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """The user's cache folder for us: XDG Base Directory Specification, on macOS the system's own place.

    Raises UsageError where nothing tells the user's home.
    """
    base = environ.get("XDG_CACHE_HOME", "")
    if base and Path(base).is_absolute():  # the specification: a relative one is to be ignored
        return Path(base) / _FOLDER_NAME
    home = environ.get("HOME", "")
    if not home or not Path(home).is_absolute():
        raise UsageError("cache.dir: neither XDG_CACHE_HOME nor HOME tells the cache folder; set cache.dir")
    return Path(home) / ("Library/Caches" if platform == "darwin" else ".cache") / _FOLDER_NAME
