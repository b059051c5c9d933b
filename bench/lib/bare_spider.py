"""Scrapy without anything of ours: a spider that fetches each URL and writes one short line for it.

`bare_spider.py LIST OUT CONCURRENCY PER_HOST [--fast]`: the yardstick of what Scrapy's own machinery costs. robots.txt
is obeyed and nobody waited for, as by the others; else Scrapy's defaults. --fast: tuned as our Scrapy mode is.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import IO, TYPE_CHECKING

import orjson
from scrapy import Request, Spider
from scrapy.crawler import CrawlerProcess

from engine.stages.scrapy_mode.mapped import FAST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scrapy.http import Response
    from twisted.python.failure import Failure


class BareSpider(Spider):
    """A line for each answer, or for why there is none."""

    name = "bare"

    def __init__(self, urls: list[str], out: IO[bytes]) -> None:
        super().__init__()
        self.urls = urls
        self.out = out

    async def start(self) -> AsyncIterator[Request]:
        for url in self.urls:
            yield Request(url, self.answered, errback=self.failed, dont_filter=True)

    def answered(self, response: Response) -> None:
        self.tell({"url": response.url, "status_code": response.status, "content_length": len(response.body)})

    def failed(self, failure: Failure) -> None:
        self.tell({"url": vars(failure)["request"].url, "error": str(failure.value)})

    def tell(self, line: dict[str, object]) -> None:
        self.out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("list", type=Path)
    asked.add_argument("out", type=Path)
    asked.add_argument("concurrency", type=int)
    asked.add_argument("per_host", type=int)
    asked.add_argument("--fast", action="store_true")
    options = asked.parse_args()
    process = CrawlerProcess({
        "CONCURRENT_REQUESTS": options.concurrency, "CONCURRENT_REQUESTS_PER_DOMAIN": options.per_host,
        "DOWNLOAD_DELAY": 0, "ROBOTSTXT_OBEY": True, "HTTPERROR_ALLOW_ALL": True, "LOG_ENABLED": False,
        **({"COOKIES_ENABLED": False, "TELNETCONSOLE_ENABLED": False, **FAST} if options.fast else {}),
    })  # fmt: skip
    if options.fast:
        logging.getLogger("scrapy").setLevel(logging.CRITICAL)
    with options.out.open("wb") as out:
        process.crawl(BareSpider, options.list.read_text().split(), out)
        process.start()


if __name__ == "__main__":
    main()
