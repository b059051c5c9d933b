from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.settings import known_keys, load

ACCEPTED = [
    ("fetch.connect_to", ["::127.0.0.1:8080", "example.org:443:[::1]:8443", ":::", "a.example::b.example:"]),
    ("fetch.nameservers", ["127.0.0.1", "::1", "127.0.0.1:5353", "[::1]:53"]),
    ("guard.allow_networks", ["127.0.0.0/8", "::1/128", "10.1.2.3"]),
    ("fetch.proxy", "https://user:pass@proxy.example:3128"),
    ("fetch.proxy", "http://[::1]:8080/"),
    ("fetch.proxy", "socks5://proxy.example"),
    ("fetch.proxy", "socks5h://user:pass@proxy.example:1080"),
    ("fetch.proxy", "environment"),
    ("fetch.headers", {"X-Any": "värde", "Accept-Language": "en, de;q=0.5"}),
    ("fetch.cookies", {"session": "a=b"}),
    ("extract.content_types", ["text/html", "application/atom+xml", "image/*"]),
    ("sites", [{"match": "*.co.uk"}, {"match": "co.uk"}, {"match": "[::1]"}, {"match": "192.0.2.1", "skip": True}]),
    ("aimd.max", 1000),
    ("nlp.pipeline", "./models/mine"),
    ("input.url_column", "адрес"),
]

REFUSED = [
    ("fetch.connect_to", ["127.0.0.1:8080"]),
    ("fetch.connect_to", ["::127.0.0.1:99999"]),
    ("fetch.connect_to", ["::127.0.0.1:0"]),
    ("fetch.connect_to", ["::http://x:80"]),
    ("fetch.connect_to", ["::::1:80"]),
    ("fetch.nameservers", ["dns.example"]),
    ("fetch.nameservers", ["127.0.0.1:0"]),
    ("fetch.nameservers", ["127.0.0.1:"]),
    ("guard.allow_networks", ["127.0.0.1/8"]),
    ("guard.allow_networks", ["local"]),
    ("fetch.proxy", "socks4://proxy.example"),
    ("fetch.proxy", "proxy.example:3128"),
    ("fetch.proxy", "http://"),
    ("fetch.proxy", "http://proxy.example:port"),
    ("fetch.proxy", "http://proxy.example/path"),
    ("fetch.headers", {"bad name": "x"}),
    ("fetch.headers", {"X-A": "a\r\nX-B: c"}),
    ("fetch.headers", {"Host": "x"}),
    ("fetch.headers", {"User-Agent": "x"}),
    ("fetch.cookies", {"a b": "x"}),
    ("fetch.cookies", {"a": "x;y"}),
    ("fetch.user_agent", "bot\n"),
    ("fetch.user_agent", "bøt"),
    ("extract.content_types", ["html"]),
    ("extract.content_types", ["*/*"]),
    ("sites", [{"match": "https://example.org"}]),
    ("sites", [{"match": "example.org/path"}]),
    ("sites", [{"match": "example.org:8080"}]),
    ("sites", [{"match": "user@example.org"}]),
    ("sites", [{"match": "*"}]),
    ("sites", [{"match": "*."}]),
    ("sites", [{"match": "a.*.example"}]),
    ("sites", [{"match": "a.example"}, {"match": "A.example"}]),
    ("sites", [{"match": "a.example", "auth": "nocolon"}]),
    ("fetch.max_body_bytes", 2**30),
    ("politeness.delay_s", 1e12),
    ("run.max_active_hosts", 0),
]


@pytest.mark.parametrize(("key", "value"), ACCEPTED)
def test_accepted(key, value):
    load([], {}, {key: value})


@pytest.mark.parametrize(("key", "value"), REFUSED)
def test_refused_naming_the_key(key, value):
    with pytest.raises(UsageError) as caught:
        load([], {}, {key: value})
    message = str(caught.value)
    assert message.startswith(key)
    assert "\n" not in message
    assert "(argument)" in message


def test_a_network_with_host_bits_is_answered_with_the_one_that_was_meant():
    with pytest.raises(UsageError, match=r"write 127\.0\.0\.0/8"):
        load([], {}, {"guard.allow_networks": ["127.0.0.1/8"]})


def test_hosts_of_rules_are_normalised_as_fetch_urls_are():
    settings = load([], {}, {"sites": [{"match": "*.Bücher.example"}]}).settings
    assert settings.sites[0].match == "*.xn--bcher-kva.example"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def refusal(environ, flags):
    try:
        load([], environ, flags)
    except UsageError as error:
        return str(error)
    return None


@given(key=st.sampled_from([key for key in known_keys() if key != "fetch.ca_file"]), value=ANYTHING)
def test_no_value_does_worse_than_a_one_line_refusal(key, value):
    message = refusal({}, {key: value})
    assert message is None or (message.startswith(key.partition(".")[0]) and "\n" not in message)


@given(text=st.text(max_size=60))
def test_no_typed_text_does_worse_than_a_one_line_refusal(text):
    for key in ("fetch.timeout_s", "sites", "fetch.headers", "run.shards", "fetch.contact"):
        message = refusal({"ENRICH_" + key.upper().replace(".", "__"): text}, {})
        assert message is None or "\n" not in message
