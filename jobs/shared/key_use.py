"""Which tables need a version of a key: read from their own records, not from the configuration."""

from __future__ import annotations

import json
from collections.abc import Callable

from jobs.shared import failures, session, tables
from jobs.shared.config import Config
from jobs.shared.record import RECORD


def lookup(conf: Config) -> Callable[[int], list[str]]:
    """A function from a key id to the tables of the catalog whose current record names it.

    The records are read once, at the first question. It goes by the id alone, since a key can be renamed: two keys that
    happened to share an id would be kept, not lost. Tables outside the catalog and older versions are not looked at.
    """
    found: dict[str, set[int]] = {}

    def needing(key_id: int) -> list[str]:
        if not found:
            found.update(_ids(conf))
        return sorted(name for name, ids in found.items() if key_id in ids)

    return needing


def _ids(conf: Config) -> dict[str, set[int]]:
    if not conf.tables:
        return {}
    spark = session.for_run(session.start("lakenym keys"))
    ids = {}
    for name, table in conf.tables.items():
        state = failures.translated(name, lambda table=table: tables.inspect(spark, table.target))  # type: ignore[misc]
        columns = json.loads(state.properties.get(RECORD, "{}")).get("columns", {})
        ids[name] = {entry["key_id"] for entry in columns.values() if entry.get("key_id") is not None}
    return ids
