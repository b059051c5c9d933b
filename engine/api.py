"""What Python users import, and the seam through which the command line reaches the engine.

    from engine.api import enrich

    for row in enrich(["https://example.org/"], "out", settings={"politeness.delay_s": 2}):
        print(row["title"], row["error_kind"])

Calls block until the run is over and start processes: call them under `if __name__ == "__main__":`, from the main
thread (the engine takes SIGINT and SIGTERM while it runs). Failures of the engine are raised as
:class:`engine.errors.EngineError`; a URL that fails is a row with an `error_kind`.
"""

from __future__ import annotations

import gzip
import json
import os
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypedDict, Unpack

import zstandard

from engine.errors import EngineError, ExitCode, UsageError
from engine.model.record import Row
from engine.settings import Loaded, Settings, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import IO

__all__ = ["Engine", "EngineError", "ExitCode", "LocalEngine", "Row", "Settings", "enrich", "rows", "run"]

Mode = Literal["run", "resume", "retry"]

_MERGED_NAMES: Final = ("enrichment_output.jsonl", "validation_output.jsonl", "discovery_output.jsonl")


class TalkOptions(TypedDict, total=False):
    """How a run talks on stderr (defaults: engine.supervisor.run.RunRequest)."""

    progress: bool | None  # None: where stderr is a terminal
    log_level: str
    log_format: str


class RunOptions(TalkOptions, total=False):
    """What a run may be told besides its folder and settings."""

    sources: tuple[str, ...]  # as typed: paths, URLs, or "-"
    fresh: bool
    retry_kinds: frozenset[str]


class Engine(Protocol):
    """All that the command line asks for. The tests' fake stands in for :class:`LocalEngine`."""

    def run(self, folder: Path, loaded: Loaded, mode: Mode, **options: Unpack[RunOptions]) -> ExitCode:
        """Run to the end, or to the first reason to stop. Raises EngineError."""

    def pipeline(
        self, loaded: Mapping[str, Loaded], stage: str, *, fresh: bool, **options: Unpack[TalkOptions]
    ) -> ExitCode:
        """Run a stage of the pipeline ("1", "2", "3"), or "all"; `loaded` by stage name. Raises EngineError."""

    def plan_pipeline(self, loaded: Mapping[str, Loaded], stage: str, *, fresh: bool) -> list[str]:
        """Check what can be checked of it; what would run, a line a stage. Raises UsageError."""

    def leads(self, folder: Path, loaded: Loaded, **options: Unpack[RunOptions]) -> ExitCode:
        """Do what `enrich leads` does, to the end, or to the first reason to stop. Raises EngineError."""

    def manifest(self, folder: Path) -> dict[str, Any]:
        """Read run.json. Raises UsageError where the folder is no run."""

    def merge(self, folder: Path, *, mark_duplicates: bool | None = None) -> tuple[int, int]:
        """Write the merged files again; (rows, error rows among them). Raises EngineError.

        `mark_duplicates` None: as the folder's settings say.
        """

    def verify(self, folder: Path) -> list[str]:
        """List what is wrong with the folder, one sentence each; empty: sound. Raises EngineError."""

    def status(self, folder: Path) -> dict[str, Any]:
        """Count by state; see engine.supervisor.status.read_status. Raises UsageError."""


