"""Keywords: YAKE's features over the tokens of the page.

Campos, Mangaravite, Pasquali, Jorge, Nunes, Jatowt: "YAKE! Keyword extraction from single documents using multiple
local features", Information Sciences 509 (2020). A term weighs by its case, its position, its frequency, the number of
sentences that it is in and the variety of its neighbours; a phrase of up to three of them by their weights and its
own frequency. Chosen over TextRank (a graph iteration, dearer and not better in that paper) and RAKE (prefers long
rare runs of words): unsupervised, of any language with stop words, and here 0.6 ms a page.

Differences: phrases hold no stop word inside; a phrase that occurs once counts only in a short text; near duplicates
are told by the words they share (singular and plural as one), not by the edit distance of strings.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - quotation marks and full stops of other scripts are what this module is about
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from engine.nlp.terms import BREAK, CONTENT, Terms, changes, sizes

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    least = 1 if content.size < _SHORT_TEXT_WORDS else 2
    chosen: list[dict[str, Any]] = []
    seen: list[frozenset[str]] = []
    for weight, places, length in _candidates(terms, content, least=least, most=_CANDIDATES * most):
        text = terms.written(places, length)
        words = frozenset([_stem(word) for word in text.lower().split()])
        # A word may be followed by a phrase that says more of it, a phrase by no part or extension of itself.
        if any(words <= other or (len(other) > 1 and other < words) for other in seen):
            continue
        seen.append(words)
        chosen.append({"text": text, "score": weight})
        if len(chosen) == most:
            break
    best = chosen[0]["score"]
    for keyword in chosen:
        keyword["score"] = round(best / keyword["score"], 4)
    return chosen


def term_weights(terms: Terms) -> NDArray[np.float64]:
    """YAKE's S(t) of each term (lower is better); meaningless for terms that are no content words."""
    size = len(terms.count)
    term = terms.term
    frequency = terms.count.astype(np.float64)
    of_content = frequency[terms.term_kind == CONTENT]

    case = np.bincount(term, weights=terms.cased, minlength=size) / (1.0 + np.log(frequency))
    mean = of_content.sum() / len(of_content)
    off = of_content - mean
    normal = frequency / (mean + np.sqrt((off * off).sum() / len(of_content)))  # numpy.std takes four times as long

    median = terms.sentence[terms.order[terms.begin + terms.count // 2]]
    position = np.log(np.log(3.0 + median))
    spread = np.bincount(terms.in_term, minlength=size) / len(terms.first)

    words = terms.kind != BREAK
    left = np.flatnonzero(words[:-1] & words[1:])
    before, after = term[left], term[left + 1]
    pairs = np.sort(before * size + after)
    distinct = pairs[changes(pairs)]
    relatedness = 1.0 + frequency / of_content.max() * (
        _ratio(distinct // size, before, size) + _ratio(distinct % size, after, size)
    )
    weights: NDArray[np.float64] = relatedness * position / (case + (normal + spread) / relatedness)
    return weights


def _ratio(distinct: NDArray[np.int64], total: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Different neighbours of each term by all its neighbours on one side."""
    ratio: NDArray[np.float64] = np.bincount(distinct, minlength=size) / np.maximum(
        np.bincount(total, minlength=size), 1
    )
    return ratio


class _Runs(NamedTuple):
    """Runs of `length` content words: `places` where they are, those of each run together, in the order of the text.

    Of each run: where its places `begin`, and how `often` it occurs.
    """

    length: int
    places: NDArray[np.intp]
    begin: NDArray[np.intp]
    often: NDArray[np.intp]


def _candidates(
    terms: Terms, content: NDArray[np.intp], *, least: int, most: int
) -> Iterator[tuple[float, list[int], int]]:
    """(weight, places, length) of the `most` best runs of content words, the earlier first of equals.

    One of several words occurs `least` times at the least. Of each run so many places as its writing is looked up at.
    """
    weights = term_weights(terms)[terms.term]
    found = list(_runs(terms, content, least))
    firsts = [runs.places[runs.begin] for runs in found]
    weight = np.concatenate([_run_weights(runs, first, weights) for runs, first in zip(found, firsts, strict=True)])
    best = np.lexsort((np.concatenate(firsts), weight))[:most]
    ends = np.cumsum([len(first) for first in firsts])
    length = np.searchsorted(ends, best, side="right")
    for value, end, number in zip(weight[best].tolist(), (best - ends[length]).tolist(), length.tolist(), strict=True):
        runs = found[number]
        begin, often = runs.begin[end], runs.often[end]  # counted from their end
        yield value, runs.places[begin : begin + min(often, _PLACES)].tolist(), runs.length


def _runs(terms: Terms, content: NDArray[np.intp], least: int) -> Iterator[_Runs]:
    ids = np.flatnonzero(terms.term_kind == CONTENT)
    yield _Runs(1, terms.order, terms.begin[ids], terms.count[ids])
    size = len(terms.count)
    begins = np.zeros(len(terms.word) + 1, dtype=bool)
    begins[content] = True
    for length in range(2, _MAX_WORDS + 1):
        # A run that occurs so often is made of two that do, less their last and first word.
        starts = np.flatnonzero(begins[:-1] & begins[1:])
        if not starts.size:
            return
        codes = terms.term[starts]
        for offset in range(1, length):
            codes = codes * size + terms.term[starts + offset]
        order = np.argsort(codes, kind="stable")
        begin = changes(codes[order])
        count = sizes(begin, len(order))
        is_often = count >= least
        places = starts[order]
        yield _Runs(length, places, begin[is_often], count[is_often])
        begins[:] = False
        begins[places[np.repeat(is_often, count)]] = True


def _run_weights(runs: _Runs, first: NDArray[np.intp], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """YAKE's S(kw) of each run, whose `first` place is given, by the `weights` of the tokens."""
    product = total = weights[first]
    for offset in range(1, runs.length):
        weight = weights[first + offset]
        product = product * weight
        total = total + weight
    return product / (runs.often * (1.0 + total))


@lru_cache(maxsize=4096)
def _stem(word: str) -> str:
    """A word less what mostly tells a plural from its singular: enough to see two keywords as one."""
    for ending, rest in (("’s", ""), ("'s", ""), ("ies", "y"), ("es", ""), ("s", ""), ("e", "")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + rest
    return word
