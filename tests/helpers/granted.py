"""Configurations that say who sees what, and what a row is when only some of its leaves are seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import types as T

from jobs.configuration import config
from jobs.configuration.config import Config
from tests.helpers.lakes import CLASSES, POLICY, write_conf

GONE = object()
"""What is left of a value of which nothing is seen."""


def sees(given: str | Mapping[str, str] = "denied", **more: str) -> dict[str, str]:
    """What a role sees of each class. given: of those that ``more`` does not name."""
    return {**dict.fromkeys(CLASSES, str(given)), **more}


def write_grants(lake: Path, grants: Mapping[str, Any], *tables: Mapping[str, Any], k: int | None = 5) -> Path:
    """A configuration with ``grants.yaml``, and with a policy that states k."""
    folder = write_conf(lake, *tables)
    policy = {**POLICY, **({} if k is None else {"thresholds": {"k": k}})}
    for name, data in (("policy.yaml", policy), ("grants.yaml", grants)):
        own = json.loads(json.dumps(data))  # with no part in it twice, for which YAML would write an alias
        (folder / name).write_text(yaml.safe_dump(own, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return folder


def granted(lake: Path, grants: Mapping[str, Any], *tables: Mapping[str, Any], k: int | None = 5) -> Config:
    """``${x}`` stands for itself in it."""
    return config.load(write_grants(lake, grants, *tables, k=k), {"x": "${x}"})


def left(value: Any, kind: T.DataType, path: str, seen: Callable[[str], bool], with_nulls: bool) -> Any:
    """A value as plain data when only the leaves of which ``seen`` is true are left of it, each by its path: by hand,
    from what the configuration means. Nothing is seen of a path that the configuration does not name."""
    if isinstance(kind, T.StructType):
        parts = {field.name: _left_of(value, field, path, seen, with_nulls) for field in kind.fields}
        found = {name: part for name, part in parts.items() if part is not GONE}
        if path and not _sees_some(kind, path, seen):
            return None if with_nulls else GONE
        return None if value is None else found
    if isinstance(kind, T.ArrayType):
        if not _sees_some(kind.elementType, f"{path}[]", seen):
            return None if with_nulls else GONE
        return (
            None if value is None else [left(each, kind.elementType, f"{path}[]", seen, with_nulls) for each in value]
        )
    if isinstance(kind, T.MapType):
        if not (seen(f"{path}{{key}}") and _sees_some(kind.valueType, f"{path}{{value}}", seen)):
            return None if with_nulls else GONE
        every = () if value is None else value.items()
        found = {key: left(each, kind.valueType, f"{path}{{value}}", seen, with_nulls) for key, each in every}
        return None if value is None else found
    return value if seen(path) else None if with_nulls else GONE


def _left_of(value: Any, field: T.StructField, path: str, seen: Callable[[str], bool], with_nulls: bool) -> Any:
    below = _below(path, field.name)
    if field.metadata.get("undecided"):
        return GONE
    return left(None if value is None else value[field.name], field.dataType, below, seen, with_nulls)


def _below(path: str, name: str) -> str:
    named = name if name.isidentifier() else "`" + name.replace("`", "``") + "`"
    return f"{path}.{named}" if path else named


def _sees_some(kind: T.DataType, path: str, seen: Callable[[str], bool]) -> bool:
    """Whether anything in a type is seen."""
    if isinstance(kind, T.StructType):
        parts = [(_below(path, field.name), field) for field in kind.fields if not field.metadata.get("undecided")]
        return any(_sees_some(field.dataType, below, seen) for below, field in parts)
    if isinstance(kind, T.ArrayType):
        return _sees_some(kind.elementType, f"{path}[]", seen)
    if isinstance(kind, T.MapType):
        return seen(f"{path}{{key}}") and _sees_some(kind.valueType, f"{path}{{value}}", seen)
    return seen(path)


def plain(value: Any) -> Any:
    """Rows within rows as plain data."""
    if hasattr(value, "asDict"):
        return {name: plain(each) for name, each in value.asDict().items()}
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value
