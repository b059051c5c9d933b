"""The charts: well-formed, to scale, the same bytes for the same data."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from lib.svg import Chart, Line, Point, Scale, draw, nice_top

SVG = "{http://www.w3.org/2000/svg}"


def _chart(*lines, x="requests at once"):
    return Chart("Through <put> & more", x, "URLs/s", lines)


def _line(name, values):
    return Line(name, [Point.of(x, measured) for x, measured in values.items()])


def _texts(text):
    return [element.text for element in ET.fromstring(text).iter(f"{SVG}text")]  # noqa: S314 - our own


def _whiskers(text):
    paths = [element.get("d") for element in ET.fromstring(text).iter(f"{SVG}path")]  # noqa: S314 - our own
    return sum(path.count("h6") == 2 for path in paths)


def test_a_chart_names_its_axes_its_lines_and_what_was_measured():
    chart = _chart(_line("one", {10: [50, 60], 100: [500]}), _line("other", {10: [40], 100: [90]}))
    texts = _texts(draw(chart))
    assert {"Through <put> & more", "requests at once", "URLs/s", "one", "other", "10", "100", "0", "500"} <= {*texts}


def test_one_line_needs_no_legend():
    assert "one" not in _texts(draw(_chart(_line("one", {1: [1]}))))


def test_the_same_data_give_the_same_bytes():
    chart = _chart(_line("one", {10: [50, 60], 100: [500]}))
    assert draw(chart) == draw(chart)


def test_a_point_is_the_median_and_its_whisker_the_spread():
    assert Point.of(3, [5, 1, 2]) == Point(3, 2, 1, 5)
    assert [_whiskers(draw(_chart(_line("", {1: values})))) for values in ([1, 3], [2, 2])] == [1, 0]


def test_panels_stand_side_by_side_and_share_colours():
    line = _line("one", {1: [1], 2: [2]})
    root = ET.fromstring(draw(_chart(line), _chart(_line("other", {1: [1]}), line)))  # noqa: S314 - our own
    first, second = root.findall(f"{SVG}g")
    assert first.get("transform") != second.get("transform")
    assert first.find(f"{SVG}circle").get("fill") == second.findall(f"{SVG}circle")[1].get("fill")


@pytest.mark.parametrize(
    ("most", "top", "step"), [(0, 1, 1), (1, 1, 0.2), (7, 8, 2), (42, 50, 10), (0.034, 0.04, 0.01), (1000, 1000, 200)]
)
def test_an_axis_ends_at_a_round_number(most, top, step):
    assert nice_top(most) == pytest.approx((top, step))


def test_nothing_is_drawn_outside_its_axis():
    for most in range(1, 3000, 7):
        top, step = nice_top(most / 13)
        assert most / 13 <= top <= most / 13 + step
        assert top / step < 6


def test_a_wide_range_is_logarithmic_and_one_value_stands_in_the_middle():
    wide = Scale((10, 1000), (0, 200), logarithmic=True)
    assert [wide(10), wide(100), wide(1000)] == pytest.approx([0, 100, 200])
    assert Scale((5, 5), (0, 200))(5) == 100


def test_numbers_that_would_touch_are_left_out():
    texts = _texts(draw(_chart(_line("", {x: [1] for x in range(1000, 1100)}))))
    shown = [text for text in texts if text.startswith("1,0")]
    assert "1,099" in shown
    assert len(shown) < 12
