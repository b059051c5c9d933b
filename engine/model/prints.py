"""What tells tasks apart, as bytes: a key and its host's id, made where URLs are read, so that shards need not.

A shard's one core is what bounds a run; hashing is a fifth of what a URL costs it on its way in.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.model.url import host_id, url_key

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The host's id, as :func:`engine.model.url.host_id` makes it.
_HOST: Final = Struct(">q")
_PRINT: Final = np.dtype([("key", "S16"), ("host", ">i8")])


def host_print(host: str) -> bytes:
    """Give the part of a print that all URLs of a host share."""
    return _HOST.pack(host_id(host))


def key_of(text: str, host: str) -> bytes:
    """Make the key of a normalised URL, or (host "") of a line that is none: such a one is distinct by its text."""
    return url_key(text) if host else url_key(f"invalid:{text}")  # the prefix keeps it apart from any URL's


def prints(entries: Sequence[Sequence[Any]]) -> bytearray:
    """Make the prints of entries (see messages.TaskEntry), one after another."""
    of_hosts = {host: host_print(host) for host in {entry[4] for entry in entries}}
    return bytearray().join(
        key_of(fetch_url or url, host) + of_hosts[host] for _, _, url, fetch_url, host, *_ in entries
    )


def keys_and_hosts(found: bytes | bytearray) -> tuple[bytes, list[int]]:
    """Give the keys in prints, one after another, and the hosts' ids."""
    made = np.frombuffer(found, _PRINT)
    return made["key"].tobytes(), made["host"].tolist()


def some_of(found: bytearray, start: int, end: int) -> bytearray:
    """Give the prints of the entries from `start` up to `end`."""
    return found[start * _PRINT.itemsize : end * _PRINT.itemsize]


def these_of(found: bytes | bytearray, places: list[int]) -> bytes:
    """Give the prints at these places."""
    return np.frombuffer(found, _PRINT)[places].tobytes()
