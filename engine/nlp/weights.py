"""What each piece of evidence is worth: the numbers behind `extract.extractor: fast`.

A block's score is the sum of its evidence times these weights: a logistic regression over the blocks of 300 real pages,
each page counting the same. `bench/extraction_weights.py` fits them anew and says what they reach on pages that they
never saw: in five folds F1 0.838, 0.847 on their own. Rounded, since nothing hangs on a hundredth.
"""

from __future__ import annotations

from typing import Final

BIAS: Final = -1.55

#: By the names of :data:`engine.nlp.evidence.NAMES`, in their order.
EVIDENCE: Final = {
    "paragraph": 1.1,
    "item": 1.3,
    "heading": 1.2,
    "cell": 0.4,
    "link_share": -0.8,
    "repeated": -0.2,
    "boilerplate_words": -1.25,
    "under_boilerplate_heading": -1.7,
    "position": -1.3,
    "before_h1": -2.3,
    "no_h1": -0.5,
    "page_long_share": -0.25,
    "box_words_a_block": 0.65,
    "box_share": 0.45,
    "outer_share": 1.1,
    "outermost_words_a_block": 0.2,
}

#: By the names of :data:`engine.nlp.marks.WORDS`.
MARKS: Final = {
    "navigation": -0.6,
    "footer": -1.9,
    "sidebar": -0.7,
    "consent": -3.1,
    "popup": -1.7,
    "share": -1.0,
    "sign_up": -1.1,
    "related": -2.6,
    "controls": -0.75,
    "search": -1.5,
    "banner": -0.3,
    "advertisement": -1.7,
    "author": -1.6,
    "labels": -0.3,
    "unseen": -0.8,
    "content": 0.4,
    "prose": 0.25,
    "details": 0.3,
    "discussion": -0.5,
    "product": 0.3,
    "in_header": -3.0,
    "in_article": 0.6,
}

#: A block is kept from this score on; pages whose best block is surer of itself ask more of the others.
LEAST: Final = -1.4
LEAST_BY_BEST: Final = 0.39
