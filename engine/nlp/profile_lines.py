"""What a profile page says to its readers: labels ("Phone: ..."), the lines under the name, sections of interests.

A page is taken as lines in document order, each with the element that holds it. A label has its value behind a colon,
or in the next line; under the heading of a section the value is a list, or a line with separators.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.nlp import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.nlp.blocks import Block

#: How far under a name its title and organisation stand, in lines, and how long such a line may be.
_UNDER: Final = 5
_MOST_TITLE_WORDS: Final = 16
_MOST_AREAS: Final = 30
_MOST_AREA_WORDS: Final = 8
_MOST_AREA_CHARS: Final = 300
_MOST_LINES: Final = 2_000

_LABELS: Final = {
    "title": r"(?:job |academic )?(?:title|position|role|rank|designation)|appointment",
    "organisation": r"(?:primary |home )?(?:departments?|affiliations?|organi[sz]ation|institution|company|employer|"
    r"school|faculty|division|unit|workplace)",
    "email": r"e-?mail(?: address)?",
    "phone": r"(?:office |work |direct |business )?(?:tele)?phone(?: number)?|tel|office phone|direct line|call",
    "research_areas": r"(?:my |current |main )?(?:research|areas? of|academic|scholarly|professional|fields? of|"
    r"teaching and research)\s(?:areas?|interests?|topics?|fields?|expertise|speciali[sz]ations?|focus|keywords|"
    r"research|study)|expertise|interests|speciali[sz]ations?|specialt(?:y|ies)|research",
}
#: A label alone in its line, or with its value behind a colon.
_LABEL: Final = {
    name: re.compile(rf"(?:{words})\s*(?:[:\uff1a]\s*(?P<value>.*))?", re.IGNORECASE | re.DOTALL)
    for name, words in _LABELS.items()
}
_ANY_LABEL: Final = re.compile(r"[\w /.&-]{2,40}[:\uff1a](?:\s|$)")

_TITLE: Final = re.compile(
    r"\b(?:professors?|prof|lecturer|reader|fellow|researcher|scientist|post-?doc(?:toral)?|ph\.?d\.? (?:student|"
    r"candidate)|doctoral (?:student|candidate)|graduate student|director|chair|chairman|dean|provost|instructor|"
    r"engineer|manager|officer|coordinator|administrator|head of|president|analyst|technician|librarian|curator|"
    r"associate|assistant|emerit(?:us|a)|founder|partner|developer|specialist|advisor|adviser|secretary|consultant|"
    r"physician|surgeon|attorney|architect|designer|editor|c[etfo]o|investigator)\b",
    re.IGNORECASE,
)
_ORGANISATION: Final = re.compile(
    r"\b(?:department|school|faculty|institute|universit\w+|college|cent(?:er|re)|laborator(?:y|ies)|division|academy|"
    r"hospital|clinic|programme|inc|ltd|llc|gmbh)\b",
    re.IGNORECASE,
)
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_TERMS: Final = frozenset({"dt", "th"})
_ITEMS: Final = re.compile(r"\s*[;\u2022\u00b7|]\s*|,\s+(?:and\s+)?")
_SENTENCE: Final = re.compile(r"[.!?](?:\s|$)")

EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
#: As people write them who fear robots: name (at) host dot org.
_WRITTEN_OUT: Final = re.compile(
    r"([\w.+-]{1,64})\s*[\[({]\s*at\s*[\])}]\s*([\w-]{1,63}(?:(?:\.|\s*[\[({]\s*dot\s*[\])}]\s*|\s+dot\s+)[\w-]{1,63}){1,6})",
    re.IGNORECASE,
)
_DOT: Final = re.compile(r"\s*[\[({]\s*dot\s*[\])}]\s*|\s+dot\s+", re.IGNORECASE)
PHONE: Final = re.compile(r"\+?\(?\d[\d\s().\u2010-\u2013/-]{5,22}\d(?:\s*(?:x|ext\.?)\s*\d{1,6})?")
_FEWEST_DIGITS: Final = 7


class Line(NamedTuple):
    """A line of the page; `kind` is the element that holds it."""

    kind: str
    text: str


class Said(NamedTuple):
    """A value, and what kind of place it stood in."""

    value: str
    source: str


def lines_of(blocks: Sequence[Block]) -> list[Line]:
    """The lines of a page, the first ones of a page that has more than any profile."""
    found = [Line(block.kind, line) for block in blocks[:_MOST_LINES] for line in block.text.split("\n") if line]
    return found[:_MOST_LINES]


def labelled(lines: Sequence[Line], field: str) -> Iterator[str]:
    """The values that stand behind a field's labels."""
    for at, line in enumerate(lines):
        if (label := _LABEL[field].fullmatch(line.text)) is None:
            continue
        if value := label["value"]:
            yield value
        elif label["value"] is not None or line.kind in _TERMS or line.kind in _HEADINGS or len(line.text.split()) == 1:
            following = lines[at + 1] if at + 1 < len(lines) else None
            if (
                following is not None
                and following.kind not in _HEADINGS | _TERMS
                and not _ANY_LABEL.match(following.text)
            ):
                yield following.text


