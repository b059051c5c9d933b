"""Pages that look like real ones, made from a number: the same number always gives the same page.

An article has what extractors look for (title, description, author, dates, canonical URL, JSON-LD, feed, links to a PDF
and an audio file every so often) and what they must drop (navigation, share buttons, related links, footer).
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from functools import lru_cache

_PEOPLE = ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Katherine Johnson", "Edsger Dijkstra", "Barbara Liskov")
_ORGS = ("Northwind Traders", "Acme Corporation", "Contoso Ltd", "the University of Oslo", "the European Union")
_PLACES = ("Oslo", "Berlin", "Nairobi", "Lisbon", "Kyoto", "Montreal", "New Zealand")
_TOPICS = ("harbour", "library", "railway", "observatory", "orchard", "lighthouse", "archive", "greenhouse")
_VERBS = ("opened", "repaired", "measured", "described", "visited", "financed", "mapped", "reviewed")
_WHY = (
    "because the old one had become too small for the number of visitors",
    "after two years of planning and a long discussion about its cost",
    "although the first estimates had been far more cautious",
    "while engineers kept a careful record of every change",
    "so that schools in the region can use it from next spring",
)
_MONTHS = ("January", "March", "April", "June", "September", "November")


@dataclass(frozen=True, slots=True)
class Article:
    """What an extractor should find in the page, and the page."""

    title: str
    author: str
    published: str
    paragraphs: tuple[str, ...]
    html: str = ""


@lru_cache(maxsize=4096)
def article(number: int, at_least_bytes: int = 0) -> Article:
    """Article `number`, with so many paragraphs that the page has `at_least_bytes`."""
    pick = random.Random(number)  # noqa: S311 - a page, no secret
    topic, person = pick.choice(_TOPICS), pick.choice(_PEOPLE)
    title = f"{person} and the {topic} of {pick.choice(_PLACES)}, part {number}"
    published = f"20{pick.randint(10, 25)}-{pick.randint(1, 12):02}-{pick.randint(1, 28):02}T08:30:00Z"
    paragraphs = [_paragraph(pick, topic) for _ in range(pick.randint(4, 9))]
    size = sum(len(paragraph) + 8 for paragraph in paragraphs) + 2500
    while size < at_least_bytes:
        paragraphs.append(_paragraph(pick, topic))
        size += len(paragraphs[-1]) + 8
    found = Article(title, person, published, tuple(paragraphs))
    html = _page(number, found, pick)
    return replace(found, html=html + f"<!--{' ' * max(0, at_least_bytes - len(html) - 7)}-->")


def _paragraph(pick: random.Random, topic: str) -> str:
    return " ".join(_sentence(pick, topic) for _ in range(pick.randint(3, 6)))


def _sentence(pick: random.Random, topic: str) -> str:
    day = f"{pick.choice(_MONTHS)} {pick.randint(1, 28)}, {pick.randint(1990, 2025)}"
    actor = pick.choice((*_PEOPLE, *_ORGS))
    actor = actor[0].upper() + actor[1:]
    money = f"${pick.randint(2, 900)} million"
    return pick.choice(
        (
            f"On {day} {actor} {pick.choice(_VERBS)} the {topic} in {pick.choice(_PLACES)} for {money}.",
            f"{actor} {pick.choice(_VERBS)} it again in {pick.choice(_PLACES)}, {pick.choice(_WHY)}.",
            f"The {topic} was {pick.choice(_VERBS)} {pick.choice(_WHY)}.",
            f"“Nobody expected {pick.randint(2, 90)} percent more visitors,” said {actor} on {day}.",
        )
    )


def _page(number: int, found: Article, pick: random.Random) -> str:
    title, author, published = found.title, found.author, found.published
    data = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": title, "datePublished": published}
    related = "".join(f'<li><a href="/html/{number + i}">Related story {number + i}</a></li>' for i in range(1, 6))
    extra = '<p>Read the <a href="/files/report.pdf">full report</a>.</p>' if number % 3 == 0 else ""
    extra += '<p>Listen to <a href="/files/talk.mp3">the talk</a>.</p>' if number % 5 == 0 else ""
    text = "\n".join(f"<p>{paragraph}</p>" for paragraph in found.paragraphs)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="description" content="{title}: what happened, and why it matters.">
<meta name="author" content="{author}"><meta property="article:published_time" content="{published}">
<meta property="og:site_name" content="The Example Courier"><meta property="og:type" content="article">
<link rel="canonical" href="/html/{number}"><link rel="alternate" type="application/rss+xml" href="/feed.xml">
<script type="application/ld+json">{json.dumps(data)}</script>
<style>body {{ font: 16px/1.5 serif }} nav li {{ display: inline }}</style></head><body>
<header><nav><ul><li><a href="/">Home</a></li><li><a href="/html/1">News</a></li><li><a href="/about">About</a></li>
</ul></nav></header>
<main><article><h1>{title}</h1><p class="byline">By {author}</p>
{text}
{extra}</article></main>
<aside><h2>Most read</h2><ul>{related}</ul><button>Share</button></aside>
<footer><p>© The Example Courier · {pick.randint(100, 999)} Harbour Street · <a href="/privacy">Privacy</a></p></footer>
</body></html>
"""


PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n"
    b"4 0 obj<</Length 52>>stream\nBT /F1 18 Tf 20 100 Td (A page of a document) Tj ET \nendstream endobj\n"
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
