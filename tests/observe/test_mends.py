from __future__ import annotations

import re

import pytest

from engine.model.outcome import FailureKind
from engine.observe.mends import MENDS
from engine.settings import Settings


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_has_one_sentence_of_mend(kind):
    mend = MENDS[kind]
    assert 20 < len(mend) < 160
    assert "\n" not in mend
    assert not mend.endswith(".")


def test_mends_name_only_settings_that_exist():
    groups = Settings.model_fields
    named = {found for mend in MENDS.values() for found in re.findall(r"\b([a-z]+)\.([a-z_]+)\b", mend)}
    named -= {("robots", "txt")}
    assert named
    for group, key in named:
        assert key in groups[group].annotation.model_fields, f"{group}.{key}"
