"""The WHATWG rules where a list of URLs meets them, and what no row may show."""

from __future__ import annotations

import ada_url
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.model.outcome import Failure, FailureKind
from engine.model.url import Target, host_id, parse_target, site_of, url_key, without_credentials


@pytest.mark.parametrize(
    ("given_url", "fetch_url", "host", "port"),
    [
        ("http://a", "http://a/", "a", 80),
        ("HTTP://ExAmple.com:80/x#f", "http://example.com/x", "example.com", 80),
        ("https://h:8443/x?y=/z", "https://h:8443/x?y=/z", "h", 8443),
        ("https://h?x#a?b", "https://h/?x", "h", 443),
        ("  http://h/ \n", "http://h/", "h", 80),
        ("http://h/a/../b/./c", "http://h/b/c", "h", 80),
        ("http://h/a/%2e%2E/b", "http://h/b", "h", 80),
        ("http://h/a b", "http://h/a%20b", "h", 80),
        ("http://h/.well-known", "http://h/.well-known", "h", 80),
        ("http://münchen.de/ü?ü", "http://xn--mnchen-3ya.de/%C3%BC?%C3%BC", "xn--mnchen-3ya.de", 80),
        ("http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1", 80),
        ("https://[::1]:8443/", "https://[::1]:8443/", "[::1]", 8443),
        ("http://[0:0::1]/", "http://[::1]/", "[::1]", 80),
        ("http:\\\\h\\x", "http://h/x", "h", 80),
        ("http:h/x", "http://h/x", "h", 80),
    ],
)
def test_normalises_by_the_standard(given_url, fetch_url, host, port):
    target = parse_target(given_url)
    assert isinstance(target, Target)
    assert target.url == given_url.strip()
    assert (target.fetch_url, target.host, target.port, target.auth) == (fetch_url, host, port, None)


@pytest.mark.parametrize(
    ("given_url", "url", "auth"),
    [
        ("http://u:p@h/", "http://h/", "u:p"),
        ("http://u:p%40@h/x", "http://h/x", "u:p@"),
        ("http://token@h?x=a@b", "http://h?x=a@b", "token:"),
        ("http:/u:p@h/a", "http://h/a", "u:p"),
        ("http:\\\\u:p@h\\x", "http://h/x", "u:p"),
        ("HTTP:///\\u:p@h/", "http://h/", "u:p"),
    ],
)
def test_user_and_password_leave_both_forms_of_the_url(given_url, url, auth):
    target = parse_target(given_url)
    assert isinstance(target, Target)
    assert (target.url, target.auth) == (url, auth)
    assert "p@" not in target.fetch_url


def test_a_redirect_is_resolved_against_its_page():
    target = parse_target("../x?y#z", "http://h/a/b")
    assert isinstance(target, Target)
    assert target.url == target.fetch_url == "http://h/x?y"
    assert parse_target("mailto:a", "http://h/") == Failure(
        FailureKind.REFUSED_SCHEME, "only http and https are fetched, not mailto: 'mailto:a'"
    )


@pytest.mark.parametrize(
    "text", ["", "example.com", "//h/x", "http://", "http://h:99999/", "http://a b/", "http://h/\ud800"]
)
def test_what_is_no_url(text):
    failure = parse_target(text)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.INVALID_URL


@pytest.mark.parametrize(
    "text", ["ftp://h/", "file:///etc/passwd", "javascript:alert(1)", "blob:http://h/x", "data:,x"]
)
def test_other_schemes_are_refused(text):
    failure = parse_target(text)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.REFUSED_SCHEME


@pytest.mark.parametrize(
    "text",
    [
        "http://u:secret@h:x/",
        "http://u:secret@ho st/",
        "http://u:sec/secret@h/",
        "ftp://u:secret@h/",
        "http:u:secret@h:x",
    ],
)
def test_a_broken_url_keeps_its_password_to_itself(text):
    failure = parse_target(text)
    assert isinstance(failure, Failure)
    assert "secret" not in failure.message
    assert "secret" not in without_credentials(text)


def test_a_long_password_does_not_survive_the_cut_of_a_sentence():
    failure = parse_target("http://user:" + "secret" * 100 + "@h:x/")
    assert isinstance(failure, Failure)
    assert "secret" not in failure.message


def test_what_is_no_authority_is_left_alone():
    for text in ("write to a@b.example", "http://h/a@b broken", "//h/x?mail=a@b", "mailto:a@b"):
        assert without_credentials(text) == text


_PLAIN_CHARS = "abz09-_.~/?:@!$&'()*+,;=%2eE[]|^`{}<>\"\\ #é\t"


@given(
    st.just("") | st.text(_PLAIN_CHARS, max_size=30).map("/{}".format),
    st.sampled_from(["a.example", "xn--a", "1.2", "a_b.c", "-.c-", "a..b", "0x.a1"]),
)
@example("//%2e/", "a.example")
@example("//a/%2e", "a.example")
@example("/?'", "a.example")
def test_the_quick_way_through_gives_what_the_standard_gives(rest, host):
    text = f"http://{host}{rest}".strip()
    target = parse_target(text)
    try:
        href = ada_url.normalize_url(text)
    except ValueError:
        assert isinstance(target, Failure)
    else:
        assert isinstance(target, Target)
        assert target.fetch_url == href.partition("#")[0]
        assert target.host == ada_url.URL(text).hostname


@given(st.text() | st.text(_PLAIN_CHARS).map(lambda text: "http://" + text))
def test_any_text_is_a_target_or_a_failure(text):
    target = parse_target(text)
    if isinstance(target, Target):
        again = parse_target(target.fetch_url)
        assert isinstance(again, Target)
        assert again.fetch_url == target.fetch_url
        assert (again.host, again.port) == (target.host, target.port)
        assert site_of(target.host)
        assert target.origin.startswith(target.scheme + "://" + target.host)


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("a.b.co.uk", "b.co.uk"),
        ("a.shop.example", "shop.example"),
        ("me.github.io", "me.github.io"),
        ("github.io", "github.io"),
        ("www.shop.xn--55qx5d.cn", "shop.xn--55qx5d.cn"),  # a rule that the list has in Chinese
        ("www.city.kobe.jp", "city.kobe.jp"),
        ("a.b.c.kobe.jp", "b.c.kobe.jp"),
        ("localhost", "localhost"),
        ("www.h.com.", "h.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("..", ".."),
    ],
)
def test_sites_are_registrable_domains(host, site):
    assert site_of(host) == site


def test_an_origin_names_only_a_port_that_is_not_the_schemes_own():
    origins = [
        t.origin for u in ("http://h:80/x", "https://h:80/", "https://h/") if isinstance(t := parse_target(u), Target)
    ]
    assert origins == ["http://h", "https://h:80", "https://h"]


def test_keys_and_host_numbers_are_the_same_in_every_run():
    # Frontiers on disk hold them: a change here orphans every run folder.
    assert url_key("http://h/").hex() == "2a5bc6670a3d10cac248536087a23308"
    assert host_id("example.com") == 1424565772579972710
