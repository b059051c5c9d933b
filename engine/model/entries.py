"""Tasks on their way into a frontier, as columns: half a million rows would cost more than what is done with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.model.prints import PRINT_BYTES, key_of
from engine.model.url import host_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.model.messages import TaskEntry


@dataclass(slots=True)
class Entries:
    """The columns of :data:`engine.model.messages.TaskEntry`, and the entries' prints one after another."""

    positions: list[int] = field(default_factory=list)
    priorities: list[int] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    fetch_urls: list[str | None] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    auths: list[str | None] = field(default_factory=list)
    inputs: list[str | None] = field(default_factory=list)
    prints: bytearray = field(default_factory=bytearray)

    @classmethod
    def of(cls, rows: Iterable[TaskEntry]) -> Entries:
        """Entries from rows; their prints are made."""
        found = cls()
        digests: dict[str, bytes] = {}  # the links of a page are of few hosts
        for row in rows:
            text, host = str(row[3] or row[2]), str(row[4])
            if host not in digests:
                digests[host] = host_digest(host)
            found.append(row, key_of(text, host) + digests[host])
        return found

    @classmethod
    def from_columns(cls, columns: Sequence[list[Any]], prints: bytearray) -> Entries:
        """Entries of what :attr:`columns` gives."""
        positions, priorities, urls, fetch_urls, hosts, auths, inputs = columns
        return cls(positions, priorities, urls, fetch_urls, hosts, auths, inputs, prints)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def columns(self) -> tuple[list[Any], ...]:
        """All but the prints, in the order of a row."""
        return (
            self.positions, self.priorities, self.urls, self.fetch_urls, self.hosts, self.auths, self.inputs
        )  # fmt: skip

    def append(self, row: Sequence[Any], made: bytes) -> None:
        """Add one, and its print."""
        for column, value in zip(self.columns, row, strict=True):
            column.append(value)
        self.prints += made

    def extend(self, other: Entries) -> None:
        """Add others behind these."""
        for column, more in zip(self.columns, other.columns, strict=True):
            column.extend(more)
        self.prints += other.prints

    def rows(self) -> list[TaskEntry]:
        """Each by itself."""
        return [list(row) for row in zip(*self.columns, strict=True)]

    def some(self, start: int, end: int) -> Entries:
        """Those from `start` up to `end`."""
        prints = self.prints[start * PRINT_BYTES : end * PRINT_BYTES]
        return Entries.from_columns([column[start:end] for column in self.columns], prints)

    def only(self, places: Sequence[int]) -> Entries:
        """Those at these places."""
        prints = (self.prints[at * PRINT_BYTES : (at + 1) * PRINT_BYTES] for at in places)
        return Entries.from_columns(
            [[column[at] for at in places] for column in self.columns], bytearray().join(prints)
        )
