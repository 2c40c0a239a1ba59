"""Lakes whose tables have values under keys of subjects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.lake import subject_key_table
from privacy_udfs.keys import load_keyset
from privacy_udfs.techniques._by_subject import BySubject
from tests.helpers import audits, reversals
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


def with_the_way_back(lake: Path, id_: str, columns: Mapping[str, Any], **more: Any) -> Config:
    """The same, with an audit log, and who may approve that values are turned back."""
    configured(lake, id_, columns, **more)
    reversals.edit(lake / "conf" / "policy.yaml", reversal=reversals.reversal(lake))
    (lake / "conf" / "keys.yaml").write_text(yaml.safe_dump(keys(lake, id_, reversal=reversals.back_key(lake))))
    return audits.with_log(lake)


def opened(
    spark: SparkSession, lake: Path, conf: Config, place: Path, path: str, where: str = "true"
) -> list[str | None]:
    """What the keyset and the table of keys as it is now make of each token of a column, one by one; None: nothing."""
    technique = _technique(conf, path)
    key = load_keyset(conf.keys["crm"].keyset).subkey(technique, "any")
    held = {bytes(row["handle"]): bytes(row["lookup"] + row["wrapped"]) for row in rows(spark, lake).collect()}
    rule = conf.tables["t"].columns[path].treatment
    found = spark.read.format("delta").load(str(place)).where(where).select(path).where(f"{path} IS NOT NULL")
    values: list[str | None] = []
    for row in found.toArrow().column(0).to_pylist():
        token = pa.array([row])
        beside = pa.array([held.get(technique.handles(token, key)[0].as_py())], pa.binary())
        domain = rule.domain or f"t/{path}"
        plain = technique.values(token, beside, key, domain)
        values.append(None if plain is None else plain[0].as_py().decode())
    return values


def secrets(spark: SparkSession, lake: Path, conf: Config, subject: str) -> list[bytes]:
    """The byte strings that must not outlive a subject's key: handle and wrapped key."""
    technique = _technique(conf, "mail")
    key = load_keyset(conf.keys["crm"].keyset).subkey(technique, "any")
    lookup = technique.lookups(pa.array([subject]), key)[0].as_py()
    found = [row for row in rows(spark, lake).collect() if bytes(row["lookup"]) == lookup]
    assert len(found) == 1
    return [bytes(found[0]["handle"]), bytes(found[0]["wrapped"])]


def _technique(conf: Config, path: str) -> BySubject:
    technique = conf.tables["t"].columns[path].treatment.technique
    assert isinstance(technique, BySubject)
    return technique
