"""A page as blocks of text in boxes: what the main text is chosen from.

They are read off the source, less what holds no text (:mod:`.cuts`) and cut at each "<" (:mod:`.pieces`), in one walk:
a tag that separates text ends the block before it; inline tags are part of the text and vanish from it. An element that
may hold several blocks is a box; empty ones are never made. No tree is needed for that: to have one written out again,
or to ask it node by node, takes longer than the walk. What a tree would put right (elements left open, or closed twice)
moves a box's bounds, and no text.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from engine.nlp import clean
from engine.nlp.cuts import without_unread
from engine.nlp.marks import HIDDEN, MARKS_OF, UNSCRIPTED, is_hidden
from engine.nlp.pieces import after_comment, whole_tag

#: A main element of fewer words may be one that scripts would fill, or a notice: where the page has this many times as
#: many, it is read whole.
_FEW_WORDS: Final = 100
_MANY_TIMES: Final = 2

_BOXES: Final = (
    *("address", "article", "blockquote", "body", "center", "details", "div", "fieldset", "figure", "form", "main"),
    *("noscript", "section"),
)
_LISTS: Final = ("dl", "ol", "table", "ul")
_LEAVES: Final = (
    *("button", "caption", "dd", "dt", "figcaption", "h2", "h3", "h4", "h5", "h6", "label", "legend", "li"),
    *("p", "pre", "summary", "td", "th"),
)
#: Those that are met most; any other is one too.
_INLINE: Final = (
    *("abbr", "b", "bdi", "cite", "code", "em", "font", "i", "img", "input", "link", "meta", "option", "picture"),
    *("small", "source", "span", "strong", "sub", "sup", "tbody", "thead", "time", "u", "wbr"),
)

#: What a tag means: those up to _BREAK are part of a text, the others separate.
(_TEXT, _LINK, _LINK_END, _BREAK) = range(4)
(_LEAF_END, _LEAF, _ROW, _H1, _BOX, _HEADER, _BOX_END, _LIST_END, _HEADER_END) = range(4, 13)
_IN_SMALL_LETTERS: Final = {
    **dict.fromkeys(_INLINE, _TEXT),
    **{f"/{name}": _TEXT for name in _INLINE},
    **dict.fromkeys((*_BOXES, *_LISTS), _BOX),
    **{f"/{name}": _BOX_END for name in _BOXES},
    **{f"/{name}": _LIST_END for name in _LISTS},
    **dict.fromkeys(_LEAVES, _LEAF),
    **{f"/{name}": _LEAF_END for name in (*_LEAVES, "h1", "tr")},
    "a": _LINK,
    "/a": _LINK_END,
    "br": _BREAK,
    "br/": _BREAK,
    "tr": _ROW,
    "h1": _H1,
    "hr": _LEAF_END,
    "header": _HEADER,
    "/header": _HEADER_END,
}
_MEANINGS: Final = {**_IN_SMALL_LETTERS, **{name.upper(): meaning for name, meaning in _IN_SMALL_LETTERS.items()}}

#: In place of a line break: white space that hardly a page holds (U+001F is the separator of units).
_BREAK_SIGN: Final = "\x1f"

#: What ends a tag's name.
_AFTER_NAME: Final = frozenset("> \t\n\r\f/")


class Box:
    """An element that holds text; its counts are of all the text in it."""

    __slots__ = ("blocks", "marks", "parent", "words")

    def __init__(self, parent: Box | None, marks: int) -> None:
        self.parent = parent
        self.marks = marks
        self.blocks = 0
        self.words = 0


class Block(NamedTuple):
    """A run of text, its white space collapsed but for line breaks.

    `kind` is the element that holds no other block: p, li, h2, td ... or ""; `row` numbers the table rows of the page.
    """

    box: Box
    kind: str
    row: int
    text: str
    words: int
    link_words: int


def read_blocks(markup: str) -> list[Block]:
    """The blocks in document order, hidden ones left out, of a page's source without code (:mod:`.cuts`).

    A page's only `main` element is all that is read of it (HTML, 4.4.14: what is unique to the page): half of real
    pages have one, and reading the rest as well costs a tenth more and brings in more of other texts than it finds.
    What is there for browsers without scripts counts where there is nothing else.
    """
    blocks = _read(without_unread(main)) if (main := _main(markup)) else []
    if _words(blocks) < _FEW_WORDS:
        blocks = _unless_few(blocks, _read(without_unread(markup)))
    scripted = [block for block in blocks if not block.box.marks & UNSCRIPTED]
    return scripted if len(scripted) == len(blocks) else _unless_few(scripted, blocks)


def _main(markup: str) -> str:
    """The page's only main element; "" where it has none or several."""
    # Regular expressions would take five times as long to find it.
    start = markup.find("<main")
    while start >= 0 and markup[start + 5 : start + 6] not in _AFTER_NAME:  # <main-menu>
        start = markup.find("<main", start + 5)
    end = markup.find("</main", start) if start >= 0 else -1
    return "" if end < 0 or markup.find("<main", end) >= 0 else markup[start:end]


