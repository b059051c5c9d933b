from __future__ import annotations

import pytest

from engine.transport.cookies import MAX_A_SITE, MAX_BYTES, MAX_COOKIE_BYTES, CookieJars


@pytest.fixture
async def jars():
    return CookieJars()


#: (Set-Cookie of https://www.a.test/dir/page, URL asked next, what is sent)
SENT = [
    ("a=1", "https://www.a.test/dir/other", {"a": "1"}),
    ("a=1", "https://www.a.test/", {}),
    ("a=1; Path=/", "https://www.a.test/x", {"a": "1"}),
    ("a=1; Path=/dir", "https://www.a.test/directory", {}),
    ("a=1; Path=/", "https://a.test/", {}),
    ("a=1; Path=/", "https://x.www.a.test/", {}),
    ("a=1; Path=/; Domain=a.test", "https://b.a.test/", {"a": "1"}),
    ("a=1; Path=/; Domain=.a.test", "https://a.test/", {"a": "1"}),
    ("a=1; Path=/; Domain=b.a.test", "https://b.a.test/", {}),
    ("a=1; Path=/; Domain=evil.test", "https://www.a.test/", {}),
    ("a=1; Path=/; Secure", "http://www.a.test/", {}),
    ("a=1; Path=/; Secure", "https://www.a.test/", {"a": "1"}),
    ("a=1; Path=/; Max-Age=0", "https://www.a.test/", {}),
    ("a=1; Path=/; Max-Age=60", "https://www.a.test/", {"a": "1"}),
    ("a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "https://www.a.test/", {}),
    ("a=1; Path=/; expires=Thu, 01-Jan-70 00:00:00 GMT", "https://www.a.test/", {}),
    ("a=1; Path=/; Expires=Wed, 21-Oct-2099 07:28:00 GMT", "https://www.a.test/", {"a": "1"}),
    ("a=1; Path=/; Expires=nonsense", "https://www.a.test/", {"a": "1"}),
    ("a=b=c,d; Path=/; HttpOnly; SameSite=Strict", "https://www.a.test/", {"a": "b=c,d"}),
    ("=1", "https://www.a.test/dir/", {}),
    ("", "https://www.a.test/dir/", {}),
    ("nothing", "https://www.a.test/dir/", {}),
    ("a=x\r\nX-Evil: 1; Path=/", "https://www.a.test/", {}),
    (f"a={'x' * MAX_COOKIE_BYTES}; Path=/", "https://www.a.test/", {}),
]


@pytest.mark.parametrize(("line", "url", "sent"), SENT)
async def test_a_cookie_goes_back_where_it_may(jars, line, url, sent):
    jars.take("https://www.a.test/dir/page", "a.test", [line])
    assert jars.cookies(url, "a.test") == sent


async def test_no_site_sees_anothers_also_where_it_is_set_for_their_whole_suffix(jars):
    jars.take("https://a.co.test/", "a.co.test", ["wide=1; Domain=co.test; Path=/", "own=1; Path=/"])
    assert jars.cookies("https://b.co.test/", "b.co.test") == {}
    assert jars.cookies("https://a.co.test/", "a.co.test") == {"wide": "1", "own": "1"}


async def test_a_later_one_replaces_and_ends_an_earlier_one(jars):
    url = "https://a.test/"
    jars.take(url, "a.test", ["a=1", "b=1"])
    jars.take(url, "a.test", ["a=2", "b=; Max-Age=0"])
    assert jars.cookies(url, "a.test") == {"a": "2"}


async def test_of_a_site_that_sets_many_the_newest_are_kept(jars):
    url = "https://a.test/"
    for n in range(MAX_A_SITE + 20):
        jars.take(url, "a.test", [f"c{n}=1"])
    assert set(jars.cookies(url, "a.test")) == {f"c{n}" for n in range(20, MAX_A_SITE + 20)}


async def test_memory_is_bounded_whatever_sites_set(jars):
    lines = [f"c{n}={'x' * 4000}" for n in range(MAX_A_SITE)]
    for site in range(100):
        jars.take(f"https://s{site}.test/", f"s{site}.test", lines)
        assert jars.cookies("https://s0.test/", "s0.test")  # asked for, so it stays
        assert jars._bytes <= MAX_BYTES
    assert len(jars._jars) < 100
    assert jars._bytes == sum(jars._sizes.values())
    assert set(jars._sizes) == set(jars._jars)


async def test_an_address_has_no_cookies(jars):
    jars.take("http://192.0.2.1/", "192.0.2.1", ["a=1"])
    assert jars.cookies("http://192.0.2.1/", "192.0.2.1") == {}
