"""Precision, recall and F1 a label of a pipeline on a file of tokens and IOB tags, and its speed.

    python bench/ner.py FILE [--pipeline builtin] [--model FILE] [--document 20] [--baseline FOLDER...]

FILE: token, white space, tag (PER or PERSON, LOC or GPE, ORG; others are outside) a line, a blank line between
sentences, perhaps .gz. The pipeline gets the file's tokens as they are, `--document` sentences in a Doc (neighbours
are mostly of one document; 1 for sentences that are not), or documents where the file marks them (-DOCSTART-).
Speed: tokens a CPU second of the components that find these labels, of the whole pipeline less its tokenizer, and both
again on Docs of words that are known. --baseline trains a plain CRF (word, shape, affixes, neighbours) with
python-crfsuite on the IOB files of the folders and judges that too. On data that neither was trained on:

    python bench/ner.py tests/nlp/data/web_sentences.iob --document 1 --baseline FOLDER
    python scripts/train_ner.py FOLDER --out model.npz --hold-back 0.25 --split PARTS
    python bench/ner.py PARTS/held/NAME.iob --model model.npz --baseline PARTS/train
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from spacy.tokens import Doc

from engine.nlp.iob import read_documents, spans
from engine.nlp.ner_model import read
from engine.nlp.pipeline import load

LABELS = {"PER": "PER", "PERSON": "PER", "LOC": "LOC", "GPE": "LOC", "FAC": "LOC", "ORG": "ORG"}
FINDERS = ("engine_ner", "ner", "transformer", "tok2vec", "entity_ruler")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--pipeline", default="builtin", help="builtin, rules, a spaCy package or path")
    parser.add_argument("--model", type=Path, metavar="FILE", help="what engine_ner uses, from scripts/train_ner.py")
    parser.add_argument("--document", type=int, default=20, metavar="SENTENCES")
    parser.add_argument("--baseline", type=Path, nargs="+", metavar="FOLDER")
    options = parser.parse_args()
    documents = [
        document[start : start + options.document]
        for document in read_documents(options.file)
        for start in range(0, len(document), options.document)
    ]
    sentences = [sentence for document in documents for sentence in document]
    tokens = sum(len(words) for words, _ in sentences)
    print(f"{options.file.name}: {len(sentences)} sentences, {tokens} tokens")
    nlp = load(options.pipeline)
    if options.model:
        nlp.get_pipe("engine_ner").use(read(options.model))
    for title in ("first time", "words known"):
        found, seconds = annotate(nlp, documents)
        if title == "first time":
            report(options.pipeline, documents, found)
        finders = sum(spent for name, spent in seconds.items() if name in FINDERS)
        whole = sum(seconds.values())
        print(
            f"  {title}: {tokens / finders if finders else 0:,.0f} tokens a CPU second in the trained components, ",
            end="",
        )
        print(f"{tokens / whole:,.0f} in all")
    if options.baseline:
        tagger = baseline(options.baseline)
        start = time.process_time()
        found = [[entity for words, _ in document for entity in plain(tagger, words)] for document in documents]
        seconds = time.process_time() - start
        report("plain CRF", documents, [shifted(document, tagger) for document in documents])
        print(f"  {tokens / seconds:,.0f} tokens a CPU second")


def annotate(nlp, documents):
    """(the entities of each document, CPU seconds of each component)."""
    seconds = Counter()
    found = []
    for document in documents:
        words = [word for sentence, _ in document for word in sentence]
        starts = [at == 0 for sentence, _ in document for at in range(len(sentence))]
        doc = Doc(nlp.vocab, words=words, sent_starts=starts)
        for name, component in nlp.pipeline:
            if name in {"engine_sentences", "senter", "sentencizer"}:
                continue  # the file has them
            start = time.process_time()
            doc = component(doc)
            seconds[name] += time.process_time() - start
        found.append(
            [(entity.start, entity.end, LABELS[entity.label_]) for entity in doc.ents if entity.label_ in LABELS]
        )
    return found, seconds


def truth(document):
    """The entities of a document by its tags."""
    entities = []
    at = 0
    for words, tags in document:
        entities += [(at + start, at + end, LABELS[label]) for start, end, label in spans(tags) if label in LABELS]
        at += len(words)
    return entities


def report(title, documents, found):
    right, guessed, known = Counter(), Counter(), Counter()
    for document, entities in zip(documents, found, strict=True):
        real = set(truth(document))
        for counter, chosen in ((right, real & set(entities)), (guessed, set(entities)), (known, real)):
            counter.update(label for _, _, label in chosen)
            counter["all"] += len(chosen)
    print(f"{title}\n  label  precision  recall  F1     entities")
    for label in ("PER", "LOC", "ORG", "all"):
        precision = right[label] / max(guessed[label], 1)
        recall = right[label] / max(known[label], 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        print(f"  {label:6} {precision:.3f}      {recall:.3f}   {f1:.3f}  {known[label]}")


def baseline(folders):
    """A tagger trained on the files of the folders."""
    import tempfile  # noqa: PLC0415 - this and crfsuite for the baseline alone

    import pycrfsuite  # noqa: PLC0415

    trainer = pycrfsuite.Trainer(verbose=False)
    for path in sorted(
        path for folder in folders for path in folder.iterdir() if path.name.endswith((".gz", ".iob", ".tsv"))
    ):
        for document in read_documents(path):
            for words, tags in document:
                trainer.append(plain_features(words), tags)
    trainer.set_params({"c1": 0.1, "c2": 0.01, "max_iterations": 100, "feature.possible_transitions": True})
    model = str(Path(tempfile.mkdtemp()) / "plain")
    trainer.train(model)
    tagger = pycrfsuite.Tagger()
    tagger.open(model)
    return tagger


def plain(tagger, words):
    return list(spans(tagger.tag(plain_features(words))))


def shifted(document, tagger):
    entities = []
    at = 0
    for words, _ in document:
        entities += [(at + start, at + end, LABELS[label]) for start, end, label in plain(tagger, words)]
        at += len(words)
    return entities


def plain_features(words):
    """Word, shape, affixes, and the same of its neighbours: what any CRF for names begins with."""
    own = []
    for word in words:
        shape = "".join("X" if c.isupper() else "x" if c.islower() else "9" if c.isdigit() else c for c in word[:12])
        own.append([f"w={word.lower()}", f"s={shape}", f"p={word[:3]}", f"e={word[-3:]}", f"c={word[:1].isupper()}"])
    return [
        [
            "bias",
            *own[at],
            *(f"-{name}" for name in own[at - 1][:3] if at),
            *(f"+{name}" for name in (own[at + 1][:3] if at + 1 < len(own) else ["end"])),
        ]
        for at in range(len(words))
    ]


if __name__ == "__main__":
    main()
