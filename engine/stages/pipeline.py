"""The stages in turn: each a run in its folder, from the seeds or from what the one before it left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, UsageError
from engine.observe.tell import tell
from engine.stages.checks import check, check_merged, require_complete
from engine.stages.handoff import hand_on, publish
from engine.stages.layout import STAGES, Stage, seeds
from engine.stages.scrapy_mode.run import require_scrapy, run_scrapy
from engine.supervisor.plan import RunRequest
from engine.supervisor.run import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.settings import Loaded

#: What carries out a stage: :func:`engine.supervisor.run.run`, or what stands in for it.
Runner = Callable[[RunRequest], ExitCode]

#: The values of --stage.
CHOICES: Final = ("1", "2", "3", "all")


@dataclass(frozen=True, slots=True)
class PipelineRequest:
    """One command. `loaded` are the settings of every stage by name; `chosen` one of CHOICES.

    `async_enrichment` False: stage 3 goes through Scrapy.
    """

    loaded: Mapping[str, Loaded]
    chosen: str = "all"
    fresh: bool = False
    progress: bool | None = None
    log_level: str = "info"
    log_format: str = "console"
    async_enrichment: bool = True

    @property
    def stages(self) -> list[Stage]:
        """The stages that are to run."""
        return [self._stage(number) for number in STAGES if self.chosen in {"all", str(number)}]

    @property
    def before(self) -> Stage | None:
        """The stage whose rows the first one reads."""
        first = self.stages[0].number
        return self._stage(first - 1) if first > 1 else None

    def _stage(self, number: int) -> Stage:
        return Stage(number, self.loaded[STAGES[number]].settings)


def plan(request: PipelineRequest) -> list[str]:
    """Check all that can be checked; what would run, a line a stage. Raises UsageError."""
    _runners(request)
    return list(check(request.stages, request.before, fresh=request.fresh))


def run_pipeline(request: PipelineRequest, runners: Mapping[str, Runner] | None = None) -> ExitCode:
    """Run the stages, each to its end before the next; the first that stops early ends the command with its code.

    `runners` replaces what carries out a stage, by its name. Raises EngineError.
    """
    runners = {**_runners(request), **(runners or {})}
    before = request.before
    for stage in request.stages:
        check_merged(stage)
    for stage in request.stages:
        sources = _sources(stage, before)
        stage.folder.parent.mkdir(parents=True, exist_ok=True)
        tell(f"{stage.title}: {stage.folder}\n")
        code = runners.get(stage.name, run)(
            RunRequest(
                stage.folder,
                request.loaded[stage.name],
                "run",
                sources,
                fresh=request.fresh,
                progress=request.progress,
                log_level=request.log_level,
                log_format=request.log_format,
            )
        )
        if code is not ExitCode.COMPLETE:
            return code
        publish(stage)
        before = stage
    return ExitCode.COMPLETE


def _runners(request: PipelineRequest) -> dict[str, Runner]:
    """What stands in for the engine's own run, by stage. Raises UsageError where that is missing."""
    if request.async_enrichment or not any(stage.name == "enrichment" for stage in request.stages):
        return {}
    require_scrapy()
    return {"enrichment": run_scrapy}


def _sources(stage: Stage, before: Stage | None) -> tuple[str, ...]:
    if before is None:
        return seeds(stage.settings)
    require_complete(before)
    if not hand_on(before, stage.settings.input.url_column):
        raise UsageError(
            f"{before.title} left no usable URL: {before.output} holds none, so there is nothing for {stage.title}"
        )
    return (str(before.usable),)
