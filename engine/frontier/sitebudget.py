"""`run.max_urls_per_site`: the first so many URLs of a site are fetched, the rest end as deferred.

A URL beyond the budget is put under a host of its own name that no URL can have, and that is given up from the start:
so it is deduplicated, counted and given its row like any other. `enrich retry` with a larger budget moves it to its
true host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model.url import Target, host_id, parse_target, site_of

if TYPE_CHECKING:
    import sqlite3

#: The host that URLs beyond their site's budget wait under; a space occurs in no host name.
OVER_BUDGET: Final = "over budget"


class Moved(NamedTuple):
    """A URL whose site has room for it now, and the name of its true host."""

    n: int
    band: int
    host: str


class SiteBudget:
    """Counts the URLs of each site in the frontier. `limit` 0 = no limit, and nothing is counted."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def place(self, db: sqlite3.Connection, host: str, *, known: bool) -> str:
        """The host that a URL is to be put under: its own, or OVER_BUDGET. Counts it, unless it is `known`."""
        if not host or known:
            return host
        return host if self._take(db, host) else OVER_BUDGET

    def _take(self, db: sqlite3.Connection, host: str) -> bool:
        site = host_id(site_of(host))  # a site is named as a host is
        row = db.execute("SELECT urls FROM site WHERE id = ?", (site,)).fetchone()
        urls = row[0] if row else 0
        if urls >= self.limit:
            return False
        db.execute("INSERT OR REPLACE INTO site VALUES (?, ?)", (site, urls + 1))
        return True

    def to_move(self, db: sqlite3.Connection) -> list[Moved]:
        """Queued URLs that now fit their site's budget, in order; they are to be moved to their true hosts."""
        waiting = db.execute(
            "SELECT t.band, t.n, coalesce(t.fetch_url, t.url) FROM task t JOIN result r USING (host, band, n)"
            " WHERE r.host = ? AND r.state = 0 ORDER BY n",
            (host_id(OVER_BUDGET),),
        ).fetchall()
        found = []
        for band, n, fetch_url in waiting:
            target = parse_target(fetch_url)
            if isinstance(target, Target) and (not self.limit or self._take(db, target.host)):
                found.append(Moved(n, band, target.host))
        return found
