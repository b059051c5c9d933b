"""Answers that say how they may be kept and used. The table that lists them is behaviours.py's."""

from __future__ import annotations

from web.registry import HTML, Asked, Reply, Wire, page, path

MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT"


@path("etag")
def _etag(asked: Asked, rest: list[str], _: Wire) -> Reply:
    tag = f'"page-{rest[0]}"'
    if asked.headers.get("if-none-match") == tag:
        return Reply(304, headers=(("ETag", tag),))
    return Reply(200, page(int(rest[0])), HTML, (("ETag", tag),))


@path("modified")
def _modified(asked: Asked, rest: list[str], _: Wire) -> Reply:
    told = (("Last-Modified", MODIFIED), ("Cache-Control", "no-cache"))
    if asked.headers.get("if-modified-since") == MODIFIED:
        return Reply(304, headers=told)
    return Reply(200, page(int(rest[0])), HTML, told)


@path("fresh")
def _fresh(_: Asked, rest: list[str], __: Wire) -> Reply:
    return Reply(200, page(int(rest[0])), HTML, (("Cache-Control", f"max-age={int(rest[1])}"),))


@path("no-store", "private")
def _not_to_keep(asked: Asked, rest: list[str], _: Wire) -> Reply:
    word = asked.target.split("/")[1]
    return Reply(200, page(int(rest[0])), HTML, (("Cache-Control", f"{word}, max-age=3600"), ("ETag", '"1"')))


@path("vary")
def _vary(_: Asked, rest: list[str], __: Wire) -> Reply:
    return Reply(200, page(int(rest[1])), HTML, (("Cache-Control", "max-age=3600"), ("Vary", rest[0])))


@path("robots-tag")
def _robots_tag(_: Asked, rest: list[str], __: Wire) -> Reply:
    return Reply(200, page(0), HTML, (("X-Robots-Tag", rest[0]),))


@path("robots-meta")
def _robots_meta(_: Asked, rest: list[str], __: Wire) -> Reply:
    meta = f'<meta name="robots" content="{rest[0]}">'.encode()
    return Reply(200, page(0).replace(b"<head>", b"<head>" + meta, 1), HTML)


@path("meta-refresh")
def _meta_refresh(_: Asked, rest: list[str], __: Wire) -> Reply:
    meta = b'<meta http-equiv="refresh" content="0; url=/status/404">'
    return Reply(200, page(int(rest[0])).replace(b"<head>", b"<head>" + meta, 1), HTML)
