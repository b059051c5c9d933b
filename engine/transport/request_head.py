"""A request's head as bytes (RFC 9112, sections 2 and 3).

Nothing that a page, a cache or a configuration file holds can add a header line or a second request: what is not
sendable fails here, before a byte is written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from engine.model.outcome import FailureKind
from engine.model.url import DEFAULT_PORTS
from engine.transport.base import TransportError
from engine.transport.decoding import SUPPORTED

if TYPE_CHECKING:
    from engine.transport.base import Request
    from engine.transport.proxy import Proxy

#: Written here, or a matter of the connection: a second one would break the framing.
_OWN_HEADERS: Final = frozenset({"host", "connection", "content-length", "transfer-encoding", "upgrade"})
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")  # RFC 9110, section 5.5
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")  # no space: it would end the target

#: The headers of a run are few tuples, one a site rule. Conditions come once each, and are no part of a block.
_CACHED_BLOCKS: Final = 1024


def request_head(request: Request, proxy: Proxy | None = None) -> bytes:
    """The bytes to write. Accept-Encoding is added where the request has none. Raises TransportError."""
    target, scheme = request.target, request.scheme
    host = request.host if request.port == DEFAULT_PORTS.get(scheme) else f"{request.host}:{request.port}"
    authorization = ""
    if proxy is not None and scheme == "http":
        target = f"http://{host}{target}"
        if proxy.authorization is not None:
            authorization = f"Proxy-Authorization: {proxy.authorization}\r\n"
    if _VISIBLE.fullmatch(target) is None or _VISIBLE.fullmatch(host) is None:
        raise TransportError(FailureKind.INVALID_URL, f"not to be asked for over HTTP: {scheme}://{host!a}{target!a}")
    line = f"{request.method} {target} HTTP/1.1\r\nHost: {host}\r\n{authorization}"
    head = line.encode("ascii")
    if request.conditions:
        head += b"".join(_line(name, value) for name, value in request.conditions)
    return head + _block(request.headers)


@lru_cache(maxsize=_CACHED_BLOCKS)
def _block(headers: tuple[tuple[str, str], ...]) -> bytes:
    """All header lines but Host, and the empty one that ends them."""
    lines = [_line(name, value) for name, value in headers]
    if all(name.lower() != "accept-encoding" for name, _ in headers):
        lines.append(f"Accept-Encoding: {SUPPORTED}\r\n".encode("ascii"))
    return b"".join([*lines, b"\r\n"])


def _line(name: str, value: str) -> bytes:
    if _TOKEN.fullmatch(name) is None or _VALUE.fullmatch(value) is None or name.lower() in _OWN_HEADERS:
        raise TransportError(FailureKind.INTERNAL_ERROR, f"the header {name!a} cannot be sent")
    return f"{name}: {value.strip()}\r\n".encode("utf-8", "surrogateescape")
