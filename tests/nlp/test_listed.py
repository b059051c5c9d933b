from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from engine.nlp.lexicon import LEXICON
from engine.nlp.listed import Listed

NAMES = Listed({("New", "York"): 1, ("New", "York", "City"): 2, ("Oslo",): 3, ("York", "City", "Hall"): 0})


def found(text, names=NAMES):
    return list(names.find(np.array([LEXICON.number(word) for word in text.split()], dtype=np.intp)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Oslo", [(0, 1, 3)]),
        ("in New York", [(1, 3, 1)]),
        ("New York City Hall", [(0, 2, 1), (0, 3, 2), (1, 4, 0)]),
        ("new york , New Oslo York", [(4, 5, 3)]),
        ("York City", []),
        ("New", []),
    ],
)
def test_names_are_found_where_all_of_their_words_stand(text, expected):
    assert found(text) == expected


def test_words_that_are_met_later_are_none_of_a_name():
    assert found("Oslo thatwasnevermetbefore Oslo") == [(0, 1, 3), (2, 3, 3)]


def test_a_copy_finds_the_same():
    assert found("New York", deepcopy(NAMES)) == [(0, 2, 1)]
