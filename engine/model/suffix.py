"""How much of a host's name is a public suffix, by the Public Suffix List that publicsuffixlist bundles.

Law (publicsuffix.org, "Formal Algorithm", with the reading of its test data that a wildcard's own root is public too):
the longest rule that ends the name decides, an exception before a wildcard before an exact one; where none does, the
last label is public.

The list's own library walks each name from its longest end. Half a million hosts are half a million names, but few
domains hold them: only the name itself is looked up anew, and what its parent says is remembered.
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from publicsuffixlist import PSLFILE


@cache
def _rules() -> frozenset[str]:
    """The list, read when it is first needed, with the rules that are not ASCII in their encoded form too.

    The library would encode all ten thousand of them: 70 ms of each process's start.
    """
    lines = [line.split(" ")[0].rstrip() for line in Path(PSLFILE).read_text("utf-8").splitlines()]
    rules = [line for line in lines if line and not line.startswith("//")]
    encoded = [rule.encode("idna").decode("ascii") for rule in rules if not rule.isascii()]
    return frozenset([*rules, *encoded])


def _below(name: str) -> int:
    """How many labels are public of what lies right below a name, and has no rule of its own."""
    rules = _rules()
    labels = name.count(".") + 1
    if f"!{name}" in rules:
        return labels - 1
    if f"*.{name}" in rules:
        return labels + 1
    if name in rules or labels == 1:
        return labels
    return _below_parent(name.partition(".")[2])


_below_parent = lru_cache(maxsize=65_536)(_below)


def registrable(name: str) -> str | None:
    """The public suffix of a name and one label more; None where the name is a suffix itself, or has empty labels."""
    labels = name.lower().split(".")
    if "" in labels:
        return None
    public = _below(".".join(labels))  # a name that is no suffix has as many public labels as what lies below it
    return ".".join(labels[-public - 1 :]) if public < len(labels) else None
