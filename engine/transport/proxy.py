"""The forward proxy of `fetch.proxy`: http://[user[:password]@]host[:port], or https:// for TLS with the proxy itself.

http requests are written to it in absolute form (RFC 9112, section 3.2.2), https ones go through a CONNECT tunnel
(RFC 9110, section 9.3.6), with TLS from us to the origin inside.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from engine.errors import UsageError

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """`host` as in URLs (IPv6 in brackets); `authorization` is the value of Proxy-Authorization, or None."""

    scheme: str
    host: str
    port: int
    authorization: str | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read the setting. The UsageError never quotes it: it may hold a password."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
        except ValueError:
            parts, host, port = urlsplit(""), None, None
        if not host or port is None or parts.scheme not in DEFAULT_PORTS:
            raise UsageError("fetch.proxy is not of the form http://user:password@host:port (or https://)")
        authorization = None
        if parts.username is not None:
            userinfo = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {b64encode(userinfo.encode()).decode('ascii')}"
        return cls(parts.scheme, f"[{host}]" if ":" in host else host, port, authorization)
