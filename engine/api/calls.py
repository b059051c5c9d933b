"""The calls: URLs or inputs in, rows out, in a script, a notebook or a running loop."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from engine.api.background import BackgroundRun, carried_out
from engine.errors import EngineError, ExitCode, OutputError, UsageError
from engine.output.codec import OUTPUT_NAMES, SUFFIXES, CorruptError, file_name, open_lines
from engine.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
    from typing import IO, BinaryIO

    from engine.model.record import Row
    from engine.settings import Loaded
    from engine.supervisor.plan import RunRequest

#: How often committed rows are looked for, in seconds.
POLL_S: Final = 0.1


def run(
    inputs: str | Path | Sequence[str | Path],
    out: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    files: Sequence[str | Path] = (),
    fresh: bool = False,
) -> ExitCode:
    """Do what `enrich run INPUTS --out OUT` does, quietly: COMPLETE, or why it stopped early.

    `settings` are single keys ({"fetch.timeout_s": 20}) and win over the environment (ENRICH_...), which wins over
    `files` (YAML). It blocks; where a loop runs in this thread, `await asyncio.to_thread(engine.run, ...)` keeps that
    going. Raises EngineError; UsageError where an input, a setting or the folder cannot be used.
    """
    given = (inputs,) if isinstance(inputs, str | Path) else tuple(inputs)
    loaded = load([Path(file) for file in files], os.environ, settings or {})
    wanted = request(Path(out), loaded, tuple(map(str, given)), fresh=fresh)
    if not _in_a_loop():
        return carried_out(wanted)
    with BackgroundRun(wanted) as background:
        return background.code()


def request(folder: Path, loaded: Loaded, sources: tuple[str, ...], *, fresh: bool = False) -> RunRequest:
    """A quiet run."""
    from engine.supervisor.plan import RunRequest  # noqa: PLC0415 - see engine.api.background

    return RunRequest(folder, loaded, "run", sources, fresh=fresh, progress=False, log_level="warning", quiet=True)


def enrich(
    urls: Iterable[str | Mapping[str, Any]], out: str | Path | None = None, settings: Mapping[str, Any] | None = None
) -> Rows:
    """Enrich `urls`; iterate over what this gives, with `for` or `async for`: a row for each distinct URL.

    A URL may come with columns of its own, as a mapping with the key "url" (`input.url_column`): they are in the row's
    `input`. Rows come as they are committed. With `out`, a run folder is left there, and the URLs beside it in
    OUT.urls.jsonl: the same call goes on where an earlier one stopped, and gives all rows when the run is complete.
    """
    return Rows(urls, None if out is None else Path(out), settings)


class Rows:
    """The rows of one call of :func:`enrich`. The run begins with the iteration, and ends with it.

    Leaving the loop early stops the run: no process is left behind. Raises EngineError, also where the run stopped
    before its end. To be iterated over once.
    """

    def __init__(
        self, urls: Iterable[str | Mapping[str, Any]], out: Path | None, settings: Mapping[str, Any] | None
    ) -> None:
        self._urls = urls
        self._out = out
        self._settings = dict(settings or {})
        if out is None:
            self._settings["output.merge"] = "never"  # nobody reads the merged file
        self._loaded = load([], os.environ, self._settings)

    def __iter__(self) -> Iterator[Row]:
        with self._place() as (folder, file):
            if not write_urls(self._urls, file, self._loaded):
                return
            file.close()
            reading = _Reading(folder)
            with BackgroundRun(request(folder, self._loaded, (file.name,)), hasty=self._out is None) as background:
                ended = False
                while not ended:
                    ended = background.ended(POLL_S)
                    if ended:
                        check(background.code(), folder)
                    yield from reading.rows(ended=ended)

    async def __aiter__(self) -> AsyncIterator[Row]:
        with self._place() as (folder, file):
            if not await asyncio.to_thread(write_urls, self._urls, file, self._loaded):
                return
            file.close()
            reading = _Reading(folder)
            background = BackgroundRun(request(folder, self._loaded, (file.name,)), hasty=self._out is None)
            background.begin()
            try:
                ended = False
                while not ended:
                    ended = await asyncio.to_thread(background.ended, POLL_S)
                    if ended:
                        check(background.code(), folder)
                    blocks = reading.blocks(ended=ended)
                    while (block := await asyncio.to_thread(next, blocks, None)) is not None:
                        for row in block:
                            yield row
            finally:
                await asyncio.to_thread(background.close)

    @contextmanager
    def _place(self) -> Iterator[tuple[Path, BinaryIO]]:
        """The run folder, and the file of its URLs, open to be written."""
        with ExitStack() as stack:
            if self._out is None:
                scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="enrich-")))
                folder, listing = scratch / "run", scratch / "urls.jsonl"
            else:
                folder, listing = self._out, self._out.with_name(self._out.name + ".urls.jsonl")
            try:
                listing.parent.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(listing.open("wb"))
            except OSError as error:
                raise OutputError(f"{listing}: cannot be written: {error.strerror}") from error
            yield folder, file


class _Reading:
    """The rows of a run under way; of one that goes on with an older folder only at its end, from the merged file.

    There a committed row may be one that was replaced since.
    """

    def __init__(self, folder: Path) -> None:
        from engine.supervisor.follow import Follower  # noqa: PLC0415 - see engine.api.background

        self._folder = folder
        self._follower = None if folder.exists() else Follower(folder)

    def blocks(self, *, ended: bool) -> Iterator[list[Row]]:
        """What is new, in blocks that fit in memory."""
        if self._follower is not None:
            for block in self._follower.blocks():
                yield [orjson.loads(line) for line in block]
        elif ended:
            for row in rows(self._folder):
                yield [row]

    def rows(self, *, ended: bool) -> Iterator[Row]:
        """What is new, row by row."""
        for block in self.blocks(ended=ended):
            yield from block


def write_urls(urls: Iterable[str | Mapping[str, Any]], file: IO[bytes], loaded: Loaded) -> int:
    """Write URLs as a run reads them; how many they are."""
    column = loaded.settings.input.url_column
    count = 0
    for entry in urls:
        columns = dict(entry) if isinstance(entry, Mapping) else {column: entry}
        if not isinstance(columns.get(column), str):
            raise UsageError(f"urls[{count}] is no URL, nor a mapping with a URL as {column!r}: {str(entry)[:80]!r}")
        file.write(json.dumps(columns, ensure_ascii=True).encode() + b"\n")
        count += 1
    return count


def check(code: ExitCode, folder: Path) -> None:
    """Raise EngineError unless the run came to its end."""
    if code is not ExitCode.COMPLETE:
        raise EngineError(f"{folder}: the run stopped early (exit code {code:d}); call again to go on")


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def rows(folder: str | Path) -> Iterator[Row]:
    """Iterate over the merged rows of a complete run, in the file's order. Raises UsageError where there are none."""
    for name in OUTPUT_NAMES.values():
        for compression in SUFFIXES:
            path = Path(folder) / file_name(name, compression)
            if path.is_file():
                return _parsed(path)
    raise UsageError(f"{folder} holds no merged rows: finish it with enrich resume, or write them with enrich merge")


def _parsed(path: Path) -> Iterator[Row]:
    try:
        with open_lines(path) as lines:
            for line in lines:
                yield orjson.loads(line)
    except CorruptError as error:
        raise OutputError(f"{path}: {error}; to write it again: enrich merge {path.parent}") from error
