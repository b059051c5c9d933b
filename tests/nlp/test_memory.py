"""The budget of a process: what a page may take, and when the process is to be replaced (in a child: test_child.py)."""

from __future__ import annotations

import sys

import pytest

from engine.nlp.memory import MemoryBudget, held

MIB = 1 << 20

linux = pytest.mark.skipif(sys.platform != "linux", reason="the system refuses no memory")


@linux
def test_a_page_is_refused_what_is_beyond_the_budget_and_nobody_else():
    budget = MemoryBudget(held().resident + 400 * MIB)
    budget.begin_page()
    try:
        with pytest.raises(MemoryError):
            bytearray(600 * MIB)
        bytearray(100 * MIB)
    finally:
        budget.end_page()
    bytearray(600 * MIB)  # never touched, so it costs nothing


@linux
def test_a_process_is_spent_half_way():
    budget = MemoryBudget(held().resident + 400 * MIB)
    assert not budget.spent
    kept = b"x" * (250 * MIB)
    assert budget.spent
    del kept
    assert not budget.spent


def test_without_a_limit_nothing_is_spent_and_nothing_refused():
    budget = MemoryBudget(0)
    budget.begin_page()
    bytearray(600 * MIB)
    budget.end_page()
    assert not budget.spent


@linux
def test_a_budget_that_the_pipeline_alone_exceeds_still_leaves_room_for_a_page():
    budget = MemoryBudget(1)
    assert not budget.spent
    budget.begin_page()
    try:
        bytearray(100 * MIB)
    finally:
        budget.end_page()
