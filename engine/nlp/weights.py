"""What each piece of evidence is worth: the numbers behind `extract.extractor: fast`.

A block's score is the sum of its evidence times these weights: a logistic regression over the blocks of 300 real pages,
each page counting the same (scripts/fit_main_text.py prints this table anew; five folds of pages, each judged by
weights that never saw it: F1 0.830). Rounded, since nothing hangs on a hundredth.
"""

from __future__ import annotations

from typing import Final

BIAS: Final = -1.7

#: By the names of :data:`engine.nlp.evidence.NAMES`, in their order.
EVIDENCE: Final = {
    "paragraph": 1.1,
    "item": 1.4,
    "heading": 1.3,
    "cell": 0.5,
    "link_share": -0.8,
    "repeated": -0.3,
    "boilerplate_words": -1.3,
    "under_boilerplate_heading": -1.8,
    "position": -1.3,
    "before_h1": -2.3,
    "no_h1": -0.5,
    "page_long_share": -0.5,
    "box_words_a_block": 0.55,
    "box_share": 0.5,
    "outer_share": 1.1,
    "outermost_words_a_block": 0.4,
}

#: By the names of :data:`engine.nlp.marks.WORDS`.
MARKS: Final = {
    "navigation": -0.7,
    "footer": -1.7,
    "sidebar": -0.5,
    "consent": -3.0,
    "popup": -1.7,
    "share": -1.0,
    "sign_up": -1.1,
    "related": -2.6,
    "controls": -0.8,
    "search": -1.5,
    "banner": -0.3,
    "advertisement": -1.6,
    "author": -0.7,
    "labels": -0.7,
    "unseen": -0.9,
    "content": 0.3,
    "prose": 0.2,
    "details": 0.3,
    "discussion": -0.6,
    "product": 0.3,
    "in_header": -3.3,
    "in_article": 0.6,
}

#: A block is kept from this score on; pages whose best block is surer of itself ask more of the others.
LEAST: Final = -1.3
LEAST_BY_BEST: Final = 0.36
