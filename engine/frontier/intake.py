"""A slice of ingest on its way into the task table, as columns: a loop over its rows costs as much as SQLite's part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.model.url import host_id, url_key

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

#: Columns that most lists have no use for: without them, since a NULL costs as much as a value.
_RARE: Final = frozenset({"band", "fetch_url", "auth", "input"})


@dataclass(frozen=True, slots=True)
class Inserted:
    """What a slice brought: how many tasks are new, its hosts by id, and each entry's host and band."""

    new: int
    names: dict[int, str]
    hosts: Sequence[int]
    bands: Sequence[int]

    def bands_of(self, hosts: AbstractSet[int]) -> dict[int, list[int]]:
        """The bands of these hosts' entries, one an entry."""
        found: dict[int, list[int]] = {}
        if hosts:
            for number, band in zip(self.hosts, self.bands, strict=True):
                if number in hosts:
                    found.setdefault(number, []).append(band)
        return found


NOTHING: Final = Inserted(0, {}, (), ())


def append(db: sqlite3.Connection, entries: Sequence[Any], first: int) -> Inserted:
    """Insert entries (see messages.TaskEntry), at least one, with sequence numbers from `first`; known keys are not."""
    where, priorities, urls, fetch_urls, names, auths, inputs = zip(*entries, strict=True)
    numbers = {name: host_id(name) for name in set(names)}
    hosts = [numbers[name] for name in names]
    bands: Sequence[int] = [-priority for priority in priorities] if any(priorities) else priorities
    columns: dict[str, Sequence[Any]] = {
        "n": range(first, first + len(entries)), "host": hosts, "key": _keys(names, urls, fetch_urls), "url": urls,
        "position": where, "band": bands, "fetch_url": fetch_urls, "auth": auths,
        "input": [text and bytearray(text, "utf-8") for text in inputs] if any(inputs) else inputs,
    }  # fmt: skip
    used = {name: column for name, column in columns.items() if name not in _RARE or any(column)}
    sql = f"INSERT OR IGNORE INTO task ({', '.join(used)}) VALUES ({', '.join('?' * len(used))})"  # noqa: S608 - constants
    before = db.total_changes
    db.executemany(sql, zip(*used.values(), strict=True))
    return Inserted(db.total_changes - before, {number: name for name, number in numbers.items()}, hosts, bands)


def _keys(names: Sequence[str], urls: Sequence[str], fetch_urls: Sequence[str | None]) -> list[bytearray]:
    """The keys that entries are distinct by; bytearrays, since for bytes sqlite3 looks for an adapter each time."""
    texts = [fetch_url or url for url, fetch_url in zip(urls, fetch_urls, strict=True)] if any(fetch_urls) else urls
    if not all(names):
        # A line that is no URL is distinct by its text; the prefix keeps it apart from any URL's key.
        lines = zip(names, texts, urls, strict=True)
        texts = [text if name else f"invalid:{url}" for name, text, url in lines]
    return [bytearray(url_key(text)) for text in texts]
