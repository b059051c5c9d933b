"""The main text of a page: what is kept, what is left out, and how it is laid out."""

from __future__ import annotations

import pytest

from engine.nlp import maintext, weights
from engine.nlp.blocks import read_blocks
from engine.nlp.cuts import without_code
from engine.nlp.evidence import NAMES
from engine.nlp.marks import HIDDEN, MARKS_OF, WORDS

LONG = "Bees form a cluster when it is cold, and they keep the queen warm in the middle of it all winter long. " * 2
OTHER = (
    "A beekeeper leaves them enough of the honey that they stored in summer, so that it lasts until the spring. " * 2
)


def blocks(markup):
    return read_blocks(without_code(markup, []))


def text(markup):
    return maintext.fast(blocks(markup), markup)


def article(more=""):
    return f"<body><div class=content><h1>Bees</h1><p>{LONG}</p>{more}<p>{OTHER}</p></div></body>"


def test_paragraphs_are_separated_by_blank_lines():
    assert text(article()).split("\n\n") == ["Bees", LONG.strip(), OTHER.strip()]


def test_items_and_rows_are_lines_and_cells_are_kept_apart():
    found = text(
        article(
            "<ul><li>A smoker for the hive</li><li>A veil and gloves</li></ul>"
            "<table><tr><th>Month</th><th>Honey</th></tr><tr><td>May</td><td>12 kg</td></tr></table>"
        )
    )
    assert "A smoker for the hive\nA veil and gloves" in found
    assert "Month | Honey\nMay | 12 kg" in found


def test_line_breaks_stay_and_preformatted_text_is_as_written():
    found = text(
        article(f"<p>First line of the verse that follows<br>second   line {LONG}</p><pre>if x:\n    y()</pre>")
    )
    assert "First line of the verse that follows\nsecond line Bees" in found
    assert "if x:\n    y()" in found


def test_the_first_line_of_preformatted_text_keeps_its_indent():
    assert [b.text for b in blocks("<p>a</p> <pre>\n    x\n  y</pre>")] == ["a", "    x\n  y"]


def test_boxes_without_text_are_not_met():
    found = blocks("<div><div> <div></div></div></div><div class=menu><div></div>a</div><p>b</p>")
    assert [(b.text, b.box.parent is found[1].box, b.box.marks) for b in found] == [
        ("a", True, MARKS_OF['div class="menu"']),
        ("b", False, 0),
    ]


def test_inline_tags_part_no_words():
    assert "important" in text(article(f"<p>im<b>port</b>ant <a href=/>links</a> are words. {LONG}</p>"))


@pytest.mark.parametrize(
    "markup",
    [
        "<script>var unseen = 1</script>",
        "<style>.unseen { color: red }</style>",
        "<p hidden>unseen</p>",
        "<div style='display: none'><p>unseen</p></div>",
        "<!-- <p>unseen</p> -->",
        "<noscript>unseen</noscript>",
        "<template><p>unseen</p></template>",
        "<select><option>unseen</option></select>",
        "<nav><a href=/>unseen</a></nav>",
        "<footer>unseen</footer>",
        f"<div id=cookie-banner><p>We use cookies, unseen or not. {LONG}</p></div>",
        f"<div class='gdpr modal'><p>Your consent is unseen. {LONG}</p></div>",
    ],
)
def test_what_is_never_part_of_it(markup):
    found = text(article(markup))
    assert "unseen" not in found
    assert OTHER.strip() in found


def test_what_surrounds_an_article_is_left_out():
    menu = "".join(f"<li><a href=/{n}>Section {n}</a></li>" for n in range(20))
    teasers = "".join(f"<li><a href=/{n}>Another story number {n}</a></li>" for n in range(9))
    found = text(
        f"<div class=menu><ul>{menu}</ul></div>{article()}<div class=share>Share this on Facebook</div>"
        f"<h2>Related posts</h2><ul class=related>{teasers}</ul><div class=footer>Copyright 2021</div>"
    )
    assert "Section 3" not in found
    assert "Another story" not in found
    assert "Facebook" not in found
    assert "Copyright" not in found
    assert LONG.strip() in found


def test_the_posts_of_a_forum_are_all_kept():
    posts = "".join(f"<div class=post><div class=message><p>Post {n}: {LONG}</p></div></div>" for n in range(5))
    found = text(f"<h1>Bees</h1><div class=thread>{posts}</div>")
    assert all(f"Post {n}:" in found for n in range(5))


@pytest.mark.parametrize(("mains", "read"), [(0, True), (1, False), (2, True)])
def test_a_lone_main_element_is_all_that_is_read(mains, read):
    page = "<p>Beside it.</p>" + f"<main><p>{LONG * 20}</p></main>" * mains
    assert ("Beside it." in [block.text for block in blocks(page)]) is read


