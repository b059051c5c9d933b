"""The address guard in Scrapy's places: names are judged before they are looked up, addresses before a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from scrapy.resolver import CachingThreadedResolver
from scrapy.utils.httpobj import urlparse_cached

from engine.transport.guard import Guard, RefusedAddressError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scrapy import Request
    from scrapy.crawler import Crawler
    from twisted.internet.base import ReactorBase
    from twisted.internet.defer import Deferred


class Resolver(CachingThreadedResolver):
    """Scrapy's resolver, whose answers are checked."""

    guard: Guard

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> Self:
        """As Scrapy makes it."""
        resolver = super().from_crawler(crawler, reactor)
        resolver.guard = Guard(crawler.settings["ENGINE_GUARD"])
        return resolver

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:  # noqa: N802 - Twisted's name
        """The address of a name, if it may be connected to."""
        return super().getHostByName(name, timeout).addCallback(self._checked)

    def _checked(self, address: Any) -> Any:  # noqa: ANN401 - Deferred's callbacks are untyped
        self.guard.check(str(address))
        return address


class Middleware:
    """Judges each request's host, redirects included; an address in a URL never sees the resolver."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy makes it."""
        return cls(Guard(crawler.settings["ENGINE_GUARD"]))

    def process_request(self, request: Request) -> None:
        """Raise RefusedAddressError for an address, or a name, that is not to be asked."""
        host = urlparse_cached(request).hostname or ""
        if ":" in host or host.replace(".", "").isdigit():
            self._guard.check(host)
        elif (refusal := self._guard.refusal_of_name(host)) is not None:
            raise RefusedAddressError(refusal)
