"""The server of the tests is judged with plain sockets, so that no client hides what it does."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from pathlib import Path
from time import monotonic

import pytest
from web import politeness
from web.pages import article
from web.server import Web


@pytest.fixture
async def web():
    async with Web() as web:
        yield web


async def ask(web: Web, *targets: str, host: str = "a.test", head: str = "") -> bytes:
    """All bytes that come for some requests on one connection, the last of which asks to close."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    for target in targets:
        last = "Connection: close\r\n" if target is targets[-1] else ""
        writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}:80\r\n{head}{last}\r\n".encode())
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


async def test_pages_are_the_same_each_time_and_differ(web):
    assert article(3).html.encode() in await ask(web, "/html/3")
    assert article(3).html != article(4).html
    assert 35_000 <= len(article(3, 35_000).html) < 36_000
    assert article(3, 35_000).title == article(3).title


async def test_flaky_and_redirects_count(web):
    answers = await ask(web, "/flaky/1/503/x", "/flaky/1/503/x", "/redirect/1", "/nothing")
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"503", b"200", b"302", b"404"]
    assert b"Location: /redirect/0\r\n" in answers


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("a.test", b" 404 "),
        ("robots-deny-1.test", b"Disallow: /\n"),
        ("www.robots-private-1.test", b"Disallow: /private\n"),
        ("robots-503-1.test", b" 503 "),
        ("robots-delay-2-1.test", b"Crawl-delay: 2\n"),
        ("robots-allow-1.test", b"Allow: /\n"),
    ],
)
async def test_the_host_name_chooses_the_robots_file(web, host, expected):
    assert expected in await ask(web, "/robots.txt", host=host)


async def test_a_cap_holds_over_all_hosts_of_its_name(web):
    hosts = ["one.cap-1-x.test", "two.cap-1-x.test", "cap-1-other.test"]
    first, second, other = await asyncio.gather(*(ask(web, "/delay/50", host=host) for host in hosts))
    assert sorted([b" 503 " in first, b" 503 " in second]) == [False, True]
    assert b" 200 " in other
    assert b" 200 " in await ask(web, "/delay/1", host=hosts[0])


async def test_a_reset_is_one_and_is_logged_without_status(web):
    with pytest.raises(ConnectionResetError):
        await ask(web, "/reset")
    assert (web.log[0]["host"], web.log[0]["path"], web.log[0]["status"]) == ("a.test", "/reset", 0)
    assert not web.in_flight["a.test"]


async def test_politeness_is_judged_from_the_log():
    log = [
        {"t": 1.0, "host": "a", "path": "/robots.txt", "in_flight": 1},
        {"t": 1.6, "host": "a", "path": "/1", "in_flight": 2},
        {"t": 1.5, "host": "b", "path": "/2", "in_flight": 1},
        {"t": 1.8, "host": "a", "path": "/3", "in_flight": 1},
    ]
    assert politeness.min_gap_s(log) == {"a": pytest.approx(0.2)}
    assert politeness.too_early(log, 0.5) == [("a", "/3", pytest.approx(0.2))]
    assert politeness.max_in_flight(log) == {"a": 2, "b": 1}
    assert politeness.count(log, "/robots.txt") == {"a": 1, "b": 0}
    assert politeness.robots_first(log) == ["b"]


async def test_it_runs_as_a_process_of_its_own_and_leaves_its_log(tmp_path):
    log = tmp_path / "log.jsonl"
    script = Path(__file__).with_name("server.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), "--port", "0", "--log", str(log), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = int((await process.stdout.readline()).rsplit(b":", 1)[1])
    running = Web()
    running.port = port
    assert b" 200 " in await ask(running, "/html/1", "/etag/2", head='If-None-Match: "page-2"\r\n')
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    entries = politeness.load(log)
    assert [(entry["path"], entry["status"]) for entry in entries] == [("/html/1", 200), ("/etag/2", 304)]
    assert json.loads(log.read_text().splitlines()[0])["peer"] == "127.0.0.1"


@pytest.mark.skipif(sys.platform != "linux", reason="kernel stamps are Linux's")
async def test_times_of_arrival_may_be_the_kernels_however_late_the_server_looks():
    async with Web(stamp=True) as web:
        reader, writer = await asyncio.open_connection(web.host, web.port)
        in_time = 0
        for _ in range(20):  # the kernel begins to stamp some moment after it was asked to, and may be busy itself
            await asyncio.sleep(0)
            before = monotonic()
            writer.write(b"GET /html/1 HTTP/1.1\r\nHost: a.test\r\n\r\n")
            after = monotonic()
            while monotonic() < after + 0.05:  # this loop is the server's too: it is kept from looking
                pass
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", head)[1]))
            in_time += before - 0.005 <= web.log[-1]["t"] <= after + 0.005  # none is, where the server's look counts
            if in_time == 2:
                break
        assert in_time == 2
        writer.write(b"GET /close HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert await reader.read() == b""  # the server's end is heard of
        writer.close()
