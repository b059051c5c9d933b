from __future__ import annotations

import pytest

from engine.nlp.coreference import fullest_names


def named(label, *texts):
    found = fullest_names([(text, label) for text in texts])
    return [found[(text, label)] for text in texts]


@pytest.mark.parametrize(
    ("label", "short", "full"),
    [
        ("PERSON", "Curie", "Marie Curie"),
        ("PERSON", "Marie", "Marie Curie"),
        ("PERSON", "M. Curie", "Marie Curie"),
        ("PERSON", "Marie Curie", "Marie Sklodowska Curie"),
        ("PERSON", "Curie's", "Marie Curie"),
        ("PERSON", "MARIE CURIE", "Marie Curie"),
        ("ORG", "Acme", "Acme Inc"),
        ("ORG", "Acme", "Acme, Inc."),
        ("ORG", "WHO", "World Health Organization"),
        ("ORG", "Guardian", "The Guardian"),
    ],
)
def test_a_shorter_form_is_the_full_name(label, short, full):
    assert named(label, full, short) == [full, full]
    assert named(label, short, full) == [full, full]


def test_a_surname_of_two_people_stays_as_it_is():
    assert named("PERSON", "Anna Berg", "Lars Berg", "Berg") == ["Anna Berg", "Lars Berg", "Berg"]


def test_a_short_form_that_stands_alone_is_itself():
    assert named("PERSON", "Curie", "Curie") == ["Curie", "Curie"]
    assert named("ORG", "WHO") == ["WHO"]


def test_labels_do_not_mix():
    found = fullest_names([("Paris Hilton", "PERSON"), ("Paris", "GPE")])
    assert found[("Paris", "GPE")] == "Paris"


def test_white_space_quotes_and_possessives_are_no_part_of_a_name():
    assert named("GPE", "“New\n York”", "New York's") == ["New York", "New York"]


def test_what_is_no_name_is_left_as_it_is_written():
    assert named("DATE", "today's", "MAY 5", "May 5") == ["today's", "MAY 5", "May 5"]


def test_names_that_shorten_to_each_other_end():
    assert named("PERSON", "A. B", "A B", "B B", "B") == named("PERSON", "A. B", "A B", "B B", "B")
