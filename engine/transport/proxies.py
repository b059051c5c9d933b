"""Which proxy a request goes through: the one of `fetch.proxy`, or those of the environment where it says so.

The variables are those of curl and most others: http_proxy and https_proxy by the URL's scheme, all_proxy for either,
no_proxy for hosts that are asked directly; lower case wins over upper case. HTTP_PROXY in upper case is not read where
REQUEST_METHOD is set: a CGI server makes variables of header fields, and a client's "Proxy:" must not choose ours
(CVE-2016-5385, "httpoxy").

no_proxy is a list with commas or spaces: `*` is every host, a name is that host and all below it (a leading dot or
`*.` changes nothing), an address or a network (10.0.0.0/8) the hosts that are written as addresses in it; `:PORT` after
a name restricts it to that port. No name is resolved for it.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final, Self

from engine.errors import UsageError
from engine.settings.values import PROXY_OF_ENVIRONMENT
from engine.transport.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.settings import FetchSettings

_SEPARATORS: Final = re.compile(r"[\s,]+")
_WITH_PORT: Final = re.compile(r"(\[[^\]]+\]|[^:\[\]]+):(\d{1,5})")


class Proxies:
    """The choice. `by_scheme` holds "http" and "https"; a scheme that is not there goes directly."""

    def __init__(self, by_scheme: Mapping[str, Proxy], exempt: Exempt) -> None:
        self._by_scheme = dict(by_scheme)
        self._exempt = exempt

    @classmethod
    def of(cls, fetch: FetchSettings, environ: Mapping[str, str]) -> Self | None:
        """What the settings and the environment say; None where nothing goes through a proxy. Raises UsageError."""
        if fetch.proxy is None:
            return None
        if fetch.proxy == PROXY_OF_ENVIRONMENT:
            found = cls._of_environment(environ)
        else:
            proxy = Proxy.parse(fetch.proxy)
            found = cls({"http": proxy, "https": proxy}, Exempt(""))
        if found is not None and fetch.connect_to:
            raise UsageError("fetch.proxy and fetch.connect_to exclude each other: the proxy chooses where to connect")
        return found

    @classmethod
    def _of_environment(cls, environ: Mapping[str, str]) -> Self | None:
        by_scheme = {}
        for scheme in ("http", "https"):
            name, value = next(
                ((name, value) for name in (f"{scheme}_proxy", "all_proxy") if (value := _variable(environ, name))),
                ("", ""),
            )
            if value:
                # "proxy.example:3128" means http, as everywhere.
                by_scheme[scheme] = Proxy.parse(value if "://" in value else f"http://{value}", f"the variable {name}")
        return cls(by_scheme, Exempt(_variable(environ, "no_proxy"))) if by_scheme else None

    def choose(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy for an origin (host as in URLs), None = ask it directly."""
        proxy = self._by_scheme.get(scheme)
        return None if proxy is None or self._exempt.has(host, port) else proxy


class Exempt:
    """The hosts of a no_proxy list. What it holds that is neither a name nor a network matches nothing."""

    def __init__(self, text: str) -> None:
        self._all = False
        self._names: set[tuple[str, int]] = set()  # port 0 = any
        self._networks: list[tuple[IPv4Network | IPv6Network, int]] = []
        for entry in _SEPARATORS.split(text.strip().lower()):
            self._add(entry)

    def _add(self, entry: str) -> None:
        if entry == "*":
            self._all = True
            return
        match = _WITH_PORT.fullmatch(entry)
        name, port = (match[1], int(match[2])) if match else (entry, 0)
        try:
            self._networks.append((ip_network(name.strip("[]"), strict=False), port))
        except ValueError:
            if name := name.removeprefix("*").strip("."):
                self._names.add((name, port))

    def has(self, host: str, port: int) -> bool:
        """Whether an origin is to be asked directly."""
        if self._all:
            return True
        try:
            address = ip_address(host.strip("[]"))
        except ValueError:
            return bool(self._names) and self._has_name(host.rstrip("."), port)
        return any(address in network and wanted in (0, port) for network, wanted in self._networks)

    def _has_name(self, host: str, port: int) -> bool:
        while host:
            if (host, 0) in self._names or (host, port) in self._names:
                return True
            _, _, host = host.partition(".")
        return False


def _variable(environ: Mapping[str, str], name: str) -> str:
    """A variable, in lower case before upper case; "" where there is none."""
    value = environ.get(name)
    if value is None and not (name == "http_proxy" and "REQUEST_METHOD" in environ):
        value = environ.get(name.upper())
    return (value or "").strip()
