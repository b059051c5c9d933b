"""What the local server does, by path and by host name. Any host name is served (clients use connect_to).

| path | answer |
| --- | --- |
| /html/N, /html/N?bytes=B | article N (pages.py), padded to B bytes |
| / and /private/... | article 0 |
| /robots.txt | 404, or as the host name says (below) |
| /status/CODE | that status, a short text |
| /delay/MS/... | 200 after MS milliseconds |
| /retry-after/CODE/SECONDS, /retry-after-date/CODE/SECONDS | CODE with Retry-After in seconds, or as an HTTP date |
| /flaky/N/CODE/... | CODE for the first N requests of this URL, then 200 |
| /redirect/N | 302 to /redirect/N-1 ... /redirect/0 is 200 |
| /redirect-to?url=URL&code=CODE | CODE (302) with this Location, as it stands |
| /redirect-loop, /redirect-loop/2 | 302 to each other |
| /redirect-nowhere | 302 without Location |
| /reset | the connection is reset (RST), nothing written |
| /close | the connection is closed, nothing written |
| /once | answered as the first request of a connection; as a later one the connection is closed unanswered |
| /partial, /partial-chunked | the connection ends before the body that was announced does |
| /slow-body/BYTES/MS | BYTES bytes, one each MS milliseconds |
| /endless | a chunked body without end |
| /hang, /hang-head | no answer; half a head and no more |
| /body/BYTES | that many bytes, application/octet-stream |
| /until-close/BYTES | HTTP/1.0, no length: the end of the connection is the end of the body |
| /chunked, /chunked-bad | article 1 in chunks, with a trailer; a chunk size that is none |
| /gzip /deflate /deflate-raw /br /zstd /stacked | article 1 so encoded (stacked: gzip, then br) |
| /gzip-members | article 1 in gzip members of 1000 bytes |
| /bad-gzip, /cut-gzip | Content-Encoding: gzip on plain text; half of a gzip body |
| /coding/NAME | article 1, unencoded, labelled with Content-Encoding NAME |
| /bomb, /bomb/MIB | gzip, 1000 times smaller than its MIB (1024) mebibytes of zeros |
| /bomb-zstd | zstd, 20,000 times smaller than its 1024 mebibytes |
| /headers-huge/BYTES, /headers-many/N, /headers-endless | one header of BYTES; N headers; headers without end |
| /early-hints | 103, then article 1 |
| /not-http | bytes that are no HTTP |
| /empty-with-body/CODE | 204 or 304, with a body that must not be there |
| /charset/LABEL, /charset-meta/LABEL | a page in that encoding, told by the header; by a meta tag alone |
| /etag/N | article N with an ETag; 304 when If-None-Match has it |
| /modified/N | article N with a Last-Modified and no-cache; 304 when If-Modified-Since has it |
| /fresh/N/SECONDS | article N with max-age=SECONDS |
| /no-store/N, /private/N | article N with that Cache-Control, max-age=3600 and an ETag |
| /vary/NAME/N | article N with max-age=3600 and Vary: NAME |
| /robots-tag/DIRECTIVES, /robots-meta/DIRECTIVES | article 0 with these in X-Robots-Tag; in a meta element |
| /meta-refresh/N | article N, whose meta element sends browsers on to /status/404 |
| /pdf | a PDF of one page |
| /head/KIND/N | HEAD: status KIND; or `reset`, or `untyped` (200 without a media type); GET: article N, or its ranges |
| /head-flood/N | HEAD: 405; GET: a body without end, whatever range was asked for |
| /head-empty | HEAD: 501; a ranged GET: 416; GET: an empty page |
| /raw/NAME | an answer as bytes, by its name in raw.py: heads, lengths, chunks and codings that are odd or wrong |
| /flood/NAME | what never ends, by its name in raw.py: interim answers, trailers, blank lines, … |
| /faulty/PERMILLE/N | article N; so many requests in a thousand fail in one of the ways above (faulty.py) |
| /poison/NAME/SIZE | a page made to hurt its reader (poison.py), SIZE thousandths as bad as it can be |
| /echo | JSON of the request as it came: method, target, headers |

| host name has a label with | means |
| --- | --- |
| robots-deny-, robots-allow-, robots-private- | robots.txt: nothing, everything, all but /private is allowed |
| robots-delay-N- | robots.txt with Crawl-delay: N |
| robots-CODE-, robots-hang- | robots.txt answers CODE; never answers |
| cap-N- | 503 while more than N requests are in flight to the hosts that share the name from this label on |
| slow-MS- | every answer comes MS milliseconds later |
| fail-CODE- | every path but robots.txt answers CODE |
| site-N- | a whole site of N pages, with traps (site.py); the paths above are not there |
| faculty-N- | a directory of N people in three layouts (faculty.py); likewise |
"""

from __future__ import annotations

