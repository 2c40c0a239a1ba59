"""Lakes whose tables have values under keys of subjects."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.lake import subject_key_table
from privacy_udfs.errors import ValueRefused
from privacy_udfs.keys import create_file, load_keyset
from privacy_udfs.subject_keys import Part, SubjectKeys, TreeKey
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
    return {"crm": {**entry, **more}, "aside": {"keyset": f"file:{lake}/keys/aside.json"}}


def configured(lake: Path, id_: str, columns: Mapping[str, Any], name: str = "t", **more: Any) -> Config:
    """A table with columns under keys of subjects, of the subject ``id`` if no other is stated."""
    folder = write_conf(lake, table(name, lake, columns, **{"subject": "id", **more}))
    (folder / "domains.yaml").write_text(yaml.safe_dump({**DOMAINS, "mail_of_one": SIV}))
    if not (lake / "keys" / "aside.json").exists():
        create_file(lake / "keys" / "aside.json")
    (folder / "keys.yaml").write_text(yaml.safe_dump(keys(lake, id_)))
    return config.load(folder)


def rows(spark: SparkSession, lake: Path) -> DataFrame:
    """What stands in the table of keys."""
    return spark.read.format("delta").load(str(lake / "subject_keys"))


def with_the_way_back(lake: Path, id_: str, columns: Mapping[str, Any], **more: Any) -> Config:
    """The same, with an audit log, and who may approve that values are turned back."""
    (lake / "conf" / "audit.yaml").unlink(missing_ok=True)  # it names a key that keys.yaml gets last
    configured(lake, id_, columns, **more)
    reversals.edit(lake / "conf" / "policy.yaml", reversal=reversals.reversal(lake))
    (lake / "conf" / "keys.yaml").write_text(yaml.safe_dump(keys(lake, id_, reversal=reversals.back_key(lake))))
    return audits.with_log(lake)


def tree_key(
    spark: SparkSession, lake: Path, conf: Config, path: str, key_id: int | None = None, table: str = "t"
) -> TreeKey:
    """What the keyset, and the table of keys as it is now, give for a column. key_id: the version of the key."""
    technique, entry = _technique(conf, path, table), conf.keys["crm"].subject_keys
    assert entry is not None
    key = load_keyset(conf.keys["crm"].keyset).subkey(technique, "any", key_id)
    told = sorted(rows(spark, lake).where(F.col("key_id") == key.id).collect(), key=lambda row: row["part"])
    parts = [Part(row["depths"], row["prefixes"], row["wrapped"]) for row in told]
    nodes = SubjectKeys(key.material, entry.id).unwrapped(parts)
    domain = conf.tables[table].columns[path].treatment.domain or f"{table}/{path}"
    return TreeKey(key.material, key.id, tree=entry.id, domain=domain, nodes=nodes)


def opened(
    spark: SparkSession, lake: Path, conf: Config, place: Path, paths: Iterable[str], key_id: int | None = None
) -> dict[tuple[int, str], str | None]:
    """By amount and path what the keyset, and the table of keys as it is now, make of each token of a table or of a
    copy, one by one; None: nothing. key_id: the version of the key."""
    columns = {path: F.col(path).alias(str(at)) for at, path in enumerate(paths)}
    found = spark.read.format("delta").load(str(place)).select("amount", *columns.values()).toArrow()
    values: dict[tuple[int, str], str | None] = {}
    for at, path in enumerate(columns):
        technique, key = _technique(conf, path), tree_key(spark, lake, conf, path, key_id)
        for amount, token in zip(found["amount"].to_pylist(), found[str(at)].to_pylist(), strict=True):
            if token is not None:
                try:
                    plain = technique.revert(pa.array([token]), key)[0].as_py()
                except ValueRefused:
                    plain = None
                values[amount, path] = plain
    return values


def by_a_thief(
    spark: SparkSession, lake: Path, conf: Config, place: Path, path: str, table: str
) -> Iterator[tuple[pa.BinaryArray, int]]:
    """By file of a copied table: the values of a column that the keyset, and the table of keys as it is now, open, and
    how many they do not."""
    technique, key = _technique(conf, path, table), tree_key(spark, lake, conf, path, table=table)
    for file in spark.read.format("delta").load(str(place)).inputFiles():
        tokens = pq.read_table(urllib.parse.unquote(urllib.parse.urlsplit(file).path), columns=[path])[path]
        for chunk in tokens.chunks:
            named = technique.named(chunk.drop_null(), key)
            assert named is not None
            alive = pa.array(key.secrets(named)[1])
            yield technique.revert(chunk.drop_null().filter(alive), key), pc.sum(pc.invert(alive)).as_py() or 0
            for token in chunk.drop_null().filter(pc.invert(alive)):
                with pytest.raises(ValueRefused):
                    technique.revert(pa.array([token.as_py()]), key)


def secrets(spark: SparkSession, lake: Path) -> list[bytes]:
    """The byte strings that must not outlive the destruction of any key: all wrapped nodes as they are now."""
    return [bytes(row["wrapped"]) for row in rows(spark, lake).collect()]


def _technique(conf: Config, path: str, table: str = "t") -> BySubject:
    technique = conf.tables[table].columns[path].treatment.technique
    assert isinstance(technique, BySubject)
    return technique
