"""Five tables in which many persons stand, run in several modes, with all that an erasure must reach: nested columns, a
source of CSV files, change feeds, deletion vectors, random tokens, quarantine, an audit log, old versions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import pseudonymize
from jobs.configuration.config import Config
from privacy_udfs.keys import create_file
from tests.helpers import audits, erased_lists, lakes, vaults
from tests.helpers.many_texts import forms

TABLES = ("clients", "orders", "visits", "accounts", "events")
LEAST, STEP, SPAN = 100_000_000_000_000_000, 86_969_696_969_693, 899_999_999_999_999_983
"""Ids of persons have 18 digits, so that none is found by chance."""
PERSON, TOKEN = {"domain": "customer"}, {"domain": "person"}
SLICES = 8
MENDED = "10.9.9.9"
"""What people put in the place of a value that is refused."""
VALUES: Mapping[str, Sequence[str]] = {
    "clients": ("{who} AS customer", "concat('note of ', {who}) AS note"),
    "orders": ("{who} AS customer", "{who} AS token", "id % 97 AS amount"),
    "visits": ("array(named_struct('customer', {who}, 'x', {p}), named_struct('customer', {next}, 'x', {q})) AS lines",
               "map({who}, {p}) AS seen"),
    "accounts": ("cast({who} AS bigint) AS customer", "if({bad}, 'none', concat('10.1.', id % 200, '.7')) AS ip"),
    "events": ("{who} AS customer", "if(id % 3 = 0, {next}, null) AS referrer", "concat('event of ', {who}) AS text",
               "date_add(DATE'2026-01-01', cast(id % 2 AS int)) AS day"),
}  # fmt: skip
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "clients": {"customer": PERSON, "note": "keep"},
    "orders": {"customer": PERSON, "token": TOKEN, "amount": "keep"},
    "visits": {"lines[].customer": PERSON, "lines[].x": "keep", "seen{key}": PERSON, "seen{value}": "keep"},
    "accounts": {"customer": PERSON, "ip": {"technique": "truncate_ip"}},
    "events": {"customer": PERSON, "referrer": PERSON, "day": "keep",
               "text": {**lakes.column("keep"), "statistics": True}},
}  # fmt: skip
SCHEMA = "num bigint, customer string, token string, amount bigint"
FEED = {"delta.enableChangeDataFeed": "true"}
TARGETS: Mapping[str, Mapping[str, Any]] = {
    "clients": {"mode": "changes", "key": ["num"]},
    "orders": {"properties": {"delta.enableDeletionVectors": "true"}},
    "visits": {"mode": "incremental", "properties": FEED},
    "accounts": {"mode": "incremental", "properties": FEED},
    "events": {"mode": "incremental", "partition_by": ["day"],
               "properties": {"delta.enableDeletionVectors": "true", "delta.checkpointInterval": "2",
                              "delta.columnMapping.mode": "name"}},
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Lake:
    """folder: of everything. rows: of all tables together. erased: of the persons those who are to go, by number."""

    folder: Path
    rows: int
    persons: int
    erased: Sequence[int]

    @property
    def of_one(self) -> int:
        return self.rows // len(TABLES)

    @property
    def ids(self) -> list[str]:
        return [name(at) for at in self.erased]


def name(person: int) -> str:
    return str(LEAST + person * STEP % SPAN)


def lake(folder: Path, rows: int, persons: int, subjects: int) -> Lake:
    """The erased: those with the least and the greatest ids, whom statistics name, and others all over."""
    order = np.argsort(LEAST + np.arange(persons, dtype=np.int64) * STEP % SPAN)
    between = np.linspace(5, persons - 6, subjects - 10).astype(int)
    chosen = np.concatenate([order[:5], order[between], order[-5:]])
    return Lake(folder, rows, persons, sorted({int(each) for each in chosen}))


# -- sources ----------------------------------------------------------------------------------------------------------


def made_up(spark: SparkSession, of: Lake, table: str, start: int, end: int) -> DataFrame:
    """Rows of a table, by number: each of the person whose number it is, modulo all persons."""

    def who(expression: str) -> str:
        return f"cast({LEAST} + {expression} * {STEP} % {SPAN} AS string)"

    p, q = f"(id % {of.persons})", f"((id + 1) % {of.persons})"
    bad = f"id % 1000 = 17 OR id = {of.erased[0]}"
    told = [each.format(who=who(p), next=who(q), p=p, q=q, bad=bad) for each in VALUES[table]]
    return spark.range(start, end, 1, SLICES).selectExpr("id AS num", *told)


def raw(spark: SparkSession, of: Lake, table: str, start: int, end: int) -> None:
    writer, place = made_up(spark, of, table, start, end).write.mode("append"), f"{of.folder}/raw/{table}"
    if table == "orders":
        writer.option("header", "true").csv(place)
    else:
        writer.format("delta").options(**(FEED if table == "clients" else {})).save(place)


def without_the_erased(spark: SparkSession, of: Lake) -> None:
    """What people do about the source of files: it is written anew."""
    rows = made_up(spark, of, "orders", 0, of.of_one).where(~is_erased(of, F.col("num")))
    rows.write.mode("overwrite").option("header", "true").csv(f"{of.folder}/raw/orders")


# -- the configuration ------------------------------------------------------------------------------------------------


def configured(spark: SparkSession, of: Lake) -> Config:
    vault, listed = vaults.made(spark, of.folder), erased_lists.listed(spark, of.folder)
    folder = lakes.write_conf(of.folder, *(_entry(of, table) for table in TABLES))
    domains = {**lakes.DOMAINS, "person": vaults.domain(of.folder, vault)}
    (folder / "domains.yaml").write_text(yaml.safe_dump(domains), encoding="utf-8")
    create_file(of.folder / "keys" / "aside.json")
    keys = yaml.safe_load((folder / "keys.yaml").read_text(encoding="utf-8"))
    keys["aside"] = {"keyset": f"file:{of.folder}/keys/aside.json"}
    (folder / "keys.yaml").write_text(yaml.safe_dump(keys), encoding="utf-8")
    policy = {**lakes.POLICY, "snapshots": {"path": f"{of.folder}/snapshots"}}
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
    erased_lists.stated(of.folder, listed)
    return audits.with_log(of.folder)


def _entry(of: Lake, table: str) -> dict[str, Any]:
    number = lakes.column("keep", "non_personal")
    more: dict[str, Any] = {"target": {"path": f"{of.folder}/treated/{table}", **TARGETS[table]}}
    more["source"] = {"format": "delta", "path": f"{of.folder}/raw/{table}"}
    if table == "orders":
        csv = {"format": "csv", "options": {"header": "true"}, "schema": SCHEMA}
        more["source"] = {**more["source"], **csv}
    if table == "events":
        more["subject"] = "customer"
    if table == "accounts":
        aside = {"path": f"{of.folder}/quarantine", "key": "aside"}
        more |= {"on_refused": "quarantine", "quarantine": aside}
    return lakes.table(table, of.folder, {"num": number, **COLUMNS[table]}, **more)


def mended(spark: SparkSession, of: Lake) -> None:
    """What people do about rows that are refused: the source is put right."""
    DeltaTable.forPath(spark, f"{of.folder}/raw/accounts").update("ip = 'none'", {"ip": f"'{MENDED}'"})


def made(spark: SparkSession, of: Lake) -> Config:
    """All tables, treated in two runs each, and what others did to them."""
    conf, first = configured(spark, of), of.of_one * 9 // 10
    for table in TABLES:
        raw(spark, of, table, 0, first)
        pseudonymize.run(spark, conf, table)
        raw(spark, of, table, first, of.of_one)
        if table == "clients":
            source = DeltaTable.forPath(spark, f"{of.folder}/raw/clients")
            source.update("num % 1000 = 7", {"note": "concat('again ', note)"})
            source.delete("num % 1000 = 8")
            source.update(f"customer = '{of.ids[0]}'", {"note": "note"})  # the log says by which id
        pseudonymize.run(spark, conf, table)
    theirs = ", ".join(map(str, of.erased[::3]))
    for table, which in (("orders", f"num IN ({theirs})"), ("events", f"num % 1000 = 9 OR num IN ({theirs})")):
        DeltaTable.forPath(spark, f"{of.folder}/treated/{table}").delete(which)
    return conf


# -- what is there ----------------------------------------------------------------------------------------------------


def is_erased(of: Lake, number: Column) -> Column:
    """Whether a row's number is of a person who is to go."""
    return (number % of.persons).isin(list(of.erased))


