"""The output row of a lead, and why one has no result."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

#: One row as it will be serialised; keys and order are those of docs/leads.md.
LeadRow = dict[str, Any]

FIELDS: Final = (
    "original_data",
    "enriched_data",
    "enrichment_success",
    "enrichment_fields",
    "notes",
    "confidence",
    "sources",
    "cost_cents",
    "task_id",
    "status",
    "error",
    "error_kind",
    "attempts",
    "submitted_at",
    "finished_at",
)


class LeadFailure(StrEnum):
    """Why a lead has no result: the values of the row's `error_kind`."""

    INVALID_LEAD = "invalid_lead"  # the row lacks what the call needs, or is no row
    NOT_A_LEAD = "not_a_lead"  # a category, a listing page: nobody to ask about
    REFUSED = "refused"  # the provider will not take it (4xx)
    JOB_FAILED = "job_failed"
    JOB_CANCELLED = "job_cancelled"
    JOB_TIMED_OUT = "job_timed_out"  # by the provider's own limit
    OVERDUE = "overdue"  # no end within leads.job_timeout_s; it may still come
    RESULT_GONE = "result_gone"  # the provider no longer knows the job
    NOTHING_FOUND = "nothing_found"  # the job is done and brought no fact
    BAD_ANSWER = "bad_answer"  # the job is done, and its answer is none that can be read
    UNCERTAIN = "uncertain"  # submitted perhaps, paid perhaps
    NOT_SUBMITTED = "not_submitted"  # the run stopped before its turn
    NOT_FINISHED = "not_finished"  # the run stopped while the job was on
