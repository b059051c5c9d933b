from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.outcome import FailureKind
from engine.policy.probe import Method, after_answer, after_failure, total_length


@pytest.mark.parametrize(
    ("method", "status", "content_type", "following"),
    [
        (Method.HEAD, 200, "text/html", None),
        (Method.HEAD, 200, " ", Method.RANGE),
        (Method.HEAD, 301, "", None),
        (Method.HEAD, 404, "text/html", Method.RANGE),
        (Method.HEAD, 405, "", Method.RANGE),
        (Method.HEAD, 500, "", Method.RANGE),
        (Method.HEAD, 429, "", None),
        (Method.HEAD, 503, "", None),
        (Method.RANGE, 206, "", None),
        (Method.RANGE, 404, "", None),
        (Method.RANGE, 416, "", Method.GET),
        (Method.GET, 416, "", None),
    ],
)
def test_head_is_believed_only_where_it_says_that_all_is_well(method, status, content_type, following):
    assert after_answer(method, status, content_type) is following


@given(st.sampled_from(list(Method)), st.integers(0, 999), st.text(max_size=3))
def test_every_chain_of_answers_ends(method, status, content_type):
    asked = [method]
    while (following := after_answer(asked[-1], status, content_type)) is not None:
        asked.append(following)
    assert len(set(asked)) == len(asked)


def test_a_failure_that_head_may_have_caused_is_tried_with_get():
    assert after_failure(Method.HEAD, FailureKind.CONNECTION_LOST) is Method.RANGE
    assert after_failure(Method.HEAD, FailureKind.DNS_NOT_FOUND) is None
    assert after_failure(Method.RANGE, FailureKind.CONNECTION_LOST) is None
    assert after_failure(Method.RANGE, FailureKind.DECODE_FAILED) is Method.GET


@pytest.mark.parametrize(
    ("status", "content_length", "content_range", "total"),
    [
        (200, "17", "", 17),
        (200, "", "", None),
        (200, "-1", "", None),
        (206, "10", "bytes 0-9/2000", 2000),
        (206, "10", "bytes 0-9/*", None),
        (206, "10", "", None),
        (200, "²", "", None),
    ],
)
def test_the_whole_length_is_what_the_headers_tell(status, content_length, content_range, total):
    assert total_length(status, content_length, content_range) == total
