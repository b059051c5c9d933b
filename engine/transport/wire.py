"""aiohttp below its session: the only module that knows the inside of its connector and response parser.

Why below: the session layer (URL objects, cookie jar, redirect loop, a request and a response object, a timer each)
is 80 % of aiohttp's cost a page, and nothing of it is needed: redirects, cookies and timeouts are ours anyway.
What is used, and what tests/transport/test_wire_contract.py holds against the installed version:

- `TCPConnector.connect(request, traces, timeout)` takes any object with the handful of attributes of :class:`_Route`;
  of the pool behind it nothing is used: a `Connection` is kept or closed here, and never released to it;
- `ResponseHandler.set_response_params` gives the connection a parser for the next answer, and `ResponseHandler.read`
  gives its head and its body's stream; what comes goes through `data_received`, what the parser refuses ends in
  `set_exception`;
- `connector._factory` makes the protocol of a new connection.

pyproject.toml therefore pins aiohttp's minor version.
"""

from __future__ import annotations

import errno
import re
import socket
import sys
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest, ConnectionKey
from aiohttp.helpers import _EXC_SENTINEL
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from engine.model.outcome import FailureKind
from engine.transport.base import TransportError
from engine.transport.dns import ResolveError
from engine.transport.guard import Guard, RefusedAddressError

if TYPE_CHECKING:
    import asyncio
    import ssl

    from aiohttp import StreamReader
    from aiohttp.abc import AbstractResolver
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage

    from engine.transport.proxy import Proxy

#: aiohttp's 8,190 bytes a line refuse pages that browsers show (long CSP and Set-Cookie lines).
MAX_HEADER_LINE_BYTES: Final = 32_768
MAX_HEADERS: Final = 256

#: All that may come before a head is whole, which bounds what a hostile one makes us hold, and blank lines before it.
MAX_HEAD_BYTES: Final = 1 << 20
#: Real servers send one or two (100, 102, 103) before an answer.
MAX_INTERIM_ANSWERS: Final = 32
#: An answer may take so many times its body's limit on the wire: chunks, and codings that make bodies longer.
_WIRE_FACTOR: Final = 2

#: No timers of aiohttp: :mod:`.deadlines` keeps the time.
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)

#: The end of a head; also as the parser forgives it.
_HEAD_END: Final = re.compile(rb"\n\r?\n")

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


class WireLimitError(HttpProcessingError):
    """An answer takes more bytes on the wire than any body within the limit can need."""


class _Protocol(ResponseHandler):
    """aiohttp's, mended in three places.

    It leaves the reader of a body waiting when the parser fails in the midst of it (bad chunks). It loses a whole
    answer that came in one piece with bytes that do not belong to it (a body after 204 or 304, or longer than its
    length), as the parser fails the piece. And it takes for ever what never comes to a body: blank lines, a chunk's
    extensions.
    """

    _head: list[bytes] | None = None  # what has come of an answer whose head is not whole; None once it is
    _came = 0
    _most = sys.maxsize  # of what no request of ours asked for: a proxy's answer to CONNECT

    def expect(self, max_body_bytes: int, *, with_body: bool) -> None:
        """Make ready for the answer to the next request."""
        self._head = []
        self._came = 0
        self._most = _WIRE_FACTOR * max_body_bytes + MAX_HEAD_BYTES if max_body_bytes else sys.maxsize
        self._with_body = with_body
        self._new_parser()

    def _new_parser(self) -> None:
        self.set_response_params(
            skip_payload=not self._with_body,
            read_until_eof=True,
            auto_decompress=False,  # :mod:`.decoding`
            max_line_size=MAX_HEADER_LINE_BYTES,
            max_field_size=MAX_HEADER_LINE_BYTES,
            max_headers=MAX_HEADERS,
        )

    def data_received(self, data: bytes) -> None:
        """Parse what has come."""
        self._came = came = self._came + len(data)
        head = self._head
        if head is None:
            if came > self._most:
                self._refuse(WireLimitError(message=f"more than {self._most} bytes on the wire"))
            else:
                super().data_received(data)
            return
        head.append(data)
        super().data_received(data)
        if self._buffer:
            self._head = None
        elif came > MAX_HEAD_BYTES and self._exception is None:
            self._refuse(HttpProcessingError(message=f"its head has more than {MAX_HEAD_BYTES} bytes"))

    def _refuse(self, error: HttpProcessingError) -> None:
        self._head = None
        if self.transport is not None:
            self.transport.close()
        self.set_exception(error)

    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        """Fail the reader of the head, and that of a body which is not whole."""
        head, self._head = self._head, None
        if head and type(exc) is HttpProcessingError and self._exception is None:
            self._take_up(b"".join(head))
        super().set_exception(exc, exc_cause)
        body = self._payload
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(exc, exc_cause)

    def _take_up(self, data: bytes) -> None:
        """Parse again, head by head, a piece that was refused: an answer in it counts although more than it came."""
        self._new_parser()
        data = data.lstrip(b"\r\n")
        while not self._buffer or self._buffer[-1][0][0].code < 200:  # noqa: PLR2004 - interim
            whole = _HEAD_END.search(data)
            if whole is None or self._exception is not None:
                return
            super().data_received(data[: whole.end()])
            data = data[whole.end() :]
        if self._exception is None:
            super().data_received(data)


