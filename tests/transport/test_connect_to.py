from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.transport.connect_to import ConnectTo


@pytest.mark.parametrize(
    ("rules", "host", "port", "expected"),
    [
        (["::127.0.0.1:8080"], "a.test", 443, ("127.0.0.1", 8080)),
        (["a.test:80:b.test:8080"], "a.test", 80, ("b.test", 8080)),
        (["a.test:80:b.test:8080"], "a.test", 443, None),
        (["a.test:80:b.test:8080"], "c.test", 80, None),
        (["a.test::b.test:"], "a.test", 8443, ("b.test", 8443)),
        (["A.Test:80::81"], "a.test", 80, ("a.test", 81)),
        (["[::1]:80:[fd00::2]:81"], "[::1]", 80, ("[fd00::2]", 81)),
        (["a.test:80:first.test:1", "::second.test:2"], "a.test", 80, ("first.test", 1)),
        (["a.test:80:first.test:1", "::second.test:2"], "b.test", 80, ("second.test", 2)),
        ([":::"], "a.test", 80, ("a.test", 80)),
        ([], "a.test", 80, None),
    ],
)
def test_the_first_rule_that_matches_says_where_to_connect(rules, host, port, expected):
    assert ConnectTo.parse(rules).apply(host, port) == expected


@pytest.mark.parametrize("rule", ["", "a.test", "a:b:c:d", "a:1:b", "::1:80:b:81", "a:1:b:2:c", "a:1:b:70000"])
def test_a_rule_that_is_none_is_named(rule):
    with pytest.raises(UsageError, match="connect_to"):
        ConnectTo.parse([rule])
