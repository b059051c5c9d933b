"""Pages made to hurt whoever reads them: one kind of harm each, at any size.

`POISONS[name](scale)` gives (body, content type). At scale 1 a page is as bad as its name says (a million entities,
50 MB in one line); tests take a hundredth. Most are a short text repeated, and all start or end with a plain sentence,
so that what is read of them can be looked at. Files that are no text are in poison_files.py.
"""

# ruff: noqa: RUF001 - letters of other scripts are poison here

from __future__ import annotations

import itertools
import json
import random
from typing import TYPE_CHECKING, Final

from web import poison_files
from web.registry import HTML

if TYPE_CHECKING:
    from collections.abc import Callable

    Poison = Callable[[float], tuple[bytes, str]]

SENTENCE: Final = "The harbour master of Calder Point read the whole of this page and was none the worse for it."
TEXT: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"
XML: Final = "application/xml"
MARKDOWN: Final = "text/markdown; charset=utf-8"
_MB: Final = 1_000_000


def html(body: str, head: str = "") -> tuple[bytes, str]:
    source = f"<!doctype html><html lang=en><head><title>Poison</title>{head}</head><body><p>{SENTENCE}</p>{body}"
    return source.encode(), HTML


def _markup(piece: str, times: float, before: str = "", after: str = "") -> Poison:
    """A page whose body is `piece`, so many times; {n} in it is the number of the repetition."""
    return lambda scale: html(before + _repeated(piece, times * scale) + after)


def _head(piece: str, times: float) -> Poison:
    return lambda scale: html("", _repeated(piece, times * scale))


def _plain(piece: str, times: float, kind: str = TEXT) -> Poison:
    return lambda scale: (f"{SENTENCE} {_repeated(piece, times * scale)}".encode(), kind)


def _repeated(piece: str, times: float) -> str:
    count = max(2, int(times))
    return "".join(piece.replace("{n}", str(n)) for n in range(count)) if "{n}" in piece else piece * count


def _wrapped(opening: str, closing: str, times: float, inner: str = SENTENCE) -> Poison:
    """A page with elements in each other, all of them closed again."""
    return lambda scale: html(
        opening * max(2, int(times * scale)) + f"<p>{inner}</p>" + closing * max(2, int(times * scale))
    )


def _script(text: str, scale_by: float, before: str = "", after: str = "") -> Poison:
    """A page with JSON-LD of this text."""
    return lambda scale: html(
        "",
        f'<script type="application/ld+json">{before}{text * max(2, int(scale_by * scale))}{after}</script>',
    )


def _attributes(scale: float) -> tuple[bytes, str]:
    many = " ".join(f"a{n}=b" for n in range(int(200_000 * scale)))
    return html(f"<div {many}>{SENTENCE}</div>")


def _random_bytes(scale: float) -> bytes:
    return random.Random(1).randbytes(int(5 * _MB * scale))  # noqa: S311 - the same bytes each time


def _formatting(scale: float) -> tuple[bytes, str]:
    """Formatting elements that stay open are made again in each paragraph: their product in nodes."""
    opened = "".join(f"<b id={n}>" for n in range(max(20, int(5_000 * scale))))
    return html(opened + f"<p>{SENTENCE[:20]}" * max(20, int(5_000 * scale)))


def _every_author(scale: float) -> tuple[bytes, str]:
    """Elements whose text is all of the page, in each other."""
    deep = max(20, int(900 * scale))
    return html('<div class="author date" itemprop=author>' * deep + f"<p>{SENTENCE}" * int(100_000 * scale))


def _headers(scale: float) -> tuple[bytes, str]:
    deep = max(20, int(900 * scale))
    return html("<header>" * deep + f"<p>{SENTENCE}" * int(100_000 * scale))


def _nested_json(scale: float) -> tuple[bytes, str]:
    deep = int(1_000_000 * scale)
    return b"[" * deep + b'"deep"' + b"]" * deep, JSON


def _json_objects(scale: float) -> tuple[bytes, str]:
    return json.dumps([{"name": f"{SENTENCE} {n}"} for n in range(int(200_000 * scale))]).encode(), JSON


def _laughs(scale: float) -> tuple[bytes, str]:
    """Ten entities, each ten of the one before: 10^10 laughs."""
    levels = range(1, max(3, int(10 * scale) + 1))
    entities = "".join(f"<!ENTITY e{n} '{_repeated('&e#;', 10)}'>".replace("#", str(n - 1)) for n in levels)
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e0 "ha">{entities}]><r>&e9;</r>'.encode(), XML


