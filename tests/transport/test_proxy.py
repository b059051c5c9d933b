"""Proxies against local ones: HTTP, HTTPS and SOCKS5, with user and password, and those of the environment."""

from __future__ import annotations

import socket

import pytest
from web.authority import Authority
from web.pages import article
from web.proxies import PASSWORD, HttpProxy, SocksProxy
from web.server import Web

from engine.errors import UsageError
from engine.model.outcome import FailureKind
from engine.settings import FetchSettings, GuardSettings
from engine.transport.base import TransportError
from engine.transport.client import AiohttpTransport
from engine.transport.proxies import Exempt, Proxies
from engine.transport.proxy import Proxy

PAGE = article(1).html.encode()
STRICT = GuardSettings()
AUTHORIZATION = "Proxy-Authorization: Basic am9lOmh1bnRlcjI=\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


async def failure(client, target="/html/1", **options) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await client.get(target, **options)
    assert PASSWORD not in caught.value.message
    return caught.value


# -- http and https ---------------------------------------------------------------------------------------------------


async def test_a_proxy_is_asked_in_absolute_form_on_connections_that_all_hosts_share(web, connecting):
    async with HttpProxy(web) as proxy, connecting(None, guard=STRICT, proxy=proxy.url) as client:
        assert (await client.get("/html/1")).body == PAGE
        assert proxy.asked[0].startswith("GET http://a.test/html/1 HTTP/1.1\r\nHost: a.test\r\n")
        assert AUTHORIZATION in proxy.asked[0]
        exchange = await client.transport.connect("http", "b.test", 80)
        assert exchange.peer_ip is None
        exchange.close()
        assert len(proxy.asked) == 1


async def test_a_proxy_may_speak_tls_itself(authority, web, connecting):
    context = authority.server_context("127.0.0.1")
    async with (
        HttpProxy(web, context) as proxy,
        connecting(None, guard=STRICT, proxy=proxy.url, ca_file=str(authority.file)) as client,
    ):
        assert (await client.get("/html/1")).body == PAGE
        assert proxy.asked[0].startswith("GET http://a.test/html/1 HTTP/1.1\r\n")
    async with HttpProxy(web, context) as proxy, connecting(None, guard=STRICT, proxy=proxy.url) as client:
        assert (await failure(client)).kind is FailureKind.TLS_FAILED
        assert not proxy.asked


@pytest.mark.parametrize("over_tls", [False, True])
async def test_a_tunnel_carries_tls_to_the_origin(authority, connecting, over_tls):
    outer = authority.server_context("127.0.0.1") if over_tls else None
    async with (
        Web(tls=authority.server_context("a.test")) as web,
        HttpProxy(web, outer) as proxy,
        connecting(None, guard=STRICT, proxy=proxy.url, ca_file=str(authority.file)) as client,
    ):
        client.scheme = "https"
        assert (await client.get("/html/1")).body == PAGE
        assert (await client.get("/html/1")).body == PAGE
        assert len(proxy.asked) == 1
        assert proxy.asked[0].startswith("CONNECT a.test:443 HTTP/1.1\r\n")
        assert AUTHORIZATION in proxy.asked[0]
        if not over_tls:  # asyncio of Python 3.11 cannot abort TLS within TLS; the engine's loop is uvloop, which can
            assert (await failure(client, host="b.test")).kind is FailureKind.TLS_FAILED


async def test_a_proxys_secret_reaches_no_origin(authority, connecting):
    async with (
        Web(tls=authority.server_context("a.test")) as web,
        HttpProxy(web) as proxy,
        connecting(None, guard=STRICT, proxy=proxy.url, ca_file=str(authority.file)) as client,
    ):
        client.scheme = "https"
        assert b"am9lOmh1bnRlcjI" not in (await client.get("/echo")).body


async def test_a_proxy_that_refuses_is_named(web, connecting):
    wrong = "http://joe:wrong@127.0.0.1"
    async with HttpProxy(web) as proxy, connecting(None, proxy=f"{wrong}:{proxy.port}") as client:
        assert (await client.get("/html/1")).status == 407
        client.scheme = "https"
        error = await failure(client)
        assert error.kind is FailureKind.CONNECT_REFUSED
        assert "407" in error.message


async def test_a_tunnel_is_not_taken_for_the_origins_answer(web, connecting):
    page = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello"
    async with HttpProxy(web, refuse=page) as proxy, connecting(None, proxy=proxy.url) as client:
        client.scheme = "https"
        assert "403" in (await failure(client)).message


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
async def test_a_proxy_that_is_not_there_is_no_fault_of_the_name(connecting, scheme):
    async with connecting(None, proxy=f"{scheme}://127.0.0.1:9", guard=STRICT) as client:
        error = await failure(client, host="8.8.8.8")
        assert error.kind is FailureKind.CONNECT_REFUSED
        assert "127.0.0.1" in error.message
    async with connecting(None, proxy=f"{scheme}://{'x' * 64}.test:3128", guard=STRICT) as client:
        error = await failure(client, host="8.8.8.8")
        assert error.kind is FailureKind.CONNECT_REFUSED
        assert "the proxy" in error.message


