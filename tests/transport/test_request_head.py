from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.model.outcome import FailureKind
from engine.transport.base import Request, TransportError
from engine.transport.proxy import Proxy
from engine.transport.request_head import _block, request_head


def head(proxy: str | None = None, **parts) -> bytes:
    request = Request(**{"method": "GET", "scheme": "http", "host": "a.test", "port": 80, "target": "/", **parts})
    return request_head(request, Proxy.parse(proxy) if proxy else None)


def test_the_head_has_the_headers_as_given_and_its_own():
    assert head(target="/p?q=1", headers=(("User-Agent", "bot"), ("Accept", "*/*"))) == (
        b"GET /p?q=1 HTTP/1.1\r\nHost: a.test\r\nUser-Agent: bot\r\nAccept: */*\r\n"
        b"Accept-Encoding: gzip, deflate, br, zstd\r\n\r\n"
    )
    assert b"Host: a.test\r\nAccept-encoding: identity\r\n\r\n" in head(headers=(("Accept-encoding", "identity"),))


def test_conditions_come_with_the_headers_and_add_nothing_to_what_is_kept_of_them():
    before = _block.cache_info().currsize
    headers = (("User-Agent", "bot"),)
    for n in range(20):
        conditions = (("If-None-Match", f'"{n}"'), ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"))
        lines = head(headers=headers, conditions=conditions).split(b"\r\n")
        assert lines[2:4] == [f'If-None-Match: "{n}"'.encode(), b"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"]
        assert lines[-2:] == [b"", b""]
        assert b"User-Agent: bot" in lines
    assert _block.cache_info().currsize <= before + 1


@pytest.mark.parametrize(
    ("scheme", "host", "port", "expected"),
    [
        ("http", "a.test", 80, b"a.test"),
        ("https", "a.test", 443, b"a.test"),
        ("https", "a.test", 80, b"a.test:80"),
        ("http", "[::1]", 8080, b"[::1]:8080"),
    ],
)
def test_the_host_has_a_port_where_it_is_not_the_schemes_own(scheme, host, port, expected):
    assert b"\r\nHost: " + expected + b"\r\n" in head(scheme=scheme, host=host, port=port)


@pytest.mark.parametrize(
    "parts",
    [
        {"target": "/ HTTP/1.1\r\nX: y"},
        {"target": "/with space"},
        {"target": "/ä"},
        {"target": ""},
        {"host": "a.test\r\nX: y"},
        {"headers": (("X", "a\r\nY: b"),)},
        {"headers": (("X", "a\x00"),)},
        {"headers": (("X Y", "a"),)},
        {"headers": (("", "a"),)},
        {"headers": (("Host", "b.test"),)},
        {"headers": (("content-length", "5"),)},
        {"conditions": (("If-None-Match", "a\r\nY: b"),)},
        {"conditions": (("Host", "b.test"),)},
    ],
)
def test_nothing_can_add_a_line_or_break_the_framing(parts):
    with pytest.raises(TransportError) as caught:
        head(**parts)
    assert caught.value.kind in (FailureKind.INVALID_URL, FailureKind.INTERNAL_ERROR)


def test_a_proxy_gets_the_whole_url_and_its_password_and_a_tunnel_neither():
    plain = head("http://user:p%40ss@proxy.test:3128", target="/p")
    assert plain.startswith(
        b"GET http://a.test/p HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n"
    )
    assert b"Proxy" not in head("http://user:pass@proxy.test", scheme="https", port=443)
    assert Proxy.parse("http://[::1]") == Proxy("http", "[::1]", 80)


@pytest.mark.parametrize("url", ["", "proxy:3128", "socks4://u:secret@p:1", "http://", "http://u:secret@p:99999"])
def test_a_proxy_that_is_none_is_refused_without_its_password(url):
    with pytest.raises(UsageError) as caught:
        Proxy.parse(url)
    assert "secret" not in str(caught.value)
