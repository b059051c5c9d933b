"""Who wrote a page and when: as its reader sees it, and as it says to machines."""

from __future__ import annotations

import pytest

from engine.nlp import maintext
from engine.nlp.blocks import read_blocks
from engine.nlp.byline import Byline, find_byline, person
from engine.nlp.cuts import without_code
from engine.nlp.html import extract_html

TEXT = "<p>Bees form a cluster when it is cold, and keep the queen warm in the middle of it all winter long.</p>"


def byline(markup, title=""):
    return find_byline(read_blocks(without_code(markup, [])), title)


def metadata(markup):
    return extract_html(markup.encode(), "utf-8", "https://a.example/x", maintext.fast).metadata


@pytest.mark.parametrize(
    ("lines", "author", "date"),
    [
        ("<p>By Ann Bee</p><p>March 4, 2021</p>", "Ann Bee", "2021-03-04"),
        ("<p>Written by</p><p>Ann Bee</p><p>4 Mar 2021</p>", "Ann Bee", "2021-03-04"),
        ("<p>by Ann Bee - 2021-03-04</p>", "Ann Bee", "2021-03-04"),
        ("<p>Posted by annb » Tue Mar 04, 2021 1:47 am</p>", "annb", "2021-03-04"),
        ("<p>Ann Bee</p><p>March 4, 2021</p>", "Ann Bee", "2021-03-04"),
        ("<div class=author>Ann Bee</div>", "Ann Bee", None),
        ("<p>Updated: May 5, 2022</p><p>Posted March 4, 2021</p>", "", "2021-03-04"),
        ("<p>Last updated</p><p>May 5, 2022</p>", "", "2022-05-05"),
        ("<p>By the way, this is no name</p>", "", None),
        ("<p>By January 2021 we had none</p>", "", None),
    ],
)
def test_lines_at_the_heading(lines, author, date):
    assert byline(f"<h1>Bees in winter</h1>{lines}{TEXT}") == Byline(author, date)


def test_a_byline_below_the_text_with_its_date():
    assert byline(f"<h1>Bees</h1>{TEXT * 30}<p>Written by Ann Bee</p><p>March 4, 2021</p>") == ("Ann Bee", "2021-03-04")


def test_the_heading_of_a_page_without_h1_is_its_title():
    page = f"{'<p>Menu</p>' * 30}<h2>Bees</h2><p>March 4, 2021</p>{TEXT}"
    assert byline(page, "Bees").date == "2021-03-04"
    assert byline(page).date is None


def test_a_date_far_from_the_heading_is_something_else():
    assert byline(f"<h1>Bees</h1>{TEXT * 30}<p>March 4, 2021</p>").date is None


def test_the_first_post_of_a_forum_dates_it():
    assert byline(f"<h1>Board</h1>{'<p>Rules</p>' * 30}<h2>#1 2021-03-04 15:14</h2>{TEXT}").date == "2021-03-04"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ann Bee, PhD", "Ann Bee"),
        ("Ann Bee and Bo Dee | News", "Ann Bee and Bo Dee"),
        ("the Hive Team", "the Hive Team"),
        ("Ann on May 5", "Ann"),
        ("", ""),
        ("Share this", ""),
        ("a long sentence about bees", ""),
        ("x" * 100, ""),
    ],
)
def test_names(text, name):
    assert person(text) == name


@pytest.mark.parametrize(
    ("markup", "author"),
    [
        (
            "<meta name=citation_author content='Bee, Ann'><meta name=citation_author content='Dee, Bo'>",
            "Ann Bee, Bo Dee",
        ),
        ("<meta name=twitter:label1 content='Written by'><meta name=twitter:data1 content='Ann Bee'>", "Ann Bee"),
        ("<div itemprop=author><b>9</b> <span itemprop=name>Ann Bee</span> 120 points</div>", "Ann Bee"),
        ("<div itemprop=author><a href=/a>annb</a> <span>120</span></div>", "annb"),
        ("<div data-author=annb>x</div>", "annb"),
        (
            "<p property=schema:author typeof=schema:Person>by <b property=schema:name>Ann Bee</b>",
            "Ann Bee",
        ),
        ("<div typeof=sioc:Item><a rel=sioc:has_creator property='foaf:name dc:creator'>annb</a></div>", "annb"),
        ("<div property='http://purl.org/dc/terms/creator' typeof=Person>Ann Bee</div>", "Ann Bee"),
        ("<div property=author>annb</div>", None),  # no page of RDFa
        ("<meta name=author content='\"Ann Bee\"'>", "Ann Bee"),
        ("<span class=post-author>Ann Bee</span>", "Ann Bee"),
        (
            (
                '<script type="application/ld+json">{"@type": "QAPage", "mainEntity": '
                '{"@type": "Question", "author": {"name": "annb"}}}</script>'
            ),
            "annb",
        ),
    ],
)
def test_authors_for_machines(markup, author):
    assert metadata(f"<body>{markup}{TEXT}").get("author") == author


def test_a_list_of_pages_by_many_has_no_author():
    teasers = "".join(
        f"<div><a href=/{n}>Story</a> <span class=author>{n} Dee</span></div>" for n in ("Ann", "Bo", "Cy")
    )
    assert "author" not in metadata(f"<body>{teasers}{TEXT}")


def test_dates_in_rdfa():
    dated = "<span property='dc:date dc:created' content='2021-03-04T05:06:07+01:00'>Thu</span>"
    changed = "<time property='schema:dateModified' datetime=2021-03-05>Fri</time>"
    found = metadata(f"<body typeof=schema:Article>{changed}{dated}{TEXT}")
    assert (found["published_at"], found["modified_at"]) == ("2021-03-04T05:06:07+01:00", "2021-03-05")


def test_dates_for_machines_and_in_classes():
    assert metadata("<span itemprop=datePublished content=2021-03-04>x</span>")["published_at"] == "2021-03-04"
    assert metadata(f"<aside class=post-date>March 4, 2021</aside>{TEXT}")["published_at"] == "2021-03-04"


def test_an_embedded_video_does_not_date_its_page():
    video = '{"@type": "VideoObject", "uploadDate": "2020-01-01"}'
    markup = f'<script type="application/ld+json">{video}</script>'
    stated = '<meta property="article:published_time" content="2021-03-04">'
    assert metadata(f"{stated}{markup}{TEXT}")["published_at"] == "2021-03-04"
    assert metadata(f"{markup}{TEXT}")["published_at"] == "2020-01-01"
