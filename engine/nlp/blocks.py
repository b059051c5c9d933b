"""A page as blocks of text in boxes: what the main text is chosen from.

Asking a resiliparse tree node by node costs a microsecond or more a step, so the tree is asked twice only: a selector
drops what is never text of the page, then the body is written out again, well-formed whatever the page was, and one
regular expression cuts it at the tags that separate text. What stands between two of them is a block; inline tags are
part of the text and vanish from it, those of links and line breaks for signs that count its linked words and part its
lines. An element that may hold several blocks is a box; empty ones are never made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.nlp import clean
from engine.nlp.marks import HIDDEN, UNSCRIPTED, marks_of

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

#: No text of the page by their elements: taken out of the tree before it is written. What else is never shown is rare,
#: so it is read and marked hidden.
DROPPED: Final = "script, style, svg, select, nav, footer, aside, header, iframe"

#: A main element of less markup is one that scripts would fill, or holds a notice: then the whole page is read.
_LEAST_MAIN_CHARS: Final = 2_000

_BOXES: Final = (
    *("address", "article", "audio", "blockquote", "body", "canvas", "center", "details", "dialog", "div", "dl"),
    *("fieldset", "figure", "form", "header", "main", "noembed", "noframes", "noscript", "object", "ol", "section"),
    *("table", "template", "textarea", "ul", "video"),
)
_LEAVES: Final = (
    *("button", "caption", "dd", "dt", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "label", "legend", "li"),
    *("p", "pre", "summary", "td", "th", "tr"),
)


def _any_of(*names: str) -> str:
    """A pattern for any of `names`: those that begin alike are tried together, since most tags are none of them."""
    by_letter: dict[str, list[str]] = {}
    for name in sorted(names, key=len, reverse=True):
        by_letter.setdefault(name[0], []).append(name[1:])
    return "|".join(f"{letter}(?:{'|'.join(rest)})" for letter, rest in by_letter.items())


#: Cuts a page into its first text, then threes: a tag's name, with a slash where it closes; its attributes; the text.
#: The serializer writes attributes in one way only, and the quotation mark in a value as a reference (HTML, 13.3). What
#: has the start of a tag in a name is no such tag.
_CUT: Final = re.compile(rf'<(/?(?:{_any_of(*_BOXES, *_LEAVES, "hr")}))((?: [^<>=]++(?:="[^"]*+")?+)*+)>')
#: Any other tag; a broken page's attributes may have any names. To be looked for only where a ">" follows, or each of a
#: thousand starts of one would be followed to the end of the text.
_TAG: Final = re.compile(r'<[^>=]*+(?:=(?:"[^"]*+")?+[^>=]*+)*+>')
_MARKED_BREAK: Final = re.compile("<br [^<>]*>")
#: Signs that no text holds: in place of a line break, of a link's start and of its end.
_BREAK: Final = "\x01"
_LINK_START: Final = "\x02"
_LINK_END: Final = "\x03"
_LINK_TAG: Final = f"{_LINK_START}<a "
_SIGNS: Final = str.maketrans("", "", _BREAK + _LINK_START + _LINK_END)

_OPENS_BOX, _CLOSES_BOX, _OPENS_LEAF, _CLOSES_LEAF, _OPENS_ROW = range(5)
_MEANINGS: Final = {
    **dict.fromkeys(_BOXES, _OPENS_BOX),
    **{f"/{name}": _CLOSES_BOX for name in _BOXES},
    **dict.fromkeys(_LEAVES, _OPENS_LEAF),
    **{f"/{name}": _CLOSES_LEAF for name in _LEAVES},
    **dict.fromkeys(("hr", "/hr"), _CLOSES_LEAF),  # the latter only in an element that holds text as written
    "tr": _OPENS_ROW,
}


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

    A page's only `main` element is all that is read of it (HTML, 4.4.14: what is unique to the page): half of real
    pages have one, and reading the rest as well costs a tenth more and brings in more of other texts than it finds.
    What is there for browsers without scripts counts where there is nothing else.
    """
    body = tree.body
    if body is None:
        return []
    mains = []
    for element in body.query_selector_all(f"main, {DROPPED}")[:]:
        tag = element.tag
        if tag == "main":
            mains.append(element)
        # An article's own header holds its title; a site's holds its menus.
        elif tag != "header" or not element.get_elements_by_tag_name("h1"):
            element.decompose()
    markup = _without_comments(mains[0].html) if len(mains) == 1 else ""
    if len(markup) < _LEAST_MAIN_CHARS:
        markup = _without_comments(body.html)
    if _BREAK in markup or _LINK_START in markup or _LINK_END in markup:
        markup = markup.translate(_SIGNS)
    blocks = _read(_CUT.split(markup))
    return [block for block in blocks if not block.marks & UNSCRIPTED] or blocks


