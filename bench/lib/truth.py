"""Real pages with what a person found in them, and how an extraction is judged against that.

A folder of them has html/ID.html.gz (the page as served) and truth/ID.json (id, url, page_type, title, author,
publish_date, main_content, with, without). Words are \\w+ of the lower-cased text, as bags; precision, recall and F1
are a page's, then the mean over pages, as the Web Content eXtraction Benchmark has it.
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class TruePage:
    """A page and its truth; `kept` and `dropped` are snippets that belong, and do not belong, to the main text."""

    key: str
    url: str
    kind: str
    body: bytes
    text: str
    kept: list[str]
    dropped: list[str]
    title: str | None
    author: str | None
    date: str | None


def read_pages(folder: Path) -> list[TruePage]:
    pages = []
    for path in sorted((folder / "truth").glob("*.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        body = gzip.decompress((folder / "html" / f"{path.stem}.html.gz").read_bytes())
        pages.append(
            TruePage(
                key=truth["id"],
                url=truth["url"],
                kind=truth["page_type"],
                body=body,
                text=truth["main_content"],
                kept=truth["with"],
                dropped=truth["without"],
                title=truth["title"],
                author=truth["author"],
                date=truth["publish_date"],
            )
        )
    return pages


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def judge(found: Counter, true: Counter) -> tuple[float, float, float]:
    """Precision, recall and F1 of a bag of words."""
    if not found and not true:
        return 1.0, 1.0, 1.0
    common = (found & true).total()
    if not common:
        return 0.0, 0.0, 0.0
    precision, recall = common / found.total(), common / true.total()
    return precision, recall, 2 * precision * recall / (precision + recall)


def snippet_rate(text: str, snippets: list[str]) -> float | None:
    """The share of `snippets` in `text`, white space folded; None without snippets."""
    folded = " ".join(text.split())
    return sum(" ".join(s.split()) in folded for s in snippets) / len(snippets) if snippets else None


def mean(values) -> float:
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else float("nan")
