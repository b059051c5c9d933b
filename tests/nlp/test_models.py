"""Transformers: the rules around them, and real models where the extra is installed."""

from __future__ import annotations

import random
import select
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nlp.tiny_pipelines import sentence

from engine.errors import UsageError
from engine.ipc.frames import Decoder, encode
from engine.model.plan import NlpConfig
from engine.nlp.analyse import Analyser, Subject
from engine.nlp.models import found
from engine.nlp.models.asked import HostConfig, Told
from engine.nlp.models.batches import by_tokens, whole_sentences
from engine.nlp.models.client import ModelClient
from engine.nlp.models.found import model_folder, require_models
from engine.nlp.models.labels import Word, spans
from engine.settings import NlpSettings

EXTRA = "needs the extra `transformers` (torch and transformers are not installed)"


def nothing():
    """No step to take."""


# -- rules ------------------------------------------------------------------------------------------------------------


@given(lengths=st.lists(st.integers(1, 50), max_size=30), most=st.integers(1, 120))
def test_batches_hold_every_window_once_within_their_tokens(lengths, most):
    batches = list(by_tokens(lengths, most))
    assert sorted(number for batch in batches for number in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[number] for number in batch) <= most


@pytest.mark.parametrize(
    ("most", "kept"),
    [(0, "One is 1.5 m. Two? Three"), (99, "One is 1.5 m. Two? Three"), (20, "One is 1.5 m. Two?"),
     (15, "One is 1.5 m."), (10, ""), (1, "")],
)  # fmt: skip
def test_a_summary_is_cut_to_whole_sentences(most, kept):
    assert whole_sentences("One is 1.5 m. Two? Three", most) == kept


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ("B-PER I-PER O B-LOC", [(0, 2, "PERSON"), (3, 4, "GPE")]),
        ("B-PER B-PER I-ORG I-ORG", [(0, 1, "PERSON"), (1, 2, "PERSON"), (2, 4, "ORG")]),
        ("S-PER B-LOC E-LOC O", [(0, 1, "PERSON"), (1, 3, "GPE")]),
        ("U-ORG B-ORG L-ORG", [(0, 1, "ORG"), (1, 3, "ORG")]),
        ("PER PER O MISC", [(0, 2, "PERSON"), (3, 4, "MISC")]),
        ("O O", []),
    ],
)
def test_labels_of_any_scheme_make_names(labels, names):
    words = [Word(at, at + 1, label, 1) for at, label in enumerate(labels.split())]
    assert list(spans(words)) == names


# -- what is there ----------------------------------------------------------------------------------------------------


def asked(**settings):
    return NlpSettings(use_transformers=True, **settings)


def test_without_transformers_nothing_is_asked_for(monkeypatch):
    monkeypatch.setattr(found, "find_spec", lambda _: None)
    require_models(NlpSettings())


def test_missing_packages_name_the_command_that_installs_them(monkeypatch):
    monkeypatch.setattr(found, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(UsageError, match=r"needs torch: pip install 'enrich-engine\[transformers\]'"):
        require_models(asked())


def test_a_pipeline_with_names_of_its_own_is_refused():
    with pytest.raises(UsageError, match=r"works with nlp\.pipeline builtin or rules, not en_core_web_sm"):
        require_models(asked(pipeline="en_core_web_sm"))


def test_a_folder_without_a_model_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(found, "find_spec", lambda _: object())
    with pytest.raises(UsageError, match=rf"nlp.ner_model: {tmp_path} holds no model: it needs config.json"):
        require_models(asked(ner_model=str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "words"),
    [("nobody/nothing", "is not on this machine; fetch it: hf download nobody/nothing"), ("a b//c", "no such folder")],
)
def test_a_model_that_is_not_on_this_machine_is_not_fetched(monkeypatch, tmp_path, name, words):
    pytest.importorskip("huggingface_hub", reason=EXTRA)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match=words):
        model_folder(name)


