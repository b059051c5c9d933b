"""Which shard owns a site.

The law: a function of the site's name and the number of shards alone, the same in every process, machine and version of
Python (so no `hash()`); the number of shards is fixed when the run folder is made.
"""

from __future__ import annotations

from hashlib import blake2b


def shard_of(site: str, shards: int) -> int:
    """Find the shard, in [0, shards), that owns every URL of `site` (a registrable domain)."""
    digest = blake2b(site.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards
