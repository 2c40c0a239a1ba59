"""``make bench`` by its parts: that what it writes is what it measured. How fast things are is not tested."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from privacy_udfs.kernels.hmac.compiled import fastest
from tests.benchmarks import __main__ as bench
from tests.benchmarks import (
    check,
    growth,
    kernels,
    plot,
    report,
    risk,
    risk_gate,
    scale,
    search,
    shapes,
    small_tables,
    tables,
    targets,
    verified,
)
from tests.benchmarks.timing import ProcessorClock, Spent, Times, in_turn, interleaved


def test_every_group_runs_and_its_cases_agree() -> None:
    """Each case of ``make bench`` runs; those of one group give as many results as they got values."""
    for group in kernels.groups(1000):
        for case in group.cases:
            if case.run is not None:
                result = case.run(case.values)
                assert len(getattr(result, "values", result)) == len(case.values), (group.title, case.name)


def test_a_quick_look_prints_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = report.PAGE.read_bytes()
    assert bench.main(["--quick", "--only", "kernels", "--group", "truncate"]) == 0
    printed = capsys.readouterr().out
    assert "| **truncate** | 20,000 |" in printed
    assert "pyspark 4.2" in printed
    assert report.PAGE.read_bytes() == before


def test_what_is_between_the_marks_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(report, "PAGE", page)
    report.write(["new"])
    assert page.read_text(encoding="utf-8") == f"before\n{report.BEGIN}\n\nnew\n{report.END}\nafter\n"


def test_a_ratio_is_the_median_of_the_turns_ratios() -> None:
    mine, base = Times((1.0, 10.0, 3.0)), Times((2.0, 30.0, 3.0))
    assert base.ratio(mine) == 2.0
    assert base.spread(mine) == (1.0, 3.0)


def test_cases_take_turns() -> None:
    order: list[str] = []
    cases = {name: (lambda name=name: order.append(name)) for name in "ab"}  # type: ignore[misc]
    times = interleaved(cases, 2)
    assert "".join(order) == "ba" + "ab" + "ba"
    assert [len(found.turns) for found in times.values()] == [2, 2]
    assert in_turn(cases, 0) == ["b", "a"]


def test_processor_seconds_of_this_process_are_seen() -> None:
    spent = ProcessorClock().measure(lambda: sum(range(3_000_000)))
    assert 0 < spent.python <= spent.clock + 0.2
    assert spent.jvm >= 0


def measured(loop: float, ours: float) -> dict[str, list[kernels.Row]]:
    def rows(peer: str, *names: str) -> list[kernels.Row]:
        return [kernels.Row(peer, 1, Times((loop,))), *(kernels.Row(name, 1, Times((ours,))) for name in names)]

    hashes = ("**AES-CMAC**", "**HMAC-SHA-256**", "**HMAC-SHA-256, extra `fast`**")
    return {
        targets.HASHING: rows(targets.LOOP, *hashes),
        "Keyed hashing, 500 distinct values": rows(targets.LOOP, *hashes),
        "Deterministic": rows(targets.SIV_PEER, targets.SIV),
        "Format": rows(targets.FF1_PEER, targets.FF1),
    }


@pytest.mark.parametrize(("faster", "met"), [(1000.0, 7), (16.0, 6), (9.0, 3), (1.0, 0)])
def test_verdicts_say_what_is_met_and_what_is_missed(faster: float, met: int) -> None:
    found = targets.of_kernels(measured(faster, 1.0))
    assert sum(verdict.met for verdict in found) == met
    assert report.verdicts(found).count("**missed**") == 7 - met


def test_check_is_measured_over_a_sound_catalog() -> None:
    times = check.measure(1, tables=3)
    assert len(times.turns) == 1
    assert [targets.of_check(Times((seconds,))).met for seconds in (1.9, 2.1)] == [True, False]


def test_small_tables_are_all_treated_each_time(spark: SparkSession, tmp_path: Path) -> None:
    rows = small_tables.calls(spark, tmp_path, 2, lambda _: None)
    assert [row.tables for row in rows] == [2, 2, 2]
    assert all(row.prepared > 0 < row.executed for row in rows)
    assert all(row.jobs >= row.tables for row in rows)
    assert "| the same again | 10 | 0.100 | 0.200 | 0.300 | 1.5 |" in small_tables.as_text(
        [small_tables.Row("the same again", 10, 1.0, 2.0, 15)], 2
    )


def test_verdicts_of_tables_and_the_plot(tmp_path: Path) -> None:
    seconds = {tables.COPY: 10.0, tables.SHA2: 16.0, tables.CMAC: 5.0, tables.HMAC: 19.0}
    rows = [tables.Row(name, (Spent(clock, clock, 0.0),), 2**20) for name, clock in seconds.items()]
    assert [verdict.met for verdict in targets.of_tables(rows)] == [True, False, True]
    assert "| 0.50 x |" in report.table_of_tables(rows, 4_000_000, 1)
    assert plot.draw(tmp_path / "plot.svg", measured(2e-6, 1e-7), rows)
    assert (tmp_path / "plot.svg").read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.sweep
def test_the_search_is_measured_over_rows_from_a_seed(spark: SparkSession, tmp_path: Path) -> None:
    data = search.drawn(300)
    pq.write_table(data.rows, tmp_path / "rows.parquet")
    wishes = {search.TARGET: search.WISHES[search.TARGET]}
    few = {name: data.ladders[name] for name in ("age", "education")}
    found = search.measured(spark, tmp_path / "rows.parquet", few, wishes, lambda _: None)
    assert [row.same for row in found.rows] == [True] * 4
    assert found.asked.exhaustive == found.asked.found.nodes > found.asked.found.checks
    assert search.drawn(300).rows == data.rows
    assert search.as_text(found, None).count("| yes |") == 4
    fewer = targets.of_search(found)[1]
    assert fewer.found == found.asked.found.checks / found.asked.breadth_first


def test_drawn_values_are_as_frequent_as_in_the_census() -> None:
    assert {sum(counts) for counts, _ in search.LEVELS.values()} == {search.ROWS}


@pytest.mark.sweep
def test_risk_is_measured_beside_the_count_of_spark(spark: SparkSession, tmp_path: Path) -> None:
    classes, rows = risk.of_measures(spark, tmp_path / "long", 1000, 1, lambda _: None)
    read = risk.of_reading(spark, tmp_path / "wide", 1000, 100, 1, lambda _: None)
    assert 0 < classes <= 1000
    assert [row.name for row in rows] == [risk.COUNT, risk.K, risk.ALL, risk.K_PEOPLE, risk.ALL_PEOPLE]
    assert [each.columns for each in read] == [100, 6]
    assert all(each.read > 0 for each in read)
    gated = risk.of_gate(spark, tmp_path / "gate", 1000, 1, lambda _: None)
    found = risk.Measured(1000, classes, rows, 1000, read, 1000, gated)
    assert [row.name for row in gated] == [risk_gate.PLAIN, risk_gate.K, risk_gate.ALL]
    assert "Runs of 1,000 rows into a Delta table" in risk.as_text(found, 2)
    assert f"in {classes:,} classes of 6 columns" in risk.as_text(found, 2)
    assert targets.of_risk(found)[2].found == read[0].read / read[1].read


@pytest.mark.parametrize(("part", "changed", "met"), [(0.09, 2.9, [True, True]), (0.2, 3.1, [False, False])])
def test_verdicts_of_growth(part: float, changed: float, met: list[bool]) -> None:
    """1 % took 0.05 s of 1 beyond a run of one row, or 0.16."""
    found = targets.of_growth([growth.Row(1000, 0.04, part, 1.04)], [growth.Changed(1000, changed, 1.0)])
    assert [verdict.met for verdict in found] == met
    assert report.verdicts(found).count("**missed**") == 2 - sum(met)


def test_verdicts_of_scale() -> None:
    """Twice the rows: of 2 and 4, 5 and 10; the run of one row counts for neither."""
    one = scale.Row(1, 0.5, 10, 10)
    few = [one, scale.Row(2, 1.0, 100, 1), scale.Row(4, 2.2, 105, 1), scale.Row(5, 2.5, 109, 1)]
    assert [verdict.met for verdict in targets.of_scale([*few, scale.Row(10, 5.4, 110, 1)])] == [True, True]
    assert [verdict.met for verdict in targets.of_scale([*few, scale.Row(10, 5.6, 111, 1)])] == [False, False]
    assert [verdict.met for verdict in targets.of_scale([one])] == [False, False], "not measured is not met"
    elements = [scale.Elements(10, 1.0, ratio, ratio, 100) for ratio in (1.3, 1.31)]
    assert [targets.of_elements(each).met for each in elements] == [True, False]
    assert "| 1.30 |" in scale.elements_as_text(elements[0])


def test_verdicts_of_shapes_and_what_is_only_shown() -> None:
    def row(name: str, seconds: float) -> tables.Row:
        return tables.Row(name, (Spent(seconds, seconds, 0.0),), 2**20)

    csv = shapes.Shape(shapes.CSV, [row(shapes.COPY, 10), row(shapes.JOB, 6), row(shapes.PLAIN, 5)])
    scan = shapes.Shape(shapes.SCAN, [row(shapes.THEIRS, 1), row(shapes.OURS, 1.1)])
    zstd = shapes.Shape(shapes.WRITTEN, [row(shapes.SNAPPY, 1), row(shapes.ZSTD, 2)])
    found = targets.of_shapes([csv, scan, zstd])
    assert [(verdict.met, round(verdict.found or 0, 2)) for verdict in found] == [(True, 0.6), (False, 1.1)]
    text = report.shape_tables([csv, scan, zstd])
    assert f"| {shapes.PLAIN} | 5.0 | 0.50 x |" in text
    assert text.count(report.SCANNED) == 1


def test_a_label_says_which_hmac_was_measured() -> None:
    assert ("`fast`" in tables.HMAC) == (fastest("sha256") is not None)


@pytest.mark.sweep
def test_growth_is_measured(spark: SparkSession, tmp_path: Path) -> None:
    row = growth.added(spark, tmp_path / "added", 1000, 1, lambda _: None)
    assert row.rows == 1000
    assert min(row.one, row.part, row.full) > 0
    changed = growth.followed(spark, tmp_path / "changed-1000", 1000, 1, lambda _: None)
    assert changed.ratio == changed.followed / changed.merged > 0
    assert "| 1,000 |" in growth.as_text([row], 2)
    assert "| 1,000 |" in growth.changes_as_text([changed], 2)


@pytest.mark.sweep
def test_scale_is_measured(spark: SparkSession, tmp_path: Path) -> None:
    row = scale.grown(spark, tmp_path / "1000", 1000, 1, lambda _: None)
    assert (row.rows, row.seconds > 0, row.worker > 0, row.jvm > 0) == (1000, True, True, True)
    found = scale.elements(spark, tmp_path, 1000, 1, lambda _: None)
    assert (found.count, found.ratio > 0) == (1000, True)
    assert "| 1,000 |" in scale.as_text([row], 2)


@pytest.mark.sweep
def test_verify_is_measured(spark: SparkSession, tmp_path: Path) -> None:
    found = verified.measured(spark, tmp_path, 1000, 100, 1, lambda _: None)
    assert (found.rows, found.values, found.holds, found.ratio > 0) == (1000, 200, True, True)
    assert "| plain copy |" in verified.as_text(found, 2)


def test_a_verdict_of_verify_asks_that_the_table_holds() -> None:
    def found(seconds: float, holds: bool) -> verified.Measured:
        return verified.Measured(10, 5, (Spent(2.0, 2.0, 0.0),), (Spent(seconds, seconds, 0.0),), 100, holds)

    given = [(60.0, True), (61.0, True), (1.0, False)]
    assert [targets.of_verify(found(*each)).met for each in given] == [True, False, False]
    assert "30.00 x" in verified.as_text(found(60.0, True), 2)


@pytest.mark.sweep
def test_compression_is_measured(spark: SparkSession, tmp_path: Path) -> None:
    written, read = shapes.compression(spark, tmp_path, 20_000, 1, lambda _: None)
    assert [row.name for row in written.rows] == [shapes.SNAPPY, shapes.ZSTD, shapes.OF_SPARK]
    snappy, zstd, of_spark = (row.size for row in written.rows)
    assert snappy > zstd > 0 < of_spark < snappy
    assert [row.name for row in read.rows] == [shapes.SNAPPY, shapes.ZSTD]
