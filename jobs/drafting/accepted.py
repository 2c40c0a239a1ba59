"""What the catalog holds already: read leniently for drafting, and the evidence that accepted entries still carry.

Drafting must work beside other drafts, which the strict loader refuses; so it looks at names, sources and columns only.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jobs.configuration import column_path, unaccepted
from jobs.configuration.column_path import ColumnPath, ColumnPathError
from jobs.configuration.config_files import CATALOG, DOMAINS, KEYS, POLICY, ConfigFiles
from jobs.configuration.documents import Document, Fault
from jobs.configuration.models import Source, TableConfig
from jobs.drafting.draft import EVIDENCE
from jobs.drafting.proposals import Surroundings
from privacy_udfs.techniques import BY_NAME, facts_of


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file of the catalog, accepted or not. columns: normal forms of the paths it decides, by whether the whole
    subtree goes (``drop``, ``redact``). source, target: None where they cannot be made out. is_draft: it waits for a
    person."""

    table: str
    file: str
    source: Source | None
    target: str | None
    columns: Mapping[str, bool]
    is_draft: bool = False

    def decides(self, path: ColumnPath) -> bool:
        """Whether a leaf has its decision, by paths into its JSON text too, or lies in a part that goes as a whole."""
        into = f"{path}{column_path.Document()}"
        if str(path) in self.columns or any(name.startswith(into) for name in self.columns):
            return True
        above = (ColumnPath(path.steps[:length]) for length in range(1, len(path.steps)))
        return any(self.columns.get(str(each), False) for each in above)


def entries(conf: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Entry]:
    """The catalog's entries by table, whether or not they could be used."""
    faults: list[Fault] = []
    documents = ConfigFiles(conf, environ, faults).catalog()
    return {entry.table: entry for entry in map(_entry, documents)}


def _entry(document: Document) -> Entry:
    data = document.data
    name = data.get("table")
    target = data.get("target")
    place = target.get("path") or target.get("table") if isinstance(target, dict) else None
    columns = data.get("columns")
    found = dict(_columns(columns)) if isinstance(columns, dict) else {}
    return Entry(
        name if isinstance(name, str) else Path(document.file).stem,
        document.file,
        _source(data.get("source")),
        place if isinstance(place, str) and place else None,
        found,
        data.get(unaccepted.MARK) is True,
    )


def _source(data: Any) -> Source | None:
    try:
        return Source.model_validate(data, by_alias=True, by_name=False)
    except ValidationError:
        return None


def _columns(columns: Mapping[str, Any]) -> list[tuple[str, bool]]:
    found = []
    for text, rule in columns.items():
        treatment = rule.get("treatment") if isinstance(rule, dict) else None
        name = treatment.get("technique") if isinstance(treatment, dict) else treatment
        try:
            found.append((str(ColumnPath.parse(text)), facts_of(name).whole_subtree))
        except ColumnPathError:
            continue
    return found


def surroundings(conf: Path, environ: Mapping[str, str] = os.environ) -> Surroundings:
    """Domains, keys and policy as far as they can be read."""
    files = ConfigFiles(conf, environ, [])
    domains, keys = _names(files, DOMAINS), _names(files, KEYS)
    policy = files.read(POLICY) if (conf / POLICY).exists() else None
    techniques = {
        name: item["technique"] for name, item in domains.items() if isinstance(item, dict) and "technique" in item
    }
    stripped = {name: _stripped(domains[name].get("normalize")) for name in techniques}
    return Surroundings(tuple(techniques), tuple(keys), _allowed(policy), techniques, stripped)


def _stripped(normalize: Any) -> frozenset[str]:
    """The prefixes that the steps of a domain take away."""
    steps = [step for step in normalize if isinstance(step, dict)] if isinstance(normalize, list) else []
    named = (step.get("strip_prefix") for step in steps)
    each = (text for one in named for text in (one if isinstance(one, list) else [one]))
    return frozenset(text for text in each if isinstance(text, str))


def _names(files: ConfigFiles, file: str) -> dict[str, Any]:
    document = files.read_names(file)
    return dict(document.data) if document is not None else {}


def _allowed(policy: Document | None) -> dict[str, tuple[str, ...]]:
    classes = policy.data.get("classes") if policy is not None else None
    found = {}
    for name, rule in classes.items() if isinstance(classes, dict) else ():
        techniques = rule.get("techniques") if isinstance(rule, dict) else None
        if isinstance(techniques, list):
            found[name] = tuple(each for each in techniques if each in BY_NAME)
    return found


def evidence(conf: Path, table: TableConfig) -> dict[str, dict[str, Any]]:
    """The evidence that stands in comments right above the columns of an accepted entry, by path."""
    assert table.file.startswith(CATALOG)
    lines = (conf / table.file).read_text(encoding="utf-8-sig").splitlines()
    found = {}
    for path, rule in table.columns.items():
        at = rule.line - 2
        while 0 <= at < len(lines) and lines[at].lstrip().startswith("#"):
            text = lines[at].strip()
            if text.startswith(EVIDENCE):
                data = _json(text.removeprefix(EVIDENCE))
                if data is not None:
                    found[path] = data
                break
            at -= 1
    return found


def _json(text: str) -> dict[str, Any] | None:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) and isinstance(data.get("match", {}), dict) else None
