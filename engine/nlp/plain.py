"""Text that is no page: plain text and Markdown as they are, JSON by its strings, XML by :mod:`engine.nlp.feeds`."""

from __future__ import annotations

import re
from typing import Final

import orjson

from engine.nlp import clean
from engine.nlp.charset import decode
from engine.nlp.feeds import extract_xml
from engine.nlp.values import Extracted

#: Where a JSON object says what it is about.
_JSON_TITLES: Final = ("title", "headline", "name")

#: A heading of the first level; the number signs that may close it are taken off by hand, in linear time.
_MARKDOWN_TITLE: Final = re.compile(r"^#[ \t]+(\S.{0,2000})", re.MULTILINE)
_LETTER: Final = re.compile(r"[^\W\d_]")


def extract_plain(body: bytes, charset: str | None, content_type: str) -> Extracted:
    """The text of a body of a textual type; `charset` is its header's. Raises RefusedEncodingError."""
    is_xml = content_type.endswith(("/xml", "+xml"))
    text = decode(body, charset, markup=is_xml).text
    if is_xml:
        return extract_xml(text, content_type)
    if content_type.endswith(("/json", "+json")):
        return _extract_json(text, content_type)
    title = _MARKDOWN_TITLE.search(text) if content_type == "text/markdown" else None
    heading = title.group(1).rstrip().rstrip("#") if title else ""
    return Extracted(content_type, title=clean.line(heading), text=clean.paragraphs(text))


def _extract_json(text: str, content_type: str) -> Extracted:
    """The strings of a JSON document that hold a letter, in its order, each a paragraph; broken JSON as it is."""
    try:
        document = orjson.loads(text)
    except ValueError:
        return Extracted(content_type, text=clean.paragraphs(text))
    title = ""
    if isinstance(document, dict):
        title = next((found for key in _JSON_TITLES if (found := clean.line(document.get(key)))), "")
    return Extracted(content_type, title=title, text=clean.paragraphs("\n\n".join(_strings(document))))


def _strings(document: object) -> list[str]:
    found: list[str] = []
    pending: list[object] = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            if _LETTER.search(value) and "://" not in value:
                found.append(value)
        elif isinstance(value, dict):
            pending.extend(reversed(value.values()))
        elif isinstance(value, list):
            pending.extend(reversed(value))
    return found
