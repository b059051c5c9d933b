"""The texts of a shard's sites on disk, by simhash: to tell a page that is nearly the same as an earlier one.

An entry a quarter of the simhash (:mod:`engine.policy.sameness`), found by equality and compared in full. Written when
a page is judged, perhaps before its row is committed: so a page is never taken for like itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.frontier.schema import writing
from engine.model.url import host_id, site_of, url_key
from engine.policy.sameness import alike, quarters

if TYPE_CHECKING:
    from engine.frontier.store import Store

#: Texts of one quarter that are compared: a site with more of them has a kind of text, not a trap.
_COMPARED: Final = 64
_SIGN: Final = 1 << 63


class Likeness:
    """Simhashes of one frontier, by site."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def place(self, url: str, host: str, simhash: str) -> tuple[str, bool] | None:
        """Note the text of a page (16 hex digits), unless an earlier page of its site has nearly the same one.

        Then it is that page's URL, and whether the simhashes are equal.
        """
        number = int(simhash, 16)
        site, key = host_id(site_of(host)), url_key(url)
        places = quarters(number)
        with writing(self._store.path):
            db = self._store.begin()
            for place in places:
                for key_found, simhash_found, url_found in db.execute(
                    "SELECT key, simhash, url FROM likeness WHERE site = ? AND quarter = ? LIMIT ?",
                    (site, place, _COMPARED),
                ):
                    if key_found != key and alike(number, simhash_found % (1 << 64)):
                        return str(url_found), simhash_found % (1 << 64) == number
            stored = number - (1 << 64) if number >= _SIGN else number  # SQLite's integers are signed
            db.executemany(
                "INSERT OR REPLACE INTO likeness (site, quarter, key, simhash, url) VALUES (?, ?, ?, ?, ?)",
                [(site, place, key, stored, url) for place in places],
            )
        return None
