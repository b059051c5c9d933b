"""An HTML page to its row's fields, read off its source: what it says of itself, and its text. No tree is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.nlp import metadata
from engine.nlp.authorship import find_authorship
from engine.nlp.blocks import read_blocks
from engine.nlp.bounds import bound_tags
from engine.nlp.charset import decode
from engine.nlp.cuts import without_code
from engine.nlp.facts import gather
from engine.nlp.jsonld import JsonLd
from engine.nlp.named import marked_names, page_names
from engine.nlp.title import page_title
from engine.nlp.values import Extracted

if TYPE_CHECKING:
    from engine.nlp.maintext import MainText


def extract_html(body: bytes, charset: str | None, url: str, main_text: MainText) -> Extracted:
    """A page fetched from `url`; `charset` is its Content-Type header's. Raises RefusedEncodingError."""
    source = bound_tags(decode(body, charset).text)
    scripts: list[str] = []
    markup = without_code(source, scripts)
    facts = gather(markup, scripts)
    blocks = read_blocks(markup)
    json_ld = JsonLd(facts.json_ld)
    site = metadata.site_name(facts, json_ld)
    title = page_title(facts, json_ld, site)
    origin = find_authorship(facts, json_ld, blocks, title, url)
    return Extracted(
        content_type="text/html",
        title=title,
        text=main_text(blocks, source),
        language_hint=metadata.language(facts),
        metadata=metadata.page_metadata(facts, json_ld, origin, site, url),
        names=page_names(json_ld, marked_names(markup, facts.marked), author=origin.author, site=site),
        has_pdf_links=facts.has_pdf_links,
        has_audio_links=facts.has_audio_links,
        meta=facts.meta,
    )
