"""`run.max_urls_per_site`: the first so many URLs of a site are fetched, the rest end as deferred.

A URL beyond the budget is put under a host of its own name that no URL can have, and that is given up from the start:
so it is deduplicated, counted and given its row like any other. `enrich retry` with a larger budget moves it to its
true host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.url import Target, host_id, parse_target, site_of

if TYPE_CHECKING:
    import sqlite3

#: The host that URLs beyond their site's budget wait under; a space occurs in no host name.
OVER_BUDGET: Final = "over budget"


class SiteBudget:
    """Counts the URLs of each site in the frontier. `limit` 0 = no limit, and nothing is counted."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def place(self, db: sqlite3.Connection, host: str, key: bytes) -> str:
        """The host that a URL is to be put under: its own, or OVER_BUDGET. Counts it, unless it is there already."""
        if not host or db.execute("SELECT 1 FROM task WHERE key = ?", (key,)).fetchone():
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

    def move_home(self, db: sqlite3.Connection) -> dict[int, str]:
        """Move queued URLs that now fit their site's budget to their true hosts; these, by id."""
        over = host_id(OVER_BUDGET)
        hosts: dict[int, str] = {}
        waiting = db.execute(
            "SELECT t.band, t.n, coalesce(t.fetch_url, t.url) FROM task t JOIN result r USING (host, band, n)"
            " WHERE t.host = ? AND r.state = 0",
            (over,),
        ).fetchall()
        for band, n, fetch_url in waiting:
            target = parse_target(fetch_url)
            if not isinstance(target, Target) or (self.limit and not self._take(db, target.host)):
                continue
            number = host_id(target.host)
            hosts[number] = target.host
            for table in ("task", "result"):
                db.execute(
                    f"UPDATE {table} SET host = ? WHERE host = ? AND band = ? AND n = ?",  # noqa: S608 - constants
                    (number, over, band, n),
                )
        return hosts
