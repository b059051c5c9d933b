"""Lists of URLs. Every host of `host{n}.test` is a site of its own: the list of public suffixes knows no "test"."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def write(path: Path, urls: Iterable[str]) -> Path:
    """One URL a line."""
    with path.open("w") as file:
        file.writelines(f"{url}\n" for url in urls)
    return path


def spread(hosts: int, urls: int, name: str = "http://ok-{host}.test/{page}.html") -> Iterable[str]:
    """`urls` URLs, the hosts in turn."""
    return (name.format(host=number % hosts, page=number // hosts) for number in range(urls))


def shuffled(urls: Iterable[str], seed: int = 1) -> list[str]:
    found = list(urls)
    random.Random(seed).shuffle(found)  # noqa: S311 - the same order each time
    return found
