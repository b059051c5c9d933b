"""A process that uses a cache folder: `cache_child.py FOLDER MAX_BYTES FIRST LAST`.

Stores pages FIRST to LAST-1 and says "wrote" after each flush; with LAST 0 it goes on until it is killed.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from engine.policy.freshness import Stored
from engine.transport.cache_disk import DiskCache

REQUEST = (("User-Agent", "enrich-engine/1"),)


def url(number):
    return f"http://h{number % 7}.test/page/{number}"


def body(number):
    return b"".join(b"<p>page %d, line %d</p>\n" % (number, line) for line in range(400 + number % 100))


def row_fields(number):
    return b'{"title":"page %d"}' % number


def stored(number):
    return Stored(200, (("ETag", f'"{number}"'), ("Cache-Control", "max-age=60")), 1e9, 1e9)


def main():
    folder, max_bytes, first, last = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    cache = DiskCache(folder, max_bytes)
    for number in range(first, last) if last else count(first):
        entry = cache.store(url(number), REQUEST, stored(number), body(number))
        cache.store_row_fields(entry, "settings", row_fields(number))
        if number % 10 == 0:
            cache.flush()
            print("wrote", flush=True)  # noqa: T201 - what the test waits for
    cache.close()


if __name__ == "__main__":
    main()
