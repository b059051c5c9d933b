"""A forward proxy: http://[user[:password]@]host[:port], https:// for TLS with the proxy itself, socks5:// or socks5h://.

To an http or https proxy, requests for http are written in absolute form (RFC 9112, section 3.2.2), and those for https
go through a CONNECT tunnel (RFC 9110, section 9.3.6) with TLS from us to the origin inside. A SOCKS5 proxy (RFC 1928)
carries either as it is. As curl has it, with socks5 the names of origins are resolved here, where the guard judges
every address, and with socks5h by the proxy, as http proxies do.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from engine.errors import UsageError

DEFAULT_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_SOCKS: Final = frozenset({"socks5", "socks5h"})
#: RFC 1929: user and password have a length of one octet each.
_MAX_SOCKS_CREDENTIAL: Final = 255


@dataclass(frozen=True, slots=True)
class Proxy:
    """`host` as in URLs (IPv6 in brackets); user and password are decoded, None where the URL has none."""

    scheme: str
    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    #: The value of Proxy-Authorization, or None.
    authorization: str | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if self.user is not None and not self.is_socks:
            token = b64encode(f"{self.user}:{self.password or ''}".encode()).decode("ascii")
            object.__setattr__(self, "authorization", f"Basic {token}")

    @classmethod
    def parse(cls, url: str, origin: str = "fetch.proxy") -> Self:
        """Read a proxy's URL, which `origin` gave. The UsageError never quotes it: it may hold a password."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
        except ValueError:
            parts, host, port = urlsplit(""), None, None
        if not host or port is None or parts.scheme not in DEFAULT_PORTS:
            schemes = ", ".join(DEFAULT_PORTS)
            raise UsageError(f"{origin} is not of the form http://user:password@host:port (or {schemes})")
        user = password = None
        if parts.username is not None:
            user, password = unquote(parts.username), unquote(parts.password or "")
        proxy = cls(parts.scheme, f"[{host}]" if ":" in host else host, port, user, password)
        if proxy.is_socks:
            proxy._check_socks(origin)
        return proxy

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS5: what is carried does not know of it."""
        return self.scheme in _SOCKS

    @property
    def resolves(self) -> bool:
        """Whether the proxy looks names up itself: then their addresses cannot be judged here."""
        return self.scheme != "socks5"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def _check_socks(self, origin: str) -> None:
        if find_spec("python_socks") is None:
            raise UsageError(f"{origin}: SOCKS5 needs python-socks; install it: pip install 'enrich-engine[socks]'")
        for text in (self.user, self.password):
            # Where either is empty, the library offers no authentication at all.
            if text is not None and not (text.isascii() and 0 < len(text) <= _MAX_SOCKS_CREDENTIAL):
                raise UsageError(
                    f"{origin}: user and password of a SOCKS5 proxy are 1 to {_MAX_SOCKS_CREDENTIAL} ASCII characters"
                )
