"""What is asked of a run, and what follows for its processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from engine.model.plan import NlpConfig, ShardConfig
from engine.settings import needs_pool, resolve_auto

if TYPE_CHECKING:
    from pathlib import Path

    from engine.settings import Loaded, Settings

#: Descriptors are filled in when the child is started (engine.supervisor.entry).
_NO_FD: Final = -1


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One command: `run` on inputs, `resume`, or `retry` (of the failure kinds named; none named: all).

    `sources` are the inputs as typed, empty but for `run`. `progress` None: shown where stderr is a terminal.
    `quiet`: nothing is told of the run's end, whoever asked for it reads the exit code.
    """

    folder: Path
    loaded: Loaded
    mode: Literal["run", "resume", "retry"] = "run"
    sources: tuple[str, ...] = ()
    fresh: bool = False
    retry_kinds: frozenset[str] = frozenset()
    progress: bool | None = None
    log_level: str = "info"
    log_format: str = "console"
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How many processes, and what each is told. `settings` have no "auto" left."""

    folder: Path
    settings: Settings
    shards: int
    nlp_children: int
    log_level: str
    log_format: str
    retry_kinds: tuple[str, ...] | None

    def shard_config(self, shard: int, *, first: bool, fault: int = 0) -> ShardConfig:
        """What a shard is told; only its first process in a command is asked to retry. `fault`: see ShardConfig."""
        return ShardConfig(
            shard=shard,
            shards=self.shards,
            folder=str(self.folder),
            settings=self._dump(),
            control_fd=_NO_FD,
            life_fd=_NO_FD,
            log_level=self.log_level,
            log_format=self.log_format,
            retry_kinds=self.retry_kinds if first else None,
            fault=fault,
        )

    def nlp_config(self, child: int, path: Path) -> NlpConfig:
        """What a child of the NLP pool is told."""
        return NlpConfig(child, str(path), self._dump(), _NO_FD, self.log_level, self.log_format)

    def _dump(self) -> dict[str, Any]:
        return self.settings.model_dump(mode="json")


def make_plan(request: RunRequest, shards: int | None, cores: int | None = None) -> Plan:
    """Work out a run's processes. `shards` is that of a folder that has them already; `cores` what may be used.

    There is no NLP pool where nothing is extracted and nothing analysed.
    """
    settings = request.loaded.settings
    if shards is not None:
        settings = settings.model_copy(update={"run": settings.run.model_copy(update={"shards": shards})})
    settings = resolve_auto(settings, cores)
    return Plan(
        folder=request.folder.absolute(),
        settings=settings,
        shards=int(settings.run.shards),
        nlp_children=int(settings.run.nlp_processes) if needs_pool(settings) else 0,
        log_level=request.log_level,
        log_format=request.log_format,
        retry_kinds=tuple(sorted(request.retry_kinds)) if request.mode == "retry" else None,
    )
