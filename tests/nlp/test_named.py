from __future__ import annotations

import orjson
import pytest

from engine.nlp import maintext
from engine.nlp.html import extract_html
from engine.nlp.jsonld import MAX_NODES
from engine.nlp.named import is_person


def names(markup):
    return extract_html(markup.encode(), "utf-8", "https://a.example/", maintext.fast).names


def json_ld(value):
    return names(f'<script type="application/ld+json">{orjson.dumps(value).decode()}</script><p>Text.')


def test_typed_nodes_name_by_their_kind_however_deep():
    assert json_ld(
        {
            "@graph": [
                {
                    "@type": "NewsArticle",
                    "author": [{"@type": "Person", "name": "Ann  Doe"}, {"@type": "Person", "name": "admin"}],
                    "publisher": {"@type": "NewsMediaOrganization", "name": "Harbour Gazette"},
                },
                {"@type": ["Product", "Vehicle"], "name": "Zephyr 9000", "brand": {"@type": "Brand", "name": "Aeol"}},
                {
                    "@type": "schema:MusicEvent",
                    "name": "Night of Lutes",
                    "location": {
                        "@type": "Place",
                        "address": {"@type": "PostalAddress", "addressLocality": "Ghent", "addressCountry": "Belgium"},
                    },
                },
            ]
        }
    ) == {
        "PERSON": ["Ann Doe"],
        "ORG": ["Harbour Gazette", "Aeol"],
        "PRODUCT": ["Zephyr 9000"],
        "EVENT": ["Night of Lutes"],
        "GPE": ["Ghent", "Belgium"],
    }


def test_microdata_and_rdfa_name_the_item_itself():
    product = '<div itemscope itemtype="http://schema.org/Product"><h1 itemprop="name">Oak Chair</h1></div>'
    rdfa = '<div vocab="http://schema.org/" typeof="Product"><h1 property="name">Oak Chair</h1></div>'
    event = '<div itemscope itemtype="https://schema.org/MusicEvent"><b itemprop=name content="Lute Night"></b></div>'
    assert names(product + event) == {"PRODUCT": ["Oak Chair"], "EVENT": ["Lute Night"]}
    assert names(rdfa + event) == {"PRODUCT": ["Oak Chair"], "EVENT": ["Lute Night"]}


def test_the_byline_and_the_site_are_names():
    markup = '<meta name="author" content="Ann Doe, Sports Desk"><meta property="og:site_name" content="The Gazette">'
    assert names(markup + "<p>Text.") == {"PERSON": ["Ann Doe"], "ORG": ["The Gazette"]}


@pytest.mark.parametrize("name", ["Ann", "BBC News", "Guest Writer", "Doe & Sons Ltd", "Tartu University", "a " * 9])
def test_who_signs_without_being_a_person(name):
    assert not is_person(name)


@pytest.mark.parametrize("value", [None, 7, [], {"@type": 7, "name": {}}, {"@type": "Person", "name": ["x"]}])
def test_values_that_name_nothing(value):
    assert json_ld(value) == {}


def test_work_on_hostile_structures_is_bounded():
    wide = [{"@type": "Product", "name": f"Thing {n}"} for n in range(10 * MAX_NODES)]
    assert len(json_ld(wide)["PRODUCT"]) < MAX_NODES
    deep = {"@type": "Person", "name": "Ann Doe"}
    for _ in range(100):
        deep = {"x": [deep]}
    assert json_ld(deep) == {"PERSON": ["Ann Doe"]}
