"""Discovery in whole shards, on a fake web in fake time: what is followed, links between shards, kills."""

from __future__ import annotations

import asyncio
from contextlib import closing

import orjson
import pytest
from fake_time import run
from shard_rig import OutlinePool, Shard, SlowWeb, outline, redirect, reply

from engine.frontier.outbox import Outbox
from engine.model.messages import Control
from engine.policy.placement import shard_of
from engine.settings import needs_pool
from engine.shard.factory import site_budget
from engine.transport.base import Response
from engine.transport.cache import MemoryCache

#: Two sites, of different shards of two.
SITES = {shard_of(f"s{n}.test", 2): f"s{n}.test" for n in range(8)}
HERE, THERE = SITES[0], SITES[1]


def discovering(folder, web, **settings):
    shard = Shard(
        folder, web, run__stage="discovery", discovery__sitemaps=settings.pop("sitemaps", False),
        politeness__delay_s=0, **settings,
    )  # fmt: skip
    assert needs_pool(shard.settings)
    shard.parts.endings._pool = OutlinePool()
    shard.store.budget = site_budget(shard.settings)
    return shard


class CountingPool(OutlinePool):
    """Counts the pages that it was given."""

    def __init__(self):
        self.pages = 0

    def submit(self, header, body, on_row, on_failed):
        self.pages += 1
        super().submit(header, body, on_row, on_failed)


def by_url(rows):
    return {url: (row["discovery_depth"], row["discovery_source"], row["source_url"]) for url, row in rows.items()}


def complete(folder, web, *seeds, **settings):
    async def main():
        return await discovering(folder, web, **settings).complete(*seeds)

    return run(main())


def test_links_are_followed_within_scope_and_depth_each_once(tmp_path):
    web = SlowWeb(default=outline())
    web.answer(HERE, "/", outline(f"http://{HERE}/a", f"http://www.{HERE}/b", "http://elsewhere.test/"))
    web.answer(HERE, "/a", outline(f"http://{HERE}/", f"http://{HERE}/c"))
    web.answer(HERE, "/c", outline(f"http://{HERE}/too-deep"))
    rows = complete(tmp_path, web, f"http://{HERE}/", discovery__max_depth=2)
    assert by_url(rows) == {
        f"http://{HERE}/": (0, "seed", f"http://{HERE}/"),
        f"http://{HERE}/a": (1, "link", f"http://{HERE}/"),
        f"http://www.{HERE}/b": (1, "link", f"http://{HERE}/"),
        f"http://{HERE}/c": (2, "link", f"http://{HERE}/a"),
    }


def test_a_sites_budget_ends_the_discovery_and_leaves_no_rows_for_the_rest(tmp_path):
    class Endless(SlowWeb):
        async def respond(self, request):
            await super().respond(request)
            if request.target == "/robots.txt":
                return Response(404)
            return outline(*(f"http://{HERE}{request.target}{n}x/" for n in range(5)))

    rows = complete(tmp_path, Endless(), f"http://{HERE}/", discovery__max_pages_per_site=30)
    assert len(rows) == 30
    assert {row["error_kind"] for row in rows.values()} == {None}


def test_sitemaps_come_from_robots_txt_else_from_the_usual_place(tmp_path):
    web = SlowWeb(default=outline(role="file"))
    web.answer(HERE, "/robots.txt", reply(200, f"Sitemap: http://{HERE}/named.xml\n".encode()))
    listed = [[f"http://{HERE}/listed", "page", "sitemap", {"lastmod": "2026-01-01"}]]
    web.answer(HERE, "/named.xml", outline(*listed, role="sitemap"))
    rows = complete(tmp_path, web, f"http://{HERE}/", f"http://{THERE}/", sitemaps=True)
    found = by_url(rows)
    assert found[f"http://{HERE}/named.xml"] == (0, "robots", f"http://{HERE}/robots.txt")
    assert found[f"http://{HERE}/listed"] == (1, "sitemap", f"http://{HERE}/named.xml")
    assert rows[f"http://{HERE}/listed"]["discovery_metadata"]["note"] == {"lastmod": "2026-01-01"}
    assert found[f"http://{THERE}/sitemap.xml"][1] == "sitemap"
    assert len(rows) == 5


