from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.observe.text import clip, duration, printable, redact, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see http://user:secret@a.example/x", "see http://<redacted>@a.example/x"),
        ("https://token@a.example", "https://<redacted>@a.example"),
        ("http://user:p@ss:w@a.example/", "http://<redacted>@a.example/"),
        ("http://user:two words@a.example/", "http://<redacted>@a.example/"),
        (
            "http://u:1@a.example/ and ftp://u:2@b.example",
            "http://<redacted>@a.example/ and ftp://<redacted>@b.example",
        ),
        ("http://a.example/@someone", "http://a.example/@someone"),
        ("http://a.example?mail=x@b.example", "http://a.example?mail=x@b.example"),
        ("mail x@a.example", "mail x@a.example"),
    ],
)
def test_user_and_password_of_urls_are_redacted(text, expected):
    assert redact(text) == expected


def test_redaction_takes_linear_time():
    hostile = "http://" + ":" * 200_000 + "@"
    assert redact(hostile) == "http://<redacted>@"
    assert redact("@" + "http://" * 50_000).startswith("@http://")


def test_a_cut_never_parts_a_password_from_what_marks_it():
    assert "secret" not in shown("x" * 90 + " http://user:" + "secret" * 1000 + "@a.example", 120)


@given(st.text(), st.integers(1, 50))
def test_what_is_shown_is_one_bounded_line_that_any_stream_takes(text, max_chars):
    result = shown(text, max_chars)
    assert len(result) <= max_chars
    assert len(result.splitlines()) <= 1
    result.encode()


def test_escape_sequences_are_shown_not_obeyed():
    assert printable("a\x1b[2Jb\nc\u202e\x9b") == r"a\x1b[2Jb\nc\u202e\x9b"
    assert printable("naïve 数 🙂") == "naïve 数 🙂"


def test_clip_marks_what_it_leaves_out():
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abcdefg", 6) == "abcde…"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.04, "0.0s"), (9.94, "9.9s"), (42.4, "42s"), (59.6, "1m 00s"), (200, "3m 20s"), (7500, "2h 05m"),
        (273_600, "3d 4h"),
    ],
)  # fmt: skip
def test_durations_read_as_people_say_them(seconds, expected):
    assert duration(seconds) == expected
