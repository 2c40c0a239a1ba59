"""What the inventory saw in a table's columns, kept beside the catalog in ``evidence/<table>.json``: kinds and shares,
never a value. `jobs/check.py` and every run hold the catalog's decisions against it (`jobs.policy.evidence_rules`).

It is a file of its own so that editing decisions does not edit what they are judged by.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from jobs.configuration import locations
from jobs.configuration.documents import Fault, quote
from jobs.configuration.entry import UNDECIDED, Class, Entry, NotBlank
from jobs.configuration.kinds import KINDS
from jobs.configuration.models import TableConfig
from privacy_udfs.parameters import IsoDate

FOLDER, ENDING = "evidence", ".json"
CATALOG = "catalog"
_DRAFTED = re.compile(r"^ *# evidence: \{", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{(\w+)\}")
By = Literal["content", "name"]


OtherColumn = Annotated[tuple[NotBlank, NotBlank], Field(strict=False)]


class Seen(Entry):
    """What a column was found to be. by: what shows it. seen: on which day (UTC). reasons: in words. evidence: the
    shares, as drafts have them. may_be_keys_of: table and column, where it is a question whether its values are the
    keys of these, which count up."""

    kind: NotBlank
    class_: Annotated[Class | Literal["undecided"], Field(alias="class")]
    by: By
    seen: IsoDate
    reasons: Annotated[tuple[str, ...], Field(strict=False)] = ()
    evidence: dict[str, Any] = Field(default={})
    may_be_keys_of: Annotated[tuple[OtherColumn, ...], Field(strict=False)] = ()

    @property
    def is_known(self) -> bool:
        return self.class_ != UNDECIDED

    def as_data(self) -> dict[str, Any]:
        told = self.model_dump(mode="json", by_alias=True)
        return told if self.may_be_keys_of else {k: v for k, v in told.items() if k != "may_be_keys_of"}


OfTable = Mapping[str, Seen]
"""By the path of the column."""

RANK = {UNDECIDED: 0, "non_personal": 0, "quasi_identifier": 1, "sensitive": 1, "direct_identifier": 2}


class File(Entry):
    """One file. source: the path or the table that was looked at, as drafts write it: evidence is of that, whatever
    entries are called."""

    table: NotBlank
    columns: dict[str, Seen]
    source: NotBlank | None = None


@dataclasses.dataclass(frozen=True)
class House:
    """All of ``evidence/``, by table. broken: files that are not as the inventory writes them; those that call a kind
    less than it is count all the same, as of the kind."""

    files: Mapping[str, File]
    broken: Mapping[str, Fault]

    def tell(self, tables: Container[str], faults: list[Fault]) -> None:
        """A broken file is a fault for its own table: without it nothing would be held against the decisions. One of a
        draft or of no table stops nobody else's: it is warned of."""
        faults.extend(fault for table, fault in self.broken.items() if table in tables)


def path(conf: Path, table: str) -> Path:
    return conf / FOLDER / f"{table}{ENDING}"


def read(conf: Path, expected: bool = False) -> House | None:
    """Of all tables; None where there is no such folder, and none is missed. expected: by the policy; else it is by an
    entry, or a draft, that the inventory wrote."""
    if not (conf / FOLDER).is_dir():
        return House({}, {}) if expected or _has_drafted(conf) else None
    files, broken = dict[str, File](), dict[str, Fault]()
    for path in sorted((conf / FOLDER).glob(f"*{ENDING}")):
        if not path.name.startswith("."):
            found, fault = _read(path, f"{FOLDER}/{path.name}")
            name = path.name.removesuffix(ENDING)
            if fault is not None:
                broken[name] = fault
            if found is not None:
                files[name] = found
    return House(files, broken)


def _has_drafted(conf: Path) -> bool:
    """Whether a file of the catalog, or a draft, has lines that the inventory alone writes."""
    for file in sorted((conf / CATALOG).glob("*.yaml*")):
        try:
            if _DRAFTED.search(file.read_text(encoding="utf-8")):
                return True
        except (OSError, ValueError):  # told where it is read
            continue
    return False


def of_table(conf: Path, table: str, source: str | None = None) -> OfTable:
    """Of one table; nothing where there is no file that can be read, or one of another source than this."""
    file = path(conf, table)
    found, fault = _read(file, f"{FOLDER}/{file.name}") if file.exists() else (None, None)
    if found is None or fault is not None or _is_another(found.source, source):
        return {}
    return found.columns


