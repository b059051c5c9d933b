"""Blocks to text: paragraphs separated by blank lines, items of a list and rows of a table each on a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.nlp.blocks import Block

_ITEMS: Final = frozenset({"li", "dt", "dd"})
_CELLS: Final = frozenset({"td", "th"})

#: Between the cells of a row.
CELL_SEPARATOR: Final = " | "


def lay_out(blocks: Iterable[Block]) -> str:
    """The text of `blocks`; "" for none."""
    pieces: list[str] = []
    before: Block | None = None
    for block in blocks:
        if before is not None:
            pieces.append(_between(before, block))
        pieces.append(block.text)
        before = block
    return "".join(pieces)


def _between(before: Block, block: Block) -> str:
    if before.kind in _CELLS and block.kind in _CELLS:
        if before.row == block.row:
            return CELL_SEPARATOR
        if block.row == before.row + 1:
            return "\n"
    if before.kind in _ITEMS and block.kind in _ITEMS:
        return "\n"
    return "\n\n"
