"""Lakes whose key has gone to its next version, and what their tables are to hold then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.lake import state
from jobs.record.record_reader import columns_of
from jobs.rotation import in_place, reencrypted
from jobs.spark_app import session
from privacy_udfs.keys import Keyset, clear_cache, load_keyset
from privacy_udfs.keysets import keyset_versions


def promoted(lake: Path, name: str = "crm") -> tuple[int, int]:
    """A new version is made and put in force; the ids before and after."""
    path = lake / "keys" / f"{name}.json"
    before = Keyset.from_json(path.read_text())
    after = keyset_versions.promoted(*keyset_versions.added(before))
    path.write_text(after.to_json())
    clear_cache()
    return before.primary_id, after.primary_id


def in_force(lake: Path, name: str = "crm") -> Keyset:
    return load_keyset(f"file:{lake}/keys/{name}.json")


def moved_in_place(spark: SparkSession, lake: Path, conf: Config, *paths: str, table: str = "t", **more: Any) -> Any:
    """The columns of a table re-encrypted, by the seam alone."""
    own, keyset = session.for_run(spark), in_force(lake)
    stands = state.inspect(own, conf.tables[table].target)
    entries = columns_of(stands.properties)
    turns = {ColumnPath.parse(p): reencrypted.turn(conf, ColumnPath.parse(p), entries[p], keyset) for p in paths}
    with reencrypted.delivered(own, conf, turns) as changes:
        return in_place.rewritten(own, stands, table, changes, more.pop("run_id", "run-1"), {"key": "crm"}, **more)
