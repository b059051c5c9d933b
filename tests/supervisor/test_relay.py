from __future__ import annotations

from types import SimpleNamespace

from engine.ipc.frames import Frame
from engine.model.messages import Control
from engine.supervisor.relay import Relay
from engine.supervisor.shards import Shards


def relayed(frame, *, there=True):
    sent = []

    def send(shard, header, _body):
        sent.append((shard, header["type"], header.get("from")))
        return there

    assert Relay(3, send).passes(1, frame)
    return sent


def test_found_links_and_their_receipts_pass_between_shards():
    for kind in (Control.FOUND, Control.FOUND_DONE):
        assert relayed(Frame({"type": kind, "to": 2, "last": 7})) == [(2, kind, 1)]


def test_who_sends_links_to_a_shard_that_is_away_is_told_so():
    found = relayed(Frame({"type": Control.FOUND, "to": 2, "last": 7, "entries": []}), there=False)
    assert found[1:] == [(1, Control.SHARD_GONE, None)]
    assert len(relayed(Frame({"type": Control.FOUND_DONE, "to": 2, "last": 7}), there=False)) == 1


def test_a_shard_that_takes_links_is_not_finished_until_it_says_so_again():
    plan = SimpleNamespace(shards=2)
    nothing = dict.fromkeys(("ready", "progressed", "failed", "changed"), lambda *_: None)
    shards = Shards(plan, None, None, **nothing)
    for place in shards.places:
        shards._on_frame(place, Frame({"type": Control.FINISHED}))
    assert shards.all_finished
    shards._on_frame(shards.places[1], Frame({"type": Control.FOUND_DONE, "to": 0, "last": 1}))
    assert not shards.all_finished
    shards._on_frame(shards.places[1], Frame({"type": Control.FINISHED}))
    assert shards.all_finished
