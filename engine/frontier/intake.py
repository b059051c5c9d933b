"""A slice of ingest on its way into the task table, as columns: a loop over its rows costs as much as SQLite's part."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.model.prints import KEY_BYTES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from engine.frontier.index import TaskIndex
    from engine.model.entries import Entries

#: A print (engine/model/prints.py): the host's digest read as its id.
_PRINT: Final = np.dtype([("key", f"S{KEY_BYTES}"), ("host", ">i8")])

#: Tasks that one statement inserts: beginning one costs as much as the work for a row. SQLite's builds bear 999 values.
ROWS_A_STATEMENT: Final = 50

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


def append(db: sqlite3.Connection, index: TaskIndex, entries: Entries, first: int) -> Inserted:
    """Insert entries, with sequence numbers from `first`; known keys are not."""
    keys, hosts = keys_and_hosts(entries.prints)
    if known := index.known(keys):
        entries = entries.only([at for at in range(len(entries)) if at not in known])
        keys, hosts = keys_and_hosts(entries.prints)
    if not entries:
        return NOTHING
    priorities, inputs = entries.priorities, entries.inputs
    bands = [-priority for priority in priorities] if any(priorities) else priorities
    columns: dict[str, Sequence[Any]] = {
        "n": range(first, first + len(entries)), "host": hosts, "url": entries.urls, "position": entries.positions,
        "band": bands, "fetch_url": entries.fetch_urls, "auth": entries.auths,
        "input": [text and bytearray(text, "utf-8") for text in inputs] if any(inputs) else inputs,
    }  # fmt: skip
    used = {name: column for name, column in columns.items() if name not in _RARE or any(column)}
    _write(db, list(used), list(chain.from_iterable(zip(*used.values(), strict=True))))
    index.add(keys, hosts, bands, first)
    return Inserted(len(entries), dict(zip(hosts, entries.hosts, strict=True)), hosts, bands)


def _write(db: sqlite3.Connection, names: list[str], values: list[Any]) -> None:
    """Insert rows, their values one after another."""
    row = f"({', '.join('?' * len(names))})"
    some = ROWS_A_STATEMENT * len(names)
    whole = len(values) - len(values) % some
    sql = f"INSERT INTO task ({', '.join(names)}) VALUES "  # noqa: S608 - constants
    db.executemany(sql + ", ".join([row] * ROWS_A_STATEMENT), [values[at : at + some] for at in range(0, whole, some)])
    db.executemany(sql + row, [values[at : at + len(names)] for at in range(whole, len(values), len(names))])
