"""Encodings in the order of the standard: mark, header, declaration, guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.nlp.charset import RefusedEncodingError, decode, prescan


@pytest.mark.parametrize(
    ("body", "header", "text"),
    [
        (b"\xef\xbb\xbf\xc3\xa9", "windows-1252", "é"),
        (b"\xff\xfe\xe9\x00", None, "é"),
        (b'<meta charset="utf-8">\xe9', "ISO-8859-1", '<meta charset="utf-8">é'),
        (b"<meta charset=windows-1251>\xe9", None, "<meta charset=windows-1251>й"),
        (b"<meta charset=windows-1251>\xe9", "no-such-label", "<meta charset=windows-1251>й"),
        (b"\xc3\xa9", None, "é"),
    ],
)
def test_precedence(body, header, text):
    assert decode(body, header).text == text


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("shift_jis", "cp932", "①髙"),
        ("euc-kr", "cp949", "똠방각하"),
        ("big5", "big5hkscs", "嘅啲"),
        ("gbk", "gb18030", "€中文"),
        ("iso-8859-1", "cp1252", "“€”"),
    ],
)
def test_labels_mean_what_browsers_take_them_for(label, codec, text):
    assert decode(text.encode(codec), label).text == text


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b'<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=koi8-r">', "koi8-r"),
        (b"<meta content='text/html;charset=\"euc-jp\"' http-equiv=content-type>", "euc-jp"),
        (b"<!-- <meta charset=utf-8> --><meta charset=big5>", "big5"),
        (b"<a title='<meta charset=utf-8>'><meta charset=big5>", "big5"),
        (b"<meta charset=utf-16>", "utf-8"),
        (b"<meta charset=nonsense><meta charset=gbk>", "gbk"),
        (b'<meta content="charset=utf-8">', None),
        (b'<?xml version="1.0" encoding="iso-8859-2"?><rss>', "iso-8859-2"),
        (b" " * 1024 + b"<meta charset=big5>", None),
        (b"<meta charset=", None),
    ],
)
def test_prescan(head, expected):
    assert prescan(head) == expected


@pytest.mark.parametrize("codec", ["cp1251", "euc_jp", "shift_jis", "iso2022_jp"])
def test_undeclared_text_is_guessed(codec):
    text = {"cp1251": "Привет, мир! Это простой русский текст. Сегодня тепло. "}.get(
        codec, "これは日本語の文章です。今日は天気がとても良いです。"
    )
    assert decode((text * 5).encode(codec), None).text == text * 5


def test_the_replacement_encoding_is_refused():
    with pytest.raises(RefusedEncodingError, match="hz-gb-2312"):
        decode(b"x", "hz-gb-2312")


@given(st.binary(max_size=400), st.sampled_from([None, "utf-8", "shift_jis", "gbk", "iso-2022-jp", "x-user-defined"]))
def test_no_bytes_fail_and_all_text_can_be_encoded(body, label):
    decode(body, label, markup=False).text.encode()


@given(st.text(alphabet="<>!-/=\"' metacharsoup;x", max_size=80))
def test_prescan_ends_on_any_markup(head):
    prescan(head.encode())
