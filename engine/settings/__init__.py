"""What a user may set, where each value came from, and what is wrong with it in plain words.

Life of a setting: it has a default (:mod:`.groups`), is overridden by files, then by the environment, then by flags
(:mod:`.load`, which also keeps the origin), is checked once (:mod:`.values` has the rules, :mod:`.explain` the
sentences) and never changes again: every process gets the same frozen :class:`Settings`.

Law: every key is in config/default.yml with its meaning and unit (a test compares them); an unknown key, or a value of
the wrong type or range, is a UsageError that names the key, its origin and the nearest known key; a secret is never
printed nor written (:mod:`.views`).
"""

from __future__ import annotations

from engine.settings.cores import needs_pool, resolve_auto, usable_cores
from engine.settings.explain import nearest
from engine.settings.groups import (
    AimdSettings,
    BreakerSettings,
    CacheSettings,
    DiscoverySettings,
    ExtractSettings,
    FetchSettings,
    GuardSettings,
    InputSettings,
    LeadsSettings,
    NlpSettings,
    OutputSettings,
    PipelineSettings,
    PolitenessSettings,
    RetrySettings,
    RunSettings,
    Settings,
    SiteRule,
    ValidationSettings,
    default_user_agent,
    known_keys,
)
from engine.settings.load import Flag, Loaded, environment_file, load, load_again, parse_set
from engine.settings.stages import STAGES
from engine.settings.views import REDACTED, fingerprint, redacted, redacted_keys

__all__ = [
    "REDACTED",
    "STAGES",
    "AimdSettings",
    "BreakerSettings",
    "CacheSettings",
    "DiscoverySettings",
    "ExtractSettings",
    "FetchSettings",
    "Flag",
    "GuardSettings",
    "InputSettings",
    "LeadsSettings",
    "Loaded",
    "NlpSettings",
    "OutputSettings",
    "PipelineSettings",
    "PolitenessSettings",
    "RetrySettings",
    "RunSettings",
    "Settings",
    "SiteRule",
    "ValidationSettings",
    "default_user_agent",
    "environment_file",
    "fingerprint",
    "known_keys",
    "load",
    "load_again",
    "nearest",
    "needs_pool",
    "parse_set",
    "redacted",
    "redacted_keys",
    "resolve_auto",
    "usable_cores",
]
