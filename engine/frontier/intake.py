"""A slice of ingest on its way into the task table, as columns: a loop over its rows costs as much as SQLite's part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.model.prints import KEY_BYTES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from engine.frontier.index import TaskIndex

#: A print (engine/model/prints.py): the host's digest read as its id.
_PRINT: Final = np.dtype([("key", f"S{KEY_BYTES}"), ("host", ">i8")])

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


def keys_and_hosts(prints: bytes | bytearray) -> tuple[bytes, list[int]]:
    """Give the keys in prints, one after another, and the hosts' ids."""
    made = np.frombuffer(prints, _PRINT)
    return made["key"].tobytes(), made["host"].tolist()


def append(db: sqlite3.Connection, index: TaskIndex, entries: Sequence[Any], prints: bytearray, first: int) -> Inserted:
    """Insert entries (see messages.TaskEntry), at least one, with sequence numbers from `first`; known keys are not."""
    keys, hosts = keys_and_hosts(prints)
    if known := index.known(keys):
        new = [at for at in range(len(entries)) if at not in known]
        if not new:
            return NOTHING
        entries = [entries[at] for at in new]
        keys, hosts = keys_and_hosts(np.frombuffer(prints, _PRINT)[new].tobytes())
    where, priorities, urls, fetch_urls, names, auths, inputs = zip(*entries, strict=True)
    bands: Sequence[int] = [-priority for priority in priorities] if any(priorities) else priorities
    columns: dict[str, Sequence[Any]] = {
        "n": range(first, first + len(entries)), "host": hosts, "url": urls, "position": where,
        "band": bands, "fetch_url": fetch_urls, "auth": auths,
        "input": [text and bytearray(text, "utf-8") for text in inputs] if any(inputs) else inputs,
    }  # fmt: skip
    used = {name: column for name, column in columns.items() if name not in _RARE or any(column)}
    sql = f"INSERT INTO task ({', '.join(used)}) VALUES ({', '.join('?' * len(used))})"  # noqa: S608 - constants
    db.executemany(sql, zip(*used.values(), strict=True))
    index.add(keys, hosts, bands, first)
    return Inserted(len(entries), dict(zip(hosts, names, strict=True)), hosts, bands)
