"""Which reader reads which input; and the readers of plain lists and JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from engine.sources.delimited import CsvRecords, TsvRecords
from engine.sources.json_depth import can_be_written
from engine.sources.plain import plain_lines
from engine.sources.record import Record, Records, broken, priority_of, whole
from engine.sources.source import Format, Source
from engine.sources.streams import MAX_RECORD_CHARS, line_blocks, lines, lines_in
from engine.sources.table import ParquetRecords

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.settings.groups import InputSettings
    from engine.sources.plain import PlainLines


def open_records(source: Source, settings: InputSettings, after_ordinal: int = 0) -> Records:
    """Open an input after an ordinal; nothing is read, and nothing checked, before the first record is asked for."""
    if source.is_stdin:
        raise ValueError("stdin is spooled before it is read")
    return _READERS[source.format](source, settings, after_ordinal)


def check(source: Source, settings: InputSettings) -> None:
    """Read up to the first record, so that an unfit input is refused before a run begins (UsageError)."""
    next(iter(open_records(source, settings)), None)


class PageRecords(Records):
    """An input that is itself the URL."""

    def __iter__(self) -> Iterator[Record]:
        """Give the one record."""
        if self.after < 1 and self.source.url is not None:
            self.last = 1
            yield Record(1, self.source.url)


class TxtRecords(Records):
    """A URL a line; lines that are blank or begin with "#" are skipped."""

    def __iter__(self) -> Iterator[Record]:
        """Give the lines that name something."""
        number = 0
        for block in line_blocks(self.source):
            found = lines_in(block)
            yield from self._records(found, number)
            number += len(found)

    def pieces(self) -> Iterator[Record | PlainLines]:
        """Give the same, whole blocks of lines where they are all plain."""
        number = 0
        for block in line_blocks(self.source):
            plain = plain_lines(block, number + 1)
            if plain is None:
                found = lines_in(block)
                yield from self._records(found, number)
                number += len(found)
            else:
                number = plain.last
                if number > self.after:
                    self.last = number
                    yield plain.behind(max(0, self.after + 1 - plain.first))

    def _records(self, found: list[str], before: int) -> Iterator[Record]:
        after = self.after
        for number, line in enumerate(found, before + 1):
            if number <= after:
                continue
            self.last = number
            text = line.strip()
            if text and text[0] != "#":
                yield whole(number, text)


class JsonlRecords(Records):
    """A line an object with the column of URLs, or a bare JSON string; any other line is a broken record."""

    def __iter__(self) -> Iterator[Record]:
        """Give the lines that are not blank."""
        column, priority_column = self.settings.url_column, self.settings.priority_column
        after = self.after
        for number, line in enumerate(lines(self.source), 1):
            if number <= after:
                continue
            self.last = number
            if line.isspace():
                continue
            value = parse_line(line)
            if isinstance(value, str):
                yield whole(number, value)
            elif isinstance(value, dict) and isinstance(url := value.pop(column, None), str):
                yield whole(number, url, priority_of(value.pop(priority_column, 0)), value)
            else:
                yield broken(number, line)


def parse_line(line: str) -> object:
    """Read a line of JSON; None where it is none, or could not be written again."""
    if len(line) > MAX_RECORD_CHARS:
        return None
    try:
        value: object = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if can_be_written(value, line.count("{") + line.count("[")) else None


_READERS: Final[dict[Format, type[Records]]] = {
    Format.TXT: TxtRecords,
    Format.CSV: CsvRecords,
    Format.TSV: TsvRecords,
    Format.JSONL: JsonlRecords,
    Format.PARQUET: ParquetRecords,
    Format.PAGE: PageRecords,
}