def _is_another(one: str | None, other: str | None) -> bool:
    """Whether two sources are two, both stated: however they are spelled, with variables or without."""
    if one is None or other is None:
        return False
    places = [
        locations.of_path(_VARIABLE.sub(lambda name: os.environ.get(name[1], name[0]), each)) for each in (one, other)
    ]
    return places[0] != places[1]


def _read(file: Path, name: str) -> tuple[File | None, Fault | None]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        told = File.model_validate(data, by_alias=True, by_name=False)
    except (OSError, ValueError, RecursionError) as error:  # their messages quote the file
        where = ".".join(map(str, error.errors()[0]["loc"])) if isinstance(error, ValidationError) else ""
        return None, Fault(name, 0, where, f"is no evidence of the inventory: {MEND}")
    if told.table != name.rpartition("/")[2].removesuffix(ENDING):
        return None, Fault(name, 0, "table", f"is of another table than the file's name says: {MEND}")
    return told.model_copy(update={"columns": _of_kinds(told)}), next(_disagreements(told, name), None)


def _of_kinds(told: File) -> dict[str, Seen]:
    """The columns, none of a class that is less than its kind's."""
    return {
        column: each.model_copy(update={"class_": KINDS[each.kind].class_}) if _is_less(each) else each
        for column, each in told.columns.items()
    }


def _is_less(each: Seen) -> bool:
    of_kind = KINDS[each.kind].class_ if each.kind in KINDS else None
    return of_kind is not None and RANK[each.class_] < RANK[of_kind]


def _disagreements(told: File, name: str) -> Iterator[Fault]:
    """Columns of no kind that the inventory finds, or whose class is less than their kind's: it writes none, so
    somebody has edited the file."""
    for column, each in told.columns.items():
        if each.kind not in KINDS or each.kind == "other":
            against = "is no kind that the inventory finds: is no evidence of the inventory"
            yield Fault(name, 0, f"columns.{quote(column)}.kind", f"{against}: {MEND}")
        if _is_less(each):
            kind = f"{each.kind} {each.class_}, and that kind is {KINDS[each.kind].class_}"
            against = f"calls {kind}: is no evidence of the inventory"
            yield Fault(name, 0, f"columns.{quote(column)}.class", f"{against}: {MEND}")


MEND = "restore it, or let jobs/inventory.py --table ... --output write it anew"


def held(tables: Mapping[str, TableConfig], house: House | None, written: Mapping[str, Any]) -> dict[str, TableConfig]:
    """The tables, each with what was seen in its columns: under its own name, or in the same source under another. Of
    both, what ranks higher. written: each file of the catalog as it stands."""
    if house is None:
        return dict(tables)
    by_source: dict[str, list[File]] = {}
    for file in house.files.values():
        if file.source is not None:
            by_source.setdefault(_place(file.source), []).append(file)
    found = {}
    for name, table in tables.items():
        own = [house.files[name]] if name in house.files else []
        others = [file for place in sources(table, written) for file in by_source.get(place, ())]
        seen: dict[str, Seen] = {}
        for file in (*own, *others):
            for path, each in file.columns.items():
                if path not in seen or RANK[each.class_] > RANK[seen[path].class_]:
                    seen[path] = each
        found[name] = dataclasses.replace(table, evidence=seen)
    return found


def sources(table: TableConfig, written: Mapping[str, Any]) -> set[str]:
    """What a table is read from: as its entry writes it, and with variables expanded."""
    entry = written.get(table.file)
    stated = entry.get("source") if isinstance(entry, Mapping) else None
    names = [stated.get("path"), stated.get("table")] if isinstance(stated, Mapping) else []
    return {_place(name) for name in (*names, table.source.path, table.source.table) if isinstance(name, str) and name}


def is_of(file: File, read: Container[str]) -> bool:
    """Whether a file is of one of these sources."""
    return file.source is not None and _place(file.source) in read


def _place(source: str) -> str:
    return source.rstrip("/") or source


def as_text(table: str, seen: OfTable, source: str | None = None) -> str:
    """A whole file. A line for each column, so that a change of one reads as such."""
    lines = (f"  {json.dumps(name, ensure_ascii=True)}: {json.dumps(each.as_data())}" for name, each in seen.items())
    of = "" if source is None else f'"source": {json.dumps(source)}, '
    return f'{{"table": {json.dumps(table)}, {of}"columns": {{\n' + ",\n".join(lines) + "\n}}\n"
