from __future__ import annotations

# ruff: noqa: RUF001 - characters of other scripts are what is tested
import pytest

from engine.nlp.entities import list_entities
from engine.nlp.pipeline import load


def entities(text):
    return [(entity["text"], entity["label"]) for entity in list_entities(load("rules")(text))]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("jane.doe+x@mail.example.co.uk", "EMAIL"),
        ("https://example.com/a/b?c=d#e", "URL"),
        ("www.example.com", "URL"),
        ("+1 (415) 555-0123", "PHONE"),
        ("415-555-0123", "PHONE"),
        ("+49 30 1234567", "PHONE"),
        ("2024-03-05", "DATE"),
        ("05/03/2024", "DATE"),
        ("5 March 2024", "DATE"),
        ("March 5th, 2024", "DATE"),
        ("May 2021", "DATE"),
        ("1990s", "DATE"),
        ("2019–2021", "DATE"),
        ("three years ago", None),
        ("3 years ago", "DATE"),
        ("yesterday", "DATE"),
        ("12:30 pm", "TIME"),
        ("7 a.m.", "TIME"),
        ("30 minutes", "TIME"),
        ("$1.5 billion", "MONEY"),
        ("€20", "MONEY"),
        ("1,000 euros", "MONEY"),
        ("12.5%", "PERCENT"),
        ("40 percent", "PERCENT"),
        ("5 km", "QUANTITY"),
        ("2,000 square feet", "QUANTITY"),
        ("version 3.10.12", None),
        ("192.168.1.1", None),
        ("South Korea", "GPE"),
        ("New York City", "GPE"),
        ("Europe", "LOC"),
        ("Italian", "NORP"),
        ("Microsoft", "ORG"),
        ("World War II", "EVENT"),
        ("University of California", "ORG"),
        ("Acme Widgets, Inc", "ORG"),
        ("Smith & Wesson Holdings", "ORG"),
    ],
)
def test_a_kind_is_told_by_shape_or_name(text, label):
    found = entities(f"It said {text} then")
    assert found == ([(text, label)] if label else [])


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("Then Dr. Maria van Dyke spoke", "Maria van Dyke"),
        ("said President Lincoln in", "Lincoln"),
        ("by John F. Kennedy, who", "John F. Kennedy"),
        ("with Sarah Connor Today", "Sarah Connor"),
        ("the San Fernando Valley is", None),
        ("Dr. The best", None),
    ],
)
def test_people_are_told_by_titles_and_given_names(text, person):
    assert [found for found, label in entities(text) if label == "PERSON"] == ([person] if person else [])


def test_entities_are_counted_in_order_of_first_appearance_with_white_space_in_order():
    doc = load("rules")("In New York\nand Paris. Paris is not New York. Ask a@b.example.")
    assert list_entities(doc) == [
        {"text": "New York", "label": "GPE", "count": 2},
        {"text": "Paris", "label": "GPE", "count": 2},
        {"text": "a@b.example", "label": "EMAIL", "count": 1},
    ]


def test_the_longer_name_wins():
    assert entities("at Boston University today") == [("Boston University", "ORG"), ("today", "DATE")]


def test_a_name_is_found_whole_or_not_at_all():
    doc = load("rules")("They left New Zealand for New York, and then Hong Kong and New")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [
        ("New Zealand", "GPE"),
        ("New York", "GPE"),
        ("Hong Kong", "GPE"),
    ]
