"""What a page says of itself, read off its source; a parsed tree tells what is right."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from engine.nlp import clean, maintext
from engine.nlp.cuts import TAG, without_code
from engine.nlp.elements import attributes_of, elements_with, text_of
from engine.nlp.facts import gather
from engine.nlp.html import extract_html

STARTS = (
    "<h1>", "<h1><b>", "<time>", "<time class=date>", "<meta content=", "<meta content='", '<meta a="b', "<title>",
    "<div class=author>", "<b class=date>", "<a rel=author>", "<b itemprop=author>", "<i itemprop=datePublished>",
    "<b typeof=Product itemprop=x>", "<b itemtype=Product itemprop=x>", "<b itemprop=name>", "<a href=.pdf", "byline",
    "<link rel=alternate ", "<a class='date", "author", "<b property=author typeof=x>",
    "</a .pdf='><a = '", "</b class=author ='><b = '", "<author b='><b = '",
)  # fmt: skip


def facts_of(source):
    scripts = []
    return gather(without_code(source, scripts), scripts)


def attributes(tag):
    return attributes_of(TAG.match(tag).group(2))


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("<meta name=a content='b > \"c\"'>", {"name": "a", "content": 'b > "c"'}),
        ('<META Name = "a"\n content="">', {"name": "a", "content": ""}),
        ("<time pubdate datetime=2021-01-02/>", {"pubdate": "", "datetime": "2021-01-02/"}),
        ("<a href='?a=1&copy=2&amp;lang=3'>", {"href": "?a=1&copy=2&lang=3"}),
        ("<a href='?a&copyright' title='&copy 2021 &eacute;&#39;'>", {"href": "?a&copyright", "title": "© 2021 é'"}),
        ("<a id=first id=second>", {"id": "first"}),
        ("<a title='never closed", {"title": "never closed"}),
    ],
)
def test_attributes(tag, found):
    assert attributes(tag) == found


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True),
        st.tuples(st.text("ab&;=<>' \u00e9\u20ac#9xcopylt", max_size=12), st.booleans()),
        max_size=4,
    )
)
def test_attributes_are_those_of_a_tree(said):
    written = " ".join(f'{name}="{value}"' if quoted else name for name, (value, quoted) in said.items())
    element = HTMLTree.parse(f"<p {written}>x</p>").body.query_selector("p")
    assert attributes(f"<p {written}>") == {name: element.getattr(name) or "" for name in said}


@given(st.text("ab&;#x69ltgcopy \u00e9\ud800", max_size=30))
def test_references_are_resolved_as_the_standard_library_does(text):
    assert clean.unescape(text) == html.unescape(text)


@given(
    st.lists(st.sampled_from(["one ", "<b>", "</b>", "<i class='a > b'>", "</i>", "&amp;", "2 < 3 ", "\n"])).map(
        "".join
    )
)
def test_a_text_is_that_of_a_tree(content):
    tree = HTMLTree.parse(f"<body><h1>{content}</h1></body>")
    assert clean.line(text_of(content)) == clean.line(tree.body.query_selector("h1").text_content)


def test_comments_and_scripts_say_nothing():
    found = facts_of(
        "<!-- <h1>no</h1><meta name=a content=no> --><script>'<h1>no</h1><b class=date>no</b>'</script>"
        "<meta name=a content=yes><h1>yes</h1>"
    )
    assert (found.headings, found.meta, found.marked.dated) == (["yes"], {"a": "yes"}, [])


def test_a_value_may_hold_what_looks_like_a_tag():
    found = facts_of("<meta name=a content='<h1>no</h1> > b'><h1 title='a > b'>yes <b>and</b> no</h1>")
    assert (found.headings, found.meta) == (["yes and no"], {"a": "<h1>no</h1> > b"})


def test_links_and_audio():
    found = facts_of(
        "<link rel=stylesheet href=a.css><LINK REL=Canonical HREF=/a><link rel=alternate href=/feed type=x/y>"
        "<link rel=alternate href=/en><link rel=enclosure href=a.mp3 type=audio/mpeg><a href='/b.PDF?x'>b</a>"
    )
    assert [(link.rel, link.href) for link in found.links] == [
        ("canonical", "/a"),
        ("alternate", "/feed"),
        ("enclosure", "a.mp3"),
    ]
    assert (found.has_pdf_links, found.has_audio_links) == (True, True)
    assert facts_of("a text on x.pdf <b title=.mp3> <img src=a.pdf>").has_pdf_links is False


def test_marked_authors_in_order():
    marked = facts_of(
        '<a rel="author" href=/a>Ann</a><div itemprop="author"><span itemprop="name">Ben</span> 12 posts</div>'
        "<p itemprop=author><a href=/c><img></a> <a href=/c>Cy</a> 3</p><i data-author=Dee></i>"
    ).marked
    assert marked.authors == ["Ann", "Ben", "Cy", "Dee"]


def test_rdfa():
    marked = facts_of(
        "<div typeof='schema:Article'><span property='schema:author'><b property='schema:name'>Ann</b> x</span>"
        "<span property='dcterms:modified' content=2021-01-03>y</span><i property=datePublished>2021-01-02</i></div>"
    ).marked
    assert marked.authors == ["Ann"]
    assert [tuple(time) for time in marked.times] == [("2021-01-03", "datemodified"), ("2021-01-02", "datepublished")]


def test_classes_name_short_texts():
    marked = facts_of(
        f"<div class='post-author'><div>By <b>Ann</b></div></div><p class=byline>Ben<p class='x date'>May 1</p>"
        f"<div class=author>{'long ' * 40}</div><b id=author>no</b><i title='date'>no</i>"
    ).marked
    assert marked.bylines == ["By Ann", "Ben"]
    assert marked.dated == ["May 1"]


def test_elements_are_found_by_what_is_in_their_tags_only():
    source = "said <b>said</b> <i title=said> <u x='said >'></u></said>"
    assert [element.name for element in elements_with(source, "said")] == ["i", "u"]


@given(st.lists(st.sampled_from([*STARTS, ">", "'", '"', "</h1>", "</b>", "text", " "]), max_size=40).map("".join))
def test_any_source_says_something_or_nothing(source):
    extract_html(source.encode(), "utf-8", "https://a.example/", maintext.fast)


@pytest.mark.parametrize("start", STARTS)
def test_starts_without_an_end_take_no_time_each(start):
    extract_html((start * 10_000).encode(), "utf-8", "https://a.example/", lambda _blocks, _source: "")