def _quadratic(scale: float) -> tuple[bytes, str]:
    long = "a" * int(200_000 * scale)
    return f'<!DOCTYPE r [<!ENTITY x "{long}">]><r>{"&x;" * int(20_000 * scale)}</r>'.encode(), XML


def _deep_xml(scale: float) -> tuple[bytes, str]:
    deep = int(1_000_000 * scale)
    return b"<r>" + b"<a>" * deep + SENTENCE.encode() + b"</a>" * deep + b"</r>", XML


def _feed(scale: float) -> tuple[bytes, str]:
    """A feed whose entries hold pages that nest deep."""
    page = "<![CDATA[" + "<div>" * 20_000 + SENTENCE + "]]>"
    items = f"<item><description>{page}</description></item>" * max(1, int(100 * scale))
    return f"<rss><channel><title>Poison</title>{items}</channel></rss>".encode(), XML


def _two_scripts(scale: float) -> tuple[bytes, str]:
    """Words of many scripts, none of them known: each is new to the vocabulary."""
    draw = random.Random(2)  # noqa: S311 - the same text each time
    letters = "abcdefghijklmnopqrstuvwxyzäöüßéèабвгдежзийклмαβγδεζ漢字仮名交文"
    words = ("".join(draw.choices(letters, k=9)) for _ in range(int(300_000 * scale)))
    return html("<p>" + " ".join(words))


