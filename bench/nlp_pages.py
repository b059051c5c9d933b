"""What a page costs from its bytes to its row: pages a CPU second, and milliseconds a page for each part.

    python bench/nlp_pages.py FOLDER [--pipeline builtin] [--rounds 2] [--extractor fast]

FOLDER holds pages as *.html or *.html.gz (the latter are unpacked first: an engine gets them so from a connection). In
one process, without sockets. The first round meets new words, as a crawl does; later rounds are of known ones. The
parts are measured in a round of their own.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections import Counter
from pathlib import Path

from engine.model.record import Fetched
from engine.nlp.analyse import Analyser
from engine.nlp.entities import list_entities
from engine.nlp.keywords import keywords
from engine.nlp.language import detect_language
from engine.nlp.page import Page
from engine.nlp.summary import summarise
from engine.nlp.terms import Kinds, Terms
from engine.nlp.worker import PageWorker
from engine.settings import Settings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pipeline", default="builtin")
    parser.add_argument("--extractor", default="fast")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    bodies = [
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in sorted(options.folder.glob("*.html*"))
    ]
    pages = [page_of(number, body) for number, body in enumerate(bodies)]
    settings = Settings.model_validate(
        {"nlp": {"pipeline": options.pipeline}, "extract": {"extractor": options.extractor}}
    )
    worker = PageWorker(settings)
    worker.work(pages[0])
    for number in range(options.rounds):
        start = time.process_time()
        for page in pages:
            worker.work(page)
        seconds = time.process_time() - start
        each_ms = seconds / len(pages) * 1000
        print(f"round {number + 1}: {1000 / each_ms:.1f} pages a CPU second, {each_ms:.2f} ms a page")
    for part, seconds in sorted(parts(worker, settings, pages).items(), key=lambda item: -item[1]):
        print(f"  {part:20} {seconds / len(pages) * 1000:6.2f} ms")


def page_of(number, body):
    url = f"http://a.example/{number}"
    fetched = Fetched(url=url, fetch_url=url, shard=0, status_code=200)
    return Page(number, alone=False, fetched=fetched, content_type="text/html", body=body)


def parts(worker, settings, pages):
    """CPU seconds of each part over all pages."""
    spent = Counter()

    def timed(part, function, *arguments):
        start = time.process_time()
        result = function(*arguments)
        spent[part] += time.process_time() - start
        return result

    nlp = Analyser(settings.nlp)._nlp  # noqa: SLF001 - the parts of what it does, one by one
    kinds = {}
    for page in pages:
        extracted = timed("extract", worker._extractor.extract, page.body, page.content_type, page.fetched.fetch_url)  # noqa: SLF001
        text = extracted.text[: settings.extract.max_text_length or None]
        language = timed("language", detect_language, text, extracted.language_hint)
        if nlp is None:
            continue
        doc = timed("tokenizer", nlp.make_doc, text)
        if not len(doc):
            continue
        for name, component in nlp.pipeline:
            doc = timed(name, component, doc)
        timed("entity list", list_entities, doc)
        terms = timed("terms", Terms, doc, kinds.setdefault(language, Kinds(nlp.vocab, language)))
        timed("keywords", keywords, terms, settings.nlp.top_keywords)
        timed("summary", summarise, terms, text, extracted.title, settings.nlp.summary_max_chars)
    return spent


if __name__ == "__main__":
    main()
