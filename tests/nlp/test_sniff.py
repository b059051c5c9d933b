"""A body's own bytes tell its type, whatever the server says."""

from __future__ import annotations

import pytest

from engine.nlp.sniff import parse_content_type, sniff

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize(
    ("body", "supplied", "expected"),
    [
        (b"<!DOCTYPE html><p>x", "", "text/html"),
        (b"<!-- c --><HTML lang=en>", "text/plain", "text/html"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x"><html>', "application/xml", "text/html"),
        (b"<html><body>404", "image/png", "text/html"),
        (b"\xef\xbb\xbf<html>", "application/octet-stream", "text/html"),
        (b"<b>bold</b> is a tag", "text/plain", "text/plain"),
        (b"<b>bold</b> is a tag", "", "text/html"),
        (b'<?xml version="1.0"?><rss>', "text/html", "application/xml"),
        (b"<rss>", "application/rss+xml", "application/rss+xml"),
        (b"%PDF-1.7 x", "text/html", "application/pdf"),
        (b"\n%PDF-1.7 x", "", "application/pdf"),
        (PNG, "image/jpeg", "image/png"),
        (b"\xff\xd8\xff\xe0", "text/plain", "image/jpeg"),
        (b"GIF89a", "", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "text/html", "audio/wav"),
        (b"\x00\x00\x00\x18ftypmp42", "", "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4A ", "video/mp4", "audio/mp4"),
        (b"\x1a\x45\xdf\xa3", "", "video/webm"),
        (b"ID3\x03", "", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "", "audio/mpeg"),
        (b"PK\x03\x04", "", "application/zip"),
        (b"PK\x03\x04", "application/epub+zip", "application/epub+zip"),
        (b"\x1f\x8b\x08", "text/html", "application/gzip"),
        (b"words", "", "text/plain"),
        (b"\x00\x01\x02", "", "application/octet-stream"),
        (b"\x00\x01\x02", "text/html", "application/octet-stream"),
        (b"<p>a\x00b", "text/html", "text/html"),
        ("\ufeffwords".encode("utf-16-le"), "", "text/plain"),
        (b"body {}", "text/css", "text/css"),
        (b"{}", "application/ld+json", "application/ld+json"),
    ],
)
def test_type_of_a_body(body, supplied, expected):
    assert sniff(body, supplied) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ("", None)),
        ("Text/HTML; Charset='UTF-8'; x=y", ("text/html", "UTF-8")),
        ("application/xhtml+xml;charset=", ("text/html", None)),
        ("audio/x-wav", ("audio/wav", None)),
    ],
)
def test_content_type_header(header, expected):
    assert parse_content_type(header) == expected
