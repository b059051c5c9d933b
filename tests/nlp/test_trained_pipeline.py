"""A user's own trained pipeline: loaded, cut down to what is needed, and run over many pages at once."""

from __future__ import annotations

import random

import orjson
import pytest
from nlp.tiny_pipelines import PEOPLE, PLACES, sentence, trained

from engine.model.record import Fetched
from engine.nlp import analyse
from engine.nlp.analyse import Analyser, Subject
from engine.nlp.page import Page
from engine.nlp.pipeline import load
from engine.nlp.worker import PageWorker
from engine.settings import NlpSettings, Settings

VARYING = ("process_duration_ms", "enriched_at")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return str(trained(tmp_path_factory.mktemp("pipelines") / "own", shared=False))


@pytest.fixture
def subjects():
    rng = random.Random(3)  # noqa: S311 - reproducible, not secret
    return [Subject(" ".join(sentence(rng)[0] for _ in range(rng.randint(0, 40)))) for _ in range(7)]


def test_only_what_is_needed_is_kept(pipeline, tmp_path):
    assert load(pipeline).pipe_names == ["ner", "engine_sentences"]
    shared = trained(tmp_path / "shared", shared=True, rounds=1)
    assert load(str(shared)).pipe_names == ["tok2vec", "ner", "engine_sentences"]


def test_it_finds_what_it_has_learnt(pipeline, subjects):
    analyses = Analyser(NlpSettings(pipeline=pipeline)).analyse_all(subjects)
    found = [entity for analysis in analyses for entity in analysis.entities]
    known = [entity for entity in found if entity["text"] in {*PEOPLE, *PLACES}]
    assert sum(entity["count"] for entity in known) > 0.9 * sum(entity["count"] for entity in found) > 100


@pytest.mark.parametrize("step_chars", [1, 1_000, 1_000_000])
def test_texts_are_analysed_together_as_they_are_alone(pipeline, subjects, monkeypatch, step_chars):
    monkeypatch.setattr(analyse, "STEP_CHARS", step_chars)
    analyser = Analyser(NlpSettings(pipeline=pipeline))
    steps = []
    together = analyser.analyse_all(subjects, lambda: steps.append(1))
    assert together == [analyser.analyse_all([subject])[0] for subject in subjects]
    assert 1 <= len(steps) <= len(subjects)


def test_a_long_text_is_analysed_in_windows_as_it_is_whole(pipeline, monkeypatch):
    rng = random.Random(5)  # noqa: S311 - reproducible, not secret
    text = "\n\n".join(" ".join(sentence(rng)[0] for _ in range(3)) for _ in range(30))
    analyser = Analyser(NlpSettings(pipeline=pipeline))
    whole = analyser.analyse(text)
    monkeypatch.setattr(analyse, "WINDOW_CHARS", 400)
    found = analyser.analyse(text)
    assert [entity["text"] for entity in found.entities] == [entity["text"] for entity in whole.entities]
    assert (found.keywords, found.summary) == (whole.keywords, whole.summary)


class Broken:
    """An extractor with a defect that one page meets."""

    def __init__(self, real):
        self._real = real

    def extract(self, body, content_type, url):
        if b"broken" in body:
            raise ZeroDivisionError("oh")
        return self._real.extract(body, content_type, url)


def pages(count):
    rng = random.Random(7)  # noqa: S311 - reproducible, not secret
    for number in range(count):
        url = f"http://a.example/{number}"
        text = " ".join(sentence(rng)[0] for _ in range(20))
        fetched = Fetched(url=url, fetch_url=url, shard=0, status_code=200)
        body = f"<title>Page {number}</title><main><h1>Page {number}</h1><p>{text}</p>".encode()
        yield Page(number, alone=False, fetched=fetched, content_type="text/html", body=body)


def work(worker, pages):
    rows = [orjson.loads(worker.work(page).row) for page in pages]
    return [{key: value for key, value in row.items() if key not in VARYING} for row in rows]


def test_rows_are_the_same_for_pages_together_and_alone(pipeline):
    worker = PageWorker(Settings.model_validate({"nlp": {"pipeline": pipeline, "batch_pages": 3}}))
    assert worker.batch_pages == 3
    batch = list(pages(5))
    alone = work(worker, batch)
    worker.prepare(batch, lambda: None)
    assert work(worker, batch) == alone
    assert all(row["entities"] for row in alone)


def test_one_page_with_a_defect_costs_no_other(pipeline):
    worker = PageWorker(Settings.model_validate({"nlp": {"pipeline": pipeline}}))
    batch = list(pages(3))
    alone = work(worker, batch)
    worker._extractor = Broken(worker._extractor)
    broken = Page(9, alone=False, fetched=batch[0].fetched, content_type="text/html", body=b"broken")
    worker.prepare([*batch, broken], lambda: None)
    *rows, failed = work(worker, [*batch, broken])
    assert rows == alone
    assert failed["error_kind"] == "internal_error"
