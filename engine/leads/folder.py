"""What is asked of a folder of leads at rest, or while its run is on: status, rows again, check."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

from engine.errors import EngineError
from engine.leads.rows import write_rows
from engine.leads.setup import make_provider
from engine.model.lead import FIELDS
from engine.observe.figures import eta_s
from engine.output.codec import FAILURES_NAME, CorruptError, file_name, open_lines
from engine.policy.job import State
from engine.providers.counts import count, per_s
from engine.providers.schema import writing
from engine.providers.store import JobStore
from engine.settings import load_again
from engine.statefile import connect_readonly
from engine.supervisor.folder import LEADS_NAME, opened
from engine.supervisor.lock import is_held
from engine.supervisor.manifest import COMPLETE, INTERRUPTED, RUNNING, Manifest, read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.providers.counts import Counts
    from engine.supervisor.folder import RunFolder


def read_status(path: Path) -> dict[str, Any]:
    """How a run stands: state (running, interrupted, complete), elapsed_s, and Counts.as_json, with kind "leads".

    While it is on also rate (leads that end in a second) and eta_s (None: no telling), else None.
    """
    manifest = read_manifest(path)
    running = is_held(path / "state" / "lock")
    state = INTERRUPTED if manifest["state"] == RUNNING and not running else manifest["state"]
    store = path / "state" / LEADS_NAME
    with writing(store), closing(connect_readonly(store)) as db:
        counts = count(db)
        rate = per_s(db, time.time()) if running and counts.known else None
    left = counts.of(State.PLANNED, State.SUBMITTING, State.RUNNING)
    pace = {"rate": rate, "eta_s": eta_s(left, rate, 0.0) if running else None}
    return {"kind": "leads", "state": state, "elapsed_s": manifest["elapsed_s"], **pace, **counts.as_json()}


def merge_folder(path: Path) -> tuple[int, int]:
    """Write the rows again: (rows, error rows among them)."""
    with _opened(path) as (folder, store):
        manifest = folder.started
        # Redacted secrets change no row: what shapes rows is all in the manifest.
        settings = load_again({**manifest, "redacted": []}, [], {}, {}).settings
        compression = manifest["fingerprint"]["output.compression"]
        outputs = write_rows(store, make_provider(settings), path, compression)
        folder.write({**manifest, "outputs": outputs})
        failures = outputs[file_name(FAILURES_NAME, compression)]["rows"]
        return sum(file["rows"] for file in outputs.values()) - failures, failures


def verify_folder(path: Path) -> list[str]:
    """Check a folder: the store, the files against run.json, a row for each lead. Each problem is a sentence."""
    with _opened(path) as (folder, store):
        found = str(store.db.execute("PRAGMA quick_check(1)").fetchone()[0])
        problems = [] if found == "ok" else [f"state/{LEADS_NAME}: {' '.join(found.split())}"]
        counts = count(store.db)
        manifest = folder.started
        if manifest["state"] == COMPLETE and manifest["counts"] != counts.as_json():
            problems.append("run.json: its counts are not those of the jobs")
        problems += _file_problems(path, manifest, counts)
        return problems


def _file_problems(path: Path, manifest: Manifest, counts: Counts) -> Iterator[str]:
    for name, facts in manifest["outputs"].items():
        file = path / name
        try:
            digest = sha256(file.read_bytes()).hexdigest()
            if digest != facts["sha256"]:
                yield f"{name}: is not the file that was written (its SHA-256 differs)"
            with open_lines(file) as lines:
                rows = 0
                for rows, line in enumerate(lines, 1):
                    if tuple(orjson.loads(line)) != FIELDS:
                        yield f"{name}: line {rows} is no row of a lead"
        except (OSError, ValueError, CorruptError, EngineError) as error:
            yield f"{name}: cannot be read: {error}"
            continue
        if not name.startswith(FAILURES_NAME) and rows != counts.known:
            yield f"{name}: {rows:,} rows for {counts.known:,} leads"


@contextmanager
def _opened(path: Path) -> Iterator[tuple[RunFolder, JobStore]]:
    with opened(path, create=False) as folder:
        store = JobStore.open(folder.state / LEADS_NAME)
        try:
            yield folder, store
        finally:
            store.close()
