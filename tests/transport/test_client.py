from __future__ import annotations

import asyncio

import pytest
from web.pages import article

from engine.model.outcome import FailureKind
from engine.settings import GuardSettings
from engine.transport.base import Request, TransportError

PAGE = article(1).html.encode()


async def failure(doing) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await doing
    return caught.value


async def test_a_page_comes_whole_with_its_headers(client, web):
    answer = await client.get("/html/1?bytes=300000")
    assert (answer.status, answer.body) == (200, article(1, 300_000).html.encode())
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert sum(client.received) == len(answer.body)
    assert client.written == 1
    assert web.log[0]["host"] == "a.test"


@pytest.mark.parametrize("status", [200, 204, 301, 304, 404, 429, 500, 503])
async def test_every_status_is_an_answer(client, status):
    assert (await client.get(f"/status/{status}")).status == status


async def test_a_head_request_has_no_body(client):
    answer = await client.get("/gzip", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert (await client.get("/gzip")).body == PAGE


@pytest.mark.parametrize(
    "path", ["gzip", "deflate", "deflate-raw", "br", "zstd", "stacked", "gzip-members", "chunked", "early-hints"]
)
async def test_a_body_is_read_in_any_framing_and_coding(client, path):
    assert (await client.get(f"/{path}")).body == PAGE


@pytest.mark.parametrize("label", ["utf-8", "identity", "none", "aws-chunked"])
async def test_an_unknown_coding_is_a_wrong_label(client, label):
    assert (await client.get(f"/coding/{label}")).body == PAGE


async def test_a_body_may_end_with_its_connection(client, web):
    assert (await client.get("/until-close/5000")).body == b"u" * 5000
    await client.get("/html/1")
    assert web.connections == 2


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/reset", FailureKind.CONNECTION_LOST),
        ("/close", FailureKind.CONNECTION_LOST),
        ("/partial", FailureKind.CONNECTION_LOST),
        ("/partial-chunked", FailureKind.CONNECTION_LOST),
        ("/chunked-bad", FailureKind.BAD_RESPONSE),
        ("/not-http", FailureKind.BAD_RESPONSE),
        ("/headers-huge/100000", FailureKind.BAD_RESPONSE),
        ("/headers-many/1000", FailureKind.BAD_RESPONSE),
        ("/headers-endless", FailureKind.BAD_RESPONSE),
        ("/bad-gzip", FailureKind.DECODE_FAILED),
        ("/cut-gzip", FailureKind.DECODE_FAILED),
        ("/bomb", FailureKind.BODY_TOO_LARGE),
        ("/bomb-zstd", FailureKind.BODY_TOO_LARGE),
        ("/endless", FailureKind.BODY_TOO_LARGE),
        ("/body/2000000", FailureKind.BODY_TOO_LARGE),
    ],
)
async def test_what_a_server_does_wrong_has_a_name(client, path, kind):
    error = await failure(client.get(path, max_body_bytes=1_000_000))
    assert error.kind is kind
    assert error.message
    assert sum(client.received) <= 1_000_000
    assert (await client.get("/html/1")).status == 200


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/raw/204-with-body", 204, b""),
        ("/raw/205-with-body", 205, b""),
        ("/raw/304-with-body", 304, b""),
        ("/raw/length-too-short", 200, PAGE[:200]),
        ("/raw/gzip-not-said", 200, PAGE),
    ],
)
async def test_an_answer_counts_although_more_comes_with_it_and_its_connection_is_not_kept(client, path, status, body):
    answer = await client.get(path)
    assert (answer.status, answer.body) == (status, body)
    assert (await client.get("/html/1")).body == PAGE


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/flood/interim", FailureKind.BAD_RESPONSE),
        ("/flood/blank-lines", FailureKind.BAD_RESPONSE),
        ("/flood/extension", FailureKind.BODY_TOO_LARGE),
        ("/flood/gzip-of-nothing", FailureKind.BODY_TOO_LARGE),
        ("/flood/skippable", FailureKind.DECODE_FAILED),
    ],
)
async def test_what_never_comes_to_a_body_is_bounded_by_what_it_takes_on_the_wire(client, path, kind):
    assert (await failure(client.get(path, max_body_bytes=1_000_000))).kind is kind


async def test_a_long_header_line_is_no_fault(client):
    assert len((await client.get("/headers-huge/20000")).headers["X-Huge"]) == 20_000


async def test_a_body_of_exactly_the_limit_passes_and_no_limit_is_none(client):
    assert len((await client.get("/body/5000", max_body_bytes=5000)).body) == 5000
    assert len((await client.get("/body/20000000", max_body_bytes=0)).body) == 20_000_000
    assert (await failure(client.get("/body/5001", max_body_bytes=5000))).kind is FailureKind.BODY_TOO_LARGE