#: Whoever resolves these finds a host of their own network; "metadata.google.internal" is a cloud's metadata service.
LOCAL = ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "localhost.", "x.localhost", "10.0.0.1", "intranet"]
LOCAL += ["metadata.google.internal", "printer.local", "nas.home.arpa", "wiki.corp", "169.254.169.254"]


@pytest.mark.parametrize("host", LOCAL)
async def test_where_a_proxy_resolves_names_those_of_private_networks_are_refused(web, connecting, host):
    async with (
        HttpProxy(web) as http,
        SocksProxy(web) as socks,
        connecting(None, guard=STRICT, proxy=http.url) as by_http,
        connecting(None, guard=STRICT, proxy=socks.url("socks5h")) as by_socks,
    ):
        assert (await failure(by_http, host=host)).kind is FailureKind.REFUSED_ADDRESS
        assert (await failure(by_socks, host=host)).kind is FailureKind.REFUSED_ADDRESS
        assert not http.asked
        assert not socks.asked


async def test_they_are_asked_for_where_private_addresses_are_allowed(web, connecting):
    allowing = GuardSettings(allow_private_addresses=True)
    async with HttpProxy(web) as proxy, connecting(None, guard=allowing, proxy=proxy.url) as client:
        for host in ("localhost", "intranet", "10.0.0.1"):
            assert (await client.get("/html/1", host=host)).body == PAGE
        assert len(proxy.asked) == 3


async def test_a_proxy_and_connect_to_exclude_each_other(web, connecting):
    with pytest.raises(UsageError, match="connect_to"):
        async with connecting(web, proxy="http://127.0.0.1:3128"):
            pass


# -- socks5 -----------------------------------------------------------------------------------------------------------


async def test_socks_with_names_for_the_proxy(authority, connecting):
    async with (
        Web(tls=authority.server_context("a.test")) as web,
        SocksProxy(web) as proxy,
        connecting(None, guard=STRICT, proxy=proxy.url("socks5h"), ca_file=str(authority.file)) as client,
    ):
        client.scheme = "https"
        assert (await client.get("/html/1")).body == PAGE
        assert (await client.get("/html/1")).body == PAGE
        assert proxy.asked == ["a.test:443"]
        assert (await failure(client, host="b.test")).kind is FailureKind.TLS_FAILED


async def test_socks_with_names_resolved_here_tells_the_proxy_an_address_that_passed_the_guard(web, connecting):
    async with SocksProxy(web) as proxy, connecting(None, guard=STRICT, proxy=proxy.url()) as client:
        assert (await client.get("/html/1", host="8.8.8.8")).body == PAGE
        assert (await client.get("/html/1", host="[2001:4860:4860::8888]")).body == PAGE
        assert proxy.asked == ["8.8.8.8:80", "2001:4860:4860::8888:80"]
        for host in ("localhost", "127.0.0.1", "[::1]"):
            assert (await failure(client, host=host)).kind is FailureKind.REFUSED_ADDRESS
        assert len(proxy.asked) == 2


async def test_socks_requests_are_written_as_to_the_origin(web, connecting):
    async with SocksProxy(web) as proxy, connecting(None, guard=STRICT, proxy=proxy.url("socks5h")) as client:
        body = (await client.get("/echo")).body
        assert b'"target": "/echo"' in body
        assert b"roxy" not in body
        exchange = await client.transport.connect("http", "b.test", 80)
        assert exchange.peer_ip is None
        exchange.close()
        assert proxy.asked == ["a.test:80", "b.test:80"]


@pytest.mark.parametrize("reply", [1, 2, 4, 5, 9])
async def test_what_a_socks_proxy_refuses_is_named(web, connecting, reply):
    async with SocksProxy(web, reply) as proxy, connecting(None, proxy=proxy.url("socks5h")) as client:
        error = await failure(client)
        assert error.kind is FailureKind.CONNECT_REFUSED
        assert "a.test" in error.message


async def test_a_socks_proxy_that_knows_us_not_is_named(web, connecting):
    async with SocksProxy(web) as proxy, connecting(None, proxy=proxy.url(password="wrong")) as client:
        assert "authentication" in (await failure(client, host="8.8.8.8")).message


async def test_a_socks_proxy_that_is_silent_is_given_up(connecting):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"socks5h://127.0.0.1:{silent.getsockname()[1]}"
        async with connecting(None, proxy=url, connect_timeout_s=0.1) as client:
            assert (await failure(client)).kind is FailureKind.CONNECT_TIMEOUT


async def test_closing_ends_what_came_through_socks(web, connecting):
    async with SocksProxy(web) as proxy, connecting(None, proxy=proxy.url("socks5h")) as client:
        exchange = await client.transport.connect("http", "a.test", 80)
        await client.transport.close()
        assert not exchange._lease.reusable


