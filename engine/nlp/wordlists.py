"""The package's own word lists, data/*.txt: one entry a line, or words between spaces; `#` begins a comment line.

The gazetteers (data/gazetteers.txt.gz, made by scripts/make_gazetteers.py) are sections of names, one a line.
"""

from __future__ import annotations

import gzip
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


@cache
def gazetteers() -> dict[str, frozenset[str]]:
    """The gazetteers: `country`, `state` (of the US), `city` (large), `town`, `given` and `surname` to their names."""
    packed = (files("engine.nlp") / "data" / "gazetteers.txt.gz").read_bytes()
    sections: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in gzip.decompress(packed).decode("utf-8").splitlines():
        if line.startswith("["):
            names = sections.setdefault(line.strip("[]"), set())
        else:
            names.add(line)
    return {section: frozenset(found) for section, found in sections.items()}
