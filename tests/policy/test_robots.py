"""robots.txt: RFC 9309's own examples, and what Google documents of its parser."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.url import parse_target
from engine.policy.robots import (
    ALLOW_ALL,
    MAX_BODY_BYTES,
    MAX_LINE_BYTES,
    MAX_SITEMAPS,
    Robots,
    parse,
    product_token,
)


def allowed(text, path, product="FooBot"):
    return parse(text if isinstance(text, bytes) else text.encode(), product).allows(path)


# -- RFC 9309 --

RFC_5_1 = """\
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("token", "path", "expected"),
    [
        ("otherbot", "/example/x", False),
        ("otherbot", "/publications/x", True),
        ("otherbot", "/picture.gif", False),
        ("otherbot", "/picture.gif?x", True),
        ("otherbot", "/publications/picture.gif", True),  # 14 octets against 6
        ("otherbot", "/", True),
        ("foobot", "/", False),
        ("foobot", "/publications/", False),
        ("foobot", "/example/page.html", True),
        ("foobot", "/example/allowed.gif", True),
        ("barbot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/picture.gif", True),
        ("quxbot", "/example/", True),  # its group is empty, and the one for * is not its own
    ],
)
def test_simple_example(token, path, expected):
    assert allowed(RFC_5_1, path, token) is expected


def test_longest_match_example():
    text = "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"
    assert allowed(text, "/example/page/x", "foobot")
    assert not allowed(text, "/example/page/disallowed.gif", "foobot")


def test_groups_of_the_same_agent_are_merged():
    text = """\
user-agent: ExampleBot
disallow: /foo
disallow: /bar

user-agent: BazBot
disallow: /qux

user-agent: ExampleBot
disallow: /baz
"""
    for path, expected in [("/foo", False), ("/bar", False), ("/baz", False), ("/qux", True)]:
        assert allowed(text, path, "examplebot") is expected


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https://foo.bar"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
        ("/foo/bar?baz=https%3A%2F%2Ffoo.bar", "/foo/bar?baz=https://foo.bar"),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%e3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/ツ", "/foo/bar/ツ"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/foo/bar/baz", "/foo/bar/%62%61%7A"),
        ("/a b", "/a%20b"),
        ("/a|b{c}", "/a%7Cb%7bc%7D"),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html"),
        ("/path/foo-%24", "/path/foo-$"),
        ("/path/foo-%24", "/path/foo-%24"),
        ("/price$list", "/price$list"),
        ("/q?x='a'", "/q?x=%27a%27"),
        ("/100%", "/100%"),
    ],
)
def test_paths_are_compared_in_one_spelling(rule, path):
    assert not allowed(f"User-agent: *\nDisallow: {rule}\n", path)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("/a/b", "/a%2Fb"),  # reserved: a different path
        ("/a%2Fb", "/a/b"),
        ("/a?b", "/a%3Fb"),
        ("/path/file-with-a-%2A.html", "/path/file-with-a-x.html"),
        ("/Foo", "/foo"),
        ("/path/foo-%24", "/path/foo-"),
    ],
)
def test_paths_that_are_not_the_same(rule, path):
    assert allowed(f"User-agent: *\nDisallow: {rule}\n", path)


@pytest.mark.parametrize(
    ("rule", "path", "matches"),
    [
        ("/path/foo$", "/path/foo", True),
        ("/path/foo$", "/path/foo.html", False),
        ("/this/*/exactly", "/this/path/exactly", True),
        ("/this/*/exactly", "/this/is/a/long/path/exactly", True),
        ("/this/*/exactly", "/this/exactly", False),
    ],
)
def test_special_characters(rule, path, matches):
    assert allowed(f"User-agent: *\nDisallow: {rule} # a comment\n", path) is not matches


def test_the_file_itself_may_always_be_fetched():
    nothing = Robots([("/", False)])
    assert nothing.allows("/robots.txt")
    assert not nothing.allows("/robots.txt.bak")


