"""A page's title, text, metadata and link flags."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.nlp import maintext
from engine.nlp.html import extract_html
from engine.nlp.nesting import bound_depth

URL = "https://www.example.com/2021/09/08/post"

ARTICLE = """<!DOCTYPE html><html lang="en-GB"><head>
<title>Bees in winter | The Garden</title>
<meta property="og:title" content="Bees in winter - The Garden"><meta property="og:site_name" content="The Garden">
<meta name="description" content="How bees live &amp;amp; rest."><meta property="og:type" content="article">
<meta property="og:image" content="/bee.jpg"><link rel="canonical" href="/post">
<link rel="alternate" type="application/rss+xml" href="/feed">
<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
 {"@type": "WebPage", "name": "x"},
 {"@type": ["NewsArticle"], "headline": "Bees in winter", "datePublished": "2021-09-08T10:00:00Z",
  "dateModified": "2021-09-09", "author": {"@id": "#ann"}},
 {"@type": "Person", "@id": "#ann", "name": "Ann Bee"}]}</script></head>
<body><nav><a href="/">Home</a></nav><h1>The Garden</h1><article><h1>Bees in Winter</h1>
<p>Bees form a cluster when it is cold, and they keep the queen warm in the middle of it all winter long.</p>
<p>They eat the honey that they stored in summer, so a beekeeper leaves them enough of it to last.</p>
<p><a href="guide.PDF?v=2">Guide</a> <a href="/talk.mp3">Talk</a></p></article>
<script>var hidden = "never shown";</script></body></html>"""


def page(markup, url=URL):
    return extract_html(markup.encode(), "utf-8", url, maintext.fast)


def test_an_article():
    found = page(ARTICLE)
    assert found.title == "Bees in Winter"
    assert found.language_hint == "en-GB"
    assert (found.has_pdf_links, found.has_audio_links) == (True, True)
    assert found.metadata == {
        "author": "Ann Bee",
        "published_at": "2021-09-08T10:00:00Z",
        "modified_at": "2021-09-09",
        "description": "How bees live & rest.",
        "site_name": "The Garden",
        "canonical_url": "https://www.example.com/post",
        "image": "https://www.example.com/bee.jpg",
        "type": "article",
        "json_ld_types": ["WebPage", "NewsArticle", "Person"],
        "feeds": ["https://www.example.com/feed"],
    }
    paragraphs = found.text.split("\n\n")
    assert any(p.startswith("Bees form a cluster") for p in paragraphs)
    assert any(p.startswith("They eat the honey") for p in paragraphs)
    assert "never shown" not in found.text


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("<title>Prices | Acme</title>", "Prices"),
        ("<title>Acme | Prices</title><meta property='og:site_name' content='Acme'>", "Prices"),
        ("<title>Well-known and loved</title>", "Well-known and loved"),
        ("<title>On errors - The Book</title><h1>The Book</h1>", "On errors"),
        ("<title>Install - Docs</title><h1>Install\u00b6</h1>", "Install"),
        ("<title>Plans for teams | Acme</title><h1>Say hello to joy</h1>", "Plans for teams"),
        ("<title>Wiring | The Administration of Safety and Health</title>", "Wiring"),
        ("<title>How to boot from a disk / Questions / A forum</title>", "How to boot from a disk"),
        ("<title>Why bees dance | Bees</title><h1>Thread: Why bees dance</h1>", "Why bees dance"),
        ("<title>| Acme</title><h1>Prices</h1>", "Prices"),
        ("<title>A red lamp | Lamps</title><meta name=application-name content=Lamps>", "A red lamp"),
        ("<meta property=og:site_name content=Acme><meta name=twitter:title content=Acme><title>Lamp</title>", "Lamp"),
        ("<h1>Only a heading</h1>", "Only a heading"),
        ("<svg><title>icon</title></svg><p>x", ""),
        ("", ""),
    ],
)
def test_titles(markup, title):
    assert page(markup).title == title


@pytest.mark.parametrize(
    "script",
    [
        '<!-- {"@type": "Article", "author": "Ann"} -->',
        '//<![CDATA[\n[{"@type": "Article", "author": ["Ann"]}]\n//]]>',
        '{"@type": "BlogPosting", "author": {"name": "Ann"},}',
        '{"@type": "WebPage", "mainEntity": {"@type": "Article", "author": {"name": "By Ann"}, "x": "a\nb"}}',
    ],
)
def test_broken_json_ld_is_read_as_far_as_it_can_be(script):
    assert page(f'<script type="application/ld+json">{script}</script>').metadata["author"] == "Ann"


@pytest.mark.parametrize("script", ["{", "[" * 100_000, '"x"', "null", '{"@type": 5, "author": {"name": {}}}', ""])
def test_hopeless_json_ld_is_left_out(script):
    assert "author" not in page(f'<script type="application/ld+json">{script}</script><p>x').metadata


def test_what_a_page_says_by_its_elements():
    found = page(
        "<a rel=author href=/ann>By Ann</a><time class=updated datetime=2022-01-02>x</time>"
        "<time class='published'>March 4, 2021</time><audio src=x></audio>",
        "https://a.example/x",
    )
    assert found.metadata == {"author": "Ann", "published_at": "2021-03-04", "modified_at": "2022-01-02"}
    assert found.has_audio_links


def test_addresses_that_lead_nowhere_are_absent():
    found = page("<link rel=canonical href='http://['><meta property=og:image content='data:image/png;base64,x'><p>x")
    assert "canonical_url" not in found.metadata
    assert "image" not in found.metadata


def test_a_page_of_navigation_only_still_has_text():
    assert "Home" in page("<nav><ul><li><a href=/>Home</a><li><a href=/a>About</a></ul></nav>").text


@pytest.mark.parametrize("markup", ["", "\0", "<", "<html", "\0<p>a\0b</p>", "<p>&#xD800;&#0;</p>", "<!--" * 1000])
def test_broken_pages(markup):
    page(markup).text.encode()


def test_few_deep_tags_are_left_as_they_are():
    assert bound_depth(ARTICLE) is ARTICLE


def test_nesting_is_bounded_and_its_text_kept():
    deep = "<div>" * 30_000 + "<b>core</b>" + "</div>" * 30_000 + "<p>after</p>"
    bounded = bound_depth(deep)
    assert bounded.count("<div>") == bounded.count("</div>") == 1_000
    assert bounded.endswith("</div><p>after</p>")
    assert "core" in bounded


def test_wide_pages_lose_no_tag():
    wide = "<ul>" + "<li><b>x</b>" * 20_000 + "</ul>"
    assert bound_depth(wide) == wide


@pytest.mark.parametrize("tag", ["div", "b", "article", "table><tr><td", "h1"])
def test_deep_nesting_ends_no_process(tag):
    script = (
        "from engine.nlp import maintext; from engine.nlp.html import extract_html\n"
        f"body = b'<html><body>' + b'<{tag}>' * 100_000 + b'core'\n"
        "print(extract_html(body, None, 'https://a.example/', maintext.fast).text[-4:])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own interpreter and text
    assert (done.returncode, done.stdout.strip()) == (0, "core"), done.stderr
