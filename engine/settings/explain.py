"""What is wrong with a setting, in one sentence that names the key, the mend, and where the value came from.

Law: a secret's value is never repeated; any other value is, cut to a length that keeps the message on one line.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from engine.settings.groups import SiteRule, known_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

#: Below this likeness a suggestion puzzles more than it helps.
_LIKENESS: Final = 0.5
_MAX_SHOWN_CHARS: Final = 60
_SECRET_KEYS: Final = frozenset({"proxy", "headers", "cookies", "auth"})

#: pydantic's error type -> what the value must be; braces are filled from the error's context.
_REQUIREMENTS: Final = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text (in quotes where it looks like a number)",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
    "finite_number": "must be a finite number",
}


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, or None where none is like it.

    A key whose last part is exactly `name`'s wins over likeness: `timeout_s` and `fetcher.timeout_s` mean
    `fetch.timeout_s`.
    """
    names = list(known)
    leaf = name.rpartition(".")[2]
    same_leaf = [candidate for candidate in names if "." in candidate and candidate.rpartition(".")[2] == leaf]
    close = get_close_matches(name, same_leaf or names, n=1, cutoff=0.0 if same_leaf else _LIKENESS)
    return close[0] if close else None


def unknown_key(key: str, origin: str, known: Iterable[str] | None = None) -> str:
    """The sentence for a key that does not exist. `known` is every setting unless given."""
    guess = nearest(key, known_keys() if known is None else known)
    hint = f"did you mean {guess}?" if guess else "enrich config lists them all"
    return f"{key} is no setting ({origin}): {hint}"


def explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    """The first of the refusals in `error`, as one sentence; how many more there are."""
    details = error.errors(include_url=False)
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return _sentence(details[0], origins) + more


def _sentence(detail: ErrorDetails, origins: Mapping[str, str]) -> str:
    location = list(detail["loc"])
    context = detail.get("ctx", {})
    if "keys" in context:  # a rule between keys: its message names them
        return f"{detail['msg']} ({', '.join(dict.fromkeys(origins[key] for key in context['keys']))})"
    path = _path(location)
    root = path if path in origins else ".".join(str(part) for part in location[:2])
    origin = origins.get(root) or origins.get(str(location[0]), "default")
    kind = detail["type"]
    if kind == "extra_forbidden":
        prefix, _, _ = path.rpartition(".")
        return unknown_key(path, origin, [f"{prefix}.{name}" for name in SiteRule.model_fields])
    if kind == "missing":
        return f"{path} is missing ({origin})"
    if kind == "value_error":
        return f"{path} {context['error']} ({origin})"
    requirement = _REQUIREMENTS[kind].format(**context) if kind in _REQUIREMENTS else detail["msg"]
    secret = not _SECRET_KEYS.isdisjoint(map(str, location))
    value = "" if secret else f", not {_shown(detail['input'])}"
    return f"{path} {requirement}{value} ({origin})"


def _path(location: list[int | str]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever a file or a flag holds
    text = "empty" if value is None else repr(value)
    return text if len(text) <= _MAX_SHOWN_CHARS else text[:_MAX_SHOWN_CHARS] + "…"
