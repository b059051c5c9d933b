from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, ip_network
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from system.name_server import NameServer

from engine.errors import UsageError
from engine.model.outcome import FailureKind
from engine.settings import FetchSettings, GuardSettings
from engine.transport.base import TransportError
from engine.transport.client import AiohttpTransport
from engine.transport.guard import Guard, RefusedAddressError
from engine.transport.opener import Opener
from engine.transport.ports import BAD_PORTS

REFUSED = """
    127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.255
    169.254.169.254 168.63.129.16 192.0.0.192 192.0.0.1 198.18.0.1 198.19.255.255 192.0.2.1 198.51.100.7 203.0.113.9
    192.88.99.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    ::1 :: fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd00:ec2::254 ff02::1 ::10.0.0.0 ::127.0.0.1 ::8.8.8.8
    ::ffff:127.0.0.1 ::ffff:10.1.2.3 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a00:1
    64:ff9b:1::1 2002:7f00:1::1 2002:c0a8:101::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:10::1 2001:2::1
    2001:470::5efe:127.0.0.1 2001:470::200:5efe:a00:1 fe80::5efe:8.8.8.8
    2001:db8::1 3fff::1 100::1 5f00::1 4000::1
""".split()  # noqa: SIM905 - as a list it would be one address a line

ALLOWED = """
    8.8.8.8 1.1.1.1 93.184.216.34 172.15.255.255 172.32.0.1 100.63.255.255 100.128.0.1 169.253.1.1 192.0.1.1
    223.255.255.255 198.17.0.1 198.20.0.1 2606:4700::1111 2a00:1450::1 2001:4860:4860::8888 2001:200::1
    ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1 2001:470::5efe:8.8.8.8 2001:470::5eff:127.0.0.1
""".split()  # noqa: SIM905 - as a list it would be one address a line


@pytest.mark.parametrize("address", REFUSED)
def test_what_leads_into_our_own_network_is_refused(address):
    with pytest.raises(RefusedAddressError, match="refused"):
        Guard(GuardSettings()).check(address)


@pytest.mark.parametrize("address", ALLOWED)
def test_what_is_public_is_allowed(address):
    Guard(GuardSettings()).check(address)


def test_an_allowed_network_is_allowed_in_every_disguise():
    guard = Guard(GuardSettings(allow_networks=("127.0.0.0/8", "fd00::/8")))
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "fd12::1"):
        guard.check(address)
    for address in ("10.0.0.1", "::1", "fc00::1", "fe80::5efe:127.0.0.1"):
        assert guard.refusal(address)


@settings(deadline=None)
@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_what_python_takes_for_no_global_address_is_refused_too(address):
    mapped = address.version == 6 and (address.ipv4_mapped or address.sixtofour)
    if not (mapped or address).is_global:
        assert Guard(GuardSettings()).refusal(str(address)) is not None


def test_an_open_address_is_told_at_once_and_no_other():
    """At both ends of each network: as in its IPv6 disguise, which is held against each network in turn."""
    refused = ("8.8.8.0/24", "9.0.0.0/8", "10.0.0.0/9", "255.255.255.255/32")
    guard = Guard(GuardSettings(refuse_networks=refused, allow_networks=("10.128.0.0/16",)))
    networks = [network for network, _ in guard._refused if network.version == 4]
    for network in [*networks, *map(ip_network, (*refused, "10.128.0.0/16"))]:
        first, last = int(network.network_address), int(network.broadcast_address)
        for number in {first - 1, first, last, last + 1} - {-1, 1 << 32}:
            address = str(IPv4Address(number))
            assert (guard.refusal(address) is None) == (guard.refusal(f"::ffff:{address}") is None), address


def test_what_is_refused_besides_is_refused_in_every_disguise_and_whatever_is_allowed():
    networks = {"allow_networks": ("8.8.0.0/16", "10.0.0.0/8"), "refuse_networks": ("8.8.8.0/24", "2001:470::/32")}
    guard = Guard(GuardSettings(**networks, allow_private_addresses=True))
    for address in ("8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:470::1"):
        assert "refuse_networks" in guard.refusal(address)
    for address in ("8.8.4.4", "10.0.0.1", "64:ff9b::8.8.4.4", "2001:480::1"):
        guard.check(address)


def test_private_addresses_may_be_allowed_as_a_whole():
    guard = Guard(GuardSettings(allow_private_addresses=True))
    for address in ("127.0.0.1", "10.0.0.1", "::1", "fd00::1", "fe80::1", "169.254.1.1", "::ffff:10.0.0.1"):
        guard.check(address)
    # But for what has the machine's own credentials.
    for address in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "::ffff:169.254.169.254"):
        assert "metadata" in guard.refusal(address)
    assert "metadata" in guard.refusal_of_name("metadata.google.internal")
    named = Guard(GuardSettings(allow_private_addresses=True, allow_networks=("169.254.169.254",)))
    named.check("169.254.169.254")
    for address in ("224.0.0.1", "255.255.255.255", "ff02::1", "64:ff9b:1::1"):
        assert guard.refusal(address)


