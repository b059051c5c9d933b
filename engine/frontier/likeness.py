"""The texts of a shard's sites on disk, by simhash: to tell a page that is nearly the same as an earlier one.

An entry a quarter of the simhash (:mod:`engine.policy.sameness`), found by equality and compared in full. Written when
a page is judged, perhaps before its row is committed: so a page is never taken for like itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.frontier.schema import writing
from engine.model.url import host_id, site_of, url_key
from engine.policy.sameness import alike, any_alike, quarters

if TYPE_CHECKING:
    from engine.frontier.store import Store

#: Texts of one quarter that are compared: a site with more of them has a kind of text, not a trap.
_COMPARED: Final = 64
_SIGN: Final = 1 << 63
#: Most pages are like no other: the simhashes alone are read first.
_SIMHASHES: Final = "SELECT simhash FROM likeness WHERE site = ? AND quarter = ? LIMIT ?"
_TEXTS: Final = "SELECT key, simhash, url FROM likeness WHERE site = ? AND quarter = ? LIMIT ?"


class Likeness:
    """Simhashes of one frontier, by site."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def place(self, url: str, host: str, simhash: str) -> tuple[str, bool] | None:
        """Note the text of a page (16 hex digits), unless an earlier page of its site has nearly the same one.

        Then it is that page's URL, and whether the simhashes are equal.
        """
        number = int(simhash, 16)
        signed = number - (1 << 64) if number >= _SIGN else number  # SQLite's integers are signed
        site, key = host_id(site_of(host)), url_key(url)
        places = quarters(number)
        with writing(self._store.path):
            db = self._store.begin()
            for place in places:
                where = (site, place, _COMPARED)
                if not any_alike(signed, db.execute(_SIMHASHES, where).fetchall()):
                    continue
                for key_found, found, url_found in db.execute(_TEXTS, where):
                    if key_found != key and alike(signed, found):
                        return str(url_found), found == signed
            db.executemany(
                "INSERT OR REPLACE INTO likeness (site, quarter, key, simhash, url) VALUES (?, ?, ?, ?, ?)",
                [(site, place, key, signed, url) for place in places],
            )
        return None
