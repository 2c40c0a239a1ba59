"""Whoever was erased does not come back from the source: in every mode, by both paths."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs import erase, monitor, pseudonymize, verify
from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import Execution
from jobs.console.exit_codes import BadUsage, Refused
from jobs.erasure import carried_out
from jobs.erasure.carried_out import Wanted
from jobs.gates import kept_out as gate
from jobs.lake import erased_list
from jobs.lake.log_commits import Commit
from jobs.lake.problems import CommitConflict
from jobs.named_keys import erasure_key
from jobs.run_events.events import Warned
from jobs.spark_app.failures import RunFailed
from jobs.subjects.asked import Asked
from jobs.table_run import kept_out, planned
from jobs.table_run.kept_out import KeptOut
from jobs.treatment import kept_out as kept_out_columns
from privacy_udfs.keys import load_keyset
from tests.helpers import changing, erased_lists, growing, lakes, quarantines
from tests.helpers.growing import PATHS
from tests.helpers.reversals import edit
from tests.helpers.sweeps import but_for

COLUMNS = {"id": {"domain": "customer"}, "number": "keep"}


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_rows_of_the_erased_stay_out_of_a_run_in_full(spark: SparkSession, lake: Path, execution: str) -> None:
    spark.createDataFrame([(f"C-{n}" if n % 9 else None, n) for n in range(40)], "id string, number int").write.parquet(
        str(lake / "raw" / "t")
    )
    lakes.write_conf(lake, lakes.table("t", lake, COLUMNS, execution=execution))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    assert pseudonymize.run(spark, conf, "t").rows == 40
    erased_lists.put(spark, conf, ["C-3", " C-5 ", "C-77"])
    result = pseudonymize.run(spark, conf, "t")
    there = {row.number for row in lakes.treated(spark, lake).collect()}
    assert (result.execution, result.rows, there) == (execution, 38, {*range(40)} - {3, 5})
    said = growing.told(spark, lake)[-1]
    assert said["kept_out"] == "< 10"
    assert said["erased_list"]["version"] == 1


@pytest.mark.sweep
@pytest.mark.parametrize("execution", PATHS)
def test_they_stay_out_with_a_prefix_and_without(spark: SparkSession, lake: Path, execution: str) -> None:
    """And whoever is told by a prefix alone is nobody: refused, not taken for one of them."""
    rows = [(each, at) for at, each in enumerate(["Patient/3", "3", "Patient/4", "4", "Patient/Patient/3", "Patient/"])]
    spark.createDataFrame(rows, "id string, number int").coalesce(1).write.parquet(str(lake / "raw" / "t"))
    lakes.write_conf(lake, lakes.table("t", lake, COLUMNS, execution=execution))
    file = lake / "conf" / "domains.yaml"
    step = '- strip_prefix: ["Patient/", "Group,1|"]'
    file.write_text(
        file.read_text().replace("- trim", f"- trim\n  {step}", 1).replace("bits: 128", "on_refused: null", 1)
    )
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    erased_lists.put(spark, conf, ["Patient/3"])
    with pytest.raises(BadUsage, match="1 are a prefix that is taken off"):
        erased_lists.put(spark, conf, ["Patient/"], run="run-2")
    pseudonymize.run(spark, conf, "t")
    there = lakes.treated(spark, lake).collect()
    assert {row.number for row in there} == {2, 3, 4, 5}
    assert [row.number for row in there if row.id is None] == [5]
    spelled = {row.spelled for row in erased_lists.rows(spark, lake).collect()}
    assert spelled == {"nfc,trim,strip_prefix=Group%2C1%7C|Patient/"}


def test_they_stay_out_when_their_domain_spells_ids_otherwise(spark: SparkSession, lake: Path) -> None:
    """Codes are of the spelling of their time, and both ways of it are looked for."""
    rows = [(each, at) for at, each in enumerate(["C-1", " C-3", "c-4", "C-4", "C-5"])]
    spark.createDataFrame(rows, "id string, number int").coalesce(1).write.parquet(str(lake / "raw" / "t"))
    lakes.write_conf(lake, lakes.table("t", lake, COLUMNS))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    erased_lists.put(spark, conf, ["C-3"])
    file = lake / "conf" / "domains.yaml"
    file.write_text(file.read_text().replace("- trim", "- trim\n  - lower"))
    conf = config.load(lake / "conf")
    erased_lists.put(spark, conf, ["C-4"], run="run-2")
    pseudonymize.run(spark, conf, "t")
    assert {row.number for row in lakes.treated(spark, lake).collect()} == {0, 4}


def test_they_stay_out_when_a_prefix_is_taken_off_since(spark: SparkSession, lake: Path) -> None:
    """Whoever was erased without it comes with it by now, and the other way round; both can be taken off again."""
    rows = [(each, at) for at, each in enumerate(["Patient/3", "3", "4", "Patient/4", "5", "Patient/5", "Patient/33"])]
    spark.createDataFrame(rows, "id string, number int").coalesce(1).write.parquet(str(lake / "raw" / "t"))
    lakes.write_conf(lake, lakes.table("t", lake, COLUMNS))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    erased_lists.put(spark, conf, ["3", "Patient/4"])
    file = lake / "conf" / "domains.yaml"
    file.write_text(file.read_text().replace("- trim", "- trim\n  - strip_prefix: Patient/"))
    conf = config.load(lake / "conf")
    pseudonymize.run(spark, conf, "t")
    assert {row.number for row in lakes.treated(spark, lake).collect()} == {4, 5, 6}
    own = erasure_key.of(conf)
    assert own is not None
    on_list = {bytes(row.code) for row in erased_lists.rows(spark, lake).collect()}
    assert on_list <= {*own.listed_as("customer", pa.array(["Patient/3", "4"]), ("nfc", "trim"), own.id)}
    assert not on_list & {*own.listed_as("customer", pa.array(["Patient/5", "33"]), ("nfc", "trim"), own.id)}


OF_OTHERS = {
    "id": {"domain": "customer"},
    "by": {"domain": "customer"},
    "who.by": {"domain": "customer"},
    "who.note": "keep",
    "number": "keep",
}
NESTED = {
    "all[]": {"domain": "customer"},
    "lines[].by": {"domain": "customer"},
    "lines[].note": "keep",
    "deep[].more[]": {"domain": "customer"},
    "m{key}": {"domain": "customer"},
    "m{value}": "keep",
}


@pytest.mark.parametrize("execution", but_for(["spark"], [*PATHS, "nested"]))
def test_rows_of_others_lose_what_an_erasure_takes_out_of_them(spark: SparkSession, lake: Path, execution: str) -> None:
    """The same target, to the value, whether somebody was erased from it or never came into it."""
    nested, path = execution == "nested", "auto" if execution == "nested" else execution
    following = "concat('C-', (id + 1) % 20)"
    more = [
        f"array(concat('C-', id), {following}, null, {following}) AS all",
        f"array(named_struct('by', {following}, 'note', concat('n-', id)), null) AS lines",
        f"array(named_struct('more', array({following}, 'C-x')), named_struct('more', null)) AS deep",
        f"map({following}, 'one', 'C-y', 'two') AS m",
    ]
    spark.range(20).selectExpr(
        "concat('C-', id) AS id", f"{following} AS by", "int(id) AS number",
        f"if(id % 6 = 1, null, named_struct('by', {following}, 'note', concat('n-', id))) AS who",
        *(more if nested else ()),
    ).repartition(2).write.parquet(str(lake / "raw" / "t"))  # fmt: skip
    columns = {**OF_OTHERS, **(NESTED if nested else {})}
    lakes.write_conf(lake, lakes.table("t", lake, columns, subject="id", execution=path))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    pseudonymize.run(spark, conf, "t")
    erase.run(spark, conf, Wanted(Asked("customer", pa.array(["C-3", "C-5", "C-12"]))))
    there = lakes.treated(spark, lake)
    erased = changing.told(there)
    assert (there.count(), there.where("by IS NULL").count(), there.where("who.by IS NULL").count()) == (17, 3, 7)
    again = pseudonymize.run(spark, conf, "t")
    assert (again.execution, again.rows) == ("spark" if nested else execution, 17)
    assert (again.kept_out, again.kept_out_values) == ("< 10", 21 if nested else "< 10")
    assert changing.told(lakes.treated(spark, lake)) == erased
    assert growing.told(spark, lake)[-1]["kept_out_values"] == again.kept_out_values
    counts = {each.name: each.outcome for each in verify.run(spark, conf, "t").checks}
    assert {counts["rows anew"], counts["counts"]} == {"holds"}, counts


def by_cases(*predicates: str) -> dict[str, Any]:
    when = [{"rows": rows, "treatment": each} for rows, each in zip(predicates, ["redact", "keep"], strict=True)]
    return {"class": "quasi_identifier", "why": "a test", "when": when}


@pytest.mark.parametrize(
    ("predicates", "there"),
    [
        (("bypassed AND kind <> 'by'", "NOT bypassed OR kind = 'by'"), {0: "C-1", 1: "C-2", 2: None}),
        (("by = 'C-3'", "by <> 'C-3'"), {0: "C-1", 1: "C-2", 2: None}),
    ],
    ids=["its name stands in another's and in a text", "it is asked"],
)
def test_a_row_of_another_stays_also_where_a_predicate_asks_the_column(
    spark: SparkSession, lake: Path, predicates: tuple[str, str], there: dict[int, str | None]
) -> None:
    spark.range(4).selectExpr(
        "concat('C-', id) AS id",
        "concat('C-', id + 1) AS by",
        "int(id) AS number",
        "id = 0 AS bypassed",
        "'by' AS kind",
    ).coalesce(1).write.parquet(str(lake / "raw" / "t"))
    same = {name: {"domain": "customer"} for name in ("id", "by")}
    kept = {"number": "keep", "bypassed": "keep", "kind": by_cases(*predicates)}
    lakes.write_conf(lake, lakes.table("t", lake, {**same, **kept}, subject="id"))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    erased_lists.put(spark, conf, ["C-3"])
    pseudonymize.run(spark, conf, "t")
    rows = lakes.treated(spark, lake).collect()
    tokens = {row.id: f"C-{row.number}" for row in rows}
    assert {row.number: row.by and tokens.get(row.by, "C-2") for row in rows} == there
    checks = {each.name: each.outcome for each in verify.run(spark, conf, "t").checks}
    assert {checks["rows anew"], checks["counts"]} == {"holds"}, checks
    if "=" in predicates[0].split()[1]:
        assert {row.number: row.kind for row in rows} == {0: "by", 1: "by", 2: None}, "as the source says, and no other"


@pytest.mark.parametrize("mode", but_for(["incremental"], ["full", "incremental", "changes"]))
def test_a_predicate_that_asks_whom_an_erasure_takes_out_says_the_same_afterwards(
    spark: SparkSession, lake: Path, mode: str
) -> None:
    """The target is the same whether somebody was erased from it or never came into it, and nobody else's row is
    missing; out of a source they are not taken, where null would choose another case."""
    said = "concat('C-', id) AS id", "concat('C-', id + 1) AS by", "int(id) AS number", "concat('n-', id) AS kind"
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    target = {"path": str(lake / "treated" / "t"), "mode": mode, **({"key": ["number"]} if mode == "changes" else {})}
    rows = spark.range(4).selectExpr(*said)
    rows.write.format("delta").option("delta.enableChangeDataFeed", "true").save(source["path"])
    same = {name: {"domain": "customer"} for name in ("id", "by")}
    columns = {**same, "number": "keep", "kind": by_cases("by IN ('C-3', 'C-6')", "by NOT IN ('C-3', 'C-6')")}
    entry = lakes.table("t", lake, columns, subject="id", source=source, target=target, rows="by IS NOT NULL")
    lakes.write_conf(lake, entry)
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    pseudonymize.run(spark, conf, "t")
    wanted = Wanted(Asked("customer", pa.array(["C-3", "C-6"])))
    with pytest.raises(Refused, match=r"source of t: by: .* a predicate of t asks it") as refused:
        erase.run(spark, conf, dataclasses.replace(wanted, sources=True))
    assert "C-3" not in str(refused.value)
    erase.run(spark, conf, wanted)
    spark.range(4, 8).selectExpr(*said).write.format("delta").mode("append").save(source["path"])
    pseudonymize.run(spark, conf, "t")
    found = {row.number: (row.by is None, row.kind) for row in lakes.treated(spark, lake).collect()}
    others = {at: (False, f"n-{at}") for at in (0, 1, 4, 7)}
    assert found == {**others, 2: (True, None), 5: (True, None)}, "3 and 6 are their own"


def test_a_column_that_others_are_treated_by_is_not_taken_out_of_a_source(spark: SparkSession, lake: Path) -> None:
    """A name that is looked for in a text no more stays there in clear."""
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    said = "concat('C-', id + 1) AS by", "concat('C-', id + 1) AS seen", "concat('met C-', id + 1) AS note"
    spark.range(4).selectExpr("concat('C-', id) AS id", *said).write.format("delta").save(source["path"])
    same = {name: {"domain": "customer"} for name in ("id", "by", "seen")}
    note = {"technique": "treat_entities", "entities": {"email": "redact"}, "known": {"by": "customer"}}
    lakes.write_conf(lake, lakes.table("t", lake, {**same, "note": note}, source=source, subject="id"))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    pseudonymize.run(spark, conf, "t")
    with pytest.raises(Refused, match=r"source of t: by: .* another column is treated by it \(known") as refused:
        erase.run(spark, conf, Wanted(Asked("customer", pa.array(["C-3"])), sources=True))
    assert "seen" not in str(refused.value), "nothing goes by that one"
    assert (lakes.treated(spark, lake).count(), erased_lists.rows(spark, lake).count()) == (4, 0)
    made = erase.run(spark, conf, Wanted(Asked("customer", pa.array(["C-3"]))))
    (said,) = (each.why for each in made.remains if each.why.startswith(carried_out.WHOLE))
    assert said.endswith("do that first, or take the name out at the source: t: by"), "and of no other column"
    assert made.nowhere == 0
    there = lakes.treated(spark, lake)
    assert (there.count(), there.where("by IS NULL").count()) == (3, 1)
    inspected = planned.inspected(planned.planned(spark, conf, "t"))
    (told,) = gate.can_be(inspected)
    assert told.level == "warn"
    assert told.message.startswith(
        "by: the list of the erased names subjects of customer, and rows of others that name"
    )
    assert pseudonymize.run(spark, conf, "t", mode="full").rows == 2, "that of C-2 went too, as it was told"


def test_what_rows_of_others_hang_on(lake: Path) -> None:
    """What other columns are treated by, of a struct all of it; what may not be null in the source, or lies in it."""
    note = {
        "technique": "treat_entities",
        "entities": {"email": "redact"},
        "known": {"by": "customer", "who.by": "customer"},
    }
    same = {name: {"domain": "customer"} for name in ("id", "by", "who.by", "who.for", "seen", "firm", "of.firm")}
    columns = {**same, "doc:$.by": {"domain": "customer"}, "note": note}
    entry = config.load(lakes.write_conf(lake, lakes.table("t", lake, columns, subject="id"))).tables["t"]
    inner = T.StructType([T.StructField("firm", T.StringType(), nullable=False)])
    schema = T.StructType([T.StructField("firm", T.StringType(), nullable=False), T.StructField("of", inner)])
    needed = {name for name in [*same, "doc:$.by"] if kept_out_columns.needed(entry, schema, ColumnPath.parse(name))}
    assert needed == {"by", "who.by", "who.for", "firm", "of.firm"}


def test_what_tells_rows_apart_is_not_taken_out_of_rows_of_others(spark: SparkSession, lake: Path) -> None:
    """No later change would find them again."""
    made = spark.range(4).selectExpr("concat('C-', id) AS id", "concat('C-', id + 1) AS by")
    made.write.format("delta").option("delta.enableChangeDataFeed", "true").save(str(lake / "raw" / "t"))
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    target = {"path": str(lake / "treated" / "t"), "mode": "changes", "key": ["id", "by"]}
    columns = {name: {"domain": "customer"} for name in ("id", "by")}
    lakes.write_conf(lake, lakes.table("t", lake, columns, source=source, target=target, subject="id"))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    pseudonymize.run(spark, conf, "t")
    with pytest.raises(Refused) as refused:
        erase.run(spark, conf, Wanted(Asked("customer", pa.array(["C-3"])), sources=True))
    for place in ("t", "source of t"):
        assert f"{place}: by: rows of others stay and may name them there, and a target's key" in str(refused.value)
    assert (lakes.treated(spark, lake).count(), erased_lists.rows(spark, lake).count()) == (4, 0)


LISTS = {
    "about[]": ("array<string>", "array('C-1')", {"about[]": {"domain": "customer"}}, "size(About)"),
    "m{key}": (
        "map<string,string>",
        "map('C-1', 'x')",
        {"m{key}": {"domain": "customer"}, "m{value}": "keep"},
        "size(m)",
    ),
}


@pytest.mark.parametrize("path", but_for(["about[]"], LISTS))
def test_a_list_that_a_predicate_asks_is_refused(spark: SparkSession, lake: Path, path: str) -> None:
    """Without the element another case would be chosen, and what was redacted would stand there in clear."""
    kind, value, columns, asked = LISTS[path]
    name = path.rstrip("[]{key}")
    rows = spark.sql(f"SELECT 1 AS number, cast({value} AS {kind}) AS {name}, 'secret' AS note")
    rows.write.parquet(str(lake / "raw" / "t"))
    note = by_cases(f"{asked} > 0", f"{asked} = 0")
    lakes.write_conf(lake, lakes.table("t", lake, {"number": "keep", "note": note, **columns}))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    pseudonymize.run(spark, conf, "t")
    erase.run(spark, conf, Wanted(Asked("customer", pa.array(["C-1"]))))
    with pytest.raises(Refused, match="names subjects of customer, and a predicate of 'when' asks it") as refused:
        pseudonymize.run(spark, conf, "t")
    assert path in str(refused.value)
    assert [row.note for row in lakes.treated(spark, lake).collect()] == [None]


@pytest.mark.sweep
def test_a_deletion_is_covered_by_domains_that_are_watched(spark: SparkSession, lake: Path) -> None:
    """An erasure of one domain is not waved through where the table is looked at by another domain alone."""
    spark.sql("SELECT 'C-3' AS id, 'S' AS shop, 3 AS number").write.parquet(str(lake / "raw" / "t"))
    both = {"id": {"domain": "customer"}, "shop": {"domain": "other"}, "number": "keep"}
    lakes.write_conf(lake, lakes.table("t", lake, both))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    erased_lists.put(spark, conf, ["C-3"])
    pseudonymize.run(spark, conf, "t")
    made = Commit(1, 0, None, 1, None, None, "DELETE", {}, {"mode": "erasure", "run_id": "run-1/x"})

    def left(columns: dict[str, Any]) -> int:
        lakes.write_conf(lake, lakes.table("t", lake, columns))
        stated = erased_lists.stated(lake, conf.policy.erasure.list.id)
        return len(gate.not_kept_out(planned.inspected(planned.planned(spark, stated, "t")), [made]))

    assert left(both) == 0
    assert left({**both, "id": "drop"}) == 1
    assert left({**both, "id": {"domain": "other"}}) == 1


def numbers(spark: SparkSession, lake: Path) -> list[int]:
    return sorted(int(row[0].removeprefix("C-")) for row in lakes.treated(spark, lake).select("same").collect())


def put(spark: SparkSession, lake: Path, start: int, end: int, mode: str = "append", **options: str) -> None:
    made = spark.range(start, end, 1, 2).selectExpr(
        "named_struct('id', concat('C-', id)) AS who", "concat('C-', id) AS same", "int(id % 3) AS day"
    )
    written = made.write.format("delta").partitionBy("day").mode(mode).options(**options)
    written.save(str(lake / "raw" / "t"))


def entry(lake: Path, **more: Any) -> dict[str, Any]:
    target = {"path": str(lake / "treated" / "t"), **more.pop("target", {})}
    columns = {
        "who.id": {"domain": "customer"},
        "same": "keep",
        "day": lakes.column("keep", "non_personal"),
        **more.pop("columns", {}),
    }
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    return lakes.table("t", lake, columns, source=source, target=target, **more)


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_they_stay_out_of_what_is_added(spark: SparkSession, lake: Path, execution: Execution) -> None:
    put(spark, lake, 0, 10)
    lakes.write_conf(lake, entry(lake, target={"mode": "incremental"}))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    erased_lists.put(spark, conf, ["C-3", "C-12"])
    pseudonymize.run(spark, conf, "t", execution=execution)
    put(spark, lake, 10, 20)
    result = pseudonymize.run(spark, conf, "t", execution=execution)
    assert (result.mode, result.execution, result.rows, result.kept_out) == ("incremental", execution, 9, "< 10")
    assert numbers(spark, lake) == [each for each in range(20) if each not in (3, 12)]
    for start in (20, 25):
        put(spark, lake, start, start + 5)
    erased_lists.put(spark, conf, ["C-21", "C-29"])
    streamed = pseudonymize.run(spark, conf, "t", mode="stream", execution=execution, files_per_batch=2)
    assert streamed.rows == 8
    assert numbers(spark, lake) == [each for each in range(30) if each not in (3, 12, 21, 29)]


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_they_stay_out_of_partitions_that_are_written_anew(
    spark: SparkSession, lake: Path, execution: Execution
) -> None:
    put(spark, lake, 0, 12)
    lakes.write_conf(lake, entry(lake, target={"mode": "partitions", "partition_by": ["day"]}))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    pseudonymize.run(spark, conf, "t", mode="full")
    erased_lists.put(spark, conf, ["C-4", "C-5"])
    result = pseudonymize.run(spark, conf, "t", execution=execution, where="day = 1")
    assert (result.mode, result.execution, result.rows) == ("partitions", execution, 3)
    assert numbers(spark, lake) == [each for each in range(12) if each != 4], "of another day 5 is to be erased yet"


def test_they_stay_out_of_what_changes(spark: SparkSession, lake: Path) -> None:
    put(spark, lake, 0, 10, **{"delta.enableChangeDataFeed": "true"})
    lakes.write_conf(lake, entry(lake, target={"mode": "changes", "key": ["same"]}))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    pseudonymize.run(spark, conf, "t")
    erased_lists.put(spark, conf, ["C-3", "C-12"])
    growing.delta(spark, lake / "treated" / "t").delete("same = 'C-3'")  # as an erasure does
    source = growing.delta(spark, lake / "raw" / "t")
    source.update("same in ('C-3', 'C-4')", {"day": "7"})
    source.update("same = 'C-5'", {"who": "named_struct('id', 'C-12')"})
    source.delete("same = 'C-6'")
    put(spark, lake, 10, 14)
    pseudonymize.run(spark, conf, "t")
    wanted = [each for each in range(14) if each not in (3, 5, 6, 12)]
    assert numbers(spark, lake) == wanted, "5 belongs to one of the erased now"
    days = {row.same: row.day for row in lakes.treated(spark, lake).collect()}
    assert days["C-4"] == 7


@pytest.mark.sweep
def test_changes_go_on_after_a_run_in_full_that_kept_somebody_out(spark: SparkSession, lake: Path) -> None:
    """The source has more rows than the target for good; and one who is listed, and not deleted yet, is no riddle."""
    put(spark, lake, 0, 10, **{"delta.enableChangeDataFeed": "true"})
    lakes.write_conf(lake, entry(lake, target={"mode": "changes", "key": ["same"]}))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    erased_lists.put(spark, conf, ["C-3"])
    pseudonymize.run(spark, conf, "t")
    erased_lists.put(spark, conf, ["C-5"], run="run-2")
    growing.delta(spark, lake / "raw" / "t").update("same = 'C-5'", {"who": "named_struct('id', 'C-6')", "day": "9"})
    pseudonymize.run(spark, conf, "t")
    assert numbers(spark, lake) == [each for each in range(10) if each != 3]
    assert {row.same: row.day for row in lakes.treated(spark, lake).collect()}["C-5"] == 9, "it is another's by now"


def test_they_stay_out_by_the_case_that_a_row_falls_under(spark: SparkSession, lake: Path) -> None:
    put(spark, lake, 0, 9)
    when = [
        {"rows": "day = 1", "treatment": {"domain": "other"}},
        {"rows": "day = 2", "treatment": {"domain": "customer"}},
        {"rows": "day = 0", "treatment": "redact"},
    ]
    rule = {"class": "quasi_identifier", "why": "a test", "when": when}
    lakes.write_conf(lake, entry(lake, columns={"who.id": rule}))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    erased_lists.put(spark, conf, ["C-0", "C-1", "C-2", "C-3"])
    erased_lists.put(spark, conf, ["C-4", "C-5", "C-6"], "other")
    pseudonymize.run(spark, conf, "t")
    assert numbers(spark, lake) == [0, 1, 3, 5, 6, 7, 8], "2 is a customer of the list, 4 another of it"


def test_they_stay_out_of_what_comes_back_from_quarantine(spark: SparkSession, lake: Path) -> None:
    quarantines.put(quarantines.rows(spark, 0, 20, "id in (3, 4, 5)"), lake)
    quarantines.configured(lake)
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    first = pseudonymize.run(spark, conf, "t")
    assert (first.rows, first.quarantined) == (17, 3)
    erased_lists.put(spark, conf, ["4", "8"])
    quarantines.configured(lake, columns=quarantines.NULLED)
    conf = erased_lists.stated(lake, conf.policy.erasure.list.id)
    again = pseudonymize.run(spark, conf, "t", mode="incremental", requeue=True)
    assert (again.rows, again.kept_out, quarantines.aside(spark, lake)) == (2, "< 10", [])
    full = pseudonymize.run(spark, conf, "t", mode="full")
    assert (full.rows, full.quarantined) == (18, 0)


def test_rows_that_a_predicate_was_asked_of_do_not_come_back_from_quarantine(spark: SparkSession, lake: Path) -> None:
    """They are sealed without the value: by it a note that the run redacts would be kept."""
    quarantines.put(quarantines.rows(spark, 0, 8, "id in (3, 4)").selectExpr("*", "'5' AS by"), lake)
    columns = {"by": {"domain": "customer"}, "note": by_cases("by IS NOT NULL", "by IS NULL")}
    quarantines.configured(lake, subject="id", columns=columns)
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    erased_lists.put(spark, conf, ["5"])
    first = pseudonymize.run(spark, conf, "t")
    assert (first.rows, first.quarantined) == (5, 2)
    quarantines.configured(lake, subject="id", columns={**columns, **quarantines.NULLED})
    listed = conf.policy.erasure.list
    conf = erased_lists.stated(lake, listed.id)
    for who_stands_there in (["5"], []):
        with pytest.raises(Refused, match="t: by: a predicate of 'when' asks it, and rows in quarantine have null"):
            pseudonymize.run(spark, conf, "t", mode="incremental", requeue=True)
        if who_stands_there:  # taken off they come back, but for what is sealed without them
            erased_list.take_off(spark, listed, erased_list.looked(spark, listed).spelled(["customer"]), "run-2")
    assert not erased_list.looked(spark, listed).domains
    assert len(quarantines.aside(spark, lake)) == 2
    assert {row.note for row in lakes.treated(spark, lake).collect()} == {None}
    full = pseudonymize.run(spark, conf, "t", mode="full")
    assert (full.rows, full.quarantined) == (8, 0)
    assert {row.note for row in lakes.treated(spark, lake).collect()} == {None}


def test_rows_that_lost_nothing_that_a_predicate_asks_come_back(spark: SparkSession, lake: Path) -> None:
    """The run took a value out of the row of 0, which does not wait; those that wait have theirs."""
    by = "if(id = 0, '5', '6') AS by"
    quarantines.put(quarantines.rows(spark, 0, 8, "id in (3, 4)").selectExpr("*", by), lake)
    columns = {"by": {"domain": "customer"}, "note": by_cases("by IS NOT NULL", "by IS NULL")}
    quarantines.configured(lake, subject="id", columns=columns)
    listed = erased_lists.listed(spark, lake)
    conf = erased_lists.stated(lake, listed)
    erased_lists.put(spark, conf, ["5"])
    first = pseudonymize.run(spark, conf, "t")
    assert (first.rows, first.quarantined) == (5, 2)
    quarantines.configured(lake, subject="id", columns={**columns, **quarantines.NULLED})
    again = pseudonymize.run(spark, erased_lists.stated(lake, listed), "t", mode="incremental", requeue=True)
    assert (again.rows, quarantines.aside(spark, lake)) == (2, [])
    rows = lakes.treated(spark, lake).collect()
    assert (len(rows), {row.note for row in rows}) == (7, {None})
    assert sum(row.by is None for row in rows) == 1, "of 0 alone"


def test_the_erased_leave_quarantine_though_nobody_else_passes(spark: SparkSession, lake: Path) -> None:
    quarantines.put(quarantines.rows(spark, 0, 20, "id in (3, 4, 5)"), lake)
    conf = quarantines.configured(lake)
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    first = pseudonymize.run(spark, conf, "t")
    erased_lists.put(spark, conf, ["4", "8"])
    told: list[Any] = []
    again = pseudonymize.run(spark, conf, "t", mode="incremental", requeue=True, report=told.append)
    assert (again.version, again.rows, again.execution, again.kept_out) == (first.version, 0, "none", "< 10")
    assert {row.row_in_file for row in quarantines.aside(spark, lake)} == {3, 5}
    assert any("rows of the erased were taken out of quarantine" in str(each) for each in told)
    # and it goes on from there: what is said to stand there is more than what does
    quarantines.configured(lake, columns=quarantines.NULLED)
    conf = erased_lists.stated(lake, conf.policy.erasure.list.id)
    last = pseudonymize.run(spark, conf, "t", mode="incremental", requeue=True)
    assert (last.rows, quarantines.aside(spark, lake)) == (2, [])


@pytest.mark.parametrize("execution", PATHS)
def test_rows_of_the_erased_are_not_set_aside(spark: SparkSession, lake: Path, execution: Execution) -> None:
    quarantines.put(quarantines.rows(spark, 0, 20, "id in (3, 4, 5)"), lake)
    quarantines.configured(lake)
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    erased_lists.put(spark, conf, ["4", "8"])
    result = pseudonymize.run(spark, conf, "t", execution=execution)
    assert (result.execution, result.rows, result.quarantined) == (execution, 16, 2)
    assert {row.row_in_file for row in quarantines.aside(spark, lake)} <= {3, 5, None}


def test_a_run_beside_an_erasure_stops(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(spark, lake, 0, 10)
    lakes.write_conf(lake, entry(lake))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    pseudonymize.run(spark, conf, "t")
    told = KeptOut.check_still

    def meanwhile(noted: KeptOut) -> None:
        erased_lists.put(spark, conf, ["C-3"])
        told(noted)

    with monkeypatch.context() as patched:
        patched.setattr(KeptOut, "check_still", meanwhile)
        with pytest.raises(CommitConflict, match="an erasure added to the list"):
            pseudonymize.run(spark, conf, "t")
    assert numbers(spark, lake) == [*range(10)], "nothing was committed"
    with monkeypatch.context() as patched:
        patched.setattr(KeptOut, "check_still", lambda noted: erased_lists.put(spark, conf, ["C-4"], run="run-2"))
        with pytest.raises(RunFailed, match="and an erasure began at that moment"):
            pseudonymize.run(spark, conf, "t")
    assert pseudonymize.run(spark, conf, "t").rows == 8


def test_a_list_that_was_made_anew_lets_nobody_back_in_silence(spark: SparkSession, lake: Path) -> None:
    rows = [(f"C-{n}", n) for n in range(12)]
    spark.createDataFrame(rows, "id string, number int").write.format("delta").save(str(lake / "raw" / "t"))
    lakes.write_conf(lake, lakes.table("t", lake, COLUMNS, source={"format": "delta", "path": f"{lake}/raw/t"}))
    edit(lake / "conf" / "policy.yaml", snapshots={"path": f"{lake}/snapshots"})
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    pseudonymize.run(spark, conf, "t")
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake, "second"), "second")
    assert pseudonymize.run(spark, conf, "t").rows == 12, "nobody stood on the first one"
    erased_lists.put(spark, conf, ["C-3"])
    assert pseudonymize.run(spark, conf, "t").rows == 11
    conf, told = erased_lists.stated(lake, erased_lists.listed(spark, lake, "third"), "third"), list[Any]()
    lost = "its last run had another list of the erased, with subjects on it (version 1 of it)"
    with pytest.raises(Refused, match=f"{re.escape(lost)}.* or erase the same subjects again"):
        pseudonymize.run(spark, conf, "t")
    assert [
        each.level for each in monitor.run(spark, conf, ["t"], house_only=True).findings if lost in each.message
    ] == ["alert"]
    whom = Wanted(Asked("customer", pa.array(["C-99"])))
    for ask in (erase.plan, erase.run):
        told.clear()
        ask(spark, conf, whom, report=told.append)
        assert [(each.table, lost in each.message) for each in told if isinstance(each, Warned)] == [("t", True)]
    checks = {each.name: each for each in verify.run(spark, conf, "t").checks if each.name in ("rows anew", "counts")}
    told_of = {name: (each.outcome, lost in "".join(each.faults)) for name, each in checks.items()}
    assert told_of == dict.fromkeys(checks, ("fails", True)), checks
    told.clear()
    assert pseudonymize.run(spark, conf, "t", report=told.append, accept_deleted_rows=True).rows == 12
    assert any(lost in str(each) for each in told)


def test_what_reads_and_shows_a_list_names_nobody(spark: SparkSession, lake: Path) -> None:
    made = erased_lists.listed(spark, lake)
    put(spark, lake, 0, 10)
    lakes.write_conf(lake, entry(lake))
    conf = erased_lists.stated(lake, made)
    erased_lists.put(spark, conf, ["C-3", "C-4"])
    erased_lists.put(spark, conf, ["C-4"], run="run-2")
    rows = erased_lists.rows(spark, lake).collect()
    master = load_keyset(f"file:{lake}/keys/erasure.json", None, "erasure").primary
    derived = HKDF(hashes.SHA256(), 32, None, b"lakenym/1/keyed_hash/erased/customer").derive(master.secret().key)
    codes = {each: hmac.new(derived, each.encode(), hashlib.sha256).digest()[:16] for each in ("C-3", "C-4")}
    assert sorted((bytes(row.code), row.domain, row.run_id) for row in rows) == sorted(
        [(codes["C-3"], "customer", "run-1"), (codes["C-4"], "customer", "run-1"), (codes["C-4"], "customer", "run-2")]
    ), "as docs/erased.md has it"
    assert oct((lake / "erased").stat().st_mode & 0o777) == "0o700"
    log = "".join(each.read_text() for each in (lake / "erased" / "_delta_log").glob("*.json"))
    assert "minValues" not in log
    with kept_out.opened(
        conf,
        pseudonymize.prepare(spark, conf, "t").plan,
        kept_out.noted(spark, conf, pseudonymize.prepare(spark, conf, "t").plan),
    ) as found:
        left, out = found.left(pseudonymize.prepare(spark, conf, "t").source.rows)
        plan = left._jdf.queryExecution().toString()
    assert (out.rows, out.parts) == (2, 0)
    for code in codes.values():
        for spelled in (code.hex(), base64.b64encode(code).decode()[:20], repr(code)):
            assert spelled not in plan
            assert spelled not in repr(found)
