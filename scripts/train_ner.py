"""Trains the recogniser of persons, organisations and places that `nlp.pipeline: builtin` uses.

    pip install python-crfsuite
    python scripts/train_ner.py FOLDER... [--out FILE] [--seed 1] [--hold-back 0.25 --split FOLDER]

Each FOLDER holds IOB files (*.tsv, *.iob, *.conll, also .gz); their labels PER, LOC and ORG are learnt, others are
outside. To these come sentences made from scripts/ner_sentences.txt with names of the gazetteers, and variations of
the given ones: other names in their places, headings, capitals. The same files, seed and versions give the same bytes.

With --hold-back a share of each file (blocks of neighbouring sentences) is left out and judged; --split writes both
parts (FOLDER/train and FOLDER/held), for bench/ner.py to judge pipelines and baselines by.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pycrfsuite
import spacy
from spacy.tokens import Doc

from engine.nlp.iob import Sentence, read_documents, spans
from engine.nlp.ner_features import LongNames, feature_names, strings_of, words_of
from engine.nlp.ner_model import Model, read, save
from engine.nlp.ner_tagger import Tagger
from engine.nlp.ner_words import word_attributes, word_kind
from engine.nlp.tokens import TOKENIZER
from engine.nlp.wordlists import data_lines, data_words, gazetteers

ROOT: Final = Path(__file__).parents[1]
LABELS: Final = ("PER", "LOC", "ORG")
TAGS: Final = ("O", *(f"{prefix}-{label}" for label in LABELS for prefix in "BI"))
SUFFIXES: Final = {".tsv", ".iob", ".conll", ".gz"}
#: crfsuite's L-BFGS: L1 leaves features out, L2 keeps weights of rare ones low. Chosen on what --hold-back kept.
PARAMETERS: Final = {"c1": 0.15, "c2": 0.03, "feature.possible_transitions": True}
#: How often each sentence to fill in is filled in, and each given sentence with other names.
FILLED: Final = 6
REPLACED: Final = 1
#: Share of sentences that are repeated as a heading, and in capitals.
AS_HEADING: Final = 0.08
AS_CAPITALS: Final = 0.015
#: Sentences held back together, so that the rest of a document is not trained on.
BLOCK: Final = 20
#: A sentence whose share of words without a letter is larger (emoticons, drawings) teaches nothing.
MOST_SYMBOLS: Final = 0.6


def main() -> None:
    """Train, judge what was held back, write the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, default=ROOT / "engine" / "nlp" / "data" / "ner.npz")
    parser.add_argument("--hold-back", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--split", type=Path, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--iterations", type=int, default=160)
    options = parser.parse_args()
    rng = random.Random(options.seed)  # noqa: S311 - reproducible, not secret
    files = sorted(path for folder in options.folders for path in folder.iterdir() if path.suffix in SUFFIXES)
    training: list[Sentence] = []
    held: dict[str, list[Sentence]] = {}
    for path in files:
        sentences = [cleaned for document in read_documents(path) for one in document if (cleaned := clean(one))]
        kept, back = split(sentences, options.hold_back, rng)
        training += kept
        held[path.name] = back
        if options.split:
            write(options.split / "train" / f"{path.name.partition('.')[0]}.iob", kept)
            write(options.split / "held" / f"{path.name.partition('.')[0]}.iob", back)
    training += variations(training, rng)
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": TOKENIZER}}})
    training += made_up(nlp, training, rng)
    training += [heading(one) for one in training if rng.random() < AS_HEADING]
    training += [capitals(one) for one in training if rng.random() < AS_CAPITALS]
    print(f"{len(training)} sentences, {sum(len(tokens) for tokens, _ in training)} tokens from {len(files)} files")
    names = LongNames(nlp)
    state, transitions = train(nlp, names, training, options.iterations)
    save(options.out, TAGS, state, transitions)
    print(f"{options.out}: {len(state)} weights, {options.out.stat().st_size} bytes")
    for name, sentences in held.items():
        if sentences:
            print(f"{name}: {judge(nlp, names, read(options.out), sentences)}")


