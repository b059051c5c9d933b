from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.output.distinct import Distinct, Where


@given(keys=st.lists(st.integers(0, 30), max_size=60), run_entries=st.integers(1, 20))
def test_each_place_but_a_key_s_first_is_given(keys, run_entries):
    with Distinct(run_entries) as distinct:
        for at, key in enumerate(keys):
            distinct.add(key.to_bytes(16, "big"), Where(at % 3, 1, at, 10))
        found = list(distinct.repeated())
    again = Counter(keys[second.start] for _, second in found)
    assert again == {key: count - 1 for key, count in Counter(keys).items() if count > 1}
    assert all(keys[first.start] == keys[second.start] for first, second in found)
    assert all(first != second for first, second in found)
