"""A whole site with traps, for discovery: hosts whose name has a label site-N- (site-200-a.test) have N real pages.

| path | answer |
| --- | --- |
| / | the front page: links to the first pages, to every trap, and out of the site |
| /page/K | page K of N, with an ETag: links to 2K and 2K+1, to itself under session ids, to its print version |
| /robots.txt | forbids /private/, names /sitemap-index.xml |
| /sitemap-index.xml | names /sitemap-1.xml.gz, /sitemap-news.xml and /sitemap.txt |
| /sitemap-1.xml.gz | the tenth of the pages that no page links to, packed, with images |
| /feed.xml | two pages that only it names |
| /page/K?print=1 | the same page, whose canonical link is /page/K |
| /old/K | 301 to /page/K |
| /calendar/YYYY/MM | the same text always, and a link to the next month |
| /deep/... | a link to deep/, relative: deeper for ever |
| /view?n=N | the same text always, and a link to the next number |
| /private/x, /secret | linked: forbidden by robots.txt; only by links marked nofollow |
| /lost | 404 |
"""

from __future__ import annotations

import gzip
import re
from functools import lru_cache

from web.pages import article
from web.registry import HTML, Asked, Reply

_SITE = re.compile(r"(?:^|\.)site-(\d+)-")
_XML = "application/xml"
_FILLER = (
    "The committee meets in the old hall by the river, and everybody who has something to say is heard there. " * 12
)


def pages_of(host: str) -> int | None:
    """How many real pages a host has; None where it is no site."""
    found = _SITE.search(host)
    return int(found[1]) if found else None


def real_urls(host: str) -> set[str]:
    """Every page of the site that discovery is to find, once."""
    count = pages_of(host) or 0
    return {f"http://{host}/", *(f"http://{host}/page/{k}" for k in range(1, count + 1))}


def answer(asked: Asked, count: int) -> Reply:  # noqa: C901, PLR0911 - a table of paths
    """What a site of `count` pages answers."""
    path, _, query = asked.target.partition("?")
    path = path.partition(";")[0]
    first, *rest = path.strip("/").split("/")
    host = f"http://{asked.host}"
    if path == "/":
        return Reply(200, _front(asked.host), HTML)
    if path == "/robots.txt":
        text = f"User-agent: *\nDisallow: /private/\nSitemap: {host}/sitemap-index.xml\n"
        return Reply(200, text.encode())
    if first == "page" and rest and rest[0].isdigit() and 1 <= int(rest[0]) <= count:
        return _page(asked, int(rest[0]), count, printed="print=" in query)
    if first == "old" and rest:
        return Reply(301, headers=(("Location", f"/page/{rest[0]}"),))
    if first == "sitemap-index.xml":
        named = ("sitemap-1.xml.gz", "sitemap-news.xml", "sitemap.txt")
        inner = "".join(f"<sitemap><loc>{host}/{name}</loc></sitemap>" for name in named)
        return Reply(200, _xml("sitemapindex", inner), _XML)
    if first == "sitemap-1.xml.gz":
        inner = "".join(_entry(host, k) for k in range(_linked(count) + 1, count - 3))
        return Reply(200, gzip.compress(_xml("urlset", inner), mtime=0), "application/gzip")
    if first == "sitemap-news.xml":
        return Reply(200, _xml("urlset", _news(host, count - 3)), _XML)
    if first == "sitemap.txt":
        return Reply(200, f"{host}/page/{count - 2}\nno URL\n".encode(), "text/plain")
    if first == "feed.xml":
        items = "".join(f"<item><title>t</title><link>{host}/page/{k}</link></item>" for k in (count - 1, count))
        return Reply(200, f"<rss><channel><title>f</title>{items}</channel></rss>".encode(), "application/rss+xml")
    if first == "calendar":
        year, month = int(rest[0]), int(rest[1])
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        return _trap(f"Calendar {rest[0]} {rest[1]}", f"/calendar/{year}/{month:02}")
    if first == "deep":
        return _trap("Deep", "deep/")
    if first == "view":
        return _trap("A view", f"/view?n={int(query.partition('=')[2]) + 1}")
    return Reply(404, b"no such page")


def _linked(count: int) -> int:
    """Pages that pages link to; sitemaps and the feed name the others."""
    return count - max(6, count // 10)


@lru_cache(maxsize=8)
def _front(host: str) -> bytes:
    traps = (
        "/calendar/2026/11", "/deep/", "/view?n=1", "/private/x", "/lost", "/old/1", "http://elsewhere.test/",
        "mailto:a@b.test", "/style.css", "#top", "http://[broken",
    )  # fmt: skip
    links = "".join(f'<a href="{link}">x</a>' for link in ("/page/1", "page/2", f"HTTP://{host}/page/3#part", *traps))
    feed = '<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
    text = "".join(f"<p>{paragraph}</p>" for paragraph in article(0).paragraphs)
    more = '<a rel="nofollow" href="/secret">s</a>'
    return (
        f"<!DOCTYPE html><html><head><title>Front</title>{feed}</head><body>{text}{links}{more}</body></html>".encode()
    )


def _page(asked: Asked, number: int, count: int, *, printed: bool) -> Reply:
    tag = f'"page-{number}"'
    headers = (("ETag", tag), ("Cache-Control", "max-age=86400"))
    if asked.headers.get("if-none-match") == tag:
        return Reply(304, headers=headers)
    session = f"{number:032x}"
    children = "".join(f'<a href="/page/{k}">{k}</a>' for k in (2 * number, 2 * number + 1) if k <= _linked(count))
    own = (f"/page/{number}?sid={session}", f"/page/{number};jsessionid={session}", f"/page/{number}?print=1")
    links = children + "".join(f'<a href="{url}">again</a>' for url in (own if number % 50 == 1 else own[:2]))
    text = "".join(f"<p>{paragraph}</p>" for paragraph in article(number).paragraphs)
    canonical = f'<link rel="canonical" href="/page/{number}">' if printed else ""
    head = f"<!DOCTYPE html><html><head><title>Page {number}</title>{canonical}</head>"
    html = f"{head}<body>{text}<nav>{links}</nav></body></html>"
    return Reply(200, html.encode(), HTML, headers)


def _trap(title: str, link: str) -> Reply:
    html = f'<html><head><title>{title}</title></head><body><p>{_FILLER}</p><a href="{link}">next</a></body></html>'
    return Reply(200, html.encode(), HTML)


def _entry(host: str, number: int) -> str:
    image = f"<image:image><image:loc>{host}/i/{number}.png</image:loc></image:image>"
    return f"<url><loc>{host}/page/{number}</loc><lastmod>2026-01-02</lastmod>{image}</url>"


def _news(host: str, number: int) -> str:
    news = "<news:news><news:publication_date>2026-02-03</news:publication_date><news:title>N</news:title></news:news>"
    return f"<url><loc>{host}/page/{number}</loc>{news}</url>"


def _xml(root: str, inner: str) -> bytes:
    names = "".join(
        f' xmlns{prefix}="{name}"'
        for prefix, name in (
            ("", "http://www.sitemaps.org/schemas/sitemap/0.9"),
            (":image", "http://www.google.com/schemas/sitemap-image/1.1"),
            (":news", "http://www.google.com/schemas/sitemap-news/0.9"),
        )
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}{names}>{inner}</{root}>'.encode()
