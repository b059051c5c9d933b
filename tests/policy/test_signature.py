from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.policy.signature import refusal, signed

SECRET, BODY, NOW = b"secret", b'{"task_id": "a"}', 1_700_000_000.0


def test_a_call_is_believed_by_the_published_formula():
    stamp = "1700000000"
    expected = hmac.new(SECRET, b"1700000000." + BODY, sha256).hexdigest()
    assert refusal(f"t={stamp},v1={expected}", BODY, SECRET, NOW) is None
    assert refusal(f"t={stamp},v1={expected.upper()}", BODY, SECRET, NOW) is None
    assert refusal(f" t={stamp}, v1={'0' * 64}, v1={expected}", BODY, SECRET, NOW) is None  # while secrets change
    assert signed(BODY, SECRET, NOW) == f"t={stamp},v1={expected}"


@pytest.mark.parametrize("header", ["", "t=1", "v1=00", "t=x,v1=00", "t=1700000000,v2=00", "t=²,v1=00", "x" * 3000])
def test_what_is_no_signature_is_refused(header):
    assert refusal(header, BODY, SECRET, NOW)


def test_a_forged_or_changed_call_is_refused():
    header = signed(BODY, SECRET, NOW)
    assert "match" in refusal(header, BODY + b" ", SECRET, NOW)
    assert "match" in refusal(signed(BODY, b"other", NOW), BODY, SECRET, NOW)
    assert "match" in refusal(header.replace("t=1700000000", "t=1700000001"), BODY, SECRET, NOW)


@pytest.mark.parametrize("age_s", [301, -301, 1e9])
def test_a_stale_call_is_refused(age_s):
    assert "old" in refusal(signed(BODY, SECRET, NOW), BODY, SECRET, NOW + age_s)
    assert refusal(signed(BODY, SECRET, NOW), BODY, SECRET, NOW + 299) is None


@settings(deadline=None)
@given(st.text())
def test_no_header_crashes_it(header):
    assert refusal(header, BODY, SECRET, NOW)
