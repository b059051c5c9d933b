"""Which blocks of a page are its main text: those whose evidence, weighed, comes near enough to the best block's."""

from __future__ import annotations

from functools import lru_cache
from operator import mul
from typing import TYPE_CHECKING, Final

from engine.nlp import weights
from engine.nlp.evidence import NAMES, evidence
from engine.nlp.marks import BIT, CONSENT

if TYPE_CHECKING:
    from engine.nlp.blocks import Block

_EVIDENCE: Final = tuple([weights.EVIDENCE[name] for name in NAMES])


def main_blocks(blocks: list[Block]) -> list[Block]:
    """The blocks of the main text, in order; none of a consent banner. All others where no block stands out."""
    # A page that asks for consent in all of its text would have none left: then the question is its text.
    blocks = [block for block in blocks if not block.marks & CONSENT] or blocks
    if not blocks:
        return []
    scores = [sum(map(mul, _EVIDENCE, row)) for row in evidence(blocks)]
    scores = [score + _worth(block.marks) for score, block in zip(scores, blocks, strict=True)]
    least = weights.LEAST + weights.LEAST_BY_BEST * max(scores)
    return [block for score, block in zip(scores, blocks, strict=True) if score >= least] or blocks


@lru_cache(maxsize=8192)
def _worth(marks: int) -> float:
    """What a block's marks add to its score."""
    return weights.BIAS + sum(worth for mark, worth in weights.MARKS.items() if marks & BIT[mark])
