"""Which host is asked next: the cases in which a queue could come to stand still, or a host be asked too soon."""

from __future__ import annotations

import asyncio

import pytest
from frontier_model import Frontier, PlainFactory, entry

from engine.frontier.hoststate import MAX_WAITING, Gate
from engine.frontier.order import FEW_ENTRIES, MAX_ENTRIES_A_HOST
from engine.model.entries import Entries
from engine.model.outcome import Failure, FailureKind
from engine.model.url import host_id
from engine.policy.breaker import State


@pytest.fixture
def opened(tmp_path):
    made = []

    def make(**options):
        frontier = Frontier(tmp_path / "shard.sqlite", **options)
        made.append(frontier)
        return frontier

    yield make
    for frontier in made:
        frontier.store.db.close()


def urls(host, count):
    return [(host, f"/{n}") for n in range(count)]


def test_one_slice_with_several_priorities_for_a_host_in_memory_is_served_whole(opened):
    frontier = opened()
    frontier.insert(("a.test", "/first"))
    frontier.ask(0.0)  # the host is in memory, and has been read to its end
    lines = [("a.test", "/low", -1), ("a.test", "/high", 9), ("a.test", "/plain", 0)]
    rows = [entry(2 + at, host, path, priority) for at, (host, path, priority) in enumerate(lines)]
    frontier.schedule.insert(Entries.of(rows), (0, 4), 0.0)
    asked = [frontier.ask(float(now))[1].fetch_url for now in range(1, 4)]
    assert [url.rpartition("/")[2] for url in asked] == ["high", "plain", "low"]


def test_a_band_that_came_in_while_a_host_was_in_memory_survives_its_parking(opened):
    frontier = opened(max_active=1)
    frontier.insert(*urls("a.test", 3))
    ends = [(frontier.ask(0.0)[1], None)]
    frontier.insert(("a.test", "/low"), priority=-1)
    ends.append((frontier.ask(1.0)[1], None))
    frontier.insert(("a.test", "/3"))
    ends += [(frontier.ask(float(now))[1], None) for now in (2, 3)]  # reads on behind the other band's only task
    host = frontier.residence.hosts[host_id("a.test")]
    host.uncommitted += 1  # else the commit would find it in good order to go on
    frontier.commit(ends, 3.0)
    host.uncommitted -= 1
    assert frontier.residence.park(host, 4.0, 3.0)
    assert [url for _, url in frontier.drain(4.0)][-1] == "http://a.test/low"


def test_a_pause_and_a_cooling_time_run_on_while_a_host_is_on_disk(opened):
    frontier = opened(max_active=1)
    frontier.insert(*urls("a.test", 2))
    host = frontier.hand_out(0.0)[0]
    frontier.schedule.written(host, 1.0, 0.0)
    frontier.schedule.released(host, None, 0.0)
    host.uncommitted = 0
    host.pause.pause(0.0, 100.0)
    for _ in range(5):
        host.breaker.record(host.breaker.admit(0.0), failed=True, now=0.0)
    assert frontier.residence.park(host, 100.0, 0.0)
    assert frontier.schedule.pop(99.0, 10) is None
    again = frontier.schedule.pop(100.0, 10)
    assert again is not None
    assert again.pause.count == 1
    assert again.breaker.state is State.OPEN


def test_a_host_whose_page_waits_for_its_commit_is_not_lost_when_others_want_its_room(opened):
    frontier = opened(max_active=2, factory=PlainFactory(delay_s=60.0))
    frontier.insert(*urls("a.test", 2), *urls("b.test", 2), *urls("c.test", 2))
    first = frontier.ask(0.0), frontier.ask(0.0)
    assert frontier.ask(0.0) is None  # no room: both hosts in memory have a row that is not committed
    frontier.commit([(task, None) for _, task in first], 0.0)
    assert len(frontier.drain(0.0)) == 4


def test_hosts_that_must_wait_long_make_room_for_those_on_disk(opened):
    frontier = opened(max_active=3, factory=PlainFactory(delay_s=60.0))
    frontier.insert(*[(f"h{n}.test", f"/{page}") for n in range(10) for page in range(3)])
    asked = frontier.drain(0.0)
    assert len(asked) == 30
    assert max(now for now, _ in asked) < 60 * 3 + 30  # ten hosts side by side, although only three fit


def test_memory_holds_no_more_hosts_than_it_may_however_many_there_are(opened):
    frontier = opened(max_active=5, factory=PlainFactory(delay_s=20.0))
    frontier.insert(*[(f"h{n}.test", f"/{page}") for n in range(60) for page in range(2)])
    now, peak, ends = 0.0, 0, 0
    while frontier.left and now < 1000:
        if (found := frontier.ask(now)) is None:
            now += 1.0
        else:
            frontier.commit([(found[1], None)], now)
            ends += 1
        peak = max(peak, len(frontier.residence.hosts))
        assert len(frontier.schedule._heap) <= 4 * 5 + ACTIVATIONS
    assert (ends, peak) == (120, 5)


