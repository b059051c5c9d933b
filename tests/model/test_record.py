"""The row's fields, their order, and what an error row keeps of the answer."""

from __future__ import annotations

from hashlib import sha256

from engine.model.outcome import MAX_MESSAGE_CHARS, Failure, FailureKind
from engine.model.record import Fetched, base_row, error_row

_AT = "2026-01-02T03:04:05Z"


def test_every_row_has_every_field_in_order():
    row = base_row(Fetched("http://h/", "http://h/", 1), _AT)
    failed = error_row(Fetched("x", "x", 0), Failure(FailureKind.INVALID_URL, "not a URL: 'x'"), _AT)
    assert list(row) == list(failed)
    assert row["input"] == {}
    assert row["url_hash"] == sha256(b"http://h/").hexdigest()
    assert (row["final_url"], row["status_code"], row["content_type"], row["content_length"]) == (None, 0, "", 0)
    assert (row["error"], row["error_kind"]) == (None, None)


def test_an_error_row_keeps_what_is_known_of_the_answer():
    fetched = Fetched("http://h/", "http://h/", 0, "http://h/x", {"id": "7"}, 404, "text/html", 12, 2, 3.14159)
    row = error_row(fetched, Failure(FailureKind.HTTP_STATUS, "404 Not Found"), _AT)
    assert (row["status_code"], row["final_url"], row["input"], row["attempts"]) == (404, "http://h/x", {"id": "7"}, 2)
    assert (row["error_kind"], row["error"], row["fetch_duration_ms"]) == ("http_status", "404 Not Found", 3.142)


def test_a_sentence_that_quotes_too_much_is_cut():
    failure = Failure(FailureKind.BAD_REDIRECT, "a redirect to " + "x" * 40_000)
    assert len(failure.message) == MAX_MESSAGE_CHARS
    assert failure.message.endswith("x…")
