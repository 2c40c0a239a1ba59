"""The demo, as a person runs it, on a smaller lake; and what an attacker would look for in what it leaves."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import demo, demo_lake, pseudonymize, report, verify
from jobs.columnar import fitting
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.lake import read
from jobs.run_events import events
from jobs.run_events.events import Committed, Event, Report
from jobs.spark_app import session
from jobs.verification import outcome
from tests.helpers.byte_scan import contents, found, is_said, texts
from tests.helpers.places import ROOT
from tests.helpers.sweeps import but_for

REPORTED: list[Event] = []
"""What was said while the demo's tables were treated the first time."""


@pytest.fixture(scope="module")
def treated(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Config]:
    return _treated(spark, tmp_path_factory.mktemp("demo"), REPORTED.append)


def _treated(spark: SparkSession, root: Path, report: Report = events.silent) -> tuple[Path, Config]:
    """The same raw lake each time, treated with new keys."""
    demo_lake.build(root / "lake", customers=2000)
    conf = demo.prepare(root, ROOT / "conf")
    for table in conf.tables:
        pseudonymize.run(spark, conf, table, report=report)
    return root, conf


def identifiers(spark: SparkSession, conf: Config) -> set[bytes]:
    """Every value of every direct identifier of the raw lake that is not kept, as text and as bytes."""
    wanted: set[bytes] = set()
    for table in conf.tables.values():
        rows = read.rows_of(spark, table.source).rows.toArrow()
        for path, rule in table.columns.items():
            if rule.class_ == "direct_identifier" and rule.treatment.technique.technique != "keep":
                wanted |= texts(_leaf(rows, ColumnPath.parse(path)))
    words = b"\n".join(path.read_bytes() for path in (ROOT / "conf").rglob("*") if path.is_file())
    return wanted - found(wanted, words)  # someone is called England, and New England is a label of a hierarchy


def _leaf(rows: pa.Table, path: ColumnPath) -> pa.Array:
    values = rows[path.root].combine_chunks()
    for step in path.steps[1:]:
        values = values.flatten() if str(step) == "[]" else pa.compute.struct_field(values, step.name)  # type: ignore[union-attr]
    return values


def test_no_raw_identifier_is_in_any_byte_of_the_treated_lake(
    spark: SparkSession, treated: tuple[Path, Config], tmp_path: Path
) -> None:
    """Among the digits of so many pseudonyms a number of an order turns up by chance. By chance it does so under one
    key: what is there under other keys too is a leak."""
    root, conf = treated
    wanted = identifiers(session.for_run(spark), conf)
    assert len(wanted) > 20_000
    there = said(wanted, root)
    assert len(there) < 20
    if there:
        again, _ = _treated(spark, tmp_path / "again")
        there = said(there, again)
    assert not there, f"the treated lake holds {len(there)} raw identifiers"


def said(wanted: set[bytes], root: Path) -> set[bytes]:
    files = list(contents(root / "lake" / "treated"))
    assert sum(name.endswith("(pages)") for name, _ in files) >= 5
    return {each for _, content in files for each in found(wanted, content) if is_said(each, content)}


def test_the_scan_finds_what_is_there(spark: SparkSession, treated: tuple[Path, Config]) -> None:
    root, conf = treated
    wanted = identifiers(session.for_run(spark), conf)
    raw = contents(root / "lake" / "raw")
    assert any(is_said(each, content) for _, content in raw for each in found(wanted, content))


def test_a_packed_number_is_seen_as_a_value_and_as_a_bound(tmp_path: Path) -> None:
    """And not where two numbers of four bytes look like one."""
    number = (1 << 53) + 32
    packed = number.to_bytes(8, "little")
    seen = {
        "value": pa.table({"a": pa.array([[1, number]], pa.list_(pa.int64()))}),
        "bound": pa.table({"a": pa.array([7, number], pa.int64()).dictionary_encode()}),
        "beside": pa.table({"a": pa.array([32, 1 << 21], pa.int32())}),
    }
    for name, rows in seen.items():
        pq.write_table(rows, tmp_path / f"{name}.parquet", compression="none", use_dictionary=False)
        content = (tmp_path / f"{name}.parquet").read_bytes()
        assert found({packed}, content) == {packed}
        assert is_said(packed, content) == (name != "beside")


