"""The treatment record: what a table says of itself, in its properties and in each field's metadata.

Everything here can be read with ``SHOW TBLPROPERTIES`` and no tool of ours. It holds parameters, predicates as they are
written, names and ids, never a value of the table and never a secret. `record_reader` reads it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.documents import canonical_json
from jobs.configuration.models import TableConfig
from jobs.lake.record_names import CONFIG, POLICY, PROFILES, RECORD, SOFTWARE, STATUS
from jobs.record.column_record import ColumnRecord
from jobs.record.record_reader import RECORD_VERSION
from jobs.treatment.treatment_plan import Case, Plan

LONGEST_LIST = 20
"""Longer parameter lists (hierarchies, lists of substitutes) are recorded by hash."""

HIDDEN_WORDS = re.compile(r"url|secret|password|token|access[.]?key", re.IGNORECASE)
"""Spark's ``spark.redaction.regex`` and ``spark.sql.redaction.options.regex``, as they stand by default."""


Checks = Mapping[ColumnPath, str | Mapping[str, str]]
"""The check value of each keyed column's sub-key; of texts by domain."""


def entries(plan: Plan, key_checks: Checks) -> dict[ColumnPath, ColumnRecord]:
    """One record for each leaf column of the source, dropped ones included; of a column that is treated by cases one
    for each, with its predicate as ``rows``."""
    return {case.path: _entry(case, key_checks.get(case.path)) for case in plan.cases}


def _entry(case: Case, key_check: str | Mapping[str, str] | None) -> ColumnRecord:
    decided = ColumnRecord.of_rule(case.rule, case.domain)
    parameters = {name: short(value) for name, value in decided.parameters.items()}
    check = key_check if decided.key is not None and isinstance(key_check, str) else None
    checks = key_check if isinstance(key_check, Mapping) else {}
    keys = {str(part.domain): _key(part, checks) for part in case.parts if part.key_id is not None} or None
    return dataclasses.replace(decided, parameters=parameters, key_id=case.key_id, key_check=check, keys=keys)


def _key(part: Case, checks: Mapping[str, str]) -> dict[str, Any]:
    """The key of one domain whose pseudonyms stand within texts."""
    entry = {"key": part.treatment.key, "key_id": part.key_id, "key_check": checks.get(str(part.domain))}
    return {name: value for name, value in entry.items() if value is not None}


def short(value: Any) -> Any:
    """A parameter as it is recorded: a long list by its count and its hash."""
    if not isinstance(value, list) or len(value) <= LONGEST_LIST:
        return value
    return {"count": len(value), "sha256": hashlib.sha256(canonical_json(value).encode()).hexdigest()}


def properties(
    plan: Plan, entries: Mapping[ColumnPath, ColumnRecord], config_sha256: str, policy: str, profiles: str = ""
) -> dict[str, str]:
    """The table properties that make up the record. policy: its version. profiles: those that it names, with their
    versions; empty where it names none, and then not stated."""
    return {
        RECORD: written(plan.table, entries, plan.config.rows, least(plan), boxes(plan), made_for(plan.config)),
        CONFIG: config_sha256,
        POLICY: policy,
        **({PROFILES: profiles} if profiles else {}),
        SOFTWARE: software(),
        STATUS: "treated",
    }


def written(
    table: str,
    entries: Mapping[ColumnPath, ColumnRecord],
    rows: str | None,
    suppress: int | None = None,
    mondrian: Mapping[str, Any] | None = None,
    made_for: Mapping[str, str] | None = None,
) -> str:
    """The record as text. rows: the predicate of the rows that were read; None: all. suppress: the least size of a
    class whose rows are in the table; None: any. mondrian: what its boxes reach, and by which ladders; None: none.
    made_for: the recipient or purpose that all of it is made for; None: none is stated."""
    columns = {str(path): entry.as_json() for path, entry in entries.items()}
    record = {"version": RECORD_VERSION, "table": table, "columns": columns}
    kept_out = None if suppress is None else {"k": suppress}
    more = {"rows": rows, "suppress": kept_out, "mondrian": mondrian, "made_for": made_for}
    return shown(canonical_json({**record, **{name: said for name, said in more.items() if said is not None}}))


def made_for(config: TableConfig) -> dict[str, str] | None:
    """Whom or what a table is made for, as the record has it."""
    return None if config.made_for is None else config.made_for.as_record()


def least(plan: Plan) -> int | None:
    """The least size of a class whose rows are not kept out; None: any."""
    return None if plan.config.suppress is None else plan.config.suppress.k


def boxes(plan: Plan) -> Mapping[str, Any] | None:
    """What is asked of the boxes that quasi-identifiers are cut into; None where they are not."""
    return None if plan.config.mondrian is None else plan.config.mondrian.as_record()


def shown(text: str) -> str:
    """The same JSON, spelt so that Spark shows it.

    ``SHOW TBLPROPERTIES`` hides a property whole when its text holds one of a few words, and ``base64url`` holds one.
    In JSON ``\\u0075rl`` is ``url``, so every reader of JSON gets the same record.
    """
    return HIDDEN_WORDS.sub(lambda found: f"\\u{ord(found[0][0]):04x}{found[0][1:]}", text)


def software() -> str:
    """Name and version of what treats, and of what it stands on."""
    packages = ("pyspark", "delta-spark", "pyarrow", "cryptography")
    return "; ".join([f"lakenym {version('lakenym')}", *(f"{name} {version(name)}" for name in packages)])
