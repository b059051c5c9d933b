"""The seam through which the command line and the calls of this package reach the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, Unpack

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.errors import ExitCode
    from engine.settings import Loaded

Mode = Literal["run", "resume", "retry"]


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
        self,
        loaded: Mapping[str, Loaded],
        stage: str,
        *,
        fresh: bool,
        async_enrichment: bool = True,
        **options: Unpack[TalkOptions],
    ) -> ExitCode:
        """Run a stage of the pipeline ("1", "2", "3"), or "all"; `loaded` by stage name. Raises EngineError."""

    def plan_pipeline(
        self, loaded: Mapping[str, Loaded], stage: str, *, fresh: bool, async_enrichment: bool = True
    ) -> list[str]:
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
        self,
        loaded: Mapping[str, Loaded],
        stage: str,
        *,
        fresh: bool,
        async_enrichment: bool = True,
        **options: Unpack[TalkOptions],
    ) -> ExitCode:
        """Run it; see Engine."""
        from engine.stages.pipeline import PipelineRequest, run_pipeline  # noqa: PLC0415 - see the class

        return run_pipeline(PipelineRequest(loaded, stage, fresh, async_enrichment=async_enrichment, **options))

    def plan_pipeline(
        self, loaded: Mapping[str, Loaded], stage: str, *, fresh: bool, async_enrichment: bool = True
    ) -> list[str]:
        """Check it; see Engine."""
        from engine.stages.pipeline import PipelineRequest, plan  # noqa: PLC0415 - see the class

        return plan(PipelineRequest(loaded, stage, fresh, async_enrichment=async_enrichment))

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
