"""Profiles read from one page: who it is about, what is said of them and where, and why other pages are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from engine.nlp.blocks import read_blocks
from engine.nlp.cuts import without_code
from engine.nlp.person_names import names_owner, person_name, same_person
from engine.nlp.profile import ProfileReader
from engine.nlp.profile_links import person_links

URL = "http://u.test/people/jane-doe"


def read(body, title="", url=URL, head=""):
    source = f"<html><head><title>{title}</title>{head}</head><body>{body}</body></html>"
    reader = ProfileReader(HTMLTree.parse(source), url)
    return reader.read(read_blocks(without_code(source, [])), title)


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Dr. Jane Doe", "Jane Doe"),
        ("Prof. Dr. Jürgen von der Höhe, PhD", "Jürgen von der Höhe"),
        ("Associate Professor Ana d'Arc (she/her)", "Ana d'Arc"),
        ("DOE, Jane", "Jane DOE"),
        ("山田太郎", "山田太郎"),
        ("Ann Staff", "Ann Staff"),
        ("Emeritus", ""),
        ("Faculty and Staff", ""),
        ("Machine Learning", ""),
        ("Department of Physics", ""),
        ("A Prize", ""),
        ("Jane", ""),
        ("Jane wins a prize", ""),
        ("jane@u.test", ""),
        ("Room 12", ""),
    ],
)
def test_a_heading_is_a_name_or_none(heading, name):
    assert person_name(heading) == name


def test_names_are_compared_as_people_write_them():
    assert same_person("J. Doe", "Jane Doe")
    assert same_person("José Núñez", "Jose Maria Nunez")
    assert not same_person("Jane Doe", "John Doe")
    assert names_owner("jdoe", "Jane Doe")
    assert names_owner("yli", "Yan Li")
    assert not names_owner("hr", "Jane Doe")


def test_readers_see_labels_lines_and_sections():
    found = read(
        "<h1>Jane Doe</h1><p>Reader in Logic, School of Computing</p><dl><dt>Email</dt><dd>jane (at) u.test</dd>"
        "<dt>Phone</dt><dd>+1 (555) 010-0199 x12</dd></dl><p>Fax: 555 010 0000</p>"
        "<p><b>Research interests:</b> logic; types; proof</p>"
        "<a href='https://linkedin.com/in/jane'>in</a> <a href='/cv.html'>Curriculum Vitae</a>"
        "<footer><a href='mailto:web@u.test'>w</a><a href='https://twitter.com/u'>t</a></footer>"
    )
    assert found == {
        "name": "Jane Doe",
        "title": "Reader in Logic",
        "organisation": "School of Computing",
        "email": "jane@u.test",
        "phone": "+1 (555) 010-0199 x12",
        "links": ["https://linkedin.com/in/jane", "http://u.test/cv.html"],
        "research_areas": ["logic", "types", "proof"],
        "sources": {
            "name": "heading", "title": "line under the name", "organisation": "line under the name", "email": "label",
            "phone": "label", "links": "link", "research_areas": "label",
        },
    }  # fmt: skip


def test_an_h_card_and_a_protected_address_are_read():
    code = "2a" + "".join(f"{byte ^ 0x2A:02x}" for byte in b"jane@u.test")
    found = read(
        f"<div class='vcard'><h1 class='fn'>Jane Doe</h1><i class='role'>Curator</i><i class='org'>The Museum</i>"
        f"<i class='tel'>555 010 0199</i><a class='__cf_email__' data-cfemail='{code}' href='/x'>[hidden]</a></div>"
    )
    assert (found["title"], found["organisation"], found["email"]) == ("Curator", "The Museum", "jane@u.test")
    assert found["sources"]["title"] == "h-card"


def test_a_card_with_the_persons_title_and_no_address_is_a_profile_by_two_signs():
    assert read("<h1>Jane Doe</h1><p>Senior Lecturer</p>")["title"] == "Senior Lecturer"
    assert "too little" in read("<h1>Jane Doe</h1><p>Words.</p>", url="http://u.test/x")


def people(*names):
    return "".join(f"<p><a href='/people/{n}'>{name}</a> Professor</p>" for n, name in enumerate(names))


MANY = people("Ann Lee", "Bob Ray", "Cy Orr", "Di Poe")
AUTHOR = (
    '<script type="application/ld+json">{"@graph":[{"@type":"Person","name":"Ann Lee","jobTitle":"Editor"}]}</script>'
)


@pytest.mark.parametrize(
    ("body", "title", "url", "head", "reason"),
    [
        (f"<h1>People</h1>{MANY}", "People", "http://u.test/people/", "", "a listing"),
        (f"<h1>Emeritus</h1>{MANY}", "Emeritus", "http://u.test/people/category/emeritus", "", "a listing"),
        (f"<h1>Coastal Lands</h1>{MANY}", "", "http://u.test/groups/coastal-lands", "", "links to several"),
        ("<h1>Coastal Lands</h1><p>Professor</p><p>x@u.test</p>", "", "http://u.test/people/", "", "by its URL"),
        ("<h1>How rivers move</h1><p>By Ann Lee</p>", "How rivers move", "http://u.test/news/1", AUTHOR, "neither"),
        (
            "<h1>Coastal Lands</h1><p><a href='/a'>Ann Lee</a> <a href='mailto:lee@u.test'>m</a></p>", "",
            "http://u.test/x", "", "too little",
        ),
        ("", "", "http://u.test/", "", "neither"),
    ],
)  # fmt: skip
def test_what_is_no_profile_says_why(body, title, url, head, reason):
    found = read(body, title, url, head)
    assert isinstance(found, str)
    assert reason in found


def test_a_header_is_the_sites_unless_it_has_the_heading_and_is_looked_through_once():
    links = "".join(f"<a href='/people/{n}'>Ann Lee</a>" for n in range(2_000))
    header = f"<header>{links}{'<b>x</b>' * 50_000}</header>"
    tree = HTMLTree.parse(f"{header}<header><h1>Jane Doe</h1><a href='/bob'>Bob Ray</a></header>")
    assert person_links(tree, "http://u.test/x").others == [("Bob Ray", "http://u.test/bob")]


def test_a_profile_with_many_colleagues_is_one_where_its_address_says_so():
    assert read(f"<h1>Jane Doe</h1><p>doe@u.test</p>{MANY}")["email"] == "doe@u.test"


@given(
    st.text(max_size=60),
    st.sampled_from(["<h1>Jane Doe</h1>", "", "<p itemscope itemtype='http://schema.org/Person'>"]),
)
def test_every_page_is_read(text, start):
    head = f'<script type="application/ld+json">{{"@type":"Person","name":["{text}"],"email":[{{}}]}}</script>'
    found = read(f"{start}{text}<a href='mailto:{text}'>{text}</a>", text, head=head)
    assert isinstance(found, str) or found["name"]