def test_half_a_mebibyte_is_read_and_what_comes_later_is_not():
    head = b"User-agent: *\nDisallow: /early\n"
    filler = b"#" * 99 + b"\n"
    body = head + filler * ((MAX_BODY_BYTES - len(head)) // 100)
    body += b"#" * (MAX_BODY_BYTES - len(body) - len("\nDisallow: /cut")) + b"\nDisallow: /cut"
    assert len(body) == MAX_BODY_BYTES
    assert not allowed(body, "/cut/off")
    assert not allowed(body + b"\nDisallow: /late\n", "/cut/off")
    assert allowed(body + b"-off\n", "/cut/")  # half a line is no line
    assert not allowed(body + b"\nDisallow: /late\n", "/early")
    assert allowed(body + b"\nDisallow: /late\n", "/late")


# -- what Google documents and shows in its matcher's tests --


@pytest.mark.parametrize(
    "text",
    [
        "user-agent: FooBot\ndisallow: /\n",
        "USER-AGENT: FooBot\nDISALLOW: /\n",
        "uSeR-aGeNt: FooBot\ndIsAlLoW: /\n",
        "user-agent: FOOBOT\ndisallow: /\n",
        "user-agent: foobot\ndisallow: /\n",
        "user-agent FooBot\ndisallow /\n",  # forgotten colons
        "user-agent\tFooBot\ndisallow\t/\n",
        "useragent: FooBot\ndissallow: /\n",
        "user agent: FooBot\ndisalow: /\n",
        "User-agent: FooBot/2.1\nDisallow: /\n",
        "User-agent: FooBot spaces here\nDisallow: /\n",
        " \t User-agent \t:\t FooBot \t\n \t Disallow \t:\t / \t\n",
        "User-agent:FooBot\rDisallow:/\r",
        "User-agent:FooBot\r\nDisallow:/\r\n",
        "User-agent: FooBot\n\n\n\nDisallow: /",
        "User-agent: FooBot # the bot\nDisallow: / # all\n",
        "User-agent: FooBot\nnonsense\nfoo: bar\nDisallow: /\n",
        "User-agent: *\nAllow: /\n\nUser-agent: FooBot\nDisallow: /\n",
        "User-agent: FooBot\nDisallow: /\n\nUser-agent: *\nAllow: /\n",
        "User-agent: *\nDisallow: /\n",
        "User-agent: * baz\nDisallow: /\n",
        "User-agent: FooBot\nUser-agent: BarBot\nDisallow: /\n",
        "User-agent: FooBot\nUnknown: x\nUser-agent: BarBot\nDisallow: /\n",  # unknown lines close no group
        "User-agent: FooBot\nSitemap: https://foo.bar/s.xml\nUser-agent: BarBot\nDisallow: /\n",
        "User-agent: FooBot\nCrawl-delay: 5\nUser-agent: BarBot\nDisallow: /\n",
        "\ufeffUser-agent: FooBot\nDisallow: /\n",
        b"\xef\xbbUser-agent: FooBot\nDisallow: /\n",
        b"\xefUser-agent: FooBot\nDisallow: /\n",
    ],
)
def test_files_that_shut_the_bot_out(text):
    assert not allowed(text, "/x/y")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "foo: FooBot\nbar: /\n",
        "user-agent Foo Bot\ndisallow: /\n",  # three words
        "User-agent: Foo\nDisallow: /\n",
        "User-agent: FooBotX\nDisallow: /\n",
        "User-agent: Foo Bot\nDisallow: /\n",
        "User-agent: FooBot\nDisallow:\n",
        "User-agent: FooBot\nDisallow: # nothing\n",
        "User-agent: FooBot\n\nUser-agent: BarBot\nAllow: /\n\nUser-agent: *\nDisallow: /\n",
        "Disallow: /\nUser-agent: FooBot\n",
        "Disallow: /\n\nUser-agent: FooBot\nDisallow: /z\n",
        "User-agent: *\nDisallow: /\n\nUser-agent: FooBot\n",
        "User-agent: *\nDisallow: /\n\nUser-agent: FooBot\nDisallow:\n",
        "User-agent: BarBot\nDisallow: /\n\nUser-agent: FooBot\nAllow: /\n",
        "User-agent: *foo\nDisallow: /\n",
        b"\xef\x11\xbfUser-agent: FooBot\nDisallow: /\n",  # no byte order mark: that line is lost
        "User-agent: BarBot\n\ufeffUser-agent: FooBot\nDisallow: /\n",
        "<html><body><p>User-agent: FooBot</p>\n<p>Disallow: /</p></body></html>",
        b"\x00\xff\xfe\x80" * 1000,
    ],
)
def test_files_that_leave_the_path_open(text):
    assert allowed(text, "/x/y")


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [
        ("disallow: /x/page.html\nallow: /x/", "/x/page.html", False),
        ("allow: /x/page.html\ndisallow: /x/", "/x/page.html", True),
        ("allow: /x/page.html\ndisallow: /x/", "/x/", False),
        ("disallow:\nallow:", "/x", True),
        ("disallow: /\nallow: /", "/x", True),  # Allow wins among equals
        ("allow: /\ndisallow: /", "/x", True),
        ("disallow: /x\nallow: /x/", "/x", False),
        ("disallow: /x\nallow: /x/", "/x/", True),
        ("disallow: /x/page.html\nallow: /x/page.html", "/x/page.html", True),
        ("allow: /page\ndisallow: /*.html", "/page.html", False),
        ("allow: /page\ndisallow: /*.html", "/page", True),
        ("allow: /x/page.\ndisallow: /*.html", "/x/page.html", True),
        ("disallow: /x/\nallow: /x/page.html*****", "/x/page.html", True),
        ("disallow: /file**********\nallow: /file/x", "/file/x", False),  # length counts the wildcards
        ("disallow: /\nallow: /folder$", "/folder", True),
        ("disallow: /\nallow: /folder$", "/folder/", False),
        ("disallow: /foo/bar/quz\nallow: /foo/*/qux", "/foo/bar/quz", False),
        ("disallow: /foo/bar/quz\nallow: /foo/*/qux", "/foo/quz", True),
        ("disallow: foo", "/foo", True),  # no slash: no path begins so
        ("disallow: *foo", "/x/foo", False),
        ("disallow: *", "/x", False),
        ("disallow: $", "/", True),
        ("disallow: /$", "/", False),
        ("disallow: /$", "/x", True),
        ("disallow: /foo$bar", "/foo", True),
        ("disallow: /foo*$", "/foobar", False),
        ("disallow: /*.php$", "/a.php", False),
        ("disallow: /*.php$", "/a.php?x", True),
        ("disallow: /*.php$", "/a.php/b.php", False),
        ("disallow: /*.php", "/a.php5", False),
        ("disallow: /*.php", "/windows.PHP", True),
        ("disallow: /a*a$", "/a", True),  # two pieces do not share a character
        ("disallow: /a*a$", "/aa", False),
        ("disallow: /*ab*ab$", "/xab", True),
        ("disallow: /*?", "/x?", False),
        ("disallow: /*?", "/x", True),
        ("disallow: /fish*", "/fish", False),
        ("disallow: /fish/", "/fish", True),
        ("allow: /p\ndisallow: /", "/page", True),
        ("allow: /folder\ndisallow: /folder", "/folder/page", True),
        ("allow: /page\ndisallow: /*.ph", "/page.php5", True),
        ("allow: /$\ndisallow: /", "/", True),
        ("allow: /$\ndisallow: /", "/page.htm", False),
        ("disallow: /\nallow: /index.html", "/", True),  # the folder of an index page that is allowed
        ("disallow: /\nallow: /index.htm", "/", True),
        ("disallow: /\nallow: /dir/index.html", "/dir/", True),
        ("disallow: /\nallow: /dir/index.html", "/dir/x", False),
        ("disallow: /index.html", "/", True),
    ],
)
def test_the_longest_match_decides(rules, path, expected):
    assert allowed(f"user-agent: FooBot\n{rules}\n", path) is expected


