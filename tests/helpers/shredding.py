"""Lakes whose tables have values under keys of subjects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.lake import subject_key_table
from tests.helpers.lakes import DOMAINS, table, write_conf

SIV = {"technique": "deterministic_encryption", "key": "crm", "key_per": "subject"}
GCM = {**SIV, "technique": "randomized_encryption"}
MAIL = {"domain": "mail_of_one"}


def made(spark: SparkSession, lake: Path) -> str:
    """A new table of keys in a lake; its id."""
    return subject_key_table.create(spark, str(lake / "subject_keys"))


def keys(lake: Path, id_: str, **more: Any) -> dict[str, Any]:
    """What keys.yaml says."""
    entry = {"keyset": f"file:{lake}/keys/crm.json", "subject_keys": {"path": str(lake / "subject_keys"), "id": id_}}
    return {"crm": {**entry, **more}}


def configured(lake: Path, id_: str, columns: Mapping[str, Any], name: str = "t", **more: Any) -> Config:
    """A table with columns under keys of subjects, of the subject ``id`` if no other is stated."""
    folder = write_conf(lake, table(name, lake, columns, **{"subject": "id", **more}))
    (folder / "domains.yaml").write_text(yaml.safe_dump({**DOMAINS, "mail_of_one": SIV}))
    (folder / "keys.yaml").write_text(yaml.safe_dump(keys(lake, id_)))
    return config.load(folder)


def rows(spark: SparkSession, lake: Path) -> DataFrame:
    """What stands in the table of keys."""
    return spark.read.format("delta").load(str(lake / "subject_keys"))
