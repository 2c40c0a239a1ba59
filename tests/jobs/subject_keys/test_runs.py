"""Runs whose values are encrypted under keys of their subjects, and what is left once those keys are destroyed."""

from __future__ import annotations

import datetime
import decimal
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs import erase, pseudonymize, rotate_keys, shred, verify
from jobs.console.exit_codes import BadUsage, Refused
from jobs.erasure.carried_out import Wanted
from jobs.lake.record_names import RECORD
from jobs.risk_measures.report import count as few
from jobs.rotation.scope import Asked
from jobs.subject_keys import given, trees
from jobs.subjects.asked import Asked as OfDomain
from jobs.table_run import execution as execution_of_runs
from privacy_udfs.errors import LakenymError
from privacy_udfs.keys import key_check_value, load_keyset
from tests.helpers import audits, kills, lakes, rotations, shredding
from tests.helpers import reversals as back
from tests.helpers.lakes import column
from tests.helpers.shredding import GCM, MAIL, SIV

SCHEMA = "id bigint, mail string, other string, home struct<street: string, zip: string>, born date, amount int"
BORN = datetime.date(1985, 2, 28)
ROWS: list[tuple[Any, ...]] = [
    (1, "ann@x.org", "ann@x.org", ("Canary Street", "z"), BORN, 10),
    (2, "ann@x.org", None, None, BORN, 20),
    (1, "bob@x.org", "ann@x.org", (None, "z"), None, 30),
    (3, None, None, (None, "q"), None, 40),
]
CUSTOMER = {"domain": "customer"}
COLUMNS: dict[str, Any] = {
    "id": column(CUSTOMER, "direct_identifier"),
    "mail": column(MAIL, "direct_identifier"),
    "other": column(MAIL, "direct_identifier"),
    "home.street": column(GCM, "direct_identifier"),
    "home.zip": column("keep", "non_personal"),
    "born": column({**SIV, "encoding": "binary"}, "direct_identifier"),
    "amount": column("keep", "non_personal"),
}
UNDER = ("mail", "other", "home.street", "born")


def source(spark: SparkSession, lake: Path, rows: list[tuple[Any, ...]] = ROWS) -> dict[str, Any]:
    path = str(lake / "raw" / "t")
    spark.createDataFrame(rows, SCHEMA).write.format("delta").mode("append").save(path)
    return {"source": {"format": "delta", "path": path}}


def found(spark: SparkSession, lake: Path) -> dict[int, Any]:
    return {row["amount"]: row for row in lakes.treated(spark, lake).collect()}


def files_with(folder: Path, secrets: list[bytes]) -> list[str]:
    """The files below a folder in which one of the byte strings stands."""
    contents = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return [path.name for path, content in contents.items() if any(secret in content for secret in secrets)]


