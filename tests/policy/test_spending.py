from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.policy.spending import Account, Allowance, Limits, allowance
from engine.policy.success import SuccessWindow


@settings(deadline=None)
@given(st.integers(1, 20), st.integers(1, 300), st.randoms(use_true_random=False))
def test_a_limit_is_never_exceeded_and_is_used_up(price, most, chance):
    """Jobs of one price, whose price is known when the first has ended; one job may overrun a limit below its price."""
    limits, account = Limits(max_cost_cents=most), Account()
    while True:
        found, why = allowance(limits, account)
        if found is Allowance.GO and chance.random() < 0.7:
            account.submitted += 1
            account.out += 1
        elif account.out:
            account.out -= 1
            account.ended += 1
            account.paid(price)
        elif found is Allowance.STOP:
            assert why
            break
    assert account.spent_cents <= max(most, price)
    assert account.spent_cents + price > most


def test_max_jobs_counts_second_submits_too():
    assert allowance(Limits(max_jobs=3), Account(submitted=2))[0] is Allowance.GO
    found, why = allowance(Limits(max_jobs=3), Account(submitted=3))
    assert found is Allowance.STOP
    assert "leads.max_jobs" in why
    assert allowance(Limits(max_jobs=3), Account(submitted=2), count=2)[0] is Allowance.STOP


def test_while_no_price_is_known_few_are_out():
    limits = Limits(max_cost_cents=1000)
    assert allowance(limits, Account())[0] is Allowance.GO
    assert allowance(limits, Account(out=1))[0] is Allowance.WAIT
    assert allowance(limits, Account(out=1, ended=3))[0] is Allowance.GO


def test_what_may_have_been_billed_counts():
    limits = Limits(max_cost_cents=100)
    assert allowance(limits, Account(spent_cents=50, dearest_cents=10, doubtful=4))[0] is Allowance.GO
    assert allowance(limits, Account(spent_cents=50, dearest_cents=10, doubtful=5))[0] is Allowance.STOP


def test_without_limits_all_goes():
    assert allowance(Limits(), Account(10**6, 10**6, 0, 0, 1e9, 1e3)) == (Allowance.GO, "")


def test_a_run_that_buys_nothing_is_stopped_but_not_by_an_accident():
    window = SuccessWindow(0.5, 50)
    for _ in range(19):
        window.add(good=False)
    assert window.alarm() is None
    window.add(good=False)
    assert "leads.min_success_rate is 50%" in window.alarm()
    for _ in range(25):
        window.add(good=True)
    assert window.alarm() is None


def test_a_small_window_speaks_when_it_is_full():
    window = SuccessWindow(0.5, 4)
    for _ in range(4):
        window.add(good=False)
    assert window.alarm()
    assert SuccessWindow(0.0, 4).alarm() is None
