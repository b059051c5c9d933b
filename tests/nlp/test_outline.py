from __future__ import annotations

import gzip

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.finding import Finding, Role, Source, finding_of
from engine.model.record import Fetched
from engine.nlp.bounds import MAX_TEXT_BYTES
from engine.nlp.facts import MAX_ROBOTS_CHARS
from engine.nlp.outline import OutlineWorker
from engine.nlp.page import Page
from engine.nlp.sitemap import read_listing
from engine.settings import Settings

URL = "http://h.test/dir/page"
MAX = 1 << 20


def outline(body, content_type="text/html", expected=Role.PAGE):
    finding = list(Finding(1, Source.LINK, expected, "http://h.test/", "http://h.test/", 0))
    fetched = Fetched(URL, URL, 0, final_url=URL, input=orjson.loads(orjson.dumps(finding)))
    body = body.encode() if isinstance(body, str) else body
    worked = OutlineWorker(Settings()).work(Page(1, alone=False, fetched=fetched, content_type=content_type, body=body))
    assert worked.row.endswith(b"\n")
    return orjson.loads(worked.row), worked.kind


def links(found):
    return {url: (role, source) for url, role, source, _ in found["links"]}


def test_a_pages_links_are_whole_urls_each_once():
    html = """<html><head><base href="/base/"><base href="/no/"><title> A  page </title>
      <link rel=canonical href="?c"><link rel=alternate type=application/rss+xml href="/feed">
      <link rel=alternate hreflang=de href="/de"><link rel="stylesheet" href="/s"><link rel=next href="p2">
      <meta name=ROBOTS content=noindex><meta name=robots content=nosnippet><meta name=description content=x></head>
      <body><a href="a#x">1</a><a href="a#y">2</a><a href="//other.test/b">3</a>
      <a href=" /c?sid=0123456789abcdef ">4</a>
      <a href="mailto:x@y">5</a><a href="javascript:void(0)">6</a><a href="#top">7</a><a>8</a><a href="http://[">9</a>
      <a rel="external nofollow" href="/nf">10</a><area href="/area"><iframe src="/frame"></iframe>
      <a href="/x.css">11</a><a href="/report.PDF">12</a><a href="/l/l/l/">13</a><a href="">14</a></body></html>"""
    found, kind = outline(html)
    assert (kind, found["role"], found["title"], found["canonical"]) == (
        None,
        "page",
        "A page",
        "http://h.test/base/?c",
    )
    assert found["meta"] == {"robots": "noindex, nosnippet"}
    page = ("page", "link")
    assert links(found) == {
        "http://h.test/feed": ("feed", "link"),
        "http://h.test/de": page,
        "http://h.test/base/p2": page,
        "http://h.test/base/a": page,
        "http://other.test/b": page,
        "http://h.test/c": page,
        "http://h.test/area": page,
        "http://h.test/frame": page,
        "http://h.test/report.PDF": ("file", "link"),
    }


def test_a_page_has_a_simhash_of_its_main_text():
    text = "<p>" + "The harbour was repaired after two years of planning. " * 9 + "</p>"
    one, other = (outline(f"<html><body>{text}<p>{end}</p></body></html>")[0] for end in ("", ""))
    assert one["simhash"] == other["simhash"]
    assert one["words"] > 60


@pytest.mark.parametrize(
    ("body", "kind"), [(b"%PDF-1.4 x", "application/pdf"), (b"", "text/html"), (b"plain text", "text/plain")]
)
def test_what_is_no_page_is_a_file_or_an_empty_page(body, kind):
    found, failed = outline(body, kind)
    assert failed is None
    assert found["role"] == ("page" if kind == "text/html" else "file")


SITEMAP = """<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
  xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"
  xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
  <url><loc> http://h.test/1 </loc><lastmod>2026-01-01</lastmod>
    <image:image><image:loc>http://h.test/i.png</image:loc></image:image></url>
  <url><news:news><news:title>N</news:title></news:news><loc>http://h.test/2?a=1&amp;b=2</loc></url>
  <url><lastmod>x</lastmod></url></urlset>"""


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_sitemap_is_read_packed_or_not_with_images_and_news(pack):
    found, _ = outline(pack(SITEMAP.encode()), "application/octet-stream" if pack is gzip.compress else "text/xml")
    assert found["role"] == "sitemap"
    assert found["links"] == [
        ["http://h.test/1", "page", "sitemap", {"lastmod": "2026-01-01", "images": 1}],
        ["http://h.test/2?a=1&b=2", "page", "sitemap", {"title": "N"}],
    ]


def test_an_index_names_sitemaps_and_a_list_of_lines_is_one_where_it_is_expected():
    index = "<sitemapindex><sitemap><loc>http://h.test/s.xml.gz</loc></sitemap></sitemapindex>"
    assert links(outline(index, "application/xml")[0]) == {"http://h.test/s.xml.gz": ("sitemap", "sitemap")}
    lines = "\ufeffhttp://h.test/1\n\nno url\n http://h.test/2"
    assert list(links(outline(lines, "text/plain", Role.SITEMAP)[0])) == ["http://h.test/1", "http://h.test/2"]
    assert outline(lines, "text/plain")[0]["role"] == "file"


