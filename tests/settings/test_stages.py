"""`stages:` in a settings file: every documented name has its effect, and every other one is refused."""

from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.settings import Settings, load
from engine.settings.stages import SHORT

VALUES = {
    "max_workers": (7, 7),
    "timeout": (12.5, 12.5),
    "max_retries": (4, 5),
    "limit_per_host": (3, 3),
    "batch_size": (25, 25),
    "user_agent": ("mine/1", "mine/1"),
    "allowed_domains": (["example.org"], ("example.org",)),
    "max_depth": (2, 2),
    "max_pages": (99, 99),
    "output_file": ("out.jsonl", "out.jsonl"),
    "content_types": (["text/html"], ("text/html",)),
    "nlp_enabled": (False, "none"),
    "spacy_model": ("rules", "rules"),
    "use_transformers": (True, True),
    "transformer_ner_model": ("my/ner", "my/ner"),
    "summarizer_model": ("none", "none"),
    "device": ("cpu", "cpu"),
    "max_text_length": (500, 500),
    "top_keywords": (3, 3),
    "predefined_tags": (["news"], ("news",)),
}


def loaded(tmp_path, text, stage):
    file = tmp_path / "my.yml"
    file.write_text(text, encoding="utf-8")
    return load([file], {}, {"run.stage": stage})


def value_of(settings: Settings, key: str):
    group, _, leaf = key.partition(".")
    return getattr(getattr(settings, group), leaf)


@pytest.mark.parametrize(("stage", "name", "key"), [(s, n, k) for s, names in SHORT.items() for n, k in names.items()])
def test_a_short_name_sets_its_setting_for_its_stage_and_no_other(tmp_path, stage, name, key):
    given, meant = VALUES[name]
    text = f"stages: {{{stage}: {{{name}: {str(given).lower() if isinstance(given, bool) else given}}}}}"
    here = loaded(tmp_path, text, stage)
    assert value_of(here.settings, key) == meant != value_of(Settings(), key)
    assert here.origins[key] == f"{tmp_path / 'my.yml'}, stages.{stage}.{name}"
    other = "validation" if stage == "enrichment" else "enrichment"
    assert value_of(loaded(tmp_path, text, other).settings, key) == value_of(Settings(), key)


def test_groups_stand_under_a_stage_and_win_over_the_same_files_general_ones(tmp_path):
    text = "stages:\n  validation:\n    fetch: {timeout_s: 5}\nfetch: {timeout_s: 9, max_redirects: 3}\n"
    validation, enrichment = (loaded(tmp_path, text, stage).settings.fetch for stage in ("validation", "enrichment"))
    assert (validation.timeout_s, validation.max_redirects) == (5, 3)
    assert (enrichment.timeout_s, enrichment.max_redirects) == (9, 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stages: {enrichment: {batchsize: 3}}", "stages.enrichment.batchsize is no setting"),
        ("stages: {enrichment: {batchsize: 3}}", "did you mean batch_size?"),
        ("stages: {enrichment: {ttl_dns_cache: 300}}", "stages.enrichment.ttl_dns_cache has no effect here"),
        ("stages: {enrich: {timeout: 3}}", "did you mean enrichment?"),
        ("stages: {validation: {nlp_enabled: true}}", "stages.validation.nlp_enabled is no setting"),
        ("stages: {enrichment: {nlp_enabled: 1}}", "must be true or false"),
        ("stages: {validation: {fetch: {timeout: 3}}}", "did you mean fetch.timeout_s?"),
        ("stages: [1]", "stages must be a mapping"),
        ("stages: {validation: 3}", "stages.validation must be a mapping"),
        ("stages: {enrichment: {timeout: soon}}", "fetch.timeout_s must be a number, not 'soon' ("),
    ],
)
def test_whatever_has_no_effect_is_refused_whichever_stage_runs(tmp_path, text, words):
    stages = ("enrichment",) if "soon" in text else ("discovery", "enrichment")
    for stage in stages:
        with pytest.raises(UsageError) as refused:
            loaded(tmp_path, text, stage)
        assert words in str(refused.value)
        assert "my.yml" in str(refused.value)


def test_nlp_enabled_leaves_the_pipeline_that_was_chosen(tmp_path):
    text = "nlp: {pipeline: rules}\nstages: {enrichment: {nlp_enabled: true}}"
    assert loaded(tmp_path, text, "enrichment").settings.nlp.pipeline == "rules"
