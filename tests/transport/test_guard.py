from __future__ import annotations

import pytest
from aiohttp.abc import AbstractResolver

from engine.errors import UsageError
from engine.settings import GuardSettings
from engine.transport.guard import Guard, GuardedResolver, RefusedAddressError

REFUSED = """
    127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.255
    169.254.169.254 168.63.129.16 192.0.0.192 192.0.0.1 198.18.0.1 198.19.255.255 192.0.2.1 198.51.100.7 203.0.113.9
    192.88.99.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    ::1 :: fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd00:ec2::254 ff02::1 ::10.0.0.0 ::127.0.0.1 ::8.8.8.8
    ::ffff:127.0.0.1 ::ffff:10.1.2.3 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a00:1
    64:ff9b:1::1 2002:7f00:1::1 2002:c0a8:101::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:10::1 2001:2::1
    2001:db8::1 3fff::1 100::1 5f00::1 4000::1
""".split()  # noqa: SIM905 - as a list it would be one address a line

ALLOWED = """
    8.8.8.8 1.1.1.1 93.184.216.34 172.15.255.255 172.32.0.1 100.63.255.255 100.128.0.1 169.253.1.1 192.0.1.1
    223.255.255.255 198.17.0.1 198.20.0.1 2606:4700::1111 2a00:1450::1 2001:4860:4860::8888 2001:200::1
    ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1
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
    for address in ("10.0.0.1", "::1", "fc00::1"):
        assert guard.refusal(address)


def test_private_addresses_may_be_allowed_as_a_whole():
    guard = Guard(GuardSettings(allow_private_addresses=True))
    for address in ("127.0.0.1", "10.0.0.1", "::1", "fd00::1", "fe80::1", "169.254.169.254", "::ffff:10.0.0.1"):
        guard.check(address)
    for address in ("224.0.0.1", "255.255.255.255", "ff02::1", "64:ff9b:1::1"):
        assert guard.refusal(address)


def test_a_network_that_is_none_is_named():
    with pytest.raises(UsageError, match="'nonsense'"):
        Guard(GuardSettings.model_construct(allow_private_addresses=False, allow_networks=("nonsense",)))


class Names(AbstractResolver):
    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host, port=0, family=0):
        return [
            {"hostname": host, "host": each, "port": port, "family": family, "proto": 0, "flags": 0}
            for each in self.addresses
        ]

    async def close(self):
        pass


async def test_refused_addresses_are_dropped_from_an_answer():
    resolver = GuardedResolver(Names("10.0.0.1", "8.8.8.8", "::1"), Guard(GuardSettings()))
    assert [found["host"] for found in await resolver.resolve("a.test")] == ["8.8.8.8"]


async def test_a_name_with_refused_addresses_only_is_refused():
    resolver = GuardedResolver(Names("10.0.0.1", "::1"), Guard(GuardSettings()))
    with pytest.raises(RefusedAddressError, match=r"10\.0\.0\.1"):
        await resolver.resolve("a.test")
