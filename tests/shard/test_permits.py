"""Redirects between the sites of two shards: the owner of a URL fetches it, the owner of the site says when."""

from __future__ import annotations

import asyncio
from itertools import count, pairwise

import pytest
from fake_time import run
from shard_rig import Shard, SlowWeb, kinds, redirect

from engine.model.messages import Control
from engine.model.outcome import FailureKind
from engine.policy.placement import shard_of
from engine.transport.base import Response

K = FailureKind


def host_of(shard, nth=0):
    """The nth of the hosts that belong to a shard of two."""
    names = (f"site{n}.test" for n in count())
    mine = (name for name in names if shard_of(name, 2) == shard)
    return [next(mine) for _ in range(nth + 1)][-1]


HERE, THERE = host_of(0), host_of(1)


class Pair:
    """Two shards and, between them, the supervisor's relay."""

    def __init__(self, folder, web, **settings):
        self.folder = folder
        self.web = web
        self.settings = settings
        self.shards = [self.started(0), self.started(1)]
        self.held_back = None  # message types that wait, and where they go

    def started(self, number):
        return Shard(self.folder, self.web, shard=number, shards=2, relay=self.relay, **self.settings)

    def relay(self, sender, header):
        asyncio.get_running_loop().call_later(0.001, self.pass_on, sender, header)

    def pass_on(self, sender, header):
        if self.held_back is not None and header["type"] == self.held_back[0]:
            self.held_back[1].append((sender, header))
            return
        to = self.shards[header["to"]]
        if to is None:
            if header["type"] == Control.PERMIT_ASK:
                self.shards[sender].tell(Control.SHARD_GONE, shard=header["to"])
            return
        to.tell(header["type"], **{key: value for key, value in header.items() if key != "type"} | {"from": sender})

    async def die(self, number):
        shard, self.shards[number] = self.shards[number], None
        await shard.kill()
        for other in self.shards:
            if other is not None:
                other.tell(Control.SHARD_GONE, shard=number)

    async def complete(self):
        for shard in self.shards:
            await shard.until_finished(within_s=5000)
        await asyncio.sleep(1)  # of the tests' own time: a permit's end is told after its URL's row was made
        for shard in self.shards:
            assert shard.held == (0,) * 6
            assert not shard.parts.hops._asked
            assert not shard.parts.hops._given
            await shard.drain()
        return [shard.rows() for shard in self.shards]


def urls(host, count_):
    return [f"http://{host}/{n}" for n in range(count_)]


def complete(folder, web, here, there=(), **settings):
    async def main():
        pair = Pair(folder, web, **settings)
        await pair.shards[0].feed(*here)
        await pair.shards[1].feed(*there)
        return await pair.complete()

    return run(main())


def test_a_hop_to_another_shards_site_keeps_to_that_hosts_delay(tmp_path):
    web = SlowWeb()
    for n in range(4):
        web.answer(HERE, f"/{n}", redirect(f"http://{THERE}/from{n}"))
    here, there = complete(tmp_path, web, urls(HERE, 4), urls(THERE, 4))
    assert set(kinds(here).values()) == set(kinds(there).values()) == {None}
    assert {row["shard"] for row in here.values()} == {0}
    assert web.targets(THERE).count("/robots.txt") == 1
    times = sorted(web.times(THERE))
    assert len(times) == 9
    assert min(after - before for before, after in pairwise(times)) >= 1.0


def test_what_the_other_shards_robots_txt_refuses_is_not_asked(tmp_path):
    web = SlowWeb()
    web.answer(THERE, "/robots.txt", Response(200, body=b"User-agent: *\nDisallow: /"))
    web.answer(HERE, "/0", redirect(f"http://{THERE}/no"))
    here, _ = complete(tmp_path, web, urls(HERE, 1))
    assert list(kinds(here).values()) == [K.ROBOTS_DISALLOWED]
    assert web.targets(THERE) == ["/robots.txt"]