class Route:
    """Where a connection goes: to `connect_host` and `connect_port`, as `host` (no brackets) to TLS.

    It stands in for aiohttp's ClientRequest, which its connector asks for no more than these attributes.
    """

    __slots__ = ("connection_key", "host", "port", "proxy", "server_hostname", "ssl", "url")

    def __init__(self, host: str, connect_host: str, connect_port: int, tls: ssl.SSLContext | None) -> None:
        self.host = host
        self.url = SimpleNamespace(raw_host=connect_host)
        self.port = connect_port
        self.ssl = tls
        self.server_hostname = host if tls is not None else None
        self.proxy = None
        self.connection_key = ConnectionKey(host, connect_port, tls is not None, tls or True, None, None, None, None)

    def is_ssl(self) -> bool:
        """Whether TLS is spoken."""
        return self.ssl is not None


class _Socket:
    """A connection that the connector does not know, as it knows its own."""

    __slots__ = ("__weakref__", "protocol")

    def __init__(self, protocol: ResponseHandler) -> None:
        self.protocol = protocol

    def close(self) -> None:
        """Close it."""
        self.protocol.close()


class Lease:
    """An open connection and its parser, of one request at a time.

    `forward` is the proxy at its other end where requests are to be written to it in absolute form.
    """

    __slots__ = ("_connection", "_protocol", "forward", "peer_ip")

    def __init__(self, connection: Connection | _Socket, *, peer_known: bool, forward: Proxy | None = None) -> None:
        protocol = connection.protocol
        if protocol is None or protocol.transport is None:  # closed between the connector's return and here
            connection.close()
            raise TransportError(FailureKind.CONNECTION_LOST, "the server closed the connection at once")
        self._connection = connection
        self._protocol: _Protocol = protocol  # type: ignore[assignment]  # the factory's
        self.forward = forward
        peer = protocol.transport.get_extra_info("peername") if peer_known else None
        self.peer_ip: str | None = peer[0] if peer else None

    @property
    def reusable(self) -> bool:
        """Still open, its last answer read to the end, and nothing has come since."""
        return self._protocol.is_connected() and not self._protocol.should_close

    def begin(self, head: bytes, max_body_bytes: int, *, with_body: bool) -> None:
        """Write a request's head; its answer will have a body unless it is one to HEAD.

        `max_body_bytes` (0 = no limit) also bounds what comes on the wire, with room for its framing and coding.
        """
        self._protocol.expect(max_body_bytes, with_body=with_body)
        transport = self._protocol.transport
        if transport is None:
            raise TransportError(FailureKind.CONNECTION_LOST, "the server closed the connection")
        transport.write(head)

    async def head(self) -> tuple[RawResponseMessage, StreamReader]:
        """The head of the final answer and the stream of its body. Raises TransportError."""
        try:
            for _ in range(MAX_INTERIM_ANSWERS + 1):
                message, body = await self._protocol.read()
                if message.code >= 200:  # noqa: PLR2004 - 1xx are interim (RFC 9110, section 15.2)
                    return message, body
                if message.code == 101:  # noqa: PLR2004 - Switching Protocols, which nobody asked for
                    raise TransportError(FailureKind.BAD_RESPONSE, "the server switched to another protocol")
            raise TransportError(FailureKind.BAD_RESPONSE, f"more than {MAX_INTERIM_ANSWERS} interim answers")
        except (aiohttp.ClientError, aiohttp.EofStream, HttpProcessingError, OSError) as error:
            raise _answer_error(error) from error

    @staticmethod
    def ready(body: StreamReader) -> bytes:
        """What has come of the body, perhaps nothing yet: mostly all of a small one. Raises TransportError."""
        try:
            return body.read_nowait()
        except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
            raise _answer_error(error) from error

    @staticmethod
    async def piece(body: StreamReader) -> bytes:
        """What has come of the body, at least one byte; empty at its end. Raises TransportError."""
        try:
            return await body.readany()
        except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
            raise _answer_error(error) from error

    def close(self) -> None:
        """Close the connection; who reads from it gets connection_lost."""
        self._connection.close()


