from __future__ import annotations

import os
import random
import subprocess
import sys
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from engine.nlp.entities import list_entities
from engine.nlp.iob import read_documents, spans
from engine.nlp.lexicon import LEXICON
from engine.nlp.ner_features import LongNames, feature_names, strings_of, words_of
from engine.nlp.ner_memory import Memory
from engine.nlp.ner_model import Model, read, save, shipped
from engine.nlp.ner_tagger import Tagger
from engine.nlp.ner_words import KINDS, word_attributes, word_kind, word_parts
from engine.nlp.page_facts import tell
from engine.nlp.pipeline import load
from engine.nlp.tokens import TOKENIZER

WEB = Path(__file__).with_name("data") / "web_sentences.iob"
LABELS = {"PERSON": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC"}


def entities(text):
    return {(entity["text"], entity["label"]): entity["count"] for entity in list_entities(load("builtin")(text))}


def test_names_in_web_sentences_are_recognised():
    nlp = load("builtin")
    right = guessed = known = 0
    for document in read_documents(WEB):
        for words, tags in document:
            doc = Doc(nlp.vocab, words=words, sent_starts=[at == 0 for at in range(len(words))])
            for name, component in nlp.pipeline:
                doc = doc if name == "engine_sentences" else component(doc)
            truth = set(spans(tags))
            found = {(e.start, e.end, LABELS[e.label_]) for e in doc.ents if e.label_ in LABELS}
            right, guessed, known = right + len(truth & found), guessed + len(found), known + len(truth)
    assert known > 250
    # Measured 0.78 (bench/ner.py); a plain CRF trained on the same data has 0.60.
    assert 2 * right / (guessed + known) > 0.75


def test_repeats_agree_and_count_with_the_full_name():
    text = (
        "Angela Whitcombe was appointed on Monday. Whitcombe joined the World Food Programme (WFP) in Nairobi.\n\n"
        "The WFP said that Whitcombe would begin in May."
    )
    found = entities(text)
    assert found[("Angela Whitcombe", "PERSON")] == 3
    assert found[("World Food Programme", "ORG")] == 3
    assert found[("Nairobi", "GPE")] == 1


def test_places_without_a_government_are_told_apart():
    found = entities("He walked from Edinburgh to London and swam in Lake Garda. Then to Vienna and Germany.")
    assert {("Edinburgh", "GPE"), ("Vienna", "GPE"), ("Germany", "GPE"), ("Lake Garda", "LOC")} <= set(found)


def test_rules_leave_the_trained_recogniser_out():
    assert "engine_ner" not in load("rules").pipe_names
    assert "engine_ner" in load("builtin").pipe_names


def test_it_passes_over_another_language():
    nlp = load("builtin")
    for language, expected in (("en", True), (None, True), ("de", False)):
        doc = nlp.make_doc("Angela Whitcombe works here.")
        tell(doc, {}, language)
        assert bool(nlp.get_pipe("engine_ner")(doc).ents) == expected


@pytest.mark.parametrize("text", ["", "\n", "A", ". . .", "THE END", "Ł" * 3000, "A B " * 3000, "(A) " * 500])
def test_odd_texts_are_no_trouble(text):
    load("builtin")(text)


def test_every_word_has_a_kind_that_is_listed():
    for word in ("London", "of", "X", "X.", "U.S.", "'s", "♥", "42", "3rd", "http://a.example", "iPhone", "ÉTÉ", "ß"):
        assert KINDS[word_kind(word)] != "edge"
        assert word_attributes(word)


def random_model(rng, names):
    labels = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    state = {(name, label): rng.uniform(-1, 1) for name in sorted(names) for label in labels if rng.random() < 0.7}
    transitions = {(a, b): rng.uniform(-1, 1) for a in labels for b in labels}
    return labels, state, transitions


def best_by_definition(model, features):
    """Viterbi as the books have it: over the features' names, a sentence at a time."""
    labels, state, transitions = model
    score = [{label: sum(state.get((name, label), 0.0) for name in names) for label in labels} for names in features]
    best = {label: (score[0][label], [label]) for label in labels}
    for column in score[1:]:
        best = {
            label: max(
                (best[old][0] + transitions[old, label] + column[label], [*best[old][1], label]) for old in labels
            )
            for label in labels
        }
    return max(best.values())[1]


@pytest.mark.parametrize(("seed", "for_outside"), [(5, 0.0), (6, 2.0), (7, 4.0), (8, 6.0)])
def test_tables_give_the_labels_that_the_features_mean(monkeypatch, seed, for_outside):
    monkeypatch.setattr("engine.nlp.ner_search._PRUNE", np.inf)
    rng = random.Random(seed)  # noqa: S311 - reproducible
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": TOKENIZER}}})
    nlp.add_pipe("engine_sentences")
    doc = nlp("Ann Lee of New York met Bob. NEWS FROM SAN FRANCISCO\nIt rained, he said.\n\nGo Home Now Bob")
    words = words_of(doc, LongNames(nlp))
    strings = strings_of(words)
    kind = np.array([word_kind(word) if word else 0 for word in strings])
    featured = list(feature_names(words, [word_attributes(word) if word else [] for word in strings], kind))
    model = random_model(rng, {name for _, names in featured for name in names})
    model[1]["bias", "O"] = for_outside
    begins = [*np.flatnonzero(words.first).tolist(), len(featured)]
    expected = [
        label
        for start, end in pairwise(begins)
        for label in best_by_definition(model, [names for _, names in featured[start:end]])
    ]
    tables = Model(*model)
    tagger = Tagger(tables)
    tagged = tagger.tag(words)
    assert tagged.kind.tolist() == kind[words.at].tolist()
    assert [tables.labels[label] for label in tagged.label.tolist()] == expected


class Failing(Model):
    """Runs out of memory once, at the first new word after `fails` was set."""

    fails = False

    def blocks(self, words):
        if self.fails:
            self.fails = False
            raise MemoryError
        return super().blocks(words)


def test_what_is_remembered_is_bounded_and_changes_nothing(monkeypatch):
    monkeypatch.setattr("engine.nlp.ner_memory._MOST_WORDS", 4)
    monkeypatch.setattr("engine.nlp.ner_memory._FIRST_SIZE", 2)
    texts = [["Ann", "met", "Bob"], ["Bob", "and", "Ann", "Lee"], ["Ann", "met", "Lee"], ["in", "Oslo", " "]]
    model = Failing(*random_model(random.Random(1), {f"{at}:w={word}" for at in (-1, 0) for word in ("ann", "oslo")}))  # noqa: S311 - reproducible
    memory = Memory(model)
    for text in [*texts, ["out", "of", "memory"], *texts]:
        numbers = np.array([LEXICON.number(word) for word in text])
        if "memory" in text:
            model.fails = True
            with pytest.raises(MemoryError):
                memory.look_up(numbers)
        rows = memory.look_up(numbers)
        assert len(memory.kinds) <= 16
        assert memory.kinds[rows].tolist() == [word_kind(word) for word in text]
        blocks = model.blocks([word_parts(word) for word in text])
        assert np.array_equal(memory.blocks[:, rows].swapaxes(0, 1), blocks)
    assert len(deepcopy(memory).kinds) == 2  # numbers are one process's


def test_a_model_is_the_same_after_a_round_trip(tmp_path):
    labels, state, transitions = random_model(
        random.Random(1),  # noqa: S311 - reproducible
        {"bias", "0:w=ann", "-1+2|title lower"},
    )
    state = {key: round(weight * 256) / 256 for key, weight in state.items()}
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path in paths:
        save(path, labels, state, transitions)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    again = read(paths[0])
    assert again.labels == labels
    ann = [word_parts("Ann")]
    assert np.allclose(again.blocks(ann), Model(labels, state, transitions).blocks(ann))


def test_the_shipped_model_is_small_and_names_what_it_was_trained_on():
    package = Path(sys.modules["engine.nlp.ner_model"].__file__).parent
    assert (package / "data" / "ner.npz").stat().st_size < 4 << 20
    assert set(shipped().labels) == {"O", *(f"{prefix}-{label}" for prefix in "BI" for label in ("PER", "LOC", "ORG"))}
    notice = (package.parents[1] / "NOTICE").read_text(encoding="utf-8")
    for source in ("WNUT 2017", "Broad Twitter Corpus", "Wikigold", "GeoNames", "Faker"):
        assert source in notice


def test_the_recogniser_is_trained_by_one_command_the_same_each_time(tmp_path):
    pytest.importorskip("pycrfsuite", reason="python-crfsuite is not installed")
    script = Path(__file__).parents[2] / "scripts" / "train_ner.py"
    folder = tmp_path / "iob"
    folder.mkdir()
    sentences = [sentence for document in read_documents(WEB) for sentence in document][:40]
    lines = ["\n".join(f"{word}\t{tag}" for word, tag in zip(*one, strict=True)) for one in sentences]
    (folder / "a.iob").write_text("\n\n".join(lines), encoding="utf-8")
    models = []
    for name in ("one.npz", "two.npz"):
        command = [sys.executable, str(script), str(folder), "--out", str(tmp_path / name), "--iterations", "2"]
        environment = os.environ | {"PYTHONPATH": str(script.parents[1])}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        models.append((tmp_path / name).read_bytes())
    assert models[0] == models[1]