@pytest.mark.parametrize(
    "userinfo", [":secret", "joe:", "joe", f"joe:{'x' * 256}", "jo%C3%A9:secret"]
)  # fmt: skip
def test_what_socks_cannot_carry_as_credentials_is_refused_without_them(userinfo):
    with pytest.raises(UsageError) as caught:
        Proxy.parse(f"socks5://{userinfo}@proxy.test")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_extra_socks_is_refused_naming_it(monkeypatch):
    monkeypatch.setattr("engine.transport.proxy.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"enrich-engine\[socks\]"):
        Proxy.parse("socks5://proxy.test")


# -- the environment --------------------------------------------------------------------------------------------------


def chosen(url, **environ):
    proxies = Proxies.of(FetchSettings(proxy="environment"), environ)
    if proxies is None:
        return None
    scheme, _, host = url.partition("://")
    host, _, port = host.partition("|")
    proxy = proxies.choose(scheme, host, int(port or {"http": 80, "https": 443}[scheme]))
    return proxy and f"{proxy.scheme}://{proxy}"


BOTH = {"http_proxy": "http://plain.test:1", "https_proxy": "secure.test:2"}


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("http://a.test", {}, None),
        ("http://a.test", BOTH, "http://plain.test:1"),
        ("https://a.test", BOTH, "http://secure.test:2"),
        ("https://a.test", {"http_proxy": "plain.test:1"}, None),
        ("https://a.test", {"all_proxy": "socks5h://any.test"}, "socks5h://any.test:1080"),
        ("http://a.test", {"all_proxy": "any.test:3", **BOTH}, "http://plain.test:1"),
        ("http://a.test", {"HTTP_PROXY": "upper.test:4"}, "http://upper.test:4"),
        ("http://a.test", {"HTTP_PROXY": "upper.test:4", "http_proxy": "lower.test:5"}, "http://lower.test:5"),
        ("http://a.test", {"HTTP_PROXY": "upper.test:4", "http_proxy": ""}, None),
        ("http://a.test", {"HTTP_PROXY": "evil.test:4", "REQUEST_METHOD": "GET"}, None),
        ("https://a.test", {"HTTPS_PROXY": "upper.test:4", "REQUEST_METHOD": "GET"}, "http://upper.test:4"),
        ("http://a.test", {**BOTH, "no_proxy": "a.test"}, None),
        ("http://b.test", {**BOTH, "NO_PROXY": "a.test, .b.test"}, None),
    ],
)
def test_the_variables_choose(url, environ, expected):
    assert chosen(url, **environ) == expected


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "exempt"),
    [
        ("", "a.test", 80, False),
        ("*", "a.test", 80, True),
        ("a.test", "a.test", 80, True),
        ("A.TEST", "a.test", 80, True),
        ("a.test", "x.a.test", 80, True),
        (".a.test", "a.test", 80, True),
        ("*.a.test", "x.y.a.test", 80, True),
        ("a.test", "ba.test", 80, False),
        ("a.test", "a.test.", 80, True),
        ("a.test:8080", "a.test", 8080, True),
        ("a.test:8080", "a.test", 80, False),
        ("x.a.test", "a.test", 80, False),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "11.1.2.3", 80, False),
        ("192.0.2.1", "192.0.2.1", 80, True),
        ("192.0.2.1:81", "192.0.2.1", 80, False),
        ("::1", "[::1]", 80, True),
        ("[::1]:81", "[::1]", 81, True),
        ("fd00::/8", "[fd12::1]", 80, True),
        ("10.0.0.0/8", "ten.test", 80, False),
        ("  a.test ,,b.test\tc.test", "c.test", 80, True),
        (". * *.", "other.test", 80, True),
        (".", "a.test", 80, False),
        ("http://a.test", "a.test", 80, False),
    ],
)
def test_no_proxy_names_hosts_networks_and_ports(no_proxy, host, port, exempt):
    assert Exempt(no_proxy).has(host, port) is exempt


def test_a_variable_that_names_no_proxy_is_named_without_its_value():
    with pytest.raises(UsageError, match="the variable https_proxy") as caught:
        Proxies.of(FetchSettings(proxy="environment"), {"HTTPS_PROXY": "ftp://joe:secret@proxy.test"})
    assert "secret" not in str(caught.value)


async def test_what_no_proxy_names_is_asked_directly_and_judged(web):
    async with HttpProxy(web) as proxy:
        environ = {"http_proxy": proxy.url, "no_proxy": "127.0.0.1"}
        fetch = FetchSettings(proxy="environment")
        transport = AiohttpTransport(fetch, STRICT, environ=environ)
        with pytest.raises(TransportError, match="loopback"):
            await transport.connect("http", "127.0.0.1", web.port)
        await transport.close()
        transport = AiohttpTransport(fetch, GuardSettings(allow_networks=("127.0.0.1",)), environ=environ)
        exchange = await transport.connect("http", "127.0.0.1", web.port)
        assert exchange.peer_ip == "127.0.0.1"
        exchange.close()
        await transport.close()
        assert not proxy.asked


async def test_the_environment_is_not_looked_at_unless_it_is_asked_for(web, monkeypatch):
    for name in ("http_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    fetch = FetchSettings(connect_to=(web.connect_to(),))
    transport = AiohttpTransport(fetch, GuardSettings(allow_networks=("127.0.0.1",)), environ={"all_proxy": "x.test:1"})
    exchange = await transport.connect("http", "a.test", 80)
    exchange.close()
    await transport.close()
