from __future__ import annotations

import orjson

from engine.model.outcome import Failure, FailureKind
from engine.model.record import Fetched, base_row
from engine.nlp.rowmaker import encode_row, make_row, stamp
from engine.nlp.values import Analysis, Extracted

FETCHED = Fetched(
    url="http://a.example/x", fetch_url="http://a.example/x", shard=1, final_url="http://a.example/y", status_code=200,
    content_type="text/plain", content_length=9, attempts=1, fetch_duration_ms=12.3456, input={"id": "7"},
)  # fmt: skip


def row_of(extracted, analysis=None, **options):
    options = {"tags": [], "max_text_length": 20_000} | options
    row = make_row(FETCHED, extracted, analysis or Analysis(), **options)
    return orjson.loads(encode_row(stamp(row, process_ms=1.5, enriched_at="2026-01-02T03:04:05Z")))


def test_every_field_is_there_in_its_order():
    analysis = Analysis("en", [{"text": "a", "label": "GPE", "count": 1}], [{"text": "b", "score": 1.0}], "A summary.")
    extracted = Extracted("text/html", "Title", "Some text here", "en", {"author": "A"}, has_pdf_links=True)
    extracted.has_audio_links = True
    row = row_of(extracted, analysis, tags=["news"])
    assert list(row) == list(base_row(FETCHED, ""))
    assert (row["title"], row["text_content"], row["word_count"]) == ("Title", "Some text here", 3)
    assert (row["language"], row["content_summary"], row["content_tags"]) == ("en", "A summary.", ["news"])
    assert (row["has_pdf_links"], row["has_audio_links"], row["metadata"]) == (True, True, {"author": "A"})
    assert row["input"] == {"id": "7"}
    assert (row["process_duration_ms"], row["enriched_at"]) == (1.5, "2026-01-02T03:04:05Z")
    assert len(row["content_hash"]) == 64
    assert len(row["simhash"]) == 16
    assert row["error"] is row["error_kind"] is None


def test_the_text_is_cut_and_the_words_are_counted_before():
    row = row_of(Extracted("text/html", text="one two three four"), max_text_length=7)
    assert (row["text_content"], row["word_count"]) == ("one two", 4)
    assert row_of(Extracted("text/html", text="one two"), max_text_length=0)["text_content"] == "one two"


def test_the_sniffed_type_is_the_row_s_and_the_header_s_where_none_was_sniffed():
    assert row_of(Extracted("text/html"))["content_type"] == "text/html"
    assert row_of(Extracted(""))["content_type"] == "text/plain"


def test_a_failure_keeps_what_was_found_before_it():
    row = row_of(Extracted("application/pdf", title="T", failure=Failure(FailureKind.EXTRACT_FAILED, "damaged")))
    assert (row["error"], row["error_kind"], row["title"]) == ("damaged", "extract_failed", "T")
    assert row["content_hash"] is row["simhash"] is None


def test_lone_surrogates_anywhere_break_nothing():
    bad = "x\ud800y"
    row = row_of(Extracted("text/html", bad, bad, metadata={bad: [bad, {"k": bad}]}), Analysis(summary=bad))
    assert row["title"] == row["text_content"] == row["content_summary"] == "x\ufffdy"
    assert row["metadata"] == {"x\ufffdy": ["x\ufffdy", {"k": "x\ufffdy"}]}


def test_a_row_is_one_line():
    line = encode_row(make_row(FETCHED, Extracted("", text="a\nb\r\u2028c"), Analysis(), tags=[], max_text_length=0))
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
