"""Runs whose values get random tokens: once each, the same for equal values, joined in bulk."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf

from jobs import pseudonymize, tokens, verify
from jobs.console.exit_codes import Refused
from jobs.lake import vault_table
from jobs.lake.problems import SourceProblem
from jobs.token_vault import exchange
from tests.helpers import lakes, vaults
from tests.helpers.vaults import TOKENS

SCHEMA = "id bigint, other string, home struct<who: string, zip: string>, amount int"
ROWS = [(1, "1", ("2", "x"), 10), (2, None, None, 20), (None, "3", ("1", "y"), 30), (1, "1", (None, "z"), 40)]
COLUMNS = {"id": TOKENS, "other": TOKENS, "home.who": TOKENS, "home.zip": "keep", "amount": "keep"}


def test_equal_values_have_one_token_in_all_columns_types_and_runs(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tokens.main(["create", "--path", str(lake / "vault")]) == 0
    id_, source = re.findall('id: "([0-9a-f]{32})"', capsys.readouterr().out)[0], str(lake / "raw" / "t")
    spark.createDataFrame(ROWS, SCHEMA).write.format("delta").save(source)
    more: dict[str, Any] = {"source": {"format": "delta", "path": source}}
    more["target"] = {"path": str(lake / "treated" / "t"), "mode": "incremental"}
    conf = vaults.configured(lake, id_, COLUMNS, **more)
    first = pseudonymize.run(spark, conf, "t")
    assert first.not_columnar == "tokens are joined from their vault by Spark"
    assert first.counts == {"id": (3, 1, 0), "other": (3, 1, 0), "home.who": (2, 2, 0)}
    found = {row["amount"]: row for row in lakes.treated(spark, lake).collect()}
    one, two, three = found[10]["id"], found[20]["id"], found[30]["other"]
    assert len({one, two, three}) == 3
    assert [found[n]["id"] for n in (10, 20, 30, 40)] == [one, two, None, one]
    assert [found[n]["other"] for n in (10, 20, 30, 40)] == [one, None, three, one]
    assert [found[n]["home"] for n in (10, 20, 30, 40)] == [(two, "x"), None, (one, "y"), (None, "z")]
    assert vaults.rows(spark, lake).count() == 3
    entry = lakes.record(spark, lake)["columns"]["home.who"]
    assert (entry["domain"], entry["parameters"]["vault"], entry["key"]) == ("person", id_, "crm")
    _held_to_what_is_said_of_it(spark, conf, lake)
    spark.createDataFrame([(2, "4", None, 50)], SCHEMA).write.format("delta").mode("append").save(source)
    assert pseudonymize.run(spark, conf, "t").mode == "incremental"
    new = lakes.treated(spark, lake).where("amount = 50").collect()[0]
    assert new["id"] == two
    assert new["other"] not in (one, two, three)
    assert vaults.rows(spark, lake).count() == 4
    _stopped_where_the_vault_went_back(spark, conf, lake, source)
    (lake / "tokens").write_text("\n".join([one, "no token", "A" * 22, new["other"]]))
    capsys.readouterr()
    about = ["--conf", str(lake / "conf"), "--domain", "person"]
    assert tokens.main(["exists", *about, "--tokens", str(lake / "tokens")]) == 1
    said = [line.rpartition(" ")[2] for line in capsys.readouterr().out.splitlines()]
    assert sorted(said) == ["exists", "exists", "not", "not"]


def _stopped_where_the_vault_went_back(spark: SparkSession, conf: Any, lake: Path, source: str) -> None:
    """Restored, so that its log goes on; or a backup that others added to, or not. Then as it was again."""
    told = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/t`").collect()[0]["userMetadata"]
    said = json.loads(told)["vaults"]["person"]
    assert (said["id"], said["version"]) == (conf.domains["person"].treatment.vault.id, 2)
    shutil.copytree(lake / "vault", lake / "backup")
    spark.createDataFrame([(2, "4", None, 60)], SCHEMA).write.format("delta").mode("append").save(source)
    spark.sql(f"RESTORE TABLE delta.`{lake}/vault` TO VERSION AS OF 1")
    with pytest.raises(Refused, match=r"person: the vault at .* went back: it is not what became of its version 2"):
        pseudonymize.run(spark, conf, "t")
    with pytest.raises(Refused, match="treat all tables of the domain anew: --mode full --accept-other-key-version"):
        pseudonymize.run(spark, conf, "t", mode="full")
    entry = conf.domains["person"].treatment.vault
    shutil.rmtree(lake / "vault")
    shutil.copytree(lake / "backup", lake / "vault")
    vault = vault_table.looked(spark, entry)
    vault_table.check_goes_on(vault, said["version"], said["commit"])
    for version, commit in ((3, said["commit"]), (2, "0" * 64)):
        with pytest.raises(SourceProblem, match="went back"):
            vault_table.check_goes_on(vault, version, commit)
    assert vaults.rows(spark, lake).count() == 4


def _held_to_what_is_said_of_it(spark: SparkSession, conf: Any, lake: Path) -> None:
    """Of the vault and of the table what others see: no value, no statistics, nobody else's folder; shapes that are
    verified."""
    log = "".join(path.read_text() for path in (lake / "vault" / "_delta_log").glob("*.json"))
    assert "minValues" not in log
    assert (lake / "vault").stat().st_mode & 0o777 == 0o700
    checks = {check.name: check for check in verify.run(spark, conf, "t").checks}
    assert {checks[name].outcome for name in ("shapes", "record anew", "rows anew")} == {"holds"}
    assert "id, other, home: not, for their tokens stand in a vault" in checks["rows anew"].said


@pytest.mark.sweep
def test_a_lost_file_of_the_shuffle_counts_nothing_twice(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first task that redeems tickets takes away what others were to read, so Spark treats those rows again."""
    id_, source = vaults.made(spark, lake), str(lake / "raw" / "t")
    text = "if(id % 10 = 0, null, cast(id % 70 AS string))"
    rows = spark.range(200).selectExpr(f"{text} AS id", f"{text} AS mail", "id AS amount")
    rows.repartition(4).write.format("delta").save(source)
    mail = {"technique": "keyed_hash", "key": "crm"}
    more: dict[str, Any] = {"source": {"format": "delta", "path": source}}
    conf = vaults.configured(lake, id_, {"id": TOKENS, "mail": mail, "amount": "keep"}, **more)
    lost, redeemed, joined = lake / "lost", exchange.redeemed, exchange._joined
    jvm: Any = spark._jvm
    places = [str(each) for each in jvm.org.apache.spark.SparkEnv.get().blockManager().diskBlockManager().localDirs()]

    def losing(*given: Any) -> Any:
        redeem = redeemed(*given)

        def lose(tickets: pa.Array) -> pa.Array:
            if not lost.exists():
                files = [file for place in places for file in Path(place).rglob("shuffle_*.data")]
                lost.write_text(str(len(files)))
                for file in files:
                    file.unlink(missing_ok=True)
            return tickets

        kept = arrow_udf(lose, returnType=T.BinaryType()).asNondeterministic()  # type: ignore[call-overload]
        return lambda tickets, sealed: redeem(kept(tickets), sealed)

    monkeypatch.setattr(exchange, "redeemed", losing)
    monkeypatch.setattr(exchange, "_joined", lambda rows, *given: joined(rows.hint("merge"), *given))
    done = pseudonymize.run(spark, conf, "t")
    assert int(lost.read_text()) > 0
    assert (done.rows, done.counts) == (200, {"id": (180, 20, 0), "mail": (180, 20, 0)})
    commit = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/t`").collect()[0]["userMetadata"]
    assert json.loads(commit)["counts"] == {"id": [180, 20, 0], "mail": [180, 20, 0]}


@pytest.mark.sweep
@pytest.mark.parametrize("mode", ["stream", "partitions", "quarantine"])
def test_other_ways_to_run(spark: SparkSession, lake: Path, mode: str) -> None:
    """Tokens of a first run stay those of a second one; rows that are refused get none."""
    id_, source = vaults.made(spark, lake), str(lake / "raw" / "t")
    text = "if(id = 3, cast(X'C3' AS string), cast(id AS string))" if mode == "quarantine" else "cast(id AS string)"
    spark.range(4).selectExpr(f"{text} AS id", "cast(id % 2 AS int) AS day").write.format("delta").save(source)
    target: dict[str, Any] = {"path": str(lake / "treated" / "t"), "partition_by": ["day"]}
    more: dict[str, Any] = {"source": {"format": "delta", "path": source}, "target": target}
    if mode == "quarantine":
        more |= {"on_refused": "quarantine", "quarantine": {"path": f"{lake}/aside", "key": "aside"}, "keys": ["aside"]}
    conf = vaults.configured(lake, id_, {"id": TOKENS, "day": "keep"}, **more)
    asked: Any = "stream" if mode == "stream" else "incremental"
    first = pseudonymize.run(spark, conf, "t", mode=asked)
    before = {row["id"] for row in lakes.treated(spark, lake).collect()}
    many = 3 if mode == "quarantine" else 4
    assert (len(before), first.quarantined, vaults.counts(spark, lake)[0]) == (many, 4 - many, many)
    more_rows = spark.range(2, 6).selectExpr("cast(id AS string) AS id", "cast(id % 2 AS int) AS day")
    more_rows.write.format("delta").mode("append").save(source)
    if mode == "partitions":
        pseudonymize.run(spark, conf, "t", mode="partitions", where="day = 1")
        assert [lakes.treated(spark, lake).where(f"day = {day}").count() for day in (0, 1)] == [2, 4]
        assert vaults.counts(spark, lake) == (5, 5, 5)
        return
    pseudonymize.run(spark, conf, "t", mode=asked)
    after = [row["id"] for row in lakes.treated(spark, lake).collect()]
    assert (len(after), len(set(after))) == (8 - (4 - many), 6)
    assert before <= set(after)
    assert vaults.counts(spark, lake) == (6, 6, 6)
