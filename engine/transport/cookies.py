"""Cookies that sites set, given back to them as a browser would (RFC 6265): a jar a site, none of which another sees.

The rules of a jar (domains, paths, expiry, Secure) are aiohttp's. That it is a site's own, by the Public Suffix List,
makes a cookie for a whole suffix (Domain=co.uk) harmless. Jars live in memory, as long as their shard, and are bounded:
of a site the oldest cookies go first, of all sites the one that was asked longest ago.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Final

from aiohttp import CookieJar
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Sequence

#: RFC 6265, section 6.1, asks for at least these; browsers ignore larger cookies, and so do we.
MAX_COOKIE_BYTES: Final = 4096
MAX_A_SITE: Final = 50
#: Of all jars, with what Python takes for a cookie beside its text.
MAX_BYTES: Final = 16 << 20
_OVERHEAD_BYTES: Final = 1000

#: The date by which most servers take a cookie back. aiohttp 3.14 takes its number, 0, for none.
_EPOCH: Final = re.compile(r"(\b0?1[ -]Jan[a-z]*[ -](?:19)?70[ ,]+00:00:0)0", re.IGNORECASE)


class CookieJars:
    """The jars of a shard. `site` is the registrable domain of the URL's host."""

    def __init__(self) -> None:
        self._jars: OrderedDict[str, CookieJar] = OrderedDict()  # what was asked longest ago first
        self._sizes: dict[str, int] = {}
        self._bytes = 0

    def cookies(self, url: str, site: str) -> dict[str, str]:
        """The cookies to send with a request, name to value, the most specific last."""
        jar = self._jars.get(site)
        if jar is None:
            return {}
        self._jars.move_to_end(site)
        found = jar.filter_cookies(URL(url, encoded=True))
        return {name: morsel.coded_value for name, morsel in found.items()}

    def take(self, url: str, site: str, set_cookie: Sequence[str]) -> None:
        """Keep what an answer set; a line that cannot be kept is as if it were not there (RFC 6265, section 5.2)."""
        few = islice(set_cookie, MAX_A_SITE)
        lines = [_EPOCH.sub(r"\g<1>1", line) for line in few if len(line) <= MAX_COOKIE_BYTES]
        if not lines:
            return
        jar = self._jars.get(site)
        if jar is None:
            jar = self._jars[site] = CookieJar(quote_cookie=False)
        self._jars.move_to_end(site)
        jar.update_cookies_from_headers(lines, URL(url, encoded=True))
        _keep_newest(jar)
        size = sum(_OVERHEAD_BYTES + len(morsel.key) + len(morsel.coded_value) for morsel in jar)
        self._bytes += size - self._sizes.get(site, 0)
        self._sizes[site] = size
        while self._bytes > MAX_BYTES and len(self._jars) > 1:
            oldest, _ = self._jars.popitem(last=False)
            self._bytes -= self._sizes.pop(oldest)


def _keep_newest(jar: CookieJar) -> None:
    excess = len(jar) - MAX_A_SITE
    if excess > 0:
        old = {(morsel["domain"], morsel["path"], morsel.key) for morsel in islice(jar, excess)}
        jar.clear(lambda morsel: (morsel["domain"], morsel["path"], morsel.key) in old)
