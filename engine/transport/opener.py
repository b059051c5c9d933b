"""Opens connections to addresses, each judged at the last moment; what goes wrong is one of our kinds.

Half of what a host costs that is asked for one page is its connection, so the path of a single address is short: one
call of the loop, without aiohttp's connector. Several addresses are raced as RFC 8305 has it (happy eyeballs). The
connector is used for one thing, a tunnel through a proxy's CONNECT; tests/transport/test_wire_contract.py holds the
installed version to what is needed of it: its `connect`, and `_factory`, which makes the protocol of a connection.
"""

from __future__ import annotations

import errno
import socket
from functools import partial
from typing import TYPE_CHECKING, Final

import aiohappyeyeballs
import aiohttp
from aiohttp.client_reqrep import ClientRequest
from yarl import URL

from engine.model.outcome import FailureKind
from engine.transport.base import TransportError
from engine.transport.dns import ResolveError
from engine.transport.guard import Guard, RefusedAddressError
from engine.transport.wire import Lease, Protocol

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Sequence

    from aiohttp.abc import AbstractResolver

    from engine.transport.proxy import Proxy

#: RFC 8305, section 5: a silent address has so long before the next one is tried beside it.
EYEBALLS_DELAY_S: Final = 0.25
#: RFC 8305, section 4: so many addresses of the first family come before one of the other.
_INTERLEAVE: Final = 1

#: No timers of aiohttp: :mod:`.deadlines` keeps the time.
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)

_KIND_BY_ERRNO: Final = {
    errno.ECONNREFUSED: FailureKind.CONNECT_REFUSED,
    errno.ETIMEDOUT: FailureKind.CONNECT_TIMEOUT,
    errno.ECONNRESET: FailureKind.CONNECTION_LOST,
    errno.ECONNABORTED: FailureKind.CONNECTION_LOST,
    errno.EPIPE: FailureKind.CONNECTION_LOST,
    # This machine's own limits: no site's fault.
    errno.EMFILE: FailureKind.INTERNAL_ERROR,
    errno.ENFILE: FailureKind.INTERNAL_ERROR,
    errno.ENOBUFS: FailureKind.INTERNAL_ERROR,
    errno.ENOMEM: FailureKind.INTERNAL_ERROR,
    errno.EADDRNOTAVAIL: FailureKind.INTERNAL_ERROR,
}


