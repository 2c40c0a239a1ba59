"""Plain data as YAML that `yaml_reader` reads back equal: whatever could be misread is quoted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from jobs.console.shown import as_yaml

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*( [A-Za-z0-9_./@-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _text)


def dump(data: Mapping[str, Any]) -> str:
    """The text of a file. data: mappings, lists, text, numbers, booleans and None."""
    return as_yaml(yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000))