@pytest.mark.parametrize(
    ("rule", "matched", "others"),
    [
        ("/fish", "/fish /fish.html /fish/salmon.html /fishheads /fishheads/yummy.html /fish.php?id=anything",
         "/ /bar /Fish.asp /catfish /?id=fish /desert/fish"),
        ("/fish*", "/fish /fish.html /fish/salmon.html /fishheads /fishheads/yummy.html /fish.php?id=anything",
         "/ /bar /Fish.bar /catfish /?id=fish /desert/fish"),
        ("/fish/", "/fish/ /fish/salmon /fish/?salmon /fish/salmon.html /fish/?id=anything /animals/../fish/",
         "/fish /fish.html /Fish/Salmon.asp /animals/fish/"),
        ("/*.php", "/index.php /folder/filename.php?parameters /folder/any.php.file.html /filename.php/ /i?f=name.php/",
         "/ /windows.PHP /index?php /php/"),
        ("/*.php$", "/filename.php /folder/filename.php",
         "/ /filename.php?parameters /filename.php/ /filename.php5 /php/ /windows.PHP /aaaphp"),
        ("/fish*.php", "/fish.php /fishheads/catfish.php?parameters", "/ /Fish.PHP /fish"),
        ("/*/b/*/d$", "/a/b/c/d /a/b/x/y/d /x/a/b/b/d/d", "/a/b/d /a/b/c/d/ /b/c/d"),
        ("/a*b*c", "/abc /aXbYc /a/b/c/d", "/ab /acb /ac"),
    ],
)  # fmt: skip
def test_the_patterns_of_googles_documentation(rule, matched, others):
    text = f"user-agent: FooBot\ndisallow: {rule}\n"
    for path in matched.split():
        normal = parse_target(f"http://foo.bar{path}").fetch_url.removeprefix("http://foo.bar")
        assert not allowed(text, normal), path
    for path in others.split():
        assert allowed(text, path), path


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [
        ("allow: /p\ndisallow: /", "/page", True),
        ("allow: /folder\ndisallow: /folder", "/folder/page", True),
        ("allow: /page\ndisallow: /*.htm", "/page.htm", False),
        ("allow: /page\ndisallow: /*.ph", "/page.php5", True),
        ("allow: /$\ndisallow: /", "/", True),
        ("allow: /$\ndisallow: /", "/page.htm", False),
        ("disallow: /*?*\nallow: /search?q=", "/search?q=a", True),
        ("disallow: /*?\nallow: /*?page=", "/list?page=2", True),
        ("disallow: /*?\nallow: /*?page=", "/list?sort=up", False),
        ("disallow: /a/*/c\nallow: /a/b/", "/a/b/c", False),
        ("disallow: /a/*/c\nallow: /a/b/c", "/a/b/c", True),
    ],
)
def test_the_precedence_of_rules_as_documented(rules, path, expected):
    assert allowed(f"user-agent: FooBot\n{rules}\n", path) is expected


