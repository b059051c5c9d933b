"""What tells tasks apart, as bytes: a key and its host's id, made where URLs are read, so that shards need not.

A shard's one core is what bounds a run; hashing is a fifth of what a URL costs it on its way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.model.url import host_digest, url_key

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A print is a URL's key and its host's digest.
KEY_BYTES: Final = 16
HOST_BYTES: Final = 8
PRINT_BYTES: Final = KEY_BYTES + HOST_BYTES


def key_of(text: str, host: str) -> bytes:
    """Make the key of a normalised URL, or (host "") of a line that is none: such a one is distinct by its text."""
    return url_key(text) if host else url_key(f"invalid:{text}")  # the prefix keeps it apart from any URL's


def prints(entries: Sequence[Sequence[Any]]) -> bytearray:
    """Make the prints of entries (see messages.TaskEntry), one after another."""
    of_hosts = {host: host_digest(host) for host in {entry[4] for entry in entries}}
    return bytearray().join(
        key_of(fetch_url or url, host) + of_hosts[host] for _, _, url, fetch_url, host, *_ in entries
    )


def some_of(found: bytearray, start: int, end: int) -> bytearray:
    """Give the prints of the entries from `start` up to `end`."""
    return found[start * PRINT_BYTES : end * PRINT_BYTES]
