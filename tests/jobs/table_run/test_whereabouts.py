"""A refused value is told by file and row, and never shown."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.table_run import whereabouts
from privacy_udfs.errors import LakenymError
from tests.helpers.lakes import configured, table

BAD = "no address of mine"
IPS = ["10.0.0.1"] * 5 + [BAD] + ["10.0.0.2"] * 2 + [BAD, None, BAD, BAD]


def failed(spark: SparkSession, lake: Path, entry: dict[str, Any]) -> str:
    with pytest.raises(LakenymError) as error:
        pseudonymize.run(spark, configured(lake, entry), entry["table"])
    message = str(error.value)
    assert "nothing was committed" in message
    assert BAD not in message
    return message


def parquet(folder: Path, rows: pa.Table, name: str = "a.parquet") -> str:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, folder / name)
    return str(folder)


def test_the_first_few_are_told_by_file_and_row(spark: SparkSession, lake: Path) -> None:
    path = parquet(lake / "raw" / "t", pa.table({"ip": IPS, "rest": list(range(12))}))
    entry = table("t", lake, {"ip": {"technique": "truncate_ip"}, "rest": "keep"})
    entry["rows"] = "rest != 5"
    message = failed(spark, lake, entry)
    assert message == (
        "t: ip: truncate_ip cannot treat 3 of 11 values in this batch (ValueRefused); nothing was committed; it stands "
        "first in a.parquet, row 8 counted from 0; a.parquet, row 10 counted from 0; a.parquet, row 11 counted from 0"
    )
    assert Path(path).exists()


def test_nested_values_and_delta_sources_are_told_by_file(spark: SparkSession, lake: Path) -> None:
    rows = spark.createDataFrame(
        [([("10.0.0.1",)],), ([("10.0.0.1",), (BAD,)],), (None,)], "a array<struct<ip: string>>"
    )
    rows.coalesce(1).write.format("delta").save(str(lake / "raw" / "t"))
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    message = failed(spark, lake, table("t", lake, {"a[].ip": {"technique": "truncate_ip"}}, source=source))
    assert "t: a[].ip: truncate_ip" in message
    assert re.search(r"first in part-00000-[\w.-]+\.parquet$", message)
    name = f"n_{uuid.uuid4().hex}"
    spark.read.format("delta").load(str(lake / "raw" / "t")).write.format("delta").saveAsTable(name)
    try:
        named = table("named", lake, {"a[].ip": {"technique": "truncate_ip"}}, source={"table": name})
        assert re.search(r"first in part-00000-[\w.-]+\.parquet$", failed(spark, lake, named))
    finally:
        spark.sql(f"DROP TABLE {name}")


def test_a_folder_named_after_a_value_is_not_told(spark: SparkSession, lake: Path) -> None:
    path = lake / "raw" / "t"
    parquet(path / "name=Ann Smith", pa.table({"ip": [BAD]}), "b.parquet")
    source = {"format": "parquet", "path": str(path), "personal_paths": "accepted"}
    message = failed(
        spark, lake, table("t", lake, {"ip": {"technique": "truncate_ip"}, "name": "redact"}, source=source)
    )
    assert "it stands first in b.parquet, row 0" in message
    assert "Ann" not in message
    parquet(lake / "raw" / "u" / "2026" / "05", pa.table({"ip": [BAD]}), "b.parquet")
    deep = table("u", lake, {"ip": {"technique": "truncate_ip"}})
    deep["source"]["options"] = {"recursiveFileLookup": "true"}
    assert "it stands first in 2026/05/b.parquet, row 0" in failed(spark, lake, deep)


def test_a_value_whose_subject_decides_is_found(spark: SparkSession, lake: Path) -> None:
    dates = pa.array([*range(30), *[2932896] * 40], pa.int32()).cast(pa.date32())  # the last day that there is
    parquet(lake / "raw" / "t", pa.table({"id": list(range(70)), "day": dates, "other": dates}))
    shift = {"technique": "date_shift", "max_days": 3000, "key": "crm"}  # half of the subjects go back
    entry = table("t", lake, {"id": {"domain": "customer"}, "day": shift, "other": "keep"}, subject="id")
    message = failed(spark, lake, entry)
    assert re.search(r"t: day: date_shift .*first in a\.parquet, row [3-6]\d counted from 0; ", message)


def test_other_formats_tell_the_file(spark: SparkSession, lake: Path) -> None:
    (lake / "raw" / "csv").mkdir(parents=True)
    (lake / "raw" / "csv" / "c.csv").write_text(f"ip\n10.0.0.1\n{BAD}\n")
    (lake / "raw" / "orc").mkdir(parents=True)
    pa.orc.write_table(pa.table({"ip": IPS}), lake / "raw" / "orc" / "d.orc")
    for form, name in (("csv", "c.csv, line 3"), ("orc", "d.orc")):
        source = {"format": form, "path": str(lake / "raw" / form)}
        message = failed(spark, lake, table(form, lake, {"ip": {"technique": "truncate_ip"}}, source=source))
        assert message.partition("it stands first in ")[2].split("; ")[0] == name


@pytest.mark.parametrize("name", ["_looked_up", "LONGEST"])
def test_the_refusal_is_told_whatever_becomes_of_the_look(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A defect of the look, and a source too long to be looked through: its jobs are cancelled."""

    def defect(*_: object) -> None:
        raise KeyError(BAD)

    monkeypatch.setattr(whereabouts, name, defect if name == "_looked_up" else 0.001)
    parquet(lake / "raw" / "t", pa.table({"ip": IPS}))
    message = failed(spark, lake, table("t", lake, {"ip": {"technique": "truncate_ip"}}))
    assert "truncate_ip cannot treat 4 of 12 values in this batch (ValueRefused)" in message
    assert "first in" not in message
