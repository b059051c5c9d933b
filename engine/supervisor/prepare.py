"""Everything before the first process: what the command means for its folder, checked, and the manifest written."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from engine.errors import UsageError
from engine.nlp.available import require_pipeline
from engine.nlp.models.found import require_models
from engine.sources.source import STDIN, resolve
from engine.sources.spool import spool_stdin, spooled
from engine.supervisor.checks import (
    check_cache,
    check_not_empty,
    check_platform,
    check_proxy,
    check_same_inputs,
    check_unchanged,
)
from engine.supervisor.folder import STDIN_ASIDE_NAME, RunFolder, opened
from engine.supervisor.lock import ORPHAN_WAIT_S
from engine.supervisor.manifest import (
    COMPLETE,
    MANIFEST_NAME,
    Manifest,
    continued,
    describe,
    new_manifest,
    read_manifest,
    settings_difference,
    source_of,
)
from engine.supervisor.mend import inputs_are_held, mend
from engine.supervisor.plan import Plan, RunRequest, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.sources.source import Source


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder that is ours, and what is to be done in it; `plan` is None where the run is complete already."""

    folder: RunFolder
    plan: Plan | None
    sources: tuple[Source, ...]


@contextmanager
def prepared(request: RunRequest, wait_s: float = ORPHAN_WAIT_S, stdin: BinaryIO | None = None) -> Iterator[Prepared]:
    """Open the folder, check all that can be checked, and write the manifest of a run that goes on from here.

    Nothing is written, and nothing of a former run lost, where this raises UsageError. `stdin` stands in for the
    process's own.
    """
    check_platform()
    if request.loaded.settings.run.stage == "enrichment":
        require_pipeline(request.loaded.settings.nlp.pipeline)
        require_models(request.loaded.settings.nlp)
    check_cache(request.loaded.settings)
    check_proxy(request.loaded.settings)
    is_run = request.mode == "run"
    # What cannot be read is refused before a folder is made for it.
    given = _given(request) if is_run else []
    with opened(request.folder, create=is_run, wait_s=wait_s) as folder:
        folder.wait_for_orphans(wait_s)
        if folder.manifest is not None and not request.fresh:
            yield _go_on(request, folder, folder.manifest, given)
        else:
            yield _begin(request, folder, given, stdin)


def _given(request: RunRequest) -> list[Source | str]:
    """Resolve the inputs as typed; one that is gone stays a text where the folder has read it to its end."""
    if not request.sources:
        raise UsageError("no input: name a file, a http(s) URL, or - for stdin")
    if request.sources.count(STDIN) > 1:
        raise UsageError("stdin (-) was given twice")
    given: list[Source | str] = []
    for text in request.sources:
        try:
            given.append(resolve(text))
        except UsageError:
            if request.fresh or not _was_read(request.folder, text):
                raise
            given.append(text)
    return given


def _was_read(folder: Path, text: str) -> bool:
    if not (folder / MANIFEST_NAME).exists():
        return False
    manifest = read_manifest(folder)
    return manifest["ingest_finished"] and any(entry["name"] == text for entry in manifest["inputs"])


def _begin(request: RunRequest, folder: RunFolder, given: list[Source | str], stdin: BinaryIO | None) -> Prepared:
    """Begin anew; a folder that was made for inputs that turn out unfit is taken back."""
    typed = [source for source in given if not isinstance(source, str)]
    before, aside = folder.manifest, folder.state / STDIN_ASIDE_NAME
    try:
        if any(source.is_stdin for source in typed):
            spool_stdin(stdin or sys.stdin.buffer, aside)
        check_not_empty([spooled(aside) if source.is_stdin else source for source in typed], request.loaded.settings)
        if before is not None:
            folder.clear()
        if aside.exists():
            aside.replace(folder.stdin)
        sources = [spooled(folder.stdin) if source.is_stdin else source for source in typed]
        plan = make_plan(request, None)
        inputs = [describe(source) for source in sources]
        folder.write(new_manifest(request.loaded.settings, inputs, plan.shards, datetime.now(UTC)))
    except BaseException:
        if before is None:
            folder.discard()
        raise
    return Prepared(folder, plan, tuple(sources))


def _go_on(request: RunRequest, folder: RunFolder, manifest: Manifest, given: list[Source | str]) -> Prepared:
    """Take up a started folder where it stands."""
    if request.mode == "run":
        if STDIN in request.sources:
            raise UsageError(f"{request.folder} has kept its stdin: use enrich resume {request.folder}")
        check_same_inputs(manifest, [_described(source, manifest) for source in given], request.folder)
    if difference := settings_difference(manifest, request.loaded.settings):
        raise UsageError(
            f"{request.folder} was made with other settings: {difference}; choose another folder, or begin anew with"
            " enrich run --fresh"
        )
    sources = tuple(source_of(entry, folder.stdin) for entry in manifest["inputs"])
    mended = request.mode == "resume" and mend(folder)
    if manifest["state"] == COMPLETE and request.mode != "retry" and not mended:
        return Prepared(folder, None, sources)
    if not inputs_are_held(folder):
        check_unchanged(manifest["inputs"], sources)
        manifest = {**manifest, "ingest_finished": False}
    folder.write(continued(manifest, request.loaded.settings))
    return Prepared(folder, make_plan(request, manifest["shards"]), sources)


def _described(source: Source | str, manifest: Manifest) -> dict[str, Any]:
    if isinstance(source, str):
        return next(entry for entry in manifest["inputs"] if entry["name"] == source)
    return describe(source)
