"""Connections through a SOCKS5 proxy (RFC 1928, 1929), by python-socks, an optional extra.

The library opens the connection and speaks the handshake; the socket it gives is like one that was connected to the
origin. Names of proxies are resolved before, by our own resolver: the library would ask the system's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.outcome import FailureKind
from engine.transport.base import TransportError

if TYPE_CHECKING:
    import socket

    from engine.transport.proxy import Proxy

#: The caller's deadline ends an attempt; the library's own limit must only be longer.
_NEVER_S: Final = 1e6


async def connect(proxy: Proxy, proxy_ip: str, host: str, port: int) -> socket.socket:
    """A socket that leads to an origin (host without brackets). Raises TransportError. The package must be there."""
    from python_socks import ProxyError, ProxyType  # noqa: PLC0415 - an extra, looked for when the proxy was read
    from python_socks.async_.asyncio import Proxy as Socks  # noqa: PLC0415 - likewise

    socks = Socks(ProxyType.SOCKS5, proxy_ip, proxy.port, proxy.user, proxy.password, rdns=True)
    try:
        return await socks.connect(host, port, timeout=_NEVER_S)
    except ProxyError as error:
        message = f"no way to {host} through the proxy {proxy}: {error}"
        raise TransportError(FailureKind.CONNECT_REFUSED, message) from error
    except UnicodeError as error:
        raise TransportError(FailureKind.INVALID_URL, f"{host!a} is no name that SOCKS can carry") from error
    except OSError as error:
        reason = error.__cause__ if isinstance(error.__cause__, OSError) else error
        message = f"cannot connect to the proxy {proxy}: {reason.strerror or reason}"
        raise TransportError(FailureKind.CONNECT_REFUSED, message, errno=error.errno) from error
