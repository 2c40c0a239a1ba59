"""Sketches of columns: what they say of columns that join, that they say nothing of a value, and what changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import joinable, pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import BAD_USAGE, DONE, REFUSED, BadUsage
from jobs.risk_measures import containment, profile, profile_file
from jobs.risk_measures.containment import Contained, Pair
from jobs.risk_measures.profile import ColumnProfile, TableProfile
from jobs.risk_measures.profile_file import Compared, Profiles
from privacy_udfs.keys import create_file
from tests.helpers.lakes import column, table, write_conf

ENTRIES = {
    "one": {"id": column({"domain": "customer"}, "direct_identifier"), "town": column("keep"), "few": column("keep")},
    "two": {"who": column({"domain": "customer"}, "direct_identifier"), "size": column("keep", "non_personal")},
}


@pytest.fixture
def folder(lake: Path) -> Path:
    """A configuration of two tables, with a key for sketches beside the one that columns are treated with."""
    folder = write_conf(lake, *(table(name, lake, columns) for name, columns in ENTRIES.items()))
    create_file(lake / "keys" / "joins.json")
    create_file(lake / "keys" / "other.json")
    keys = {name: {"keyset": f"file:{lake}/keys/{name}.json"} for name in ("crm", "joins", "other")}
    (folder / "keys.yaml").write_text(yaml.safe_dump(keys), encoding="utf-8")
    return folder


@pytest.fixture
def conf(folder: Path) -> Config:
    return config.load(folder)


def test_containment_is_within_its_error(spark: SparkSession, conf: Config) -> None:
    """a has 20,000 numbers, of which 10,000 stand as text in b, that has 12,000; c is a part of a, and d is apart."""
    key = profile.reference(conf, "joins")
    one = spark.range(20_000).selectExpr("id a", "if(id < 3000, id, null) c", "id % 12 few")
    two = spark.range(20_000).selectExpr(
        "if(id < 12000, cast(id + 10000 as string), null) b", "named_struct('d', id + 1000000) s", "id % 24 code"
    )
    tables = {"one": profile.profiled(one, key), "two": profile.profiled(two.selectExpr("*", "array(1) list"), key)}
    assert tables["two"].left_out == ("list",)
    assert tables["one"].columns["c"].nulls == 17_000
    assert tables["one"].columns["a"].values == pytest.approx(20_000, rel=0.05)
    told, unsaid = containment.pairs(spark, tables)
    for pair, share in (
        (Pair("one", "a", "two", "b"), 0.5),
        (Pair("two", "b", "one", "a"), 10 / 12),
        (Pair("one", "few", "two", "code"), 1.0),
        (Pair("two", "code", "one", "few"), 0.5),
    ):
        found = told[pair]
        assert abs(found.share - share) <= found.error + 1e-9, pair
        assert found.error < 0.06 if pair.column in "ab" else found.error == 0
    now = Compared(Profiles("k", tables), told, frozenset(unsaid))
    assert not list(profile_file.changes(now, now, 0.5, 0.1))
    assert not any("s.d" in (pair.column, pair.in_column) for pair in told)
    assert Pair("one", "few", "two", "b") in unsaid
    assert Pair("one", "a", "two", "s.d") not in unsaid


def test_the_same_however_rows_lie(spark: SparkSession, conf: Config) -> None:
    key = profile.reference(conf, "joins")
    rows = spark.range(12_000).selectExpr("id div 2 as a")
    found = [profile.profiled(rows.repartition(many), key) for many in (1, 2, 4)]
    assert found[0].columns["a"].sketch
    assert found[0] == found[1] == found[2]


def test_without_its_key_a_sketch_tells_no_value(spark: SparkSession, conf: Config) -> None:
    """Whoever hashes the very values, under no key or another, has nothing in common with it."""
    values = spark.range(1000).selectExpr("concat('canary-', id) v", "'one' x")
    kept = profile.profiled(values, profile.reference(conf, "joins"))
    guesses = values.agg(F.theta_sketch_agg("v", 12).alias("text"), F.theta_sketch_agg(F.xxhash64("v"), 12).alias("h"))
    sketch = kept.columns["v"].sketch
    assert sketch is not None
    for name in ("text", "h"):
        both = guesses.select(F.theta_sketch_estimate(F.theta_intersection(name, F.lit(sketch)))).collect()
        assert both[0][0] == 0
    other = profile.profiled(values, profile.reference(conf, "other"))
    assert containment.pairs(spark, {"one": kept, "two": other})[0] == {}
    text = profile_file.text(Profiles("check", {"one": kept}))
    assert "canary" not in text
    assert "canary" not in repr(kept)
    assert kept.columns["x"].sketch is None, "of few values none is kept"


def test_a_key_of_its_own(conf: Config) -> None:
    with pytest.raises(BadUsage, match="need a key of their own"):
        profile.reference(conf, "crm")
    with pytest.raises(BadUsage, match="no key joinz; did you mean 'joins'"):
        profile.reference(conf, "joinz")


def _with_key(folder: Path, **entry: str) -> Config:
    keys = yaml.safe_load((folder / "keys.yaml").read_text(encoding="utf-8"))
    keys["again"] = {**keys["joins"], **entry}
    (folder / "keys.yaml").write_text(yaml.safe_dump(keys), encoding="utf-8")
    return config.load(folder)


def test_a_key_of_its_own_by_whatever_name(folder: Path, lake: Path) -> None:
    """A second name for the keyset that treats columns; one that is used as it is, so that a copy of it would do; one
    that executors must not fetch."""
    with pytest.raises(BadUsage, match="need a key of their own"):
        profile.reference(_with_key(folder, keyset=f"file:{lake}/keys/crm.json"), "again")
    create_file(lake / "keys" / "mac.json", "HmacKey")
    with pytest.raises(BadUsage, match="key again is an HmacKey, which is used as it is"):
        profile.reference(_with_key(folder, keyset=f"file:{lake}/keys/mac.json"), "again")
    with pytest.raises(BadUsage, match="that executors fetch themselves"):
        profile.reference(_with_key(folder, deliver="driver"), "again")


def test_what_is_refused_before_spark(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A name of the catalog beside it, whose table would stand in the place of the treated one; a key that the policy
    does not approve."""
    asked = ["--conf", str(folder), "--all", "--key", "joins"]
    assert joinable.main([*asked, "--beside", "one"]) == BAD_USAGE
    assert "--beside one: the catalog has an entry of that name" in capfd.readouterr().err
    policy = yaml.safe_load((folder / "policy.yaml").read_text(encoding="utf-8"))
    policy["approved"] = {"keys": ["crm"]}
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
    assert joinable.main(asked) == REFUSED
    assert "key joins is not approved" in capfd.readouterr().err


