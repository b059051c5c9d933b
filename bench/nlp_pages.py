"""What a page costs from its bytes to its row: pages a CPU second, and milliseconds a page for each field and part.

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
from engine.nlp.blocks import read_blocks
from engine.nlp.bounds import bound_tags
from engine.nlp.charset import decode
from engine.nlp.cuts import without_code
from engine.nlp.entities import list_entities
from engine.nlp.fingerprint import content_hash, simhash
from engine.nlp.keywords import keywords
from engine.nlp.language import detect_language
from engine.nlp.page import Page
from engine.nlp.page_facts import tell
from engine.nlp.rowmaker import encode_row, make_row
from engine.nlp.summary import summarise
from engine.nlp.terms import Kinds, Terms
from engine.nlp.text import count_words
from engine.nlp.values import Analysis
from engine.nlp.worker import PageWorker
from engine.settings import Settings

#: What a row's fields are made by.
FIELDS = {
    "for all: the source decoded, and its code cut out": ("source",),
    "title, metadata, has_pdf_links, has_audio_links": ("metadata",),
    "text_content": ("text",),
    "language": ("language",),
    "for the next three: tokens and sentences": ("tokens", "engine_sentences"),
    "entities": ("entities",),
    "keywords": ("terms", "keywords"),
    "content_summary": ("summary",),
    "content_hash, simhash": ("hashes",),
    "the row as JSON, word_count": ("row",),
}
COMPONENTS = ("engine_shapes", "engine_facts", "engine_ner", "engine_names", "engine_phrases")


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
    spent = parts(worker, settings, pages)
    fields = {field: sum(spent.pop(part, 0) for part in made_by) for field, made_by in FIELDS.items()}
    for title, group in (("fields", fields), ("of which entities, by component", spent)):
        print(title)
        for part, seconds in sorted(group.items(), key=lambda item: -item[1]):
            print(f"  {part:48} {seconds / len(pages) * 1000:6.2f} ms")


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
    extractor = worker._extractor  # noqa: SLF001 - likewise
    main_text = extractor._main_text  # noqa: SLF001 - likewise
    kinds = {}
    for page in pages:
        source = timed("source", lambda body: bound_tags(decode(body, None).text), page.body)
        markup = timed("source", without_code, source, [])
        timed("text", lambda markup, source: main_text(read_blocks(markup), source), markup, source)
        extracted = timed("extract", extractor.extract, page.body, page.content_type, page.fetched.fetch_url)
        text = extracted.text[: settings.extract.max_text_length or None]
        language = timed("language", detect_language, text, extracted.language_hint)
        doc = timed("tokens", nlp.make_doc, text) if nlp is not None else ()
        analysis = Analysis(language)
        if len(doc):
            tell(doc, extracted.names, language)
            for name, component in nlp.pipeline:
                doc = timed(name, component, doc)
            analysis.entities = timed("entity list", list_entities, doc)
            terms = timed("terms", Terms, doc, kinds.setdefault(language, Kinds(language)))
            analysis.keywords = timed("keywords", keywords, terms, settings.nlp.top_keywords)
            analysis.summary = timed("summary", summarise, terms, text, extracted.title, settings.nlp.summary_max_chars)
        timed("hashes", lambda text: (content_hash(text), simhash(text.split())), extracted.text)
        row = make_row(page.fetched, extracted, analysis, tags=(), max_text_length=settings.extract.max_text_length)
        timed("row", encode_row, row)
        timed("row", count_words, extracted.text)
    spent["metadata"] = spent.pop("extract") - spent["source"] - spent["text"]
    spent["entities"] = sum(spent[name] for name in COMPONENTS if name in spent) + spent["entity list"]
    return spent


if __name__ == "__main__":
    main()
