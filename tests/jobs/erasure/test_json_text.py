"""Persons within JSON text: erased as from nested columns of the same shape, in targets, sources, older versions."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf
from pyspark.sql.types import StringType

from jobs import erase, pseudonymize, verify
from jobs.configuration.column_path import ColumnPath, json_path
from jobs.configuration.config import Config
from jobs.erasure import sought
from jobs.erasure.carried_out import Wanted
from jobs.erasure.sought import Sought
from jobs.lake import table_files, within_rows, within_texts
from jobs.lake.problems import SourceProblem
from jobs.lake.within_texts import Inner
from jobs.subjects.asked import Asked
from jobs.treatment.kept_out import Watched
from jobs.verification import erased_since
from jobs.verification.erased_since import Since
from tests.helpers import byte_scan, erased_lists, lakes
from tests.helpers.sweeps import but_for

PERSON = {"domain": "customer"}
SHAPE = "struct<user: struct<id: string>, items: array<struct<owner: string, n: int>>>"
FEED = {"delta.enableChangeDataFeed": "true"}
MANY = 8


def name(at: int) -> str:
    return f"C-{at % MANY:06d}"


def document(at: int) -> dict[str, Any]:
    return {"user": {"id": name(at)}, "items": [{"owner": name(at + 1), "n": 1}, {"owner": name(at + 2), "n": 2}, None]}


def made(spark: SparkSession, lake: Path, subject: bool) -> Config:
    """The same rows as JSON text and as nested columns, each of two runs. subject: whether another column says whose a
    row is."""
    columns = {
        "text": {"who": PERSON, "nr": "keep", "doc:$.user.id": PERSON, "doc:$.items[*].owner": PERSON,
                 "doc:$.items[*].n": "keep", "docs[]:$.by": PERSON},
        "nested": {"who": PERSON, "nr": "keep", "doc.user.id": PERSON, "doc.items[].owner": PERSON,
                   "doc.items[].n": "keep", "docs[].by": PERSON},
    }  # fmt: skip
    entries = [
        lakes.table(
            table, lake, some, source={"format": "delta", "path": f"{lake}/raw/{table}"},
            target={"path": f"{lake}/treated/{table}", "mode": "incremental", "properties": FEED},
            **({"subject": "who"} if subject else {}),
        )
        for table, some in columns.items()
    ]  # fmt: skip
    conf = lakes.configured(lake, *entries)
    for start in (0, MANY // 2):
        rows = [
            (name(at + 3), at, json.dumps(document(at)), json.dumps([{"by": name(at + 4)}, None]))
            for at in range(start, start + MANY // 2)
        ]
        nested = spark.createDataFrame(rows, "who string, nr int, doc string, docs string").withColumns(
            {"doc": F.from_json("doc", SHAPE), "docs": F.from_json("docs", "array<struct<by: string>>")}
        )
        text = nested.withColumns({"doc": F.to_json("doc", {"ignoreNullFields": "false"}),
                                   "docs": F.transform("docs", lambda each: F.to_json(each))})  # fmt: skip
        for table, frame in (("nested", nested), ("text", text)):
            frame.write.format("delta").mode("append").save(f"{lake}/raw/{table}")
            pseudonymize.run(spark, conf, table)
    return conf


def contents(spark: SparkSession, lake: Path, table: str) -> dict[int, Any]:
    rows = lakes.treated(spark, lake, table).collect()
    told = {row["nr"]: (row["who"], row["doc"], row["docs"]) for row in rows}
    if table == "text":
        return {nr: (who, json.loads(doc), [each and json.loads(each) for each in docs])
                for nr, (who, doc, docs) in told.items()}  # fmt: skip
    return {nr: (who, doc.asDict(True), [each and each.asDict(True) for each in docs])
            for nr, (who, doc, docs) in told.items()}  # fmt: skip


@pytest.mark.sweep
@pytest.mark.parametrize("subject", [True, False])
def test_as_from_nested_columns(
    spark: SparkSession, lake: Path, subject: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = made(spark, lake, subject)
    before = contents(spark, lake, "text")
    theirs = before[2][0]
    assert contents(spark, lake, "nested") == before, "equal before: the pseudonyms of texts are those of columns"
    wanted = Wanted(Asked("customer", pa.array([name(5)])), sources=True)
    planned = erase.plan(spark, conf, wanted)
    told = erase.run(spark, conf, wanted)
    # as whose row it is, as user, in items of two, in docs of one; whose user it is a row goes with where none is named
    each = (1, 4) if subject else (2, 3)
    expected = dict.fromkeys(("source of text", "source of nested", "text", "nested"), each)
    assert {one.name: (one.rows_deleted, one.elements_removed) for one in planned.tables} == expected
    assert {one.name: (one.rows_deleted, one.elements_removed) for one in told.tables} == expected
    assert told.is_done, told.unsearched
    after = contents(spark, lake, "text")
    assert contents(spark, lake, "nested") == after
    assert theirs not in str(after)
    assert set(before) - set(after) == ({2} if subject else {2, 5})
    whole = {at: before[at] for at in after if theirs not in str(before[at])}
    assert {at: after[at] for at in whole} == whole, "nobody else's row changed"
    for table in ("text", "nested"):
        assert pseudonymize.run(spark, conf, table).rows == 0

    last = told.until
    assert last is not None
    night = datetime.datetime.combine(last, datetime.time(), datetime.timezone.utc)
    monkeypatch.setattr(table_files, "now", lambda: int(night.timestamp() * 1000))
    assert erase.run(spark, conf, wanted).is_gone
    for folder in (lake / "raw", lake / "treated"):
        assert not any(byte_scan.found({name(5).encode(), theirs.encode()}, each)
                       for _, each in byte_scan.contents(folder))  # fmt: skip


SPELLED: tuple[dict[str, Any], ...] = (
    {},
    {"indent": 1},
    {"separators": (" , ", " : ")},
    {"ensure_ascii": False, "indent": "\t"},
)
"""Ways to write the same JSON."""


def written(spark: SparkSession, lake: Path, numbers: Iterable[int]) -> None:
    """Rows of a source with a change feed, texts of all spellings, one without a text, and one without the paths."""
    rows = [
        (name(at + 3), at, None if at == 13 else "{}" if at == 14 else json.dumps(document(at), **SPELLED[at % 4]),
         [json.dumps({"by": name(at + 4)}, **SPELLED[at % 4]), None])
        for at in numbers
    ]  # fmt: skip
    frame = spark.createDataFrame(rows, "who string, nr int, doc string, docs array<string>")
    frame.write.format("delta").options(**FEED).mode("append").save(f"{lake}/raw/text")


def as_spelled(spark: SparkSession, lake: Path, table: str) -> dict[int, Any]:
    """To the byte."""
    return {
        row["nr"]: tuple(row) for row in lakes.treated(spark, lake, table).select("nr", "who", "doc", "docs").collect()
    }


@pytest.mark.sweep
@pytest.mark.parametrize("subject", [True, False])
def test_runs_with_a_list_leave_out_what_an_erasure_takes_out(spark: SparkSession, lake: Path, subject: bool) -> None:
    """The same target, to the byte, whether somebody was erased from it or never came into it, by runs of each mode."""
    columns = {"who": PERSON, "nr": "keep", "doc:$.user.id": PERSON, "doc:$.items[*].owner": PERSON,
               "doc:$.items[*].n": "keep", "docs[]:$.by": PERSON}  # fmt: skip
    modes: dict[str, dict[str, Any]] = {"full": {"properties": FEED}, "incremental": {}, "changes": {"key": ["nr"]}}
    entries = [
        lakes.table(mode, lake, columns, source={"format": "delta", "path": f"{lake}/raw/text"},
                    target={"path": f"{lake}/treated/{mode}", "mode": mode, **more},
                    **({"subject": "who"} if subject else {}))
        for mode, more in modes.items()
    ]  # fmt: skip
    lakes.write_conf(lake, *entries)
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    written(spark, lake, range(8))
    for mode in ("incremental", "changes"):
        pseudonymize.run(spark, conf, mode)
    written(spark, lake, range(8, 16))
    pseudonymize.run(spark, conf, "full")
    before = as_spelled(spark, lake, "full")
    erase.run(spark, conf, Wanted(Asked("customer", pa.array([name(5), name(6)]))))
    erased = as_spelled(spark, lake, "full")
    assert len(before) == 16
    assert len(erased) == (12 if subject else 10), "2, 3, 10, 11; without a subject 5 and 6 too, whose user one is"
    assert any(erased[at] != before[at] for at in erased), "values and elements of rows that stay went too"
    assert as_spelled(spark, lake, "changes") == {at: erased[at] for at in erased if at < 8}
    for mode in ("incremental", "changes"):
        told = pseudonymize.run(spark, conf, mode)
        assert (told.mode, told.kept_out) == (mode, "< 10")
        assert as_spelled(spark, lake, mode) == erased
    told = pseudonymize.run(spark, conf, "full")
    assert (told.execution, told.kept_out) == ("spark", "< 10")
    assert as_spelled(spark, lake, "full") == erased
    checks = {each.name: each.outcome for each in verify.run(spark, conf, "full").checks}
    assert {checks["rows anew"], checks["counts"]} == {"holds"}, checks


def with_a_list(spark: SparkSession, lake: Path, text: str) -> Config:
    """A text that names C-1 in a row of somebody else, and a list of the erased with C-1."""
    rows = spark.createDataFrame([("C-3", '{"user":{"id":"C-1"}}'), ("C-4", text)], "who string, doc string")
    rows.write.parquet(f"{lake}/raw/t")
    columns = {"who": PERSON, "doc:$.user": "redact", "doc:$.user.id": PERSON, "doc:$.by": PERSON}
    lakes.write_conf(lake, lakes.table("t", lake, columns, subject="who"))
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    erased_lists.put(spark, conf, ["C-1"])
    return conf


def test_who_cannot_be_cut_out_comes_back_by_no_run(spark: SparkSession, lake: Path) -> None:
    conf = with_a_list(spark, lake, '{"user":{"id":"C-2","id":"C-1"}}')
    with pytest.raises(SourceProblem, match=r"^doc: a JSON text in a row of somebody else names one") as told:
        pseudonymize.run(spark, conf, "t")
    assert "C-1" not in str(told.value)
    assert not (lake / "treated" / "t" / "_delta_log").exists()


def test_a_run_takes_out_of_a_text_that_a_shorter_path_treats(spark: SparkSession, lake: Path) -> None:
    pseudonymize.run(spark, with_a_list(spark, lake, '{"user":"elsewhere","by":"C-1"}'), "t")
    told = {row["doc"] for row in lakes.treated(spark, lake).collect()}
    assert told == {'{"user":null,"by":null}', '{"user":{"id":null}}'}


@pytest.mark.parametrize("path", ["docs[]:$.by[*]", "more[][]:$.by[*]", "of{value}[]:$.by[*]", "parts[].text:$.by[*]"])
def test_a_python_function_takes_what_was_cut(spark: SparkSession, path: str) -> None:
    """As the treatment of a run does. A lambda within another one kept Spark from it, where it named the outer part."""
    text, left = json.dumps({"by": ["a", "b"]}), json.dumps({"by": ["b"]})
    rows = spark.createDataFrame([([text, None],)], "docs array<string>").select(
        "docs", F.array("docs").alias("more"), F.create_map(F.lit("k"), "docs").alias("of"),
        F.transform("docs", lambda each: F.struct(each.alias("text"))).alias("parts"),
    )  # fmt: skip
    where = ColumnPath.parse(path)
    inner = Inner(json_path(where), lambda values: np.asarray(pc.equal(values, "a")), True)
    values = within_rows.values_at(F.col(where.root), where.column.steps[1:], StringType())
    gone = rows.withColumn("gone", within_texts.found(where.column, [inner])(values))
    cut = gone.withColumn(where.root, within_texts.cleaned(F.col(where.root), where.column.steps[1:], F.col("gone")))
    kind = rows.schema[where.root].dataType
    same = arrow_udf(lambda values: values, returnType=kind)  # type: ignore[call-overload]
    treated = cut.drop("gone").select(same(where.root)).collect()[0][0]
    was = rows.select(where.root).collect()[0][0]
    assert str(treated) == str(was).replace(text, left) != str(was)


@pytest.mark.parametrize("of_others", but_for([True], [True, False]))
def test_the_same_parts_of_rows_go_as_of_nested_columns(spark: SparkSession, of_others: bool) -> None:
    """Of which rows another is the subject; and elements of an array around a text."""
    rows = [
        (json.dumps(document(at)), json.dumps([{"by": name(at)}, {"by": name(at + 1)}, None])) for at in range(MANY)
    ]
    nested = spark.createDataFrame(rows, "doc string, docs string").select(
        F.from_json("doc", SHAPE).alias("doc"), F.from_json("docs", "array<struct<by: string>>").alias("docs")
    )
    text = nested.select(F.to_json("doc", {"ignoreNullFields": "false"}).alias("doc"),
                         F.transform("docs", lambda each: F.to_json(each)).alias("docs"))  # fmt: skip

    def hit(values: pa.Array) -> Any:
        return np.asarray(pc.is_in(values, pa.array([name(2), name(5)])))

    def left(rows: DataFrame, *paths: str) -> list[str]:
        found = [Sought(ColumnPath.parse(path), hit, of_others) for path in paths]
        counts = sought.marked(rows, found).agg(F.count_if(sought.ROW), F.sum(sought.NUMBER)).collect()[0]
        kept = sought.without(rows, found, False)
        plain = kept if rows is nested else kept.select(
            F.from_json("doc", SHAPE).alias("doc"), F.transform("docs", lambda each: F.from_json(each, "by string"))
        )  # fmt: skip
        return [str(tuple(counts)), *sorted(str(tuple(row)) for row in plain.collect())]

    ours = left(text, "doc:$.user.id", "doc:$.items[*].owner", "docs[]:$.by")
    theirs = left(nested, "doc.user.id", "doc.items[].owner", "docs[].by")
    assert ours == theirs
    assert len(ours) == 1 + MANY - (0 if of_others else 2)


def test_texts_in_which_nobody_can_look_are_told(spark: SparkSession) -> None:
    texts = ['{"id":"a"}', '{"id":"b"}', "no json: a", '{"id":"b","id":"a"}', '{"id":"b","id":"c"}', " ", None, '"a"']
    rows = spark.createDataFrame([(at, text) for at, text in enumerate(texts)], "at int, doc string")

    def hit(values: pa.Array) -> Any:
        return np.asarray(pc.equal(values, "a"))

    for of_others, row, number in ((False, {0, 3}, set()), (True, set[int](), {0})):
        found = sought.marked(rows, [Sought(ColumnPath.parse("doc:$.id"), hit, of_others)]).collect()
        assert {each["at"] for each in found if each[sought.ROW]} == row
        assert {each["at"] for each in found if each[sought.NUMBER]} == number
        closed = {each["at"] for each in found if each[sought.CLOSED]}
        assert closed == ({2, 7} if row else {2, 3, 7}), "of a member that is there twice none can be taken out"
    left = sought.without(rows, [Sought(ColumnPath.parse("doc:$.id"), hit, True)], False)
    assert {row["at"]: row["doc"] for row in left.collect()} == {**dict(enumerate(texts)), 0: '{"id":null}'}


def test_values_of_no_kind_and_texts_of_other_shapes(spark: SparkSession) -> None:
    """Numbers are compared as of columns of them; of an object where a value is asked for nobody can tell. What the
    paths do not lead into stays, as runs drop or redact it; where it holds one of them, that is told."""
    texts = {
        '{"id":1001.0}': '{"id":null}',
        '{"id":1.001e3,"l":[1001.0,5]}': '{"id":null,"l":[5]}',
        '{"id":["1001"],"l":["1001","5"]}': '{"id":["1001"],"l":["5"]}',
        '{"id":"\\ud800"}': '{"id":"\\ud800"}',
        '{"l":[{"x":"1001"},1001.5]}': '{"l":[{"x":"1001"},1001.5]}',
        '{"user":"anonymous","l":[1001]}': '{"user":"anonymous","l":[]}',
        '{"user":[7],"l":"none","id":null}': '{"user":[7],"l":"none","id":null}',
        '{"user":[{"of":{"1001":1}}],"l":[1001]}': '{"user":[{"of":{"1001":1}}],"l":[]}',
        '{"l":{"a":[null,"x",1.001e3]}}': '{"l":{"a":[null,"x",1.001e3]}}',
        '{"user":"1001","other":"1001"}': '{"user":"1001","other":"1001"}',
        '{"id":"7","id":"8","user":["1001"]}': '{"id":"7","id":"8","user":["1001"]}',
        "[1001]": "[1001]",
        '{"other":{"user":"1001"},"user":null}': '{"other":{"user":"1001"},"user":null}',
    }
    closed = {2, 3, 4, 7, 8, 9, 10, 11}
    rows = spark.createDataFrame(list(enumerate(texts)), "at int, doc string")

    def hit(values: pa.Array) -> Any:
        return np.asarray(pc.equal(values, "1001"))

    asked = [Sought(ColumnPath.parse(f"doc:$.{path}"), hit, True) for path in ("id", "l[*]", "user.id")]
    assert {each["at"] for each in sought.marked(rows, asked).collect() if each[sought.CLOSED]} == closed
    left = sought.without(rows, asked, False)
    assert {row["at"]: row["doc"] for row in left.collect()} == dict(enumerate(texts.values()))
    assert {each["at"] for each in sought.marked(left, asked).collect() if each[sought.CLOSED]} == closed
    assert not [each for each in sought.marked(left, asked).collect() if each[sought.NUMBER]], "nobody is left"


@pytest.mark.parametrize(
    ("text", "found", "is_unread", "beside"),
    [
        ('{"l":[["x"],1001.0]}', ["1001"], True, []), ('{"l":[1001.0,null]}', ["1001"], False, []),
        ("no json", [], True, []), ('{"l":[1],"l":[2]}', ["1", "2"], False, []),
        ('{"l":{"a":1}}', [], False, ["1", "a"]),
        ('["y",{"l":[7]}]', [], False, ["7", "l", "y"]), (" ", [], False, []), (None, [], False, []),
    ],
)  # fmt: skip
def test_texts_of_rows_that_were_set_aside(
    text: str | None, found: list[str], is_unread: bool, beside: list[str]
) -> None:
    texts = pa.array([text, '{"l":["z"]}'], pa.string())
    assert sorted(within_texts.elsewhere(texts, ("l", None)).to_pylist()) == beside
    assert within_texts.values(texts, ("l", None)).to_pylist() == [*found, "z"]
    assert within_texts.has_unread(texts, [("id",), ("l", None)]) is is_unread


# -- verify afterwards ------------------------------------------------------------------------------------------------


def small(spark: SparkSession, lake: Path, listed: bool) -> Config:
    """Four rows, of which one erasure takes one, and a part of another."""
    columns = {"nr": "keep", "who": PERSON, "doc:$": "keep", "doc:$.l[*]": PERSON}
    source = {"format": "delta", "path": f"{lake}/raw/t"}
    target = {"path": f"{lake}/treated/t", "mode": "incremental"}
    conf = lakes.configured(lake, lakes.table("t", lake, columns, source=source, target=target, subject="who"))
    if listed:
        conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    rows = [(at, name(at), json.dumps({"l": [name(at + 1)]})) for at in range(4)]
    spark.createDataFrame(rows, "nr int, who string, doc string").write.format("delta").save(f"{lake}/raw/t")
    pseudonymize.run(spark, conf, "t")
    wanted = Wanted(Asked("customer", pa.array([name(2)])), sources=not listed)
    made = {each.name: (each.rows_deleted, each.elements_removed) for each in erase.run(spark, conf, wanted).tables}
    assert made["t"] == (1, 1)
    return conf


def verified(spark: SparkSession, conf: Config) -> dict[str, str]:
    checks = {each.name: each.outcome for each in verify.run(spark, conf, "t").checks}
    return {check: checks[check] for check in ("rows anew", "counts")}


def test_verify_does_not_check_what_an_erasure_took_out_and_sees_more(spark: SparkSession, lake: Path) -> None:
    """The runs read a version of the source in which they still stand."""
    conf = small(spark, lake, listed=False)
    assert verified(spark, conf) == {"rows anew": "not checked", "counts": "not checked"}
    spark.sql(f"DELETE FROM delta.`{lake}/treated/t` WHERE nr = 0")
    assert verified(spark, conf) == {"rows anew": "fails", "counts": "fails"}, "one more is missing than was erased"


@pytest.mark.sweep
def test_verify_of_persons_within_texts_and_a_list_of_the_erased(spark: SparkSession, lake: Path) -> None:
    assert "fails" not in verified(spark, small(spark, lake, listed=True)).values()


def test_why_it_is_not_known_which_rows_are_of_the_erased() -> None:
    path = ColumnPath.parse("doc:$.l[*]")
    assert erased_since.unfit([Watched(path, (("customer", None),))]) == ""
    told = erased_since.unfit([Watched(path, (("customer", None),), "texts are not looked into")])
    assert "doc:$.l[*]: texts are not looked into" in told


@pytest.mark.parametrize(
    ("rows", "parts", "missing", "others", "may"),
    [(2, 0, 2, 0, True), (2, 0, 3, 0, False), (2, 0, -1, 0, False), (2, 0, 2, 1, False), (2, 3, 4, 2, True),
     (2, 3, 5, 2, False), (None, 0, 1, 0, False), (None, 3, 2, 2, True)],
)  # fmt: skip
def test_how_much_an_erasure_may_explain(rows: int | None, parts: int, missing: int, others: int, may: bool) -> None:
    assert Since(3, rows, parts).may_be(missing, others) is may
