"""What each piece of evidence is worth: the numbers behind `extract.extractor: fast`.

A block's score is the sum of its evidence times these weights: a logistic regression over the blocks of 300 real pages,
each page counting the same. `bench/extraction_weights.py` fits them anew and says what they reach on pages that they
never saw: F1 0.842 where each half is judged by weights of the other, 0.851 on their own. Rounded, since nothing hangs
on a hundredth.
"""

from __future__ import annotations

from typing import Final

BIAS: Final = -1.6

#: By the names of :data:`engine.nlp.evidence.NAMES`, in their order.
EVIDENCE: Final = {
    "paragraph": 1.1,
    "item": 1.3,
    "heading": 1.25,
    "cell": 0.6,
    "link_share": -0.9,
    "repeated": -0.25,
    "boilerplate_words": -1.3,
    "under_boilerplate_heading": -1.8,
    "position": -1.2,
    "before_h1": -1.9,
    "no_h1": -0.35,
    "page_long_share": -0.25,
    "box_words_a_block": 0.55,
    "box_share": 0.3,
    "outer_share": 0.95,
    "outermost_words_a_block": 0.35,
}

#: By the names of :data:`engine.nlp.marks.WORDS`.
MARKS: Final = {
    "navigation": -0.5,
    "footer": -1.45,
    "sidebar": -0.45,
    "consent": -2.95,
    "popup": -1.8,
    "share": -1.15,
    "sign_up": -0.75,
    "related": -2.65,
    "controls": -0.7,
    "search": -1.65,
    "banner": -0.95,
    "advertisement": -1.25,
    "author": -1.45,
    "labels": -0.15,
    "unseen": -0.25,
    "content": 0.25,
    "prose": 0.15,
    "details": 0.4,
    "discussion": -0.5,
    "product": 0.2,
    "in_header": -2.8,
    "in_article": 0.25,
}

#: A block is kept from this score on; pages whose best block is surer of itself ask more of the others.
LEAST: Final = -1.2
LEAST_BY_BEST: Final = 0.33
