"""The way back by the columnar path beside Spark's, files of CSV and JSON, and columns that are treated by cases."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import json
import os
import pickle
import stat
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import pseudonymize, reidentify
from jobs.columnar import conditions, late_tasks
from jobs.columnar.unfit import NotColumnar
from jobs.configuration.config import Config
from jobs.configuration.models import Source
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import restricted, restricted_files
from jobs.lake.pinned_settings import PINNED
from jobs.named_keys import key_delivery
from jobs.reversal import apart, chosen_rows, columnar_path, judged, reversal_keys, treated
from jobs.reversal.asked import Asked, of_tokens
from jobs.reversal.carried_out import TurnedBack
from jobs.reversal.selection import Selection
from jobs.treatment import predicates
from privacy_udfs.errors import LakenymError, UnexpectedFailure
from privacy_udfs.keysets.delivered_key import DeliveredKey
from tests.helpers import reversals
from tests.helpers.lakes import column
from tests.helpers.reversals import BACK, COLUMNS, NOW, SCHEMA, SIV, approved, asked, configured, rows, told, turned
from tests.helpers.sweeps import but_for

FIRST = {"rows": "amount = 10", "treatment": SIV}


def by_cases(other: Any) -> dict[str, Any]:
    cases = [FIRST, {"rows": "amount > 10", "treatment": other}]
    return {"class": "direct_identifier", "why": "a test", "when": cases}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As that of test_reversal.py, with two columns more, which are treated by cases; not one file but three."""
    made = tmp_path_factory.mktemp("ways")
    raw = spark.createDataFrame(rows(), SCHEMA).withColumns({"cased": F.col("email"), "mixed": F.col("email")})
    raw = raw.withColumn("odd", F.expr("""CASE amount WHEN 10 THEN '=1+"2",\n3' WHEN 20 THEN '' END"""))
    raw = raw.withColumn("dated", F.expr("IF(born IS NULL, NULL, map(coalesce(born, DATE'2000-01-01'), 1))"))
    raw.repartition(3).write.parquet(f"{made}/raw/t")
    pseudonymize.run(spark, conf_of(made), "t")
    return made


def conf_of(lake: Path) -> Config:
    cases = {"cased": by_cases("redact"), "mixed": by_cases({"domain": "mail"})}
    dated = {"dated{key}": column(SIV), "dated{value}": column(SIV)}
    return configured(lake, {**COLUMNS, **cases, "odd": column(SIV, "direct_identifier"), **dated})


@pytest.fixture
def conf(lake: Path) -> Config:
    return conf_of(lake)


def done(spark: SparkSession, lake: Path, conf: Config, wanted: Asked, out: Path, **more: Any) -> TurnedBack:
    return turned(spark, conf, wanted, approved(spark, lake, conf, wanted), output=str(out), **more)


def read(spark: SparkSession, out: Path) -> dict[int, dict[str, Any]]:
    found = spark.read.format("delta").load(str(out)).collect()
    return {row["amount"]: row.asDict(recursive=True) for row in found}


FITS = (
    "email IS NOT NULL",
    "amount = 10 OR email IS NULL",
    "NOT (amount IN (10, 30)) AND home.zip >= '0250'",
    "true",
    "NOT (email = 'x' AND home.zip = '0250')",
    "code > 'a' AND amount < 25L",
)
FITS_NOT = {
    "AMOUNT = 10": "in another case",
    "amount + 1 = 11": "the condition has add",
    "amount IN (10, NULL)": "an IN with null",
}


@pytest.mark.parametrize("where", but_for(FITS[2:3], FITS))
def test_both_paths_show_the_same(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = asked(*BACK, beside=("amount", "home.zip"), where=where)
    fast = done(spark, lake, conf, wanted, tmp_path / "fast")
    assert (fast.execution, fast.not_columnar) == ("columnar", None)

    def unfit(*given: object) -> None:
        raise NotColumnar("a test")

    monkeypatch.setattr(columnar_path, "chosen", unfit)
    slow = done(spark, lake, conf, wanted, tmp_path / "slow")
    assert (slow.execution, slow.not_columnar) == ("spark", "a test")
    assert fast.rows == slow.rows
    assert read(spark, tmp_path / "fast") == read(spark, tmp_path / "slow")
    schemas = [spark.read.format("delta").load(str(tmp_path / name)).schema.json() for name in ("fast", "slow")]
    assert schemas[0] == schemas[1]
    assert stat.S_IMODE(os.stat(tmp_path / "fast").st_mode) == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "fast").glob("*.parquet"))


