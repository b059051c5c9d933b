"""What tells tasks apart, as bytes: a key and its host's id, made where URLs are read, so that shards need not.

A shard's one core is what bounds a run; hashing is a fifth of what a URL costs it on its way in.
"""

from __future__ import annotations

from typing import Final

from engine.model.url import url_key

#: A print is a URL's key and its host's digest.
KEY_BYTES: Final = 16
HOST_BYTES: Final = 8
PRINT_BYTES: Final = KEY_BYTES + HOST_BYTES


def key_of(text: str, host: str) -> bytes:
    """Make the key of a normalised URL, or (host "") of a line that is none: such a one is distinct by its text."""
    return url_key(text) if host else url_key(f"invalid:{text}")  # the prefix keeps it apart from any URL's