def test_a_hop_waits_for_the_breaker_of_the_host_that_it_goes_to_and_ends_with_it(tmp_path):
    """The other shard's own URLs have opened it: the hop is no way round, and its end is that host's."""
    web = SlowWeb()
    web.answer(HERE, "/0", redirect(f"http://{THERE}/from"))
    web.slow[HERE, "/0"] = 60.0
    web.answer(THERE, "/robots.txt", Response(404))
    for target in [f"/{n}" for n in range(20)] + ["/from"]:
        web.answer(THERE, target, Response(500))
    here, there = complete(
        tmp_path, web, urls(HERE, 1), urls(THERE, 20), retry__max_attempts=1, politeness__delay_s=0.1,
        breaker__failure_threshold=3, breaker__cooldown_s=100, breaker__max_failed_probes=2, fetch__timeout_s=90,
    )  # fmt: skip
    _, *asked = sorted(web.times(THERE))
    assert len(asked) == 3 + 2  # whose attempt a probe is, a page's or the hop's, is open
    assert asked[3] - asked[2] >= 100
    assert asked[4] - asked[3] >= 100
    assert set(kinds(here).values()) | set(kinds(there).values()) == {K.CIRCUIT_OPEN, K.HTTP_STATUS}


def test_what_fails_under_a_permit_opens_the_breaker_of_its_host_for_its_owner_too(tmp_path):
    web = SlowWeb()
    for n in range(3):
        web.answer(HERE, f"/{n}", redirect(f"http://{THERE}/from{n}"))
        web.answer(THERE, f"/from{n}", Response(500))
    web.slow[HERE, "/robots.txt"] = 0.0
    web.answer(HERE, "/3", redirect(f"http://{THERE}/last"))
    web.slow[HERE, "/3"] = 50.0
    here, _ = complete(
        tmp_path, web, urls(HERE, 4), retry__max_attempts=1, politeness__delay_s=0.1, politeness__max_per_host=8,
        breaker__failure_threshold=3, breaker__cooldown_s=100, breaker__success_threshold=1, fetch__timeout_s=90,
    )  # fmt: skip
    assert sorted(map(str, kinds(here).values())) == ["None"] + [str(K.HTTP_STATUS)] * 3
    *_, third, last = sorted(web.times(THERE))
    assert last - third >= 100


@pytest.mark.parametrize("kind", [K.REFUSED_ADDRESS, K.TLS_FAILED, K.CONNECT_REFUSED])
def test_what_the_transport_refuses_is_the_end_of_a_hop_also_of_one_to_another_shard(tmp_path, kind):
    """The guard stands in every shard's transport: the owner's, for robots.txt, and the one that makes the request."""
    web = SlowWeb()
    for n in range(2):
        web.answer(HERE, f"/{n}", redirect(f"http://{THERE}/{n}"))
    web.fail_connect(THERE, kind)
    here, _ = complete(tmp_path, web, urls(HERE, 2), retry__max_attempts=1)
    assert set(kinds(here).values()) == {kind}
    assert web.targets(THERE) == []
    web = SlowWeb()
    web.answer(HERE, "/0", redirect(f"http://{THERE}/0"))
    web.fail_connect(THERE, None, kind)  # robots.txt is had, and then the name leads elsewhere
    (folder := tmp_path / "again").mkdir()
    here, _ = complete(folder, web, urls(HERE, 1), retry__max_attempts=1)
    assert set(kinds(here).values()) == {kind}
    assert web.targets(THERE) == ["/robots.txt"]


def test_hops_keep_to_the_crawl_delay_and_the_rules_of_the_other_shards_site(tmp_path):
    web = SlowWeb()
    web.answer(THERE, "/robots.txt", Response(200, body=b"User-agent: *\nCrawl-delay: 7"))
    skipped = host_of(1, 1)
    for n in range(3):
        web.answer(HERE, f"/{n}", redirect(f"http://{THERE}/{n}"))
    web.answer(HERE, "/3", redirect(f"http://{skipped}/"))
    here, _ = complete(tmp_path, web, urls(HERE, 4), politeness__delay_s=0.5, sites=[{"match": skipped, "skip": True}])
    assert list(kinds(here).values()) == [None] * 3 + [K.DEFERRED]
    assert web.targets(skipped) == []
    times = sorted(web.times(THERE, robots=False))
    assert min(after - before for before, after in pairwise(times)) >= 7.0


