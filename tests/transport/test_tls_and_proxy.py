"""TLS and proxies against local ones: a test authority, an origin, a forward proxy."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from web.pages import article
from web.server import Web

from engine.errors import UsageError
from engine.model.outcome import FailureKind
from engine.settings import GuardSettings
from engine.transport.base import TransportError

PAGE = article(1).html.encode()
DAY = dt.timedelta(days=1)


class Authority:
    """Signs certificates for one test session."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self.file = folder / "ca.pem"
        certificate = self._build(self.name, self.key.public_key(), DAY, ca=True)
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _build(self, subject, public_key, lifetime, names=(), *, ca=False):
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * DAY)
            .not_valid_after(now + lifetime)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def server_context(self, host: str, lifetime=DAY) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._build(subject, key.public_key(), lifetime, [name])
        file = self.folder / f"{host}.pem"
        encoding = serialization.Encoding.PEM
        file.write_bytes(
            certificate.public_bytes(encoding)
            + key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


async def failure(client, target="/html/1", **options) -> TransportError:
    with pytest.raises(TransportError) as caught:
        await client.get(target, **options)
    return caught.value


async def test_a_certificate_is_checked_against_the_original_host(authority, connecting):
    async with (
        Web(tls=authority.server_context("a.test")) as web,
        connecting(web, ca_file=str(authority.file)) as client,
    ):
        client.scheme = "https"
        assert (await client.get("/html/1")).body == PAGE
        error = await failure(client, host="b.test")
        assert error.kind is FailureKind.TLS_FAILED
        assert "b.test" in error.message


async def test_an_expired_certificate_and_an_unknown_issuer_are_named(authority, connecting):
    async with Web(tls=authority.server_context("old.test", -DAY)) as web:
        async with connecting(web, ca_file=str(authority.file)) as client:
            client.scheme = "https"
            error = await failure(client, host="old.test")
            assert error.kind is FailureKind.TLS_FAILED
            assert "expired" in error.message
        async with connecting(web) as client:
            client.scheme = "https"
            assert (await failure(client, host="old.test")).kind is FailureKind.TLS_FAILED
        async with connecting(web, verify_tls=False) as client:
            client.scheme = "https"
            assert (await client.get("/html/1", host="old.test")).body == PAGE


async def test_a_server_without_tls_is_named(web, connecting):
    async with connecting(web) as client:
        client.scheme = "https"
        assert (await failure(client)).kind in (FailureKind.TLS_FAILED, FailureKind.CONNECTION_LOST)


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_ca_file_that_is_none_is_named(tmp_path, connecting, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError, match="ca_file"):
        async with connecting(None, ca_file=str(file)):
            pass


class ForwardProxy:
    """Sends whatever it is asked for to one web; remembers the heads that came. `refuse` answers instead."""

    def __init__(self, web: Web, refuse: bytes = b"") -> None:
        self.web = web
        self.refuse = refuse
        self.heads: list[str] = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://user:pass@127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.decode())
        if self.refuse:
            writer.write(self.refuse)
            writer.close()
            return
        onward_reader, onward_writer = await asyncio.open_connection(self.web.host, self.web.port)
        if head.startswith(b"CONNECT"):
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            method, url, rest = head.split(b" ", 2)
            onward_writer.write(b" ".join((method, b"/" + url.split(b"/", 3)[3], rest)))
        await asyncio.gather(pump(reader, onward_writer), pump(onward_reader, writer))


async def pump(reader, writer):
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def test_a_proxy_is_asked_in_absolute_form_on_connections_that_all_hosts_share(web, connecting):
    async with ForwardProxy(web) as proxy, connecting(None, guard=GuardSettings(), proxy=proxy.url) as client:
        assert (await client.get("/html/1")).body == PAGE
        assert proxy.heads[0].startswith("GET http://a.test/html/1 HTTP/1.1\r\nHost: a.test\r\n")
        assert "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" in proxy.heads[0]
        exchange = await client.transport.connect("http", "b.test", 80)
        assert exchange.peer_ip is None
        exchange.close()
        assert len(proxy.heads) == 1


async def test_a_tunnel_carries_tls_to_the_origin(authority, connecting):
    async with (
        Web(tls=authority.server_context("a.test")) as web,
        ForwardProxy(web) as proxy,
        connecting(None, guard=GuardSettings(), proxy=proxy.url, ca_file=str(authority.file)) as client,
    ):
        client.scheme = "https"
        assert (await client.get("/html/1")).body == PAGE
        assert (await client.get("/html/1")).body == PAGE
        assert len(proxy.heads) == 1
        assert proxy.heads[0].startswith("CONNECT a.test:443 HTTP/1.1\r\n")
        assert "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" in proxy.heads[0]


async def test_a_tunnel_that_the_proxy_refuses_is_named(web, connecting):
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    async with ForwardProxy(web, refusal) as proxy, connecting(None, proxy=proxy.url) as client:
        client.scheme = "https"
        error = await failure(client)
        assert error.kind is FailureKind.CONNECT_REFUSED
        assert "407" in error.message
        assert "pass" not in error.message


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "x.localhost", "10.0.0.1"])
async def test_behind_a_proxy_hosts_that_need_no_name_server_are_still_judged(web, connecting, host):
    async with ForwardProxy(web) as proxy, connecting(None, guard=GuardSettings(), proxy=proxy.url) as client:
        assert (await failure(client, host=host)).kind is FailureKind.REFUSED_ADDRESS
        assert not proxy.heads


async def test_a_proxy_and_connect_to_exclude_each_other(web, connecting):
    with pytest.raises(UsageError, match="connect_to"):
        async with connecting(web, proxy="http://127.0.0.1:3128"):
            pass
