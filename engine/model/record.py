"""The output row: its fields, in their order, and how an error row is made."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from engine.model.outcome import Failure


SCHEMA_VERSION = 1

#: One row as it will be serialised; keys and order are those of docs/rows.md.
Row = dict[str, Any]


class Fetched(NamedTuple):
    """What the shard knows of a URL when its row is made.

    `content_type` is the header as it came; the row has its media type alone. `input` is the object of the other input
    columns. Lengths are in bytes, decoded; durations in milliseconds.
    `x_robots_tag` are the values of the header of that name, a line each. `observed` is what validation tells of the
    answer beside that; other stages have None.
    """

    url: str
    fetch_url: str
    shard: int
    final_url: str | None = None
    input: Any = None
    status_code: int = 0
    content_type: str = ""
    content_length: int = 0
    attempts: int = 0
    fetch_duration_ms: float = 0.0
    from_cache: bool = False
    x_robots_tag: str = ""
    observed: dict[str, Any] | None = None

    @property
    def url_hash(self) -> str:
        """SHA-256 of `url` as it was given, in hexadecimal digits."""
        return sha256(self.url.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def media_type(self) -> str:
        """The media type of `content_type`, without its parameters."""
        return _media_type(self.content_type)


@lru_cache(maxsize=1024)  # a list's pages have the same few
def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def base_row(fetched: Fetched, enriched_at: str) -> Row:
    """A row with every field present and nothing extracted yet. `enriched_at` is RFC 3339 in UTC."""
    return {
        "schema_version": SCHEMA_VERSION,
        "url": fetched.url,
        "url_hash": fetched.url_hash,
        "final_url": fetched.final_url,
        "fetch_url": fetched.fetch_url,
        "input": fetched.input if fetched.input is not None else {},
        "status_code": fetched.status_code,
        "content_type": fetched.media_type,
        "content_length": fetched.content_length,
        "title": "",
        "text_content": "",
        "word_count": 0,
        "language": None,
        "entities": [],
        "keywords": [],
        "content_summary": "",
        "content_tags": [],
        "has_pdf_links": False,
        "has_audio_links": False,
        "metadata": {},
        "media": None,
        "content_hash": None,
        "simhash": None,
        "duplicate_of": None,
        "from_cache": fetched.from_cache,
        "error": None,
        "error_kind": None,
        "attempts": fetched.attempts,
        "fetch_duration_ms": round(fetched.fetch_duration_ms, 3),
        "process_duration_ms": 0.0,
        "enriched_at": enriched_at,
        "shard": fetched.shard,
    }


def error_row(fetched: Fetched, failure: Failure, enriched_at: str) -> Row:
    """The row of a URL that failed: what is known of the answer, and why there is no more."""
    row = base_row(fetched, enriched_at)
    row["error"] = failure.message
    row["error_kind"] = failure.kind.value
    return row
