"""The main text of a page: paragraphs separated by blank lines, nothing of navigation, scripts or hidden parts.

Two extractors. `fast` works on the tree that is parsed anyway (resiliparse, 2-3 ms a page); `careful` parses the source
again (trafilatura, an optional extra, some ten times slower and better on articles).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from resiliparse.extract.html2text import extract_plain_text

from engine.errors import UsageError
from engine.nlp import clean

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

#: What holds no text of the page but is text to resiliparse where it keeps everything.
_NO_TEXT: Final = ["script", "style", "template", "noscript", "nav", "footer", "[hidden]", '[aria-hidden="true"]']


class MainText(Protocol):
    """An extractor of main text: the parsed tree, and the source that it was parsed from, to text; "" for none."""

    def __call__(self, tree: HTMLTree, source: str) -> str:
        """See the class."""
        ...


def fast(tree: HTMLTree, source: str) -> str:
    """The main content by resiliparse; where it finds none, all visible text, so that a real page has text."""
    del source
    text = extract_plain_text(tree, main_content=True, alt_texts=False, list_bullets=False, preserve_formatting=True)
    return clean.paragraphs(text) or all_text(tree)


def all_text(tree: HTMLTree) -> str:
    """Everything that a browser would show, navigation and footer left out unless there is nothing else."""
    for skipped in (_NO_TEXT, _NO_TEXT[:3]):
        text = clean.paragraphs(
            extract_plain_text(
                tree,
                main_content=False,
                alt_texts=False,
                list_bullets=False,
                preserve_formatting=True,
                noscript=True,
                skip_elements=skipped,
            )
        )
        if text:
            return text
    return ""


def load_careful() -> MainText:
    """The extraction by trafilatura, all text where it finds none. UsageError where the package is not installed."""
    try:
        from trafilatura import extract  # noqa: PLC0415 - an optional extra, loaded only where it is asked for
    except ImportError as error:
        raise UsageError(
            f"extract.extractor: careful needs trafilatura ({error}): pip install 'enrich-engine[careful]'"
        ) from error

    def careful(tree: HTMLTree, source: str) -> str:
        # Its paragraphs, headings and list items are one line each.
        text = extract(source, include_comments=False, include_tables=True, output_format="txt") or ""
        return clean.paragraphs(text.replace("\n", "\n\n")) or all_text(tree)

    return careful