def train(
    nlp: spacy.language.Language, names: LongNames, sentences: list[Sentence], iterations: int
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """The weights of (feature, tag) and of (tag, next tag)."""
    trainer = pycrfsuite.Trainer(verbose=False)
    for tokens, tags in sentences:
        items = [features for _, features in featured(nlp, names, tokens)]
        trainer.append(pycrfsuite.ItemSequence(items), tags)
    trainer.select("lbfgs")
    trainer.set_params({**PARAMETERS, "max_iterations": iterations})
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.crfsuite")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        found = tagger.info()
        tagger.close()
    return dict(found.state_features), dict(found.transitions)


def featured(nlp: spacy.language.Language, names: LongNames, tokens: list[str]) -> list[tuple[int, list[str]]]:
    """(place, features) of each token of a sentence."""
    doc = as_doc(nlp, tokens)
    words = words_of(doc, names)
    strings = strings_of(words)
    kind = np.array([word_kind(word) if word else 0 for word in strings], dtype=np.int64)
    return list(feature_names(words, [word_attributes(word) if word else [] for word in strings], kind))


def as_doc(nlp: spacy.language.Language, tokens: list[str]) -> Doc:
    """A Doc of one sentence."""
    return Doc(nlp.vocab, words=tokens, sent_starts=[at == 0 for at in range(len(tokens))])


def judge(nlp: spacy.language.Language, names: LongNames, model: Model, sentences: list[Sentence]) -> str:
    """Precision, recall and F1 of the labels together."""
    tagger = Tagger(model)
    right = found = known = 0
    for tokens, tags in sentences:
        doc = as_doc(nlp, tokens)
        words = words_of(doc, names)
        numbers = tagger.tag(words).label
        guessed = set(spans([model.labels[number] for number in numbers.tolist()]))
        truth = set(spans(tags))
        right += len(guessed & truth)
        found += len(guessed)
        known += len(truth)
    precision, recall = right / max(found, 1), right / max(known, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return (
        f"precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f} of {known} entities in {len(sentences)} sentences"
    )


def clean(sentence: Sentence) -> Sentence | None:
    """The sentence as a web page would have it: with our labels and its characters mended; None if it is no text.

    A social network's @name is a name on that network only: it is outside.
    """
    tokens: list[str] = []
    tags: list[str] = []
    for token, tag in zip(*sentence, strict=True):
        outside = tag[2:] not in LABELS or token.startswith("@") or tokens[-1:] == ["@"]
        tokens.append(mended(token))
        tags.append("O" if outside else tag)
    for at, tag in enumerate(tags):  # an I- whose B- was dropped
        if tag.startswith("I-") and (not at or tags[at - 1][2:] != tag[2:]):
            tags[at] = "B-" + tag[2:]
    wordless = sum(1 for token in tokens if not re.search(r"\w", token))
    return None if wordless > MOST_SYMBOLS * len(tokens) else (tokens, tags)


def mended(token: str) -> str:
    """UTF-8 that was once read as Latin-1, as it was meant."""
    try:
        return token.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return token


def split(sentences: list[Sentence], share: float, rng: random.Random) -> tuple[list[Sentence], list[Sentence]]:
    """(to train on, held back) by blocks."""
    kept: list[Sentence] = []
    held: list[Sentence] = []
    for start in range(0, len(sentences), BLOCK):
        (held if rng.random() < share else kept).extend(sentences[start : start + BLOCK])
    return kept, held


def write(path: Path, sentences: list[Sentence]) -> None:
    """An IOB file of the sentences."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ("\n".join(f"{token}\t{tag}" for token, tag in zip(*one, strict=True)) for one in sentences)
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")


def variations(sentences: list[Sentence], rng: random.Random) -> list[Sentence]:
    """Each sentence that names somebody or something, with other names in their places."""
    names = Names(sentences, rng)
    varied = []
    for tokens, tags in sentences:
        found = list(spans(tags))
        for _ in range(REPLACED if found else 0):
            parts: list[str] = []
            labels: list[str] = []
            at = 0
            for start, end, label in [*found, (len(tokens), len(tokens), "")]:
                parts += tokens[at:start]
                labels += ["O"] * (start - at)
                if label:
                    name = names.like(tokens[start:end], label)
                    parts += name
                    labels += tagged(label, len(name))
                at = end
            varied.append((parts, labels))
    return varied


def made_up(nlp: spacy.language.Language, sentences: list[Sentence], rng: random.Random) -> list[Sentence]:
    """The sentences of ner_sentences.txt, filled in."""
    names = Names(sentences, rng)
    lines = (Path(__file__).parent / "ner_sentences.txt").read_text(encoding="utf-8").splitlines()
    made = []
    for line in lines:
        if not line or line.startswith("#"):
            continue
        for _ in range(FILLED if "{" in line else 2):
            tokens: list[str] = []
            tags: list[str] = []
            for part in re.split(r"(\{[A-Z]+\})", line):
                if re.fullmatch(r"\{[A-Z]+\}", part):
                    label = part.strip("{}")
                    name = names.any(label) if label in LABELS else [names.given()]
                    tokens += name
                    tags += tagged(label, len(name)) if label in LABELS else ["O"] * len(name)
                else:
                    words = [token.text for token in nlp.make_doc(part.strip())]
                    tokens += words
                    tags += ["O"] * len(words)
            made.append((tokens, tags))
    return made


def tagged(label: str, length: int) -> list[str]:
    """The tags of a name of so many tokens."""
    return [f"B-{label}", *[f"I-{label}"] * (length - 1)]


def heading(sentence: Sentence) -> Sentence:
    """The sentence as a headline has it."""
    small = {"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "'s", "n't"}
    tokens, tags = sentence
    return [token if at and token in small else token[:1].upper() + token[1:] for at, token in enumerate(tokens)], tags


def capitals(sentence: Sentence) -> Sentence:
    """The sentence in capital letters."""
    return [token.upper() for token in sentence[0]], sentence[1]


class Names:
    """Draws names: from the gazetteers, made of their parts, and from given sentences."""

    def __init__(self, sentences: list[Sentence], rng: random.Random) -> None:
        self._rng = rng
        found = gazetteers()
        self._given = sorted(found["given"])
        self._common = sorted(data_words("given_names"))
        self._surnames = sorted(found["surname"])
        self._cities = sorted(found["city"])
        self._towns = sorted(found["town"])
        self._countries = sorted(name for name in found["country"] if "," not in name)
        self._states = sorted(found["state"])
        self._known_places = sorted(data_lines("gpe"))
        self._loc = sorted(data_lines("loc"))
        self._organisations = sorted(data_lines("org"))
        self._kinds = sorted(data_words("org_kinds"))
        self._forms = sorted(data_words("org_forms") - {"Incorporated", "plc"})
        mentions: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        for tokens, tags in sentences:
            for start, end, label in spans(tags):
                if any(token[:1].isupper() for token in tokens[start:end]):
                    mentions[label].add(tuple(tokens[start:end]))
        self._mentions = {label: sorted(found) for label, found in mentions.items()}

    def any(self, label: str) -> list[str]:
        """The tokens of a name of the label."""
        if label in self._mentions and self._rng.random() < 0.3:  # noqa: PLR2004 - a third as others wrote them
            return list(self._pick(self._mentions[label]))
        return {"PER": self._person, "LOC": self._place, "ORG": self._organisation}[label]()

    def like(self, tokens: list[str], label: str) -> list[str]:
        """A name to stand for `tokens`: a person's with as many parts."""
        if label == "PER" and all(token[:1].isupper() for token in tokens) and len(tokens) <= 2:  # noqa: PLR2004
            return [self.given(), *[self.surname() for _ in tokens[1:]]]
        if not any(token[:1].isupper() for token in tokens):
            return tokens
        return self.any(label)

    def given(self) -> str:
        """A given name; every second one is common."""
        return self._pick(self._common if self._rng.random() < 0.5 else self._given)  # noqa: PLR2004

    def surname(self) -> str:
        """A surname."""
        return self._pick(self._surnames)

    def _pick(self, items: list) -> Any:  # noqa: ANN401 - one of the items, whatever they are
        return self._rng.choice(items)

    def _person(self) -> list[str]:
        form = self._rng.choices(range(6), weights=(50, 18, 14, 8, 6, 4))[0]
        initial = chr(self._rng.randrange(65, 91))
        return (
            [self.given(), self.surname()],
            [self.given()],
            [self.surname()],
            [self.given(), f"{initial}.", self.surname()],
            [f"{initial}.", self.surname()],
            [self.given(), self.given(), self.surname()],
        )[form]

    def _place(self) -> list[str]:
        form = self._rng.choices(range(9), weights=(24, 14, 20, 8, 18, 6, 5, 3, 2))[0]
        street = self._pick(["Street", "Road", "Avenue", "Lane", "Drive", "Boulevard", "Square", "Park"])
        water = self._pick(["River", "Valley", "Bay", "Island", "Beach", "County", "Airport", "Station", "Hills"])
        name = (
            self._pick(self._cities),
            self._pick(self._towns),
            self._pick(self._countries),
            self._pick(self._states),
            self._pick(self._known_places),
            self._pick(self._loc),
            f"{self.surname()} {street}",
            f"{self.surname()} {water}",
            f"{self._pick(['Lake', 'Mount', 'Fort', 'North', 'South', 'East', 'West'])} {self.surname()}",
        )[form]
        return name.split()

    def _organisation(self) -> list[str]:
        form = self._rng.choices(range(11), weights=(30, 8, 6, 6, 8, 6, 10, 6, 5, 7, 8))[0]
        brand = self._brand()
        city = self._pick(self._cities if self._rng.random() < 0.5 else self._towns)  # noqa: PLR2004
        branch = self._pick(
            ["Group", "Labs", "Software", "Systems", "Media", "Partners", "Energy", "Health", "Capital", "Press",
             "Records", "Motors", "Foods", "Studios", "Consulting", "Solutions", "Insurance", "Logistics", "Design"]
        )  # fmt: skip
        civic = self._pick(
            ["City Council", "Police Department", "University", "Public Library", "Chamber of Commerce", "United",
             "Symphony Orchestra", "Museum of Art", "High School", "State University", "Times", "Herald", "FC",
             "Tigers", "College", "Hospital", "Airlines", "Bank"]
        )  # fmt: skip
        name = (
            self._pick(self._organisations),
            f"{self.surname()} & {self.surname()}",
            f"{self.surname()} {self._pick(self._kinds)}",
            f"{brand} {self._pick(self._forms)}",
            f"{brand} {branch}",
            f"{self.surname()} {branch}",
            f"{city} {civic}",
            f"{self._pick(['University of', 'Bank of', 'Museum of', 'Diocese of', 'Church of'])} {city}",
            f"{self._pick(['Department of', 'Ministry of', 'Institute for', 'Society for', 'Centre for'])} "
            + self._pick(["Health", "Education", "Agriculture", "Defense", "Labor", "Justice", "Energy", "Science"]),
            "".join(chr(self._rng.randrange(65, 91)) for _ in range(self._rng.randrange(3, 5))),
            brand,
        )[form]
        return name.split()

    def _brand(self) -> str:
        first = ["Blue", "North", "Bright", "Silver", "Data", "Cloud", "Open", "Red", "Green", "Star", "Net", "Nova",
                 "Sun", "Iron", "Quick", "Smart", "River", "Stone", "Oak", "Sky", "Fox", "Clear", "True", "Vita",
                 "Ever", "Lumi", "Zen", "Omni", "Tri", "Air"]  # fmt: skip
        last = ["wave", "point", "bridge", "works", "line", "path", "ware", "soft", "tech", "mark", "field", "light",
                "leaf", "gate", "base", "ly", "ify", "ora", "ex", "on", "Force", "Stone", "Tree", "Hub"]  # fmt: skip
        second = self._pick(last)
        return self._pick(first) + (second if self._rng.random() < 0.7 else f" {second.capitalize()}")  # noqa: PLR2004


if __name__ == "__main__":
    main()
