"""A page as blocks of text in boxes: what the main text is chosen from.

Asking a resiliparse tree node by node costs a microsecond or more a step, so the tree is asked twice only: a selector
drops what is never text of the page, then the body is written out again, well-formed whatever the page was, and one
regular expression cuts it at the tags that separate text. What stands between two of them is a block; inline tags are
part of the text and vanish from it. An element that may hold several blocks is a box; empty ones are never made.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.nlp.marks import HIDDEN, UNSCRIPTED, marks_of

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

#: No text of the page by their elements: taken out of the tree before it is written. What else is never shown is rare,
#: so it is read and marked hidden.
DROPPED: Final = "script, style, svg, select, nav, footer, aside, header"

_BOXES: Final = (
    "address|article|audio|blockquote|body|canvas|center|details|dialog|div|dl|fieldset|figure|form|header|iframe|"
    "main|noscript|object|ol|section|table|template|textarea|ul|video"
)
_LEAVES: Final = "button|caption|dd|dt|figcaption|h[1-6]|label|legend|li|p|pre|summary|t[dhr]"
#: Attribute values may hold any sign but the quotation mark: the serializer escapes that one (HTML, 13.3).
_ATTRIBUTES: Final = r'([^>"]*+(?:"[^"]*+"[^>"]*+)*+)'
#: Cuts a page into its first text, then threes: a tag's name, with a slash where it closes; its attributes; the text.
_CUT: Final = re.compile(rf"<(/?(?:{_BOXES}|{_LEAVES}|a|br|hr)\b){_ATTRIBUTES}>")
_BOX_NAMES: Final = frozenset(_BOXES.split("|"))
_COMMENT: Final = re.compile("<!--.*?-->", re.DOTALL)
_TAG: Final = re.compile(r'<[^>"]*+(?:"[^"]*+"[^>"]*+)*+>')
_BREAK: Final = "\x01"


class Box:
    """An element that holds text; its counts are of all the text in it."""

    __slots__ = ("blocks", "marks", "parent", "words")

    def __init__(self, parent: Box | None, tag: str, attributes: str) -> None:
        self.parent = parent
        self.marks: int = marks_of(tag, attributes) | parent.marks if parent else 0
        self.blocks = 0
        self.words = 0


class Block(NamedTuple):
    """A run of text, its white space collapsed but for line breaks.

    `kind` is the element that holds no other block: p, li, h2, td ... or ""; `marks` are its own and its box's; `row`
    numbers the table rows of the page.
    """

    box: Box
    kind: str
    marks: int
    row: int
    text: str
    words: int
    link_words: int


def read_blocks(tree: HTMLTree) -> list[Block]:
    """The page's blocks in document order, hidden ones left out. Takes what is DROPPED out of `tree`.

    What is there for browsers without scripts counts where there is nothing else.
    """
    body = tree.body
    if body is None:
        return []
    for element in body.query_selector_all(DROPPED)[:]:
        # An article's own header holds its title; a site's holds its menus.
        if element.tag != "header" or element.query_selector("h1") is None:
            element.decompose()
    markup = body.html
    # Raw text may hold comments that never end; looking for the end of each would take n^2 steps.
    end = markup.rfind("-->") + 3
    markup = _COMMENT.sub("", markup[:end]) + markup[end:]
    blocks = _read(_CUT.split(markup))
    return [block for block in blocks if not block.marks & UNSCRIPTED] or blocks


def _read(pieces: list[str]) -> list[Block]:  # noqa: C901, PLR0912, PLR0915 - a call a tag would double its time
    """The blocks of a page that is cut at its tags."""
    blocks: list[Block] = []
    path: list[Box] = [Box(None, "", "")]
    opened: list[tuple[str, str]] = []
    parts: list[str] = []
    kind = kind_attributes = ""
    in_link = link_words = row = 0
    for name, attributes, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        if name == "a":
            in_link += 1
        elif name == "/a":
            in_link -= 1
        elif name == "br":
            parts.append(_BREAK)
        else:
            if parts:
                string, words = _words_of(parts, kind == "pre")
                parts = []
                if words:
                    for tag, written in opened:
                        path.append(Box(path[-1], tag, written))
                    opened = []
                    box = path[-1]
                    marks = box.marks | marks_of(kind, kind_attributes) if kind_attributes else box.marks
                    if not marks & HIDDEN:
                        link_words = min(link_words, words)
                        box.blocks += 1
                        box.words += words
                        blocks.append(Block(box, kind, marks, row, string, words, link_words))
                link_words = 0
            if name in _BOX_NAMES:
                opened.append((name, attributes))
            elif name[0] != "/":
                kind = name
                kind_attributes = attributes
                if name == "tr":
                    row += 1
            elif name[1:] not in _BOX_NAMES:
                kind = ""
                kind_attributes = ""
            elif opened:
                opened.pop()
            elif len(path) > 1:
                box = path.pop()
                parent = path[-1]
                parent.blocks += box.blocks
                parent.words += box.words
        if text:
            if not text.isspace():
                parts.append(text)
                if in_link > 0:
                    link_words += len(text.split())
            elif parts:
                parts.append(text)
    return blocks


def _words_of(parts: list[str], is_formatted: bool) -> tuple[str, int]:
    """The text of a block's parts, and how many words it has."""
    text = "".join(parts)
    if "<" in text:
        text = _TAG.sub("", text)
    if "&" in text:
        text = unescape(text)
    if is_formatted:
        text = text.replace(_BREAK, "\n").strip("\n")
        return text, len(text.split())
    words = text.split()
    if _BREAK in text:
        text = "\n".join([line for part in text.split(_BREAK) if (line := " ".join(part.split()))])
        return text, text.count(" ") + text.count("\n") + 1 if text else 0
    return " ".join(words), len(words)