# -- how a child asks -------------------------------------------------------------------------------------------------


class FakeModels:
    """Says of each text that its first word is an ORG, and that all is well."""

    def __init__(self):
        self.asked = []

    def ask(self, texts, summary_chars, step):
        step()
        self.asked.append((list(texts), summary_chars))
        return [Told([(0, len(text.split()[0]), "ORG")], None if "short" in text else "All is well.") for text in texts]


def test_names_and_summary_are_the_models_and_the_rest_is_ours():
    models = FakeModels()
    analyser = Analyser(asked(summary_max_chars=80), models)
    texts = ["Zubrowka paid $5 to Ann Doe.", " ", "Kwik is short. Old harbours keep many small wooden boats."]
    first, empty, short = analyser.analyse_all([Subject(text, hint="en") for text in texts])
    assert models.asked == [([texts[0], texts[2]], 80)]  # a text without a word is not worth a question
    assert [(entity["text"], entity["label"]) for entity in first.entities] == [("Zubrowka", "ORG"), ("$5", "MONEY")]
    assert first.summary == "All is well."
    assert (empty.entities, empty.summary) == ([], "")
    assert short.summary == "Old harbours keep many small wooden boats."
    assert analyser.batch_pages == 16


def test_without_a_model_of_names_they_are_the_pipeline_s():
    class Summaries(FakeModels):
        def ask(self, texts, summary_chars, step):
            return [Told(None, told.summary) for told in super().ask(texts, summary_chars, step)]

    found = Analyser(asked(ner_model="none"), Summaries()).analyse("It was Dr. Ann Doe of Paris who paid.", hint="en")
    assert ("Ann Doe", "PERSON") in [(entity["text"], entity["label"]) for entity in found.entities]
    assert found.summary == "All is well."


@pytest.fixture
def socket_folder():
    # Not tmp_path: a Unix socket's path may have some hundred bytes.
    with tempfile.TemporaryDirectory(prefix="nlp") as path:
        yield path


def config(folder):
    return NlpConfig(child=1, path=f"{folder}/n1.sock", settings={}, life_fd=-1)


def test_a_child_asks_its_device_s_host_and_hears_of_progress(socket_folder):
    questions = []

    def serve(slot):
        listener = socket(AF_UNIX, SOCK_STREAM)
        listener.bind(f"{socket_folder}/m{slot}.sock")
        listener.listen()
        return listener

    def answer(listener):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"".join(encode({"type": "ready", "devices": 2})))
            decoder = Decoder()
            while data := connection.recv(1 << 16):
                for frame in decoder.feed(data):
                    questions.append((frame.header, orjson.loads(frame.body)))
                    told = orjson.dumps([[[[0, 3, "ORG"]], None], [None, "Sum."]])
                    for header, body in (({"type": "progress"}, b""), ({"type": "told", "id": 1}, told)):
                        connection.sendall(b"".join(encode(header, body)))

    listeners = [serve(slot) for slot in range(2)]
    threads = [threading.Thread(target=answer, args=(listener,)) for listener in listeners]
    for thread in threads:
        thread.start()
    client = ModelClient(config(socket_folder), NlpSettings())
    steps = []
    assert client.ask(["a", "b"], 9, lambda: steps.append(1)) == [Told([(0, 3, "ORG")], None), Told(None, "Sum.")]
    assert questions == [({"type": "ask", "id": 1, "summary_chars": 9}, ["a", "b"])]
    assert steps == [1]
    client.close()
    for thread, listener in zip(threads, listeners, strict=True):
        thread.join()
        listener.close()