def _unless_few(chosen: list[Block], every: list[Block]) -> list[Block]:
    words = _words(chosen)
    return every if words < _FEW_WORDS and _words(every) > _MANY_TIMES * words else chosen


def _words(blocks: list[Block]) -> int:
    return sum([block.words for block in blocks])


def _read(source: str) -> list[Block]:  # noqa: C901, PLR0912, PLR0915 - a call a tag would double its time
    """The blocks of a source, or of a part of one."""
    blocks: list[Block] = []
    box = Box(None, 0)
    opened: list[str] = []  # tags of boxes that have no text so far
    headers: list[tuple[int, int]] = []  # of each that is open: the blocks and the h1 before it
    kind = leaf = ""
    row = h1s = 0
    link_at = -1  # where in the run the open link begins
    link_words = 0
    # A function's own names are reached in half the time of its module's, and there are a thousand tags a page.
    meaning_of, marks, new, block_type = _MEANINGS.get, MARKS_OF, tuple.__new__, Block
    link, link_end, text_end, leaf_end, leaf_start = _LINK, _LINK_END, _BREAK, _LEAF_END, _LEAF
    box_start, box_end, break_sign, hidden, unescape = _BOX, _BOX_END, _BREAK_SIGN, HIDDEN, clean.unescape
    cut = source.split("<")
    cut.append("hr>")  # which ends the last block
    pieces = iter(cut)
    run = next(pieces)  # the text since the last tag that separates
    for piece in pieces:
        tag, end, text = piece.partition(">")
        name = tag
        meaning = meaning_of(tag)
        if meaning is None:
            name = tag.partition(" ")[0]
            meaning = meaning_of(name)
            if meaning is None:
                name = tag.split(None, 1)[0] if tag and not tag.isspace() else tag
                if name.startswith("!--"):
                    run += after_comment(piece, pieces)
                    continue
                if not piece[:1].isalpha() and piece[:1] not in {"/", "!", "?"}:
                    run += f"<{piece}"
                    continue
                name = name.lower().rstrip("/")
                meaning = meaning_of(name, _TEXT)
            if not end or "'" in tag or tag.count('"') & 1:
                tag, text = whole_tag(piece, pieces)
        if meaning <= text_end:
            if meaning:
                if meaning == link:
                    link_at = len(run)
                elif meaning == link_end:
                    if link_at >= 0:
                        link_words += len(run[link_at:].split())
                        link_at = -1
                else:
                    run += break_sign
            run += text
            continue
        if run and not run.isspace():
            if link_at >= 0:
                link_words += len(run[link_at:].split())
                link_at = 0
            if "&" in run:
                run = unescape(run)
            if split := run.split():  # none where it was a no-break space
                for owner in opened:
                    box = Box(box, marks[owner] | box.marks)
                opened.clear()
                if not (box.marks & hidden or (leaf and is_hidden(leaf))):
                    words = len(split)
                    box.words += words
                    box.blocks += 1
                    written = _lines(run, kind) if break_sign in run or kind == "pre" else " ".join(split)
                    blocks.append(new(block_type, (box, kind, row, written, words, min(words, link_words))))
            link_words = 0
        elif link_at >= 0:
            link_at = 0
        run = text
        if meaning == leaf_end:
            kind = leaf = ""
        elif meaning < box_start:
            kind = name.lower()
            leaf = "" if tag is name else tag
            if meaning != leaf_start:
                row += meaning == _ROW
                h1s += meaning == _H1
        elif meaning < box_end:
            opened.append(tag)
            if meaning != box_start:
                headers.append((len(blocks), h1s))
        else:
            before = None
            if meaning == _LIST_END:
                kind = leaf = ""  # the end tag of its last item may be left out
            elif meaning != box_end and headers:
                before = headers.pop()
            if opened:
                opened.pop()
            elif (parent := box.parent) is not None:
                if before is not None and before[1] == h1s:  # an article's own header holds its title; a site's a menu
                    del blocks[before[0] :]
                else:
                    parent.blocks += box.blocks
                    parent.words += box.words
                box = parent
    while (parent := box.parent) is not None:
        parent.blocks += box.blocks
        parent.words += box.words
        box = parent
    return blocks


def _lines(run: str, kind: str) -> str:
    """A text of several lines."""
    if kind == "pre":
        return clean.lines(run.replace(_BREAK_SIGN, "\n")).strip("\n")
    return "\n".join([line for part in run.split(_BREAK_SIGN) if (line := " ".join(part.split()))])
