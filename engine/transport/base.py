"""The transport's protocol: what the shard relies on, and what :mod:`.fake` imitates.

A request has two phases, because they are paid from two budgets: one that still connects counts against
`fetch.max_connecting`, one that is written against the AIMD limit; and a host's delay runs from the writing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from multidict import CIMultiDict, CIMultiDictProxy

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.outcome import FailureKind


#: Statuses that redirect a GET to their Location (RFC 9110, section 15.4).
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

#: "A server MUST NOT generate content in a 205 response" (RFC 9110, section 15.3.6); what came with one is none.
RESET_CONTENT: Final = 205

#: Statuses whose body nobody reads; of redirects, where they have a Location.
UNREAD: Final = REDIRECTS | {RESET_CONTENT}

#: A short body that nobody reads is read so that its connection can be kept.
UNREAD_BODY_BYTES: Final = 65_536


class Request(NamedTuple):
    """One request without a body. `host` has no port and keeps an IPv6 address's brackets; `target` is path?query.

    `headers` are sent as they are, in order; Host is not among them: the transport writes it. `conditions` are further
    ones that differ with each request, as a cache's validators do: kept apart, for `headers` are the same few tuples.
    """

    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    conditions: tuple[tuple[str, str], ...] = ()


_NO_HEADERS: Final[CIMultiDictProxy[str]] = CIMultiDictProxy(CIMultiDict())


class Response(NamedTuple):
    """A whole answer. `body` is decoded of its Content-Encoding; `headers` (case-insensitive) are as they came."""

    status: int
    headers: CIMultiDictProxy[str] = _NO_HEADERS
    body: bytes = b""


class TransportError(Exception):
    """A request failed below HTTP: `kind` is what the row will say, `message` a sentence for people.

    `stale`: the server closed a kept-alive connection before a byte of an answer came, and the request was not sent
    again because the caller forbade it; it is no sign of trouble, and the caller may ask again when the host is due.
    `errno`: the operating system's number where there was one (ENETUNREACH tells an outage of our own).
    """

    def __init__(self, kind: FailureKind, message: str, *, stale: bool = False, errno: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.stale = stale
        self.errno = errno


class Exchange(Protocol):
    """A connection leased to one request."""

    #: The address connected to; None where connect_to or a proxy chose it: it then says nothing about the host.
    peer_ip: str | None

    async def send(  # noqa: PLR0913 - keyword-only but for the request
        self,
        request: Request,
        *,
        max_body_bytes: int,
        on_bytes: Callable[[int], None],
        on_written: Callable[[], None],
        resend_stale: bool = True,
        truncate: bool = False,
    ) -> Response:
        """Write the request, read the whole answer, give the connection back. At most once an exchange.

        `max_body_bytes` limits the decoded body, 0 = no limit; with `truncate` a longer one is cut there instead of
        refused, and its connection closed. Of a body that nobody reads (UNREAD) at most UNREAD_BODY_BYTES are taken,
        whatever it is. All that comes on the wire is bounded too: what never comes to a body ends as body_too_large.
        `on_bytes` is told of each piece of decoded body as it is held; `on_written` is called when the request is
        written. Fails with read_timeout (no answer's head within fetch.timeout_s of the writing) or total_timeout
        (head but no end), body_too_large, connection_lost, bad_response, decode_failed.

        A kept-alive connection that the server closes before any byte of the answer is replaced once by a fresh one,
        and an idempotent request written again (RFC 9110, section 9.2.2; RFC 9112, section 9.3.1); `on_written` is
        then called again. A server that closes on purpose sees two requests at once: where a host has a delay, pass
        `resend_stale=False` and ask again when it is due (TransportError.stale).
        """

    def close(self) -> None:
        """Give an unused connection back, or abort the request under way. Any number of times."""


class Transport(Protocol):
    """Opens exchanges."""

    async def connect(self, scheme: str, host: str, port: int) -> Exchange:
        """Lease a connection to an origin: an idle one, or a new one within fetch.connect_timeout_s (name, TCP, TLS).

        Fails with dns_not_found, dns_failed, refused_address, connect_timeout, connect_refused, connection_lost,
        tls_failed; internal_error where this machine ran out of files or ports.
        """

    async def close(self) -> None:
        """Close all connections; exchanges under way fail with connection_lost."""