def title_and_organisation(lines: Sequence[Line], name_at: int) -> dict[str, Said]:
    """What the lines under the name say of the person's position; `name_at` is the name's own."""
    found: dict[str, Said] = {}
    for field in ("title", "organisation"):
        for value in labelled(lines, field):
            if len(value.split()) <= _MOST_TITLE_WORDS:
                found.setdefault(field, Said(value, "label"))
    for line in lines[name_at + 1 : name_at + 1 + _UNDER]:
        if len(line.text.split()) > _MOST_TITLE_WORDS:
            break  # the prose has begun
        for field, said in _position(line).items():
            found.setdefault(field, said)
    return found


def _position(line: Line) -> dict[str, Said]:
    """A title, an organisation or both, where a line under a name is one."""
    text, source = line.text, "line under the name"
    if line.kind in {"h1", "th", "dt"} or _ANY_LABEL.match(text) or "@" in text or _SENTENCE.search(text.rstrip(".")):
        return {}
    if _TITLE.search(text):
        title, organisation = _parted(text)
        found = {"title": Said(title, source)}
        return found | {"organisation": Said(organisation, source)} if organisation else found
    return {"organisation": Said(text, source)} if _ORGANISATION.search(text) else {}


def _parted(line: str) -> tuple[str, str]:
    """A title, and the organisation that its line names behind a comma."""
    for at in [found.start() for found in re.finditer(r",\s", line)]:
        tail = line[at + 1 :].strip()
        if _ORGANISATION.search(tail) and not _TITLE.search(tail):
            return line[:at].strip(), tail
    return line, ""


def research_areas(lines: Sequence[Line]) -> Said | None:
    """The areas that a label or a section names, each in a line of the value."""
    for at, line in enumerate(lines):
        label = _LABEL["research_areas"].fullmatch(line.text)
        if label is None:
            continue
        if label["value"]:
            areas = _items(label["value"])
        else:
            if line.kind not in _HEADINGS | _TERMS and label["value"] is None:
                continue
            areas = _section(lines, at)
        if areas:
            source = "section" if line.kind in _HEADINGS else "label"
            return Said("\n".join(areas[:_MOST_AREAS]), source)
    return None


def _section(lines: Sequence[Line], at: int) -> list[str]:
    """The list under a heading, or its first line's items."""
    under: list[Line] = []
    for line in lines[at + 1 :]:
        if line.kind in _HEADINGS | _TERMS or (under and line.kind != under[0].kind):
            break
        under.append(line)
    if not under:
        return []
    if under[0].kind in {"li", "dd"} and len(under) > 1:
        return [clean.line(line.text, _MOST_AREA_CHARS) for line in under]
    return _items(under[0].text)


def _items(text: str) -> list[str]:
    """A line with separators as its items; prose as one."""
    items = [item for part in _ITEMS.split(text.rstrip(". ")) if (item := part.strip())]
    if len(items) > 1 and all(len(item.split()) <= _MOST_AREA_WORDS for item in items):
        return items
    return [clean.line(text.strip(), _MOST_AREA_CHARS)] if text.strip() else []


def written_addresses(text: str) -> list[str]:
    """The mail addresses in a text, also those written out."""
    found = [match.group() for match in EMAIL.finditer(text)]
    found += [f"{match[1]}@{_DOT.sub('.', match[2])}" for match in _WRITTEN_OUT.finditer(text)]
    return [address.strip(".-") for address in found]


def phone_in(text: str) -> str:
    """The first phone number in a text; "" where there is none."""
    for match in PHONE.finditer(text):
        if sum(map(str.isdigit, match.group())) >= _FEWEST_DIGITS:
            return " ".join(match.group().split())
    return ""
