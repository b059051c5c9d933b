"""How an origin is reached: directly, where a connect_to rule says, or through a proxy. Every way passes the guard.

Law: whatever a page can choose is judged. The addresses of a direct connection are looked up once, judged then, and
each again when it is connected to; of a host that a proxy will resolve, what can be told from its name. The proxy's own
address is the operator's word, as name servers and connect_to rules are (the place a rule leads to is still judged).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.outcome import FailureKind
from engine.transport.base import TransportError
from engine.transport.connect_to import ConnectTo
from engine.transport.deadlines import DeadlineExpiredError
from engine.transport.dns import ResolveError, Resolver
from engine.transport.guard import Guard, RefusedAddressError
from engine.transport.opener import Opener
from engine.transport.ports import BAD_PORTS
from engine.transport.proxies import Proxies
from engine.transport.socks import connect as connect_through_socks
from engine.transport.tls import client_context

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Hashable, Mapping, Sequence

    from engine.settings import FetchSettings, GuardSettings
    from engine.transport.deadlines import Deadlines
    from engine.transport.proxy import Proxy
    from engine.transport.wire import Lease

#: Addresses of one origin that are tried through a SOCKS5 proxy, one after the other: it tells no family from another.
_MAX_SOCKS_ADDRESSES: Final = 3


class Ways:
    """Opens connections to origins (host as in URLs). Raises UsageError where a setting cannot be used."""

    def __init__(
        self,
        fetch: FetchSettings,
        guard: GuardSettings,
        environ: Mapping[str, str],
        loop: asyncio.AbstractEventLoop,
        deadlines: Deadlines,
    ) -> None:
        self._connect_timeout_s = fetch.connect_timeout_s
        self._deadlines = deadlines
        self._proxies = Proxies.of(fetch, environ)
        self._connect_to = ConnectTo.parse(fetch.connect_to)
        self._tls = client_context(verify=fetch.verify_tls, ca_file=fetch.ca_file)
        self._guard = Guard(guard)
        self._names = Resolver(fetch.nameservers, loop.time)
        self._direct = Opener(self._guard, loop)
        self._to_proxies = Opener(None, loop, self._names) if self._proxies is not None else None

    def check(self, scheme: str, host: str, port: int) -> None:
        """Refuse an origin that no connection may serve, old or new. Raises TransportError."""
        if port in BAD_PORTS:
            raise TransportError(FailureKind.REFUSED_ADDRESS, f"{host}: port {port} is never used for HTTP")
        if self._proxies is not None:
            proxy = self._proxies.choose(scheme, host, port)
            if proxy is not None and proxy.resolves and (reason := self._guard.refusal_of_name(host)) is not None:
                raise TransportError(FailureKind.REFUSED_ADDRESS, f"{host} is refused: {reason}")

    def key(self, scheme: str, host: str, port: int) -> Hashable:
        """Connections of one key serve each other's requests: to an http proxy, all that need no tunnel."""
        if self._proxies is not None and scheme == "http":
            proxy = self._proxies.choose(scheme, host, port)
            if proxy is not None and not proxy.is_socks:
                return proxy
        return scheme, host, port

    async def open(self, scheme: str, host: str, port: int) -> Lease:
        """A fresh connection to an origin, within the time limit for connecting. Raises TransportError."""
        proxy = self._proxies.choose(scheme, host, port) if self._proxies is not None else None
        resolving = proxy is None or not proxy.resolves
        try:
            with self._deadlines.within(self._connect_timeout_s):
                if proxy is not None and proxy.resolves:
                    return await self._open_through(proxy, scheme, host, port, host)
                other = self._connect_to.apply(host, port)
                to_host, to_port = other or (host, port)
                to_host = to_host.strip("[]")
                addresses = self._guard.allowed(await self._names.addresses(to_host))
                resolving = False
                if proxy is not None:
                    return await self._open_to_one_of(addresses, proxy, scheme, host, port)
                tls = self._tls if scheme == "https" else None
                return await self._direct.open(host.strip("[]"), addresses, to_port, tls, peer_known=other is None)
        except DeadlineExpiredError:
            limit = f"within {self._connect_timeout_s:g} s (fetch.connect_timeout_s)"
            if resolving:
                raise TransportError(FailureKind.DNS_FAILED, f"no answer about the name {host} {limit}") from None
            raise TransportError(FailureKind.CONNECT_TIMEOUT, f"no connection to {host}:{port} {limit}") from None
        except ResolveError as error:
            raise TransportError(error.kind, str(error)) from error
        except RefusedAddressError as error:
            raise TransportError(FailureKind.REFUSED_ADDRESS, f"{host}: {error}") from error

    async def _open_to_one_of(self, addresses: Sequence[str], proxy: Proxy, scheme: str, host: str, port: int) -> Lease:
        """Through a proxy that is told the address, to the first that it reaches."""
        *others, last = addresses[:_MAX_SOCKS_ADDRESSES]
        for address in others:
            try:
                return await self._open_through(proxy, scheme, host, port, address)
            except TransportError as error:
                if error.kind is not FailureKind.CONNECT_REFUSED:
                    raise
        return await self._open_through(proxy, scheme, host, port, last)

    async def _open_through(self, proxy: Proxy, scheme: str, host: str, port: int, told: str) -> Lease:
        """Through a proxy, which is told `told` for the origin's host."""
        if self._to_proxies is None:
            raise RuntimeError("a proxy was chosen where there is none")
        tls = self._tls if scheme == "https" else None
        proxy_host = proxy.host.strip("[]")
        try:
            proxy_ips = await self._names.addresses(proxy_host)
        except ResolveError as error:  # says nothing about the origin's name
            raise TransportError(FailureKind.CONNECT_REFUSED, f"no way to the proxy {proxy}: {error}") from error
        if proxy.is_socks:
            socket = await connect_through_socks(proxy, proxy_ips[0], told.strip("[]"), port)
            return await self._to_proxies.over(socket, host.strip("[]"), tls)
        if tls is not None:
            return await self._to_proxies.open_tunnel(host, port, proxy, tls)
        to_tls = self._tls if proxy.scheme == "https" else None
        return await self._to_proxies.open(proxy_host, proxy_ips, proxy.port, to_tls, peer_known=False, forward=proxy)

    async def close(self) -> None:
        """Close every connection, also those under way, and give up all queries."""
        await self._direct.close()
        if self._to_proxies is not None:
            await self._to_proxies.close()
        await self._names.close()