@pytest.mark.parametrize("hidden", ["<script>'{}'</script>", "<!--{}-->"])
def test_a_main_element_in_a_script_or_a_comment_is_none(hidden):
    page = f"<head><script>'</head>'</script></head><p>{LONG}</p>" + hidden.format(f"<main><p>{OTHER * 20}</p></main>")
    assert [block.text for block in blocks(page)] == [LONG.strip()]


def test_a_main_element_that_scripts_would_fill_is_not_the_page():
    assert [block.text for block in blocks(f"<p>{LONG}</p><main><p>Loading</p></main>")] == [LONG.strip(), "Loading"]


def test_a_page_for_browsers_without_scripts_has_its_text():
    assert text(f"<div id=app></div><noscript><p>{LONG}</p></noscript>") == LONG.strip()


def test_a_page_of_consent_only_has_its_text():
    assert text("<div class=consent><p>Do you agree to all of it?</p></div>") == "Do you agree to all of it?"


def test_an_attribute_may_hold_what_looks_like_a_tag():
    assert [b.text for b in blocks("<p title='a > b <p> \"c\"'>one</p><p>two</p>")] == ["one", "two"]


def test_what_looks_like_a_tag_within_a_value_opens_nothing():
    assert [b.text for b in blocks("<b title='<video class=\"x\" loop>'>one</b><p>two</p>")] == ["one", "two"]


def test_a_comment_holds_the_start_of_another():
    assert [b.text for b in blocks("<p>one<!-- a <!-- b -->, two</p>")] == ["one, two"]


def test_a_link_around_blocks_links_their_words():
    found = blocks("<a href=/><div>one two</div><p>three</p></a><p>four <a>five</a></p>")
    assert [(b.text, b.link_words) for b in found] == [("one two", 2), ("three", 1), ("four five", 1)]


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ("<P>one</P><DIV Class=menu>two</DIV>", ["one", "two"]),
        ('<p title=\'a > "b\'>one<p data-x=\'{"a": "<p>no</p>"}\'>two', ["one", "two"]),
        ("<p>2 < 3 &amp;&#32;4 &gt; 3</p>", ["2 < 3 & 4 > 3"]),
        ("<ul><li>one<li>two</ul>three", ["one", "two", "three"]),
        ("<p>one<svg/> two<br/>three</p>", ["one two\nthree"]),
        ("<head><title>no</title></head><body><textarea><p>no</p></textarea><p>one", ["one"]),
        ("<p>one</p></div></div><div>two</div>", ["one", "two"]),
        ("<nav><!-- </nav> --><nav>no</nav>no</nav><p>one", ["one"]),
        ("<nav><b title='</nav>' data-x=\"<nav>\">no</b></nav><p>one", ["one"]),
        ("<p class='x hidden y'>one</p><p class=x hidden>no</p>", ["one"]),
        ("<header><p>no</p></header><header><h1>one</h1></header>", ["one"]),
    ],
)
def test_a_source_is_read_as_a_browser_reads_it(markup, found):
    assert [block.text for block in blocks(markup)] == found


def test_a_lists_last_item_may_be_left_open():
    assert [block.kind for block in blocks("<ul><li>one<li>two</ul>three")] == ["li", "li", ""]


@pytest.mark.parametrize(
    "start",
    ["<div ", "<div a=", '<div a="', "<b a='<\"", "<b ", "<b =", "<", "<br ", "<!--", "<nav>", "<nav a='", "<a>x"],
)
def test_starts_without_an_end_take_no_time_each(start):
    assert isinstance(text(f"<xmp>{start * 50_000}"), str)


def test_blocks_know_their_element_their_links_and_their_box():
    first, second = blocks("<div class=story><h2>A b</h2><p>c <a href=/>d e</a></p></div>")
    assert (first.kind, first.words, first.link_words) == ("h2", 2, 0)
    assert (second.kind, second.words, second.link_words) == ("p", 3, 2)
    assert second.box is first.box
    assert (first.box.words, first.box.blocks) == (5, 2)


@pytest.mark.parametrize(
    "markup", ["", "</div></p></body>", "<a><p>x</a></p>", "<table><p>x<tr><td>y", "<pre></div>x", "<xmp></hr>x</xmp>"]
)
def test_broken_markup(markup):
    assert isinstance(text(markup), str)


def test_marks_are_whole_words_of_class_id_and_role():
    assert MARKS_OF['div class="site-nav" id="x"'] == MARKS_OF['div role="navigation"'] != 0
    assert MARKS_OF['div class="unavailable" data-id="nav"'] == 0
    assert MARKS_OF['div hidden=""'] == MARKS_OF['p style="display: none"'] == HIDDEN


def test_every_piece_of_evidence_has_a_weight():
    assert set(weights.EVIDENCE) == set(NAMES)
    assert set(weights.MARKS) == set(WORDS)
