"""The treatment record: what a table says of itself, in its properties and in each field's metadata.

Everything here can be read with ``SHOW TBLPROPERTIES`` and no tool of ours. It holds parameters, predicates as they are
written, names and ids, never a value of the table and never a secret. Two records are compared by equality.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.documents import canonical_json
from jobs.lake.record_names import CONFIG, POLICY, RECORD, SOFTWARE, STATUS
from jobs.record.record_reader import RECORD_VERSION
from jobs.treatment.treatment_plan import ColumnPlan, Plan

LONGEST_LIST = 20
"""Longer parameter lists (hierarchies, lists of substitutes) are recorded by hash."""

HIDDEN_WORDS = re.compile(r"url|secret|password|token|access[.]?key", re.IGNORECASE)
"""Spark's ``spark.redaction.regex`` and ``spark.sql.redaction.options.regex``, as they stand by default."""

Entry = dict[str, Any]


def entries(plan: Plan, key_checks: Mapping[ColumnPath, str]) -> dict[ColumnPath, Entry]:
    """One entry for each leaf column of the source, dropped ones included; of a column that is treated by cases one for
    each, with its predicate as ``rows``. key_checks: path -> key check value."""
    return {column.path: _entry(column, key_checks.get(column.path)) for column in plan.columns}


def _entry(column: ColumnPlan, key_check: str | None) -> Entry:
    parameters = column.treatment.technique.record()
    entry: Entry = {"class": column.rule.class_, "technique": parameters.pop("technique")}
    entry["parameters"] = {name: _short(value) for name, value in parameters.items()}
    if column.domain is not None:
        entry["domain"] = column.domain
    if column.treatment.key is not None:
        entry |= {"key": column.treatment.key, "key_id": column.key_id, "key_check": key_check}
    if column.rule.rows is not None:
        entry["rows"] = column.rule.rows
    return entry


def _short(value: Any) -> Any:
    if not isinstance(value, list) or len(value) <= LONGEST_LIST:
        return value
    return {"count": len(value), "sha256": hashlib.sha256(canonical_json(value).encode()).hexdigest()}


def properties(plan: Plan, entries: Mapping[ColumnPath, Entry], config_sha256: str, policy: str) -> dict[str, str]:
    """The table properties that make up the record."""
    columns = {str(path): entry for path, entry in entries.items()}
    record = {"version": RECORD_VERSION, "table": plan.table, "columns": columns}
    if plan.config.rows is not None:
        record["rows"] = plan.config.rows
    return {
        RECORD: shown(canonical_json(record)),
        CONFIG: config_sha256,
        POLICY: policy,
        SOFTWARE: software(),
        STATUS: "treated",
    }


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
