"""From files, environment and flags to one checked `Settings`, with the origin of every value.

Law: defaults < (the settings of a run folder) < files, in order < environment < flags. Groups merge key by key; a list
or a mapping of headers is replaced as a whole. What a text means (in the environment, in `--set`) depends on the
key: a text setting takes it as it stands, every other one reads it as YAML.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin

from pydantic import ValidationError

from engine.errors import UsageError
from engine.settings import stages
from engine.settings.explain import explain, nearest, unknown_key
from engine.settings.groups import Group, Settings, default_user_agent, known_keys
from engine.settings.views import REDACTED
from engine.settings.yaml_files import parse_value, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Of settings; other variables of ours begin with ENGINE_.
ENVIRONMENT_PREFIX: Final = "ENRICH_"

#: The origin of settings that a run folder's manifest holds.
BASE_ORIGIN: Final = "run.json"

#: `--env NAME` is config/NAME.yml; these are the ones that an installed package brings along.
_PACKAGED_ENVIRONMENTS: Final = Path(__file__).parent / "environments"


@dataclass(frozen=True, slots=True)
class Flag:
    """A value from the command line: the flag's name and, where `raw`, its text as typed (else a ready value)."""

    name: str
    value: Any
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """Checked settings, and for each key of `known_keys()` where its value came from."""

    settings: Settings
    origins: dict[str, str]


def load(
    files: Sequence[Path],
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
    base: Mapping[str, Any] | None = None,
) -> Loaded:
    """Merge and check all layers.

    `flags` maps keys ("fetch.timeout_s") to a `Flag`, or to a ready value (origin "argument"). `base` is the nested,
    redacted settings of a run folder: a redacted value counts as absent. Of what files say under `stages:` counts what
    they say of the stage that is run, by the flag or the base. Raises UsageError, one line.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(known_keys(), "default")
    for key, value, origin in _layers(files, environ, flags, base or {}):
        values[key], origins[key] = value, origin
    settings = _checked(values, origins)
    if settings.fetch.ca_file is not None and not Path(settings.fetch.ca_file).is_file():
        origin = origins["fetch.ca_file"]
        raise UsageError(f"fetch.ca_file must name a file, and there is none at {settings.fetch.ca_file} ({origin})")
    return Loaded(settings, origins)


def _layers(
    files: Sequence[Path], environ: Mapping[str, str], flags: Mapping[str, Any], base: Mapping[str, Any]
) -> Iterator[tuple[str, Any, str]]:
    """Give (key, value, origin) of all layers, the weakest first."""
    for key, value in _flat(_without_redacted(base), BASE_ORIGIN):
        yield key, value, BASE_ORIGIN
    stage = _stage(flags, environ, base)
    for file in files:
        for key, value, origin in _of_file(file, stage):
            if _is_redacted(value):
                raise UsageError(f"{key} holds {REDACTED} ({origin}): put the secret itself there, or drop the key")
            yield key, value, origin
    for name, text in environ.items():
        if name.startswith(ENVIRONMENT_PREFIX):
            origin = f"environment {name}"
            key = _environment_key(name)
            yield key, _value_of(key, text, origin), origin
    for key, flag in flags.items():
        given = flag if isinstance(flag, Flag) else Flag("argument", flag)
        if key not in known_keys():
            raise UsageError(unknown_key(key, given.name))
        yield key, _value_of(key, given.value, given.name) if given.raw else given.value, given.name


def _of_file(file: Path, stage: str) -> Iterator[tuple[str, Any, str]]:
    """A file's general groups, then what it says of the stage."""
    tree = read_tree(file)
    of_stages = tree.pop(stages.GROUP, None)
    for key, value in _flat(tree, str(file)):
        yield key, value, str(file)
    for one in stages.said(of_stages, stage, lambda groups: _flat(groups, str(file)), str(file)):
        yield one.key, one.value, f"{file}, {one.name}"


def _stage(flags: Mapping[str, Any], environ: Mapping[str, str], base: Mapping[str, Any]) -> str:
    """The stage that is run."""
    usual = environ.get(_variable("run.stage"), base.get("run", {}).get("stage", "enrichment"))
    given = flags.get("run.stage", usual)
    return str(given.value if isinstance(given, Flag) else given)


def parse_set(assignments: Sequence[str]) -> dict[str, Flag]:
    """The `--set group.key=value` flags, as typed; a later one for the same key wins. Raises UsageError."""
    flags: dict[str, Flag] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set takes group.key=value, such as --set fetch.timeout_s=20, not {assignment!r}")
        flags[key.strip()] = Flag("--set", text, raw=True)
    return flags


