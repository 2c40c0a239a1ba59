"""An erasure with all that it leaves behind: the list, the audit log, a receipt; and what comes of a receipt later."""

from __future__ import annotations

import dataclasses
import datetime
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs import erase, pseudonymize, verify
from jobs.audit_log import erasure_rows
from jobs.audit_log import log as audit_log
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage
from jobs.erasure import carried_out, proof, receipt_check, receipt_job
from jobs.erasure.carried_out import Wanted
from jobs.signatures.problem import NotSigned
from jobs.subjects.asked import Asked
from tests.helpers import audits, erased_lists, lakes

COLUMNS = {"id": {"domain": "customer"}, "number": "keep"}


def wanted(ids: Sequence[str]) -> Wanted:
    return Wanted(Asked("customer", pa.array(list(ids))))


@pytest.fixture
def conf(spark: SparkSession, lake: Path) -> Config:
    spark.range(20).selectExpr("concat('C-', id) AS id", "int(id) AS number").write.format("delta").save(
        str(lake / "raw" / "t")
    )
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    lakes.write_conf(lake, lakes.table("t", lake, COLUMNS, source=source))
    erased_lists.stated(lake, erased_lists.listed(spark, lake))
    return audits.with_log(lake)


def there(spark: SparkSession, lake: Path) -> set[int]:
    return {row.number for row in lakes.treated(spark, lake).collect()}


def test_who_is_erased_is_out_told_and_proven(spark: SparkSession, lake: Path, conf: Config) -> None:
    pseudonymize.run(spark, conf, "t")
    file = lake / "receipt.json"
    made = erase.run(spark, conf, wanted(["C-3", "C-5"]), receipt=file)
    assert there(spark, lake) == {*range(20)} - {3, 5}
    again = pseudonymize.run(spark, conf, "t")
    assert (again.rows, again.kept_out) == (18, "< 10"), "no --accept-deleted-rows: they are kept out"
    checks = {each.name: each.outcome for each in verify.run(spark, conf, "t").checks}
    assert {checks["rows anew"], checks["counts"]} == {"holds"}, checks
    found, told, among = receipt_job.verified(spark, conf, file, asked=Asked("customer", pa.array(["C-5", "C-6"])))
    assert found.outcome == dataclasses.replace(made, moment=made.moment.replace(microsecond=0))
    assert among == (1, 2)
    assert {each.outcome for each in told} <= {"ok", "waits", "unknown"}, told
    log = audit_log.opened(spark, conf)
    assert log is not None
    rows = erasure_rows.leaves(log)
    assert [each.outcome for each in rows] == ["began", "erased", "waits"]
    assert len({each.body["same"] for each in rows}) == 1
    assert rows[1].body["rows"] == "< 10"
    for text in (*(each.text() for each in rows), file.read_text(encoding="utf-8")):
        assert "C-3" not in text
        assert "C-5" not in text
    with pytest.raises(BadUsage, match="there is a file already"):
        erase.run(spark, conf, wanted(["C-3"]), receipt=file)


@pytest.mark.sweep
def test_what_a_killed_erasure_took_out_is_told(
    spark: SparkSession, lake: Path, conf: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    pseudonymize.run(spark, conf, "t")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(carried_out, "_of_others", killed)
    with pytest.raises(KeyboardInterrupt):
        erase.run(spark, conf, wanted(["C-3"]))
    log = audit_log.opened(spark, conf)
    assert log is not None
    assert [each.outcome for each in erasure_rows.leaves(log)] == ["began", "erased", "failed"]


@pytest.mark.sweep
def test_what_was_killed_before_it_told_is_told_by_the_run_that_goes_on(
    spark: SparkSession, lake: Path, conf: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    pseudonymize.run(spark, conf, "t")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(proof.Proof, "erased", killed)
        with pytest.raises(KeyboardInterrupt):
            erase.run(spark, conf, wanted(["C-3", "C-5"]))
    assert there(spark, lake) == {*range(20)} - {3, 5}, "it was killed after its commit"
    erase.run(spark, conf, wanted(["C-7"]))
    again = erase.run(spark, conf, wanted(["C-3", "C-5"]))
    log = audit_log.opened(spark, conf)
    assert log is not None
    rows = erasure_rows.leaves(log)
    first = rows[0].run_id
    told = [each for each in rows if each.outcome == "erased" and each.run_id == first]
    assert [(each.table, each.body["rows"], each.body["told_by"]) for each in told] == [("t", "< 10", again.run_id)]
    assert told[0].body["version"] == told[0].body["before"] + 1
    erase.run(spark, conf, wanted(["C-3", "C-5"]))
    assert len([each for each in erasure_rows.leaves(log) if each.run_id == first]) == 3, "it is told once"


def test_what_is_there_after_its_day_is_told(spark: SparkSession, lake: Path, conf: Config) -> None:
    pseudonymize.run(spark, conf, "t")
    file = lake / "receipt.json"
    erase.run(spark, conf, wanted(["C-3"]), receipt=file)
    found = receipt_job.verified(spark, conf, file)[0]
    table = lake / "treated" / "t"
    stranger = shutil.copy2(next(table.glob("part-*.parquet")), table / "part-of-nobody.parquet")
    os.utime(stranger, (1, 1))
    later = datetime.date(2036, 1, 1)
    told = {each.told.partition(":")[0]: each.outcome for each in receipt_check.checks(spark, found, later)}
    assert told["data file"] == "fails"
    (number,) = (each.count for each in found.outcome.tables[0].remains if each.kind == "data_file")
    assert any(f"data file: {number} from before" in each.told for each in receipt_check.checks(spark, found, later))
    spark.sql(f"RESTORE delta.`{lake}/treated/t` TO VERSION AS OF {found.outcome.tables[0].before}")
    told_then = list(receipt_check.checks(spark, found, datetime.date.today()))
    assert any(each.outcome == "fails" and "put an older one back" in each.told for each in told_then)
    shutil.rmtree(lake / "treated" / "t" / "_delta_log")
    assert [each.outcome for each in receipt_check.checks(spark, found, later) if each.table == "t"] == ["fails"]
    shutil.rmtree(lake / "treated" / "t")
    assert [each.outcome for each in receipt_check.checks(spark, found, later) if each.table == "t"] == ["unknown"]
    file.write_text(file.read_text(encoding="utf-8").replace("0", "1", 1), encoding="utf-8")
    with pytest.raises(NotSigned):
        receipt_job.verified(spark, conf, file)