def test_a_host_answers_all_who_ask_and_survives_those_who_leave(socket_folder):
    path = f"{socket_folder}/m0.sock"
    command = [sys.executable, Path(__file__).with_name("scripted_host.py"), path]
    with subprocess.Popen(command) as host:  # noqa: S603 - our own
        try:
            while not Path(path).exists():
                assert host.poll() is None
                select.select([], [], [], 0.005)
            leaving, *staying = [ModelClient(config(socket_folder), NlpSettings()) for _ in range(3)]
            with ThreadPoolExecutor() as threads:
                asked = [threads.submit(client.ask, ["Ann left", "Bo"], 7, nothing) for client in staying]
                told = [answer.result() for answer in asked]
            assert all([one.names for one in answer] == [[(0, 3, "ORG")], [(0, 2, "ORG")]] for answer in told)
            assert {one.summary for answer in told for one in answer} <= {"4 texts", "2 texts"}
            leaving.close()
            assert staying[0].ask(["Cy"], 0, nothing) == [Told([(0, 2, "ORG")], "1 texts")]
            for client in staying:
                client.close()
        finally:
            host.kill()


def test_what_a_host_is_told_travels_as_one_argument():
    host = HostConfig("m0.sock", 0, NlpSettings(device="cpu").model_dump(mode="json"), 5, "info", "console")
    assert HostConfig.loaded(host.dumped()) == host
    assert host.nlp.device == "cpu"


# -- real models ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def name_model(tmp_path_factory):
    pytest.importorskip("torch", reason=EXTRA)
    pytest.importorskip("transformers", reason=EXTRA)
    from nlp import tiny_models  # noqa: PLC0415 - imports torch

    return tiny_models.name_model(tmp_path_factory.mktemp("models") / "names")


@pytest.fixture(scope="module")
def summariser(tmp_path_factory):
    pytest.importorskip("torch", reason=EXTRA)
    pytest.importorskip("transformers", reason=EXTRA)
    from nlp import tiny_models  # noqa: PLC0415 - imports torch

    return tiny_models.summariser(tmp_path_factory.mktemp("models") / "summaries")


def texts_and_names(seed, sentences):
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    text, names = "", []
    for _ in range(sentences):
        more, found_ = sentence(rng)
        names += [(len(text) + start, len(text) + end, label) for start, end, label in found_]
        text += more + " "
    return text, names


def test_a_real_model_finds_names_in_texts_of_any_length(name_model):
    from engine.nlp.models.names import NameModel  # noqa: PLC0415 - imports torch

    model = NameModel(name_model, "cpu")
    texts, truth = zip(*[texts_and_names(seed, sentences) for seed, sentences in enumerate([1, 3, 60, 0])], strict=True)
    steps = []
    found_ = model.find(texts, lambda: steps.append(1))
    assert steps
    for names, known in zip(found_, truth, strict=True):
        assert len(set(names) & set(known)) >= 0.9 * max(len(names), len(known))
    one_by_one = NameModel(name_model, "cpu", batch_tokens=1)
    assert [one_by_one.find([text], nothing)[0] for text in texts] == found_
    assert model.find([], nothing) == []


def test_a_real_summariser_writes_the_same_for_the_same_text(summariser):
    from engine.nlp.models.summaries import Summariser  # noqa: PLC0415 - imports torch

    model = Summariser(summariser, "cpu")
    texts = [texts_and_names(1, 2)[0], texts_and_names(2, 60)[0], texts_and_names(3, 15)[0]]
    short, long, other = model.summarise(texts, 0, nothing)
    assert short is None
    assert long
    assert other
    assert model.summarise(texts[1:], 0, nothing) == [long, other]
    assert Summariser(summariser, "cpu", batch_tokens=1).summarise(texts[1:], 0, nothing) == [long, other]
    assert model.summarise([], 0, nothing) == []


def test_models_that_are_there_are_accepted_and_a_device_that_is_not_is_named(name_model, summariser):
    there = {"ner_model": name_model, "summarizer_model": summariser}
    require_models(asked(**there))
    require_models(asked(**there | {"summarizer_model": "none"}))
    with pytest.raises(UsageError, match=r"nlp\.device: cuda:99 is not there; torch .* sees cpu"):
        require_models(asked(**there, device="cuda:99"))