#: All that are text. Times and sizes are those of scale 1.
POISONS: Final[dict[str, Poison]] = {
    # Nesting.
    "nested-open": _markup("<div>", 100_000, after=f"<p>{SENTENCE}</p>"),
    "nested-closed": _wrapped("<div>", "</div>", 100_000),
    "nested-inline": _wrapped("<span>", "</span>", 100_000),
    "nested-lists": _wrapped("<ul><li>", "</li></ul>", 50_000),
    "nested-tables": _wrapped("<table><tr><td>", "</td></tr></table>", 30_000),
    "nested-paragraphs": _markup("<p><table><tr><td>", 30_000, after=SENTENCE),
    "nested-buttons": _markup("<button><p>", 30_000, after=SENTENCE),
    "nested-svg": _wrapped("<svg><foreignObject>", "</foreignObject></svg>", 30_000),
    "nested-templates": _wrapped("<template>", "</template>", 50_000),
    "nested-custom": _markup("<x-{n}>", 100_000, after=f"<p>{SENTENCE}</p>"),
    "nested-items": _markup("<dl><dd><p>", 30_000, after=SENTENCE),
    "nested-headers": _headers,
    "nested-authors": _every_author,
    "formatting": _formatting,
    "formatting-links": _markup("<a href={n}><div>", 30_000, after=SENTENCE),
    "formatting-misnested": _markup("<b><i></b>x</i>", 300_000),
    "formatting-tables": _markup("<table><b>x", 30_000),
    "formatting-fonts": _markup("<font size={n}><p>", 20_000, after=SENTENCE),
    "ends-without-starts": _markup("</p></br></b></a>", 300_000, after=SENTENCE),
    # Long lines, long words.
    "one-line": lambda scale: html("<p>" + f"{SENTENCE} " * int(50 * _MB * scale / len(SENTENCE))),
    "one-line-text": _plain(f"{SENTENCE} ", 50 * _MB / len(SENTENCE)),
    "short-words": lambda scale: html("<p>" + "ab cd ef " * int(5 * _MB * scale)),
    "short-words-text": _plain("ab cd ef ", 5 * _MB),
    "one-word": lambda scale: html("<p>" + "a" * int(50 * _MB * scale)),
    "one-word-wide": lambda scale: html("<p>" + "\U0001f600" * int(12 * _MB * scale)),
    "huge-title": lambda scale: html("", "<title>" + "title " * int(4 * _MB * scale)),
    "huge-heading": lambda scale: html("<h1>" + "heading " * int(3 * _MB * scale)),
    "huge-comment": lambda scale: html("<!--" + "comment " * int(3 * _MB * scale) + "-->"),
    "huge-attribute": lambda scale: html(f'<div class="{"word " * int(4 * _MB * scale)}">{SENTENCE}</div>'),
    "huge-link": lambda scale: html(f'<a href="{"/x.pdf" * int(3 * _MB * scale)}">{SENTENCE}</a>'),
    "huge-robots": lambda scale: html("", f'<meta name=robots content="{"noindex, " * int(2 * _MB * scale)}">'),
    "huge-class-each": _markup(f'<p class="{"word-{n} " * 20}">x', 30_000),
    "huge-meta": _head('<meta name=description content="' + "word " * 200_000 + '">', 20),
    # Bytes that are no text.
    "nul-bytes": lambda scale: (b"<!doctype html><p>" + b"\0" * int(10 * _MB * scale) + SENTENCE.encode(), HTML),
    "nul-between": lambda scale: (html(SENTENCE)[0] + b"<p>a\0b\0" * int(1 * _MB * scale), HTML),
    "broken-utf-8": lambda scale: (html(SENTENCE)[0] + _random_bytes(scale), HTML),
    "broken-undeclared": lambda scale: (html(SENTENCE)[0] + _random_bytes(scale), "text/html"),
    "utf-16-odd": lambda scale: (b"\xff\xfe" + _random_bytes(scale) + b"x", HTML),
    "escapes": lambda scale: (html("")[0] + b"\x1b$B" * int(1 * _MB * scale), "text/html"),
    "surrogates": _markup("&#xD800;&#xDFFF;&#0;&#x110000;", 250_000),
    # Entities.
    "entities": _markup("&amp;", 1_000_000),
    "entities-numeric": _markup("&#x1F600;", 1_000_000),
    "entities-unknown": _markup("&nosuchentity;", 500_000),
    "entities-unclosed": _markup("&amp&lt&notit", 500_000),
    "entities-in-attribute": lambda scale: html(f'<p title="{"&amp;" * int(_MB * scale)}">{SENTENCE}</p>'),
    "xml-laughs": _laughs,
    "xml-quadratic": _quadratic,
    # Many of one thing.
    "links": _markup("<a href=/page/{n}>a link</a> ", 1_000_000),
    "links-pdf": _markup("<a href=/{n}.pdf>a file</a> ", 300_000),
    "links-open": _markup("<a href=x>", 500_000, after=SENTENCE),
    "table-rows": _markup("<tr><td>a cell<td>{n}", 500_000, after=SENTENCE),
    "table-endless": lambda scale: html("<table>" + "<tr><td>a cell<td>another" * int(500_000 * scale)),
    "table-foster": lambda scale: html("<table>" + "x<tr>" * int(500_000 * scale)),
    "paragraphs": _markup("<p>Some words.", 1_000_000),
    "empty-elements": _markup("<div></div>", 1_000_000),
    "metas": _head("<meta name=a{n} content=b>", 300_000),
    "meta-robots": _head("<meta name=robots content=noarchive>", 300_000),
    "headings": _markup("<h1>Heading {n}</h1>", 300_000),
    "times": _markup("<time datetime=2024-01-01>then</time>", 300_000),
    "authors": _markup('<span class="author date" itemprop=author>By Ann Doe</span>', 300_000),
    "dates": _markup("<p>Posted on 3 May 2024 by Ann Doe", 300_000),
    "feeds": _head('<link rel=alternate type=application/rss+xml href="/feed{n}">', 300_000),
    "scripts": _markup("<script>x</script>", 500_000),
    "selects": _markup("<select><option>x", 300_000),
    "attributes": _attributes,
    "attributes-each": _markup(f"<p {' '.join(f'a{n}=b' for n in range(50))}>x", 20_000),
    "bodies": _markup("<body a{n}=b><html b{n}=c>", 100_000),
    "comments": _markup("<!-- x -->", 1_000_000),
    "comments-open": _markup("<!--", 1_000_000),
    "comments-first": lambda scale: (b"<!---->" * int(1_000_000 * scale) + b"<p>" + SENTENCE.encode(), "text/plain"),
    "brackets-open": _markup("<", 3_000_000),
    "tags-open": _markup("<a b='", 1_000_000),
    "quotes": _markup("<a \"'", 1_000_000),
    "doctypes": _markup("<!doctype html [<!x>", 300_000),
    "frames": lambda scale: (b"<frameset>" * int(300_000 * scale) + SENTENCE.encode(), HTML),
    "raw-comments": _markup("<!--", 500_000, after="</xmp>", before="<xmp>"),
    "raw-quotes": _markup('<a "', 500_000, after="</xmp>", before="<xmp>"),
    "raw-tags": _markup("<a b", 500_000, after="</noembed>", before="<noembed>"),
    "plaintext": lambda scale: html("<plaintext>" + "<p>x" * int(_MB * scale)),
    # Structured data.
    "ld-deep": _script('{"@graph":[', 100_000),
    "ld-deep-closed": lambda scale: html(
        "",
        '<script type="application/ld+json">'
        + '{"@type":"X","mainEntity":' * int(100_000 * scale) + "1" + "}" * int(100_000 * scale) + "</script>",
    ),
    "ld-many": _script('{"@type":"Person","name":"Ann Doe"},', 200_000, "[", "1]"),
    "ld-scripts": _markup('<script type="application/ld+json">{"@type":"Article"}</script>', 100_000),
    "ld-blank": _script(" ", 2_000_000, "{", "x"),
    "ld-commas": _script(", ", 1_000_000, "[", "x"),
    "ld-comment-ends": _script("--> ", 500_000, "{", "x"),
    "ld-semicolons": _script("; ", 500_000, "{", "x"),
    "ld-long-string": _script("x", 20_000_000, '{"@type":"Article","headline":"', '"}'),
    "ld-lists": _script("{},", 300_000, "[" * 400, "1" + "]" * 400),
    "ld-digits": _script("9", 2_000_000, "[", "]"),
    "json-deep": _nested_json,
    "json-many": _json_objects,
    "json-digits": lambda scale: (b"[" + b"9" * int(5 * _MB * scale) + b"]", JSON),
    "json-broken": lambda scale: (b'["' + b"\\u0000" * int(_MB * scale), JSON),
    "xml-deep": _deep_xml,
    "xml-feed": _feed,
    "xml-attributes": lambda scale: (b"<r " + _repeated("a{n}='b' ", 200_000 * scale).encode() + b"/>", XML),
    "xml-broken": lambda scale: (b"<?xml version='1.0'?>" + b"<a " * int(_MB * scale), XML),
    # Text that makes regular expressions and tokenizers crawl.
    "md-hashes": lambda scale: (b"# " + b"#" * int(_MB * scale) + b"x\n" + SENTENCE.encode(), MARKDOWN),
    "md-blanks": lambda scale: (b"# a" + b" " * int(_MB * scale) + b"x\n" + SENTENCE.encode(), MARKDOWN),
    "crawl-blanks": _plain(" \t\n\u00a0\u2003", 1_000_000),
    "crawl-newlines": _plain("\n", 10_000_000),
    "crawl-brackets": _plain("([{<", 1_000_000),
    "crawl-hyphens": _plain("a-", 1_000_000),
    "crawl-quotes": _plain("\u2019s'", 1_000_000),
    "crawl-dots": _plain("A.", 1_000_000),
    "crawl-initials": _plain("A. ", 1_000_000),
    "crawl-titles": _plain("Mr. ", 1_000_000),
    "crawl-capitals": _plain("Anna ", 1_000_000),
    "crawl-university": _plain("University of the ", 500_000),
    "crawl-and": _plain("A & ", 1_000_000),
    "crawl-digits": _plain("1,", 1_000_000),
    "crawl-dates": _plain("May 1 ", 1_000_000),
    "crawl-money": _plain("$1 ", 1_000_000),
    "crawl-mails": _plain("a@a.", 1_000_000),
    "crawl-at": _plain("@", 3_000_000),
    "crawl-urls": _plain("http://", 1_000_000),
    "crawl-www": _plain("www.a", 1_000_000),
    "crawl-marks": _plain("e\u0301", 1_000_000),
    "crawl-joiners": _plain("\u200d\ufe0f", 1_000_000),
    "crawl-han": _plain("漢字", 1_000_000),
    "crawl-kana": _plain("カ゛", 1_000_000),
    "crawl-thai": _plain("ก็", 1_000_000),
    "crawl-words": _two_scripts,
    "crawl-of": lambda scale: (" ".join(
        f"{a} of {b}" for a, b in itertools.islice(itertools.product(_NAMES, _NAMES), int(400_000 * scale))
    ).encode(), TEXT),
}  # fmt: skip
_NAMES: Final = [f"Ab{n}c" for n in range(700)]
POISONS.update(poison_files.POISONS)
