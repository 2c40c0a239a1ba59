"""From a stored configuration back to the files of a folder, proven by its hash. Comments and layout are not kept."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from jobs.configuration import config, plain_path, yaml_writer
from jobs.configuration.column_path import ColumnPath, When
from jobs.configuration.config import ConfigError
from jobs.configuration.config_files import CATALOG, DOMAINS, KEYS, POLICY
from jobs.configuration.hierarchy_file import LEVELS_FILE
from jobs.configuration.variables import StandIns
from jobs.console import whole_files
from jobs.console.exit_codes import Refused

Load = Callable[[str], str]
"""SHA-256 -> content, as `jobs.archive.snapshots.load`."""


class NotRestored(Refused):
    """The files would not be the configuration that was stored; nothing was put in place."""


def restore(snapshot: str, load: Load, folder: Path) -> list[str]:
    """Write the files of a stored configuration into a folder that is new or empty; returns their names.

    They are first written elsewhere and read back: only if that gives the stored text, byte for byte, are they put in
    place. Raises `NotRestored`.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotRestored(f"{folder} is not empty: name a new folder")
    written = dict(files(snapshot, load))
    with tempfile.TemporaryDirectory(prefix="lakenym-") as trial:
        _write(written, Path(trial))
        _prove(snapshot, Path(trial))
    _write(written, folder)
    return sorted(written)


def _write(written: Mapping[str, str], folder: Path) -> None:
    for name in written:
        _inside(name)
    for name, text in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        whole_files.create(folder / name, text)


def _prove(snapshot: str, folder: Path) -> None:
    try:
        conf = config.load(folder, StandIns(os.environ))
    except ConfigError as error:
        raise NotRestored(f"this version does not read the stored configuration: {error}") from None
    if config.snapshot(conf, json.loads(snapshot)["table"]["table"]) != snapshot:
        raise NotRestored("the files would not give the stored configuration again")


def files(snapshot: str, load: Load) -> Iterator[tuple[str, str]]:
    """Name and text of each file of a stored configuration."""
    data = json.loads(snapshot)
    entries = [data, *data.get("elsewhere", {}).values()]
    for entry in entries:
        yield f"{CATALOG}/{entry['table']['table']}.yaml", yaml_writer.dump(entry["table"])
    for name, part in ((POLICY, "policy"), (DOMAINS, "domains"), (KEYS, "keys")):
        if data[part]:
            yield name, yaml_writer.dump(data[part])
    found = {name: sha256 for entry in entries for name, sha256 in _hierarchies(entry, data["domains"]).items()}
    for name, sha256 in found.items():
        yield name, _csv(json.loads(load(sha256)))


def _hierarchies(data: Mapping[str, Any], domains: Mapping[str, Any]) -> dict[str, str]:
    """File -> the hash of its rows, for the hierarchies and ladders of a table that are named by file."""
    found = {}
    for path, treatment in _treatments(data["table"]["columns"]):
        if isinstance(treatment, dict) and "technique" not in treatment:
            treatment = domains.get(str(treatment.get("domain")), {})
        if isinstance(treatment, dict) and LEVELS_FILE in treatment:
            found[_inside(treatment[LEVELS_FILE])] = data["hierarchies"][str(path)]
    stated = (data["table"].get("mondrian") or {}).get("ladders", {})
    named = {str(ColumnPath.parse(name)): file for name, file in stated.items()}
    return found | {_inside(named[path]): sha256 for path, sha256 in data.get("ladders", {}).items()}


def _treatments(columns: Mapping[str, Any]) -> Iterator[tuple[ColumnPath, Any]]:
    """Each column, or each case of it, and its treatment as written."""
    for key, entry in columns.items():
        path = ColumnPath.parse(key)
        cases = entry.get("when")
        if cases is None:
            yield path, entry["treatment"]
        for at, case in enumerate(cases or (), 1):
            yield path.child(When(at)), case["treatment"]


def _inside(name: str) -> str:
    if not plain_path.is_plain(name):
        raise NotRestored(f"a file is called {name!r}, which is no plain path inside the folder")
    return str(PurePosixPath(name))


def _csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n").writerows(rows)
    return text.getvalue()


def policies(snapshots: Mapping[str, str], version: str) -> dict[str, list[str]]:
    """Of stored configurations by hash: the text of each policy file of a version -> the hashes that have it."""
    found: dict[str, list[str]] = {}
    for sha256, snapshot in snapshots.items():
        policy = json.loads(snapshot)["policy"]
        if policy["version"] == version:
            found.setdefault(yaml_writer.dump(policy), []).append(sha256)
    return found
