from __future__ import annotations

import subprocess
import sys

import pytest
import spacy
from spacy.training import Example

from engine.errors import ExitCode, UsageError
from engine.nlp.available import require_pipeline
from engine.nlp.entities import list_entities
from engine.nlp.pipeline import load


def test_a_missing_package_names_the_command_that_installs_it():
    for ask in (require_pipeline, load):
        with pytest.raises(UsageError, match="python -m spacy download en_core_web_none") as caught:
            ask("en_core_web_none")
        assert caught.value.exit_code == ExitCode.USAGE


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UsageError, match=f"no such folder or config: {tmp_path}/none"):
        load(f"{tmp_path}/none")


def test_a_folder_that_is_no_pipeline_is_said_to_be_none(tmp_path):
    with pytest.raises(UsageError, match="cannot be loaded by spaCy"):
        load(str(tmp_path))


def test_asking_does_not_load_spacy():
    code = "import sys, engine.nlp.available as a; a.require_pipeline('rules'); sys.exit('spacy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own


def test_the_built_in_one_is_loaded_once_and_none_is_none():
    assert load("rules") is load("rules")
    assert load("none") is None


def test_a_pipeline_of_ones_own_is_loaded_and_given_sentences(tmp_path):
    own = spacy.blank("en")
    ruler = own.add_pipe("entity_ruler")
    textcat = own.add_pipe("textcat")
    textcat.add_label("X")
    textcat.add_label("Y")
    own.initialize(lambda: [Example.from_dict(own.make_doc("a"), {"cats": {"X": 1.0, "Y": 0.0}})])
    ruler.add_patterns([{"label": "PRODUCT", "pattern": "Widget"}])
    own.to_disk(tmp_path / "own")
    nlp = load(str(tmp_path / "own"))
    assert nlp.pipe_names == ["entity_ruler", "engine_sentences"]
    doc = nlp("A Widget. Another one.")
    assert list_entities(doc) == [{"text": "Widget", "label": "PRODUCT", "count": 1}]
    assert len(list(doc.sents)) == 2


def test_a_config_can_name_our_components(tmp_path):
    config = spacy.blank("en").config.copy()
    config["nlp"]["pipeline"] = ["shapes"]
    config["components"] = {"shapes": {"factory": "engine_shapes"}}
    config.to_disk(tmp_path / "config.cfg")
    doc = load(str(tmp_path / "config.cfg"))("It costs $5 more.")
    assert list_entities(doc) == [{"text": "$5", "label": "MONEY", "count": 1}]
