from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from engine.settings import Settings, known_keys, load

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
PACKAGED = ROOT / "engine" / "settings" / "environments"


def test_default_yml_holds_every_key_with_the_default_of_the_code():
    loaded = load([CONFIG / "default.yml"], {}, {})
    assert loaded.settings == Settings()
    missing = [key for key, origin in loaded.origins.items() if origin == "default"]
    assert missing == []


def test_default_yml_explains_every_key_in_a_comment_above_it():
    lines = (CONFIG / "default.yml").read_text(encoding="utf-8").splitlines()
    unexplained = [
        line
        for before, line in pairwise(lines)
        if ":" in line and not line.lstrip().startswith("#") and not before.lstrip().startswith("#")
    ]
    assert unexplained == []


def test_default_yml_keeps_the_order_of_the_code():
    assert tuple(load([CONFIG / "default.yml"], {}, {}).origins) == known_keys()


@pytest.mark.parametrize("name", ["development", "production"])
def test_the_packaged_environments_are_those_of_the_config_folder(name):
    assert (PACKAGED / f"{name}.yml").read_bytes() == (CONFIG / f"{name}.yml").read_bytes()
    assert load([CONFIG / f"{name}.yml"], {}, {}).settings != Settings()


def test_the_packaged_environments_are_complete():
    assert {path.name for path in PACKAGED.iterdir()} == {p.name for p in CONFIG.glob("*.yml")} - {"default.yml"}


def test_settings_survive_the_way_to_a_child():
    settings = load(
        [],
        {},
        {
            "sites": [{"match": "*.example.org", "delay_s": 5, "auth": "u:p"}],
            "fetch.headers": {"X-A": "b"},
            "fetch.contact": "me@example.org",
            "guard.allow_networks": ["127.0.0.0/8"],
        },
    ).settings
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings


def test_the_user_agent_names_engine_version_and_contact():
    plain = Settings().fetch.user_agent
    assert plain.startswith("enrich-engine/")
    assert (
        Settings.model_validate({"fetch": {"contact": "me@example.org"}}).fetch.user_agent
        == f"{plain} (+me@example.org)"
    )
    assert Settings.model_validate({"fetch": {"user_agent": "mine/1"}}).fetch.user_agent == "mine/1"
