"""What a line of an input asks for: the URL as given, and the normalised key it is fetched and joined by.

Parsing and normalising follow the WHATWG URL Standard (ada-url); the registrable domain is the Public Suffix List's,
private part included, from the list bundled with publicsuffixlist.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import unquote

import ada_url

from engine.model.outcome import Failure, FailureKind
from engine.model.suffix import registrable

DEFAULT_PORTS: Final = {"http": 80, "https": 443}

#: An error sentence quotes at most so much of a bad line: rows and logs stay bounded whatever the input holds.
MAX_QUOTED_CHARS: Final = 200

#: Stands for what was cut from a bad line, or hidden in it.
HIDDEN: Final = "…"

#: Credentials are looked for in so much of a bad line, which bounds the work for a hostile one.
_MAX_SEARCHED_CHARS: Final = 4_096

#: What normalising leaves as it is, told at a third of its cost: most URLs of most lists. The host's last label starts
#: with a letter (else it may be an IPv4 address); no character is one that the path or query percent-encode sets hold.
_PLAIN: Final = re.compile(
    r"(https?)://((?:[a-z0-9_-]+\.)*[a-z][a-z0-9-]*)"
    r"(/[\w!$&'()*+,;=:@~%./-]*(?:\?[\w!$&()*+,;=:@~%./?-]*)?)?",
    re.ASCII,
).fullmatch

_AUTHORITY_STARTS: Final = re.compile(r"https?:[/\\]*|//", re.IGNORECASE)
_AUTHORITY_MARK: Final = re.compile(r"[:/\\?#]")


class Target(NamedTuple):
    """A URL to fetch (a tuple, since ingest makes one for every line and a frozen dataclass costs three times more).

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
    """Serialise an origin (RFC 6454, section 6.2)."""
    return f"{scheme}://{host}" if DEFAULT_PORTS.get(scheme) == port else f"{scheme}://{host}:{port}"


def parse_target(text: str, base: str | None = None) -> Target | Failure:
    """Parse a URL as given, or relative to `base` (a redirect's Location); a Failure says why it is none."""
    given = text.strip()
    if base is None and (plain := _PLAIN(given)) is not None:
        scheme, host, path = plain.groups()
        # "xn--" must be checked by IDNA; a segment of dots, also as "%2e", is resolved. A host alone gets a path.
        if "xn--" not in host and (path is None or ("/." not in path and "/%2" not in path)):
            return Target(given, given if path else f"{given}/", scheme, host, DEFAULT_PORTS[scheme])
    try:
        href = ada_url.normalize_url(given) if base is None else ada_url.join_url(base, given)
    except ValueError:
        return Failure(FailureKind.INVALID_URL, f"not a URL: {_quote(given)}")
    return _read_href(href, given if base is None else None)


def _read_href(href: str, given: str | None) -> Target | Failure:
    """Read the parts off a serialised URL, whose form the standard fixes (section 4.5).

    An http(s) one has an authority, a path, and "#" nowhere but before its fragment. Ada's URL object costs seven times
    more. `given` is the URL as it stood in the input, None for a redirect's.
    """
    scheme = href.partition(":")[0]
    if scheme not in DEFAULT_PORTS:
        shown = _quote(href if given is None else given)
        return Failure(FailureKind.REFUSED_SCHEME, f"only http and https are fetched, not {scheme}: {shown}")
    href = href.partition("#")[0]
    start = len(scheme) + len("://")
    slash = href.index("/", start)
    host = href[start:slash]
    auth = None
    if "@" in host:
        userinfo, _, host = host.rpartition("@")
        user, _, password = userinfo.partition(":")
        auth = f"{unquote(user)}:{unquote(password)}"
        href = f"{scheme}://{host}{href[slash:]}"
        given = given and _without_userinfo(given)
    port = DEFAULT_PORTS[scheme]
    if (colon := host.rfind(":")) > host.rfind("]"):
        port = int(host[colon + 1 :])
        host = host[:colon]
    return Target(given or href, href, scheme, host, port, auth)


def _without_userinfo(given: str) -> str | None:
    """Cut the userinfo out of a URL as given; None where it is written so that its authority cannot be told apart."""
    if (slashes := given.find("//")) < 0:
        return None
    start = slashes + len("//")
    end = min((i for i in (given.find(c, start) for c in "/?#\\") if i >= 0), default=len(given))
    at = given.rfind("@", start, end)
    return None if at < 0 else given[:start] + given[at + 1 :]


def without_credentials(text: str) -> str:
    """Cut out of a text that is no URL what stands where a URL in it would have its user and password.

    A broken URL is shown to people and written to its row, and its password must not be: everything between "//" (or
    "http:") and the next "@" goes, unless a "/", "?" or "#" before any ":" says that the "@" is no authority's.
    """
    if "@" not in text:
        return text
    parts: list[str] = []
    done = 0
    for prefix in _AUTHORITY_STARTS.finditer(text):
        start = prefix.end()
        if start < done:
            continue
        at = text.find("@", start)
        if at < 0:
            break
        if (mark := _AUTHORITY_MARK.search(text, start, at)) is None or mark.group() == ":":
            parts += (text[done:start], HIDDEN)
            done = at
    return "".join((*parts, text[done:]))


def _quote(text: str) -> str:
    # Credentials go before the cut, which could take away the "@" that shows them to be some.
    shown = without_credentials(text[:_MAX_SEARCHED_CHARS])
    return repr(shown if len(shown) <= MAX_QUOTED_CHARS else shown[:MAX_QUOTED_CHARS] + HIDDEN)


@lru_cache(maxsize=65_536)
def site_of(host: str) -> str:
    """Find the registrable domain of a host; an IP address, a public suffix or a single label is its own site."""
    bare = host.strip("[]").rstrip(".")
    if ":" in bare or bare[-1:].isdigit():  # no other can be an address, and asking costs as much as the rest
        with suppress(ValueError):
            ip_address(bare)
            return host
    return registrable(bare) or bare or host


def host_digest(host: str) -> bytes:
    """Make the eight bytes that a host is told by: two of half a million hosts share them with probability 1e-8."""
    return blake2b(host.encode(), digest_size=8).digest()


def host_id(host: str) -> int:
    """Give the same as a stable signed number."""
    return int.from_bytes(host_digest(host), "big", signed=True)


def url_key(fetch_url: str) -> bytes:
    """Make the 128-bit key that a URL is distinct by."""
    return blake2b(fetch_url.encode("utf-8", "surrogatepass"), digest_size=16).digest()
