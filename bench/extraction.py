"""Main text and metadata of real pages against the truth, and pages a CPU second, by page type.

    python bench/extraction.py FOLDER [--rounds 3] [--json FILE]

FOLDER as in bench/lib/truth.py. Judged: the engine's extractors `fast` and `careful` (the source's text to main text,
parsing included), and beside them resiliparse and trafilatura as they come. Then title, author and date: the share of
the pages that have one where ours, or trafilatura's, is the same (case and white space folded; the date to the day; a
page that gives only a date of change has that). trafilatura is the extra `careful`: without it, its rows are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections import Counter
from pathlib import Path

from lib.truth import judge, mean, read_pages, snippet_rate, words
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from engine.nlp import maintext
from engine.nlp.blocks import read_blocks
from engine.nlp.charset import decode
from engine.nlp.cuts import without_code
from engine.nlp.html import extract_html

HAS_TRAFILATURA = importlib.util.find_spec("trafilatura") is not None


def ours(main_text):
    return lambda source: main_text(read_blocks(without_code(source, [])), source)


def resiliparse(source):
    return extract_plain_text(
        HTMLTree.parse(source), main_content=True, alt_texts=False, list_bullets=False, preserve_formatting=True
    )


def extractors():
    """Each extractor's name, and the function from a page's source to its main text."""
    found = {"fast": ours(maintext.fast)}
    if HAS_TRAFILATURA:
        found["careful"] = ours(maintext.load_careful())
    found["resiliparse"] = resiliparse
    if HAS_TRAFILATURA:
        import trafilatura  # noqa: PLC0415 - an optional extra

        found["trafilatura"] = lambda source: trafilatura.extract(source) or ""
        found["trafilatura fast"] = lambda source: trafilatura.extract(source, fast=True) or ""
    return found


def timed(extract, sources):
    start = time.process_time()
    texts = [extract(source) for source in sources]
    return texts, time.process_time() - start


def measure(pages, rounds):
    """{extractor: its texts, and the least CPU seconds of all rounds}; in turns, so that all meet the same machine."""
    sources = [decode(page.body, None).text for page in pages]
    results = {}
    for _ in range(rounds):
        for name, extract in extractors().items():
            texts, seconds = timed(extract, sources)
            results[name] = texts, min(seconds, results.get(name, (None, seconds))[1])
    return results


def report_text(pages, results):
    truths = [Counter(words(page.text)) for page in pages]
    rows = {}
    for name, (texts, seconds) in results.items():
        judged = [judge(Counter(words(text)), truth) for text, truth in zip(texts, truths, strict=True)]
        print(f"\n{name}: {len(pages) / seconds:,.0f} pages a CPU second, {seconds / len(pages) * 1000:.2f} ms a page")
        print(f"  {'':14} {'pages':>5} {'F1':>6} {'prec.':>6} {'recall':>6} {'with':>6} {'without':>7}")
        for kind in [*dict.fromkeys(page.kind for page in pages), "all"]:
            of = [number for number, page in enumerate(pages) if kind in {page.kind, "all"}]
            row = {
                "pages": len(of),
                "f1": mean(judged[n][2] for n in of),
                "precision": mean(judged[n][0] for n in of),
                "recall": mean(judged[n][1] for n in of),
                "with": mean(snippet_rate(texts[n], pages[n].kept) for n in of),
                "without": mean(snippet_rate(texts[n], pages[n].dropped) for n in of),
            }
            rows[f"{name}/{kind}"] = row
            values = [row[key] for key in ("f1", "precision", "recall", "with")]
            print(f"  {kind:14} {len(of):5} " + " ".join(f"{v:6.3f}" for v in values) + f" {row['without']:7.3f}")
        rows[f"{name}/all"]["ms_per_page"] = seconds / len(pages) * 1000
    speed = results["resiliparse"][1] / results["fast"][1]
    rows["fast/all"]["speed_to_resiliparse"] = speed
    print(f"\nfast: {speed:.2f} times resiliparse's speed")
    return rows


def fold(text):
    return " ".join((text or "").casefold().split())


def our_metadata(page):
    found = extract_html(page.body, None, page.url, lambda _blocks, _source: "")
    date = found.metadata.get("published_at") or found.metadata.get("modified_at") or ""
    return {"title": found.title, "author": found.metadata.get("author"), "date": date[:10]}


def their_metadata(page):
    from trafilatura import extract_metadata  # noqa: PLC0415 - likewise

    found = extract_metadata(page.body, default_url=page.url)
    return {"title": found.title, "author": found.author, "date": found.date} if found else {}


def report_metadata(pages):
    sources = {"ours": our_metadata, "trafilatura": their_metadata} if HAS_TRAFILATURA else {"ours": our_metadata}
    rows = {}
    print(f"\n{'metadata':14} {'pages':>5} " + " ".join(f"{name:>12} {'if none':>8}" for name in sources))
    found = {name: [read(page) for page in pages] for name, read in sources.items()}
    for key in ("title", "author", "date"):
        truths = [getattr(page, key) for page in pages]
        line = f"  {key:12} {sum(map(bool, truths)):5} "
        for name in sources:
            values = [value.get(key) for value in found[name]]
            right = [fold(value) == fold(truth) for value, truth in zip(values, truths, strict=True) if truth]
            invented = [bool(value) for value, truth in zip(values, truths, strict=True) if not truth]
            rows[f"{name}/{key}"] = {"right": mean(right), "given_where_none": mean(invented)}
            line += f"{mean(right):12.3f} {mean(invented):8.3f} "
        print(line)
    print("  (if none: the share of the pages without one in the truth for which one is given)")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    pages = read_pages(options.folder)
    if not HAS_TRAFILATURA:
        print("careful and trafilatura are left out: pip install 'enrich-engine[careful]'")
    rows = report_text(pages, measure(pages, options.rounds)) | report_metadata(pages)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