TABLES = ("crm.customers", "crm.accounts", "crm.orders", "web.events", "census.census2000")


@pytest.mark.parametrize("table", but_for(["crm.customers"], TABLES))
def test_each_table_is_verified_and_nothing_survives(
    spark: SparkSession, treated: tuple[Path, Config], table: str
) -> None:
    """In the census nobody is named: there is no value to look for."""
    found = verify.run(spark, treated[1], table)
    not_made = ["survivors"] if table == "census.census2000" else []
    told = {check.name: check.outcome for check in found.checks}
    assert [name for name, each in told.items() if each == "not checked"] == not_made, [*outcome.lines(found)]
    assert {each for name, each in told.items() if name not in not_made} == {"holds"}, [*outcome.lines(found)]


def test_no_raw_identifier_is_in_a_page_of_the_report(spark: SparkSession, treated: tuple[Path, Config]) -> None:
    """What may be words of a page is not looked for: first names, and numbers that are a part of a hash."""
    pages = report.pages(report.facts(spark, treated[1], ["crm.customers"]))
    wanted = {each for each in identifiers(session.for_run(spark), treated[1]) if b"@" in each or len(each) > 11}
    assert len(wanted) > 5_000
    assert sorted(pages) == ["crm.customers.html", "index.html"]
    for text in pages.values():
        assert "Nothing to show: no drift was given" in text or "The lake" in text
        assert found(wanted, text.encode()) == set()


@pytest.mark.sweep
@pytest.mark.parametrize("turn", range(5))
def test_under_no_keys_is_there_a_false_alarm(spark: SparkSession, tmp_path: Path, turn: int) -> None:
    """Each turn makes keys of its own, so that all pseudonyms are others."""
    _, conf = _treated(spark, tmp_path)
    for table in TABLES:
        found = verify.run(spark, conf, table)
        assert not found.fails, [turn, *outcome.lines(found)]
        assert found.scanned is not None
        assert not found.scanned.survivors


def test_the_join_on_pseudonyms_is_the_raw_join(spark: SparkSession, treated: tuple[Path, Config]) -> None:
    counts = demo.joins(session.for_run(spark), treated[1])
    assert counts["raw"] == counts["treated"] > 4000


def test_the_same_customer_is_shown_before_and_after(spark: SparkSession, treated: tuple[Path, Config]) -> None:
    lines = demo.before_and_after(session.for_run(spark), treated[1])
    years = [line.split() for line in lines if line.startswith("birth_date")]
    assert len(years) == 3
    for _, before, after, technique in years:
        assert after == f"{before[:4]}-01-01"
        assert technique == "generalize_date"


def test_records_stand_one_below_the_other_and_what_is_kept_is_a_number(
    spark: SparkSession, treated: tuple[Path, Config]
) -> None:
    lines = demo.before_and_after(session.for_run(spark), treated[1])
    columns = treated[1].tables["crm.customers"].columns
    kept = [path for path, rule in columns.items() if rule.treatment.technique.technique == "keep"]
    assert len(kept) == 2
    assert [line for line in lines if line.startswith("customer ")] == ["customer 1", "customer 2", "customer 3"]
    assert lines.count("and 2 columns kept") == 3
    assert not [line for line in lines if line.split()[:1] in [[path] for path in kept]]
    assert max(map(len, lines)) <= 36 + 2 + 36 + 2 + 28 + 2 + 20


def test_keys_are_the_owners_only(treated: tuple[Path, Config]) -> None:
    found = list((treated[0] / "keys").iterdir())
    assert len(found) == len(treated[1].keys)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in found)


def test_the_demo_says_which_path_each_table_took(
    treated: tuple[Path, Config], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of Spark's path also why."""
    for event in REPORTED:
        if isinstance(event, Committed):
            events.terminal(event)
    printed = capsys.readouterr().out
    said = {line.partition(":")[0]: line for line in printed.splitlines() if ": version 0, " in line}
    assert said.keys() == treated[1].tables.keys()
    for table in ("crm.accounts", "crm.customers", "crm.orders"):
        assert said[table].endswith(", columnar path"), said[table]
    for table in ("census.census2000", "web.events"):
        assert said[table].endswith(f"Spark's path: {fitting.OTHER_SOURCE}"), said[table]
