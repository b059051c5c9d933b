"""The merge: live rows of all parts, copied byte for byte into the output and, where they are error rows, the failures.

In order of completion, parts follow one another and a block whose rows are all live is copied as it lies on disk. In
the order of the inputs, rows are taken in *windows* of bounded size: the next rows of all parts by position, read block
by block, written in order. A block is so read once a window at most, however the inputs were interleaved, and memory
does not depend on the number of rows. Nothing is parsed; a block's CRC is checked before its bytes are used. Rows that
repeat another's text are marked on the way, where that is asked for (:mod:`.duplicates`).
"""

from __future__ import annotations

import heapq
from contextlib import ExitStack
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.errors import OutputError
from engine.output.blocks import PartReader, blocks, rows_of, unknown_commit
from engine.output.codec import FAILURES_NAME, OUTPUT_NAME, CorruptError, decode
from engine.output.folder import reason, sync_folder
from engine.output.merged import FileFacts, MergedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from engine.model.task import CommitRecord, Place
    from engine.output.blocks import Block, LiveRow, Order, Part
    from engine.output.codec import Compression
    from engine.output.duplicates import Duplicates

#: Rows held at once in input order. Compressed parts whose rows are ordered quite otherwise than the inputs are decoded
#: once a window: larger is faster, and the supervisor has no other use for memory when the shards are gone.
WINDOW_BYTES: Final = 64 << 20

#: What a row of a window costs beside its own bytes (its place, its slots, the bytes object).
_ROW_OVERHEAD_BYTES: Final = 400


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What was written: live rows, how many of them are error rows, and the facts of each file by its name."""

    rows: int
    failed: int
    files: dict[str, FileFacts] = field(default_factory=dict)


def merge(  # noqa: PLR0913 - all but the first four have a default that only tests and tools change
    parts: Sequence[Part],
    folder: Path,
    order: Order,
    compression: Compression,
    *,
    output_name: str = OUTPUT_NAME,
    failures_name: str = FAILURES_NAME,
    duplicates: Duplicates | None = None,
    window_bytes: int = WINDOW_BYTES,
    checkpoint: Callable[[], None] = lambda: None,
) -> MergeResult:
    """Write the merged output and the failures of `parts` into `folder`; names get the suffix of `compression`.

    `checkpoint` is called before each block or window: what it raises ends the merge. However it ends early, the
    folder's files are as before. Raises OutputError where a file cannot be written, and where a part lacks a live row.
    """
    with ExitStack() as stack:
        output = stack.enter_context(MergedFile(folder, output_name, compression))
        failures = stack.enter_context(MergedFile(folder, failures_name, compression))
        sources = [_Source(part, stack.enter_context(PartReader(part.path, part.compression))) for part in parts]
        copier = _Copier(sources, output, failures, duplicates, checkpoint)
        if order == "input":
            copier.by_input(window_bytes)
        else:
            copier.by_completion()
        files = {file.path.name: file.finish() for file in (output, failures)}
        output.publish()
        failures.publish()
        try:
            sync_folder(folder)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be synced to disk: {reason(error)}") from error
        return MergeResult(output.rows, failures.rows, files)


def rows_by_input(
    parts: Sequence[Part], *, window_bytes: int = WINDOW_BYTES, checkpoint: Callable[[], None] = lambda: None
) -> Iterator[tuple[int, bytes]]:
    """(position, row) of each live row that is no error row, in the order of the inputs. Raises OutputError."""
    with ExitStack() as stack:
        sources = [_Source(part, stack.enter_context(PartReader(part.path, part.compression))) for part in parts]
        for window, rows in _read_windows(sources, window_bytes, checkpoint):
            yield from ((wanted.position, row) for wanted, row in zip(window, rows, strict=True) if not wanted.failed)


class _Source(NamedTuple):
    part: Part
    reader: PartReader


class _Wanted(NamedTuple):
    """A row of a window; `source` is its part's index."""

    position: int
    source: int
    place: Place
    failed: bool


