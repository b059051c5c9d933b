"""Which addresses may be connected to: the defence against pages that point into our own network (SSRF).

A page chooses the URLs that redirects and lists lead to, so the address is judged, not the name, after resolution and
again at the moment a socket is made for it. The table is written out, from IANA's special-purpose address registries
(RFC 6890) with the metadata addresses of clouds: `ipaddress.is_global` of Python 3.11 lets
192.0.0.192 and ::10.0.0.0 through. An IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4, ISATAP) is as good as
that one, and of the IPv6 space only what IANA gives out as global unicast, 2000::/3, passes at all.

Where a proxy resolves names (all but socks5) no address is seen here, so hosts are judged by how they are written: as
an address, or as a name that by its last label lies in somebody's own network. A public name that leads to a private
address is the proxy's to refuse.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from socket import AF_INET, inet_pton
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError
from engine.transport.dns import as_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.settings import GuardSettings

_PRIVATE_V4: Final = {
    "127.0.0.0/8": "loopback",
    "0.0.0.0/8": "this network",  # Linux connects 0.0.0.0 to itself
    "10.0.0.0/8": "private",
    "172.16.0.0/12": "private",
    "192.168.0.0/16": "private",
    "100.64.0.0/10": "shared address space of a carrier (RFC 6598)",
    "169.254.0.0/16": "link-local",
    "192.0.0.0/24": "reserved for protocols",
    "198.18.0.0/15": "reserved for benchmarks",
}
#: Who reads them has the machine's own credentials: allowed by name only (guard.allow_networks), not with all that is
#: private. Most clouds; containers at Amazon; Tencent, Alibaba, Azure, Oracle; Amazon and Google over IPv6.
_METADATA: Final = dict.fromkeys(
    [
        "169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "169.254.0.23/32", "100.100.100.200/32",
        "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128",
    ],
    "a cloud's metadata service",
)  # fmt: skip
_UNUSABLE_V4: Final = {
    "192.0.2.0/24": "reserved for documentation",
    "198.51.100.0/24": "reserved for documentation",
    "203.0.113.0/24": "reserved for documentation",
    "192.88.99.0/24": "a 6to4 relay (RFC 7526)",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
_PRIVATE_V6: Final = {
    "::1/128": "loopback",
    "::/128": "unspecified",
    "fc00::/7": "unique-local",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
}
_UNUSABLE_V6: Final = {
    "2001::/23": "reserved for protocols",  # Teredo, ORCHID, benchmarks
    "2001:db8::/32": "reserved for documentation",
    "3fff::/20": "reserved for documentation",
    "ff00::/8": "multicast",
}
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_6TO4: Final = IPv6Network("2002::/16")
#: The first half of an ISATAP interface identifier, which an IPv4 address follows (RFC 5214, section 6.1).
_ISATAP: Final = frozenset({bytes.fromhex("00005efe"), bytes.fromhex("02005efe")})

#: Distinct addresses of which the verdict is remembered; a remembered one costs 0.1 µs, one against an address 20.
_CACHED: Final = 16_384


#: Names that public DNS never has (RFC 6761, 6762, 8375; ICANN delegates none of the others, and reserves `internal`
#: for private use): whoever resolves them finds a host of its own network.
_LOCAL_NAMES: Final = frozenset({"localhost", "localdomain", "local", "internal", "intranet", "lan", "corp", "home"})
_LOCAL_DOMAINS: Final = (".home.arpa",)


class RefusedAddressError(OSError):
    """An address, or every address of a name, is refused. An OSError, as resolvers and socket factories may raise."""


class Guard:
    """The verdict on addresses. Raises UsageError where a network of the settings is none."""

    def __init__(self, settings: GuardSettings) -> None:
        self._private_allowed = settings.allow_private_addresses
        self._allowed = [_network(text, "guard.allow_networks") for text in settings.allow_networks]
        self._also_refused = [_network(text, "guard.refuse_networks") for text in settings.refuse_networks]
        ranges = _METADATA | _UNUSABLE_V4 | _UNUSABLE_V6
        if not settings.allow_private_addresses:
            ranges |= _PRIVATE_V4 | _PRIVATE_V6
        self._refused = [(ip_network(network), reason) for network, reason in ranges.items()]
        self._private_v6 = [ip_network(network) for network in _PRIVATE_V6]
        self._spans = _spans([network for network, _ in self._refused] + self._also_refused)
        self.refusal = lru_cache(maxsize=_CACHED)(self._refusal)

    def check(self, address: str) -> None:
        """Raise RefusedAddressError where the address is refused. `address` is one that ipaddress can parse."""
        reason = self.refusal(address)
        if reason is not None:
            raise RefusedAddressError(f"{address} is refused: {reason}")

    def allowed(self, addresses: Sequence[str]) -> Sequence[str]:
        """Those of a name's addresses that may be connected to. Raises RefusedAddressError where there is none."""
        if all(self.refusal(address) is None for address in addresses):
            return addresses
        allowed = [address for address in addresses if self.refusal(address) is None]
        if not allowed:
            self.check(addresses[0])
        return allowed

    def refusal_of_name(self, host: str) -> str | None:
        """Why a host (as in URLs) that somebody else will resolve is refused; None where nothing speaks against it."""
        name = host.rstrip(".")
        if (address := as_address(name)) is not None:
            return self.refusal(address)
        last = name.rpartition(".")[2]
        if last == "localhost":
            return self.refusal("127.0.0.1")
        if last == "internal" and name.startswith("metadata."):
            return "a cloud's metadata service"
        if self._private_allowed or not (last == name or last in _LOCAL_NAMES or f".{name}".endswith(_LOCAL_DOMAINS)):
            return None
        return f"{name} is a name of a private network (guard.allow_private_addresses allows it)"

    def _refusal(self, address: str) -> str | None:
        """Why an address is refused; None where it may be connected to."""
        if self._is_open(address):
            return None
        try:
            ip = ip_address(address)
        except ValueError:
            return "not an address"
        if isinstance(ip, IPv6Address) and ip.scope_id is not None:
            ip = IPv6Address(ip.packed)  # a zone says which link, not where the address belongs
        forms = _forms(ip) if isinstance(ip, IPv6Address) else (ip,)
        if _in(ip, self._also_refused) or any(_in(form, self._also_refused) for form in forms):
            return "guard.refuse_networks has it"
        if _in(ip, self._allowed):
            return None
        for form in forms:
            if not _in(form, self._allowed) and (reason := self._in_ranges(form)) is not None:
                carried = f"it carries {form}, " if form != ip else ""
                return f"{carried}{reason} (guard.allow_networks allows it)"
        return None

    def _is_open(self, address: str) -> bool:
        """Whether it is an IPv4 address that no network holds which is refused, as nearly all are: told at once."""
        try:
            place = int.from_bytes(inet_pton(AF_INET, address))
        except (OSError, ValueError):
            return False
        return bisect_right(self._spans, place) % 2 == 0

    def _in_ranges(self, ip: IPv4Address | IPv6Address) -> str | None:
        for network, reason in self._refused:
            if ip in network:
                return reason
        if isinstance(ip, IPv6Address) and ip not in _GLOBAL_V6 and not any(ip in n for n in self._private_v6):
            return "not global unicast"
        return None


def _spans(networks: Iterable[IPv4Network | IPv6Network]) -> list[int]:
    """The IPv4 ones of these, as numbers: the first address of a span, the first after it, and the next span's two."""
    found: list[int] = []
    for network in collapse_addresses(network for network in networks if isinstance(network, IPv4Network)):
        first, after = int(network.network_address), int(network.broadcast_address) + 1
        if found and found[-1] == first:
            found[-1] = after
        else:
            found += (first, after)
    return found


def _forms(ip: IPv6Address) -> tuple[IPv4Address | IPv6Address, ...]:
    """The addresses that an IPv6 one stands for, each of which must pass."""
    if ip in _MAPPED or ip in _NAT64:
        return (IPv4Address(ip.packed[12:]),)
    if ip in _6TO4:
        return (IPv4Address(ip.packed[2:6]),)
    if ip.packed[8:12] in _ISATAP:
        return ip, IPv4Address(ip.packed[12:])
    return (ip,)


def _in(ip: IPv4Address | IPv6Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(ip in network for network in networks)


def _network(text: str, key: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise UsageError(f"{key}: {text!r} is no network, such as 10.0.0.0/8 or fd00::/8") from None