def test_an_agent_line_counts_up_to_its_first_space():
    text = "User-Agent: *\nDisallow: /\nUser-Agent: Foo Bar\nAllow: /x/\nDisallow: /\n"
    assert allowed(text, "/x/y", "Foo")
    assert not allowed(text, "/y", "Foo")
    assert not allowed(text, "/x/y", "Bar")


def test_a_line_is_cut_at_sixteen_kibibytes():
    key = "disallow: "
    long_path = "/x/" + "a" * (MAX_LINE_BYTES - len(key) - 4)
    text = f"user-agent: FooBot\n{key}{long_path}/qux\n"
    assert allowed(text, "/fux")
    assert not allowed(text, long_path + "/fux")


def test_a_path_without_its_slash_has_it_added():
    text = "user-agent: FooBot\ndisallow: /?x\n"
    assert not allowed(text, "?x")
    assert allowed(text, "")


# -- what else the engine takes from the file --


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("User-agent: *\nCrawl-delay: 10\n", 10),
        ("User-agent: *\nCrawl-delay: 0.5\n", 0.5),
        ("User-agent: *\nCrawl-delay: .5\n", 0.5),
        ("User-agent: *\ncrawl-delay : 7 # please\n", 7),
        ("User-agent: *\nCrawl-delay: 3\nCrawl-delay: 9\nCrawl-delay: 4\n", 9),
        ("User-agent: *\nCrawl-delay: 10\n\nUser-agent: FooBot\nDisallow: /x\n", None),
        ("User-agent: *\nCrawl-delay: 10\n\nUser-agent: FooBot\nCrawl-delay: 2\n", 2),
        ("User-agent: BarBot\nCrawl-delay: 60\n\nUser-agent: *\nDisallow: /x\n", None),
        ("Crawl-delay: 10\nUser-agent: *\nDisallow: /x\n", None),
        ("User-agent: *\nCrawl-delay: -1\n", None),
        ("User-agent: *\nCrawl-delay: soon\n", None),
        ("User-agent: *\nCrawl-delay: inf\n", None),
        ("User-agent: *\nCrawl-delay: nan\n", None),
        ("User-agent: *\nCrawl-delay: 99999999999\n", 86400),
        ("User-agent: *\nCrawl-delay: " + "9" * 9000, 86400),
    ],
)
def test_crawl_delay(text, expected):
    assert parse(text.encode(), "FooBot").crawl_delay_s == expected


