"""A provider of another shape: rows are submitted by the batch, and each row of a batch has a status of its own.

`POST /batches` with a list of rows answers 202 and the batch's id; `GET /batches/{id}` answers 202 while any row is
pending, with the rows that are done already, and 200 when all are. It is the shape of many batch APIs in their plainest
form, for services of one's own.
"""

from __future__ import annotations

from typing import Final

from engine.model.lead import LeadFailure
from engine.providers.shape import Endpoint, Shape

_MAX_ROWS: Final = 100

SHAPE: Final = Shape(
    name="rowbatch",
    endpoints={"batches": Endpoint(lead="rows", bulk=_MAX_ROWS)},
    poll_path="/batches/{task_id}",
    cancel_path="/batches/{task_id}/cancel",
    callback_field="callback",
    ids=("batch_id",),
    statuses=("state",),
    done=frozenset({"ok"}),
    failed={"error": LeadFailure.JOB_FAILED, "cancelled": LeadFailure.JOB_CANCELLED},
    started=("begun_at",),
    results=("output",),
    errors=("problem.title",),
    costs=("price_cents",),
    rows=("rows",),
    data=("fields",),
    notes=("comment",),
    confidence=("score",),
    sources=("links",),
    retry_after=("poll_after_s",),
)