def test_a_copy_taken_before_opens_no_more_once_keys_are_destroyed(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shred.main(["create", "--path", str(lake / "subject_keys")]) == 0
    id_ = re.findall('id: "(tree-[0-9a-f]{32})"', capsys.readouterr().out)[0]
    monkeypatch.setitem(lakes.DOMAINS, "mail_of_one", SIV)
    conf = shredding.with_the_way_back(lake, id_, COLUMNS, **source(spark, lake))
    done = pseudonymize.run(spark, conf, "t")
    assert (done.execution, done.not_columnar) == ("columnar", None)
    assert done.counts["mail"] == (3, 1, 0)
    _equal_within_a_subject_alone(spark, lake)
    shutil.copytree(lake / "treated", lake / "copy")
    wanted = back.asked(*UNDER, beside=("amount",))
    turned = back.turned(spark, conf, wanted, back.approved(spark, lake, conf, wanted)).shown
    assert turned is not None
    got = {row["amount"]: row for row in turned.to_pylist()}
    assert [got[n]["mail"] for n in (10, 20, 30, 40)] == ["ann@x.org", "ann@x.org", "bob@x.org", None]
    assert (got[10]["home"]["street"], str(got[20]["born"])) == ("Canary Street", "1985-02-28")
    assert None not in shredding.opened(spark, lake, conf, lake / "copy" / "t", UNDER).values()
    gone = shredding.secrets(spark, lake)
    assert files_with(lake / "subject_keys", gone)
    (lake / "subjects").write_text("1\n77\n")
    asked = ["destroy", "--conf", str(lake / "conf"), "--key", "crm", "--subjects", str(lake / "subjects")]
    assert shred.main(asked) == 2
    assert "say --forever if that is meant" in capsys.readouterr().err
    assert shred.main([*asked, "--forever"]) == 0
    assert "crm: < 10 keys of < 10 subjects are destroyed\n" in capsys.readouterr().out
    assert shred.main([*asked, "--forever", "--missing-ok"]) == 0
    assert "those of < 10 had been destroyed before" in capsys.readouterr().out
    assert files_with(lake / "subject_keys", gone) == []
    assert shred.destroy(spark, conf, "crm", ["1"]) == 0
    assert shred.run(spark, conf, "crm")["files of no version"] == 0
    for place in (lake / "copy" / "t", lake / "treated" / "t"):
        now = shredding.opened(spark, lake, conf, place, UNDER)
        assert {whose for whose, value in now.items() if value is None} == {
            (amount, path) for amount, path in now if amount in (10, 30)
        }
        assert now[20, "mail"] == "ann@x.org"
    with pytest.raises(Refused, match=r"t: mail: the key of a value's subject was destroyed; nothing is shown"):
        back.turned(spark, conf, wanted, back.approved(spark, lake, conf, wanted))
    of_two = back.asked("mail", where="amount = 20")
    shown = back.turned(spark, conf, of_two, back.approved(spark, lake, conf, of_two)).shown
    assert shown is not None
    assert shown.to_pylist() == [{"mail": "ann@x.org"}]
    told = audits.listed(spark, conf, kinds=["subject_keys"])
    assert [each["outcome"] for each in told] == ["began", "done"] * 3
    assert {each["body"]["subjects"] for each in told} == {few(1)}
    erasing = Wanted(OfDomain("customer", pa.array([2])))
    made = erase.run(spark, conf, erasing)
    assert (made.subject_keys, [each.rows_deleted for each in made.tables]) == (1, [1])
    assert set(shredding.opened(spark, lake, conf, lake / "copy" / "t", UNDER).values()) == {None}
    assert erase.run(spark, conf, erasing).subject_keys == 0


NUMBERS = ("1001.00", "-7.50", "1001.", "12,50", "1.0E-7", "0E-18", " 42")
TIMES = ("2024-02-29 12:00:00", "2024-02-29T12:00:00.250Z", "2024-02-29T12:00:00+01:00", "12:00", "12:00:00.0")


@pytest.mark.parametrize("line", [*NUMBERS, *TIMES])
def test_a_line_that_would_miss_whoever_is_meant_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "ids").write_text(f"17\n{line}\n")
    with pytest.raises(BadUsage, match="line 2 is a number or a time that is not spelled as keys") as told:
        given.ids(tmp_path / "ids", as_text=False)
    assert line not in str(told.value).partition(": write")[0]
    assert given.ids(tmp_path / "ids", as_text=True) == ["17", line]


def test_lines_are_taken_as_they_stand(tmp_path: Path) -> None:
    """As canonical bytes have them, with what else splits lines of text, without the mark that editors put first."""
    lines = ["17", "007", "+4930", "1.5", "-0.5", "12e5", "2024-02-29", "2024-02-29T12:00:00.25Z", "12:00:00", " Ann "]
    lines += ["a\u2028b\x0b\x0c\x1c\x85c", "a\rb"]
    (tmp_path / "ids").write_bytes("".join(f"{line}\r\n" for line in [*lines, "17"]).encode("utf-8-sig"))
    assert given.ids(tmp_path / "ids", as_text=False) == lines
    for content, told in ((b"", "holds no subjects"), (b"1\x007\x00\n\x00", "zero bytes"), (b"\xff\xfe1\x00", "UTF-8")):
        (tmp_path / "ids").write_bytes(content)
        with pytest.raises(BadUsage, match=told):
            given.ids(tmp_path / "ids", as_text=False)


