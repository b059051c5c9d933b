r"""Text made safe to pass on.

Law: what leaves here can be encoded as UTF-8, and is as long as it was. A lone surrogate (half of a UTF-16 pair, which
a broken page can name as `&#xD800;` or a JSON string as `\ud800`) is no character: neither orjson nor spaCy takes it.
"""

from __future__ import annotations

import re
from typing import Any, Final

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
#: Characters whose words are counted together.
_COUNTED_CHARS: Final = 1 << 20
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def without_surrogates(text: str) -> str:
    """`text` with each lone surrogate replaced by U+FFFD."""
    try:
        text.encode()  # a tenth of the time of a search
    except UnicodeEncodeError:
        return _SURROGATE.sub(_REPLACEMENT, text)
    return text


def clean(value: Any) -> Any:  # noqa: ANN401 - any JSON value in, the same shape out
    """A JSON value with :func:`without_surrogates` applied to every string in it, keys included."""
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def squeeze(text: str) -> str:
    """`text` with every run of white space as one space, none at the ends."""
    return " ".join(text.split())


def count_words(text: str) -> int:
    """How many words `text.split()` has, without having all of them at once: each takes 60 bytes."""
    count = 0
    for start in range(0, len(text), _COUNTED_CHARS):
        piece = text[start : start + _COUNTED_CHARS]
        count += len(piece.split())
        if start and not text[start - 1].isspace() and not piece[0].isspace():
            count -= 1  # a word that was cut in two
    return count
