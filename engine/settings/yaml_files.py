"""YAML as settings use it: one mapping a file, no key twice, every fault a UsageError that names the file and line."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import yaml

from engine.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


class _Loader(yaml.SafeLoader):
    """Safe, and strict: YAML lets a later key silently replace an earlier one, which hides a user's mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable):
                if key in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key} is there twice", key_node.start_mark)
                seen.add(key)
        return super().construct_mapping(node, deep)


def read_tree(file: Path) -> dict[str, Any]:
    """The mapping that a settings file holds; an empty file is an empty mapping. Raises UsageError."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{file}: there is no such settings file") from None
    except IsADirectoryError:
        raise UsageError(f"{file} is a folder: --config takes a YAML file") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text: --config takes a YAML file") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    tree = _parse(text, str(file))
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UsageError(f"{file} holds no settings: write groups and keys, such as fetch: {{timeout_s: 20}}")
    return tree


def parse_value(text: str, where: str) -> Any:  # noqa: ANN401 - any YAML value
    """The value that a typed text is as YAML. Raises UsageError naming `where`."""
    return _parse(text, where)


def _parse(text: str, where: str) -> Any:  # noqa: ANN401 - any YAML value
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark is not None and "\n" in text.strip() else ""
        raise UsageError(f"{where}{line} is not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{where} is not valid YAML: {str(error).splitlines()[0]}") from None
    except ValueError as error:  # a date or number that looks right and is none, such as 2026-13-01
        raise UsageError(f"{where} holds a value that YAML cannot read: {error}") from None
    except RecursionError:
        raise UsageError(f"{where} is nested too deeply") from None