@dataclass(frozen=True, slots=True)
class _Copier:
    """Moves the live rows of the sources into the two files."""

    sources: Sequence[_Source]
    output: MergedFile
    failures: MergedFile
    duplicates: Duplicates | None
    checkpoint: Callable[[], None]

    def by_completion(self) -> None:
        """Copy part after part, block after block."""
        for source in self.sources:
            for block in blocks(source.part):
                if block.rows:
                    self.checkpoint()
                    try:
                        self._copy_block(source, block)
                    except CorruptError as error:
                        raise _damage(source.part, block.commit, error) from error

    def _copy_block(self, source: _Source, block: Block) -> None:
        """Copy a block whole if it can be, else its live rows."""
        record, rows, compression = block.record, block.rows, source.part.compression
        failed = [place for _, place, is_error in rows if is_error]
        is_whole = len(rows) == record.count and compression == self.output.compression
        if is_whole and not any(map(self._is_marked, rows)):
            stored = source.reader.stored(record)
            self.output.copy(stored, len(rows))
            if failed:
                self.failures.add(rows_of(decode(stored, compression, record.raw_length), failed))
            return
        raw = source.reader.block(record)
        found = zip(rows, rows_of(raw, [place for _, place, _ in rows]), strict=True)
        self.output.add(self._marked(position, row) for (position, _, _), row in found)
        self.failures.add(rows_of(raw, failed))

    def by_input(self, window_bytes: int) -> None:
        """Copy window after window of all parts."""
        for window, rows in _read_windows(self.sources, window_bytes, self.checkpoint):
            found = list(zip(window, rows, strict=True))
            self.output.add(self._marked(wanted.position, row) for wanted, row in found)
            self.failures.add(row for wanted, row in found if wanted.failed)

    def _is_marked(self, live: LiveRow) -> bool:
        return self.duplicates is not None and self.duplicates.has(live[0])

    def _marked(self, position: int, row: bytes) -> bytes:
        return row if self.duplicates is None else self.duplicates.marked(position, row)


def _read_windows(
    sources: Sequence[_Source], window_bytes: int, checkpoint: Callable[[], None]
) -> Iterator[tuple[list[_Wanted], list[bytes]]]:
    """Give the live rows of all sources in the order of the inputs, a window at a time."""
    records = [dict(source.part.commits()) for source in sources]
    for window in _windows(sources, window_bytes):
        checkpoint()
        yield window, _read_window(sources, window, records)


def _windows(sources: Sequence[_Source], window_bytes: int) -> Iterator[list[_Wanted]]:
    """Give the live rows of all parts in the order of their positions, in runs of about `window_bytes` at most."""
    window: list[_Wanted] = []
    held = 0
    streams = [_wanted(index, source.part) for index, source in enumerate(sources)]
    for wanted in heapq.merge(*streams, key=attrgetter("position")):
        window.append(wanted)
        held += wanted.place.length + _ROW_OVERHEAD_BYTES
        if held >= window_bytes:
            yield window
            window, held = [], 0
    if window:
        yield window


def _read_window(
    sources: Sequence[_Source], window: Sequence[_Wanted], records: Sequence[dict[int, CommitRecord]]
) -> list[bytes]:
    """Read the rows of a window, each block once, and give them in the window's order."""
    slots: dict[tuple[int, int], list[int]] = {}
    for slot, wanted in enumerate(window):
        slots.setdefault((wanted.source, wanted.place.commit), []).append(slot)
    rows = [b""] * len(window)
    for index, commit in sorted(slots):
        source = sources[index]
        record = records[index].get(commit)
        if record is None:
            raise unknown_commit(source.part, commit)
        wanted_slots = slots[index, commit]
        try:
            found = source.reader.rows(commit, record, [window[slot].place for slot in wanted_slots])
        except CorruptError as error:
            raise _damage(source.part, commit, error) from error
        for slot, row in zip(wanted_slots, found, strict=True):
            rows[slot] = row
    return rows


def _wanted(index: int, part: Part) -> Iterator[_Wanted]:
    for position, place, failed in part.live("input"):
        yield _Wanted(position, index, place, failed)


def _damage(part: Part, commit: int, error: CorruptError) -> OutputError:
    return OutputError(f"{part.path}: commit {commit}: {error}; to fetch its pages again: enrich resume")
