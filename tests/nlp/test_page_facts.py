from __future__ import annotations

import pytest

from engine.nlp.analyse import Analyser
from engine.settings import NlpSettings


@pytest.fixture(scope="module", params=["rules", "builtin"])
def analyser(request):
    return Analyser(NlpSettings(pipeline=request.param))


def entities(analyser, text, **names):
    found = analyser.analyse(text, hint="en", names=names).entities
    return {(entity["text"], entity["label"]) for entity in found}


def test_products_and_events_are_those_that_the_page_names(analyser):
    text = "The Zephyr 9000 was shown at the Lakeside Gadget Fair. A zephyr is a wind."
    found = entities(analyser, text, PRODUCT=["Zephyr  9000"], EVENT=["Lakeside Gadget Fair"])
    assert {("Zephyr 9000", "PRODUCT"), ("Lakeside Gadget Fair", "EVENT")} <= found


def test_what_the_page_says_wins_over_what_it_looks_like(analyser):
    text = "We ate at Paris Inc. Georgia Madison said so."
    found = entities(analyser, text, PERSON=["Georgia Madison"], ORG=["Paris"])
    assert {("Georgia Madison", "PERSON"), ("Paris", "ORG")} <= found


def test_a_single_word_that_the_text_also_writes_small_is_no_name(analyser):
    assert ("Recipes", "ORG") not in entities(analyser, "Recipes of ours. All recipes are free.", ORG=["Recipes"])
    assert ("Recipes", "ORG") in entities(analyser, "We founded Recipes in a barn.", ORG=["Recipes"])


@pytest.mark.parametrize(
    "names",
    [{"PERSON": ["Admin"]}, {"ORG": ["The"]}, {"ORG": ["at"]}, {"PRODUCT": ["", " ", "x" * 500]}, {"OTHER": ["Admin"]}],
)
def test_names_that_are_none_are_passed_over(analyser, names):
    assert entities(analyser, "Admin wrote at the time. The end.", **names) == set()


def test_a_hostile_list_of_names_is_bounded(analyser):
    assert entities(analyser, "On it x. " * 50, PRODUCT=["\ud800", *(f"On {n}" for n in range(10_000))]) == set()
