"""What discovery adds to a frontier: found URLs, those that wait for another shard, and texts by likeness."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frontier.likeness import Likeness
from engine.frontier.outbox import Outbox
from engine.frontier.sitebudget import SiteBudget
from engine.frontier.store import Store
from engine.model.entries import Entries


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "shard.sqlite", create=True)
    yield opened
    opened.close()


def entry(number, url):
    return [number, 0, url, None, "h.test", None, None]


def test_a_found_url_that_is_known_is_no_duplicate_input_and_one_over_the_budget_is_left_out(store):
    store.budget = SiteBudget(3)
    store.insert(Entries.of([entry(1, "http://h.test/1")]), (0, 1))
    found = [entry((1 << 60) + n, f"http://h.test/{n}") for n in (1, 2, 3, 4, 5)]
    store.insert(Entries.of(found), store.cursor, found=True)
    assert (store.cursor, store.ingested) == ((0, 1), False)
    assert {name: store.counters.get(name, 0) for name in ("known", "duplicates", "left_out")} == {
        "known": 3,
        "duplicates": 0,
        "left_out": 2,
    }


def test_what_waits_for_a_shard_goes_when_it_is_taken_and_a_late_receipt_takes_nothing_newer(store):
    outbox = Outbox(store)
    outbox.add([(1, entry(0, "http://a.test/")), (2, entry(0, "http://b.test/")), (1, entry(0, "http://c.test/"))])
    assert (outbox.waiting, sorted(outbox.shards())) == (3, [1, 2])
    last, entries = outbox.first(1, 10)
    assert [one[2] for one in entries] == ["http://a.test/", "http://c.test/"]
    outbox.taken(1, last)
    outbox.add([(1, entry(0, "http://d.test/"))])
    outbox.taken(1, last)
    assert [one[2] for one in outbox.first(1, 10)[1]] == ["http://d.test/"]
    store.commit()
    assert Outbox(store).waiting == outbox.waiting == 2


def test_a_text_is_like_an_earlier_one_of_its_site_and_never_like_itself(store):
    likeness = Likeness(store)
    assert likeness.place("http://a.h.test/1", "a.h.test", "ffffffffffffffff") is None
    assert likeness.place("http://a.h.test/1", "a.h.test", "ffffffffffffffff") is None
    assert likeness.place("http://b.h.test/2", "b.h.test", "fffffffffffffff8") == ("http://a.h.test/1", False)
    assert likeness.place("http://b.h.test/5", "b.h.test", "ffffffffffffffff") == ("http://a.h.test/1", True)
    assert likeness.place("http://b.h.test/3", "b.h.test", "fffffffffffffff0") is None
    assert likeness.place("http://other.test/4", "other.test", "ffffffffffffffff") is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**64 - 1), st.sets(st.integers(0, 63), max_size=5))
def test_likeness_is_found_whatever_the_bits(tmp_path_factory, simhash, flipped):
    store = Store.open(tmp_path_factory.mktemp("f") / "shard.sqlite", create=True)
    likeness, other = Likeness(store), simhash
    for bit in flipped:
        other ^= 1 << bit
    likeness.place("http://h.test/1", "h.test", f"{simhash:016x}")
    found = likeness.place("http://h.test/2", "h.test", f"{other:016x}")
    store.close()
    assert (found is not None) == (len(flipped) <= 3)