def test_sitemaps_are_kept_wherever_they_stand():
    text = """\
Sitemap: https://foo.bar/1.xml
User-agent: BarBot
site-map:http://foo.bar/2.xml
Disallow: /
SITEMAP: HTTPS://foo.bar/ü.xml # three
Sitemap: /relative.xml
Sitemap https://foo.bar/no-colon.xml
"""
    robots = parse(text.encode(), "FooBot")
    assert robots.sitemaps == ("https://foo.bar/1.xml", "http://foo.bar/2.xml", "HTTPS://foo.bar/ü.xml")


def test_sitemaps_are_bounded():
    assert len(parse(b"Sitemap: https://foo.bar/s\n" * 5000, "FooBot").sitemaps) == MAX_SITEMAPS


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [
        ("enrich-engine/0.1.0 (+https://example.com/bot)", "enrich-engine"),
        ("Mozilla/5.0 (compatible; ExampleBot/0.1; https://www.example.com/bot.html)", "ExampleBot"),
        ("My_Bot", "My_Bot"),
        (" FooBot 2", "FooBot"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla"),
        ("007bot", ""),
        ("", ""),
    ],
)
def test_the_product_token_of_a_user_agent(user_agent, token):
    assert product_token(user_agent) == token


def test_without_a_token_the_group_for_all_counts():
    text = "User-agent: \nDisallow: /a\n\nUser-agent: *\nDisallow: /b\n"
    assert allowed(text, "/a", "")
    assert not allowed(text, "/b", "")


def test_only_our_group_is_kept():
    others = "".join(f"User-agent: bot{n}\nDisallow: /{n}\n\n" for n in range(1000))
    ours = parse(f"{others}User-agent: FooBot\nDisallow: /x\n".encode(), "FooBot")
    assert ours.size_bytes < 1000


def test_without_a_file_all_is_allowed():
    assert ALLOW_ALL.allows("/x")
    assert ALLOW_ALL.crawl_delay_s is None


# -- against a matcher too simple to be wrong --


def slow_match(pattern, path):
    anchored = pattern.endswith("$")
    body = pattern[:-1] if anchored else pattern
    regex = ".*".join(re.escape(piece) for piece in body.split("*")) + (r"\Z" if anchored else "")
    return re.match(regex, path) is not None


patterns = st.text("ab/*$", max_size=8)
paths = st.text("ab/", max_size=12).map(lambda text: "/" + text)


@given(st.lists(st.tuples(patterns, st.booleans()), max_size=6), paths)
def test_decisions_equal_those_of_a_simple_matcher(rules, path):
    # A $ inside a pattern is a character of its own, which no path here has; elsewhere it counts as three ("%24").
    longest = max(((len(p), allow) for p, allow in rules if p and slow_match(p, path)), default=(0, True))
    assert Robots(rules).allows(path) is longest[1]


@given(st.binary(max_size=400) | st.text("UserAgntDislow-:*#/$%\r\n\t ab2F", max_size=400).map(str.encode), st.text())
def test_no_file_and_no_path_is_an_error(body, path):
    assert parse(b"User-agent: *\nDisallow: " + body, "FooBot").allows(path) in {True, False}


@pytest.mark.parametrize("pattern", ["*a" * 8000, "/" + "a*" * 8000 + "b", "*" * 16000, "/*" + "a" * 8000 + "*b$"])
def test_a_hostile_pattern_costs_no_more_than_its_length(pattern):
    # Backtracking would take ages here; the suite's own limit on time is what notices.
    robots = parse(f"User-agent: *\nDisallow: {pattern}\n".encode(), "FooBot")
    for _ in range(100):
        robots.allows("/" + "a" * 8000)


def test_a_file_of_nothing_but_wildcards_is_matched_in_bounded_time():
    body = b"User-agent: *\n" + b"".join(b"Disallow: /*%da*b*c$\n" % n for n in range(20_000))
    robots = parse(body, "FooBot")
    assert robots.allows("/" + "a" * 2000)
