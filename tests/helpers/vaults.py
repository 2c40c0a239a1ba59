"""Lakes whose tables have tokens of a vault."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.lake import vault_table
from privacy_udfs.keys import create_file
from tests.helpers.lakes import DOMAINS, table, write_conf

TOKENS = {"domain": "person"}


def domain(lake: Path, id_: str, **more: Any) -> dict[str, Any]:
    """A domain of tokens in the vault of the lake. more: of its vault, or of the technique."""
    of_vault = {name: more.pop(name) for name in ("ttl_days", "exportable") if name in more}
    vault = {"path": str(lake / "vault"), "id": id_, **of_vault}
    return {"technique": "tokenize", "key": "crm", "vault": vault, **more}


def made(spark: SparkSession, lake: Path, **more: Any) -> str:
    """A new vault in a lake; its id. more: what it is made for."""
    return vault_table.create(spark, str(lake / "vault"), **more)


def configured(lake: Path, id_: str, columns: Mapping[str, Any], name: str = "t", **more: Any) -> Config:
    """A table whose columns may have `TOKENS`. more: of the table's entry; ``person``: of the domain;
    ``keys``: names of others than ``crm``."""
    person, keys = more.pop("person", {}), ("crm", *more.pop("keys", ()))
    folder = write_conf(lake, table(name, lake, columns, **more))
    told = {**DOMAINS, "person": domain(lake, id_, **person)}
    (folder / "domains.yaml").write_text(yaml.safe_dump(told))
    for each in keys[1:]:
        create_file(lake / "keys" / f"{each}.json")
    (folder / "keys.yaml").write_text(
        yaml.safe_dump({each: {"keyset": f"file:{lake}/keys/{each}.json"} for each in keys})
    )
    return config.load(folder)


def rows(spark: SparkSession, lake: Path) -> DataFrame:
    """What stands in the vault."""
    return spark.read.format("delta").load(str(lake / "vault"))


def counts(spark: SparkSession, lake: Path) -> tuple[int, int, int]:
    """How many rows, lookups and keys of rows stand in the vault."""
    found = rows(spark, lake)
    many = (found, found.select("lookup").distinct(), found.select("row_key").distinct())
    return (many[0].count(), many[1].count(), many[2].count())
