"""Small lakes and configurations for tests of jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from jobs.configuration import config
from jobs.configuration.config import Config
from privacy_udfs.keys import create_file
from privacy_udfs.techniques import BY_NAME

CLASSES = ("direct_identifier", "quasi_identifier", "sensitive", "non_personal")
POLICY = {"version": "2026-11", "classes": {name: {"techniques": list(BY_NAME)} for name in CLASSES}}
DOMAINS = {
    "customer": {"technique": "keyed_hash", "bits": 128, "key": "crm", "normalize": ["nfc", "trim"]},
    "other": {"technique": "keyed_hash", "bits": 128, "key": "crm", "normalize": ["nfc", "trim"]},
}


def column(treatment: Any, class_: str = "quasi_identifier") -> dict[str, Any]:
    return {"class": class_, "treatment": treatment, "why": "a test"}


def table(name: str, lake: Path, columns: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A catalog entry from ``<lake>/raw/<name>`` to ``<lake>/treated/<name>``; a column may be just its treatment."""
    rules = {path: rule if _is_rule(rule) else column(rule) for path, rule in columns.items()}
    entry = {
        "table": name,
        "owner": "privacy@example.org",
        "source": {"format": "parquet", "path": str(lake / "raw" / name)},
        "target": {"path": str(lake / "treated" / name)},
        "columns": rules,
    }
    return {**entry, **more}


def _is_rule(rule: Any) -> bool:
    return isinstance(rule, Mapping) and "class" in rule


def write_conf(lake: Path, *tables: Mapping[str, Any]) -> Path:
    """A configuration folder beside the lake, with a key of its own (kept when written again)."""
    folder, keys = lake / "conf", lake / "keys"
    (folder / "catalog").mkdir(parents=True, exist_ok=True)
    keys.mkdir(exist_ok=True)
    if not (keys / "crm.json").exists():
        create_file(keys / "crm.json")
    _write(folder / "policy.yaml", POLICY)
    _write(folder / "domains.yaml", DOMAINS)
    _write(folder / "keys.yaml", {"crm": {"keyset": f"file:{keys}/crm.json"}})
    for entry in tables:
        _write(folder / "catalog" / f"{entry['table']}.yaml", entry)
    return folder


def configured(lake: Path, *tables: Mapping[str, Any]) -> Config:
    return config.load(write_conf(lake, *tables))


def _write(path: Path, data: Any) -> None:
    path.write_text(yaml.dump(data, allow_unicode=True, sort_keys=False, Dumper=_NoAliases), encoding="utf-8")


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def treated(spark: SparkSession, lake: Path, name: str = "t") -> DataFrame:
    """The treated table of a catalog entry by `table`."""
    return spark.read.format("delta").load(str(lake / "treated" / name))


def contents(table: DataFrame) -> list[Row]:
    """All rows, the same for the same bytes: numbers as the bits that they are, times to the microsecond."""
    options = {"ignoreNullFields": "false", "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"}
    return sorted(table.select(F.to_json(F.struct("*"), options).alias("all")).collect())


def check_equal(ours: DataFrame, theirs: DataFrame) -> None:
    """The same columns, with all that is said of them, and the same rows in whatever order."""
    assert ours.schema.jsonValue() == theirs.schema.jsonValue()
    assert contents(ours) == contents(theirs)


def properties(spark: SparkSession, lake: Path, name: str = "t") -> dict[str, str]:
    """Its properties, as anyone may read them."""
    shown = spark.sql(f"SHOW TBLPROPERTIES delta.`{lake}/treated/{name}`").collect()
    return {row["key"]: row["value"] for row in shown}


def record(spark: SparkSession, lake: Path, name: str = "t") -> dict[str, Any]:
    """Its treatment record."""
    found: dict[str, Any] = json.loads(properties(spark, lake, name)["privacy.record"])
    return found


def quick_to_vacuum(spark: SparkSession) -> SparkSession:
    """A session whose VACUUM does not plan 10,000 tasks."""
    session = spark.newSession()
    session.conf.set("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2")
    return session
