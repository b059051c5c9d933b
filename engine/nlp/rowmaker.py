"""The row of a page: what the shard knows of it, what was extracted, what was analysed, as one line of JSON.

Law: whatever a page holds, the line is valid UTF-8 and JSON, and every field of docs/rows.md is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from engine.model.record import Fetched, Row, base_row
from engine.nlp.fingerprint import MAX_WORDS, content_hash, simhash
from engine.nlp.text import clean, count_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.nlp.values import Analysis, Extracted


def make_row(
    fetched: Fetched, extracted: Extracted, analysis: Analysis, *, tags: Sequence[str], max_text_length: int
) -> Row:
    """The row, less its times (:func:`stamp`). `max_text_length` is in characters, 0 for no limit."""
    words = extracted.text.split(maxsplit=MAX_WORDS)
    row = base_row(fetched, "")
    row["content_type"] = extracted.content_type or fetched.content_type
    row["title"] = extracted.title
    row["text_content"] = cut(extracted.text, max_text_length)
    row["word_count"] = len(words) if len(words) <= MAX_WORDS else count_words(extracted.text)
    row["language"] = analysis.language
    row["entities"] = analysis.entities
    row["keywords"] = analysis.keywords
    row["content_summary"] = analysis.summary
    row["content_tags"] = list(tags)
    row["has_pdf_links"] = extracted.has_pdf_links
    row["has_audio_links"] = extracted.has_audio_links
    row["metadata"] = extracted.metadata
    row["media"] = extracted.media
    row["content_hash"] = content_hash(extracted.text)
    row["simhash"] = simhash(words)
    if extracted.failure is not None:
        row["error"] = extracted.failure.message
        row["error_kind"] = extracted.failure.kind.value
    return row


def stamp(row: Row, *, process_ms: float, enriched_at: str) -> Row:
    """`row` with its times: the milliseconds it took to make, and when (RFC 3339, UTC)."""
    row["process_duration_ms"] = round(process_ms, 3)
    row["enriched_at"] = enriched_at
    return row


def encode_row(row: Row) -> bytes:
    """The row as one JSON line with its newline. Lone surrogates become U+FFFD."""
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a lone surrogate somewhere: rare, so it is looked for only now
        return orjson.dumps(clean(row), option=orjson.OPT_APPEND_NEWLINE)


def cut(text: str, max_chars: int) -> str:
    """At most `max_chars` characters of `text`; 0 for all."""
    return text[:max_chars] if max_chars else text
