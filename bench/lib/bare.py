"""The yardstick: a bare aiohttp + uvloop ClientSession loop that writes the engine's JSON lines.

`bare.py LIST OUT PORT CONCURRENCY [--no-timeouts]`: so many workers take URLs from LIST, every host is 127.0.0.1 and
every port PORT (0: as the URLs say). No robots.txt, no retries, no frontier: what is left is HTTP and the row.
--no-timeouts also leaves out the two time limits a request that aiohttp sets by default.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import orjson
import uvloop
from aiohttp.abc import AbstractResolver, ResolveResult

from engine.model.record import Fetched, base_row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO


class Loopback(AbstractResolver):
    """Every name is this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is held."""


async def worker(session: aiohttp.ClientSession, urls: Iterator[str], port: int, out: IO[bytes]) -> None:
    for url in urls:
        began = time.monotonic()
        host, _, path = url.removeprefix("http://").partition("/")
        async with session.get(f"http://{host}:{port}/{path}" if port else url) as response:
            body = await response.read()
        fetched = Fetched(
            url=url, fetch_url=url, shard=0, final_url=url, status_code=response.status,
            content_type=response.headers.get("Content-Type", ""), content_length=len(body), attempts=1,
            fetch_duration_ms=(time.monotonic() - began) * 1000,
        )  # fmt: skip
        row = base_row(fetched, datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))
        out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


async def fetch(options: argparse.Namespace) -> None:
    connector = aiohttp.TCPConnector(limit=options.concurrency, resolver=Loopback(), ttl_dns_cache=3600)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=None) if options.no_timeouts else aiohttp.ClientTimeout()
    if not options.no_timeouts:
        timeout = aiohttp.ClientTimeout(total=300, sock_connect=30)  # aiohttp's own defaults
    urls = (line.rstrip("\n") for line in options.list.open())
    gc.freeze()
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        with options.out.open("wb", buffering=1 << 18) as out:
            async with asyncio.TaskGroup() as group:
                for _ in range(options.concurrency):
                    group.create_task(worker(session, urls, options.port, out))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("list", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("concurrency", type=int)
    parser.add_argument("--no-timeouts", action="store_true")
    uvloop.run(fetch(parser.parse_args()))


if __name__ == "__main__":
    main()
