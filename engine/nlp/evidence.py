"""What speaks for a block of a page being main text, as numbers: the only thing that its score is made from.

A block has flags (what it is or is not), measures of its own, and those of the boxes around it, which it shares with
its neighbours. What each is worth is in :mod:`engine.nlp.weights`; what the words of classes say are marks, kept apart.
"""

from __future__ import annotations

from collections import Counter
from math import log1p
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from engine.nlp.blocks import Block, Box

#: What a block is or is not, in the order of its bits.
FLAGS: Final = (
    "paragraph",
    "item",
    "heading",
    "cell",
    "repeated",
    "boilerplate_words",
    "under_boilerplate_heading",
    "before_h1",
)
#: The share of its words in links, and that of the page's blocks before it.
MEASURES: Final = ("link_share", "position")
#: The numbers that all blocks of a box share.
AROUND: Final = (
    "no_h1",
    "page_long_share",
    "box_words_a_block",
    "box_share",
    "outer_share",
    "outermost_words_a_block",
)
NAMES: Final = (*FLAGS, *MEASURES, *AROUND)

_BIT: Final = {flag: 1 << number for number, flag in enumerate(FLAGS)}
_HEADING: Final = _BIT["heading"]
_REPEATED: Final = _BIT["repeated"]
_LABEL: Final = _BIT["boilerplate_words"]
_UNDER: Final = _BIT["under_boilerplate_heading"]
_BEFORE_H1: Final = _BIT["before_h1"]
_BY_KIND: Final = {
    "p": _BIT["paragraph"],
    **dict.fromkeys(("li", "dd", "dt"), _BIT["item"]),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), _HEADING),
    **dict.fromkeys(("td", "th"), _BIT["cell"]),
}

#: A block of at most so many words may be a label, which its words then tell.
_LABEL_WORDS: Final = 12
_HEADING_WORDS: Final = 8

#: A block of at least so many words, few of them links, is prose.
_PROSE_WORDS: Final = 15
_PROSE_LINK_SHARE: Final = 0.3

#: Words of labels that belong to a site or to a form rather than to a text.
_LABELS: Final = frozenset(
    (  # noqa: SIM905 - a text is easier to read and to add to
        "skip search us contact email share sign related privacy log policy facebook posts account menu updated © cart "
        "featured login address terms subscribe linkedin comment show twitter comments register edited written reply "
        "continue copyright rights newsletter pinterest forgot password reserved reserved. cookie cookies sort "
        "whatsapp tags published viewed newest similar loading... trending filter filters · • » ago"
    ).split()
)
#: Words of headings above what is no longer the page's text.
_AFTER: Final = frozenset(
    (  # noqa: SIM905 - likewise
        "related posts latest stay like share hot leave articles recent account news contact comments sign reply join "
        "author log comment subscribe cart trending topics linked newsletter follow recommended similar popular "
        "categories tags archives cookies privacy"
    ).split()
)


class Evidence(NamedTuple):
    """A page's: of each block its flags as bits, in order; of each box what its blocks share."""

    flags: list[int]
    boxes: dict[Box, tuple[float, ...]]


def evidence(blocks: list[Block]) -> Evidence:
    """What speaks for and against each of a page's blocks, but for its MEASURES."""
    total = sum([block.words for block in blocks]) or 1
    prose = sum([n for _, _, _, _, n, links in blocks if n >= _PROSE_WORDS and links < _PROSE_LINK_SHARE * n])
    times = Counter([block.text for block in blocks])
    first_h1 = next((number for number, block in enumerate(blocks) if block.kind == "h1"), -1)
    page = (first_h1 < 0, prose / total)
    found: list[int] = []
    under = 0
    flags_of, are_no_labels, heading = _BY_KIND.get, _LABELS.isdisjoint, _HEADING
    for _, kind, _, text, words, _ in blocks:
        flags = flags_of(kind, 0)
        if words <= _LABEL_WORDS:
            label = text.lower().split()
            if flags & heading:
                under = _UNDER if words <= _HEADING_WORDS and not _AFTER.isdisjoint(label) else 0
            if not are_no_labels(label):
                flags |= _LABEL
        elif flags & heading:
            under = 0
        if times[text] > 1:
            flags |= _REPEATED
        found.append(flags | under)
    if first_h1 > 0:
        found[:first_h1] = [flags | _BEFORE_H1 for flags in found[:first_h1]]
    return Evidence(found, {box: (*page, *_around(box, total)) for box in {block.box for block in blocks}})


def rows(blocks: list[Block]) -> list[tuple[float, ...]]:
    """All numbers of each of a page's blocks, in the order of :data:`NAMES`: what the weights are fitted to."""
    found = evidence(blocks)
    return [
        (
            *(float(bool(flags & bit)) for bit in _BIT.values()),
            block.link_words / block.words,
            number / len(blocks),
            *found.boxes[block.box],
        )
        for number, (block, flags) in enumerate(zip(blocks, found.flags, strict=True))
    ]


def _around(box: Box, total: int) -> tuple[float, float, float, float]:
    """A box's words a block and share of the page, its parent's share, and the words a block three boxes out."""
    parent = box.parent or box
    outermost = parent.parent or parent
    outermost = outermost.parent or outermost
    return (
        log1p(box.words / (box.blocks or 1)),
        box.words / total,
        parent.words / total,
        log1p(outermost.words / (outermost.blocks or 1)),
    )
