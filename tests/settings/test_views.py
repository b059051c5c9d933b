from __future__ import annotations

import json

from engine.settings import REDACTED, Settings, fingerprint, load, redacted, redacted_keys

SECRETS = {
    "fetch.proxy": "http://joe:hunter2@proxy.example:3128",
    "fetch.headers": {"X-Key": "hunter2"},
    "fetch.cookies": {"session": "hunter2"},
    "sites": [{"match": "a.example"}, {"match": "b.example", "auth": "joe:hunter2", "headers": {"X-Key": "hunter2"}}],
}


def test_no_secret_is_left_and_every_one_is_named():
    settings = load([], {}, SECRETS).settings
    view = redacted(settings)
    assert "hunter2" not in json.dumps(view)
    assert view["fetch"]["headers"] == {"X-Key": REDACTED}
    assert view["sites"][0]["auth"] is None
    assert redacted_keys(settings) == [
        "fetch.proxy",
        "fetch.headers",
        "fetch.cookies",
        "sites[1].headers",
        "sites[1].auth",
    ]


def test_a_proxy_without_credentials_is_no_secret():
    settings = load([], {}, {"fetch.proxy": "http://proxy.example:3128"}).settings
    assert redacted(settings)["fetch"]["proxy"] == "http://proxy.example:3128"
    assert redacted_keys(settings) == []


def test_only_row_changing_settings_are_compared():
    base = fingerprint(Settings())
    same = {
        "fetch.timeout_s": 3,
        "nlp.timeout_s": 3,
        "nlp.max_process_memory_bytes": 5,
        "output.order": "input",
        "run.shards": 3,
    }
    assert fingerprint(load([], {}, same).settings) == base
    for key, value in {
        "input.limit": 1,
        "extract.extractor": "none",
        "nlp.pipeline": "none",
        "output.compression": "gz",
    }.items():
        changed = fingerprint(load([], {}, {key: value}).settings)
        assert {name for name in base if changed[name] != base[name]} == {key}
    assert json.loads(json.dumps(base)) == base