ACTIVATIONS = 64


def test_a_host_with_many_retries_waits_for_them_and_takes_no_new_ones(opened):
    frontier = opened(factory=PlainFactory(delay_s=0.0, max_per_host=0))
    frontier.insert(*urls("a.test", MAX_WAITING + 20))
    for _ in range(MAX_WAITING):
        host, task = frontier.ask(0.0)
        frontier.schedule.retry(host, task, 30.0, 0.0)
    host.queue.clear()  # as if the refill had ended here
    assert frontier.schedule.pop(1.0, 1000) is None
    assert frontier.schedule.next_due() == 30.0


def test_hosts_of_one_site_share_its_places_and_one_that_is_not_due_blocks_nobody(opened):
    frontier = opened(factory=PlainFactory(site_limit=1))
    frontier.insert(("x.s.test", "/"), ("y.s.test", "/"), ("z.s.test", "/"))
    first, _ = frontier.hand_out(0.0)
    assert frontier.schedule.pop(0.0, 100) is None
    parked = list(first.site.parked)
    assert len(parked) == 2
    parked[0].pause.pause(0.0, 1000.0)
    frontier.schedule.written(first, 1.0, 0.0)
    frontier.schedule.released(first, None, 0.0)
    assert frontier.schedule.pop(0.0, 100) is parked[1]


def test_a_place_that_its_taker_cannot_use_goes_to_the_next_host(opened):
    """The taker is held at its address, or has nothing left after all: no event of the site would come any more."""
    frontier = opened(factory=PlainFactory(site_limit=1))
    frontier.insert(("x.s.test", "/"), ("y.s.test", "/"), ("z.s.test", "/"))
    first, _ = frontier.hand_out(0.0)
    assert frontier.schedule.pop(0.0, 100) is None
    held, last = first.site.parked
    held.address = Gate("192.0.2.1", 1)
    held.address.in_flight = 1
    frontier.schedule.written(first, 1.0, 0.0)
    frontier.schedule.released(first, None, 0.0)
    assert frontier.schedule.pop(0.0, 100) is last


def test_a_request_that_goes_to_another_address_frees_its_place_at_the_first(opened):
    frontier = opened()
    frontier.insert(("a.test", "/"), ("b.test", "/"))
    old, new = Gate("192.0.2.1", 1), Gate("192.0.2.2", 1)
    for host in frontier.residence.activate(0.0):
        host.address = old
        frontier.schedule.push(host, 0.0)
    first, _ = frontier.hand_out(0.0)
    assert frontier.schedule.pop(0.0, 100) is None
    frontier.schedule.moved(old, new, 0.0)
    assert (old.in_flight, new.in_flight) == (0, 1)
    assert frontier.schedule.pop(0.0, 100) not in {None, first}


def test_no_host_holds_more_than_a_quarter_while_another_is_due_and_all_of_it_alone(opened):
    frontier = opened(factory=PlainFactory(delay_s=0.0, max_per_host=0))
    frontier.insert(*urls("big.test", 40), *urls("small.test", 1))
    hosts = [frontier.hand_out(0.0, limit=8)[0].name for _ in range(8)]
    assert hosts.count("small.test") == 1
    assert "small.test" in hosts[:3]
    assert hosts.count("big.test") == 7


def test_equal_hosts_take_turns(opened):
    frontier = opened(factory=PlainFactory(delay_s=0.0))
    frontier.insert(*urls("a.test", 3), *urls("b.test", 3), *urls("c.test", 3))
    names = [frontier.ask(0.0)[0].name for _ in range(9)]
    assert all(len(set(names[at : at + 3])) == 3 for at in (0, 3, 6))


def test_a_task_that_comes_back_to_a_host_that_was_given_up_ends_too(opened):
    frontier = opened(factory=PlainFactory(delay_s=0.0, max_per_host=2))
    frontier.insert(*urls("a.test", 3))
    (host, back), (_, later) = frontier.hand_out(0.0), frontier.hand_out(0.0)
    frontier.schedule.condemn(host, Failure(FailureKind.CIRCUIT_OPEN, "down"))
    ended = []
    while (found := frontier.schedule.next_condemned(10, 0.0)) is not None:
        ended += found[1]
    assert len(ended) == 1
    frontier.schedule.put_back(host, back, 0.0)
    frontier.schedule.retry(host, later, 10.0, 0.0)
    assert {task.fetch_url for task in frontier.schedule.next_condemned(10, 0.0)[1]} == {
        back.fetch_url,
        later.fetch_url,
    }


