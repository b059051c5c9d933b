"""The main text of a page: paragraphs separated by blank lines, nothing of navigation, scripts or hidden parts.

Two extractors. `fast` reads the page's blocks off its source, weighs the evidence for each and keeps the best (some 3
ms a page with all that it is read from, no more than resiliparse's own extraction takes). `careful` is trafilatura, an
optional extra, some fifteen times slower and a little better on articles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from engine.errors import UsageError
from engine.nlp import clean
from engine.nlp.bounds import bound_markup
from engine.nlp.layout import lay_out
from engine.nlp.scoring import main_blocks

if TYPE_CHECKING:
    from engine.nlp.blocks import Block

#: What holds no text of the page but is text to resiliparse where it keeps everything.
_NO_TEXT: Final = ["script", "style", "template", "noscript", "nav", "footer", "[hidden]", '[aria-hidden="true"]']


class MainText(Protocol):
    """An extractor of main text: a page's blocks, and the source that they were read from, to text; "" for none."""

    def __call__(self, blocks: list[Block], source: str) -> str:
        """See the class."""
        ...


def fast(blocks: list[Block], source: str) -> str:
    """The blocks that score as main text; where there are none, all visible text, so that a real page has text."""
    return clean.without_controls(lay_out(main_blocks(blocks))) or all_text(source)


def all_text(source: str) -> str:
    """Everything that a browser would show, navigation and footer left out unless there is nothing else."""
    tree = HTMLTree.parse(bound_markup(source))
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

    def careful(blocks: list[Block], source: str) -> str:
        del blocks
        # Its paragraphs, headings and list items are one line each.
        text = extract(bound_markup(source), include_comments=False, include_tables=True, output_format="txt") or ""
        return clean.paragraphs(text.replace("\n", "\n\n")) or all_text(source)

    return careful
