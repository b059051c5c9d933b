"""Whether JSON that was read can be written again: orjson reads 1,024 levels, and writes 254."""

from __future__ import annotations

from typing import Final

#: A row wraps what was read in a few levels more.
_MAX_DEPTH: Final = 200


def can_be_written(value: object, brackets: int) -> bool:
    """Whether `value`, read from a text with so many opening brackets, can: counting them spares most the walk."""
    return brackets <= _MAX_DEPTH or _is_shallow(value)


def _is_shallow(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(_MAX_DEPTH):
        groups = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for group in groups for item in group]
        if not level:
            return True
    return False
