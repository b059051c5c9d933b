"""Public suffixes, against the list's own library."""

from __future__ import annotations

from pathlib import Path

import pytest
from publicsuffixlist import PSLFILE, PublicSuffixList

from engine.model.suffix import registrable

RULES = [line.split(" ")[0].rstrip() for line in Path(PSLFILE).read_text("utf-8").splitlines() if line[:2] != "//"]


def test_every_name_has_the_domain_that_the_library_says():
    library = PublicSuffixList()
    odd = [rule for rule in RULES if not rule.isascii() or rule[:1] in "*!"]
    for rule in filter(None, [*RULES[::20], *odd[::3]]):
        name = rule.lstrip("!").removeprefix("*.").encode("idna").decode("ascii")
        for asked in (name, f"a.{name}", f"b.a.{name}", f"c.b.a.{name}", name.partition(".")[2] or name):
            assert registrable(asked) == library.privatesuffix(asked), asked


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("test", None), ("a.test", "a.test"), ("c.b.a.test", "a.test"), ("A.Com", "a.com"), ("a..com", None),
        (".com", None), ("www.ck", "www.ck"), ("a.www.ck", "www.ck"), ("b.ck", None), ("a.b.ck", "a.b.ck"), ("", None),
    ],
)  # fmt: skip
def test_names_of_every_kind(name, domain):
    assert registrable(name) == domain
