"""Cache-Control, taken apart (RFC 9111, section 5.2).

The law: whoever writes the field badly is understood to have meant the cautious thing. A directive counts wherever its
name can be told, in any case, with an argument or without; one with a number that is none, or with two different
numbers, is as good as 0 (section 4.2.1 encourages both); text in quotes is an argument and never a directive; what is
not known is ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A name, and what follows a "=": a quoted string or a token, and whatever else stands before the next comma. Spaces
#: around the "=" are no part of the grammar, and are caught only to be told. Where commas were forgotten ("no-cache
#: no-store") each word is a directive. No two parts can match the same character, so a hostile line costs its length.
_DIRECTIVE: Final = re.compile(
    r'(?P<name>[^\s,="]+)(?:(?P<space>\s*)=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<token>[^\s,"]*))(?P<rest>[^,]*))?'
)
_ESCAPED: Final = re.compile(r"\\(.)")
_DIGITS: Final = re.compile(r"[0-9]+")

#: Section 1.2.2: a number too large to hold is this one. No sum with it overflows, and it lasts for 68 years.
MAX_DELTA_S: Final = 2**31

#: Digits that MAX_DELTA_S has; more are not converted at all, as that costs the square of their count.
_MAX_DIGITS: Final = 10

#: What stands for an argument that cannot be what was meant.
_UNREADABLE: Final = "?"

Directives = dict[str, tuple[str | None, ...]]


def parse_cache_control(lines: Iterable[str]) -> Directives:
    """Each directive's name in lower case, with the distinct arguments it was given (None: without one), in order."""
    found: Directives = {}
    for line in lines:
        for match in _DIRECTIVE.finditer(line):
            name = match["name"].lower()
            argument = _argument(match)
            earlier = found.get(name, ())
            if argument not in earlier:
                found[name] = (*earlier, argument)
    return found


def _argument(match: re.Match[str]) -> str | None:
    if match["token"] is None and match["quoted"] is None:
        return None
    if match["space"] or match["rest"].strip():
        return _UNREADABLE
    quoted = match["quoted"]
    return match["token"] if quoted is None else _ESCAPED.sub(r"\1", quoted)


def seconds_of(directives: Directives, name: str) -> int | None:
    """The seconds that a directive gives: None where it is absent, 0 where they cannot be told or contradict."""
    arguments = directives.get(name)
    if arguments is None:
        return None
    values = {delta_seconds(argument or "") for argument in arguments}
    return (values.pop() or 0) if len(values) == 1 else 0


def delta_seconds(text: str) -> int | None:
    """A number of seconds (section 1.2.2), at most MAX_DELTA_S; None for what is none."""
    if _DIGITS.fullmatch(text) is None:
        return None
    digits = text.lstrip("0") or "0"
    return MAX_DELTA_S if len(digits) > _MAX_DIGITS else min(int(digits), MAX_DELTA_S)
