"""The weights of the fast extractor, fitted to pages with truth, and what they reach on pages that they never saw.

    python bench/extraction_weights.py FOLDER [--folds 5] [--ridge 20]

A block is main text where most of its words stand in the truth in the same order. Logistic regression with a ridge,
each page counting the same, by Newton's method. Judged as the extractor works: the blocks whose score comes near
enough to the page's best. With rules for pages where nothing does, the extractor's own figures are a little higher.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from lib.truth import judge, mean, read_pages, words

from engine.nlp.blocks import read_blocks
from engine.nlp.charset import decode
from engine.nlp.cuts import without_code
from engine.nlp.evidence import NAMES
from engine.nlp.evidence import rows as evidence_of
from engine.nlp.marks import BIT, WORDS

MIN_PHRASE = 5
#: A page's F1 is best where a block is kept that is main text with a little less than even odds.
ODDS = 0.4


class Data:
    """All blocks of all pages: evidence, whether they are main text, the page of each."""

    def __init__(self, folder: Path):
        self.pages = read_pages(folder)
        rows, labels, self.page, sizes = [], [], [], []
        self.bags = []
        for number, page in enumerate(self.pages):
            blocks = read_blocks(without_code(decode(page.body, None).text, []))
            for block, row in zip(blocks, evidence_of(blocks), strict=True):
                rows.append([*row, *(bool(block.box.marks & BIT[mark]) for mark in WORDS)])
                self.page.append(number)
                sizes.append(block.words)
            labels += label(blocks, page.text)
            self.bags.append([Counter(words(block.text)) for block in blocks])
        self.rows = np.array(rows, dtype=float)
        self.labels = np.array(labels)
        self.page = np.array(self.page)
        sizes = np.array(sizes, dtype=float)
        self.importance = sizes / np.bincount(self.page, sizes)[self.page]
        self.importance /= self.importance.mean()
        self.blocks = [np.flatnonzero(self.page == number) for number in range(len(self.pages))]


def label(blocks, truth):
    """Whether each block is main text: its phrases of three words are, or, if it is short, it is a line of it."""
    true = words(truth)
    phrases = set(zip(true, true[1:], true[2:], strict=False))
    lines = {tuple(words(line)) for line in truth.splitlines()}
    joined = f" {' '.join(true)} "
    for block in blocks:
        own = words(block.text)
        if len(own) >= MIN_PHRASE:
            found = set(zip(own, own[1:], own[2:], strict=False))
            yield len(found & phrases) * 2 > len(found)
        else:
            yield tuple(own) in lines or (len(own) >= 3 and f" {' '.join(own)} " in joined)


def fit(rows, labels, importance, ridge):
    """The bias and the weights; rows are scaled for the ridge, the weights are for rows as they are."""
    middle = np.average(rows, axis=0, weights=importance)
    scale = np.sqrt(np.average((rows - middle) ** 2, axis=0, weights=importance)) + 1e-9
    inputs = np.column_stack([np.ones(len(rows)), (rows - middle) / scale])
    penalty = np.full(inputs.shape[1], ridge)
    penalty[0] = 0
    weights = np.zeros(inputs.shape[1])
    for _ in range(20):
        likely = 1 / (1 + np.exp(-inputs @ weights))
        curve = importance * likely * (1 - likely)
        step = np.linalg.solve(
            (inputs * curve[:, None]).T @ inputs + np.diag(penalty),
            inputs.T @ (importance * (labels - likely)) - penalty * weights,
        )
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    plain = weights[1:] / scale
    return np.concatenate([[weights[0] - plain @ middle], plain])


def with_best(data, scores):
    """Each block's score and the best on its page."""
    best = np.array([scores[blocks].max() if len(blocks) else 0.0 for blocks in data.blocks])
    return np.column_stack([scores, best[data.page]])


def train(data, chosen, ridge):
    """Weights of the evidence, and of a score and its page's best, from the blocks `chosen`."""
    first = fit(data.rows[chosen], data.labels[chosen], data.importance[chosen], ridge)
    pairs = with_best(data, apply(first, data.rows))
    return first, fit(pairs[chosen], data.labels[chosen], data.importance[chosen], ridge)


def apply(weights, rows):
    return weights[0] + rows @ weights[1:]


def f1_by_page(data, scores):
    least = np.log(ODDS / (1 - ODDS))
    for number, page in enumerate(data.pages):
        found = Counter()
        for bag, score in zip(data.bags[number], scores[data.blocks[number]], strict=True):
            if score >= least:
                found.update(bag)
        yield judge(found, Counter(words(page.text)))[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--ridge", type=float, default=20.0)
    options = parser.parse_args()
    data = Data(options.folder)
    fold = np.array([int(page.key) % options.folds for page in data.pages])[data.page]
    scores = np.zeros(len(fold))
    for held_out in range(options.folds):
        first, second = train(data, fold != held_out, options.ridge)
        pairs = with_best(data, apply(first, data.rows))
        scores[fold == held_out] = apply(second, pairs)[fold == held_out]
    held = list(f1_by_page(data, scores))
    first, second = train(data, fold >= 0, options.ridge)
    own = list(f1_by_page(data, apply(second, with_best(data, apply(first, data.rows)))))
    print(f"F1 of {len(held)} pages, each judged by weights of other pages: {mean(held):.3f}")
    for kind in sorted({page.kind for page in data.pages}):
        print(f"  {kind:14} {mean(f for f, page in zip(held, data.pages, strict=True) if page.kind == kind):.3f}")
    print(f"F1 of weights on their own pages: {mean(own):.3f}\n")
    print(f"BIAS = {first[0]:.2f}")
    for name, weight in zip([*NAMES, *WORDS], first[1:], strict=True):
        print(f'    "{name}": {weight:.2f},')
    print(f"LEAST = {(np.log(ODDS / (1 - ODDS)) - second[0]) / second[1]:.2f}")
    print(f"LEAST_BY_BEST = {-second[2] / second[1]:.2f}")


if __name__ == "__main__":
    main()