def test_a_429_under_a_permit_pauses_the_host_for_its_owner_too(tmp_path):
    web = SlowWeb()
    web.answer(HERE, "/0", redirect(f"http://{THERE}/busy"))
    web.answer(THERE, "/busy", Response(429))
    here, there = complete(
        tmp_path, web, urls(HERE, 1), urls(THERE, 4), retry__max_attempts=1, retry__rate_limit_delay_s=40
    )
    assert list(kinds(here).values()) == [K.RATE_LIMITED]
    assert len(there) == 4
    busy = next(at for at, host, target in web.written if target == "/busy")
    assert all(not busy < at < busy + 40 for at in web.times(THERE))


def test_a_host_that_cannot_be_reached_for_its_robots_txt_gives_its_kind(tmp_path):
    web = SlowWeb()
    web.answer(HERE, "/0", redirect(f"http://{THERE}/"))
    web.fail_connect(THERE, K.DNS_NOT_FOUND)
    here, _ = complete(tmp_path, web, urls(HERE, 1))
    assert list(kinds(here).values()) == [K.DNS_NOT_FOUND]


def test_robots_txt_files_that_redirect_to_each_other_across_shards_hold_nobody(tmp_path):
    web = SlowWeb()
    web.answer(HERE, "/robots.txt", redirect(f"http://{THERE}/robots2.txt"))
    web.answer(THERE, "/robots.txt", redirect(f"http://{HERE}/robots2.txt"))
    for host in (HERE, THERE):
        web.answer(host, "/robots2.txt", Response(404))
    here, there = complete(tmp_path, web, urls(HERE, 2), urls(THERE, 2))
    assert set(kinds(here).values()) == set(kinds(there).values()) == {None}


@pytest.mark.parametrize("held_back", [Control.PERMIT_ASK, Control.PERMIT_REPLY, Control.PERMIT_DONE])
@pytest.mark.parametrize("dies", [0, 1])
def test_a_shard_that_dies_with_a_permit_in_any_state_strands_nobody(tmp_path, held_back, dies):
    web = SlowWeb()
    web.answer(HERE, "/0", redirect(f"http://{THERE}/from"))

    async def main():
        pair = Pair(tmp_path, web)
        pair.held_back = (held_back, late := [])
        await pair.shards[0].feed(*urls(HERE, 2))
        await pair.shards[1].feed(*urls(THERE, 2))
        await asyncio.sleep(10)
        assert late
        await pair.die(dies)
        await asyncio.sleep(1)
        pair.held_back = None
        pair.shards[dies] = pair.started(dies)
        await asyncio.sleep(0)
        pair.shards[dies].tell(Control.INGESTED)
        for sender, header in late:  # what was on its way to or from the dead arrives at its successor
            pair.pass_on(sender, header)
        return await pair.complete()

    here, there = run(main())
    assert (len(here), len(there)) == (2, 2)
    assert set(kinds(here).values()) == set(kinds(there).values()) == {None}


def test_a_permit_whose_user_is_never_heard_of_again_expires(tmp_path):
    web = SlowWeb()
    web.answer(HERE, "/0", redirect(f"http://{THERE}/from"))

    async def main():
        pair = Pair(tmp_path, web)
        pair.held_back = (Control.PERMIT_DONE, [])
        await pair.shards[0].feed(*urls(HERE, 1))
        await pair.shards[1].feed(*urls(THERE, 2))
        return await pair.complete()

    _, there = run(main())
    assert set(kinds(there).values()) == {None}


def test_an_answer_to_a_former_life_is_not_taken_for_one_to_this(tmp_path):
    async def main():
        lives = [Shard(tmp_path / name, SlowWeb()) for name in ("a", "b")]
        first = [next(life.parts.hops._numbers) for life in lives]
        for life in lives:
            await asyncio.sleep(0)
            await life.drain()
        return first

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert len(set(run(main()))) == 2
