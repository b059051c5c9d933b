"""Saved measurements, read again: pytest-benchmark suites, and what scripts wrote with --save."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: What a file holds.
Saved = dict[str, Any]


class UnreadableError(Exception):
    """A file is no saved measurement; the message names it."""


def read(files: Iterable[Path]) -> tuple[list[Saved], list[Saved]]:
    """The suites and the scripts' outcomes among the files, each from the oldest on. Raises UnreadableError."""
    suites: list[Saved] = []
    scripts: list[Saved] = []
    for file in files:
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise UnreadableError(f"{file}: {error.strerror}") from error
        except ValueError as error:
            raise UnreadableError(f"{file}: is no JSON ({error})") from error
        if isinstance(told, dict) and {"benchmarks", "datetime"} <= set(told):
            suites.append(told)
        elif isinstance(told, dict) and {"name", "at", "rows", "options"} <= set(told):
            scripts.append(told)
        else:
            raise UnreadableError(f"{file}: is neither of scripts/bench --benchmark-json nor of a script's --save")
    return sorted(suites, key=lambda told: told["datetime"]), sorted(scripts, key=lambda told: told["at"])


def latest(scripts: Iterable[Saved]) -> dict[str, Saved]:
    """The latest of each kind, by its title: of a script, or of a variant that the script names."""
    return {title(told): told for told in sorted(scripts, key=lambda told: told["at"])}


def title(told: Saved) -> str:
    """The script, and what tells this use of it from others that are shown beside it."""
    words = told["name"].replace("_", " ").capitalize()
    variant = told.get("variant") or told["options"].get("variant")
    return words if variant in {None, "both"} else f"{words}: {variant}"