RSS = "<rss><channel><title>T</title>{}</channel></rss>"
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><link href="/"/><entry>{}</entry></feed>'
RDF = '<rdf:RDF xmlns:rdf="r"><channel><title>T</title></channel><item>{}</item></rdf:RDF>'


@pytest.mark.parametrize(
    ("feed", "entry"),
    [
        (RSS, "<link>http://h.test/</link><item><link>/e</link><guid>x</guid></item>"),
        (RSS, "<item><guid>http://h.test/e</guid></item>"),
        (ATOM, '<link rel="edit" href="/no"/><link href="/e"/><id>http://h.test/id</id>'),
        (RDF, "<title>i</title><link>/e</link>"),
    ],
)
def test_a_feeds_entries_are_links(feed, entry):
    found, _ = outline(feed.format(entry), "application/xml")
    assert (found["role"], found["title"], links(found)) == ("feed", "T", {"http://h.test/e": ("page", "feed")})


def test_what_is_broken_ends_where_it_breaks_and_says_so():
    cut = outline(SITEMAP[: SITEMAP.index("<url><news")], "text/xml")[0]
    assert len(cut["links"]) == 1
    assert "not well-formed" in cut["damaged"]
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><urlset><url><loc>http://h.test/&a;</loc></url></urlset>'
    assert read_listing(bomb.encode(), MAX).entries == []
    flood = read_listing(gzip.compress(b"<urlset>" + b" " * 2 * MAX), MAX)
    assert "unpacks to more than" in flood.damaged
    assert "cut short" in read_listing(gzip.compress(SITEMAP.encode())[:60], MAX).damaged
    assert "damaged" in read_listing(b"\x1f\x8b" + b"x" * 40, MAX).damaged


def test_what_is_longer_than_an_address_may_be_is_none_and_is_not_cut_to_one():
    long = "http://h.test/" + "x" * 2_034
    for listed in (
        f"<urlset><url><loc>{long}</loc></url><url><loc>http://h.test/1</loc></url></urlset>",
        f"{long}\n{'y' * 200_000}\nhttp://h.test/1",
    ):
        assert [entry.url for entry in read_listing(listed.encode(), MAX, lines=True).entries] == ["http://h.test/1"]
    assert read_listing(f"<urlset><url><loc>{long[:-1]}</loc></url></urlset>".encode(), MAX).entries[0].url == long[:-1]


def test_a_document_as_deep_as_it_is_long_takes_linear_time():
    depth = 100_000
    nested = f"<urlset><url><loc>/1</loc>{'<a>' * depth}{'x</a>' * depth}</url></urlset>"
    assert [entry.url for entry in read_listing(nested.encode(), MAX).entries] == ["/1"]
    assert [
        entry.url for entry in read_listing(b"x" * (16 << 20) + b"\nhttp://h.test/", 32 << 20, lines=True).entries
    ] == ["http://h.test/"]


def test_a_page_where_a_sitemap_was_expected_is_read_no_further_than_other_pages():
    body = b"<p>word</p><!--" + b"x" * MAX_TEXT_BYTES + b"--><p>more</p><a href=/late>late</a>"
    found, _ = outline(body, "text/html", Role.SITEMAP)
    assert (found["role"], found["words"], found["links"]) == ("page", 1, [])


def test_of_a_pages_directives_so_many_are_read_as_a_row_may_keep():
    found, _ = outline("<meta name=robots content=noindex>" * 5_000 + "<a href=/a>1</a>")
    assert found["meta"]["robots"].startswith("noindex, noindex")
    assert len(found["meta"]["robots"]) < MAX_ROBOTS_CHARS + len(", noindex")
    token = Settings().fetch.user_agent.partition("/")[0]
    named, _ = outline(f"<meta name={token} content><meta name={token} content=none><meta name={token} content=all>")
    assert list(named["meta"].values()) == ["none"]


def test_an_encoding_that_expat_does_not_know_is_read_all_the_same():
    body = SITEMAP.replace('"1.0"', '"1.0" encoding="windows-1251"').replace(">N<", ">Новость<").encode("cp1251")
    assert read_listing(body, MAX).entries[1].note == {"title": "Новость"}


@settings(deadline=None)  # the first page loads what the others use
@given(st.binary(max_size=300), st.sampled_from(["text/html", "text/xml", "application/gzip", "", "text/plain"]))
def test_every_body_comes_back(body, content_type):
    found, kind = outline(body, content_type, Role.SITEMAP)
    assert kind is not None or found["role"] in {"page", "sitemap", "feed", "file"}


@given(st.one_of(st.none(), st.integers(), st.lists(st.integers(), max_size=9), st.dictionaries(st.text(), st.text())))
def test_only_a_finding_is_read_as_one(columns):
    if isinstance(columns, list) and len(columns) == len(Finding._fields):
        return
    assert finding_of(columns) is None
