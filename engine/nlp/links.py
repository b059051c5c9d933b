"""Whether a page links to PDF files or to audio, by the endings of its links: no link is fetched to find out."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from engine.nlp.elements import attributes_of, elements_with

PDF_SUFFIX: Final = ".pdf"
AUDIO_SUFFIXES: Final = (".mp3", ".m4a", ".wav", ".ogg", ".flac", ".aac", ".opus")

#: The endings in a page's source, which most pages have none of; as they are nearly always written, in one case.
_MENTION: Final = re.compile(
    "|".join(sorted({re.escape(form) for s in (PDF_SUFFIX, *AUDIO_SUFFIXES) for form in (s, s.upper())}))
)


def mentioned(source: str) -> tuple[bool, bool]:
    """(links to a PDF, links to audio) of a page's source, which is without code."""
    has_pdf = has_audio = False
    for ending in dict.fromkeys(_MENTION.findall(source)):
        for element in elements_with(source, ending):
            if element.name == "a" and (href := attributes_of(element.attributes).get("href")):
                pdf, audio = link_kinds(href)
                has_pdf |= pdf
                has_audio |= audio
                if (pdf, audio) != (False, False):
                    break
    return has_pdf, has_audio


def link_kinds(href: str) -> tuple[bool, bool]:
    """(is a PDF, is audio) of a link's target, by the ending of its path or of its query (download.php?f=a.pdf)."""
    try:
        parts = urlsplit(href.strip().lower())
    except ValueError:  # a broken IPv6 host; such a link leads nowhere
        return False, False
    return (
        parts.path.endswith(PDF_SUFFIX) or parts.query.endswith(PDF_SUFFIX),
        parts.path.endswith(AUDIO_SUFFIXES) or parts.query.endswith(AUDIO_SUFFIXES),
    )
