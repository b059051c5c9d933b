"""A run with transformers: one process holds the models for all children, and its loss costs no page."""

from __future__ import annotations

import psutil
import pytest
from system.harness import MARK, rows

EXTRA = "needs the extra `transformers` (torch and transformers are not installed)"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    pytest.importorskip("torch", reason=EXTRA)
    pytest.importorskip("transformers", reason=EXTRA)
    from nlp import tiny_models  # noqa: PLC0415 - imports torch

    folder = tmp_path_factory.mktemp("models")
    return {
        "nlp__use_transformers": True,
        "nlp__ner_model": tiny_models.name_model(folder / "names"),
        "nlp__summarizer_model": tiny_models.summariser(folder / "summaries"),
        "nlp__device": "cpu",
    }


def hosts(enrich):
    """The hosts that are at work: one that finds another at work leaves at once."""
    found = []
    for process in psutil.process_iter():
        try:
            if "engine.nlp.models.host" in process.cmdline() and process.environ().get(MARK) == enrich.mark:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_a_host_that_is_killed_costs_no_page(enrich, models):
    from nlp.tiny_models import WORDS  # noqa: PLC0415 - imports torch

    listing = enrich.listing(f"http://{host}.test/html/{number}" for number in range(4) for host in "ab")
    running = enrich.start(
        *enrich.run(
            listing,
            run__nlp_processes=2,
            nlp__batch_pages=2,
            nlp__summary_max_chars=0,
            extract__max_text_length=900,
            **models,
        )
    )
    running.until(enrich.committed)
    for host in hosts(enrich):
        host.kill()
    assert running.ended() == 0, running.err
    found = rows(enrich.out).values()
    assert len(found) == 8
    assert not [row["error"] for row in found if row["error"]]
    written = [set(row["content_summary"].replace(".", " ").split()) for row in found]
    assert all(len(words) > 0 and words <= {*WORDS} for words in written)  # no others are known to the model


def test_models_that_cannot_be_loaded_end_the_run_with_the_reason(enrich, models, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "bert"}')
    (broken / "model.safetensors").write_bytes(b"")
    done = enrich(*enrich.run(enrich.listing(["http://a.test/html/1"]), **models | {"nlp__ner_model": str(broken)}))
    assert done.code == 2
    assert "nlp.use_transformers" in done.err


def test_a_missing_model_is_refused_before_anything_is_started(enrich, models):
    none = models | {"nlp__ner_model": "nobody/nothing"}
    done = enrich.refused(
        *enrich.run(enrich.listing(["http://a.test/html/1"]), **none), environ={"HF_HUB_OFFLINE": "1"}
    )
    assert done.code == 2
    assert "hf download nobody/nothing" in done.line
    assert not enrich.out.exists()
