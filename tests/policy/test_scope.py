from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.url import Target, parse_target
from engine.policy.scope import Scope, ScopeRules

SEED = "https://www.shop.co.uk/de/index.html"


def admits(url, seed=SEED, **rules):
    target = parse_target(url)
    assert isinstance(target, Target)
    return Scope(ScopeRules(**rules)).admits(target.fetch_url, target.host, seed)


@pytest.mark.parametrize(
    ("extent", "inside", "outside"),
    [
        ("site", ["https://shop.co.uk/", "http://blog.shop.co.uk/x"], ["https://other.co.uk/", "https://co.uk/"]),
        ("host", ["https://www.shop.co.uk/x", "http://www.shop.co.uk:8080/"], ["https://shop.co.uk/"]),
        (
            "path",
            ["https://www.shop.co.uk/de/", "http://www.shop.co.uk/de/a/b?c"],
            ["https://www.shop.co.uk/den", "https://www.shop.co.uk/"],
        ),
    ],
)
def test_an_extent_is_measured_from_the_seed(extent, inside, outside):
    assert all(admits(url, extent=extent) for url in inside)
    assert not any(admits(url, extent=extent) for url in outside)


def test_allowed_domains_take_the_place_of_the_extent():
    domains = ("Partner.example", ".shop.co.uk")
    assert admits("https://partner.example/", allowed_domains=domains)
    assert admits("https://deep.down.partner.example/", allowed_domains=domains)
    assert not admits("https://notpartner.example/", allowed_domains=domains)
    assert not admits("https://www.shop.co.uk/", allowed_domains=("partner.example",))


def test_patterns_are_searched_in_the_whole_url():
    assert admits("https://shop.co.uk/de/a", include=("/de/", "/fr/"))
    assert not admits("https://shop.co.uk/en/a", include=("/de/", "/fr/"))
    assert not admits("https://shop.co.uk/de/a?print=1", include=("/de/",), exclude=(r"[?&]print=",))


def test_a_seed_that_is_no_url_has_nothing_in_its_scope():
    assert not admits("https://shop.co.uk/", seed="nonsense")


@given(st.from_regex(r"https?://[a-z]{1,5}(\.[a-z]{2,4}){1,3}(/[a-z0-9]{1,4}){0,4}/?", fullmatch=True))
def test_every_seed_is_in_its_own_scope_and_the_extents_nest(url):
    assert admits(url, seed=url, extent="path")
    for narrow, wide in (("path", "host"), ("host", "site")):
        assert not admits(url, extent=narrow) or admits(url, extent=wide)
