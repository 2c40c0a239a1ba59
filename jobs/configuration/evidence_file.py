"""What the inventory saw in a table's columns, kept beside the catalog in ``evidence/<table>.json``: kinds and shares,
never a value. `jobs/check.py` and every run hold the catalog's decisions against it (`jobs.policy.evidence_rules`).

It is a file of its own so that editing decisions does not edit what they are judged by.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from jobs.configuration.documents import Fault
from jobs.configuration.entry import UNDECIDED, Class, Entry, NotBlank
from jobs.configuration.models import TableConfig
from privacy_udfs.parameters import IsoDate

FOLDER, ENDING = "evidence", ".json"
By = Literal["content", "name"]


class Seen(Entry):
    """What a column was found to be. by: what shows it. seen: on which day (UTC). reasons: in words. evidence: the
    shares, as drafts have them."""

    kind: NotBlank
    class_: Annotated[Class | Literal["undecided"], Field(alias="class")]
    by: By
    seen: IsoDate
    reasons: Annotated[tuple[str, ...], Field(strict=False)] = ()
    evidence: dict[str, Any] = Field(default={})

    @property
    def is_known(self) -> bool:
        return self.class_ != UNDECIDED

    def as_data(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


class _File(Entry):
    table: NotBlank
    columns: dict[str, Seen]


OfTable = Mapping[str, Seen]
"""By the path of the column."""


def path(conf: Path, table: str) -> Path:
    return conf / FOLDER / f"{table}{ENDING}"


def read(conf: Path, faults: list[Fault]) -> dict[str, OfTable]:
    """Of all tables. One that cannot be read is a fault: without it nothing would be held against the decisions."""
    found = {}
    for file in sorted((conf / FOLDER).glob(f"*{ENDING}")):
        if not file.name.startswith("."):
            found[file.name.removesuffix(ENDING)] = _read(file, f"{FOLDER}/{file.name}", faults)
    return found


def of_table(conf: Path, table: str, faults: list[Fault]) -> OfTable:
    """Of one table; nothing where there is no file."""
    file = path(conf, table)
    return _read(file, f"{FOLDER}/{file.name}", faults) if file.exists() else {}


def _read(file: Path, name: str, faults: list[Fault]) -> OfTable:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        told = _File.model_validate(data, by_alias=True, by_name=False)
    except (OSError, ValueError, RecursionError) as error:  # their messages quote the file
        where = ".".join(map(str, error.errors()[0]["loc"])) if isinstance(error, ValidationError) else ""
        faults.append(Fault(name, 0, where, f"is no evidence of the inventory: {MEND}"))
        return {}
    if told.table != name.rpartition("/")[2].removesuffix(ENDING):
        faults.append(Fault(name, 0, "table", f"is of another table than the file's name says: {MEND}"))
        return {}
    return told.columns


MEND = "restore it, or let jobs/inventory.py --table ... --output write it anew"


def held(tables: Mapping[str, TableConfig], evidence: Mapping[str, OfTable]) -> dict[str, TableConfig]:
    """The tables, each with what was seen in its columns."""
    if not evidence:
        return dict(tables)
    return {name: dataclasses.replace(table, evidence=evidence.get(name, {})) for name, table in tables.items()}


def as_text(table: str, seen: OfTable) -> str:
    """A whole file. A line for each column, so that a change of one reads as such."""
    lines = (f"  {json.dumps(name, ensure_ascii=True)}: {json.dumps(each.as_data())}" for name, each in seen.items())
    return f'{{"table": {json.dumps(table)}, "columns": {{\n' + ",\n".join(lines) + "\n}}\n"
