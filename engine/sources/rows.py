"""Rows with columns, whatever the columns are: the inputs of what is no list of URLs.

The same files, bounds and refusals as for URLs (:mod:`.readers`), without a column that must be there.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.errors import UsageError
from engine.settings.groups import InputSettings
from engine.sources.delimited import EXTRA_FIELDS, Rows
from engine.sources.readers import parse_line
from engine.sources.record import MAX_BROKEN_CHARS
from engine.sources.source import Format
from engine.sources.streams import lines
from engine.sources.table import ParquetRecords

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.sources.source import Source


class TableRow(NamedTuple):
    """A line or row, by its ordinal. `columns` None: it cannot be read, and `text` is what stands there, cut."""

    ordinal: int
    columns: dict[str, Any] | None
    text: str = ""


def table_rows(source: Source) -> Iterator[TableRow]:
    """Read a table to its end. UsageError where it is none, or is unfit as a whole."""
    if source.format is Format.JSONL:
        return _json_rows(source)
    if source.format in {Format.CSV, Format.TSV}:
        return _delimited_rows(source, csv.excel if source.format is Format.CSV else csv.excel_tab)
    if source.format is Format.PARQUET:
        return _parquet_rows(source)
    raise UsageError(
        f"{source.name!r} has no columns: name a .jsonl, .csv, .tsv or .parquet file (or .gz or .zst of it)"
    )


def _json_rows(source: Source) -> Iterator[TableRow]:
    for number, line in enumerate(lines(source), 1):
        if not line.isspace():
            value = parse_line(line)
            yield TableRow(number, value) if isinstance(value, dict) else _unread(number, line)


def _delimited_rows(source: Source, dialect: type[csv.Dialect]) -> Iterator[TableRow]:
    rows = Rows(source, dialect)
    if not any(rows.names):
        raise UsageError(f"{source.name!r} has no header: its first line must name the columns")
    for number, row, head in rows:
        if row is None:
            yield _unread(number, head)
        elif any(cell.strip() for cell in row):
            yield TableRow(number, _named(rows.names, row))


def _named(names: list[str], row: list[str]) -> dict[str, Any]:
    # Written backwards, so that of columns with one name the first stays.
    found: dict[str, Any] = dict(reversed(list(zip(names, row, strict=False))))
    columns: dict[str, Any] = {name: found[name] for name in names if name and name in found}
    if len(row) > len(names):
        columns[EXTRA_FIELDS] = row[len(names) :]
    return columns


def _parquet_rows(source: Source) -> Iterator[TableRow]:
    for number, columns in ParquetRecords(source, InputSettings(), 0).rows(lambda _names: None):
        yield TableRow(number, columns)


def _unread(number: int, text: str) -> TableRow:
    return TableRow(number, None, text.strip()[:MAX_BROKEN_CHARS])
