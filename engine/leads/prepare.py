"""Everything before the first request: the folder, its inputs in the store, and the manifest written.

Law: nothing is submitted before all rows are in the store; a folder whose jobs are out is never begun anew, for its
answers are paid for.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from engine.errors import OutputError, UsageError
from engine.leads.inputs import new_leads
from engine.leads.setup import api_key, base_url, fingerprint, make_provider
from engine.policy.job import State
from engine.providers.counts import count
from engine.providers.store import JobStore
from engine.sources.source import STDIN, resolve
from engine.sources.spool import spool_stdin, spooled
from engine.supervisor.checks import check_platform, check_same_inputs, check_unchanged
from engine.supervisor.folder import LEADS_FILES, LEADS_NAME, STDIN_ASIDE_NAME, RunFolder, opened
from engine.supervisor.manifest import COMPLETE, Manifest, continued, describe, new_manifest, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.providers.caller import Key
    from engine.providers.shape import ShapedProvider
    from engine.settings import Settings
    from engine.sources.source import Source
    from engine.supervisor.plan import RunRequest

#: What run.json calls a folder of leads.
KIND: Final = "leads"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder that is ours, with all its leads in the store. `complete`: there is nothing to do in it."""

    folder: RunFolder
    store: JobStore
    provider: ShapedProvider
    key: Key
    complete: bool


@contextmanager
def prepared(request: RunRequest, wait_s: float, stdin: BinaryIO | None) -> Iterator[Prepared]:
    """Open the folder and the store, check all that can be checked, and write the manifest of a run that goes on."""
    check_platform()
    settings = request.loaded.settings
    provider = make_provider(settings)
    base_url(settings)
    key = api_key(settings, os.environ)
    is_run = request.mode == "run"
    given = _given(request) if is_run else []
    with opened(request.folder, create=is_run, wait_s=wait_s) as folder:
        store: JobStore | None = None
        try:
            if folder.manifest is not None and not request.fresh:
                store = _go_on(request, folder, folder.manifest, given, provider)
            else:
                store = _begin(request, folder, given, provider, stdin)
            complete = folder.started["state"] == COMPLETE
            yield Prepared(folder, store, provider, key, complete)
        finally:
            if store is not None:
                store.close()


def _given(request: RunRequest) -> list[Source]:
    if not request.sources:
        raise UsageError("no input: name a .jsonl, .csv, .tsv or .parquet file of leads, or - for stdin")
    return [resolve(text) for text in request.sources]


def _begin(
    request: RunRequest, folder: RunFolder, given: list[Source], provider: ShapedProvider, stdin: BinaryIO | None
) -> JobStore:
    before = folder.manifest
    if before is not None:
        _check_kind(request, before)
        _refuse_paid(folder)
    try:
        aside = folder.state / STDIN_ASIDE_NAME
        if any(source.is_stdin for source in given):
            spool_stdin(stdin or sys.stdin.buffer, aside)
        if before is not None:
            folder.clear()
        _remove(folder)
        if aside.exists():
            aside.replace(folder.stdin)
        sources = [spooled(folder.stdin) if source.is_stdin else source for source in given]
        store = JobStore.open(folder.state / LEADS_NAME, create=True)
        try:
            _ingest(store, sources, request.loaded.settings, provider)
        except BaseException:
            store.close()
            raise
        settings = request.loaded.settings
        manifest = new_manifest(settings, [describe(source) for source in sources], 0, datetime.now(UTC))
        folder.write(_of_leads({**manifest, "ingest_finished": True}, settings))
    except BaseException:
        if before is None:
            folder.discard()
        raise
    return store


def _go_on(
    request: RunRequest, folder: RunFolder, manifest: Manifest, given: list[Source], provider: ShapedProvider
) -> JobStore:
    _check_kind(request, manifest)
    settings = request.loaded.settings
    if request.mode == "run":
        if STDIN in request.sources:
            raise UsageError(f"{request.folder} has kept its stdin: use enrich resume {request.folder}")
        check_same_inputs(manifest, [describe(source) for source in given], request.folder)
    known, now = manifest["fingerprint"], fingerprint(settings)
    for name in sorted({*known, *now}):
        if known.get(name) != now.get(name):
            raise UsageError(
                f"{request.folder} was made with another {name}: choose another folder, or begin anew with"
                " enrich leads --fresh"
            )
    store = JobStore.open(folder.state / LEADS_NAME, create=not manifest["ingest_finished"])
    try:
        if not store.ingested:
            sources = [source_of(entry, folder.stdin) for entry in manifest["inputs"]]
            check_unchanged(manifest["inputs"], sources)
            _ingest(store, sources, settings, provider)
        if request.mode == "retry" or settings.leads.resubmit_uncertain or manifest["state"] != COMPLETE:
            folder.write(_of_leads({**continued(manifest, settings), "ingest_finished": True}, settings))
    except BaseException:
        store.close()
        raise
    return store


def _ingest(store: JobStore, sources: Sequence[Source], settings: Settings, provider: ShapedProvider) -> None:
    new, _ = store.ingest(new_leads(sources, provider, settings.leads, settings.input.limit))
    if not new:
        raise UsageError(f"nothing to do: {', '.join(repr(source.name) for source in sources)} holds no row")


def _of_leads(manifest: Manifest, settings: Settings) -> dict[str, Any]:
    """Make a manifest that of a folder of leads. That a second submit was once asked for must not be kept."""
    leads = {**manifest["settings"]["leads"], "resubmit_uncertain": False}
    kept = {**manifest["settings"], "leads": leads}
    return {**manifest, "kind": KIND, "settings": kept, "fingerprint": fingerprint(settings)}


def _check_kind(request: RunRequest, manifest: Manifest) -> None:
    if manifest.get("kind") != KIND:
        raise UsageError(f"{request.folder} is a run folder of pages, not of leads: choose another folder")


def _refuse_paid(folder: RunFolder) -> None:
    path = folder.state / LEADS_NAME
    if not path.exists():
        return
    store = JobStore.open(path)
    try:
        out = count(store.db).of(State.SUBMITTING, State.RUNNING)
    finally:
        store.close()
    if out:
        raise UsageError(
            f"{folder.path} has {out:,} jobs out that are paid for: collect them with enrich resume, or choose another"
            " folder"
        )


def _remove(folder: RunFolder) -> None:
    """Remove the store of a run that was given up, its log first (a new file beside an old log would take it)."""
    try:
        for name in LEADS_FILES:
            (folder.state / name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{error.filename}: cannot be removed: {error.strerror}") from error
