"""A PDF to text: its pages in their order, and what the file says of itself (pypdfium2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pypdfium2 import PdfDocument, PdfiumError

from engine.model.outcome import Failure, FailureKind
from engine.nlp import clean, dates
from engine.nlp.values import Extracted

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

#: PDFium's error codes that are the file's own doing (FPDF_GetLastError, fpdfview.h).
_REASONS: Final = {
    2: "the file cannot be read",
    3: "the PDF is damaged or no PDF",
    4: "the PDF is encrypted and needs a password",
    5: "the PDF is protected by an unsupported security handler",
    6: "the PDF has no readable page",
}

#: A date of the document information dictionary (ISO 32000-1, 7.9.4): D:YYYYMMDDHHmmSSOHH'mm'.
_DATE: Final = re.compile(r"D:(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)(?:(Z)|([+-])(\d\d)'?(\d\d))?)?")

#: How PDFium marks a hyphen that only breaks a line: the word goes on.
_LINE_HYPHEN: Final = re.compile("[\x02\ufffe]\r?\n?")

#: Text of one document beyond which no further page is read: books have a tenth of it.
_MAX_TEXT_CHARS: Final = 16 << 20

_CONTENT_TYPE: Final = "application/pdf"


def extract_pdf(body: bytes, max_pages: int) -> Extracted:
    """The text of the first `max_pages` pages (0: all) and the document information; a failure for what PDFium refuses.

    A page that is damaged within a good file is left out; `media.pages_processed` counts the others.
    """
    try:
        document = PdfDocument(body)
    except PdfiumError as error:
        reason = _REASONS.get(error.err_code or 0, f"the PDF cannot be opened: {error}")
        return Extracted(_CONTENT_TYPE, failure=Failure(FailureKind.EXTRACT_FAILED, reason))
    try:
        count = len(document)
        texts = _texts(document, min(count, max_pages or count))
        information = {key: clean.line(value, 1_000) for key, value in document.get_metadata_dict().items()}
    finally:
        document.close()
    read = [text for text in texts if text is not None]
    if texts and not read:
        damaged = Failure(FailureKind.EXTRACT_FAILED, "no page of the PDF can be read")
        return Extracted(_CONTENT_TYPE, media={"page_count": count, "pages_processed": 0}, failure=damaged)
    return Extracted(
        _CONTENT_TYPE,
        title=information.get("Title", ""),
        text="\n\n".join(text for text in read if text),
        metadata=_metadata(information),
        media={
            "page_count": count,
            "pages_processed": len(read),
            **{_snake(key): value for key, value in information.items() if value},
        },
    )


def _texts(document: PdfDocument, count: int) -> list[str | None]:
    """The texts of the first pages, until there is enough."""
    texts: list[str | None] = []
    chars = 0
    for index in range(count):
        texts.append(_page_text(document, index))
        chars += len(texts[-1] or "")
        if chars > _MAX_TEXT_CHARS:
            break
    return texts


def _page_text(document: PdfDocument, index: int) -> str | None:
    """One page's text; None where the page is damaged."""
    try:
        page: PdfPage = document[index]
    except PdfiumError:
        return None
    try:
        # The text page is the page's child and is closed with it.
        return clean.paragraphs(_LINE_HYPHEN.sub("", page.get_textpage().get_text_range()))
    except PdfiumError:
        return None
    finally:
        page.close()


def _metadata(information: dict[str, str]) -> dict[str, Any]:
    found = {
        "author": information.get("Author", ""),
        "published_at": _date(information.get("CreationDate", "")),
        "modified_at": _date(information.get("ModDate", "")),
        "description": information.get("Subject", ""),
    }
    return {key: value for key, value in found.items() if value}


def _date(text: str) -> str | None:
    """RFC 3339 of a PDF date: with its time where its offset is known, else the day."""
    found = _DATE.match(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, zulu, sign, offset_hour, offset_minute = found.groups()
    iso = f"{year}-{month}-{day}"
    if zulu:
        iso += f"T{hour}:{minute}:{second}Z"
    elif sign:
        iso += f"T{hour}:{minute}:{second}{sign}{offset_hour}:{offset_minute}"
    return dates.to_rfc3339(iso)


def _snake(key: str) -> str:
    """CreationDate to creation_date."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()
