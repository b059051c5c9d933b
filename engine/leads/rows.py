"""The output: a row for every lead, whatever became of it, written aside and shown under its name when whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from engine.errors import OutputError
from engine.model.lead import LeadFailure, LeadRow
from engine.output.codec import FAILURES_NAME, OUTPUT_NAME
from engine.output.folder import reason, sync_folder
from engine.output.merged import MergedFile
from engine.policy.job import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.output.codec import Compression
    from engine.output.merged import FileFacts
    from engine.providers.base import Provider
    from engine.providers.store import JobStore

#: What is said of a lead whose turn or end has not come: no failure, and none to review.
_UNENDED: Final = {
    State.PLANNED: (LeadFailure.NOT_SUBMITTED, "the run stopped before its turn: enrich resume goes on"),
    State.SUBMITTING: (LeadFailure.NOT_FINISHED, "it is being submitted"),
    State.RUNNING: (LeadFailure.NOT_FINISHED, "its job is on: enrich resume collects it"),
}


def lead_row(stored: tuple[Any, ...], provider: Provider) -> LeadRow:
    """Make the row of a lead from what :meth:`engine.providers.store.JobStore.rows` gives."""
    _, original, state, task_id, attempts, submitted_at, finished_at, kind, error, result, cost = stored
    facts = provider.facts(None if result is None else orjson.loads(result))
    if state in _UNENDED:
        kind, error = _UNENDED[State(state)]
    filled = [name for name, value in facts.data.items() if value not in (None, "", [], {})]
    return {
        "original_data": orjson.loads(original),
        "enriched_data": facts.data,
        "enrichment_success": state == State.COMPLETED and kind is None,
        "enrichment_fields": filled,
        "notes": facts.notes,
        "confidence": facts.confidence,
        "sources": facts.sources,
        "cost_cents": cost,
        "task_id": task_id,
        "status": state,
        "error": error,
        "error_kind": kind,
        "attempts": attempts,
        "submitted_at": _rfc3339(submitted_at),
        "finished_at": _rfc3339(finished_at),
    }


def write_rows(store: JobStore, provider: Provider, folder: Path, compression: Compression) -> dict[str, FileFacts]:
    """Write the output and the failures; the facts of each file by its name. Raises OutputError."""
    with (
        MergedFile(folder, OUTPUT_NAME, compression) as output,
        MergedFile(folder, FAILURES_NAME, compression) as failures,
    ):
        for stored in store.rows():
            row = lead_row(stored, provider)
            line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
            output.add((line,))
            if row["error_kind"] is not None and row["status"] not in _UNENDED:
                failures.add((line,))
        facts = {file.path.name: file.finish() for file in (output, failures)}
        output.publish()
        failures.publish()
        try:
            sync_folder(folder)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be synced to disk: {reason(error)}") from error
        return facts


def examples(store: JobStore) -> Mapping[str, str]:
    """One error for each kind, for the summary."""
    return dict(store.db.execute("SELECT kind, min(error) FROM lead WHERE kind IS NOT NULL GROUP BY kind"))


def _rfc3339(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
