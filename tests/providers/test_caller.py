"""What became of a call, on real sockets: answered, not sent, or nobody knows."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from engine.providers.base import Answer, Call
from engine.providers.caller import HttpCaller, Key, Lost, NotSent
from engine.settings import Settings

KEY = "sk-very-secret-1"
POST = Call("POST", "/enrich-lead-async", {"lead_info": {}}, timeout_s=2.0)


@asynccontextmanager
async def answering(reply):
    """A server that reads a request's head and does `reply(writer, head)`; gives (base URL, heads, connections)."""
    heads, open_ones = [], set()

    async def serve(reader, writer):
        open_ones.add((writer, asyncio.current_task()))
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                heads.append(head.decode())
                if b"content-length" in head.lower():
                    await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
                if await reply(writer, head):
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads
    finally:
        server.close()
        for writer, task in open_ones:
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*(task for _, task in open_ones), return_exceptions=True)


async def made(url, call=POST, times=1):
    caller = HttpCaller(url, "x-api-key", Key(KEY), Settings().fetch)
    try:
        for _ in range(times):
            got = await caller.call(call)
        return got
    finally:
        await caller.close()


def whole(body=b"{}", status="200 OK", headers=""):
    async def reply(writer, _head):
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)
        await writer.drain()

    return reply


async def test_an_answer_comes_with_its_headers_and_the_key_is_sent():
    async with answering(whole(b'{"task_id": "t"}', headers="X-RateLimit-Limit: 7\r\n")) as (url, heads):
        got = await made(url + "/")
    assert got == Answer(200, got.headers, {"task_id": "t"})
    assert got.headers["x-ratelimit-limit"] == "7"
    assert f"x-api-key: {KEY}" in heads[0]
    assert heads[0].startswith("POST /enrich-lead-async HTTP/1.1")


async def test_a_key_that_the_provider_quotes_does_not_come_through():
    async with answering(whole(f'{{"message": "bad key {KEY}"}}'.encode(), "401 Unauthorized")) as (url, _):
        got = await made(url)
    assert got.body == {"message": "bad key <redacted>"}
    assert KEY not in repr(Key(KEY))
    assert KEY not in str(Key(KEY))


async def test_what_is_no_json_is_an_answer_all_the_same():
    async with answering(whole(b"<html>bad gateway", "502 Bad Gateway")) as (url, _):
        assert (await made(url)).body is None


async def test_json_that_is_too_deep_to_be_stored_is_none():
    for depth in (150, 300, 1_000):
        body = b'{"result": ' + b"[" * depth + b"]" * depth + b"}"
        async with answering(whole(body)) as (url, _):
            got = await made(url)
        assert (got.body is None) == (depth > 200)


async def test_no_connection_means_not_sent():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        got = await made(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert isinstance(got, NotSent)
    assert isinstance(await made("http://nobody.invalid"), NotSent)


async def _abort(writer, _head):
    writer.transport.abort()
    return True


async def _half(writer, _head):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    return True


@pytest.mark.parametrize("reply", [_abort, _half])
async def test_a_connection_that_breaks_leaves_a_doubt(reply):
    async with answering(reply) as (url, heads):
        got = await made(url)
    assert isinstance(got, Lost)
    assert len(heads) == 1  # and was not sent again
    assert KEY not in got.message


async def test_no_answer_in_time_leaves_a_doubt():
    async def silence(_writer, _head):
        await asyncio.sleep(30)

    async with answering(silence) as (url, _):
        assert isinstance(await made(url, Call("POST", "/x", {}, timeout_s=-9.8)), Lost)


async def test_a_submit_has_a_connection_of_its_own_and_a_redirect_is_not_followed():
    async with answering(whole(status="307 Temporary Redirect", headers="Location: /elsewhere\r\n")) as (url, heads):
        got = await made(url, times=2)
    assert got.status == 307
    assert len(heads) == 2
    assert all("connection: close" in head.lower() for head in heads)
