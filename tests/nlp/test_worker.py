from __future__ import annotations

import orjson

from engine.model.outcome import Failure, FailureKind
from engine.model.record import Fetched
from engine.nlp.page import Page
from engine.nlp.values import Extracted
from engine.nlp.worker import PageWorker
from engine.settings import Settings

URL = "http://a.example/news/x"


class FakeExtractor:
    """Says of a body what the test wants."""

    def __init__(self, result):
        self.result = result
        self.asked = None

    def extract(self, body, content_type, url):
        self.asked = (body, content_type, url)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def page(body=b""):
    return Page(
        7,
        alone=False,
        fetched=Fetched(url=URL, fetch_url=URL, shard=0, status_code=200),
        content_type="text/html",
        body=body,
    )


def work(result, **settings):
    extractor = FakeExtractor(result)
    worked = PageWorker(Settings.model_validate(settings), extractor).work(page(b"body"))
    assert extractor.asked == (b"body", "text/html", URL)
    return worked, orjson.loads(worked.row)


def test_a_page_becomes_its_row():
    worked, row = work(
        Extracted("text/html", "Title", "Paris is a city in France. It is a large one indeed.", "en"),
        extract={"predefined_tags": ["News"]},
    )
    assert worked.kind is None
    assert row["process_duration_ms"] == round(worked.ms, 3) > 0
    assert row["content_tags"] == ["News"]
    assert [entity["text"] for entity in row["entities"]] == ["Paris", "France"]
    assert row["enriched_at"].endswith("Z")


def test_analysis_sees_the_text_as_it_is_cut():
    _, row = work(Extracted("text/html", "", "Paris and then Berlin", "en"), extract={"max_text_length": 9})
    assert [entity["text"] for entity in row["entities"]] == ["Paris"]


def test_a_failed_extraction_is_the_row_s():
    worked, row = work(Extracted("image/x", failure=Failure(FailureKind.UNSUPPORTED_CONTENT, "no")))
    assert worked.kind == row["error_kind"] == "unsupported_content"


def test_a_defect_of_ours_costs_its_page_and_is_logged_with_its_traceback(capsys):
    worked, row = work(ZeroDivisionError("oh"))
    assert worked.kind == row["error_kind"] == "internal_error"
    assert "ZeroDivisionError: oh" in row["error"]
    assert row["url"] == URL
    assert "ZeroDivisionError" in "".join(capsys.readouterr())


def test_real_bytes_with_real_extractors():
    html = (
        b"<html lang=en><head><title>On Owls</title></head><body><article><h1>On Owls</h1>"
        b"<p>Owls hunt at night and sleep by day, as people in Norway have long known and often said.</p>"
        b"<p>Their feathers are soft, so that mice hear nothing until it is too late to run.</p></article></body>"
    )
    row = orjson.loads(PageWorker(Settings()).work(page(html)).row)
    assert (row["title"], row["language"], row["error"]) == ("On Owls", "en", None)
    assert "Their feathers are soft" in row["text_content"]
    assert {"text": "Norway", "label": "GPE", "count": 1} in row["entities"]


def test_without_a_pipeline_text_is_still_extracted():
    _, row = work(Extracted("text/html", "T", "Paris is a city.", "en"), nlp={"pipeline": "none"})
    assert (row["text_content"], row["language"], row["entities"]) == ("Paris is a city.", None, [])
