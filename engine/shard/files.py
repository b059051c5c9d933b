"""How many connections this process may hold: the limit of open files, raised as far as the system lets us."""

from __future__ import annotations

import resource
from typing import Final

#: Files that are not connections to servers: frontier, part, log, sockets to children, the loop's own.
RESERVED: Final = 64

#: Beyond this a shard needs none; an unlimited hard limit is not to be taken literally.
MOST: Final = 65_536


def raise_limit() -> int:
    """Raise the soft limit of open files to the hard one; how many of them connections may take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return max(2, (MOST if soft == resource.RLIM_INFINITY else soft) - RESERVED)
