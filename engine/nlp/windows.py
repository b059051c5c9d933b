"""A long text in windows, for pipelines whose memory grows with the length of one text, and its Docs as one again.

Law: the windows in their order are the text, character for character; none is longer than asked. A window ends where
the least is torn: after a blank line, else after a sentence, else after white space, else where it must.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from spacy.tokens import Doc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Where a window may end, the best first.
_ENDS: Final = ("\n\n", "\n", ". ", " ")
#: An end in the first part of a window would make too many small ones.
_LEAST_SHARE: Final = 0.5


def cut_windows(text: str, most: int) -> Iterator[str]:
    """The windows of `text`, each of `most` characters at most."""
    start = 0
    while len(text) - start > most:
        end = _end(text, start, start + most)
        yield text[start:end]
        start = end
    yield text[start:]


def _end(text: str, start: int, limit: int) -> int:
    least = start + int((limit - start) * _LEAST_SHARE)
    for mark in _ENDS:
        at = text.rfind(mark, least, limit)
        if at >= 0:
            return at + len(mark)
    return limit


def joined(docs: Sequence[Doc]) -> Doc:
    """The Docs of a text's windows as the Doc of the text, with their entities and sentences, and no user data."""
    if len(docs) == 1:
        return docs[0]
    doc = Doc.from_docs(list(docs), ensure_whitespace=False, exclude=["user_data"])  # type: ignore[call-arg]  # missing in the stub
    assert doc is not None  # noqa: S101 - None is for no Docs at all
    return doc
