"""TLS against servers whose certificate or protocol is right, or wrong in each of the ways that have a name."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from web.authority import DAY, Authority
from web.pages import article
from web.server import Web

from engine.errors import UsageError
from engine.model.outcome import FailureKind
from engine.transport.base import TransportError
from engine.transport.tls import client_context

PAGE = article(1).html.encode()


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


async def test_an_address_has_a_certificate_of_its_own(authority, connecting):
    async with (
        Web(tls=authority.server_context("127.0.0.1")) as web,
        connecting(web, ca_file=str(authority.file)) as client,
    ):
        client.scheme = "https"
        assert (await client.get("/html/1", host="127.0.0.1")).body == PAGE
        assert "not valid for '127.0.0.2'" in (await failure(client, host="127.0.0.2")).message


def versions(authority, version):
    context = authority.server_context("a.test")
    context.minimum_version = context.maximum_version = version
    return context


#: What is wrong -> (the server's context, what the message says beside the host's name).
WRONG = {
    "expired": (lambda ca: ca.server_context("a.test", ends=-DAY), "certificate has expired"),
    "not yet valid": (lambda ca: ca.server_context("a.test", begins=DAY / 2), "certificate is not yet valid"),
    "a wildcard too high": (lambda ca: ca.server_context("*.test"), "not valid for 'a.test'"),
    "another host": (lambda ca: ca.server_context("other.test"), "not valid for 'a.test'"),
    "its common name alone": (lambda ca: ca.server_context(), "not valid for 'a.test'"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_wrong_is_named(authority, connecting, wrong):
    context, says = WRONG[wrong]
    async with Web(tls=context(authority)) as web, connecting(web, ca_file=str(authority.file)) as client:
        client.scheme = "https"
        error = await failure(client)
        assert error.kind is FailureKind.TLS_FAILED
        assert "a.test" in error.message
        assert says in error.message


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_versions_from_1_2_on_are_spoken(authority, connecting, version):
    async with (
        Web(tls=versions(authority, version)) as web,
        connecting(web, ca_file=str(authority.file)) as client,
    ):
        client.scheme = "https"
        assert (await client.get("/html/1")).body == PAGE


async def test_an_unknown_issuer_is_named_also_one_with_a_known_name(authority, connecting, tmp_path):
    impostor = Authority(tmp_path)
    async with Web(tls=impostor.server_context("a.test")) as web:
        for ca_file, says in ((None, "unable to get local issuer certificate"), (str(authority.file), "signature")):
            async with connecting(web, ca_file=ca_file) as client:
                client.scheme = "https"
                error = await failure(client)
                assert error.kind is FailureKind.TLS_FAILED
                assert says in error.message
        async with connecting(web, verify_tls=False) as client:
            client.scheme = "https"
            assert (await client.get("/html/1")).body == PAGE


#: What a server says that speaks nothing newer: a fatal alert, protocol_version (RFC 5246, section 7.2); and its hello
#: with TLS 1.1 chosen, as one answers that does not look at what was offered.
OLD = {
    "an alert": bytes.fromhex("15 0301 0002 02 46"),
    "a hello": bytes.fromhex("16 0302 002a 02 000026 0302" + "5a" * 32 + "00 002f 00"),
}


@pytest.mark.parametrize("old", OLD)
async def test_a_server_that_speaks_nothing_newer_than_1_1_is_named(connecting, old):
    left = asyncio.Event()

    async def serve(reader, writer):
        await reader.read(65_536)
        writer.write(OLD[old])
        await reader.read()
        writer.close()
        left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, connecting(None, connect_to=(f"::127.0.0.1:{port}",)) as client:
        client.scheme = "https"
        error = await failure(client)
        assert error.kind is FailureKind.TLS_FAILED
        assert "PROTOCOL" in error.message
        await left.wait()  # we closed the connection


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


def test_nothing_below_1_2_is_offered_whether_or_not_certificates_are_checked():
    for verify in (True, False):
        context = client_context(verify=verify, ca_file=None)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.check_hostname is verify
