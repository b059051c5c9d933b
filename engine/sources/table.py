"""Records from Parquet files, batch by batch; values are made such that JSON can hold them.

Timestamps become RFC 3339 (one without a zone is taken as UTC), decimals and bytes text, durations seconds, NaN and
infinities null. A packed file is unpacked to an unnamed temporary file first: Parquet is read from its end.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from datetime import UTC, date, datetime, time, timedelta
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final

from engine.errors import UsageError
from engine.sources.record import Record, Records, broken, priority_of, whole
from engine.sources.source import Compression, reason
from engine.sources.streams import decode_text, unpacked_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

#: Rows decoded at once: columns stay small in memory also where a cell holds a document.
_BATCH_ROWS: Final = 1_000


class ParquetRecords(Records):
    """A row a record, its ordinal the row's number from 1."""

    def __iter__(self) -> Iterator[Record]:
        """Give the rows; one without a text in the column of URLs is a broken record."""
        url_column, priority_column = self.settings.url_column, self.settings.priority_column
        for number, row in self.rows(self.require_url_column):
            url = row.pop(url_column)
            priority = priority_of(row.pop(priority_column, 0))
            yield whole(number, url.strip(), priority, row) if isinstance(url, str) else broken(number, str(url))

    def rows(self, check: Callable[[list[str]], None]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Give each row's number and columns, as JSON has them; `check` is told the names of the columns first."""
        try:
            import pyarrow as pa  # noqa: PLC0415 - an extra
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError as error:
            name = self.source.name
            raise UsageError(
                f"{name!r}: reading Parquet needs the extra 'parquet': pip install 'enrich-engine[parquet]'"
            ) from error
        with ExitStack() as stack:
            try:
                file = parquet.ParquetFile(stack.enter_context(self._open()), pre_buffer=False)
                check(file.schema_arrow.names)
                yield from self._rows(file)
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last: a column's name is no UTF-8
                name = self.source.name
                why = reason(error) if isinstance(error, OSError) else str(error).partition("\n")[0]
                raise UsageError(f"{name!r} is no Parquet file, or a damaged one: {why}") from error

    def _open(self) -> IO[bytes]:
        if self.source.path is None:
            raise ValueError(f"{self.source.name!r} has no file")
        if self.source.compression is Compression.NONE:
            return self.source.path.open("rb")
        plain = TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            plain.writelines(unpacked_chunks(self.source))
            plain.seek(0)
        except BaseException:
            plain.close()
            raise
        return plain

    def _rows(self, file: ParquetFile) -> Iterator[tuple[int, dict[str, Any]]]:
        number, groups = self._skipped(file)
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, row_groups=groups):
            if number + batch.num_rows <= self.after:
                number += batch.num_rows
                continue
            names = batch.schema.names
            for values in zip(*(_column(batch.column(at)) for at in range(len(names))), strict=True):
                number += 1
                if number <= self.after:
                    continue
                self.last = number
                # Written backwards, so that of columns with one name the first stays.
                row = dict(zip(reversed(names), reversed(values), strict=True))
                yield number, {name: row[name] for name in names}

    def _skipped(self, file: ParquetFile) -> tuple[int, list[int]]:
        """Skip the row groups before the cursor unread: (rows skipped, groups left)."""
        skipped = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if skipped + rows > self.after:
                return skipped, list(range(group, file.num_row_groups))
            skipped += rows
        return skipped, []


def _column(array: pa.Array) -> list[object]:
    """Make a column's values JSON-able; one that Python cannot hold (the year 20000, say) is None."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # Arrow promises UTF-8 but files break the promise.
        array = array.cast(pa.large_binary())
    elif pa.types.is_timestamp(kind) and kind.unit == "ns":
        array = array.cast(pa.timestamp("us", kind.tz), safe=False)  # Python's own resolution
    try:
        return [_plain(value) for value in array.to_pylist()]
    except (ValueError, OverflowError):
        return [_scalar(scalar) for scalar in array]


def _scalar(scalar: pa.Scalar) -> object:
    try:
        return _plain(scalar.as_py())
    except (ValueError, OverflowError):
        return None


def _plain(value: object) -> object:  # noqa: PLR0911 - one line a type reads best
    """Turn what Arrow gives into what JSON has; called for every value, so the commonest types come first."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, bytes):
        return decode_text(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)