def test_delta_is_asked_for_files_only_where_it_can_leave_some_out(
    spark: SparkSession, lake: Path, conf: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of pseudonyms no statistics are kept; of what is kept as it is there are some."""
    found, counted = treated.look(spark, conf, "t"), dict[str, int]()
    monkeypatch.setattr(columnar_path, "_with_rows", lambda files, rows: ())
    for where in (
        "email IS NOT NULL",
        "email = 'x' AND code > 'a'",
        "amount = 10",
        "email > 'a' AND home.zip = '0250'",
    ):
        wanted = asked("email", where=where)
        rows = chosen_rows.of(found, wanted.rows, "email")
        selection = Selection("t", treated.chosen(conf, found, ["email"]), frozenset(), {})
        place = f"file:{lake}/elsewhere"
        counted[where] = len(columnar_path.chosen(spark, found, rows, wanted, selection, place).files.files)
    every = len(found.rows().inputFiles())
    assert [*counted.values()] == [every, every, 0, 0]


@pytest.mark.parametrize("where", but_for([], FITS_NOT))
def test_what_only_spark_evaluates_is_said(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, where: str
) -> None:
    made = done(spark, lake, conf, asked("email", where=where), tmp_path / "out")
    assert made.execution == "spark"
    assert FITS_NOT[where] in str(made.not_columnar)
    assert told(spark, conf)[-1]["body"]["execution"] == "spark"


def test_dates_that_python_has_not_are_sparks(spark: SparkSession) -> None:
    rows = spark.createDataFrame([], "born date")
    for where in ("born <= DATE'9999-12-31'", "born IN (DATE'0001-01-01', DATE'2000-02-29')"):
        found = conditions.understood(predicates.condition(rows, where))
        assert pickle.loads(pickle.dumps(found)) == found
    for far in ("born <> DATE'+10000-01-01'", "born IN (DATE'0000-12-31', DATE'2000-02-29')"):
        with pytest.raises(NotColumnar, match="a date outside the years 1 to 9999, which Spark compares"):
            conditions.understood(predicates.condition(rows, far))


def test_tokens_are_found_file_by_file(spark: SparkSession, lake: Path, conf: Config, tmp_path: Path) -> None:
    treated = {row["amount"]: row for row in spark.read.format("delta").load(f"{lake}/treated/t").collect()}
    (tmp_path / "tokens").write_text(f"{treated[20]['email']}\nnone\n")
    made = done(spark, lake, conf, asked("email", rows=of_tokens(tmp_path / "tokens")), tmp_path / "out")
    assert (made.execution, made.rows) == ("columnar", 1)
    found = spark.read.format("delta").load(str(tmp_path / "out")).collect()
    assert [row["email"] for row in found] == ["canary-2@example.org"]


@pytest.mark.sweep
def test_a_file_that_does_not_fit_after_all_leaves_no_trace(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found while files were written: Spark's path begins anew, at the same place."""

    def unfit(*given: Any) -> Any:
        def files(place: object) -> None:
            (tmp_path / "out" / "part-0.parquet").write_bytes(b"canary")
            raise NotColumnar("a late one")

        return files

    monkeypatch.setattr(columnar_path, "written", unfit)
    made = done(spark, lake, conf, asked("email"), tmp_path / "out")
    assert (made.execution, made.not_columnar, made.rows) == ("spark", "a late one", 3)
    assert not (tmp_path / "out" / "part-0.parquet").exists()


@pytest.mark.sweep
def test_a_value_that_is_none_of_ours_stops_all_of_it(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path
) -> None:
    """One row that others put there, of a copy of the table; and rows deleted by marks are Spark's to leave out."""
    copy, catalog = tmp_path / "copy", lake / "conf" / "catalog" / "t.yaml"
    spark.sql(f"CREATE TABLE delta.`{copy}` SHALLOW CLONE delta.`{lake}/treated/t`")
    catalog.write_text(catalog.read_text().replace(f"{lake}/treated/t", str(copy)))
    there = reversals.reloaded(lake)
    treated = spark.read.format("delta").load(f"{lake}/treated/t")
    treated.limit(1).withColumn("email", F.lit("AcanaryA")).write.format("delta").mode("append").save(str(copy))
    with pytest.raises(LakenymError, match="t: email") as caught:
        done(spark, lake, there, asked("email"), tmp_path / "out")
    assert "canary" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    spark.sql(f"ALTER TABLE delta.`{copy}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    spark.sql(f"OPTIMIZE delta.`{copy}`")
    spark.sql(f"DELETE FROM delta.`{copy}` WHERE email = 'AcanaryA' OR amount = 30")
    made = done(spark, lake, there, asked("email", beside=("amount",)), tmp_path / "some")
    assert "deletion vectors" in str(made.not_columnar)
    assert (made.rows, sorted(read(spark, tmp_path / "some"))) == (2, [10, 20])


# -- files ------------------------------------------------------------------------------------------------------------

FLAT = ("id", "email", "born", "seen", "at", "paid", "ok", "raw", "small", "odd")


def test_a_file_of_csv(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python's own reader has it; null and empty text are told apart by their quotes. It is one file, also where
    the application asks for smaller ones."""
    monkeypatch.setitem(PINNED, "spark.sql.files.maxRecordsPerFile", "2")
    wanted, out = asked(*FLAT, beside=("amount",)), tmp_path / "out"
    made = done(spark, lake, conf, wanted, out, written_as="csv")
    assert (made.rows, made.execution) == (3, "spark")
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [
            "rows.csv",
            restricted_files.ABOUT,
            restricted.MARKER,
            f".{restricted.MARKER}.crc",
            f".{restricted_files.ABOUT}.crc",
        ]
    )
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert stat.S_IMODE((out / "rows.csv").stat().st_mode) == 0o600
    text = (out / "rows.csv").read_bytes().decode()
    first, second, _ = sorted(csv.DictReader(text.splitlines(keepends=True)), key=lambda row: row["amount"])
    assert first == {
        "id": "1",
        "email": "canary-1@example.org",
        "born": "1985-02-28",
        "seen": "2024-02-29T12:30:15.25Z",
        "at": "2024-02-29T12:30:15.25",
        "paid": "10.50",
        "ok": "true",
        "raw": "/wA=",
        "small": "-7",
        "odd": '=1+"2",\n3',
        "amount": "10",
    }
    assert (second["odd"], second["paid"], second["born"]) == ("", "-3.00", "")
    assert '2,"canary-2@example.org",,,,-3.00,false,,127,20,""' in text, "null is nothing, an empty text is in quotes"
    assert "3,,,,,,,,,30,\n" in text
    about = json.loads((out / restricted_files.ABOUT).read_text())
    assert (about["run"], about["expires"], about["actor"]) == (made.run_id, "2026-11-29T12:00:00Z", wanted.actor)
    late = NOW + datetime.timedelta(hours=25)
    assert reidentify.expire(spark, conf, str(out), late) == made.run_id
    assert not out.exists()


def test_a_file_of_json(spark: SparkSession, lake: Path, conf: Config, tmp_path: Path) -> None:
    wanted, out = asked(*FLAT, "home.street", "orders[].sku", beside=("amount",)), tmp_path / "out"
    assert done(spark, lake, conf, wanted, out, written_as="json").rows == 3
    lines = (out / "rows.json").read_text().splitlines()
    first, second, third = sorted(map(json.loads, lines), key=lambda row: row["amount"])
    assert (
        first
        | {
            "id": 1,
            "seen": "2024-02-29T12:30:15.250000Z",
            "at": "2024-02-29T12:30:15.250000",
            "paid": 10.5,
            "ok": True,
            "raw": "/wA=",
            "odd": '=1+"2",\n3',
            "home": {"street": "Canary Street 1"},
            "orders": [{"sku": "sku-1"}, {"sku": "sku-2"}],
        }
        == first
    )
    assert (second["orders"], second["odd"], third["odd"], third["home"]) == ([], "", None, None)


@pytest.mark.parametrize(("form", "text"), but_for([], [("csv", '"email"\n'), ("json", "")]))
def test_of_no_row_a_file_without_one(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, form: str, text: str
) -> None:
    nothing = asked("email", where="amount = 11")
    assert done(spark, lake, conf, nothing, tmp_path / form, written_as=form).rows == 0
    assert (tmp_path / form / f"rows.{form}").read_text() == text


def test_what_a_file_has_no_place_for_is_refused_before_anything(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path
) -> None:
    for columns, form, why in (
        (("home.street",), "csv", "home: CSV has no place for values of type struct: take --format json or delta"),
        (("dated{key}", "dated{value}"), "json", "keys of a map in JSON are text, and these are of type date"),
    ):
        with pytest.raises(Refused, match=why):
            done(spark, lake, conf, asked(*columns), tmp_path / "out", written_as=form)
        assert told(spark, conf)[-1]["outcome"] == "refused"
    assert not (tmp_path / "out").exists()
    with pytest.raises(BadUsage, match="--format is of what --output writes"):
        reidentify._run(reidentify.parser().parse_args(["--conf", str(lake / "conf"), "--console", "--format", "csv"]))


def test_nothing_is_written_under_a_place_of_the_configuration(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path
) -> None:
    """A file of clear values would be read by the next run; by a link, by a pattern and by a name as well."""
    (tmp_path / "link").symlink_to(lake / "raw")
    apart.check(spark, conf, f"file:{lake}/raw/t2", "out")
    for place in (lake / "raw" / "t" / "out", tmp_path / "link" / "t" / "out", lake / "raw", lake / "treated"):
        with pytest.raises(Refused, match=r"out is the (source|target) of t, or one lies in the other: keep it apart"):
            apart.check(spark, conf, f"file:{place}", "out")
    with pytest.raises(Refused, match="out is the audit log, or one lies in the other"):
        apart.check(spark, conf, f"file:{lake}/audit/out", "out")
    spark.sql(f"CREATE TABLE named_source (Location string) USING csv LOCATION '{tmp_path}/named'")
    try:
        for source, place in (
            (Source(path=f"{tmp_path}/*/t", format="csv"), tmp_path / "any" / "t" / "out"),
            (Source(table="named_source"), tmp_path / "named" / "out"),
        ):
            table = dataclasses.replace(conf.tables["t"], source=source)
            with pytest.raises(Refused, match="out is the source of t"):
                apart.check(spark, dataclasses.replace(conf, tables={"t": table}), f"file:{place}", "out")
    finally:
        spark.sql("DROP TABLE named_source")
    wanted = asked("email")
    with pytest.raises(Refused, match="is the source of t, or one lies in the other"):
        done(spark, lake, conf, wanted, lake / "raw" / "t" / "out", written_as="csv")
    assert told(spark, conf)[-1]["outcome"] == "refused"
    assert not (lake / "raw" / "t" / "out").exists()


def test_a_file_that_is_not_whole_gets_no_name(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another number of rows than was counted; and a process that is killed before it gives the file its name."""
    real = restricted_files.create

    def more(*given: Any) -> None:
        real(*given[:-1], given[-1] + 1)

    with monkeypatch.context() as patched:
        patched.setattr(restricted_files, "create", more)
        patched.setattr(late_tasks, "ended", lambda *given: False)
        with pytest.raises(UnexpectedFailure, match="5 lines were to be written, and 4 were"):
            done(spark, lake, conf, asked("email"), tmp_path / "out", written_as="csv")
    assert not (tmp_path / "out").exists()
    assert told(spark, conf)[-1]["body"]["left"] is True, "a task that is still at work may make it anew"

    def killed(*given: object) -> None:
        raise BadUsage("killed")

    with monkeypatch.context() as patched:
        patched.setattr(restricted_files, "_owner_alone", killed)
        patched.setattr(restricted, "_delete", lambda *given: None)
        with pytest.raises(BadUsage, match="killed"):
            done(spark, lake, conf, asked("email"), tmp_path / "out", written_as="csv")
    row = told(spark, conf)[-1]
    assert (row["outcome"], row["body"]["left"]) == ("failed", True)
    assert not (tmp_path / "out" / "rows.csv").exists()
    assert reidentify.expire(spark, conf, str(tmp_path / "out"), NOW + datetime.timedelta(hours=25)) == row["run_id"]
    assert not (tmp_path / "out").exists()


# -- cases ------------------------------------------------------------------------------------------------------------


def test_a_column_of_cases_of_which_one_leaves_values(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path
) -> None:
    found = turned(spark, conf, wanted := asked("cased", beside=("amount",)), approved(spark, lake, conf, wanted)).shown
    assert found is not None
    assert {row["amount"]: row["cased"] for row in found.to_pylist()} == {
        10: "canary-1@example.org",
        20: None,
        30: None,
    }
    with pytest.raises(Refused, match="only where all cases but one treatment give null"):
        approved(spark, lake, conf, asked("mixed"))
    with pytest.raises(Refused, match="it is a case of a column: name cased"):
        approved(spark, lake, conf, asked("cased{when 1}"))


def test_who_may_approve_goes_by_the_classes_of_all_cases(spark: SparkSession, lake: Path, conf: Config) -> None:
    """As the record has them, also where the configuration says otherwise today."""
    looked = treated.look(spark, conf, "t")
    names = [name for name in looked.records if name.startswith("cased{when ")]
    assert len(names) >= 2
    rules = judged.rules(conf.policy)
    by = rules.approvers[0].model_copy(update={"tables": None, "classes": ("direct_identifier",)})
    judged.check_may_approve(by, conf, "t", treated.chosen(conf, looked, ["cased"]))
    for name in names:
        told = {**looked.records, name: dataclasses.replace(looked.records[name], class_="sensitive")}
        columns = treated.chosen(conf, dataclasses.replace(looked, records=told), ["cased"])
        with pytest.raises(Refused, match=r"does not let ann@example\.org approve cased of t"):
            judged.check_may_approve(by, conf, "t", columns)
        assert judged.grounds(conf, "t", columns)[0]["classes"] == ["direct_identifier", "sensitive"]


# -- keys that the driver delivers -----------------------------------------------------------------------------------


def test_the_driver_delivers_keys_of_the_way_back(
    spark: SparkSession, lake: Path, conf: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a cluster: not where what Spark sends is open, and by either path where it is not."""
    reversals.edit(lake / "conf" / "keys.yaml", crm={**crm(lake), "deliver": "driver"})
    sent, used = reversals.reloaded(lake), list[str]()
    monkeypatch.setattr(key_delivery, "is_local", lambda master: False)
    with pytest.raises(Refused, match="the driver delivers keys, and what Spark sends is not encrypted"):
        done(spark, lake, sent, asked("email"), tmp_path / "open")
    assert not (tmp_path / "open").exists()
    monkeypatch.setattr(key_delivery, "open_ways", lambda setting: [])
    real = DeliveredKey
    monkeypatch.setattr(reversal_keys, "DeliveredKey", lambda *given: used.append(given[0]) or real(*given))
    for name, where in (("columnar", "amount = 10"), ("spark", "amount + 0 = 10")):
        made = done(spark, lake, sent, asked("email", where=where), tmp_path / name)
        found = spark.read.format("delta").load(str(tmp_path / name)).collect()
        assert (made.execution, [row["email"] for row in found]) == (name, ["canary-1@example.org"])
    assert used == ["crm", "crm"]


def crm(lake: Path) -> dict[str, Any]:
    return {"keyset": f"file:{lake}/keys/crm.json", "reversal": reversals.back_key(lake)}