def test_a_network_that_is_none_is_named():
    with pytest.raises(UsageError, match="'nonsense'"):
        Guard(GuardSettings.model_construct(allow_networks=("nonsense",)))


def test_refused_addresses_are_dropped_from_an_answer():
    assert Guard(GuardSettings()).allowed(("10.0.0.1", "8.8.8.8", "::1")) == ["8.8.8.8"]


def test_a_name_with_refused_addresses_only_is_refused():
    with pytest.raises(RefusedAddressError, match=r"10\.0\.0\.1"):
        Guard(GuardSettings()).allowed(("10.0.0.1", "::1"))


# -- at the moment of connecting --------------------------------------------------------------------------------------


@pytest.fixture
def listener():
    """On loopback; it fails the test if anybody came."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()


class Rebinding(dict):
    """A name's records: an allowed address for the first question of each family, a refused one for all later ones."""

    def __init__(self) -> None:
        self.asked = count()

    def get(self, _name, _default=None):
        return "127.0.0.2" if next(self.asked) < 2 else ("127.0.0.1", "::1")


async def test_a_name_that_is_bound_anew_between_check_and_connection_leads_nowhere(listener, monkeypatch):
    monkeypatch.setattr("engine.transport.dns.CHANNEL_NAMES", 1)  # nor does c-ares remember
    with NameServer(rebinding := Rebinding()) as names:
        guard = GuardSettings(allow_networks=("127.0.0.2/32",))
        transport = AiohttpTransport(FetchSettings(nameservers=(names.address,)), guard)
        clock = count(step=10_000)  # whatever was cached has expired, however long its TTL
        transport._ways._names._now = lambda: next(clock)
        for kind in (FailureKind.CONNECT_REFUSED, FailureKind.REFUSED_ADDRESS):  # nobody listens at the allowed one
            with pytest.raises(TransportError) as caught:
                await transport.connect("http", "rebinding.test", listener.getsockname()[1])
            assert caught.value.kind is kind
        assert next(rebinding.asked) == 4  # once a connection, both families
        await transport.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "::1", "0.0.0.0", "::"])
async def test_the_address_is_judged_once_more_where_its_socket_is_made(listener, address):
    """Whoever looked it up: this is the last moment, and no time lies between it and the connection."""
    opener = Opener(Guard(GuardSettings()), asyncio.get_running_loop())
    port = listener.getsockname()[1]
    with pytest.raises(TransportError) as caught:
        await opener.open("a.test", (address,), port, None, peer_known=True)
    assert caught.value.kind is FailureKind.REFUSED_ADDRESS
    await opener.close()


async def test_of_several_addresses_each_is_judged_where_its_socket_is_made(listener):
    """Happy eyeballs goes on to the next address where one is refused, and so must the guard."""
    opener = Opener(Guard(GuardSettings()), asyncio.get_running_loop())
    with pytest.raises(TransportError) as caught:
        await opener.open("a.test", ("127.0.0.1", "::1", "10.0.0.1"), listener.getsockname()[1], None, peer_known=True)
    assert caught.value.kind is FailureKind.REFUSED_ADDRESS
    await opener.close()


async def test_a_place_that_a_rule_leads_to_is_judged_like_any(listener):
    rule = f"::127.0.0.1:{listener.getsockname()[1]}"
    transport = AiohttpTransport(FetchSettings(connect_to=(rule,)), GuardSettings())
    with pytest.raises(TransportError, match="loopback"):
        await transport.connect("http", "a.test", 80)
    await transport.close()


@pytest.mark.parametrize("port", [1, 22, 25, 110, 143, 587, 6000, 6667, 10080])
async def test_ports_that_browsers_block_are_refused_wherever_they_are(port):
    transport = AiohttpTransport(FetchSettings(), GuardSettings(allow_private_addresses=True))
    with pytest.raises(TransportError, match=f"port {port}") as caught:
        await transport.connect("http", "127.0.0.1", port)
    assert caught.value.kind is FailureKind.REFUSED_ADDRESS
    await transport.close()


def test_the_ports_are_those_of_the_standard():
    """Fetch Standard, "port blocking": 83 of them, port 0 included."""
    assert len(BAD_PORTS) == 83
    assert not BAD_PORTS & {80, 443, 8000, 8008, 8080, 8443, 8888}
