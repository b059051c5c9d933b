"""One crawl from a stage's list to its file. The file is written aside, and takes its name when all rows are in it."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import ExitCode, OutputError, UsageError
from engine.observe.tell import tell
from engine.output.codec import OUTPUT_NAME
from engine.supervisor.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from engine.supervisor.plan import RunRequest

INSTALL: Final = "pip install 'enrich-engine[scrapy]'"


def require_scrapy() -> None:
    """Refuse to begin where the extra is missing."""
    if find_spec("scrapy") is None:
        raise UsageError(f"--no-async-enrichment needs Scrapy: {INSTALL}")


def run_scrapy(request: RunRequest) -> ExitCode:
    """Carry out a stage's request through Scrapy; begins anew each time. Raises UsageError, OutputError."""
    require_scrapy()
    if (request.folder / MANIFEST_NAME).exists():
        raise UsageError(
            f"{request.folder} holds a run of the engine's own: take another pipeline.data_dir, or move it"
        )
    if request.loaded.settings.output.compression != "none":
        raise UsageError("output.compression is none through Scrapy (--no-async-enrichment)")
    from scrapy.crawler import CrawlerProcess  # noqa: PLC0415 - an extra

    from engine.stages.scrapy_mode.mapped import scrapy_settings  # noqa: PLC0415 - needs the extra
    from engine.stages.scrapy_mode.spider import EnrichSpider, entries_of  # noqa: PLC0415 - likewise

    settings = request.loaded.settings
    output = request.folder / OUTPUT_NAME
    aside = output.with_name(f"{OUTPUT_NAME}.tmp")
    (source,) = request.sources
    process = CrawlerProcess(scrapy_settings(settings))
    logging.getLogger("scrapy").setLevel(logging.CRITICAL)  # not shown anyway, and some records a page
    crawler = process.create_crawler(EnrichSpider)
    try:
        request.folder.mkdir(parents=True, exist_ok=True)
        with Path(source).open("rb") as lines, aside.open("wb") as file:
            process.crawl(crawler, settings, entries_of(lines), file.write)
            process.start()
        reason = crawler.stats.get_value("finish_reason") if crawler.stats else None
        if reason != "finished":
            tell(f"stopped: {reason}; through Scrapy a stage cannot go on, the same command begins anew\n")
            return ExitCode.INTERRUPTED
        aside.replace(output)
    except OSError as error:
        raise OutputError(f"{error.filename or output}: {error.strerror}") from error
    return ExitCode.COMPLETE
