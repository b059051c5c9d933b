"""Which blocks of a page are its main text: those whose evidence, weighed, comes near enough to the best block's."""

from __future__ import annotations

from functools import lru_cache
from operator import mul
from typing import TYPE_CHECKING, Final

from engine.nlp import weights
from engine.nlp.evidence import AROUND, FLAGS, evidence
from engine.nlp.marks import BIT, CONSENT

if TYPE_CHECKING:
    from engine.nlp.blocks import Block

#: What a block's flags are worth, by their bits.
_BY_FLAGS: Final = tuple(
    weights.BIAS + sum(weights.EVIDENCE[flag] for bit, flag in enumerate(FLAGS) if flags >> bit & 1)
    for flags in range(1 << len(FLAGS))
)
_AROUND: Final = tuple([weights.EVIDENCE[name] for name in AROUND])
_LINK_SHARE: Final = weights.EVIDENCE["link_share"]
_POSITION: Final = weights.EVIDENCE["position"]


def main_blocks(blocks: list[Block]) -> list[Block]:
    """The blocks of the main text, in order; none of a consent banner. All others where no block stands out."""
    # A page that asks for consent in all of its text would have none left: then the question is its text.
    blocks = [block for block in blocks if not block.box.marks & CONSENT] or blocks
    if not blocks:
        return []
    found = evidence(blocks)
    by_box = {box: _worth(box.marks) + sum(map(mul, _AROUND, numbers)) for box, numbers in found.boxes.items()}
    by_flags = _BY_FLAGS
    step = _POSITION / len(blocks)
    scores = [
        by_box[box] + by_flags[flags] + _LINK_SHARE * link_words / words + step * number
        for number, ((box, _, _, _, words, link_words), flags) in enumerate(zip(blocks, found.flags, strict=True))
    ]
    least = weights.LEAST + weights.LEAST_BY_BEST * max(scores)
    return [block for score, block in zip(scores, blocks, strict=True) if score >= least] or blocks


@lru_cache(maxsize=16384)
def _worth(marks: int) -> float:
    """What a box's marks add to the score of its blocks."""
    return sum(worth for mark, worth in weights.MARKS.items() if marks & BIT[mark])
