"""Which rows repeat the text of an earlier one, exactly or nearly: what `duplicate_of` says after a merge.

Rows are read once in the order of the inputs; of each with a text its position, its simhash and its URL go into
temporary files. Equal texts have equal simhashes, so one search (:mod:`.near`) finds both kinds. *First* is the first
in the inputs, whatever the order of the output, so that the same rows give the same marks.

Law: memory does not depend on the number of rows; the files hold 24 bytes and the URL of each. Rows are not parsed: a
row's layout is that of :func:`engine.model.record.base_row`, and within a string of JSON no quotation mark stands bare.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any, Final, Self

import numpy as np

from engine.errors import OutputError
from engine.output.near import NONE, nearest_earlier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from numpy.typing import DTypeLike, NDArray

_UNMARKED: Final = b',"duplicate_of":null,"from_cache":'
_SIMHASH: Final = re.compile(rb',"simhash":(?:null|"([0-9a-f]{16})")\Z')
_SIMHASH_BYTES: Final = 32
_URL: Final = b'"url":'
_AFTER_URL: Final = b',"url_hash":'

#: Rows whose numbers are gathered before they are written.
_GATHERED: Final = 50_000


class Duplicates:
    """The rows that repeat an earlier one, by position. Holds temporary files: use as a context manager.

    `rows` gives (position, row) in rising order of positions. Raises OutputError where the temporary folder is full,
    or a row has another layout.
    """

    def __init__(self, rows: Iterable[tuple[int, bytes]], checkpoint: Callable[[], None] = lambda: None) -> None:
        self._stack = ExitStack()
        try:
            self._read(rows)
            nearest_earlier(self._marks, self._earliest, checkpoint=checkpoint)
        except OSError as error:
            self.close()
            raise OutputError(f"{tempfile.gettempdir()}: cannot be written: {error.strerror or error}") from error
        except BaseException:
            self.close()
            raise

    def _read(self, rows: Iterable[tuple[int, bytes]]) -> None:
        self._urls, *columns = [self._temporary() for _ in range(5)]
        gathered: list[tuple[int, int, int]] = []
        end = 0
        for position, row in rows:
            mark = _simhash(row)
            if mark is None:
                continue
            end += self._urls.write(_url(row))
            gathered.append((position, mark, end))
            if len(gathered) >= _GATHERED:
                _write(columns, gathered)
        _write(columns, gathered)
        columns[3].truncate(columns[0].tell())
        self._urls.flush()
        self._positions = _mapped(columns[0], np.int64)
        self._marks = _mapped(columns[1], np.uint64)
        self._ends = _mapped(columns[2], np.int64)
        self._earliest = _mapped(columns[3], np.int64)

    def _temporary(self) -> IO[bytes]:
        return self._stack.enter_context(tempfile.TemporaryFile())

    @property
    def count(self) -> int:
        """How many rows repeat an earlier one."""
        return sum(
            int(np.count_nonzero(self._earliest[at : at + _GATHERED] != NONE))
            for at in range(0, len(self._earliest), _GATHERED)
        )

    def has(self, position: int) -> bool:
        """Whether the row of the input at `position` repeats an earlier one."""
        return self._first(position) is not None

    def marked(self, position: int, row: bytes) -> bytes:
        """The row with its `duplicate_of`; as it is where it repeats none."""
        first = self._first(position)
        if first is None:
            return row
        start = int(self._ends[first - 1]) if first else 0
        self._urls.seek(start)
        url = self._urls.read(int(self._ends[first]) - start)
        at = row.rfind(_UNMARKED)
        return row[:at] + _UNMARKED.replace(b"null", url) + row[at + len(_UNMARKED) :]

    def _first(self, position: int) -> int | None:
        at = int(np.searchsorted(self._positions, position))
        if at == len(self._positions) or self._positions[at] != position or self._earliest[at] == NONE:
            return None
        return int(self._earliest[at])

    def close(self) -> None:
        """Drop the temporary files."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _simhash(row: bytes) -> int | None:
    at = row.rfind(_UNMARKED)
    found = _SIMHASH.search(row, max(0, at - _SIMHASH_BYTES), at) if at >= 0 else None
    if found is None:
        raise OutputError(f"a row cannot be marked: it is not of this version's layout: {row[:200]!r}")
    return int(found[1], 16) if found[1] else None


def _url(row: bytes) -> bytes:
    """The row's URL as JSON has it, quotation marks included."""
    start = row.index(_URL) + len(_URL)
    return row[start : row.index(_AFTER_URL, start)]


def _write(columns: list[IO[bytes]], gathered: list[tuple[int, int, int]]) -> None:
    for number, dtype in enumerate((np.int64, np.uint64, np.int64)):
        columns[number].write(np.array([entry[number] for entry in gathered], dtype=dtype).tobytes())
    gathered.clear()


def _mapped(file: IO[bytes], dtype: DTypeLike) -> NDArray[Any]:
    """The file's numbers, in the file."""
    file.flush()
    if not file.seek(0, 2):  # nothing can be mapped of an empty file
        return np.empty(0, dtype=dtype)
    return np.memmap(file, dtype=dtype, mode="r+")
