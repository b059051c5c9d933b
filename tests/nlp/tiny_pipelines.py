"""Small spaCy pipelines, trained on the spot: real recognisers of made-up names, a second of work each."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import spacy
from spacy.training import Example

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = ("Ann Doe", "Bob Roe", "Cy Poe", "Dee Loe")
PLACES = ("Ghent", "Delft", "Basel", "Turin")
SENTENCES = ("{person} lives in {place}.", "In {place} we met {person} again.", "{person} wrote to {person}.")
_TOK2VEC: dict[str, Any] = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "width": 16,
    "depth": 1,
    "embed_size": 200,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
    "pretrained_vectors": None,
}


def trained(path: Path, *, shared: bool, rounds: int = 12) -> Path:
    """A recogniser with an encoder of its own, or with one that it shares; beside it a tagger that shares one too."""
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": _TOK2VEC})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16, "upstream": "*"}
    nlp.add_pipe("tagger", config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}})
    parser = {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 16,
        "maxout_pieces": 2,
        "use_upper": True,
        "tok2vec": listener if shared else _TOK2VEC,
    }
    nlp.add_pipe("ner", config={"model": parser})
    rng = random.Random(1)  # noqa: S311 - reproducible, not secret
    examples = [_example(nlp, rng) for _ in range(40)]
    spacy.util.fix_random_seed(1)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01  # so little is to be learnt that a dozen rounds will do
    for _ in range(rounds):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(path)
    return path


def sentence(rng: random.Random) -> tuple[str, list[tuple[int, int, str]]]:
    """A sentence, and the (first character, one after the last, label) of its names."""
    text, entities = "", []
    for part in rng.choice(SENTENCES).replace("{", "|{").replace("}", "}|").split("|"):
        label = {"{person}": "PERSON", "{place}": "GPE"}.get(part)
        name = rng.choice(PEOPLE if label == "PERSON" else PLACES) if label else part
        if label:
            entities.append((len(text), len(text) + len(name), label))
        text += name
    return text, entities


def _example(nlp: spacy.language.Language, rng: random.Random) -> Example:
    text, entities = sentence(rng)
    doc = nlp.make_doc(text)
    return Example.from_dict(doc, {"entities": entities, "tags": ["X"] * len(doc)})
