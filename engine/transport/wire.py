"""aiohttp below its session: the only module that knows the inside of its response parser.

Why below: the session layer (URL objects, cookie jar, redirect loop, a request and a response object, a timer each)
is 80 % of aiohttp's cost a page, and nothing of it is needed: redirects, cookies and timeouts are ours anyway.
What is used, and what tests/transport/test_wire_contract.py holds against the installed version:

- `ResponseHandler.set_response_params` gives the connection a parser for the next answer, and `ResponseHandler.read`
  gives its head and its body's stream; what comes goes through `data_received`, what the parser refuses ends in
  `set_exception`;
- `_reading_paused` says whether `pause_reading` was called after the last `resume_reading`.

pyproject.toml therefore pins aiohttp's minor version. Connections are opened by :mod:`.opener`.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import _EXC_SENTINEL
from aiohttp.http_exceptions import HttpProcessingError

from engine.model.outcome import FailureKind
from engine.transport.base import TransportError

if TYPE_CHECKING:
    import asyncio

    from aiohttp import StreamReader
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

#: The end of a head; also as the parser forgives it.
_HEAD_END: Final = re.compile(rb"\n\r?\n")


class WireLimitError(HttpProcessingError):
    """An answer takes more bytes on the wire than any body within the limit can need."""


class Protocol(ResponseHandler):
    """aiohttp's, mended in three places, and cheaper in two. While it is connected it is in `alive`.

    It leaves the reader of a body waiting when the parser fails in the midst of it (bad chunks). It loses a whole
    answer that came in one piece with bytes that do not belong to it (a body after 204 or 304, or longer than its
    length), as the parser fails the piece. And it takes for ever what never comes to a body: blank lines, a chunk's
    extensions.
    """

    _head: list[bytes] | None = None  # what has come of an answer whose head is not whole; None once it is
    _came = 0
    _most = sys.maxsize  # of what no request of ours asked for: a proxy's answer to CONNECT

    def __init__(self, loop: asyncio.AbstractEventLoop, alive: set[Protocol]) -> None:
        super().__init__(loop)
        self._alive = alive

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As aiohttp's, but for TCP_NODELAY: event loops set it on all their TCP sockets themselves."""
        self.transport = transport  # type: ignore[assignment]
        self._alive.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        self._alive.discard(self)
        super().connection_lost(exc)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Read on. Asked for with each piece of a body that is taken, and mostly nothing was paused."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

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


class Lease:
    """An open connection and its parser, of one request at a time.

    `forward` is the proxy at its other end where requests are to be written to it in absolute form.
    """

    __slots__ = ("_connection", "_protocol", "forward", "peer_ip")

    def __init__(
        self, protocol: Protocol, *, peer_ip: str | None = None, forward: Proxy | None = None,
        connection: Connection | None = None,
    ) -> None:  # fmt: skip
        """`peer_ip`: the address that was connected to, where it is the host's; `connection`: the connector's hold."""
        self._protocol = protocol
        self._connection = connection
        self.forward = forward
        self.peer_ip = peer_ip
        if protocol.transport is None:  # closed before we came to it
            self.close()
            raise TransportError(FailureKind.CONNECTION_LOST, "the server closed the connection at once")

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
        (self._connection or self._protocol).close()


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
