"""Whether a page links to PDF files or to audio, by the endings of its links: no link is fetched to find out."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

PDF_SUFFIX: Final = ".pdf"
AUDIO_SUFFIXES: Final = (".mp3", ".m4a", ".wav", ".ogg", ".flac", ".aac", ".opus")

#: Finds the endings in a page's source; a tenth of a selector's time, and most pages have none. The endings are matched
#: as they are nearly always written, in one case.
_MENTION: Final = re.compile(
    "|".join(sorted({re.escape(form) for s in (PDF_SUFFIX, *AUDIO_SUFFIXES) for form in (s, s.upper())}))
)


def selector(source: str) -> str | None:
    """A selector for the links that :func:`link_kinds` is worth asking about; None where `source` can have none."""
    suffixes = {found.lower() for found in _MENTION.findall(source)}
    return ", ".join(f'a[href*="{suffix}" i]' for suffix in sorted(suffixes)) or None


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
