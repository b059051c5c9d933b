"""Records from CSV (RFC 4180) and TSV files with a header, by Python's csv module.

A record's ordinal is the number of the line it begins on, which an editor shows, also where a quoted field spans lines.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, ClassVar, Final

from engine.errors import UsageError
from engine.sources.record import Record, Records, broken, priority_of, whole
from engine.sources.streams import MAX_RECORD_CHARS, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.sources.source import Source

#: Fields of a row beyond its header are kept under this name, as a list.
EXTRA_FIELDS: Final = "_extra"


class CsvRecords(Records):
    """A row a record; the column of URLs is named by the header. Blank lines are skipped."""

    dialect: ClassVar[type[csv.Dialect]] = csv.excel

    def __iter__(self) -> Iterator[Record]:
        """Give the rows; one that cannot be read, or has no URL, is a broken record."""
        rows = Rows(self.source, self.dialect)
        self.require_url_column(rows.names)
        layout = _Layout(rows.names, self.settings.url_column, self.settings.priority_column)
        for number, row, head in rows:
            if number <= self.after:
                continue
            self.last = number
            if not head.isspace():
                yield layout.record(number, row or [], head)
        self.last = max(self.last, rows.lines_read)


class TsvRecords(CsvRecords):
    """The same with tabs."""

    dialect = csv.excel_tab


class _Layout:
    """Where a file's columns are; of columns with one name, the first."""

    def __init__(self, names: list[str], url_column: str, priority_column: str) -> None:
        self._width = len(names)
        self._url_at = names.index(url_column)
        self._priority_at = names.index(priority_column) if priority_column in names else None
        self._others = [
            (at, name)
            for at, name in enumerate(names)
            if at not in {self._url_at, self._priority_at} and names.index(name) == at
        ]

    def record(self, number: int, row: list[str], head: str) -> Record:
        have = len(row)
        url = row[self._url_at].strip() if self._url_at < have else ""
        if not url or "\n" in url or "\r" in url:  # no URL has a line end in it: a quote before it was not closed
            return broken(number, head)
        columns: dict[str, Any] = {name: row[at] for at, name in self._others if at < have}
        if have > self._width:
            columns[EXTRA_FIELDS] = row[self._width :]
        priority_at = self._priority_at
        priority = priority_of(row[priority_at]) if priority_at is not None and priority_at < have else 0
        return whole(number, url, priority, columns)


class Rows:
    """A file's columns by their `names`, and its rows; iterate once. UsageError where it has no header."""

    def __init__(self, source: Source, dialect: type[csv.Dialect]) -> None:
        # The csv module's bound on a field is one for the whole process; it is only ever raised, to that of a row.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_CHARS))
        self._feed = _Feed(source)
        self._reader = csv.reader(self._feed, dialect)
        try:
            self.names = [name.strip() for name in next(self._reader, [])]
        except csv.Error as error:
            name = source.name
            raise UsageError(f"{name!r} has no header ({error}): its first line must name the columns") from error
        self._feed.finish_row()

    @property
    def lines_read(self) -> int:
        """How many lines of the file were read."""
        return self._feed.number

    def __iter__(self) -> Iterator[tuple[int, list[str] | None, str]]:
        """Give each row, None for one that cannot be read, between the number of its first line and that line."""
        while True:
            row: list[str] | None
            try:
                row = next(self._reader)
            except StopIteration:
                return
            except csv.Error:
                row = None
            number, head = self._feed.finish_row()
            yield number, row, head


class _Feed:
    """The lines that csv.reader asks for, which would gather a row without end where a quote is never closed."""

    def __init__(self, source: Source) -> None:
        self._lines = lines(source)
        self._first_line = 1
        self._chars = 0
        self._head = ""
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if not self._chars:
            self._head = line
        self._chars += len(line)
        if self._chars > MAX_RECORD_CHARS:
            raise csv.Error("a row too long, or a quote never closed")
        return line

    def finish_row(self) -> tuple[int, str]:
        """Forget the row that was read; give the number of its first line, and that line."""
        row = self._first_line, self._head
        self._first_line, self._chars, self._head = self.number + 1, 0, ""
        return row
