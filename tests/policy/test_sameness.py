from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.policy.sameness import MIN_DUPLICATES, Shapes, alike, quarters

hashes = st.integers(0, 2**64 - 1)


@given(hashes, st.sets(st.integers(0, 63), max_size=6))
def test_alike_texts_share_a_quarter(one, flipped):
    other = one
    for bit in flipped:
        other ^= 1 << bit
    assert alike(one, other) == (len(flipped) <= 3)
    if alike(one, other):
        assert set(quarters(one)) & set(quarters(other))


@given(hashes)
def test_quarters_of_different_places_are_never_equal(simhash):
    assert len(set(quarters(simhash))) == 4


def test_a_shape_is_closed_once_most_of_its_many_pages_are_near_duplicates():
    shapes = Shapes()
    for _ in range(MIN_DUPLICATES - 1):
        shapes.note("trap", duplicate=True)
    assert not shapes.closed("trap")
    shapes.note("trap", duplicate=True)
    assert shapes.closed("trap")
    assert not shapes.closed("another")


@given(st.lists(st.booleans(), max_size=60))
def test_a_shape_half_of_whose_pages_are_new_stays_open(seen):
    shapes = Shapes()
    for duplicate in seen:
        shapes.note("s", duplicate=duplicate)
    if 2 * sum(seen) < len(seen):
        assert not shapes.closed("s")


def test_memory_is_bounded_and_the_shapes_seen_last_are_kept():
    shapes = Shapes(max_shapes=2)
    for name in ("a", "b", "c"):
        for _ in range(MIN_DUPLICATES):
            shapes.note(name, duplicate=True)
    assert [shapes.closed(name) for name in "abc"] == [False, True, True]
