"""What speaks for a block of a page being main text, as numbers: the only thing that its score is made from.

One row a block, in the order of :data:`NAMES`: the block itself, where it stands, the boxes around it. What each number
is worth is in :mod:`engine.nlp.weights`; what the words of classes say is kept apart as marks.
"""

from __future__ import annotations

from math import log1p
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from engine.nlp.blocks import Block, Box

NAMES: Final = (
    "paragraph",
    "item",
    "heading",
    "cell",
    "link_share",
    "repeated",
    "boilerplate_words",
    "under_boilerplate_heading",
    "position",
    "before_h1",
    "no_h1",
    "page_long_share",
    "box_words_a_block",
    "box_share",
    "outer_share",
    "outermost_words_a_block",
)

_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_ITEMS: Final = frozenset({"li", "dd", "dt"})
_CELLS: Final = frozenset({"td", "th"})

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


def evidence(blocks: list[Block]) -> list[tuple[float, ...]]:
    """The numbers of each of a page's blocks."""
    count = len(blocks)
    total = sum([block.words for block in blocks]) or 1
    long_words = sum(
        [
            block.words
            for block in blocks
            if block.words >= _PROSE_WORDS and block.link_words < _PROSE_LINK_SHARE * block.words
        ]
    )
    seen: dict[str, int] = {}
    first_h1 = -1
    for number, block in enumerate(blocks):
        seen[block.text] = seen.get(block.text, 0) + 1
        if first_h1 < 0 and block.kind == "h1":
            first_h1 = number
    long_share = long_words / total
    has_no_h1 = first_h1 < 0
    around: dict[Box, tuple[float, ...]] = {}
    under = False
    rows: list[tuple[float, ...]] = []
    for number, block in enumerate(blocks):
        kind = block.kind
        words = block.words
        is_heading = kind in _HEADINGS
        is_label = False
        if words <= _LABEL_WORDS:
            label = block.text.lower().split()
            is_label = not _LABELS.isdisjoint(label)
            if is_heading:
                under = words <= _HEADING_WORDS and not _AFTER.isdisjoint(label)
        elif is_heading:
            under = False
        box = block.box
        boxes = around.get(box)
        if boxes is None:
            boxes = around[box] = _around(box, total)
        rows.append(
            (
                kind == "p",
                kind in _ITEMS,
                is_heading,
                kind in _CELLS,
                block.link_words / words,
                seen[block.text] > 1,
                is_label,
                under,
                number / count,
                number < first_h1,
                has_no_h1,
                long_share,
                *boxes,
            )
        )
    return rows


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
