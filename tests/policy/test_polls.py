from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.policy.polls import PollRules, deadline, first_poll_s, next_poll_s

U = st.floats(0, 1, exclude_max=True)
RULES = PollRules()


@settings(deadline=None)
@given(st.floats(60, 3000), st.data())
def test_an_answer_is_had_within_a_twelfth_of_the_jobs_time_and_a_pause_of_the_least(duration_s, data):
    at = first_poll_s(RULES, data.draw(U))
    polls = 1
    while at < duration_s:
        at += next_poll_s(RULES, at, None, data.draw(U) if polls < 50 else 0.5)
        polls += 1
    late_s = at - duration_s
    assert late_s <= max(duration_s / 12, RULES.least_s, RULES.first_s * 1.1)


def test_a_job_of_ten_minutes_is_asked_a_few_dozen_times_on_average():
    at, polls = first_poll_s(RULES, 0.5), 1
    while at < 600:
        at += next_poll_s(RULES, at, None, 0.5)
        polls += 1
    assert polls < 60


@settings(deadline=None)
@given(st.floats(0, 1e6), U, st.one_of(st.none(), st.floats(0, 1e5)))
def test_a_pause_is_within_its_bounds_and_never_below_what_was_asked_for(age_s, u, asked_s):
    pause_s = next_poll_s(RULES, age_s, asked_s, u)
    assert pause_s >= (asked_s or 0)
    assert 1.0 <= pause_s <= max(60.0, asked_s or 0)


@settings(deadline=None)
@given(st.floats(0, 1e9), st.one_of(st.none(), st.floats(-1e12, 1e12)))
def test_a_job_always_has_a_last_moment_and_at_least_its_time(submitted_at, started_at):
    last = deadline(RULES, submitted_at, started_at)
    assert submitted_at + RULES.timeout_s <= last <= submitted_at + 4 * RULES.timeout_s


def test_the_time_runs_from_the_providers_start():
    assert deadline(RULES, 1000.0, 1300.0) == 1300.0 + 900.0
    assert deadline(RULES, 1000.0, None) == 1000.0 + 4 * 900.0