class Opener:
    """Opens connections: happy eyeballs (RFC 8305) over the addresses of `resolver`, each judged by `guard`."""

    def __init__(self, resolver: AbstractResolver, guard: Guard | None, loop: asyncio.AbstractEventLoop) -> None:
        self._guard = guard
        self._loop = loop
        self._connector = aiohttp.TCPConnector(
            resolver=resolver,
            use_dns_cache=False,  # the resolver has one, by TTL
            limit=0,  # limits are the shard's
            socket_factory=self._socket,
            keepalive_timeout=None,
        )
        self._factory = partial(_Protocol, loop=loop)
        self._connector._factory = self._factory  # type: ignore[assignment]  # noqa: SLF001 - see the module's docstring
        self._sockets: WeakSet[_Socket] = WeakSet()

    def _socket(self, address: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        """A socket for one address: the last moment to refuse it, whatever names say meanwhile (DNS rebinding)."""
        family, kind, protocol, _, peer = address
        if self._guard is not None:
            self._guard.check(str(peer[0]))
        return socket.socket(family, kind, protocol)

    async def open(self, route: Route, *, peer_known: bool, forward: Proxy | None = None) -> Lease:
        """Connect, with TLS where the route has it; `forward` as in Lease. Raises TransportError."""
        return await self._open(route, "", peer_known=peer_known, forward=forward)

    async def over(self, connected: socket.socket, route: Route) -> Lease:
        """Take a socket that is connected already, with TLS where the route has it. Raises TransportError."""
        try:
            _, protocol = await self._loop.create_connection(
                self._factory, sock=connected, ssl=route.ssl, server_hostname=route.server_hostname
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise _connect_error(error, route.host, "") from error
        except BaseException:
            connected.close()
            raise
        link = _Socket(protocol)
        self._sockets.add(link)
        return Lease(link, peer_known=False)

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
        return await self._open(request, f"through the proxy {proxy}", peer_known=False)

    async def _open(
        self, request: Route | ClientRequest, via: str, *, peer_known: bool, forward: Proxy | None = None
    ) -> Lease:
        try:
            connection = await self._connector.connect(request, [], _NO_TIMEOUT)  # type: ignore[arg-type]
        # ValueError: a name that TLS cannot carry (SNI); RuntimeError: uvloop for a socket that the peer closed early
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError) as error:
            raise _connect_error(error, request.host, via) from error
        return Lease(connection, peer_known=peer_known, forward=forward)

    async def close(self) -> None:
        """Close every connection, also those under way."""
        for link in list(self._sockets):
            link.close()
        await self._connector.close()


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


def _answer_error(error: Exception) -> TransportError:
    """What aiohttp raises while it reads an answer, as one of our kinds."""
    if isinstance(error, WireLimitError):
        return TransportError(FailureKind.BODY_TOO_LARGE, f"the answer has {error.message} (fetch.max_body_bytes)")
    if isinstance(error, HttpProcessingError):
        reason = " ".join((error.message or type(error.__cause__ or error).__name__).split())
        return TransportError(FailureKind.BAD_RESPONSE, f"the answer is not HTTP as we understand it: {reason[:200]}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return TransportError(FailureKind.CONNECTION_LOST, "the connection ended before the body did")
    number = error.errno if isinstance(error, OSError) else None
    reason = (error.strerror if isinstance(error, OSError) else None) or "the server closed it without a whole answer"
    return TransportError(FailureKind.CONNECTION_LOST, f"the connection was lost: {reason}", errno=number)
