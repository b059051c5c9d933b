"""`stages:` in a settings file: what holds for one stage of the pipeline only.

A stage's mapping holds groups of settings (`politeness: {delay_s: 2}`), and the short names that earlier pipelines had
for some of them (`timeout`, `max_workers`). All three stages are checked whichever one runs: no key is there in vain.
What a stage says wins over the same file's general groups, and a later file over both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from engine.errors import UsageError
from engine.settings.explain import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

GROUP: Final = "stages"
STAGES: Final = ("discovery", "validation", "enrichment")

_FETCHING: Final = {
    "max_workers": "fetch.max_concurrency",
    "timeout": "fetch.timeout_s",
    "max_retries": "retry.max_attempts",
    "limit_per_host": "politeness.max_per_host",
    "batch_size": "output.commit_rows",
    "user_agent": "fetch.user_agent",
}

#: The short names of each stage, and the settings that they stand for.
SHORT: Final[Mapping[str, Mapping[str, str]]] = {
    "discovery": {
        **_FETCHING,
        "allowed_domains": "discovery.allowed_domains",
        "max_depth": "discovery.max_depth",
        "max_pages": "discovery.max_pages_per_site",
        "output_file": "pipeline.discovery_output",
    },
    "validation": {
        **_FETCHING,
        "content_types": "validation.content_types",
        "output_file": "pipeline.validation_output",
    },
    "enrichment": {
        **_FETCHING,
        "nlp_enabled": "nlp.pipeline",
        "spacy_model": "nlp.pipeline",
        "use_transformers": "nlp.use_transformers",
        "transformer_ner_model": "nlp.ner_model",
        "summarizer_model": "nlp.summarizer_model",
        "device": "nlp.device",
        "content_types": "extract.content_types",
        "max_text_length": "extract.max_text_length",
        "top_keywords": "nlp.top_keywords",
        "predefined_tags": "extract.predefined_tags",
        "output_file": "pipeline.enrichment_output",
    },
}

#: Names that earlier pipelines had and that nothing here could obey, with the reason.
REFUSED: Final = {"ttl_dns_cache": "an address is kept as long as its DNS record says"}


class Said(NamedTuple):
    """What a stage's mapping says: a setting's key, its value, and the name that it stood under."""

    key: str
    value: Any
    name: str


def said(
    tree: object, stage: str, flat: Callable[[Mapping[str, Any]], Iterator[tuple[str, Any]]], origin: str
) -> list[Said]:
    """What the group `stages` says for `stage`; the other stages' keys are checked all the same.

    `flat` gives the keys and values of a tree of groups, and refuses unknown ones. Raises UsageError.
    """
    if tree is None:
        return []
    if not isinstance(tree, dict):
        raise UsageError(f"{GROUP} must be a mapping of {', '.join(STAGES)} ({origin})")
    found: list[Said] = []
    for name, keys in tree.items():
        if name not in STAGES:
            guess = nearest(str(name), STAGES)
            hint = f"did you mean {guess}?" if guess else f"there are {', '.join(STAGES)}"
            raise UsageError(f"{GROUP}.{name} is no stage ({origin}): {hint}")
        if keys is not None and not isinstance(keys, dict):
            raise UsageError(f"{GROUP}.{name} must be a mapping of settings, not {str(keys)[:60]!r} ({origin})")
        of_stage = [
            one for key, value in (keys or {}).items() for one in _said(str(name), str(key), value, flat, origin)
        ]
        if name == stage:
            found = of_stage
    return found


def _said(
    stage: str, key: str, value: Any,  # noqa: ANN401 - whatever a file holds
    flat: Callable[[Mapping[str, Any]], Iterator[tuple[str, Any]]], origin: str,
) -> Iterator[Said]:  # fmt: skip
    name = f"{GROUP}.{stage}.{key}"
    if key in REFUSED:
        raise UsageError(f"{name} has no effect here ({origin}): {REFUSED[key]}")
    setting = SHORT[stage].get(key)
    if setting is not None:
        if value := _meant(key, value, name, origin):
            yield Said(setting, value[0], name)
    elif isinstance(value, dict):
        for inner, inner_value in flat({key: value}):
            yield Said(inner, inner_value, f"{GROUP}.{stage}.{inner}")
    else:
        guess = nearest(key, SHORT[stage])
        hint = f"did you mean {guess}?" if guess else f"there are {', '.join(SHORT[stage])}, and groups of settings"
        raise UsageError(f"{name} is no setting ({origin}): {hint}")


def _meant(key: str, value: Any, name: str, origin: str) -> tuple[Any] | None:  # noqa: ANN401 - as above
    """The setting's own value, in a tuple; None where the name leaves the setting as it is."""
    match key:
        case "nlp_enabled":
            if not isinstance(value, bool):
                raise UsageError(f"{name} must be true or false, not {str(value)[:60]!r} ({origin})")
            return None if value else ("none",)
        case "max_retries" if isinstance(value, int) and not isinstance(value, bool):
            return (value + 1,)  # the first attempt is none
        case _:
            return (value,)
