"""Stand-ins for the pipeline that this engine succeeds: each carries one of its defects, in as few lines as show it.

:class:`Crawler` is sound as to what the checks of defects 1 to 4 ask, and each of them in turn puts one thing wrong; so
a check that fails here fails for that defect. Defect 8 is what it lacks altogether. Nothing here is copied.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urljoin, urlsplit

from PIL import Image
from resiliparse.extract.html2text import extract_plain_text

from engine.transport.base import REDIRECTS, Request, Response

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500


class Crawler:
    """Fetches URLs under a limit that rises by two with each full round of successes, and halves with a failure."""

    def __init__(self, web, *, limit=10, attempts=3, **_more):
        self.web = web
        self.limit = limit
        self.attempts = attempts
        self.running = 0
        self.successes = 0
        self.room = asyncio.Condition()

    async def crawl(self, urls):
        return {row["url"]: row for row in await asyncio.gather(*map(self.row, urls))}

    async def row(self, url):
        for attempt in range(self.attempts):
            if attempt:
                await asyncio.sleep(2.0 ** (attempt - 1))
            async with self.slot():
                response = await self.get(url)
            fails = response.status == TOO_MANY_REQUESTS or response.status >= SERVER_ERROR
            await self.outcome(good=not fails)
            if not fails:
                break
        kind = None if response.status in range(200, 300) else "http_status"
        return {"url": url, "status_code": response.status, "error_kind": kind}

    async def get(self, url) -> Response:
        at = urlsplit(url)
        exchange = await self.web.connect("http", at.hostname, 80)
        request = Request("GET", "http", at.hostname, 80, at.path)
        response = await exchange.send(request, max_body_bytes=0, on_bytes=lambda _: None, on_written=lambda: None)
        if response.status in REDIRECTS:
            return await self.get(urljoin(url, response.headers["Location"]))
        return response

    @asynccontextmanager
    async def slot(self):
        async with self.room:
            await self.room.wait_for(lambda: self.running < self.limit)
            self.running += 1
        try:
            yield
        finally:
            async with self.room:
                self.running -= 1
                self.room.notify_all()

    async def outcome(self, *, good):
        self.successes = self.successes + 1 if good else 0
        if not good:
            await self.set_limit(max(1, self.limit // 2))
        elif self.successes % 20 == 0:
            await self.set_limit(self.limit + 2)

    async def set_limit(self, limit):
        async with self.room:
            self.limit = limit
            self.room.notify_all()


class StrandsWaiters(Crawler):
    """Defect 1: another limit is another semaphore; who waits for the old one is never woken."""

    def __init__(self, web, **how):
        super().__init__(web, **how)
        self.semaphore = asyncio.Semaphore(self.limit)

    @asynccontextmanager
    async def slot(self):
        await self.semaphore.acquire()
        try:
            yield
        finally:
            self.semaphore.release()

    async def set_limit(self, limit):
        self.limit = limit
        self.semaphore = asyncio.Semaphore(limit)


class IgnoresStatus(Crawler):
    """Defect 2: whatever is answered is a success."""

    async def row(self, url):
        async with self.slot():
            response = await self.get(url)
        return {"url": url, "status_code": response.status, "error_kind": None}


class SleepsInItsSlot(Crawler):
    """Defect 3: the wait for another attempt holds the slot."""

    async def row(self, url):
        async with self.slot():
            for attempt in range(self.attempts):
                await asyncio.sleep(20 * attempt)
                response = await self.get(url)
                if response.status < SERVER_ERROR:
                    break
        return {"url": url, "status_code": response.status, "error_kind": None}


class BacksOffInLine(Crawler):
    """Defect 3: the waits grow by the same step."""

    async def row(self, url):
        for attempt in range(self.attempts):
            await asyncio.sleep(attempt)
            response = await self.get(url)
            if response.status < SERVER_ERROR:
                break
        return {"url": url, "status_code": response.status, "error_kind": None}


class LearnsFromSuccesses(Crawler):
    """Defect 3: a failure moves no limit."""

    async def outcome(self, *, good):
        if good:
            await super().outcome(good=True)


class Batches(Crawler):
    """Defect 4: a batch begins when the one before it is over."""

    def __init__(self, web, *, batch=100, **how):
        super().__init__(web, **how)
        self.batch = batch

    async def crawl(self, urls):
        rows = {}
        for at in range(0, len(urls), self.batch):
            rows |= await super().crawl(urls[at : at + self.batch])
        return rows


class ReadsOn(Crawler):
    """Defect 8: no robots.txt, no delay, no cap on a body, no final URL, and nothing kept for a resume: as it is."""

    async def crawl(self, urls, for_s=None):
        try:
            async with asyncio.timeout(for_s):
                return await super().crawl(urls)
        except TimeoutError:
            return {}


# -- pages: defect 5 is that they are parsed in this module, which has the loop ---------------------------------------


class Enricher:
    """Defects 6 and 9. Its call is that of the engine's pool: a row of a body."""

    def __init__(self, *, use_transformers=False):
        self.summarizer = str.title if use_transformers else None

    def row(self, body, content_type):
        row = {"content_type": content_type, "content_summary": "", "keywords": [], "error": None, "error_kind": None}
        try:
            if content_type.startswith("text/"):
                text = extract_plain_text(body.decode())
                row["keywords"] = text.split()[:10]
                row["content_summary"] = self.summarizer(text)  # which is not there: defect 6
            elif content_type.startswith("image/"):
                with Image.open(BytesIO(body)) as image:
                    media = {"width": image.width, "height": image.height}
                row["title"] = f"{content_type} of {len(media)} properties"  # and that is all: defect 9
        except Exception as error:  # noqa: BLE001 - as it was
            row |= {"error": str(error), "error_kind": "failed"}
        return row


@dataclass
class Config:
    """Defect 7: of these, one is read."""

    unread_max_workers: int = 50
    unread_batch_size: int = 100
    concurrency_in_use: int = 10


def crawler_of(config: Config, web) -> Crawler:
    return Crawler(web, limit=config.concurrency_in_use)


# -- its benchmark ----------------------------------------------------------------------------------------------------


def measure(run_async, mode, urls):
    """Defect 10: seconds for these URLs; of the Scrapy that it compares with nothing runs."""
    return run_async(urls) if mode == "async" else 1.0 * len(urls)


def scrapy_settings(_settings):
    """Defect 10: that Scrapy's settings, whatever ours are: one request a second."""
    return {"DOWNLOAD_DELAY": 1.0, "CONCURRENT_REQUESTS": 1, "CONCURRENT_REQUESTS_PER_DOMAIN": 1}
