"""Lakes whose domain has layers, under keys that the tests know; `layers_by_hand` says what their pseudonyms are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import SparkSession

from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.lake import state
from jobs.record.record_reader import columns_of
from jobs.rotation import in_place, layered
from jobs.spark_app import session
from privacy_udfs.keys import clear_cache, load_keyset
from tests.helpers import lakes
from tests.helpers.layers_by_hand import keyset_of

MASTERS = {1712345678: bytes(range(32)), 1799999999: bytes(range(32, 64)), 1900000001: bytes(range(64, 96))}
OLD, NEW, NEWEST = MASTERS


def keys(lake: Path, many: int) -> None:
    """The key ``crm`` with the first of `MASTERS`, the last of them in force."""
    path = lake / "keys" / "crm.json"
    path.parent.mkdir(exist_ok=True)
    text = keyset_of(dict([*MASTERS.items()][:many])).to_json()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    clear_cache()


def layers(lake: Path, versions: Sequence[int], domain: str = "customer", **more: Any) -> Config:
    """The configuration with these layers of a domain; the first of it alone, as it was before."""
    path = lake / "conf" / "domains.yaml"
    stated = yaml.safe_load(path.read_text(encoding="utf-8"))
    stated[domain] = {**lakes.DOMAINS[domain], **more}
    if len(versions) > 1:
        stated[domain]["layers"] = [*map(str, versions)]
    path.write_text(yaml.safe_dump(stated), encoding="utf-8")
    return config.load(lake / "conf")


def moved(spark: SparkSession, lake: Path, conf: Config, *paths: str, table: str = "t", **more: Any) -> Any:
    """The columns of a table under their further layers, by the seam alone."""
    own, keyset = session.for_run(spark), load_keyset(f"file:{lake}/keys/crm.json")
    stands = state.inspect(own, conf.tables[table].target)
    entries = {ColumnPath.parse(path): columns_of(stands.properties)[path] for path in paths}
    turns = {path: layered.turn(conf, table, path, entry, keyset) for path, entry in entries.items()}
    said = layered.properties(conf, table, config.snapshot_sha256(conf, table))
    with layered.delivered(own, conf, turns) as changes:
        more["properties"] = {**said, **more.get("properties", {})}
        return in_place.rewritten(own, stands, table, changes, more.pop("run_id", "run-1"), {"key": "crm"}, **more)