def test_a_page_that_another_one_stands_for_names_that_one_and_nothing_else(tmp_path):
    web = SlowWeb(default=outline())
    more = f"http://{HERE}/only-from-an-alias"
    web.answer(HERE, "/alias", outline(more, canonical=f"http://{HERE}/true"))
    web.answer(HERE, "/moved", redirect("/true"))
    web.answer(HERE, "/out", outline(canonical="http://elsewhere.test/"))
    web.answer(HERE, "/m1", outline(canonical=f"http://{HERE}/m2"))
    web.answer(HERE, "/m2", outline(canonical=f"http://{HERE}/m1"))
    rows = complete(tmp_path, web, *(f"http://{HERE}/{name}" for name in ("alias", "moved", "out", "m1")))
    duplicates = {url.rpartition("/")[2]: row["discovery_metadata"].get("duplicate_of") for url, row in rows.items()}
    true = f"http://{HERE}/true"
    assert duplicates == {
        "alias": true,
        "moved": true,
        "true": None,
        "out": None,
        "m1": f"http://{HERE}/m2",
        "m2": None,
    }


def test_nofollow_pages_are_rows_whose_links_are_not_followed(tmp_path):
    web = SlowWeb(default=outline())
    web.answer(HERE, "/meta", outline(f"http://{HERE}/x", meta={"robots": "index, nofollow"}))
    header = reply(200, outline(f"http://{HERE}/y").body, X_Robots_Tag="none")
    web.answer(HERE, "/header", header)
    rows = complete(tmp_path, web, f"http://{HERE}/meta", f"http://{HERE}/header")
    assert set(rows) == {f"http://{HERE}/meta", f"http://{HERE}/header"}
    assert rows[f"http://{HERE}/header"]["discovery_metadata"]["robots"] == ["none"]


def test_a_kind_of_page_that_is_always_the_same_is_left(tmp_path):
    class Same(SlowWeb):
        async def respond(self, request):
            await super().respond(request)
            number = int(request.target.rpartition("=")[2] or 0) if "=" in request.target else 0
            return outline(f"http://{HERE}/view?n={number + 1}", simhash="00000000ffffffff", words=50)

    rows = complete(tmp_path, Same(), f"http://{HERE}/view?n=0", discovery__max_depth=100)
    assert 9 <= len(rows) <= 12
    originals = [url for url, row in rows.items() if "duplicate_of" not in row["discovery_metadata"]]
    assert originals == [f"http://{HERE}/view?n=0"]


def test_a_page_that_crashes_its_child_is_an_error_row_and_the_others_go_on(tmp_path):
    web = SlowWeb(default=outline())
    web.answer(HERE, "/", outline(f"http://{HERE}/bad", f"http://{HERE}/good"))
    web.answer(HERE, "/bad", Response(200, body=b"bad"))
    rows = complete(tmp_path, web, f"http://{HERE}/")
    kinds = {url: row["error_kind"] for url, row in rows.items()}
    assert kinds == {f"http://{HERE}/": None, f"http://{HERE}/bad": "nlp_crashed", f"http://{HERE}/good": None}


def test_a_second_discovery_over_a_cache_follows_the_same_links_and_looks_into_no_page(tmp_path):
    web, cache, pool = SlowWeb(), MemoryCache(), CountingPool()
    fresh = {"Cache_Control": "max-age=3600"}
    body = outline(f"http://{HERE}/a", title="Front", simhash="00000000ffffffff", words=50).body
    web.answer(HERE, "/", reply(200, body, **fresh))
    web.answer(
        HERE, "/a", reply(200, outline(f"http://{HERE}/b", meta={"robots": "unavailable_after: 1"}).body, **fresh)
    )
    web.answer(HERE, "/b", reply(200, outline().body, **fresh))

    def once(name):
        async def main():
            (tmp_path / name).mkdir()
            shard = discovering(tmp_path / name, web, cache=cache)
            shard.parts.endings._pool = pool
            return await shard.complete(f"http://{HERE}/")

        return [
            {key: value for key, value in row.items() if key not in {"first_seen", "attempts"}}
            for row in run(main()).values()
        ]

    first, asked = once("first"), len(web.targets(HERE))
    assert (len(first), pool.pages) == (3, 3)
    assert once("second") == first
    assert pool.pages == 3
    assert web.targets(HERE)[asked:] == ["/robots.txt"]


def test_a_defect_in_the_making_of_a_row_costs_that_row_alone(tmp_path):
    web = SlowWeb(default=outline())
    web.answer(HERE, "/", outline(f"http://{HERE}/odd", f"http://{HERE}/good"))
    web.answer(HERE, "/odd", reply(200, orjson.dumps({"links": [["http://x.test/"]]})))  # which no pool would send
    rows = complete(tmp_path, web, f"http://{HERE}/")
    kinds = {url: row["error_kind"] for url, row in rows.items()}
    assert kinds == {f"http://{HERE}/": None, f"http://{HERE}/odd": "internal_error", f"http://{HERE}/good": None}
    assert rows[f"http://{HERE}/odd"]["error"].startswith("making the row failed: ValueError: not enough values")