def environment_file(name: str, folder: Path | None = None) -> Path:
    """The file that `--env name` means: config/name.yml in `folder` (here, unless given), else the packaged one."""
    local = (folder or Path()) / "config"
    packaged = {path.stem: path for path in _PACKAGED_ENVIRONMENTS.glob("*.yml")}
    mine = {path.stem: path for path in local.glob("*.yml")}
    if name in mine:
        return mine[name]
    if name in packaged:
        return packaged[name]
    names = sorted({*mine, *packaged})
    guess = nearest(name, names)
    hint = f"did you mean {guess}?" if guess else f"there are {', '.join(names)}"
    raise UsageError(f"--env {name}: no {local / name}.yml here, nor one in the package: {hint}")


def load_again(
    manifest: Mapping[str, Any], files: Sequence[Path], environ: Mapping[str, str], flags: Mapping[str, Any]
) -> Loaded:
    """Load a run folder's settings: those of its manifest, and over them only what this command says.

    Of the environment, only the secrets that the manifest redacts are taken, so that a resume in another shell goes on
    as the run began. Raises UsageError naming the redacted keys that nothing gives again.
    """
    secrets = {key: _variable(key.partition("[")[0]) for key in manifest.get("redacted", [])}
    known = {name: environ[name] for name in set(secrets.values()) if name in environ}
    loaded = load(files, known, flags, manifest["settings"])
    missing = [key for key in secrets if loaded.origins[key.partition("[")[0]] in {"default", BASE_ORIGIN}]
    if missing:
        first = missing[0].partition("[")[0]
        mend = f"give it again, with --set {first}=..., in {_variable(first)} or in a --config file"
        raise UsageError(f"run.json keeps no secrets, and this run needs {', '.join(missing)}: {mend}")
    return loaded


def _checked(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        group, dot, leaf = key.partition(".")
        if dot:
            tree.setdefault(group, {})[leaf] = value
        else:
            tree[group] = value
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise UsageError(explain(error, origins)) from None


def _flat(tree: Mapping[str, Any], origin: str) -> Iterator[tuple[str, Any]]:
    """The tree's leaves by key. A group that is empty (all its lines commented out) sets nothing."""
    known = set(known_keys())
    for group, keys in tree.items():
        if group in known:
            yield group, keys
        elif group not in Settings.model_fields:
            raise UsageError(unknown_key(str(group), origin, [*Settings.model_fields, stages.GROUP, *known]))
        elif isinstance(keys, dict):
            for leaf, value in keys.items():
                key = f"{group}.{leaf}"
                if key not in known:
                    raise UsageError(unknown_key(key, origin))
                yield key, value
        elif keys is not None:
            raise UsageError(f"{group} must be a mapping of settings, not {str(keys)[:60]!r} ({origin})")


def _environment_key(name: str) -> str:
    key = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".", 1)
    if key not in known_keys():
        guess = nearest(key, known_keys())
        hint = f"did you mean {_variable(guess)}?" if guess else "enrich config lists the settings"
        raise UsageError(f"{name} in the environment names no setting: {hint}")
    return key


def _variable(key: str) -> str:
    return ENVIRONMENT_PREFIX + key.upper().replace(".", "__")


def _value_of(key: str, text: str, origin: str) -> Any:  # noqa: ANN401 - checked as a whole later
    """What a typed text means for this key."""
    is_text, optional = _kind_of(key)
    if is_text and optional and text.strip() in {"", "~", "null"}:
        return None
    if is_text and not text.startswith(('"', "'")):
        return text
    return parse_value(text, f"{key} ({origin})")


def _kind_of(key: str) -> tuple[bool, bool]:
    """(is a text setting, may be None) of a known key; an unknown one is refused by the caller."""
    group, _, leaf = key.partition(".")
    model = Settings.model_fields[group].annotation
    if not (isinstance(model, type) and issubclass(model, Group)):
        return False, False
    annotation = model.model_fields[leaf].annotation
    choices = get_args(annotation) if get_origin(annotation) is not None else (annotation,)
    bare = [get_args(choice)[0] if get_args(choice) else choice for choice in choices if choice is not NoneType]
    words = get_origin(annotation) is Literal
    return words or (get_origin(annotation) is not tuple and bare == [str]), NoneType in choices


def _is_redacted(value: Any) -> bool:  # noqa: ANN401 - whatever a file holds
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value == REDACTED or any(_is_redacted(child) for child in children)


def _without_redacted(base: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest's settings less what it hides, and less a user agent that follows from the contact anyway."""
    tree = {
        group: {key: value for key, value in keys.items() if not _is_redacted(value)}
        if isinstance(keys, dict)
        else keys
        for group, keys in base.items()
    }
    if isinstance(sites := tree.get("sites"), list):
        tree["sites"] = [
            {key: value for key, value in rule.items() if not _is_redacted(value)} if isinstance(rule, dict) else rule
            for rule in sites
        ]
    fetch = tree.get("fetch")
    if isinstance(fetch, dict) and fetch.get("user_agent") == default_user_agent(fetch.get("contact")):
        del fetch["user_agent"]
    return tree
