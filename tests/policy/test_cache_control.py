from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.policy.cache_control import MAX_DELTA_S, delta_seconds, parse_cache_control, seconds_of


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], {}),
        ([""], {}),
        ([" , ,"], {}),
        (["no-store"], {"no-store": (None,)}),
        (["No-StOrE, MaX-AgE=5"], {"no-store": (None,), "max-age": ("5",)}),
        (["no-store", "max-age=5"], {"no-store": (None,), "max-age": ("5",)}),
        (['max-age="5"'], {"max-age": ("5",)}),
        (['ext="a, no-store", public'], {"ext": ("a, no-store",), "public": (None,)}),
        (['ext="a\\", no-store", public'], {"ext": ('a", no-store',), "public": (None,)}),
        (['private="set-cookie, x"'], {"private": ("set-cookie, x",)}),
        (["max-age=5, max-age=6, max-age=5"], {"max-age": ("5", "6")}),
        (["no-cache no-store"], {"no-cache": (None,), "no-store": (None,)}),
        (["max-age =5"], {"max-age": ("?",)}),
        (["max-age= 5"], {"max-age": ("?",)}),
        (["max-age=5;no-store"], {"max-age": ("5;no-store",)}),
        (["=5, public"], {"5": (None,), "public": (None,)}),
    ],
)
def test_directives(lines, expected):
    assert parse_cache_control(lines) == expected


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("public", None),
        ("max-age=3600", 3600),
        ("max-age=003600", 3600),
        ('max-age="3600"', 3600),
        ("max-age=0", 0),
        ("max-age=2147483648", MAX_DELTA_S),
        ("max-age=99999999999", MAX_DELTA_S),
        ("max-age=" + "9" * 5000, MAX_DELTA_S),
        ("max-age=3600, max-age=3600", 3600),
        # RFC 9111, section 4.2.1: what cannot be read, or contradicts, is best taken as stale.
        ("max-age=3600, max-age=1", 0),
        ("max-age=1, max-age=3600", 0),
        ("max-age", 0),
        ("max-age=", 0),
        ("max-age=-3600", 0),
        ("max-age='3600'", 0),
        ("max-age=3600.0", 0),
        ("max-age=a3600", 0),
        ("max-age=3600a", 0),
        ("max-age =3600", 0),
        ("max-age= 3600", 0),
        ("max-age=\N{ARABIC-INDIC DIGIT FIVE}", 0),
        ('extension="max-age=3600", max-age=1', 1),
        ('max-age=1, extension="max-age=3600"', 1),
        ("x-max-age=5", None),
    ],
)
def test_seconds(field, seconds):
    assert seconds_of(parse_cache_control([field]), "max-age") == seconds


@given(st.lists(st.text(alphabet='abc-=,"\\ \t5;é\x00', max_size=80), max_size=4))
def test_no_field_is_an_error(lines):
    for name, arguments in parse_cache_control(lines).items():
        assert name
        assert arguments


@pytest.mark.parametrize("piece", [",", '"', '="', 'a="', '\\"', " ", "a ", "a=", 'a="\\'])
def test_a_hostile_line_costs_its_length(piece):
    line = piece * (32_768 // len(piece))
    began = process_time()
    parse_cache_control([line])
    # A quadratic one takes many seconds of the process's own time, whatever else the machine does.
    assert process_time() - began < 2


@given(st.integers(0))
def test_a_number_is_never_above_the_most(number):
    assert delta_seconds(str(number)) == min(number, MAX_DELTA_S)
