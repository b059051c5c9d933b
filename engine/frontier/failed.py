"""Where a shard's URLs failed, by kind and host: read from its file, also while the shard is writing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.frontier.results import FAILED
from engine.frontier.sitebudget import OVER_BUDGET

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

#: What failed in this opening lies in `log`, what failed before in `result`, a few in both: UNION counts them once. The
#: first task of a group is its example.
_GROUPS: Final = f"""
SELECT f.kind, h.name, f.count, t.url
FROM (
  SELECT kind, host, count(*) AS count, min(n) AS n
  FROM (
    SELECT kind, host, n FROM log WHERE state = {FAILED}
    UNION SELECT kind, host, n FROM result WHERE state = {FAILED}
  ) GROUP BY kind, host
) f JOIN host h ON h.id = f.host JOIN task t ON t.n = f.n
"""  # noqa: S608 - a constant


class FailedGroup(NamedTuple):
    """The failures of one kind at one host ("": lines that are no URL, or URLs beyond their site's budget)."""

    kind: str
    host: str
    failed: int
    url: str


def failed_groups(db: sqlite3.Connection) -> Iterator[FailedGroup]:
    """All groups, in no order; as many as hosts have failed, so not to be kept."""
    for kind, host, count, url in db.execute(_GROUPS):
        yield FailedGroup(kind, "" if host == OVER_BUDGET else host, count, url)
