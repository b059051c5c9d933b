"""The one entry: any body ends in a result, and what cannot be used says why."""

from __future__ import annotations

import importlib.util
import zlib
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.model.outcome import FailureKind
from engine.nlp import extract as extract_module
from engine.nlp.extract import Extractors
from engine.nlp.tags import content_tags
from tests.nlp.media_bytes import image, pdf, wav

URL = "https://a.example/x"
HTML = b"<!doctype html><title>T</title><h1>T</h1><p>Some words of a page that somebody wrote."


@dataclass
class Settings:
    extractor: str = "fast"
    content_types: tuple[str, ...] = ()
    pdf_max_pages: int = 100
    image_location: bool = False


def extract(body, content_type="", **changed):
    return Extractors(Settings(**changed)).extract(body, content_type, URL)


def test_the_sniffed_type_wins_over_the_header():
    assert extract(HTML, "image/png").title == "T"
    assert extract(image("PNG"), "text/html").media["format"] == "PNG"


def test_an_empty_body_is_no_failure():
    found = extract(b"", "text/html; charset=utf-8")
    assert (found.content_type, found.text, found.failure) == ("text/html", "", None)


@pytest.mark.parametrize(
    ("body", "content_type", "named"),
    [
        (b"PK\x03\x04....", "", "application/zip"),
        (b"PK\x03\x04....", "application/vnd.ms-excel", "application/vnd.ms-excel"),
        (b"\x00\x01\x02\x03", "application/octet-stream", "application/octet-stream"),
    ],
)
def test_unsupported_content_is_named(body, content_type, named):
    failure = extract(body, content_type).failure
    assert failure.kind is FailureKind.UNSUPPORTED_CONTENT
    assert named in failure.message


def test_only_wanted_types_are_extracted():
    kind = FailureKind.UNSUPPORTED_CONTENT
    assert extract(wav(), content_types=("text/html",)).failure.kind is kind
    assert extract(wav(), content_types=("audio/*",)).failure is None
    assert extract(wav(), content_types=("audio/x-wav",)).failure is None
    assert extract(HTML, content_types=("application/xhtml+xml",)).failure is None
    assert extract(b"<rss/>", "application/rss+xml", content_types=("application/xml",)).failure is None


def test_a_refused_encoding_is_decode_failed():
    assert extract(HTML, "text/html; charset=hz-gb-2312").failure.kind is FailureKind.DECODE_FAILED


def test_none_parses_nothing():
    found = extract(HTML, "text/html", extractor="none")
    assert (found.title, found.text, found.metadata, found.failure) == ("", "", {}, None)


def test_pdf():
    body = pdf(
        ["First page", "Second page", "Third"],
        "/Title (A report) /Author (Ann) /CreationDate (D:20210908103000+02'00')",
    )
    found = extract(body, pdf_max_pages=2)
    assert found.text == "First page\n\nSecond page"
    assert found.title == "A report"
    assert found.metadata == {"author": "Ann", "published_at": "2021-09-08T10:30:00+02:00"}
    assert (found.media["page_count"], found.media["pages_processed"]) == (3, 2)
    assert extract(body, pdf_max_pages=0).media["pages_processed"] == 3


def test_a_picture_is_measured_without_its_pixels():
    cut = image("PNG")[:60]
    assert extract(cut).media["width"] == 40


def test_an_image_of_absurd_size_is_refused():
    body = bytearray(image("PNG"))
    body[16:24] = (200_000).to_bytes(4, "big") * 2
    body[29:33] = zlib.crc32(body[12:29]).to_bytes(4, "big")
    assert "pixels" in extract(bytes(body)).failure.message


@pytest.mark.parametrize(
    ("body", "content_type", "title", "text"),
    [
        (b"One.\r\n\r\n\r\n\r\nTwo. ", "text/plain", "", "One.\n\nTwo."),
        (b"# The *title*\n\nwords", "text/markdown", "The *title*", "# The *title*\n\nwords"),
        (b'{"title": "T", "n": 5, "items": [{"body": "words"}]}', "application/json", "T", "T\n\nwords"),
        (b'{"broken', "application/json", "", '{"broken'),
        (
            (
                b"<?xml version='1.0'?><rss><channel><title>Feed</title><link>http://x</link><item><title>One</title>"
                b"<description>&lt;p>Some &lt;b>bold&lt;/b> words&lt;/p></description></item></channel></rss>"
            ),
            "text/xml",
            "Feed",
            "One\n\nSome bold words",
        ),
        (b"<doc><p>one</p><p>two</p>", "application/xml", "", "one\n\ntwo"),
    ],
)
def test_other_text(body, content_type, title, text):
    found = extract(body, content_type)
    assert (found.title, found.text) == (title, text)


def test_an_expansion_bomb_is_not_expanded():
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
    assert "bbbb" not in extract(bomb, "application/xml").text


def test_what_a_library_raises_becomes_a_failure_and_a_log_line(monkeypatch, capsys):
    def explode(*_arguments):
        raise RuntimeError("boom")

    monkeypatch.setattr(extract_module, "extract_html", explode)
    failure = extract(HTML).failure
    assert failure.kind is FailureKind.EXTRACT_FAILED
    assert "RuntimeError" in failure.message
    assert "unexpectedly" in "".join(capsys.readouterr())  # an earlier test may have set logging up


STARTS = [b"", b"<html>", b"%PDF-1.4\n", image("PNG")[:40], image("JPEG")[:40], b"ID3\x04", wav()[:44], b"<?xml ?>"]
TYPES = ["", "text/html", "application/json", "application/xml", "text/plain; charset=utf-7", "audio/mpeg", "video/mp4"]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(STARTS), st.binary(max_size=300), st.sampled_from(TYPES))
def test_any_body_ends_in_a_result(start, rest, content_type):
    found = extract(start + rest, content_type)
    found.text.encode()
    assert "unexpected" not in (found.failure.message if found.failure else "")


def test_careful_without_its_package_names_the_command(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "trafilatura", None)
    with pytest.raises(UsageError, match=r"pip install 'enrich-engine\[careful\]'"):
        Extractors(Settings(extractor="careful"))


@pytest.mark.skipif(
    importlib.util.find_spec("trafilatura") is None,
    reason="needs the extra careful: pip install 'enrich-engine[careful]'",
)
def test_careful():
    body = "<p>Some words of a page that somebody wrote. " * 20 + "<p>Other words that are not the same at all. " * 20
    found = extract(f"<html><body><nav>Menu</nav><article>{body}</article>".encode(), extractor="careful")
    assert "wrote.\n\n" in found.text
    assert "Menu" not in found.text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/News/2021/sp%6Frt/news?x=art", ["news", "Sport"]),
        ("https://a.example/newsroom", []),
        ("https://[", []),
    ],
)
def test_content_tags(url, expected):
    assert content_tags(url, ["news", "Sport", "art"]) == expected