def test_few_values_in_common_are_not_told(spark: SparkSession, conf: Config) -> None:
    """Nine of a hundred values are in the other column, and ten of another hundred."""
    key = profile.reference(conf, "joins")
    one = profile.profiled(spark.range(100).selectExpr("id nine", "id + 1000 ten"), key)
    two = profile.profiled(spark.range(100).selectExpr("id + 91 nine", "id + 1090 ten"), key)
    told, unsaid = containment.pairs(spark, {"one": one, "two": two})
    assert told == {
        Pair("one", "ten", "two", "ten"): Contained(0.1, 0.0),
        Pair("two", "ten", "one", "ten"): Contained(0.1, 0.0),
    }
    assert not unsaid


def test_few_unique_classes_are_compared_by_what_they_are_below() -> None:
    """Once five of a million, now nine in ten."""

    def of(unique: float | None, below: float | None = None) -> Compared:
        kept = profile_file.text(Profiles("k", {"t": TableProfile(100, {}, (), unique, below)}))
        data = json.loads(kept)["tables"]["t"]
        found = TableProfile(100, {}, (), data["unique_classes"], data["unique_below"])
        return Compared(Profiles("k", {"t": found}), {}, frozenset())

    few, many = of(None, 1e-5), of(0.9)
    assert list(profile_file.changes(many, few, 0.5, 0.1)) == ["t: classes like no other: 0.90, was < 1e-05"]
    assert list(profile_file.changes(few, many, 0.5, 0.1)) == ["t: classes like no other: < 1e-05, was 0.90"]
    assert not list(profile_file.changes(few, of(0.0), 0.5, 0.1))
    assert not list(profile_file.changes(many, of(None), 0.5, 0.1))