def test_a_key_that_no_table_uses_is_not_destroyed_from(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the steps of the subject's own column other leaves would go, and those of whoever is meant stay."""
    columns = {"id": column(CUSTOMER, "direct_identifier"), "mail": "redact", "amount": "keep"}
    shredding.configured(lake, f"tree-{'0' * 32}", columns)
    (lake / "ids").write_text("Ann@x.org\n")
    asked = ["--conf", str(lake / "conf"), "--key", "crm", "--subjects", str(lake / "ids"), "--forever"]
    assert shred.main(["destroy", *asked]) == 2
    assert "no table of the catalog has columns under the key crm" in capsys.readouterr().err


@pytest.mark.sweep
def test_ids_of_a_file_are_those_of_a_source(spark: SparkSession, lake: Path) -> None:
    """Decimals, which Spark writes with all places of their fraction; text with a mark before it and odd breaks."""
    columns = {"id": column(CUSTOMER, "direct_identifier"), "mail": column(SIV, "direct_identifier"), "amount": "keep"}
    id_, schema = shredding.made(spark, lake), "id {}, mail string, amount int"
    rows = [(decimal.Decimal(1001), "a", 1), (decimal.Decimal("1.5"), "b", 2), (decimal.Decimal(3), "c", 3)]
    spark.createDataFrame(rows, schema.format("decimal(38,10)")).write.parquet(str(lake / "raw" / "t"))
    conf = shredding.configured(lake, id_, columns)
    pseudonymize.run(spark, conf, "t")
    asked = ["destroy", "--conf", str(lake / "conf"), "--key", "crm", "--subjects", str(lake / "ids"), "--forever"]

    def opens(content: bytes, code: int = 0) -> set[str | None]:
        (lake / "ids").write_bytes(content)
        assert shred.main(asked) == code
        return {*shredding.opened(spark, lake, conf, lake / "treated" / "t", ["mail"]).values()} - {None}

    as_it_stands = spark.read.parquet(str(lake / "raw" / "t")).selectExpr("cast(id as string)").collect()
    assert opens("\n".join(row[0] for row in as_it_stands).encode(), 2) == {*"abc"}
    assert opens(b"1001\r\n1.5\r\n") == {"c"}
    shutil.rmtree(lake / "raw" / "t")
    texts = [("17", "a", 1), ("a\u2028b", "b", 2), ("3", "c", 3), ("4", "d", 4)]
    spark.createDataFrame(texts, schema.format("string")).write.parquet(str(lake / "raw" / "t"))
    conf = shredding.configured(
        lake, id_, {**columns, "mail": column({**SIV, "on_refused": "null"}, "direct_identifier")}
    )
    pseudonymize.run(spark, conf, "t")
    assert opens("\ufeff17\na\u2028b\n".encode()) == {"c", "d"}


def _equal_within_a_subject_alone(spark: SparkSession, lake: Path) -> None:
    rows = found(spark, lake)
    assert rows[10]["mail"] == rows[10]["other"] == rows[30]["other"]
    assert len({rows[n]["mail"] for n in (10, 20, 30)}) == 3
    assert rows[10]["home"]["zip"] == "z"
    assert rows[10]["born"] != rows[20]["born"]
    assert shredding.rows(spark, lake).count() == 1


@pytest.mark.sweep
def test_held_to_what_is_said_of_it_and_no_key_for_whoever_comes_again(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {**source(spark, lake), "target": {"path": str(lake / "treated" / "t"), "mode": "incremental"}}
    conf = shredding.configured(lake, shredding.made(spark, lake), COLUMNS, **more)
    pseudonymize.run(spark, conf, "t")
    _held_to_what_is_said_of_it(spark, conf, lake)
    _told_apart_otherwise(spark, conf, lake, monkeypatch)
    assert shred.destroy(spark, conf, "crm", ["1"]) == 1
    _no_key_for_whoever_comes_again(spark, conf, lake)


def _told_apart_otherwise(spark: SparkSession, conf: Any, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps that were changed since, with no run in between: nobody's key is destroyed, by neither job."""
    with monkeypatch.context() as patched:
        patched.setitem(lakes.DOMAINS, "customer", {**lakes.DOMAINS["customer"], "normalize": ["lower"]})
        more = {"source": {"format": "delta", "path": str(lake / "raw" / "t")}}
        changed = shredding.configured(lake, conf.keys["crm"].subject_keys.id, COLUMNS, **more)
        with pytest.raises(Refused, match="key crm: table t was treated with another normalization of its subjects"):
            shred.destroy(spark, changed, "crm", ["1"])
        with pytest.raises(Refused, match="key crm: table t was treated with another normalization of its subjects"):
            erase.plan(spark, changed, Wanted(OfDomain("customer", pa.array([2]))))
    assert shred.alive(spark, conf, "crm", ["1", "2"]) == (2, 2)


def _held_to_what_is_said_of_it(spark: SparkSession, conf: Any, lake: Path) -> None:
    entry = lakes.record(spark, lake)["columns"]["mail"]
    id_ = conf.keys["crm"].subject_keys.id
    assert (entry["parameters"]["key_per"], entry["parameters"]["subject_keys"]) == ("subject", id_)
    assert entry["parameters"]["subject_normalize"] == ["nfc", "trim"]
    told = json.loads(spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/t`").collect()[0]["userMetadata"])
    assert told["vaults"]["subject_keys:crm"]["id"] == id_
    log = "".join(path.read_text() for path in (lake / "subject_keys" / "_delta_log").glob("*.json"))
    assert "minValues" not in log
    assert (lake / "subject_keys").stat().st_mode & 0o777 == 0o700
    checks = {check.name: check for check in verify.run(spark, conf, "t").checks}
    assert {checks[name].outcome for name in ("shapes", "record anew", "rows anew")} == {"holds"}


def _no_key_for_whoever_comes_again(spark: SparkSession, conf: Any, lake: Path) -> None:
    old = found(spark, lake)[10]["mail"]
    source(spark, lake, [(1, "ann@x.org", None, None, None, 50), (2, "bob@x.org", None, None, None, 60)])
    with pytest.raises(LakenymError, match="1 of subjects whose keys were destroyed, and who never") as told:
        pseudonymize.run(spark, conf, "t")
    assert "x.org" not in str(told.value)
    columns = {
        **COLUMNS,
        "mail": column({**SIV, "on_refused": "null", "normalize": ["trim", "lower"]}, "direct_identifier"),
    }
    more = {
        "source": {"format": "delta", "path": str(lake / "raw" / "t")},
        "target": {"path": str(lake / "treated" / "again")},
    }
    nulled = shredding.configured(
        lake,
        conf.keys["crm"].subject_keys.id,
        {**columns, "other": "drop", "born": "drop", "home.street": "drop"},
        **more,
    )
    done = pseudonymize.run(spark, nulled, "t")
    assert done.counts["mail"] == (2, 1, 3)
    rows = {row["amount"]: row["mail"] for row in lakes.treated(spark, lake, "again").collect()}
    assert {amount for amount, mail in rows.items() if mail is None} == {10, 30, 40, 50}
    assert found(spark, lake)[10]["mail"] == old


def test_a_value_of_nobody_stops_the_run(spark: SparkSession, lake: Path) -> None:
    conf = shredding.configured(lake, shredding.made(spark, lake), COLUMNS, **source(spark, lake))
    source(spark, lake, [(None, "eve@x.org", None, None, None, 50)])
    with pytest.raises(Exception, match=r"t: mail: deterministic_encryption cannot treat 1 of \d+ values") as told:
        pseudonymize.run(spark, conf, "t")
    assert "eve" not in str(told.value)
    assert "1 of nobody (the subject is null or empty)" in str(told.value)
    assert not list((lake / "treated" / "t" / "_delta_log").glob("*.json"))


@pytest.mark.sweep
def test_a_target_of_the_first_form_is_refused_but_for_treating_it_anew(spark: SparkSession, lake: Path) -> None:
    """By what its record says, as a release before this one wrote it."""
    columns, more = {"id": CUSTOMER, "mail": MAIL, "amount": "keep"}, source(spark, lake)
    columns |= {"other": "drop", "home": "drop", "born": "drop"}
    id_ = shredding.made(spark, lake)
    growing = {**more, "target": {"path": str(lake / "treated" / "t"), "mode": "incremental"}}
    conf = shredding.with_the_way_back(lake, id_, columns, **growing)
    pseudonymize.run(spark, conf, "t")
    _as_of_the_first_form(spark, conf, lake, id_)
    for made in (lambda: pseudonymize.run(spark, conf, "t"), lambda: pseudonymize.prepare(spark, conf, "t")):
        with pytest.raises(LakenymError, match="treated under the first form of subjects' keys, a row for each"):
            made()
    wanted = back.asked("mail")
    with pytest.raises(Refused, match="t: mail: treated under the first form of subjects' keys"):
        back.approved(spark, lake, conf, wanted)
    with pytest.raises(Refused, match="t: mail: treated under the first form of subjects' keys"):
        verify.run(spark, conf, "t")
    conf = shredding.with_the_way_back(lake, id_, columns, **more)
    assert pseudonymize.run(spark, conf, "t").mode == "full"
    assert None not in shredding.opened(spark, lake, conf, lake / "treated" / "t", ["mail"]).values()


def _as_of_the_first_form(spark: SparkSession, conf: Any, lake: Path, id_: str) -> None:
    target, older = f"delta.`{lake}/treated/t`", id_.removeprefix("tree-")
    technique = conf.tables["t"].columns["mail"].treatment.technique
    before, after = (
        key_check_value(load_keyset(conf.keys["crm"].keyset).subkey(each, "any"))
        for each in (technique, technique.model_copy(update={"subject_keys": older}))
    )
    record = spark.sql(f"SHOW TBLPROPERTIES {target} ('{RECORD}')").collect()[0]["value"]
    assert id_ in record
    assert before in record
    told = record.replace(id_, older).replace(before, after)
    spark.sql(f"ALTER TABLE {target} SET TBLPROPERTIES ('{RECORD}' = '{told}')")


@pytest.mark.sweep
def test_a_new_version_of_the_key_gives_new_keys_and_both_are_destroyed(spark: SparkSession, lake: Path) -> None:
    conf = shredding.configured(lake, shredding.made(spark, lake), COLUMNS, **source(spark, lake))
    pseudonymize.run(spark, conf, "t")
    shutil.copytree(lake / "treated", lake / "copy")
    old, _ = rotations.promoted(lake)
    with pytest.raises(Refused, match="key crm: columns of t are under keys of subjects, which a rotation"):
        rotate_keys.run(spark, conf, Asked(key="crm"))
    pseudonymize.run(spark, conf, "t", accept_other_key_version=True)
    assert shredding.rows(spark, lake).count() == 2  # a tree for each version
    before = shredding.opened(spark, lake, conf, lake / "copy" / "t", ["mail"], key_id=old)
    assert before[10, "mail"] == "ann@x.org"
    assert shred.destroy(spark, conf, "crm", ["1"]) == 2
    after = shredding.opened(spark, lake, conf, lake / "copy" / "t", ["mail"], key_id=old)
    assert (after[10, "mail"], after[20, "mail"]) == (None, "ann@x.org")
    now = shredding.opened(spark, lake, conf, lake / "treated" / "t", ["mail"])
    assert (now[10, "mail"], now[20, "mail"]) == (None, "ann@x.org")


@pytest.mark.sweep
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_driver_killed_as_it_makes_the_tree(spark: SparkSession, lake: Path, when: str) -> None:
    """Between the table of keys and the treated table: run again, there is one tree, and every value opens."""
    conf = shredding.configured(lake, shredding.made(spark, lake), COLUMNS, **source(spark, lake))
    kills.killed(lake, "jobs.lake.closed_table", "added", when)
    trees = shredding.secrets(spark, lake)
    assert len(trees) == (1 if when == "after" else 0)
    assert not list((lake / "treated" / "t" / "_delta_log").glob("*.json"))
    pseudonymize.run(spark, conf, "t")
    assert len(shredding.secrets(spark, lake)) == 1
    assert when == "before" or shredding.secrets(spark, lake) == trees
    assert None not in shredding.opened(spark, lake, conf, lake / "treated" / "t", UNDER).values()


@pytest.mark.sweep
@pytest.mark.parametrize("execution", ["columnar", "spark"])
def test_a_run_whose_keys_are_destroyed_under_it_leaves_nothing_that_opens(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, execution: Any
) -> None:
    """It has read the tree before: what it seals for this subject nobody opens, and nodes of before are nowhere."""
    conf = shredding.configured(lake, shredding.made(spark, lake), COLUMNS, **source(spark, lake))
    before = list[bytes]()
    written = execution_of_runs._written

    def meanwhile(*given: Any) -> Any:
        before.extend(shredding.secrets(spark, lake))
        assert shred.destroy(spark, conf, "crm", ["1"]) == 1
        return written(*given)

    monkeypatch.setattr(execution_of_runs, "_written", meanwhile)
    pseudonymize.run(spark, conf, "t", execution=execution)
    opened = shredding.opened(spark, lake, conf, lake / "treated" / "t", UNDER)
    assert {amount for (amount, _), value in opened.items() if value is None} == {10, 30}
    assert opened[20, "mail"] == "ann@x.org"
    assert files_with(lake, before) == []


@pytest.mark.sweep
def test_many_nodes_travel_apart_and_leave_no_file(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "WITHIN", 0)
    conf = shredding.configured(lake, shredding.made(spark, lake), COLUMNS, **source(spark, lake))
    for way in ("columnar", "spark"):
        pseudonymize.run(spark, conf, "t", execution=way)  # type: ignore[arg-type]
        assert None not in shredding.opened(spark, lake, conf, lake / "treated" / "t", UNDER).values()
    temporary = spark.sparkContext._temp_dir
    assert files_with(Path(str(temporary)), shredding.secrets(spark, lake)) == []


NESTED = "id bigint, mails array<string>, tags map<string, string>, kind string, note string, amount int"


@pytest.mark.sweep
@pytest.mark.parametrize("execution", ["columnar", "spark"])
def test_nested_values_cases_and_json_text(spark: SparkSession, lake: Path, execution: Any) -> None:
    path = str(lake / "raw" / "t")
    rows = [(1, ["a@x", None, "b@x"], {"k": "v"}, "x", '{"m": "a@x", "n": 1}', 10), (2, ["a@x"], None, "y", None, 20)]
    spark.createDataFrame(rows, NESTED).write.format("delta").save(path)
    under = column(MAIL, "direct_identifier")
    columns = {
        "id": column(CUSTOMER, "direct_identifier"),
        "mails[]": under,
        "tags{key}": column("keep", "non_personal"),
        "tags{value}": under,
        "kind": column("keep", "non_personal"),
        "note.json.m": under,
        "note.json.n": column("keep", "non_personal"),
        "amount": column("keep", "non_personal"),
    }
    del columns["note.json.m"], columns["note.json.n"]
    columns["note"] = {
        "class": "direct_identifier",
        "why": "x",
        "when": [{"rows": "kind = 'x'", "treatment": MAIL}, {"rows": "kind <> 'x'", "treatment": "redact"}],
    }
    if execution == "columnar":
        columns["note"] = under
    id_ = shredding.made(spark, lake)
    conf = shredding.with_the_way_back(lake, id_, columns, source={"format": "delta", "path": path})
    pseudonymize.run(spark, conf, "t", execution=execution)
    treated = {row["amount"]: row for row in lakes.treated(spark, lake).collect()}
    assert treated[10]["mails"][0] != treated[20]["mails"][0]
    assert treated[10]["mails"][1] is None
    names = ("mails[]", "tags{value}", "note")
    wanted = back.asked(*names, beside=("tags{key}", "amount"))
    shown = back.turned(spark, conf, wanted, back.approved(spark, lake, conf, wanted)).shown
    assert shown is not None
    got = {row["amount"]: row for row in shown.to_pylist()}
    assert got[10]["mails"] == ["a@x", None, "b@x"]
    assert dict(got[10]["tags"]) == {"k": "v"}
    assert got[10]["note"] == '{"m": "a@x", "n": 1}'
    made = back.turned(spark, conf, wanted, back.approved(spark, lake, conf, wanted), output=str(lake / "shown"))
    assert (made.rows, made.execution, made.not_columnar) == (2, "columnar", None)
    again = {row["amount"]: row for row in spark.read.format("delta").load(str(lake / "shown")).collect()}
    assert (again[10]["mails"], again[20]["mails"]) == (["a@x", None, "b@x"], ["a@x"])
    assert shred.destroy(spark, conf, "crm", ["2"]) == 1
    with pytest.raises(Refused, match=r"t: mails\[\]: the key of a value's subject was destroyed; nothing is shown"):
        back.turned(spark, conf, wanted, back.approved(spark, lake, conf, wanted))


@pytest.mark.sweep
def test_rows_that_change_one_by_one(spark: SparkSession, lake: Path) -> None:
    path = str(lake / "raw" / "t")
    spark.sql(f"CREATE TABLE delta.`{path}` (id bigint, mail string, amount int) USING delta "
              "TBLPROPERTIES (delta.enableChangeDataFeed = true)")  # fmt: skip
    spark.sql(f"INSERT INTO delta.`{path}` VALUES (1, 'a@x', 10), (2, 'a@x', 20), (3, 'a@x', 30)")
    more = {"source": {"format": "delta", "path": path},
            "target": {"path": str(lake / "treated" / "t"), "mode": "changes", "key": ["id"]}}  # fmt: skip
    columns = {"id": CUSTOMER, "mail": MAIL, "amount": "keep"}
    conf = shredding.configured(lake, shredding.made(spark, lake), columns, **more)
    pseudonymize.run(spark, conf, "t")
    spark.sql(f"UPDATE delta.`{path}` SET mail = 'b@x' WHERE id = 1")
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id = 2")
    spark.sql(f"INSERT INTO delta.`{path}` VALUES (4, 'd@x', 40)")
    assert pseudonymize.run(spark, conf, "t").mode == "changes"
    opened = shredding.opened(spark, lake, conf, lake / "treated" / "t", ["mail"])
    assert opened == {(10, "mail"): "b@x", (30, "mail"): "a@x", (40, "mail"): "d@x"}


@pytest.mark.sweep
@pytest.mark.parametrize("mode", ["stream", "partitions", "quarantine"])
def test_other_ways_to_run(spark: SparkSession, lake: Path, mode: str) -> None:
    """Keys of a first run stay those of a second one; a value of nobody is set aside."""
    id_, path = shredding.made(spark, lake), str(lake / "raw" / "t")
    whom = "if(id = 3, null, id)" if mode == "quarantine" else "id"
    columns = [f"{whom} AS id", "'x' AS mail", "cast(id % 2 AS int) AS amount"]
    spark.range(4).selectExpr(*columns).write.format("delta").save(path)
    target: dict[str, Any] = {"path": str(lake / "treated" / "t"), "partition_by": ["amount"]}
    more: dict[str, Any] = {"source": {"format": "delta", "path": path}, "target": target}
    if mode == "quarantine":
        more |= {"on_refused": "quarantine", "quarantine": {"path": f"{lake}/aside", "key": "aside"}}
    conf = shredding.configured(lake, id_, {"id": CUSTOMER, "mail": MAIL, "amount": "keep"}, **more)
    asked: Any = "stream" if mode == "stream" else "incremental"
    first = pseudonymize.run(spark, conf, "t", mode=asked)
    before = {row["mail"] for row in lakes.treated(spark, lake).collect()}
    many = 3 if mode == "quarantine" else 4
    assert (len(before), first.quarantined) == (many, 4 - many)
    spark.range(2, 6).selectExpr("id", *columns[1:]).write.format("delta").mode("append").save(path)
    if mode == "partitions":
        pseudonymize.run(spark, conf, "t", mode="partitions", where="amount = 1")
        assert [lakes.treated(spark, lake).where(f"amount = {day}").count() for day in (0, 1)] == [2, 4]
        return
    pseudonymize.run(spark, conf, "t", mode=asked)
    after = [row["mail"] for row in lakes.treated(spark, lake).collect()]
    assert (len(after), len(set(after))) == (8 - (4 - many), 6)
    assert before <= set(after)
    assert shredding.rows(spark, lake).count() == 1
    if mode == "quarantine":  # verify sees rows anew all the same, but for as many as were set aside
        anew = {each.name: each for each in verify.run(spark, conf, "t").checks}["rows anew"]
        assert (anew.outcome, "which 1 row mail set aside is not known" in anew.said) == ("holds", True), anew
        for change in ("SET amount = amount + 10", None):
            said = f"UPDATE delta.`{target['path']}` {change}" if change else f"DELETE FROM delta.`{target['path']}`"
            version = spark.sql(f"DESCRIBE HISTORY delta.`{target['path']}`").head()["version"]  # type: ignore[index]
            spark.sql(f"{said} WHERE amount = 1")
            anew = {each.name: each for each in verify.run(spark, conf, "t").checks}["rows anew"]
            assert anew.outcome == "fails", (change, anew)
            spark.sql(f"RESTORE TABLE delta.`{target['path']}` TO VERSION AS OF {version}")
