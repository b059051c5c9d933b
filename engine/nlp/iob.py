"""Files of tokens and IOB2 tags, and the spans that tags mean.

A file has a token, white space and its tag a line (further columns between are passed over), a blank line between
sentences; lines that begin with `#` and have no tag are comments, and `-DOCSTART-` begins a document.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

#: The tokens of a sentence, and their tags.
Sentence = tuple[list[str], list[str]]


def read_documents(path: Path) -> list[list[Sentence]]:
    """The documents of a file (.gz too), each a list of sentences; one document where none is marked."""
    documents: list[list[Sentence]] = [[]]
    tokens: list[str] = []
    tags: list[str] = []
    for line in [*_text(path).split("\n"), ""]:
        columns = line.split()
        starts = bool(columns) and columns[0] == "-DOCSTART-"
        if columns and not starts:
            if len(columns) > 1 and _is_tag(columns[-1]):
                tokens.append(columns[0])
                tags.append(columns[-1])
            continue
        if tokens:
            documents[-1].append((tokens, tags))
            tokens, tags = [], []
        if starts and documents[-1]:
            documents.append([])
    return [document for document in documents if document]


def spans(tags: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """The entities that the tags of a text mean (:func:`join`)."""
    return join((at, parts(tag)) for at, tag in enumerate(tags) if tag != "O")


def parts(tag: str) -> tuple[str, str]:
    """A tag's B or I, and its label."""
    return tag[:1], tag[2:]


def join(tagged: Iterable[tuple[int, tuple[str, str]]]) -> Iterator[tuple[int, int, str]]:
    """(first, one after the last, label) of each entity; an I- after anything else than its own label begins one.

    Of the words that are tagged otherwise than O, in order, the place and the parts of the tag.
    """
    start, end, label = 0, 0, ""
    for at, (prefix, own) in tagged:
        if at == end and own == label and prefix == "I":
            end += 1
            continue
        if label:
            yield start, end, label
        start, end, label = at, at + 1, own
    if label:
        yield start, end, label


def _text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8").replace("\r\n", "\n")


def _is_tag(column: str) -> bool:
    return column == "O" or column[:2] in {"B-", "I-"}
