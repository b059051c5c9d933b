"""Keywords: YAKE's features over the tokens of the page.

Campos, Mangaravite, Pasquali, Jorge, Nunes, Jatowt: "YAKE! Keyword extraction from single documents using multiple
local features", Information Sciences 509 (2020). A term weighs by its case, its position, its frequency, the number of
sentences that it is in and the variety of its neighbours; a phrase of up to three of them by their weights and its
own frequency. Chosen over TextRank (a graph iteration, dearer and not better in that paper) and RAKE (prefers long
rare runs of words): unsupervised, of any language with stop words, and here 0.9 ms a page.

Differences: phrases hold no stop word inside; a phrase that occurs once counts only in a short text; near duplicates
are told by the words they share (singular and plural as one), not by the edit distance of strings.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - quotation marks and full stops of other scripts are what this module is about
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.nlp.terms import BREAK, CONTENT, Terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAX_WORDS: Final = 3
#: Under so many content words nothing repeats by chance, and phrases count at their first occurrence.
_SHORT_TEXT_WORDS: Final = 100
#: So many candidates for each keyword asked for are looked at in all; "no limit" means so many.
_CANDIDATES: Final = 4
_MOST: Final = 1_000
#: How a phrase is written is looked up at so many of its places.
_PLACES: Final = 20


def keywords(terms: Terms, most: int) -> list[dict[str, Any]]:
    """At most `most` (0: no limit) keywords, best first, each {text, score}; the best has score 1.

    `text` is written as most of its occurrences are; `score` is the best one's YAKE weight through its own, which is
    lower the better a keyword is.
    """
    content = np.flatnonzero(terms.kind == CONTENT)
    if not content.size:
        return []
    most = most or _MOST
    weights = term_weights(terms)
    candidates = []
    least = 1 if content.size < _SHORT_TEXT_WORDS else 2
    for length in range(1, _MAX_WORDS + 1):
        occurring = least if length > 1 else 1
        candidates += _phrases(terms, weights, length, least=occurring, most=_CANDIDATES * most)
    candidates.sort()
    chosen: list[dict[str, Any]] = []
    seen: list[frozenset[str]] = []
    for weight, _, places, length in candidates[: _CANDIDATES * most]:
        text = terms.written(places, length)
        words = frozenset(_stem(word) for word in text.lower().split())
        # A word may be followed by a phrase that says more of it, a phrase by no part or extension of itself.
        if any(words <= other or (len(other) > 1 and other < words) for other in seen):
            continue
        seen.append(words)
        chosen.append({"text": text, "score": weight})
        if len(chosen) == most:
            break
    for keyword in chosen:
        keyword["score"] = round(candidates[0][0] / keyword["score"], 4)
    return chosen


def term_weights(terms: Terms) -> NDArray[np.float64]:
    """YAKE's S(t) of each term (lower is better); meaningless for terms that are no content words."""
    size = len(terms.count)
    term = terms.term
    frequency = terms.count.astype(np.float64)
    of_content = frequency[terms.term_kind == CONTENT]

    case = np.bincount(term, weights=terms.cased, minlength=size) / (1.0 + np.log(frequency))
    normal = frequency / (of_content.mean() + of_content.std())

    # The median sentence of each term: tokens sorted by term stay in the order of the text.
    order = np.argsort(term, kind="stable")
    begins = np.cumsum(terms.count) - terms.count
    median = terms.sentence[order[begins + terms.count // 2]]
    position = np.log(np.log(3.0 + median))

    sentences = len(terms.first)
    within = np.unique(term.astype(np.int64) * sentences + terms.sentence) // sentences
    spread = np.bincount(within, minlength=size) / sentences

    words = terms.kind != BREAK
    left = np.flatnonzero(words[:-1] & words[1:])
    pairs = term[left].astype(np.int64) * size + term[left + 1]
    distinct = np.unique(pairs)
    relatedness = 1.0 + frequency / of_content.max() * (
        _ratio(distinct // size, pairs // size, size) + _ratio(distinct % size, pairs % size, size)
    )
    weights: NDArray[np.float64] = relatedness * position / (case + (normal + spread) / relatedness)
    return weights


def _ratio(distinct: NDArray[np.int64], total: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Different neighbours of each term by all its neighbours on one side."""
    ratio: NDArray[np.float64] = np.bincount(distinct, minlength=size) / np.maximum(
        np.bincount(total, minlength=size), 1
    )
    return ratio


def _phrases(
    terms: Terms, weights: NDArray[np.float64], length: int, *, least: int, most: int
) -> list[tuple[float, int, list[int], int]]:
    """(weight, first place, places, length) of the `most` best runs of content words that occur `least` times."""
    size = len(terms.count)
    content = np.flatnonzero(terms.kind == CONTENT)
    starts = content[: len(content) - length + 1]
    starts = starts[content[length - 1 :] - starts == length - 1]
    if not starts.size:
        return []
    codes = np.zeros(len(starts), dtype=np.int64)
    for offset in range(length):
        codes = codes * size + terms.term[starts + offset]
    _, first, inverse, counts = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    product = np.ones(len(first))
    total = np.zeros(len(first))
    for offset in range(length):
        weight = weights[terms.term[starts[first] + offset]]
        product *= weight
        total += weight
    score = product / (counts * (1.0 + total))
    order = np.argsort(inverse, kind="stable")
    begins = np.cumsum(counts) - counts
    kept = np.flatnonzero(counts >= least)
    kept = kept[np.argsort(score[kept], kind="stable")][:most]
    return [
        (
            float(score[at]),
            int(starts[first[at]]),
            starts[order[begins[at] : begins[at] + min(counts[at], _PLACES)]].tolist(),
            length,
        )
        for at in kept.tolist()
    ]


def _stem(word: str) -> str:
    """A word less what mostly tells a plural from its singular: enough to see two keywords as one."""
    for ending, rest in (("’s", ""), ("'s", ""), ("ies", "y"), ("es", ""), ("s", ""), ("e", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + rest
    return word
