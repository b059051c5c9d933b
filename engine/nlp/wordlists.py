"""The package's own word lists, data/*.txt: one entry a line, or words between spaces; `#` begins a comment line."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def data_lines(name: str) -> tuple[str, ...]:
    """The lines of data/`name`.txt, without comments and blank lines."""
    text = (files("engine.nlp") / "data" / f"{name}.txt").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


@cache
def data_words(name: str) -> frozenset[str]:
    """The words of data/`name`.txt."""
    return frozenset(word for line in data_lines(name) for word in line.split())
