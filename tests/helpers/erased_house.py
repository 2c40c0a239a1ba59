"""A small lake with all that an erasure writes to: sources, targets, a vault, keys of subjects, the list of the erased,
an audit log; erasures of it that are killed, as processes of their own; and what is there in the end."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration.config import Config
from jobs.erasure.carried_out import Wanted
from jobs.lake.delta_commit import take_out
from jobs.subject_keys import whom
from jobs.subjects.asked import Asked
from tests.helpers import audits, byte_scan, erased_lists, kills, lakes, many_texts, shredding, vaults

DOMAIN, MANY, ERASED = "person", 40, (0, 7, 13, 39)
TABLES = ("people", "visits")
PLACES = (*(f"{root}/{table}" for root in ("raw", "treated") for table in TABLES), "vault", "subject_keys")
"""In the order in which an erasure comes to them."""
ROWS = {"people": ("mail", "mail-of-"), "visits": ("note", "visit-of-")}
"""Of each table the column beside who it is and the row's number, and how its values begin."""
WHO = "concat('person-', lpad(cast(id % {} AS string), 6, '0'))"
FEED = {"delta.enableChangeDataFeed": "true"}


def name(person: int) -> str:
    return f"person-{person:06d}"


def raw(spark: SparkSession, lake: Path, table: str, start: int, end: int) -> None:
    who, (column, sign) = WHO.format(MANY), ROWS[table]
    told = (f"{who} AS who", f"concat('{sign}', {who}) AS {column}", "id AS num")
    rows = spark.range(start, end, 1, 2).selectExpr(*told)
    rows.write.format("delta").mode("append").options(**FEED).save(f"{lake}/raw/{table}")


def made(spark: SparkSession, lake: Path, with_keys: bool = True, mode: str = "incremental") -> Config:
    """Tables of two runs each. with_keys: mails stand under keys of their subjects."""
    vault, listed = vaults.made(spark, lake), erased_lists.listed(spark, lake)
    keys = shredding.made(spark, lake) if with_keys else None
    person = {"domain": DOMAIN}
    mail: Any = {"domain": "mail_of_one"} if with_keys else "redact"
    columns: dict[str, dict[str, Any]] = {
        "people": {"who": person, "mail": mail, "num": "keep"},
        "visits": {"who": person, "note": {**lakes.column("keep"), "statistics": True}, "num": "keep"},
    }
    entries = [
        lakes.table(table, lake, columns[table], subject="who",
                    source={"format": "delta", "path": f"{lake}/raw/{table}"},
                    target={"path": f"{lake}/treated/{table}", "mode": mode, "properties": FEED})
        for table in TABLES
    ]  # fmt: skip
    folder = lakes.write_conf(lake, *entries)
    domains = {**lakes.DOMAINS, DOMAIN: vaults.domain(lake, vault), "mail_of_one": {**shredding.SIV, "key": "shred"}}
    _write(folder / "domains.yaml", domains)
    if keys is not None:
        own = shredding.keys(lake, keys)["crm"]
        shutil.copy(lake / "keys" / "crm.json", lake / "keys" / "shred.json")
        told = {
            "crm": {"keyset": f"file:{lake}/keys/crm.json"},
            "shred": {**own, "keyset": f"file:{lake}/keys/shred.json"},
        }
        _write(folder / "keys.yaml", told)
    erased_lists.stated(lake, listed)
    conf = audits.with_log(lake)
    for start, end in ((0, MANY), (MANY, 2 * MANY)):
        for table in TABLES:
            raw(spark, lake, table, start, end)
            if (table, start) == ("people", 0):  # people put a row right by hand: the log says by which id
                DeltaTable.forPath(spark, f"{lake}/raw/people").update(f"who = '{name(ERASED[0])}'", {"mail": "mail"})
            pseudonymize.run(spark, conf, table)
    return conf


def _write(path: Path, data: Any) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