class Opener:
    """Opens connections. `guard` None: nothing is judged. `resolver` is asked for proxies that tunnel."""

    def __init__(
        self, guard: Guard | None, loop: asyncio.AbstractEventLoop, resolver: AbstractResolver | None = None
    ) -> None:
        self._guard = guard
        self._loop = loop
        self._resolver = resolver
        self._alive: set[Protocol] = set()
        self._factory = partial(Protocol, loop, self._alive)
        self._connector: aiohttp.TCPConnector | None = None
        self._closed = False

    async def open(  # noqa: PLR0913 - keyword-only but for the place
        self, host: str, addresses: Sequence[str], port: int, tls: ssl.SSLContext | None, *,
        peer_known: bool, forward: Proxy | None = None,
    ) -> Lease:  # fmt: skip
        """Connect to one of the addresses, as `host` (no brackets) to TLS; `forward` as in Lease.

        Raises TransportError. `peer_known`: the address is the host's own.
        """
        name = host.rstrip(".") if tls is not None else None  # certificates hold names without their last dot
        try:
            if len(addresses) == 1:
                (peer,) = addresses
                if self._guard is not None:
                    self._guard.check(peer)
                _, protocol = await self._loop.create_connection(
                    self._factory, peer, port, ssl=tls, server_hostname=name
                )
            else:
                protocol, peer = await self._open_one_of(addresses, port, tls, name)
        # ValueError: a name that TLS cannot carry (SNI); RuntimeError: uvloop for a socket that the peer closed early
        except (OSError, ValueError, RuntimeError) as error:
            raise _connect_error(error, host, "") from error
        return self._lease(Lease(protocol, peer_ip=peer if peer_known else None, forward=forward))

    async def _open_one_of(
        self, addresses: Sequence[str], port: int, tls: ssl.SSLContext | None, name: str | None
    ) -> tuple[Protocol, str]:
        """The first that lets us in; where TLS fails with it, one of the others."""
        left = [_info(address, port) for address in addresses]
        while True:
            try:
                connected = await aiohappyeyeballs.start_connection(
                    left,
                    happy_eyeballs_delay=EYEBALLS_DELAY_S,
                    interleave=_INTERLEAVE,
                    loop=self._loop,
                    socket_factory=self._socket,
                )
                protocol = await self._over(connected, tls, name)
            except OSError:
                aiohappyeyeballs.pop_addr_infos_interleave(left, _INTERLEAVE)
                if not left:
                    raise
            else:
                peer = protocol.transport and protocol.transport.get_extra_info("peername")
                return protocol, str(peer[0]) if peer else ""

    def _socket(self, address: aiohappyeyeballs.AddrInfoType) -> socket.socket:
        """A socket for one address: the last moment to refuse it."""
        family, kind, protocol, _, peer = address
        if self._guard is not None:
            self._guard.check(str(peer[0]))
        return socket.socket(family, kind, protocol)

    async def _over(self, connected: socket.socket, tls: ssl.SSLContext | None, name: str | None) -> Protocol:
        try:
            _, protocol = await self._loop.create_connection(
                self._factory, sock=connected, ssl=tls, server_hostname=name
            )
        except BaseException:
            connected.close()
            raise
        return protocol

    async def over(self, connected: socket.socket, host: str, tls: ssl.SSLContext | None) -> Lease:
        """Take a socket that is connected already; `host` and the rest as in `open`. Raises TransportError."""
        try:
            protocol = await self._over(connected, tls, host if tls is not None else None)
        except (OSError, ValueError, RuntimeError) as error:
            raise _connect_error(error, host, "") from error
        return self._lease(Lease(protocol))

    async def open_tunnel(self, host: str, port: int, proxy: Proxy, tls: ssl.SSLContext) -> Lease:
        """Connect to an origin with TLS through a proxy's CONNECT. Raises TransportError."""
        request = ClientRequest(
            "GET",
            URL.build(scheme="https", host=host.strip("[]"), port=port),
            loop=self._loop,
            ssl=tls,
            proxy=URL.build(scheme=proxy.scheme, host=proxy.host.strip("[]"), port=proxy.port),
            proxy_headers={"Proxy-Authorization": proxy.authorization} if proxy.authorization else None,
        )
        if self._connector is None:
            # Limits are the shard's, and the resolver has a cache of its own, by TTL.
            self._connector = aiohttp.TCPConnector(
                resolver=self._resolver, use_dns_cache=False, limit=0, keepalive_timeout=None
            )
            self._connector._factory = self._factory  # type: ignore[assignment]  # noqa: SLF001 - see the module's docstring
        try:
            connection = await self._connector.connect(request, [], _NO_TIMEOUT)
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            raise _connect_error(error, request.host, f"through the proxy {proxy}") from error
        if connection.protocol is None:  # closed between the connector's return and here
            raise TransportError(FailureKind.CONNECTION_LOST, "the server closed the connection at once")
        return self._lease(Lease(connection.protocol, connection=connection))  # type: ignore[arg-type]  # the factory's

    def _lease(self, lease: Lease) -> Lease:
        if self._closed:
            lease.close()
            raise TransportError(FailureKind.CONNECTION_LOST, "the transport is closed")
        return lease

    async def close(self) -> None:
        """Close every connection; those that are being opened are closed as soon as they are."""
        self._closed = True
        for protocol in list(self._alive):
            protocol.close()
        if self._connector is not None:
            await self._connector.close()


def _info(address: str, port: int) -> aiohappyeyeballs.AddrInfoType:
    if ":" in address:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)


def _connect_error(error: Exception, host: str, via: str) -> TransportError:
    """What aiohttp raises while it connects, as one of our kinds."""
    cause = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    to = f"{host} {via}".strip()
    if isinstance(cause, ResolveError):
        return TransportError(cause.kind, str(cause))
    if isinstance(cause, RefusedAddressError):
        return TransportError(FailureKind.REFUSED_ADDRESS, f"{host}: {cause}")
    if isinstance(error, aiohttp.ClientSSLError) or type(cause).__module__ == "ssl":
        reason = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or cause
        return TransportError(FailureKind.TLS_FAILED, f"no TLS with {to}: {reason}")
    if isinstance(error, aiohttp.ClientResponseError):
        return TransportError(FailureKind.CONNECT_REFUSED, f"no tunnel to {to}: {error.status} {error.message}".strip())
    if isinstance(cause, OSError):
        number = cause.errno
        kind = _KIND_BY_ERRNO.get(number or 0)
        if kind is None:
            kind = FailureKind.CONNECTION_LOST if number is None else FailureKind.CONNECT_REFUSED
        reason = cause.strerror or str(cause) or type(cause).__name__
        return TransportError(kind, f"cannot connect to {to}: {reason}", errno=number)
    return TransportError(FailureKind.CONNECTION_LOST, f"cannot connect to {to}: {cause}")
