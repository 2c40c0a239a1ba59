"""A lake with a log of its runs, and ways to tamper with the log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import SparkSession

from jobs import audit
from jobs.audit import Asked
from jobs.audit_log.verify import Verified
from jobs.configuration import config
from jobs.configuration.config import Config
from privacy_udfs.keys import create_file
from tests.helpers.lakes import column, table, write_conf

ORIGIN = "lakenym.example.org/test"
ROWS = [("C-1001", 1), ("C-1002", 2), ("C-1003", 3)]
COLUMNS = {"id": column({"domain": "customer"}, "direct_identifier"), "amount": column("keep", "non_personal")}


def raw(spark: SparkSession, lake: Path, name: str = "t", rows: Any = ROWS) -> None:
    spark.createDataFrame(rows, "id string, amount int").coalesce(1).write.mode("append").parquet(f"{lake}/raw/{name}")


def audited(lake: Path, *entries: Mapping[str, Any], **more: Any) -> Config:
    """A configuration with a log. more: of audit.yaml, where None takes something out."""
    write_conf(lake, *(entries or [table("t", lake, COLUMNS)]))
    return with_log(lake, **more)


def with_log(lake: Path, **more: Any) -> Config:
    """The configuration of a lake, with a log. more: as of `audited`."""
    folder = lake / "conf"
    if not (lake / "keys" / "log.json").exists():
        create_file(lake / "keys" / "log.json", "Ed25519PrivateKey")
    keys = yaml.safe_load((folder / "keys.yaml").read_text(encoding="utf-8"))
    keys["log"] = {"keyset": f"file:{lake}/keys/log.json"}
    (folder / "keys.yaml").write_text(yaml.safe_dump(keys), encoding="utf-8")
    stated = {
        "table": {"path": f"{lake}/audit"},
        "origin": ORIGIN,
        "signing_key": "log",
        "checkpoints": f"{lake}/checkpoints",
        **more,
    }
    told = {name: value for name, value in stated.items() if value is not None}
    (folder / "audit.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    return config.load(folder)


def listed(spark: SparkSession, conf: Config, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = audit.run(spark, conf, "list", Asked(**asked))
    return found


def kinds(spark: SparkSession, conf: Config) -> list[str]:
    return [row["kind"] for row in listed(spark, conf)]


def verified(spark: SparkSession, conf: Config, **asked: Any) -> Verified:
    found: Verified = audit.run(spark, conf, "verify", Asked(**asked))
    return found


def wrong(spark: SparkSession, conf: Config, **asked: Any) -> list[str]:
    """What is found wrong."""
    return [str(each) for each in verified(spark, conf, **asked).findings if each.level == "wrong"]


def envelope(lake: Path) -> dict[str, Any]:
    """The newest statement of a run."""
    found: dict[str, Any] = json.loads(sorted((lake / "checkpoints").glob("run-*.intoto.json"))[-1].read_text())
    return found


def limited(lake: Path, *entries: Mapping[str, Any], audit: bool = True, **limits: Any) -> Config:
    """A configuration with a log and limits. limits: of the policy; without any, of the key ``crm``."""
    audited(lake, *entries)
    policy = lake / "conf" / "policy.yaml"
    told = {**yaml.safe_load(policy.read_text(encoding="utf-8")), "limits": limits}
    policy.write_text(yaml.safe_dump(told), encoding="utf-8")
    if not audit:
        (lake / "conf" / "audit.yaml").unlink()
    return config.load(lake / "conf")