async def test_a_hop_to_a_host_on_disk_brings_its_own_urls_along(opened):
    frontier = opened()
    frontier.insert(*urls("a.test", 2))
    host = frontier.schedule.named("a.test", 0.0)
    turn = asyncio.get_running_loop().create_future()
    frontier.schedule.add_turn(host, turn, 0.0)
    assert frontier.schedule.pop(0.0, 10) is host
    assert frontier.schedule.take_turn(host) is turn
    frontier.schedule.granted(host, 0.0)
    frontier.schedule.written(host, 1.0, 0.0)
    frontier.schedule.released(host, None, 0.0)
    assert len(frontier.drain(0.0)) == 2


def test_a_hop_that_robots_txt_refuses_leaves_no_host_behind_and_none_waiting(opened):
    frontier = opened()
    frontier.insert(*urls("a.test", 2))
    for name in ("a.test", "nobody.test"):
        frontier.schedule.revisit(frontier.schedule.named(name, 0.0), 0.0)
    assert len(frontier.drain(0.0)) == 2
    assert frontier.schedule.pop(1000.0, 10) is None
    assert not frontier.residence.hosts


def test_superseded_entries_do_not_pile_up(opened):
    """A host that is put off again and again, with something sooner between."""
    frontier = opened()
    frontier.insert(*urls("a.test", 1), *urls("b.test", 1))
    schedule = frontier.schedule
    hosts = [schedule.named(name, 0.0) for name in ("a.test", "b.test")]
    for n in range(1000):
        for host in hosts:
            host.next_due = 500.0 - n / 10
            schedule.push(host, 0.0)
    assert len(schedule._heap) <= MAX_ENTRIES_A_HOST * len(hosts) + FEW_ENTRIES
    assert {schedule.pop(500.0, 10), schedule.pop(500.0, 10)} == set(hosts)


async def test_with_the_budget_spent_the_hosts_with_turns_are_still_found(opened):
    frontier = opened()
    frontier.insert(*urls("first.test", 5), ("target.test", "/"))
    loop = asyncio.get_running_loop()
    assert frontier.ask(0.0)
    target = frontier.schedule.named("target.test", 0.0)
    target.next_due = 5.0
    frontier.schedule.add_turn(target, loop.create_future(), 0.0)
    assert frontier.schedule.pop_turn(4.9) is None
    assert frontier.schedule.pop_turn(5.0) is target


def test_a_crawl_delay_outlives_a_kill(opened):
    frontier = opened()
    frontier.insert(*urls("a.test", 3))
    host, task = frontier.ask(0.0)
    host.crawl_delay(30.0)
    frontier.residence.save(host, 0.0)
    frontier.commit([(task, None)], 0.0)
    frontier.kill()
    frontier = opened(now=100.0)
    assert frontier.schedule.pop(129.9, 10) is None
    assert frontier.ask(130.0)[0].delay_s == 30.0


def test_a_retry_that_ends_ahead_of_its_hosts_cursor_is_not_read_again(opened):
    """A successor begins with the cursor of before, and has the waiting tasks by name."""
    frontier = opened(factory=PlainFactory(delay_s=0.0))
    frontier.insert(*urls("a.test", 3 * MAX_WAITING))
    host, _ = frontier.ask(0.0)
    while len(host.queue) > 1:
        frontier.ask(0.0)
    _, late = frontier.ask(0.0)  # the last of a refill
    frontier.schedule.retry(host, late, 0.0, 0.0)
    frontier.store.commit()
    frontier.kill()
    frontier = opened(factory=PlainFactory(delay_s=0.0))
    asked = [url for _, url in frontier.drain(0.0)]
    assert asked[0] == late.fetch_url
    assert len(asked) == len(set(asked)) == 3 * MAX_WAITING


def test_a_successor_treats_every_host_as_asked_just_now(opened):
    frontier = opened()
    frontier.insert(*urls("a.test", 3))
    frontier.store.commit()
    frontier.ask(0.0)
    frontier.kill()
    frontier = opened(now=0.25)
    assert frontier.schedule.pop(1.2, 10) is None
    assert frontier.ask(1.25) is not None


def test_hosts_of_one_site_that_fill_memory_and_wait_for_each_other_give_way_to_another_site(opened):
    frontier = opened(max_active=10, factory=PlainFactory(delay_s=0.0, site_limit=2))
    frontier.insert(*[(f"h{n}.s.test", "/") for n in range(30)])
    out = [frontier.hand_out(0.0), frontier.hand_out(0.0)]
    assert frontier.hand_out(0.0) is None
    assert frontier.residence.room == 0
    frontier.insert(("other.test", "/"))
    served = (frontier.hand_out(float(second)) for second in range(1, 30))
    found = next(one for one in served if one is not None)
    assert found[0].name == "other.test"
    for host, task in [*out, found]:
        frontier.schedule.written(host, 30.0, 30.0)
        frontier.schedule.released(host, None, 30.0)
        frontier.commit([(task, None)], 30.0)
    assert len(frontier.drain(30.0)) == 28
