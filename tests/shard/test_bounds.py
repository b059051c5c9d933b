"""Nothing in a shard grows with its list: after many more hosts, every container is as small as after a few."""

from __future__ import annotations

import asyncio

import numpy as np
from fake_time import run
from shard_rig import Shard, SlowWeb, redirect, reply

from engine.frontier.robots import RobotsRow
from engine.model.outcome import FailureKind
from engine.policy.robots import ALLOW_ALL
from engine.shard.robots import MAX_IN_MEMORY_BYTES
from engine.transport.dns import MAX_CACHED, Resolver

#: Hosts in memory at once, and what beside them may hold so many entries without being told.
ACTIVE = 10
SMALL = 40

#: A web is no part of a shard, nor is what the rig keeps of it; SQLite keeps its own bounds, and parsed robots.txt are
#: bounded by their bytes (the next test).
FOREIGN = ("_transport", "_loop", "db", "_send", "_group", "_parsed")


def sizes(root):
    """The largest container found at each path of attributes from `root`, keys and indexes left out."""
    found, seen, todo = {}, set(), [(root, "")]
    while todo:
        thing, path = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, dict):
            found[path] = max(found.get(path, 0), len(thing))
            todo += [(value, f"{path}[]") for value in thing.values()]
        elif (
            not isinstance(thing, (str, bytes, bytearray)) and hasattr(thing, "__len__") and hasattr(thing, "__iter__")
        ):
            found[path] = max(found.get(path, 0), len(thing))
            if not isinstance(thing, np.ndarray):  # a million numbers that hold nothing
                todo += [(value, f"{path}[]") for value in thing]
        elif callable(thing) and (owner := getattr(thing, "__self__", None)) is not None:
            todo.append((owner, f"{path}()"))
        elif type(thing).__module__.startswith("engine."):
            todo += [(value, f"{path}.{name}") for name, value in attributes(thing) if name not in FOREIGN]
    return found


def attributes(thing):
    names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    names += getattr(thing, "__dict__", {})
    return [(name, getattr(thing, name)) for name in names if hasattr(thing, name)]


def hosts_of_all_sorts(web, count):
    """One URL each: pages, redirects to other hosts, dead names, refusals, and such as never answer well."""
    for n in range(count):
        host = f"h{n}.test"
        match n % 8:
            case 0:
                web.answer(host, "/", redirect(f"http://to{n}.test/"))
            case 1:
                web.fail_connect(host, *[FailureKind.CONNECT_TIMEOUT] * 20)
            case 2:
                web.answer(host, "/", reply(500))
            case 3:
                web.fail_connect(host, *[FailureKind.DNS_NOT_FOUND] * 20)
            case 4:
                web.answer(host, "/robots.txt", reply(503))
            case 5:
                web.answer(host, "/", reply(429))
            case 6:
                web.answer(host, "/robots.txt", reply(200, b"User-agent: *\nCrawl-delay: 20\nDisallow: /no"))
            case _:
                pass
    return [f"http://h{n}.test/" for n in range(count)]


async def grown(folder, count):
    web = SlowWeb()
    urls = hosts_of_all_sorts(web, count)
    shard = Shard(
        folder, web, run__max_active_hosts=ACTIVE, breaker__failure_threshold=1, breaker__max_failed_probes=2,
        politeness__max_pauses=2, politeness__delay_s=1,
    )  # fmt: skip
    shard.store.index.generation = SMALL  # else it holds the keys of all these
    largest = {}
    for start in range(0, count, 100):
        await shard.feed(*urls[start : start + 100], done=start + 100 >= count)
        await asyncio.sleep(30)
        for path, size in sizes(shard.worker).items():
            largest[path] = max(largest.get(path, 0), size)
    await shard.until_finished()
    ended = sizes(shard.worker)
    await shard.drain()
    assert len(shard.rows()) == count
    return largest, ended


def test_no_container_grows_with_the_hosts(tmp_path):
    few, many = tmp_path / "few", tmp_path / "many"
    few.mkdir()
    many.mkdir()
    before = run(grown(few, 80))
    during, ended = run(grown(many, 480))
    assert len(during) > 40, "the walk has lost its way"
    for most, found in zip(before, (during, ended), strict=True):
        assert {path: size for path, size in found.items() if size > max(SMALL, 1.5 * most.get(path, 0))} == {}


def test_parsed_robots_txt_are_bounded_by_their_bytes(tmp_path):
    body = b"User-agent: *\n" + b"".join(b"Disallow: /%d%s\n" % (n, b"x" * 15_000) for n in range(30))

    async def main():
        shard = Shard(tmp_path, SlowWeb())
        files = shard.parts.hops.robots
        host = shard.parts.schedule.named("a.test", 0.0)
        for n in range(120):
            files._remember(f"http://h{n}.test", RobotsRow(0.0, 200, body), host, 1000.0)
        held = sum(rules.size_bytes for rules, _ in files._parsed.values())
        assert held == files._parsed_bytes <= MAX_IN_MEMORY_BYTES
        assert 10 < len(files._parsed) < 120
        assert ALLOW_ALL.size_bytes > 0  # what most origins have is charged, too
        await shard.kill()

    run(main())


def test_the_dns_cache_keeps_what_was_used_last():
    async def main():
        resolver = Resolver([], lambda: 0.0)
        for n in range(MAX_CACHED + 100):
            resolver._remember(f"h{n}.test", 60.0, ("192.0.2.1",))
        assert len(resolver._cache) == MAX_CACHED
        assert f"h{MAX_CACHED + 99}.test" in resolver._cache
        await resolver.close()

    asyncio.run(main())
