from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.supervisor.reconcile import (
    DUMP_TICKS,
    HUNG_TICKS,
    START_TICKS,
    Aim,
    AskToLeave,
    Desired,
    DumpStacks,
    KillNlp,
    KillShard,
    NlpSeen,
    ShardSeen,
    StartNlp,
    StartShard,
    next_time,
    reconcile,
)

RUN = Desired(Aim.RUN, nlp_children=2)
times = st.none() | st.floats(0, 100)
shards = st.builds(
    ShardSeen,
    shard=st.integers(0, 3),
    alive=st.booleans(),
    ready=st.booleans(),
    silent_ticks=st.integers(0, 2 * START_TICKS),
    asked_to_leave=st.booleans(),
    respawn_at=times,
)
pools = st.builds(
    NlpSeen,
    slot=st.integers(0, 3),
    alive=st.booleans(),
    ready=st.booleans(),
    unready_ticks=st.integers(0, 2 * START_TICKS),
    still_ticks=st.integers(0, 2 * HUNG_TICKS),
    respawn_at=times,
)
desires = st.builds(Desired, aim=st.sampled_from(Aim), nlp_children=st.integers(0, 4), leave_by=times)


def alive(ticks: int = 0, *, ready: bool = True, asked: bool = False) -> ShardSeen:
    return ShardSeen(0, alive=True, ready=ready, silent_ticks=ticks, asked_to_leave=asked, respawn_at=None)


@given(desires, shards, pools, st.floats(0, 100))
def test_a_place_never_gets_a_second_process_and_a_dead_one_no_signal(desired, shard, child, now) -> None:
    actions = reconcile(desired, [shard], [child], now)
    starts = {type(action) for action in actions} & {StartShard, StartNlp}
    assert not (shard.alive and StartShard in starts)
    assert not (child.alive and StartNlp in starts)
    if not shard.alive:
        assert not any(isinstance(action, KillShard | DumpStacks | AskToLeave) for action in actions)
    if not child.alive:
        assert not any(isinstance(action, KillNlp) for action in actions)
    if desired.aim is not Aim.RUN:
        assert StartShard not in starts
    if desired.aim is Aim.STOP:
        kills = {KillShard: shard.alive, KillNlp: child.alive}
        assert {kind for kind, wanted in kills.items() if wanted} == {type(action) for action in actions}


@given(desires, shards, pools, st.floats(0, 100))
def test_nothing_changes_before_the_next_time_without_a_tick(desired, shard, child, now) -> None:
    at = next_time(desired, [shard], [child])
    if at is None or at > now:
        later = now + 1000 if at is None else (now + at) / 2
        assert reconcile(desired, [shard], [child], later) == reconcile(desired, [shard], [child], now)
    else:
        assert reconcile(desired, [shard], [child], now)


@given(desires, shards, pools, st.floats(0, 100))
def test_carrying_the_actions_out_leaves_no_start_to_repeat(desired, shard, child, now) -> None:
    for action in reconcile(desired, [shard], [child], now):
        if isinstance(action, StartShard):
            shard = ShardSeen(shard.shard, alive=True, respawn_at=None)
        if isinstance(action, StartNlp):
            child = NlpSeen(child.slot, alive=True, respawn_at=None)
    again = reconcile(desired, [shard], [child], now)
    assert not any(isinstance(action, StartShard | StartNlp) for action in again)


@pytest.mark.parametrize(
    ("ticks", "ready", "expected"),
    [
        (HUNG_TICKS - 1, True, []),
        (HUNG_TICKS, True, [DumpStacks(0)]),
        (HUNG_TICKS + DUMP_TICKS, True, [KillShard(0, hung=True)]),
        (HUNG_TICKS + DUMP_TICKS, False, []),
        (START_TICKS, False, [DumpStacks(0)]),
        (START_TICKS + DUMP_TICKS, False, [KillShard(0, hung=True)]),
    ],
)
def test_silence_is_answered_by_stacks_and_then_a_kill(ticks: int, ready: bool, expected: list[object]) -> None:
    assert reconcile(RUN, [alive(ticks, ready=ready)], [], now=0) == expected


def test_a_dead_shard_waits_for_its_time() -> None:
    dead = ShardSeen(0, alive=False, respawn_at=5.0)
    assert reconcile(RUN, [dead], [], now=4.9) == []
    assert next_time(RUN, [dead], []) == 5.0
    assert reconcile(RUN, [dead], [], now=5.0) == [StartShard(0)]
    assert reconcile(RUN, [ShardSeen(0, alive=False, respawn_at=None)], [], now=9.0) == []


def test_leaving_asks_once_and_then_loses_patience() -> None:
    leaving = Desired(Aim.LEAVE, nlp_children=1, leave_by=8.0)
    assert reconcile(leaving, [alive()], [], now=0) == [AskToLeave(0)]
    assert reconcile(leaving, [alive(asked=True)], [], now=7.9) == []
    assert next_time(leaving, [alive(asked=True)], []) == 8.0
    assert reconcile(leaving, [alive(asked=True)], [], now=8.0) == [KillShard(0)]


def test_the_pool_serves_shards_that_are_leaving_and_then_goes() -> None:
    crashed = NlpSeen(0, alive=False, respawn_at=0.0)
    leaving = Desired(Aim.LEAVE, nlp_children=1, leave_by=8.0)
    assert reconcile(leaving, [], [crashed], now=1) == [StartNlp(0)]
    served = NlpSeen(0, alive=True, ready=True)
    assert reconcile(Desired(Aim.STOP, 0), [], [served, crashed], now=1) == [KillNlp(0)]


def test_a_pool_that_is_not_wanted_yet_is_not_started() -> None:
    places = [NlpSeen(slot, alive=False) for slot in range(2)]
    assert reconcile(Desired(Aim.RUN, 0), [], places, now=0) == []
    assert reconcile(RUN, [], places, now=0) == [StartNlp(0), StartNlp(1)]


def test_a_child_that_stands_still_is_killed() -> None:
    still = [NlpSeen(0, alive=True, ready=True, still_ticks=ticks) for ticks in (HUNG_TICKS - 1, HUNG_TICKS)]
    assert [reconcile(RUN, [], [seen], now=0) for seen in still] == [[], [KillNlp(0, hung=True)]]


def test_a_child_that_never_gets_ready_is_killed() -> None:
    assert reconcile(RUN, [], [NlpSeen(0, alive=True, unready_ticks=START_TICKS)], now=0) == [KillNlp(0, hung=True)]
