"""The one way from a body to what it says: its sniffed type chooses the extractor, and no body makes it raise.

A body that cannot be used is data: the result's `failure` says why. What a library raises unexpectedly is caught here
and nowhere else, becomes `extract_failed` with the exception's name, and is logged as the defect that it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import structlog

from engine.model.outcome import Failure, FailureKind
from engine.nlp import maintext
from engine.nlp.bounds import MAX_TEXT_BYTES
from engine.nlp.charset import RefusedEncodingError
from engine.nlp.html import extract_html
from engine.nlp.media import extract_audio_video, extract_image
from engine.nlp.pdf import extract_pdf
from engine.nlp.plain import extract_plain
from engine.nlp.sniff import canonical, parse_content_type, sniff
from engine.nlp.values import Extracted

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Types that an extractor reads; `major/*` covers a family. What `extract.content_types` may usefully hold.
SUPPORTED: Final = (
    "text/*",
    "application/json",
    "application/xml",
    "application/pdf",
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/bmp",
    "image/tiff",
    "image/avif",
    "audio/*",
    "video/mp4",
    "video/webm",
)

_MAX_MESSAGE_CHARS: Final = 300


class ExtractSettings(Protocol):
    """The settings of the group `extract` that extraction needs."""

    @property
    def extractor(self) -> str:
        """One of fast, careful, none."""
        ...

    @property
    def content_types(self) -> Sequence[str]:
        """The types that are wanted; `major/*` is a family, and none at all means every supported one."""
        ...

    @property
    def pdf_max_pages(self) -> int:
        """Pages of a PDF that are read; 0 for all."""
        ...

    @property
    def image_location(self) -> bool:
        """Whether the place where a picture was taken is told."""
        ...


class Extractors:
    """All extractors under one set of settings; made once a process. UsageError where `careful` is not installed."""

    def __init__(self, settings: ExtractSettings) -> None:
        self._enabled = settings.extractor != "none"
        self._main_text = maintext.load_careful() if settings.extractor == "careful" else maintext.fast
        self._wanted = frozenset(map(canonical, settings.content_types))
        self._pdf_max_pages = settings.pdf_max_pages
        self._image_location = settings.image_location
        self._log = structlog.get_logger(__name__)

    def extract(self, body: bytes, content_type: str, url: str) -> Extracted:
        """What `body` says; `content_type` is its header ("" where none came), `url` where it was found.

        An empty body says nothing, which is no failure. Raises nothing but MemoryError.
        """
        supplied, charset = parse_content_type(content_type)
        if not body:
            return Extracted(supplied)
        found = sniff(body, supplied)
        if not self._enabled:
            return Extracted(found)
        if not self._accepts(found):
            message = f"content of type {found} is not extracted"
            return Extracted(found, failure=Failure(FailureKind.UNSUPPORTED_CONTENT, message))
        try:
            return self._extract(body, found, charset, url)
        except RefusedEncodingError as error:
            return Extracted(found, failure=Failure(FailureKind.DECODE_FAILED, str(error)))
        except MemoryError:
            raise  # not the page's doing alone: the process is to be replaced
        except Exception as error:  # noqa: BLE001 - the edge to seven parsers, documented above
            self._log.exception("an extractor failed unexpectedly", url=url, content_type=found, body_bytes=len(body))
            message = f"{type(error).__name__} while extracting {found}: {error}"[:_MAX_MESSAGE_CHARS]
            return Extracted(found, failure=Failure(FailureKind.EXTRACT_FAILED, message))

    def _accepts(self, content_type: str) -> bool:
        names = _names(content_type)
        return any(name in SUPPORTED for name in names) and (
            not self._wanted or any(name in self._wanted for name in names)
        )

    def _extract(self, body: bytes, content_type: str, charset: str | None, url: str) -> Extracted:
        if content_type == "application/pdf":
            return extract_pdf(body, self._pdf_max_pages)
        major = content_type.partition("/")[0]
        if major == "image" and not content_type.endswith("+xml"):
            return extract_image(body, content_type, with_location=self._image_location)
        if major in {"audio", "video"}:
            return extract_audio_video(body, content_type)
        read = body[:MAX_TEXT_BYTES]
        if content_type == "text/html":
            extracted = extract_html(read, charset, url, self._main_text)
        else:
            extracted = extract_plain(read, charset, content_type)
        extracted.whole = extracted.whole and len(read) == len(body)
        return extracted


def _names(content_type: str) -> tuple[str, ...]:
    """A type, its family, and the syntax that its suffix names (RFC 6839): the names that a setting may list it by."""
    major = content_type.partition("/")[0]
    suffix = content_type.rpartition("+")[2]
    syntax = f"application/{suffix}" if "+" in content_type and suffix in {"xml", "json"} else content_type
    return content_type, f"{major}/*", syntax
