"""Positions order lines over all inputs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.model.task import ORDINAL_BITS, position, split_position

_INPUTS = st.integers(0, 2**20)
_ORDINALS = st.integers(0, 2**ORDINAL_BITS - 1)


@given(_INPUTS, _ORDINALS, _INPUTS, _ORDINALS)
def test_a_position_orders_by_input_then_by_line_and_can_be_taken_apart(a_input, a_line, b_input, b_line):
    a, b = position(a_input, a_line), position(b_input, b_line)
    assert split_position(a) == (a_input, a_line)
    assert (a < b) == ((a_input, a_line) < (b_input, b_line))
    assert a < 2**63  # a SQLite integer