def test_the_job(folder: Path, lake: Path, spark: SparkSession, capfd: pytest.CaptureFixture[str]) -> None:
    """Pseudonyms of one domain join; a table of before is held against the one of now."""

    def treat(name: str, sql: str) -> None:
        spark.range(200).selectExpr(*sql.split("; ")).write.mode("overwrite").parquet(str(lake / "raw" / name))
        pseudonymize.run(spark, config.load(folder), name)

    treat("one", "concat('canary-', id) id; concat('canary-town-', id % 40) town; if(id < 3, 'canary', null) few")
    treat("two", "concat('canary-', id) who; id size")
    kept = lake / "kept.json"
    asked = ["--conf", str(folder), "--all", "--key", "joins"]
    assert joinable.main([*asked, "--profile", str(kept)]) == DONE
    told, text = capfd.readouterr().out, kept.read_text(encoding="utf-8")
    assert {"one id in two who: 1.00", "two who in one id: 1.00"} <= set(told.splitlines())
    few = json.loads(text)["tables"]["one"]["columns"]["few"]
    assert few == {"values": None, "nulls": None, "sketch": None}
    treat("two", "concat('canary-', id + 150) who; id size")
    outside = str(lake / "outside")
    spark.range(40).selectExpr("concat('canary-town-', id) city").write.format("delta").save(outside)
    again = [*asked, "--baseline", str(kept), "--beside", outside, "--json"]
    assert joinable.main(again) == REFUSED
    found = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert sorted(found["changes"]) == [
        f"{outside} city in one town: 1.00, was not there",
        "one id in two who: 0.25, was 1.00",
        f"one town in {outside} city: 1.00, was not there",
        "two who in one id: 0.25, was 1.00",
    ]
    assert "canary" not in told + text + json.dumps(found)
    assert joinable.main([*asked[:-1], "other", "--baseline", str(kept)]) == BAD_USAGE
    assert "with another key" in capfd.readouterr().err
    kept.write_text('{"version": 1, "tables": []}', encoding="utf-8")
    assert joinable.main([*asked, "--baseline", str(kept)]) == BAD_USAGE
    assert joinable.main([*asked[:-1], "crm"]) == BAD_USAGE
    assert joinable.main([*asked, "--beside", str(lake / "none")]) == REFUSED
    with pytest.raises(SystemExit) as ended:
        joinable.main(asked[:-2])
    assert ended.value.code == BAD_USAGE, "without a key there are no sketches"


def test_what_changed() -> None:
    """By hand: more than a tenth, in both directions; of columns that are new what joins by half; of sizes that could
    not be compared nothing."""
    names = ("a", "b", "new", "vast")
    columns = {name: ColumnProfile(100, 0, b"") for name in names}
    old_columns = {name: columns[name] for name in ("a", "b", "vast")}
    to = {name: Pair("t", name, "u", "x") for name in names}
    beside = TableProfile(100, {"x": ColumnProfile(100, 0, b"")})

    def compared(own: dict[str, ColumnProfile], shares: dict[str, float], unique: float, *unsaid: str) -> Compared:
        tables = {"t": TableProfile(100, own, (), unique), "u": beside}
        told = {to[name]: Contained(share, 0.0) for name, share in shares.items()}
        return Compared(Profiles("k", tables), told, frozenset(to[name] for name in unsaid))

    old = compared(old_columns, {"a": 0.4, "vast": 0.9}, 0.3)
    new = compared(columns, {"a": 0.45, "b": 0.2, "new": 0.6}, 0.5, "vast")
    assert list(profile_file.changes(new, old, 0.5, 0.1)) == [
        "t b in u x: 0.20, was 0.00",
        "t new in u x: 0.60, was not there",
        "t: classes like no other: 0.50, was 0.30",
    ]
    assert list(profile_file.changes(new, old, 0.7, 0.25)) == []