def wanted(persons: Sequence[int] = ERASED, **more: bool) -> Wanted:
    return Wanted(Asked(DOMAIN, pa.array([name(at) for at in persons])), **{"sources": True, **more})


# -- what is there ----------------------------------------------------------------------------------------------------


def numbers(spark: SparkSession, lake: Path, table: str, root: str = "treated") -> Counter[int]:
    rows = spark.read.format("delta").load(f"{lake}/{root}/{table}")
    return Counter(row["num"] for row in rows.select("num").collect())


def holding(spark: SparkSession, lake: Path, conf: Config) -> list[str]:
    """The `PLACES` that hold any of the erased yet, or lead to them."""
    raw_ = [f"raw/{table}" for table in TABLES
            if {row["who"] for row in spark.read.format("delta").load(f"{lake}/raw/{table}").select("who").collect()}
            & {*map(name, ERASED)}]  # fmt: skip
    treated = [f"treated/{table}" for table in TABLES
               if any(number % MANY in ERASED for number in numbers(spark, lake, table))]  # fmt: skip
    vault = ["vault"] if vaults.rows(spark, lake).count() > MANY - len(ERASED) else []
    keys = ["subject_keys"] if whom.alive(spark, conf, "shred", [*map(name, ERASED)])[0] else []
    return [*raw_, *treated, *vault, *keys]


def of_others(end: int = 2 * MANY) -> Counter[int]:
    """The numbers of rows of all who are not erased, each once."""
    return Counter(at for at in range(end) if at % MANY not in ERASED)


def contents(spark: SparkSession, lake: Path) -> dict[str, list[str]]:
    """All that tables, vault, keys and list hold, in no order."""
    there = [each for each in PLACES if (lake / each).exists()]
    return {each: sorted(map(str, spark.read.format("delta").load(f"{lake}/{each}").collect())) for each in there} | {
        "erased": sorted({str(row["code"]) for row in erased_lists.rows(spark, lake).collect()})
    }


def needles(spark: SparkSession, lake: Path) -> set[bytes]:
    """By which the erased could be told: ids and tokens, before they go."""
    rows = spark.read.format("delta").load(f"{lake}/treated/people").where(f"num IN ({', '.join(map(str, ERASED))})")
    tokens = [row["who"] for row in rows.collect()]
    assert len(tokens) == len(ERASED)
    return {form for each in (*map(name, ERASED), *tokens) for form in many_texts.forms(each.encode())}


def traces(lake: Path, wanted_: set[bytes]) -> set[str]:
    """The files that hold one of them: of tables, vault, keys, list, audit log, receipts and quarantine."""
    ours = [path for path in lake.iterdir() if path.is_dir() and path.name not in ("conf", "keys")]
    return {
        f"{folder.name}/{name_}"
        for folder in ours
        for name_, content in byte_scan.contents(folder)
        if byte_scan.found(wanted_, content)
    }


# -- killed -----------------------------------------------------------------------------------------------------------


def command(lake: Path, *more: str) -> list[str]:
    ids = lake.parent / "ids.txt"
    ids.write_text("\n".join(map(name, ERASED)) + "\n", encoding="utf-8")
    return ["--conf", str(lake / "conf"), "--domain", DOMAIN, "--ids", str(ids), "--sources", *more]


def killed(lake: Path, step: str, when: str, times: int, *more: str, of: str = "") -> str:
    """`jobs/erase.py` as a process of its own that dies as a machine does that loses its power, before or after a step
    is done for the so manieth time; what it said. of: as of `kills.killed_verb`."""
    return kills.killed_verb("erase", step, when, times, *command(lake, *more), of=of)


def put_back(spark: SparkSession, lake: Path, backup: Path) -> None:
    """The lake as it was when it was copied."""
    shutil.rmtree(lake)
    shutil.copytree(backup, lake)
    take_out.forget(spark)
    spark.catalog.clearCache()