async def test_connections_are_kept_and_shared_by_origin_only(client, web):
    for _ in range(3):
        await client.get("/html/1")
    assert web.connections == 1
    await client.get("/html/1", host="b.test")
    assert web.connections == 2


async def test_an_exchange_that_is_closed_unused_leaves_its_connection_to_the_next(client, web):
    exchange = await client.transport.connect("http", "a.test", 80)
    exchange.close()
    exchange.close()
    await client.get("/html/1")
    assert web.connections == 1


async def test_no_connection_is_kept_where_keepalive_is_off(connecting, web):
    async with connecting(web, keepalive_s=0) as client:
        await client.get("/html/1")
        await client.get("/html/1")
    assert web.connections == 2


async def test_a_kept_connection_that_the_server_closes_is_replaced_once(client, web):
    assert (await client.get("/once")).status == 200
    assert (await client.get("/once")).status == 200
    assert (web.connections, client.written) == (2, 3)


async def test_a_caller_who_must_keep_a_delay_is_told_instead(client, web):
    await client.get("/once")
    error = await failure(client.get("/once", resend_stale=False))
    assert (error.kind, error.stale) == (FailureKind.CONNECTION_LOST, True)
    assert len(web.log) == 2


async def test_a_fresh_connection_that_is_closed_is_no_stale_one(client, web):
    assert not (await failure(client.get("/close"))).stale
    assert len(web.log) == 1


async def test_a_silent_server_meets_the_time_limit(connecting, web):
    async with connecting(web, timeout_s=0.1) as client:
        for path, kind in {
            "/hang": FailureKind.READ_TIMEOUT,
            "/hang-head": FailureKind.READ_TIMEOUT,
            "/slow-body/1000/20": FailureKind.TOTAL_TIMEOUT,
        }.items():
            assert (await failure(client.get(path))).kind is kind
        assert (await client.get("/html/1")).status == 200


async def test_a_server_that_takes_no_connection_is_named(connecting):
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    async with connecting(None, connect_to=(f"::127.0.0.1:{port}",)) as client:
        assert (await failure(client.get("/"))).kind is FailureKind.CONNECT_REFUSED


async def test_a_cancelled_request_closes_its_connection(client, web):
    request = asyncio.ensure_future(client.get("/hang"))
    await client.first_written.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    await client.get("/html/1")
    assert web.connections == 2


async def test_closing_an_exchange_aborts_its_request(client):
    exchange = await client.transport.connect("http", "a.test", 80)
    request = asyncio.ensure_future(client.send(exchange, Request("GET", "http", "a.test", 80, "/hang")))
    await client.first_written.wait()
    exchange.close()
    error = await failure(request)
    assert (error.kind, error.stale) == (FailureKind.CONNECTION_LOST, False)


async def test_closing_the_transport_ends_what_is_under_way(client):
    request = asyncio.ensure_future(client.get("/hang"))
    await client.first_written.wait()
    await client.transport.close()
    assert (await failure(request)).kind is FailureKind.CONNECTION_LOST
    assert (await failure(client.get("/html/1"))).kind is FailureKind.CONNECTION_LOST


async def test_an_exchange_carries_one_request(client):
    exchange = await client.transport.connect("http", "a.test", 80)
    await client.send(exchange, Request("GET", "http", "a.test", 80, "/html/1"))
    with pytest.raises(RuntimeError):
        await client.send(exchange, Request("GET", "http", "a.test", 80, "/html/1"))


async def test_loopback_is_refused_unless_it_is_allowed(connecting, web):
    async with connecting(web, guard=GuardSettings()) as client:
        assert (await failure(client.get("/html/1"))).kind is FailureKind.REFUSED_ADDRESS
    async with connecting(None, guard=GuardSettings()) as client:
        for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0.0.0.0", "169.254.169.254"):
            assert (await failure(client.get("/", host=host))).kind is FailureKind.REFUSED_ADDRESS, host
    assert web.connections == 0


async def test_the_peer_is_known_where_the_host_has_chosen_it(connecting, client, web):
    led = await client.transport.connect("http", "a.test", 80)
    assert led.peer_ip is None
    led.close()
    async with connecting(None) as direct:
        exchange = await direct.transport.connect("http", "127.0.0.1", web.port)
        assert exchange.peer_ip == "127.0.0.1"
        exchange.close()


async def test_a_port_of_another_service_is_never_connected_to(client, web):
    refused = await failure(client.transport.connect("http", "mail.test", 25))
    assert refused.kind is FailureKind.REFUSED_ADDRESS
    assert web.connections == 0


async def test_a_body_that_may_be_cut_is_cut_and_its_connection_closed(client, web):
    answer = await client.get("/body/300000", max_body_bytes=1000, truncate=True)
    assert len(answer.body) == 1000
    await client.get("/html/1")
    assert web.connections == 2
