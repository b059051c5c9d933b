"""Entities known by their shape: EMAIL, URL, PHONE, DATE, TIME, MONEY, PERCENT, QUANTITY (component `engine_shapes`).

Regular expressions over the text, not token patterns: nine of those cost 6 ms a page, all of these 0.3. Each starts
with a set of characters or literals, which `re` searches at memory speed; every repetition is bounded and no two
neighbours can take the same characters, so the time is linear in the text. Labels and their extent follow spaCy's
(OntoNotes): DATE holds years and spans of days and longer, TIME what is shorter; EMAIL, PHONE and URL are our own.
"""

from __future__ import annotations

# ruff: noqa: RUF001 - quotation marks and full stops of other scripts are what this module is about
import re
from typing import TYPE_CHECKING, Final

import numpy as np
from spacy.language import Language

from engine.nlp.entities import add_entities
from engine.nlp.lexicon import LEXICON
from engine.nlp.tokens import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spacy.tokens import Doc

_MONTH: Final = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)"
)
_YEAR: Final = r"(?:1[5-9]|20)[0-9]{2}"
_NUMBER: Final = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(?:\.[0-9]{1,6})?"
_SCALE: Final = r"(?:[ ]?(?:thousand|million|billion|trillion|bn|mn|[kKmMB])(?!\w))?"
_CLOCK: Final = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
_UNIT: Final = (
    r"kg|g|mg|lbs?|oz|ounces?|pounds?|tons?|tonnes?|km|cm|mm|m|miles?|mi|ft|feet|foot|inch(?:es)?|yards?|"
    r"met(?:er|re)s?|kilomet(?:er|re)s?|acres?|hectares?|sq\.?[ ]ft|square[ ](?:feet|met(?:er|re)s|miles)|"
    r"ml|lit(?:er|re)s?|gallons?|mph|km/h|[KMGT]B|kWh?|MW|Hz|[kMG]Hz|mAh|°[ ]?[CF]|degrees"
)

#: Where a number, or the currency sign or bracket before one, starts: not inside a word, a number or a path.
_NUMERIC_START: Final = re.compile(r"[0-9$€£¥₹+(](?<![\w.,:/-][0-9])(?:(?<=[0-9])|(?=[ ]?[0-9]))")

#: What it is, tried in this order at such a start. The group's name is the label, less a digit that tells it apart.
_NUMERIC: Final = re.compile(
    rf"""
      (?P<PERCENT>{_NUMBER}(?:[ ]?%|[ ]per[ ]?cent(?!\w)))
    | (?P<MONEY>[$€£¥₹][ ]?{_NUMBER}{_SCALE})
    | (?P<MONEY2>{_NUMBER}{_SCALE}[ ]?(?:€|£|USD(?!\w)|EUR(?!\w)|GBP(?!\w)|(?:US[ ])?dollars?(?!\w)|euros?(?!\w)))
    | (?P<PHONE>\+[0-9]{{1,3}}[ .-]?(?:\([0-9]{{1,4}}\)[ .-]?)?[0-9]{{2,4}}(?:[ .-]?[0-9]{{2,4}}){{1,4}}(?![0-9])
        | \([0-9]{{3}}\)[ ]?[0-9]{{3}}[-. ][0-9]{{4}}(?![0-9])
        | (?:1[-. ])?[0-9]{{3}}(?P<dash>[-.])[0-9]{{3}}(?P=dash)[0-9]{{4}}(?![0-9]))
    | (?P<DATE>{_YEAR}-[01][0-9]-[0-3][0-9](?:T{_CLOCK}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?(?!\w)
        | [0-3]?[0-9]/[0-3]?[0-9]/(?:{_YEAR}|[0-9]{{2}})(?![\w/])
        | [0-3]?[0-9](?P<mark>[.-])[01]?[0-9](?P=mark){_YEAR}(?!\w)
        | [0-3]?[0-9](?:st|nd|rd|th)?(?:[ ]of)?[ ]{_MONTH}(?!\w)(?:,?[ ]{_YEAR}(?!\w))?)
    | (?P<TIME>{_CLOCK}(?:[ ]?[apAP]\.?[mM](?!\w)\.?)?(?:[ ](?:UTC|GMT|CET|E[SD]T|P[SD]T)(?!\w))?(?![\w:])
        | (?:1[0-2]|[1-9])[ ]?(?:[ap]\.m\.|[apAP][mM](?!\w))
        | {_NUMBER}[ -](?:hours?|minutes?|seconds?)(?!\w))
    | (?P<DATE2>{_NUMBER}[ -](?:days?|weeks?|months?|years?|decades?|centuries)(?!\w)(?:[ ](?:ago|old)(?!\w))?)
    | (?P<QUANTITY>{_NUMBER}(?:[ -]?(?:{_UNIT})(?!\w)|[ ]?°))
    | (?P<DATE3>(?:1[89]|20)[0-9]{{2}}(?:s|[-–](?:{_YEAR}|[0-9]{{2}}))?(?![\w%]|[.,:/-][0-9]))
    """,
    re.VERBOSE,
)

_MONTH_FIRST: Final = re.compile(
    rf"{_MONTH}\.?(?: [0-3]?[0-9](?:st|nd|rd|th)?(?!\w)(?:,? {_YEAR}(?!\w))?|,? {_YEAR}(?!\w))"
)
_URL: Final = re.compile(r"(?:https?://|www\.)(?=\w)[^\s<>\"]{0,480}[^\s<>\".,;:!?)\]}'’”»]")
_EMAIL: Final = re.compile(r"(?<![\w.+-])[A-Za-z0-9._%+-]{1,64}+@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?![\w-])")


def find_shapes(text: str) -> Iterator[tuple[int, int, str]]:
    """(first character, one after the last, label) of each shape; those of one kind in order, kinds may overlap."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield *match.span(), "EMAIL"
    if "://" in text or "www." in text:
        for match in _URL.finditer(text):
            yield *match.span(), "URL"
    for match in _MONTH_FIRST.finditer(text):
        yield *match.span(), "DATE"
    end = 0
    for start in _NUMERIC_START.finditer(text):
        if start.start() < end:
            continue
        found = _NUMERIC.match(text, start.start())
        if found is not None:
            end = found.end()
            yield start.start(), end, str(found.lastgroup).rstrip("23")


@Language.component("engine_shapes", assigns=["doc.ents", "token.ent_type", "token.ent_iob"])
def shapes(doc: Doc) -> Doc:
    """`doc` with its shapes among its entities; a shape that begins or ends inside a token takes the whole of it."""
    found = list(find_shapes(text_of(doc)))
    if found:
        offsets = LEXICON.of(doc).starts
        starts = np.searchsorted(offsets, [start for start, _, _ in found], side="right") - 1
        ends = np.searchsorted(offsets, [end for _, end, _ in found], side="left")
        labels = [label for _, _, label in found]
        add_entities(doc, zip(starts.tolist(), ends.tolist(), labels, strict=True))
    return doc
