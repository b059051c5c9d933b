"""Settings as others may see them: without secrets, and of those only what changes rows, to compare two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from engine.settings.groups import Settings

#: Stands in run.json, and on the screen, for a value that must not be seen.
REDACTED: Final = "<redacted>"

#: Row-changing groups, and of them the keys that only bound a process: a row does not depend on where it was made.
_ROW_GROUPS: Final = ("input", "extract", "nlp")
_PROCESS_LIMITS: Final = frozenset({"nlp.batch_pages", "nlp.device", "nlp.timeout_s", "nlp.max_process_memory_bytes"})
_ROW_OUTPUT_KEYS: Final = ("output.format", "output.compression")


def fingerprint(settings: Settings) -> dict[str, Any]:
    """The row-changing settings, flat ("input.limit": 0), JSON-ready: a started run goes on only with equal ones."""
    dump = settings.model_dump(mode="json")
    groups: tuple[str, ...] = _ROW_GROUPS
    if settings.run.stage != "enrichment":  # another stage's rows, to which other groups matter
        groups = ("input", settings.run.stage)
        dump["run"] = {"stage": settings.run.stage}
    keys = [f"{group}.{key}" for group in groups for key in dump[group] if f"{group}.{key}" not in _PROCESS_LIMITS]
    keys += ["run.stage"] if settings.run.stage != "enrichment" else []
    return {key: dump[key.partition(".")[0]][key.partition(".")[2]] for key in (*keys, *_ROW_OUTPUT_KEYS)}


def redacted(settings: Settings) -> dict[str, Any]:
    """All settings, nested, JSON-ready, with each secret replaced by `REDACTED`; names of headers and cookies stay."""
    dump: dict[str, Any] = settings.model_dump(mode="json")
    fetch = dump["fetch"]
    if _has_credentials(fetch["proxy"]):
        fetch["proxy"] = REDACTED
    for holder, key in [(fetch, "headers"), (fetch, "cookies"), *((rule, "headers") for rule in dump["sites"])]:
        holder[key] = dict.fromkeys(holder[key], REDACTED)
    for rule in dump["sites"]:
        if rule["auth"] is not None:
            rule["auth"] = REDACTED
    return dump


def redacted_keys(settings: Settings) -> list[str]:
    """The keys that `redacted` hides, as users name them: "fetch.headers", "sites[0].auth", ..."""
    keys = ["fetch.proxy"] if _has_credentials(settings.fetch.proxy) else []
    keys += [f"fetch.{key}" for key in ("headers", "cookies") if getattr(settings.fetch, key)]
    for index, rule in enumerate(settings.sites):
        keys += [f"sites[{index}].{key}" for key in ("headers", "auth") if getattr(rule, key)]
    return keys


def _has_credentials(proxy: str | None) -> bool:
    return proxy is not None and "@" in urlsplit(proxy).netloc
