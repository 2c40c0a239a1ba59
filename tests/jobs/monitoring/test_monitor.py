"""Monitoring as it is run: drift that was planted in one column is told, that of no other; no value is."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import monitor, pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import BAD_USAGE, DONE, REFUSED
from jobs.monitoring import leaves, one_pass, profile_file, secret, sketch
from jobs.monitoring import report as reporting
from jobs.monitoring.counting import Wanted
from jobs.monitoring.profile_file import Profiles
from jobs.risk_measures import profile as risk_profile
from tests.helpers.key_helpers import create_same
from tests.helpers.lakes import column, table, write_conf
from tests.helpers.monitored import with_key

CANARY = "canary-77aa"
COLUMNS: dict[str, Any] = {
    "id": column({"domain": "customer"}, "direct_identifier"),
    "town": column("keep"),
    "income": column("keep", "sensitive"),
    "joined": column("keep"),
    "note": column("keep"),
    "orders[].price": column("keep", "non_personal"),
    "orders[].sku": column("keep", "non_personal"),
    "home.zip": column("keep"),
    "flags{key}": column("keep"),
    "flags{value}": column("keep"),
    "vip": column("keep"),
}
TOWN = f"concat('{CANARY}-town-', if(id % 2 = 0, 0, id % 12))"
INCOME = "cast(20000 + (id * 7919) % 25000 as double)"
OTHER = {"who": column({"domain": "customer"}, "direct_identifier"), "size": column("keep", "non_personal")}


def orders_of(sku: str) -> str:
    price = "cast(x * 3.5 as decimal(9,2))"
    return f"transform(sequence(1, cast(id % 3 as int) + 1), x -> named_struct('price', {price}, 'sku', {sku}))"


def customers(spark: SparkSession, numbers: tuple[int, int] = (0, 4000), more: Mapping[str, str] = {}) -> DataFrame:
    """Rows by number. more: other expressions in the place of some columns."""
    said = {
        "id": f"concat('{CANARY}-', id)",
        "town": f"if(id % 50 = 49, null, concat('{CANARY}-town-', id % 12))",
        "income": "cast(20000 + (id * 7919) % 50000 as double)",
        "joined": "date_add(date'2020-01-01', cast((id * 31) % 900 as int))",
        "note": f"concat('{CANARY}-note-', id)",
        "orders": orders_of(f"concat('{CANARY}-sku-', (id + x) % 20)"),
        "home": "named_struct('zip', cast(8000 + id % 7 as string))",
        "flags": f"map('{CANARY}-a', id % 2 = 0)",
        "vip": "id % 25 = 0",
        **more,
    }
    return spark.range(*numbers, 1, 3).selectExpr(*(f"{what} as {name}" for name, what in said.items()))


def treat(spark: SparkSession, conf: Config, name: str, rows: DataFrame) -> None:
    rows.write.mode("overwrite").parquet(str(conf.tables[name].source.path))
    pseudonymize.run(spark, conf, name)


@pytest.fixture
def folder(lake: Path) -> Path:
    conf = write_conf(lake, table("c", lake, COLUMNS), table("o", lake, OTHER))
    create_same(lake / "keys" / "watch.json")  # estimates are the same each time
    return with_key(conf, stale_days=3)


@pytest.fixture
def conf(spark: SparkSession, folder: Path) -> Config:
    conf = config.load(folder)
    treat(spark, conf, "c", customers(spark))
    return conf


def baseline_of(spark: SparkSession, conf: Config, *names: str) -> Profiles:
    return monitor.run(spark, conf, names or ("c",)).profiles


def told(spark: SparkSession, conf: Config, before: Profiles, *names: str) -> list[tuple[str, str, str]]:
    report = monitor.run(spark, conf, names or ("c",), baseline=before)
    assert CANARY not in json.dumps(reporting.as_data(report)) + "\n".join(reporting.lines(report))
    return [(each.level, each.what, each.column) for each in report.findings]


def test_equal_tables_give_0_and_planted_drift_is_told_of_its_column_alone(spark: SparkSession, conf: Config) -> None:
    """The same rows in another order; then two columns are drawn otherwise."""
    before = baseline_of(spark, conf)
    kinds = {path: each.kind for path, each in before["c"].columns.items()}
    assert kinds == {
        **{"id": "many", "note": "many", "town": "categories", "income": "bins", "joined": "bins"},
        **{"orders[].price": "categories", "orders[].sku": "categories", "home.zip": "categories"},
        **{"flags{key}": "categories", "flags{value}": "categories", "vip": "categories"},
    }
    codes = [set(before["c"].columns[path].counts) for path in ("vip", "flags{value}")]
    assert (len(codes[0]), len(codes[1]), codes[0] & codes[1]) == (2, 2, set()), "yes and no, in codes of their own"
    treat(spark, conf, "c", customers(spark).orderBy(F.rand(3)).repartition(5))
    report = monitor.run(spark, conf, ["c"], baseline=before)
    assert [str(each) for each in report.findings] == []
    assert {drift.psi for drift in report.drifts["c"].values()} == {0.0, None}
    assert report.profiles["c"] == before["c"]

    check_planted(spark, conf, before, {"town": TOWN, "income": INCOME}, {("psi", "town"), ("psi", "income")})


def check_planted(
    spark: SparkSession, conf: Config, before: Profiles, drawn: dict[str, str], what: set[tuple[str, str]]
) -> None:
    """Of columns that are drawn otherwise something is told, and of no other."""
    treat(spark, conf, "c", customers(spark, more=drawn))
    found = {(what, column) for _, what, column in told(spark, conf, before)}
    assert found >= what
    assert {column.split(".")[0].split("[")[0] for _, column in found} == drawn.keys()


@pytest.mark.sweep
def test_drift_of_other_kinds(spark: SparkSession, conf: Config) -> None:
    before = baseline_of(spark, conf)
    joined = "date_add(date'2021-06-01', int((id * 31) % 900))"
    note = f"if(id % 4 = 0, null, concat('{CANARY}-note-', id))"
    home = "named_struct('zip', cast(8000 + id % 7 + if(id % 30 = 0, 50, 0) as string))"
    orders = orders_of(f"if(id % 2 = 0, '{CANARY}-new', concat('{CANARY}-sku-', (id + x) % 20))")
    sku = "orders[].sku"
    for drawn, what in (
        ({"joined": joined, "note": note}, {("psi", "joined"), ("nulls", "note")}),
        ({"home": home, "vip": "id % 3 = 0"}, {("new_categories", "home.zip"), ("psi", "vip")}),
        ({"orders": orders}, {("psi", sku), ("new_categories", sku)}),
    ):
        check_planted(spark, conf, before, drawn, what)


@pytest.mark.sweep
def test_rows_and_different_values(spark: SparkSession, conf: Config) -> None:
    before = baseline_of(spark, conf)
    treat(spark, conf, "c", customers(spark, (0, 1000)))
    found = told(spark, conf, before)
    assert ("alert", "rows", "") in found
    assert {(what, column) for _, what, column in found} == {
        *{("rows", ""), ("distinct", "id"), ("distinct", "note"), ("distinct", "income")}
    }


@pytest.mark.sweep
def test_joins_that_fall_apart(spark: SparkSession, conf: Config) -> None:
    """Orders of customers; then of others, whose pseudonyms are in no row of them."""

    def orders(first: int) -> DataFrame:
        return spark.range(first, first + 2000).selectExpr(f"concat('{CANARY}-', id) who", "id % 5 size")

    treat(spark, conf, "o", orders(1000))
    before = baseline_of(spark, conf, "c", "o")
    assert told(spark, conf, before, "c", "o") == []
    assert told(spark, conf, {"c": before["c"]}, "c", "o") == [("warn", "columns", "")]
    treat(spark, conf, "o", orders(3000))
    report = monitor.run(spark, conf, ["c", "o"], baseline=before)
    found = {(each.what, each.table, each.column) for each in report.findings}
    assert found == {("joinable", "o", ""), ("joinable", "c", "")}
    messages = sorted(each.message for each in report.findings)
    told_of_o = "values of a column in another table: who in c id: "
    assert messages[1] == f"{told_of_o}0.50, was 1.00"


def test_our_sketches_are_those_of_spark(spark: SparkSession, conf: Config) -> None:
    """Of the same hashes Spark makes the same estimates, exact and not, and finds the same in common."""
    key = risk_profile.reference(conf, "watch")
    rows = spark.range(20_000).selectExpr("id a", "if(id < 3000, id, null) c", "cast(id + 10000 as string) b")
    able, _ = leaves.of(rows.schema)
    _, tallies = one_pass.tallied(rows, [Wanted(leaf, is_pseudonym=True) for leaf in able], key)
    theirs = risk_profile.profiled(rows, key).columns
    for leaf, tally in zip(able, tallies, strict=True):
        assert sketch.estimate(tally.hashes) == pytest.approx(theirs[leaf.path].values, rel=0.04)
    made = tuple(sketch.compact(each.hashes) for each in tallies)
    ours = spark.createDataFrame([made], "a binary, c binary, b binary")
    row = ours.select(
        *(F.theta_sketch_estimate(name).alias(name) for name in ("a", "b", "c")),
        F.theta_sketch_estimate(F.theta_intersection("a", F.lit(theirs["a"].sketch))).alias("same"),
        F.theta_sketch_estimate(F.theta_difference("a", F.lit(theirs["a"].sketch))).alias("none"),
        F.theta_sketch_estimate(F.theta_intersection("a", "b")).alias("half"),
        F.theta_sketch_estimate(F.theta_difference("c", F.lit(theirs["c"].sketch))).alias("exact"),
    ).collect()[0]
    assert [row[leaf.path] for leaf in able] == [sketch.estimate(each.hashes) for each in tallies]
    assert [sketch.size(each) for each in made] == [sketch.estimate(each.hashes) for each in tallies]
    assert row["c"] == 3000
    assert (row["none"], row["exact"]) == (0, 0)
    assert row["same"] == pytest.approx(20_000, rel=0.04)
    assert row["half"] == pytest.approx(10_000, rel=0.06)


def test_parts_are_put_together_in_steps(spark: SparkSession, conf: Config) -> None:
    """Two at a time, of eleven: as of all at once. The driver is given one part of each column."""
    key = risk_profile.reference(conf, "watch")
    rows = spark.range(0, 3000, 1, 11).selectExpr("id a", "concat('x', id % 7) b", "if(id % 9 = 0, null, id % 2 = 0) c")
    wanted = [Wanted(leaf) for leaf in leaves.of(rows.schema)[0]]
    many, at_once = one_pass.tallied(rows, wanted, key)
    assert one_pass.levels(11, 2) == [6, 3, 2, 1]
    with pytest.MonkeyPatch.context() as patch:
        given = list[int]()
        together = one_pass._put_together

        def spied(batches: Any, fan_in: int = 1) -> Any:
            found = together(batches, fan_in)
            given.append(sum(len(set(each.column("part").to_pylist()) - {0}) for each in batches))
            return found

        patch.setattr(one_pass, "_put_together", spied)
        again, in_steps = one_pass.tallied(rows, wanted, key, fan_in=2)
    assert given == [0], "of each column the parts are one by then"
    assert many == again == 3000
    for one, other in zip(at_once, in_steps, strict=True):
        assert (one.seen, one.nulls, one.categories) == (other.seen, other.nulls, other.categories)
        assert (one.hashes == other.hashes).all()
        assert (one.cells == other.cells).all()
        assert (one.sizes == other.sizes).all()


@pytest.mark.sweep
def test_a_table_of_no_rows_and_one_of_few(spark: SparkSession, conf: Config) -> None:
    before = baseline_of(spark, conf)
    treat(spark, conf, "c", customers(spark, (0, 9)))
    few = baseline_of(spark, conf)
    assert few["c"].rows == 0
    assert not any(each.seen or each.counts for path, each in few["c"].columns.items() if "[]" not in path)
    assert ("alert", "rows", "") in told(spark, conf, before)
    treat(spark, conf, "c", customers(spark, (0, 0)))
    assert ("alert", "rows", "") in told(spark, conf, before)
    assert told(spark, conf, few) == []


# -- as it is run -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def output() -> Iterator[list[str]]:
    out, err, said = io.StringIO(), io.StringIO(), list[str]()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield said
    said += [out.getvalue(), err.getvalue()]


def test_the_command_line(spark: SparkSession, conf: Config, folder: Path, lake: Path) -> None:
    """Profile, JSON, metrics and what is printed hold no value; exit codes tell."""
    profile, again, metrics = (lake / name for name in ("p.json", "again.json", "lakenym.prom"))
    asked = ["--conf", str(folder), "--table", "c"]
    printed = list[str]()

    def code(*more: str) -> int:
        with output() as said:
            found = monitor.main([*asked, *more])
        printed.extend(said)
        return found

    assert code("--profile", str(profile)) == DONE
    assert code("--baseline", str(profile), "--profile", str(again), "--metrics", str(metrics), "--json") == DONE
    assert json.loads(printed[-2])["tables"]["c"]["columns"]["income"]["psi"] == 0
    town = f"concat('{CANARY}-town-', if(id % 2 = 0, 40, id % 12))"
    drawn: dict[str, str] = {"town": town, "income": "double(123456.5 + id % 60)"}
    treat(spark, conf, "c", customers(spark, more=drawn))
    assert code("--baseline", str(profile), "--metrics", str(metrics), "--json") == REFUSED
    found = json.loads(printed[-2])["findings"]
    assert {(each["what"], each["column"]) for each in found if each["level"] == "alert"} >= {
        *{("new_categories", "town"), ("psi", "town"), ("psi", "income")}
    }
    assert 'lakenym_monitor_findings{table="c",level="alert",what="psi"} 2\n' in metrics.read_text()
    assert code("--baseline", str(profile)) == REFUSED
    assert "alert: c: town: 1 new category, in 50.00% of its values" in printed[-2]
    assert code("--house") == DONE
    assert "nothing to tell" in printed[-2]
    assert code("--house", "--profile", str(profile)) == BAD_USAGE
    kept = [path.read_text() for path in (profile, again, metrics)]
    for text in (*printed, *kept):
        assert CANARY not in text
        assert "123456" not in text
        assert "2020-01-01" not in text
    assert profile_file.read(profile, secret.of(conf)) == profile_file.read(again, secret.of(conf))
    assert not [path.name for path in lake.iterdir() if path.name.endswith(".tmp")]


def test_a_table_that_cannot_be_read_hides_no_other(spark: SparkSession, lake: Path) -> None:
    """Its files are gone, its log is not. What was known of it stays in the profile, which says that it is not new."""
    folder = with_key(write_conf(lake, table("o", lake, OTHER), table("p", lake, OTHER)))
    conf = config.load(folder)
    rows = spark.range(60).selectExpr(f"concat('{CANARY}-', id) who", "id % 5 size")
    for name in ("o", "p"):
        treat(spark, conf, name, rows)
    profile, metrics = lake / "p.json", lake / "m.prom"
    asked = ["--conf", str(folder), "--all", "--profile", str(profile), "--metrics", str(metrics)]
    with output():
        assert monitor.main(asked) == DONE
    before = profile_file.read(profile, secret.of(conf))
    assert json.loads(profile.read_text())["missing"] == []
    for path in (lake / "treated" / "o").rglob("*.parquet"):
        path.unlink()
    treat(spark, conf, "p", rows.limit(50))
    with output() as said:
        assert monitor.main([*asked, "--baseline", str(profile)]) == REFUSED
    alerts = [line for line in said[0].splitlines() if line.startswith("alert")]
    assert len(alerts) == 1
    assert alerts[0].startswith("alert: o: cannot be read: o: ")
    assert str(lake) not in alerts[0]
    assert "FILE_NOT_EXIST" in alerts[0]
    assert "Exception" not in "".join(said)
    after = profile_file.read(profile, secret.of(conf))
    assert json.loads(profile.read_text())["missing"] == ["o"]
    assert after["o"] == before["o"]
    assert (before["p"].rows, after["p"].rows) == (60, 50)
    assert 'lakenym_monitor_findings{table="o",level="alert",what="target"} 1' in metrics.read_text()
    assert 'lakenym_monitor_rows{table="p"} 50' in metrics.read_text()


def test_warnings_fail_where_it_is_asked(spark: SparkSession, folder: Path, conf: Config) -> None:
    entry = yaml.safe_load((folder / "catalog" / "c.yaml").read_text())
    (folder / "catalog" / "c.yaml").write_text(yaml.safe_dump({**entry, "review_by": "2020-01-01"}))
    asked = ["--conf", str(folder), "--table", "c", "--house"]
    with output() as said:
        assert monitor.main(asked) == DONE
        assert monitor.main([*asked, "--fail-on-warnings"]) == REFUSED
    assert said[0].count("warn: c: catalog/c.yaml") == 2


def test_a_key_that_is_not_approved(folder: Path, lake: Path) -> None:
    policy = yaml.safe_load((folder / "policy.yaml").read_text())
    (folder / "policy.yaml").write_text(yaml.safe_dump({**policy, "approved": {"keys": ["crm"]}}))
    with output() as said:
        assert monitor.main(["--conf", str(folder), "--all", "--profile", str(lake / "p")]) == REFUSED
    assert "key watch is not approved" in said[1]
    (folder / "policy.yaml").write_text(yaml.safe_dump({**policy, "monitoring": {}}))
    with output() as said:
        assert monitor.main(["--conf", str(folder), "--all", "--profile", str(lake / "p")]) == BAD_USAGE
    assert "names no key for monitoring" in said[1]