def rows(spark: SparkSession, of: Lake, table: str, root: str = "treated") -> DataFrame:
    return spark.read.format("delta").load(f"{of.folder}/{root}/{table}")


Sums = dict[str, tuple[int, ...]]


def kept(spark: SparkSession, of: Lake, table: str, root: str = "treated", all_rows: bool = False) -> Sums:
    """Of a table what is of those who stay: how many, of how many persons, and a sum over all of it, whatever the
    order. all_rows: of everybody who is there; the same, once nobody else is."""
    found = rows(spark, of, table, root)

    def of_kept(some: DataFrame, number: str) -> DataFrame:
        return some if all_rows else some.where(~is_erased(of, F.col(number)))

    if table == "visits":
        lines = found.select("num", F.explode("lines").alias("each")).select("num", "each.*")
        seen = found.select("num", F.explode("seen").alias("customer", "x"))
        parts = {"lines": of_kept(lines, "x"), "seen": of_kept(seen, "x")}
        return {
            "rows": (found.count(),),
            **{part: _sums(some, ["num", "customer", "x"]) for part, some in parts.items()},
        }
    if table == "events":
        named = found.where("referrer is not null").select("num", (F.col("num") + 1).alias("x"), "referrer")
        told = of_kept(of_kept(named, "x"), "num").withColumnRenamed("referrer", "customer")
        own = of_kept(found, "num")
        return {"rows": _sums(own, ["num", "customer", "text", "day"]), "referrers": _sums(told, ["num", "customer"])}
    if table == "accounts":
        own = of_kept(found, "num").where("ip <> 'none' AND ip NOT LIKE '10.9.%'")
        return {"rows": _sums(own, ["num", "customer", "ip"])}
    return {"rows": _sums(of_kept(found, "num"), found.columns)}


def _sums(some: DataFrame, names: Sequence[str]) -> tuple[int, ...]:
    hashed = F.xxhash64(*names).cast("decimal(38,0)")
    told = some.agg(F.count("*"), F.countDistinct("customer"), F.coalesce(F.sum(hashed), F.lit(0))).collect()[0]
    return tuple(int(each) for each in told)


def needles(spark: SparkSession, of: Lake) -> tuple[set[bytes], set[bytes]]:
    """Ids of the erased, and their pseudonyms and tokens, in all forms. From the treated tables, before they go."""
    first = spark.read.format("delta").option("versionAsOf", 0).load(f"{of.folder}/treated/orders")
    told = first.where(is_erased(of, F.col("num"))).select("customer", "token").distinct().collect()
    hashes, tokens = {row["customer"] for row in told}, {row["token"] for row in told}
    assert len(hashes) == len(tokens) == len(of.erased), "those of all of them are known"
    ids = {form for each in of.ids for form in forms(each.encode())}
    ids |= {int(each).to_bytes(8, "little") for each in of.ids}
    return ids, {form for each in hashes | tokens for form in forms(each.encode())}
