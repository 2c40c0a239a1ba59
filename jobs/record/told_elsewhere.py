"""What of a treatment record is told outside the table: to receivers of lineage, in data contracts.

Whoever reads the table reads all of the record. Who reads that it exists need not see what a value could be read from
or tried on: of a predicate stands that there is one, for values are in its text and a guess could be tried on its hash;
levels of hierarchies stand by their hash as a whole, and what checks a key is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from jobs.configuration.documents import canonical_json
from jobs.record.column_record import ColumnRecord

BY_PREDICATE = "by a predicate"
"""What stands for the predicate of a case."""


def parameters(entry: ColumnRecord) -> dict[str, Any]:
    """Class, domain, key and its version, and the parameters of the technique, as plain JSON data. rows: of a case."""
    given = entry.as_json()
    told: dict[str, Any] = {name: given[name] for name in ("class", "domain", "key", "key_id") if name in given}
    rows = {} if entry.rows is None else {"rows": BY_PREDICATE}
    keys = {domain: {name: key[name] for name in ("key", "key_id")} for domain, key in (entry.keys or {}).items()}
    more = {"keys": keys} if keys else {}
    return {**told, **rows, **more, **{name: _plain(entry.parameters[name]) for name in sorted(entry.parameters)}}


def sha256(text: str) -> str:
    """Of the text's UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)) and any(isinstance(each, (list, tuple)) for each in value):
        return {"count": len(value), "sha256": sha256(canonical_json(list(value)))}
    return value
