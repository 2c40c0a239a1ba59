"""A lake in which persons stand in several forms, those who are to be erased at the ends of every statistic; and a look
at each byte of it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path

import pyarrow as pa
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration.config import Config
from jobs.erasure.carried_out import Wanted
from jobs.subjects.asked import Asked
from tests.helpers import byte_scan, lakes

MANY = 30
ERASED = (0, 11, 29)
"""The least, the greatest, and one between."""
NUMBER = 9_000_000_000
DAY = "date_add(DATE'2026-01-01', cast(id % 2 AS int)) AS day"
TABLES = {
    "people": f"{{who}} AS who, concat('note-of-', {{who}}) AS note, {DAY}, id + {NUMBER} AS num",
    "visits": "id AS num, array(named_struct('who', {who}, 'x', concat('visit-', {who})), "
    "named_struct('who', {next}, 'x', concat('visit-', {next})), null) AS lines, "
    "map({who}, concat('map-', {who}), {next}, concat('map-', {next})) AS m",
    "orders": f"named_struct('who', {{who}}, 'x', concat('order-', {{who}})) AS home, id + {NUMBER} AS num",
}
WHO = "concat('C-', lpad(cast({} AS string), 6, '0'))"


def name(at: int) -> str:
    return f"C-{at:06d}"


def raw(spark: SparkSession, lake: Path, table: str, start: int, end: int) -> None:
    told = TABLES[table].format(who=WHO.format("id"), next=WHO.format(f"(id + 1) % {MANY}"))
    rows = spark.range(start, end, 1, 2).selectExpr(*_parts(told))
    rows.write.format("delta").mode("append").save(f"{lake}/raw/{table}")


def _parts(told: str) -> list[str]:
    """Expressions between the commas that stand in no brackets."""
    found, depth = [""], 0
    for sign in told:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and not depth:
            found.append("")
        else:
            found[-1] += sign
    return found


def configured(lake: Path) -> Config:
    person = {"domain": "customer"}

    def entry(table: str, columns: dict[str, object], **target: object) -> dict[str, object]:
        source = {"format": "delta", "path": f"{lake}/raw/{table}"}
        own = {"path": f"{lake}/treated/{table}", "mode": "incremental", **target}
        return lakes.table(table, lake, columns, source=source, target=own)

    feed = {"delta.enableChangeDataFeed": "true", "delta.checkpointInterval": "2"}
    return lakes.configured(
        lake,
        entry("people", {"who": person, "note": "keep", "day": "keep", "num": "keep"}, partition_by=["day"],
              properties=feed),
        entry("visits", {"num": "keep", "lines[].who": person, "lines[].x": "keep", "m{key}": person,
                         "m{value}": "keep"}, properties={"delta.columnMapping.mode": "name"}),
        entry("orders", {"home.who": person, "home.x": "keep", "num": "keep"}, cluster_by=["num"],
              properties={"delta.enableDeletionVectors": "true"}),
    )  # fmt: skip


def made(spark: SparkSession, lake: Path) -> Config:
    """Tables of two runs each; in ``orders`` a deletion vector hides the row of one who is to be erased."""
    for table in TABLES:
        raw(spark, lake, table, 0, 20)
    conf = configured(lake)
    for table in TABLES:
        pseudonymize.run(spark, conf, table)
        raw(spark, lake, table, 20, MANY)
        pseudonymize.run(spark, conf, table)
    DeltaTable.forPath(spark, f"{lake}/treated/orders").delete(f"num = {NUMBER + 11}")
    return conf


def wanted(persons: Iterable[int] = ERASED, **more: bool) -> Wanted:
    return Wanted(Asked("customer", pa.array([name(at) for at in persons])), **more)


def pseudonyms(spark: SparkSession, lake: Path, persons: Collection[int] = ERASED) -> list[str]:
    rows = lakes.treated(spark, lake, "people").where(f"num - {NUMBER} IN ({', '.join(map(str, persons))})")
    found = [row["who"] for row in rows.collect()]
    assert len(found) == len(persons), "the right ones are looked for"
    return found


def needles(pseudonyms: Iterable[str], persons: Iterable[int] = ERASED) -> set[bytes]:
    """All by which an erased person could be told: ids, pseudonyms, and what their rows alone hold, as text, in UTF-16,
    in base64 and in hex; and numbers as files pack them."""
    texts = [*map(name, persons), *pseudonyms, *(str(NUMBER + at) for at in persons)]
    found = {form for text in texts for form in _forms(text.encode())}
    return found | {(NUMBER + at).to_bytes(8, "little") for at in persons}


def _forms(text: bytes) -> set[bytes]:
    moved = (base64.b64encode(b"\0" * at + text)[(0, 2, 3)[at] :].rstrip(b"=")[:-1] for at in range(3))
    return {text, text.decode().encode("utf-16-le"), text.hex().encode(), text.hex().upper().encode(), *moved}


def traces(lake: Path, wanted: Iterable[bytes]) -> dict[str, int]:
    """The files below the tables that say one of them, by what kind they are."""
    found: dict[str, int] = {}
    for folder in ("raw", "treated"):
        for path in sorted((lake / folder).iterdir()):
            for name_, content in byte_scan.contents(path):
                if byte_scan.found(wanted, content):
                    kind = _kind(name_)
                    found[f"{folder} {kind}"] = found.get(f"{folder} {kind}", 0) + 1
    return found


def _kind(name_: str) -> str:
    for sign, kind in ((".checkpoint", "checkpoint"), (".crc", "checksum"), (".json", "log"), ("cdc-", "change")):
        if sign in name_:
            return kind
    return "data"


def files(lake: Path) -> dict[str, str]:
    """Every file below the tables, and a hash of it."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("raw", "treated")
        for path in (lake / folder).rglob("*")
        if path.is_file()
    }
