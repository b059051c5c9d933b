"""What can be known of a pipeline before it runs: `--validate-only`. Nothing is written, and nobody is asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.nlp.available import require_pipeline
from engine.sources.source import resolve
from engine.stages.layout import seeds
from engine.supervisor.checks import check_cache, check_not_empty, check_platform, check_same_inputs
from engine.supervisor.manifest import COMPLETE, MANIFEST_NAME, describe, read_manifest, settings_difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engine.stages.layout import Stage


def check(stages: Sequence[Stage], before: Stage | None, *, fresh: bool = False) -> Iterator[str]:
    """Say of each stage, a line each, what it would do. `before` is the stage whose rows the first one needs.

    Raises UsageError where the pipeline would refuse to begin, or a stage could not.
    """
    check_platform()
    for stage in stages:
        check_merged(stage)
        if stage.number == 1:
            given = seeds(stage.settings)
            check_not_empty([resolve(text) for text in given], stage.settings)
            source = ", ".join(given)
        elif before is None:
            raise UsageError(f"{stage.title} has no stage before it")
        else:
            if before not in stages:
                require_complete(before)
            source = f"what is usable in {before.output}"
        if stage.name == "enrichment":
            require_pipeline(stage.settings.nlp.pipeline)
        check_cache(stage.settings)
        _check_writable(stage.folder)
        yield f"{stage.title}: {source} -> {stage.folder} ({_state(stage, fresh=fresh)})"
        before = stage


def check_merged(stage: Stage) -> None:
    """Refuse settings under which a stage would leave nothing to hand on."""
    if stage.settings.output.merge == "never":
        raise UsageError(f"{stage.title}: output.merge is never, and the pipeline reads merged rows: set it to auto")


def require_complete(stage: Stage) -> None:
    """Refuse to go on from a stage that is not complete."""
    if not (stage.folder / MANIFEST_NAME).exists():
        raise UsageError(
            f"{stage.folder} does not exist: {stage.title} comes first (enrich pipeline --stage {stage.number})"
        )
    if read_manifest(stage.folder)["state"] != COMPLETE:
        raise UsageError(f"{stage.folder}: {stage.title} is not complete: finish it with --stage {stage.number}")


def _state(stage: Stage, *, fresh: bool) -> str:
    if not (stage.folder / MANIFEST_NAME).exists():
        return "new"
    if fresh:
        return "begun anew"
    manifest = read_manifest(stage.folder)
    if difference := settings_difference(manifest, stage.settings):
        raise UsageError(f"{stage.folder} was made with other settings: {difference}; begin anew with --fresh")
    if stage.number == 1:
        check_same_inputs(manifest, [describe(resolve(text)) for text in seeds(stage.settings)], stage.folder)
    return "complete: nothing to do" if manifest["state"] == COMPLETE else "goes on"


def _check_writable(folder: Path) -> None:
    """Refuse a folder that cannot be made, or written to."""
    at = folder.absolute()
    while not at.exists():
        at = at.parent
    if not at.is_dir():
        raise UsageError(f"{folder} cannot be made: {at} is a file")
    if not os.access(at, os.W_OK | os.X_OK):
        raise UsageError(f"{folder} cannot be written to: no permission on {at}")