import asyncio
import json
import re
from email.utils import formatdate
from time import time

from web import faulty, heads, hostile, kept, raw  # noqa: F401 - they register their paths
from web.pages import PDF
from web.registry import HTML, Asked, Reply, Wire, page, path

OCTETS = "application/octet-stream"


def robots(host: str) -> Reply | None:
    """The robots.txt of a host; None = never."""
    found = re.search(r"(?:^|\.)robots-(deny|allow|private|hang|delay-(\d+)|\d{3})-", host)
    kind = found[1] if found else "404"
    if kind == "hang":
        return None
    if kind.isdigit():
        return Reply(int(kind), b"")
    rule = {"deny": "Disallow: /", "private": "Disallow: /private"}.get(kind, "Allow: /")
    delay = f"Crawl-delay: {found[2]}\n" if found and found[2] else ""
    return Reply(body=f"User-agent: *\n{rule}\n{delay}".encode())


@path("", "private")
def _index(_: Asked, __: list[str], ___: Wire) -> Reply:
    return Reply(200, page(0), HTML)


@path("html")
def _html(asked: Asked, rest: list[str], _: Wire) -> Reply:
    size = int(asked.query.get("bytes", 0)) if "?" in asked.target else 0
    return Reply(200, page(int(rest[0]), size), HTML)


@path("status")
def _status(_: Asked, rest: list[str], __: Wire) -> Reply:
    code = int(rest[0])
    return Reply(code, b"" if code in (204, 304) else f"status {code}".encode())


@path("delay")
async def _delay(_: Asked, rest: list[str], __: Wire) -> Reply:
    await asyncio.sleep(int(rest[0]) / 1000)
    return Reply(200, page(0), HTML)


@path("retry-after", "retry-after-date")
def _retry_after(asked: Asked, rest: list[str], _: Wire) -> Reply:
    dated = asked.target.startswith("/retry-after-date")
    value = formatdate(time() + int(rest[1]), usegmt=True) if dated else rest[1]
    return Reply(int(rest[0]), b"later", headers=(("Retry-After", value),))


@path("flaky")
def _flaky(asked: Asked, rest: list[str], _: Wire) -> Reply:
    fails = asked.seen[asked.host + asked.target] <= int(rest[0])
    return Reply(int(rest[1]), b"not yet") if fails else Reply(200, page(0), HTML)


@path("redirect")
def _redirect(_: Asked, rest: list[str], __: Wire) -> Reply:
    left = int(rest[0])
    return Reply(302, headers=(("Location", f"/redirect/{left - 1}"),)) if left else Reply(200, page(0), HTML)


@path("redirect-to")
def _redirect_to(asked: Asked, _: list[str], __: Wire) -> Reply:
    return Reply(int(asked.query.get("code", 302)), headers=(("Location", asked.query["url"]),))


@path("redirect-loop")
def _redirect_loop(_: Asked, rest: list[str], __: Wire) -> Reply:
    return Reply(302, headers=(("Location", "/redirect-loop" if rest else "/redirect-loop/2"),))


@path("redirect-nowhere")
def _redirect_nowhere(_: Asked, __: list[str], ___: Wire) -> Reply:
    return Reply(302)


@path("reset")
def _reset(_: Asked, __: list[str], wire: Wire) -> None:
    wire.reset()


@path("close")
def _close(_: Asked, __: list[str], wire: Wire) -> None:
    wire.close()


@path("once")
def _once(asked: Asked, _: list[str], wire: Wire) -> Reply | None:
    if asked.nth == 1:
        return Reply(200, page(0), HTML)
    wire.close()
    return None


@path("body")
def _body(_: Asked, rest: list[str], __: Wire) -> Reply:
    return Reply(200, b"b" * int(rest[0]), OCTETS)


@path("charset", "charset-meta")
def _charset(asked: Asked, rest: list[str], _: Wire) -> Reply:
    label = rest[0]
    in_head = asked.target.startswith("/charset/")
    text = {"shift_jis": "日本語の記事です。", "windows-1251": "Это статья."}.get(
        label, "Ein Käse für 5 €, bitte — déjà vu."
    )
    meta = "" if in_head else f'<meta charset="{label}">'
    html = f"<!DOCTYPE html><html><head>{meta}<title>{text}</title></head><body><p>{text * 20}</p></body></html>"
    return Reply(200, html.encode(label, "replace"), f"text/html; charset={label}" if in_head else "text/html")


@path("pdf")
def _pdf(_: Asked, __: list[str], ___: Wire) -> Reply:
    return Reply(200, PDF, "application/pdf")


@path("echo")
def _echo(asked: Asked, _: list[str], __: Wire) -> Reply:
    came = {"method": asked.method, "target": asked.target, "headers": asked.headers}
    return Reply(200, json.dumps(came).encode(), "application/json")
