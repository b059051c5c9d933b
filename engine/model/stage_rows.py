"""The rows of discovery and validation: their fields, in their order. Enrichment's are in :mod:`.record`.

Names follow the pipeline that this succeeds. Every stage's row has `url`, `fetch_url`, `error_kind`, `schema_version`
and `shard` as well, so that one stage's file is the next one's input, and every command reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.model.finding import Role, Source
from engine.model.record import SCHEMA_VERSION

if TYPE_CHECKING:
    from engine.model.finding import Finding
    from engine.model.outcome import Failure
    from engine.model.record import Fetched, Row

#: How likely a found URL is to be a page of its own, by what named it: what its owner lists ranks above what links to
#: it.
CONFIDENCE: Final = {
    Source.SEED: 1.0,
    Source.CANONICAL: 0.95,
    Source.REDIRECT: 0.95,
    Source.SITEMAP: 0.9,
    Source.ROBOTS: 0.9,
    Source.FEED: 0.85,
    Source.LINK: 0.8,
}
#: Of a page that says, or shows, that it is another one, and of a URL that failed.
DOUBTFUL: Final = 0.1
#: Of a page whose text is nearly another's: two texts of few words may well be.
SIMILAR: Final = 0.5


def discovery_row(
    fetched: Fetched, finding: Finding, first_seen: str, metadata: dict[str, Any], failure: Failure | None
) -> Row:
    """A row of stage 1. `metadata` holds what the answer and the page say, its keys where they are known."""
    confidence = CONFIDENCE[finding.source]
    if failure is not None or "duplicate_of" in metadata:
        confidence = DOUBTFUL
    elif "similar_to" in metadata:
        confidence = SIMILAR
    return {
        "schema_version": SCHEMA_VERSION,
        "url": fetched.url,
        "url_hash": fetched.url_hash,
        "fetch_url": fetched.fetch_url,
        "source_url": finding.source_url,
        "discovered_url": fetched.url,
        "first_seen": first_seen,
        "discovery_depth": finding.depth,
        "discovery_source": finding.source.value,
        "confidence": confidence,
        "discovery_metadata": metadata,
        "error": failure.message if failure is not None else None,
        "error_kind": failure.kind.value if failure is not None else None,
        "attempts": fetched.attempts,
        "shard": fetched.shard,
    }


def discovered_page(row: Row) -> bool:
    """Whether a row of stage 1 is a page, or another document of worth, for stage 2."""
    metadata = row["discovery_metadata"]
    useful = metadata.get("role") in {Role.PAGE, Role.FILE}
    return row["error_kind"] is None and useful and "duplicate_of" not in metadata


def validation_row(
    fetched: Fetched, validated_at: str, content_length: int, headers: dict[str, str], failure: Failure | None
) -> Row:
    """A row of stage 2. Durations are in seconds; `content_length` is in bytes, 0 where it is not known."""
    observed = fetched.observed or {}
    return {
        "schema_version": SCHEMA_VERSION,
        "url": fetched.url,
        "url_hash": fetched.url_hash,
        "fetch_url": fetched.fetch_url,
        "final_url": fetched.final_url,
        "input": fetched.input if fetched.input is not None else {},
        "status_code": fetched.status_code,
        "content_type": fetched.media_type,
        "content_length": content_length,
        "response_time": round(fetched.fetch_duration_ms / 1000, 6),
        "is_valid": failure is None,
        "error_message": failure.message if failure is not None else None,
        "error": failure.message if failure is not None else None,
        "error_kind": failure.kind.value if failure is not None else None,
        "validated_at": validated_at,
        "validation_method": observed.get("method"),
        "redirect_chain": observed.get("redirects", []),
        "server_headers": headers,
        "network_metadata": observed.get("network", {}),
        "attempts": fetched.attempts,
        "shard": fetched.shard,
    }
