"""What a line of an input asks for: the URL as given, and the normalised key it is fetched and joined by.

Parsing and normalising follow the WHATWG URL Standard (ada-url); the registrable domain is the Public Suffix List's,
private part included, from the list bundled with publicsuffixlist.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

import ada_url
from publicsuffixlist import PublicSuffixList

from engine.model.outcome import Failure, FailureKind

DEFAULT_PORTS: Final = {"http": 80, "https": 443}

#: An error sentence quotes at most so much of a bad line: rows and logs stay bounded whatever the input holds.
MAX_QUOTED_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Target:
    """A URL to fetch.

    `url` is as given, without user and password; `fetch_url` the normalised key (no fragment, host lower case and
    punycode, default port dropped); `host` has no port and keeps an IPv6 address's brackets; `auth` is
    "user:password", decoded, or None.
    """

    url: str
    fetch_url: str
    scheme: str
    host: str
    port: int
    auth: str | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port, the port only where it is not the scheme's own: what a robots.txt covers."""
        return origin_of(self.scheme, self.host, self.port)


def origin_of(scheme: str, host: str, port: int) -> str:
    """The serialised origin (RFC 6454, section 6.2)."""
    return f"{scheme}://{host}" if DEFAULT_PORTS.get(scheme) == port else f"{scheme}://{host}:{port}"


def parse_target(text: str, base: str | None = None) -> Target | Failure:
    """Parse a URL as given, or relative to `base` (a redirect's Location); a Failure says why it is none."""
    given = text.strip()
    try:
        href = ada_url.join_url(base, given) if base else ada_url.normalize_url(given)
    except ValueError:
        return Failure(FailureKind.INVALID_URL, f"not a URL: {_quote(given)}")
    # Reading the parts off the serialised URL, whose form the standard fixes, costs a seventh of ada's URL object.
    scheme, _, rest = href.partition("://")
    if scheme not in DEFAULT_PORTS:
        scheme = href.partition(":")[0]
        return Failure(FailureKind.REFUSED_SCHEME, f"only http and https are fetched, not {scheme}: {_quote(given)}")
    rest = rest.partition("#")[0]  # "#" occurs nowhere else in a serialised URL
    authority, slash, path = rest.partition("/")
    auth = None
    if "@" in authority:
        userinfo, _, authority = authority.rpartition("@")
        user, _, password = userinfo.partition(":")
        auth = f"{unquote(user)}:{unquote(password)}"
        given = _without_credentials(given) or f"{scheme}://{authority}{slash}{path}"
    host, port = authority, DEFAULT_PORTS[scheme]
    if (colon := authority.rfind(":")) > authority.rfind("]"):
        host, port = authority[:colon], int(authority[colon + 1 :])
    fetch_url = f"{scheme}://{authority}{slash}{path}"
    return Target(given if base is None else fetch_url, fetch_url, scheme, host, port, auth)


def _without_credentials(given: str) -> str | None:
    """The URL as given less its userinfo; None where it is written so that its authority cannot be told apart."""
    start = given.find("//") + 2
    end = min((i for i in (given.find(c, start) for c in "/?#\\") if i >= 0), default=len(given))
    at = given.rfind("@", start, end)
    return None if start < 2 or at < 0 else given[:start] + given[at + 1 :]


def _quote(text: str) -> str:
    cut = text if len(text) <= MAX_QUOTED_CHARS else text[:MAX_QUOTED_CHARS] + "…"
    at = cut.rfind("@")  # a broken URL may still carry a password
    return repr(cut if at < 0 else "…" + cut[at:])


_SUFFIXES: Final = PublicSuffixList()


@lru_cache(maxsize=65_536)
def site_of(host: str) -> str:
    """The registrable domain of a host; an IP address, a public suffix or a single label is its own site."""
    bare = host.strip("[]").rstrip(".")
    try:
        ip_address(bare)
    except ValueError:
        return _SUFFIXES.privatesuffix(bare) or bare
    return host


@lru_cache(maxsize=65_536)
def host_id(host: str) -> int:
    """A stable signed 64-bit number for a host: two of half a million hosts share one with probability 1e-8."""
    return int.from_bytes(blake2b(host.encode(), digest_size=8).digest(), "big", signed=True)


def url_key(fetch_url: str) -> bytes:
    """The 128-bit key that makes a URL distinct."""
    return blake2b(fetch_url.encode("utf-8", "surrogatepass"), digest_size=16).digest()