class LocalEngine:
    """The engine of this installation. It is imported when first needed: `enrich --help` need not wait for it."""

    def run(self, folder: Path, loaded: Loaded, mode: Mode, **options: Unpack[RunOptions]) -> ExitCode:
        """Run it; see Engine."""
        from engine.supervisor.plan import RunRequest  # noqa: PLC0415 - see the class
        from engine.supervisor.run import run as run_request  # noqa: PLC0415 - see the class

        if _holds_leads(folder):
            if mode == "run":
                raise UsageError(f"{folder} is a folder of leads: use enrich leads or enrich resume, or another folder")
            from engine.leads.run import run as run_leads  # noqa: PLC0415 - see the class

            return run_leads(RunRequest(folder, loaded, mode, **options))
        return run_request(RunRequest(folder, loaded, mode, **options))

    def pipeline(
        self, loaded: Mapping[str, Loaded], stage: str, *, fresh: bool, **options: Unpack[TalkOptions]
    ) -> ExitCode:
        """Run it; see Engine."""
        from engine.stages.pipeline import PipelineRequest, run_pipeline  # noqa: PLC0415 - see the class

        return run_pipeline(PipelineRequest(loaded, stage, fresh, **options))

    def plan_pipeline(self, loaded: Mapping[str, Loaded], stage: str, *, fresh: bool) -> list[str]:
        """Check it; see Engine."""
        from engine.stages.pipeline import PipelineRequest, plan  # noqa: PLC0415 - see the class

        return plan(PipelineRequest(loaded, stage, fresh))

    def leads(self, folder: Path, loaded: Loaded, **options: Unpack[RunOptions]) -> ExitCode:
        """Run it; see Engine."""
        from engine.leads.run import run as run_leads  # noqa: PLC0415 - see the class
        from engine.supervisor.plan import RunRequest  # noqa: PLC0415 - see the class

        return run_leads(RunRequest(folder, loaded, "run", **options))

    def manifest(self, folder: Path) -> dict[str, Any]:
        """Read run.json; see Engine."""
        from engine.supervisor.manifest import read_manifest  # noqa: PLC0415 - see the class

        return read_manifest(folder)

    def merge(self, folder: Path, *, mark_duplicates: bool | None = None) -> tuple[int, int]:
        """Merge; see Engine."""
        from engine.supervisor.finish import merge_folder  # noqa: PLC0415 - see the class

        if _holds_leads(folder):
            from engine.leads.folder import merge_folder as merge_leads  # noqa: PLC0415 - see the class

            return merge_leads(folder)
        result = merge_folder(folder, mark_duplicates=mark_duplicates)
        return result.rows, result.failed

    def verify(self, folder: Path) -> list[str]:
        """Verify; see Engine."""
        from engine.supervisor.finish import verify_folder  # noqa: PLC0415 - see the class

        if _holds_leads(folder):
            from engine.leads.folder import verify_folder as verify_leads  # noqa: PLC0415 - see the class

            return verify_leads(folder)
        return verify_folder(folder)

    def status(self, folder: Path) -> dict[str, Any]:
        """Read the status; see Engine."""
        from engine.supervisor.status import read_status  # noqa: PLC0415 - see the class

        if _holds_leads(folder):
            from engine.leads.folder import read_status as leads_status  # noqa: PLC0415 - see the class

            return leads_status(folder)
        return read_status(folder)


def _holds_leads(folder: Path) -> bool:
    """Whether a folder is one of leads; what is no run folder at all is for others to refuse."""
    from engine.supervisor.manifest import MANIFEST_NAME, read_manifest  # noqa: PLC0415 - see the class

    return (folder / MANIFEST_NAME).exists() and read_manifest(folder).get("kind") == "leads"


def run(
    sources: Sequence[str | Path],
    out: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    files: Sequence[str | Path] = (),
    fresh: bool = False,
) -> ExitCode:
    """Do what `enrich run SOURCES --out OUT` does, quietly: COMPLETE, or why it stopped early.

    `settings` are single keys ({"fetch.timeout_s": 20}) and win over the environment (ENRICH_...), which wins over
    `files` (YAML). Raises EngineError; UsageError where an input, a setting or the folder cannot be used.
    """
    loaded = load([Path(file) for file in files], os.environ, settings or {})
    talk: TalkOptions = {"progress": False, "log_level": "warning"}
    return LocalEngine().run(Path(out), loaded, "run", sources=tuple(map(str, sources)), fresh=fresh, **talk)


def enrich(urls: Iterable[str], out: str | Path, *, settings: Mapping[str, Any] | None = None) -> Iterator[Row]:
    """Enrich `urls` into the run folder `out` and return its rows, one for each distinct URL, as they were completed.

    The URLs are first written beside the folder, to OUT.urls.jsonl: the same call goes on where an earlier one
    stopped. Raises EngineError, also where the run stopped before its end.
    """
    folder = Path(out)
    column = load([], os.environ, settings or {}).settings.input.url_column
    listing = folder.with_name(folder.name + ".urls.jsonl")
    listing.parent.mkdir(parents=True, exist_ok=True)
    with listing.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({column: url}) + "\n" for url in urls)
    code = run([listing], folder, settings=settings)
    if code is not ExitCode.COMPLETE:
        raise EngineError(f"{folder}: the run stopped early (exit code {code:d}); call again to go on")
    return rows(folder)


def rows(folder: str | Path) -> Iterator[Row]:
    """Iterate over the merged rows of a complete run, in the file's order. Raises UsageError where there are none."""
    for name in _MERGED_NAMES:
        for suffix in ("", ".gz", ".zst"):
            path = Path(folder) / f"{name}{suffix}"
            if path.is_file():
                return _parsed(path)
    raise UsageError(f"{folder} holds no merged rows: finish it with enrich resume, or write them with enrich merge")


def _parsed(path: Path) -> Iterator[Row]:
    with _opened(path) as lines:
        for line in lines:
            yield json.loads(line)


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    if path.suffix == ".zst":
        # A frame ends at each commit: all of them make the file.
        reader = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True, closefd=True)
        return TextIOWrapper(reader, encoding="utf-8")
    return path.open(encoding="utf-8")
