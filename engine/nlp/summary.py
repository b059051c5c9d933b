"""An extractive summary: the sentences that stand for the page, whole and in their order.

After MEAD (Radev, Jing, Styś, Tam: "Centroid-based summarization of multiple documents", Information Processing and
Management 40, 2004): a sentence scores by its likeness to the whole text (cosine of word counts), by its position, and
by the share of the title's words that it holds; one that says much the same as a better one is passed over.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - quotation marks and full stops of other scripts are what this module is about
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.nlp.terms import CONTENT, Terms
from engine.nlp.text import squeeze

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A sentence ends with a mark, and perhaps closing quotes and brackets; what does not is a heading or a list item.
_ENDED: Final = re.compile(r"[.!?…。！？｡؟۔।][\"'”’»)\]」』）】]{0,3}$")
_WORD: Final = re.compile(r"\w+")
#: Fewer content words say too little; a sentence with more is mostly a list.
_FEWEST_WORDS: Final = 4
_MOST_WORDS: Final = 60
#: Share of a sentence's terms that may be in the chosen ones before it says nothing new.
_REPEATED: Final = 0.6
#: Weights of position and title beside the likeness, which lies in 0..1.
_POSITION: Final = 0.5
_TITLE: Final = 0.5
#: No page needs more sentences looked at than this to fill its summary.
_LOOKED_AT: Final = 200


def summarise(terms: Terms, text: str, title: str, max_chars: int) -> str:
    """At most `max_chars` characters (0: no limit) of whole sentences of `text`, a space between; "" if none fits."""
    scores = _scores(terms, title)
    starts, ends = terms.start.tolist(), terms.end.tolist()
    firsts = [*terms.first.tolist(), len(terms.term)]
    budget = max_chars or len(text)
    chosen: dict[int, str] = {}
    said: set[int] = set()
    order = np.argsort(-scores, kind="stable")
    for sentence in order[np.isfinite(scores[order])].tolist()[: _LOOKED_AT if max_chars else None]:
        start, end = starts[sentence], ends[sentence]
        if end - start > 2 * budget:  # white space may shrink, but not so much
            continue
        written = squeeze(text[start:end])
        if len(written) > budget or not _ENDED.search(written[-4:]):
            continue
        here = slice(firsts[sentence], firsts[sentence + 1])
        words = set(terms.term[here][terms.kind[here] == CONTENT].tolist())
        if len(words & said) > _REPEATED * len(words):
            continue
        chosen[sentence] = written
        said |= words
        budget -= len(written) + 1
    return " ".join(chosen[sentence] for sentence in sorted(chosen))


def _scores(terms: Terms, title: str) -> NDArray[np.float64]:
    """A score for each sentence, higher is better; minus infinity for what is too short or too long to be one."""
    sentences, size = len(terms.first), len(terms.count)
    content = np.flatnonzero(terms.term_kind[terms.in_term] == CONTENT)
    sentence, term, times = terms.in_sentence[content], terms.in_term[content], terms.times[content]
    product = np.bincount(sentence, weights=times * terms.count[term], minlength=sentences)
    norm = np.sqrt(np.bincount(sentence, weights=times * times, minlength=sentences))
    likeness = product / np.maximum(norm, 1.0)
    likeness /= likeness.max() or 1.0
    position = 1.0 - np.arange(sentences) / sentences

    titled = np.zeros(size)
    titled[terms.among(_WORD.findall(title.lower()))] = 1.0
    titled[terms.term_kind != CONTENT] = 0.0
    overlap = np.bincount(sentence, weights=titled[term], minlength=sentences) / max(titled.sum(), 1.0)

    length = np.bincount(sentence, weights=times, minlength=sentences)
    scores: NDArray[np.float64] = likeness + _POSITION * position + _TITLE * overlap
    scores[(length < _FEWEST_WORDS) | (length > _MOST_WORDS)] = -np.inf
    return scores
