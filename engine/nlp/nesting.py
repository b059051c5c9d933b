"""A bound on how deep elements nest, before a parser sees them.

resiliparse's main-text extraction takes time that grows with the square of the depth (10,000 nested divs 1.3 s), and
reading an element's text recurses in C (a million levels end the process). Browsers cap the depth too (Blink at 512).
So the tags beyond the bound are dropped from the source and their text stays: what a browser's flattening shows.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

#: No page measured nests deeper than 100; at this depth the parser still takes milliseconds.
MAX_DEPTH: Final = 1_000

#: With fewer tags than this no nesting costs more than a few seconds: such pages, all but a few, are not scanned.
FEW_TAGS: Final = 20_000

#: A comment or a tag that is never closed reaches to the end, as for a parser; looking for the end of each anew would
#: take n^2 steps for n of them.
_TAG: Final = re.compile(r"<!--.*?(?:-->|\Z)|<(/?)([a-zA-Z][^\s/>]*+)[^>]*+(?:>|\Z)", re.DOTALL)

#: Elements that cannot nest in each other: void ones, and those whose end tag may be left out (HTML, 13.1.2.4).
_FLAT: Final = frozenset(
    (
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"),
        *("p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "option", "optgroup", "colgroup"),
        *("rt", "rp"),
    )
)


def bound_depth(markup: str, max_depth: int = MAX_DEPTH) -> str:
    """`markup` as it is, but for the tags that would nest deeper than `max_depth` elements.

    Tags are counted as written, so a page that leaves thousands of elements open may lose some tags, never text.
    """
    if markup.count("<") <= max(FEW_TAGS, max_depth):
        return markup
    opened: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    depth = 0

    def keep(found: re.Match[str]) -> str:
        nonlocal depth
        closing, name = found.groups()
        if name is None or (name := name.lower()) in _FLAT:
            return found.group()
        if closing:
            if dropped[name]:
                dropped[name] -= 1
                return ""
            if opened[name]:
                opened[name] -= 1
                depth -= 1
            return found.group()
        if depth >= max_depth:
            dropped[name] += 1
            return ""
        opened[name] += 1
        depth += 1
        return found.group()

    return _TAG.sub(keep, markup)