# -- between shards ---------------------------------------------------------------------------------------------------


class Two:
    """Two shards, and the supervisor's part in what they say: what a dead one is sent is lost."""

    def __init__(self, folder, web, **settings):
        self._folder, self._web, self._settings = folder, web, settings
        self.shards = {}
        self.finished = set()
        for number in (0, 1):
            self.start(number)

    def start(self, number):
        self.shards[number] = discovering(
            self._folder, self._web, shard=number, shards=2, relay=self.relay,
            discovery__allowed_domains=[HERE, THERE], discovery__max_depth=50, **self._settings,
        )  # fmt: skip

    def relay(self, sender, header):
        if header["type"] == Control.FOUND_DONE:
            self.finished.discard(sender)
        asyncio.get_running_loop().call_soon(self._pass, sender, header)

    def _pass(self, sender, header):
        receiver = self.shards.get(header["to"])
        if receiver is not None:
            receiver.tell(header["type"], **{k: v for k, v in header.items() if k != "type"}, **{"from": sender})
        elif header["type"] == Control.FOUND and sender in self.shards:
            self.shards[sender].tell(Control.SHARD_GONE, shard=header["to"])

    async def kill(self, number):
        await self.shards.pop(number).kill()
        self.shards[1 - number].tell(Control.SHARD_GONE, shard=number)

    async def until_finished(self):
        """As the supervisor judges it: both have said so, and neither has taken a link since."""
        seen = {}
        for _ in range(10_000):
            await asyncio.sleep(0.05)
            for number, shard in self.shards.items():
                told = [header["type"] for header in shard.sent]
                last = max((at for at, one in enumerate(told) if one == Control.FINISHED), default=-1)
                taken = max((at for at, one in enumerate(told) if one == Control.FOUND_DONE), default=-1)
                seen[number] = last > taken
            if all(seen.values()):
                return
        raise AssertionError([shard.worker.describe() for shard in self.shards.values()])

    async def drain(self):
        rows = {}
        for shard in self.shards.values():
            await shard.drain()
            with closing(shard.store.open(shard.store.path)) as store:
                assert Outbox(store).waiting == 0
            found = shard.rows()
            assert not rows.keys() & found.keys()
            rows |= found
        return rows


def chain(web, length):
    """Pages that lead from one site to the other and back."""
    for n in range(length):
        at, to = (HERE, THERE) if n % 2 == 0 else (THERE, HERE)
        web.answer(at, f"/{n}", outline(f"http://{to}/{n + 1}", f"http://{to}/side-{n}"))


def test_links_to_sites_of_another_shard_arrive_once_and_nobody_finishes_too_early(tmp_path):
    async def main():
        web = SlowWeb(default=outline())
        chain(web, 12)
        two = Two(tmp_path, web)
        await two.shards[0].feed(f"http://{HERE}/0")
        await two.shards[1].feed(f"http://{THERE}/other")
        await two.until_finished()
        return await two.drain()

    rows = run(main())
    assert len(rows) == 2 + 12 + 12
    assert {row["error_kind"] for row in rows.values()} == {None}
    assert by_url(rows)[f"http://{HERE}/2"] == (2, "link", f"http://{THERE}/1")


@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.parametrize("at_s", [0.35, 1.2, 2.05, 2.6])
def test_a_kill_of_either_shard_loses_no_link_and_makes_none_twice(tmp_path, victim, at_s):
    async def main():
        web = SlowWeb(default=outline())
        chain(web, 8)
        two = Two(tmp_path, web)
        await two.shards[0].feed(f"http://{HERE}/0")
        await two.shards[1].feed(f"http://{THERE}/other")
        await asyncio.sleep(at_s)
        await two.kill(victim)
        await asyncio.sleep(1.5)
        two.start(victim)
        if not two.shards[victim].store.ingested:
            await two.shards[victim].feed(f"http://{(HERE, THERE)[victim]}/{('0', 'other')[victim]}")
        await two.until_finished()
        return await two.drain()

    rows = run(main())
    assert len(rows) == 2 + 8 + 8
    assert {row["error_kind"] for row in rows.values()} == {None}
