"""Checking a run folder at rest: what the frontier, the parts, the merged files and the manifest say of each other.

Uniqueness is checked on the rows themselves, within and across parts, not on the frontier's word: each live row's
fetch_url goes through an external sort (:mod:`.distinct`). Memory depends neither on the number of rows nor of parts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from engine.errors import OutputError
from engine.model.task import Place
from engine.model.url import url_key
from engine.output.blocks import PartReader, blocks, rows_of
from engine.output.codec import FAILURES_NAME, OUTPUT_NAMES, CorruptError, open_lines
from engine.output.distinct import Distinct, Where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.output.blocks import Block, Part

#: Problems told of one file; of the rest only the number, or a damaged disk would bury the screen.
MAX_PROBLEMS_A_FILE: Final = 20


class _Report:
    """The problems found so far, few enough of each file to read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: list[str] = []
        self._found: Counter[str] = Counter()

    def name(self, path: Path) -> str:
        """Name a file as users see it in their run folder."""
        return str(path.relative_to(self._folder)) if path.is_relative_to(self._folder) else str(path)

    def add(self, path: Path, problem: str, place: str = "") -> None:
        """Note a problem of a file, at a place in it."""
        name = self.name(path)
        self._found[name] += 1
        if self._found[name] <= MAX_PROBLEMS_A_FILE:
            self._told.append(f"{name}{', ' if place else ''}{place}: {problem}")

    def is_full(self, path: Path) -> bool:
        """Tell whether enough was told of a file."""
        return self._found[self.name(path)] >= MAX_PROBLEMS_A_FILE

    def sentences(self) -> list[str]:
        """Everything that is to be told."""
        more = {name: found - MAX_PROBLEMS_A_FILE for name, found in self._found.items()}
        return self._told + [f"{name}: {count:,} more problems" for name, count in more.items() if count > 0]


def verify(parts: Sequence[Part], folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Check a run folder; give each problem as a sentence that names the file and the place (none: all is well).

    Of the manifest are used `outputs` (MergeResult.files; absent where nothing was merged yet) and `counts` (any of
    rows, done, failed: live rows, those without and with an error). Nothing is written but a temporary file.
    Raises OutputError where a merged file cannot be opened a second time.
    """
    report = _Report(folder)
    with Distinct() as distinct:
        check = _PartsCheck(parts, report, distinct)
        for index in range(len(parts)):
            check.part(index)
        check.repeated()
    counts = {"rows": check.rows, "done": check.rows - check.failed, "failed": check.failed}
    stated = _mapping(manifest.get("counts"))
    for name, count in counts.items():
        if name in stated and stated[name] != count:
            report.add(folder / "run.json", f"counts {stated[name]} {name}, the parts hold {count}")
    for name, facts in _mapping(manifest.get("outputs")).items():
        rows = {**dict.fromkeys(OUTPUT_NAMES.values(), check.rows), FAILURES_NAME: check.failed}
        expected = next((count for stem, count in rows.items() if name.startswith(stem)), None)
        _verify_merged(folder / name, _mapping(facts), expected, report)
    return report.sentences()


def _mapping(value: object) -> Mapping[str, Any]:
    """Read a part of run.json that may be missing, or mangled by hand."""
    return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class _PartsCheck:
    """The check of the parts: what it found, and the live rows it counted."""

    parts: Sequence[Part]
    report: _Report
    distinct: Distinct
    rows: int = 0
    failed: int = 0

    def part(self, index: int) -> None:
        """Check one part: its length, each commit, each live row."""
        part = self.parts[index]
        try:
            with PartReader(part.path, part.compression) as reader:
                end = 0
                for block in blocks(part):
                    end = max(end, block.record.offset + block.record.length)
                    self._block(index, block, reader)
                if reader.size > end:
                    excess = reader.size - end
                    self.report.add(part.path, f"{excess:,} bytes after the last commit; enrich resume cuts them")
        except OutputError as error:
            self.report.add(part.path, str(error))

    def _block(self, index: int, block: Block, reader: PartReader) -> None:
        self.rows += len(block.rows)
        self.failed += sum(failed for _, _, failed in block.rows)
        at = f"commit {block.commit}"
        try:
            raw = reader.block(block.record)
        except CorruptError as error:
            self.report.add(reader.path, str(error), at)
            return
        lines = raw.count(b"\n")
        if lines != block.record.count:
            self.report.add(reader.path, f"{lines:,} lines, {block.record.count:,} committed", at)
        for _, place, failed in block.rows:
            try:
                url = _live_url(raw, place, failed=failed)
            except ValueError as error:
                self.report.add(reader.path, str(error), f"{at}, byte {place.start:,} of the decoded block")
            else:
                self.distinct.add(url_key(url), Where(index, block.commit, place.start, place.length))

    def repeated(self) -> None:
        """Report each URL that more than one live row has."""
        for first, second in self.distinct.repeated():
            part = self.parts[second.part]
            at = f"commit {second.commit}"
            other = f"another in {self.report.name(self.parts[first.part].path)}, commit {first.commit}"
            url = "a URL" if self.report.is_full(part.path) else self._url_at(part, second)
            self.report.add(part.path, f"a second live row of {url}; {other}", at)

    @staticmethod
    def _url_at(part: Part, where: Where) -> str:
        record = next(record for commit, record in part.commits() if commit == where.commit)
        place = Place(where.commit, where.start, where.length)
        with PartReader(part.path, part.compression) as reader:
            (line,) = reader.rows(where.commit, record, [place])
        return str(orjson.loads(line)["fetch_url"])


def _live_url(block: bytes, place: Place, *, failed: bool) -> str:
    """Give what makes a live row distinct. Raises ValueError with a sentence where it is no sound row."""
    (line,) = rows_of(block, [place])
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"no valid JSON: {error}") from error
    if not isinstance(row, dict) or not isinstance(row.get("fetch_url"), str):
        raise ValueError("a row without fetch_url")  # noqa: TRY004 - the data is wrong, not the caller
    kind = row.get("error_kind")
    if (kind is not None) != failed:
        raise ValueError(f"error_kind is {kind}, but the frontier holds the row as {'failed' if failed else 'done'}")
    # A line that is no URL is distinct by its text; the prefix keeps it apart from any URL's key.
    return row["fetch_url"] or f"invalid:{row.get('url')}"


def _verify_merged(path: Path, facts: Mapping[str, Any], expected_rows: int | None, report: _Report) -> None:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
    except OSError as error:
        report.add(path, f"cannot be read: {error.strerror or error}; to write it again: enrich merge")
        return
    if size != facts.get("bytes"):
        report.add(path, f"{size:,} bytes, run.json says {facts.get('bytes')}")
    if digest != facts.get("sha256"):
        report.add(path, "its SHA-256 is not the one in run.json: it was changed after the run, or damaged")
    rows = 0
    try:
        with open_lines(path) as lines:
            for line in lines:
                rows += 1
                if not _is_row(line):
                    report.add(path, "no valid JSON row", f"line {rows:,}")
    except CorruptError as error:
        report.add(path, str(error), f"after line {rows:,}")
    if rows != facts.get("rows"):
        report.add(path, f"{rows:,} rows, run.json says {facts.get('rows')}")
    if expected_rows is not None and rows != expected_rows:
        report.add(path, f"{rows:,} rows, the parts hold {expected_rows:,}")


def _is_row(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False
