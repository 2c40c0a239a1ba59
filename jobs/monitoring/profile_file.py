"""Profiles as a file keeps them. No value stands in it: categories are digests under a key, and the bounds of bins,
which are numbers of the table, are encrypted under it, all in one token. The whole file has an HMAC under the same key.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from jobs.console.exit_codes import BadUsage
from jobs.console.shown import as_json
from jobs.monitoring.profile import ColumnProfile, Kind, TableProfile
from jobs.monitoring.secret import Secret
from privacy_udfs.errors import TokenRefused

VERSION = 3
Profiles = Mapping[str, TableProfile]


def text(profiles: Profiles, secret: Secret, missing: Sequence[str] = ()) -> str:
    """missing: tables that could not be read when it was made; an older profile of one may stand in it all the same."""
    bounds = {
        name: {path: each.bounds for path, each in table.columns.items() if each.bounds is not None}
        for name, table in profiles.items()
    }
    data = {
        "version": VERSION,
        "key_check": secret.check,
        "bounds": secret.sealed(bounds),
        "missing": list(missing),
        "tables": {name: _of_table(table) for name, table in profiles.items()},
    }
    return as_json({**data, "mac": secret.mac(data)}, indent=1) + "\n"


def read(path: Path, secret: Secret) -> Profiles:
    """Profiles from a file. Raises `BadUsage`, also where they were made with another key."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version, check = data["version"], data["key_check"]
    except OSError as error:
        raise BadUsage(f"{path}: {error.strerror}") from None
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        raise _no_profile(path) from None
    if version != VERSION:
        raise BadUsage(f"{path}: is a profile of version {version}, expected {VERSION}: make it anew with --profile")
    if check != secret.check:
        raise BadUsage(f"{path}: was made with another key, or version of it: make it anew with --profile")
    if not secret.is_mac(data.pop("mac", ""), data):
        raise _no_profile(path)
    try:
        bounds = secret.opened(str(data["bounds"]))
        return {str(name): _table(each, bounds[name]) for name, each in data["tables"].items()}
    except (AttributeError, KeyError, TypeError, ValueError, TokenRefused):
        raise _no_profile(path) from None


def kept(path: Path, secret: Secret, missing: Sequence[str], baseline: Profiles | None) -> Profiles:
    """The newest profiles at hand of tables that could not be read now: those of the file that will be replaced, or
    else of the baseline."""
    try:
        older = read(path, secret)
    except BadUsage:  # nothing is there, or nothing that could be a baseline
        older = {}
    return {name: each for name, each in {**(baseline or {}), **older}.items() if name in missing}


def _no_profile(path: Path) -> BadUsage:
    return BadUsage(f"{path}: is no profile of tables, or was changed: make it with --profile")


def _of_table(table: TableProfile) -> dict[str, Any]:
    columns = {path: _of_column(each) for path, each in table.columns.items()}
    return {"rows": table.rows, "left_out": list(table.left_out), "columns": columns}


def _of_column(each: ColumnProfile) -> dict[str, Any]:
    data = {field.name: getattr(each, field.name) for field in dataclasses.fields(each) if field.name != "bounds"}
    kept = None if each.sketch is None else base64.b64encode(each.sketch).decode()
    return {**data, "known": list(each.known), "sketch": kept}


def _table(data: Mapping[str, Any], bounds: Mapping[str, Any]) -> TableProfile:
    columns = {str(path): _column(each, bounds.get(path)) for path, each in data["columns"].items()}
    return TableProfile(_count(data["rows"]), columns, tuple(map(str, data["left_out"])))


def _column(data: Mapping[str, Any], bounds: Any) -> ColumnProfile:
    kind: Kind = data["kind"]
    if kind not in get_args(Kind) or (kind == "bins") != (bounds is not None):
        raise ValueError("no kind, or bins without bounds")
    sketch = data["sketch"]
    return ColumnProfile(
        _count(data["seen"]),
        _count(data["nulls"]),
        _count(data["different"]),
        kind,
        {str(name): _count(count) for name, count in data["counts"].items()},
        tuple(map(str, data["known"])),
        _count(data["rest"]),
        None if bounds is None else tuple(map(float, bounds)),
        None if sketch is None else base64.b64decode(sketch, validate=True),
    )


def _count(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise ValueError("no count")
    return number
