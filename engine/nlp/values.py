"""What an extractor finds in a body, and what an analyser adds to it: the two halves of a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.model.outcome import Failure


@dataclass(slots=True)
class Extracted:
    """A page as an extractor sees it.

    `text` is the whole main text, paragraphs separated by blank lines; `language_hint` the page's own claim (BCP 47);
    `metadata` holds only keys that were found; `media` is None but for PDF, images, audio and video. `names` are those
    that the page's structured data, byline and site name give, by label (PERSON, ORG, GPE, LOC, PRODUCT, EVENT): the
    analyser finds them in the text.
    `meta` are an HTML page's meta elements (:class:`engine.nlp.facts.Facts`).
    `whole` is False where the body was too large to be read to its end.
    `failure` says why there is no text where that is an error; what was found before it is kept.
    """

    content_type: str
    title: str = ""
    text: str = ""
    language_hint: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    media: dict[str, Any] | None = None
    names: dict[str, list[str]] = field(default_factory=dict)
    has_pdf_links: bool = False
    has_audio_links: bool = False
    meta: dict[str, str] = field(default_factory=dict)
    whole: bool = True
    failure: Failure | None = None


@dataclass(slots=True)
class Analysis:
    """What language analysis adds: row-ready values (see docs/rows.md)."""

    language: str | None = None
    entities: list[dict[str, Any]] = field(default_factory=list)
    keywords: list[dict[str, Any]] = field(default_factory=list)
    summary: str = ""