def _without_comments(markup: str) -> str:
    last = markup.rfind("-->") + 3  # what opens behind it is a text that looks like a comment's start
    before, *others = markup[:last].split("<!--")
    return "".join([before, *[text.partition("-->")[2] for text in others], markup[last:]])


def _read(pieces: list[str]) -> list[Block]:  # noqa: C901, PLR0912, PLR0915 - a call a tag would double its time
    """The blocks of a page that is cut at its tags."""
    blocks: list[Block] = []
    box = Box(None, 0)
    opened: list[tuple[str, str]] = []
    kind = kind_attributes = ""
    row = 0
    in_link = False
    for name, attributes, written in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        meaning = _MEANINGS[name]
        if meaning == _OPENS_BOX:
            opened.append((name, attributes))
        elif meaning == _CLOSES_BOX:
            if opened:
                opened.pop()
            elif (parent := box.parent) is not None:
                parent.blocks += box.blocks
                parent.words += box.words
                box = parent
        elif meaning == _CLOSES_LEAF:
            kind = kind_attributes = ""
        else:
            kind = name
            kind_attributes = attributes
            if meaning == _OPENS_ROW:
                row += 1
        if not written or written.isspace():
            continue
        text = written
        link_words = len(text) if in_link else 0  # more than its words: none of them is outside the link
        if "<" in text:
            if linked := in_link or "<a " in text:
                text = text.replace("<a ", _LINK_TAG).replace("</a>", _LINK_END)
            if "<br" in text:
                text = _MARKED_BREAK.sub(_BREAK, text.replace("<br>", _BREAK))
            end = text.rfind(">") + 1
            text = _TAG.sub("", text[:end]) + text[end:]
            if linked:
                text, link_words, in_link = _linked(text, in_link)
        if "&" in text:
            text = text.replace("&nbsp;", "\xa0").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        if kind == "pre":
            text = clean.lines(text.replace(_BREAK, "\n")).strip("\n")
            words = len(text.split())
        elif _BREAK in text:
            text = "\n".join([line for part in text.split(_BREAK) if (line := " ".join(part.split()))])
            words = text.count(" ") + text.count("\n") + 1 if text else 0
        else:
            split = text.split()
            text = " ".join(split)
            words = len(split)
        if words:
            if opened:
                for tag, owned in opened:
                    box = Box(box, marks_of(tag, owned) | box.marks)
                opened.clear()
            marks = box.marks | marks_of(kind, kind_attributes) if kind_attributes else box.marks
            if not marks & HIDDEN:
                box.blocks += 1
                box.words += words
                link_words = min(link_words, words)
                blocks.append(Block(box, kind, marks, row, text, words, link_words))
    return blocks


def _linked(text: str, in_link: bool) -> tuple[str, int, bool]:
    """`text` without the signs of its links, how many of its words they hold, and whether one is open at its end."""
    before, *links = text.split(_LINK_START)
    if in_link:
        links.insert(0, before)
        before = ""
    words = 0
    for link in links:
        inside, end, _ = link.partition(_LINK_END)
        words += len(inside.split())
        in_link = not end
    return (before + "".join(links)).replace(_LINK_END, ""), words, in_link
