"""Sketches of columns: what they say of columns that join, that they say nothing of a value, and what changed."""

from __future__ import annotations

import dataclasses
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
from privacy_udfs import key_providers
from privacy_udfs.keys import Keyset, create_file
from privacy_udfs.keysets import encrypted_keysets, keyset_versions
from tests.helpers.key_helpers import create_same
from tests.helpers.lakes import column, table, write_conf

ENTRIES = {
    "one": {"id": column({"domain": "customer"}, "direct_identifier"), "town": column("keep"), "few": column("keep")},
    "two": {"who": column({"domain": "customer"}, "direct_identifier"), "size": column("keep", "non_personal")},
}


@pytest.fixture
def folder(lake: Path) -> Path:
    """A configuration of two tables, with a key for sketches beside the one that columns are treated with."""
    folder = write_conf(lake, *(table(name, lake, columns) for name, columns in ENTRIES.items()))
    create_same(lake / "keys" / "joins.json")
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


def test_a_key_of_its_own_wherever_a_copy_lies(folder: Path, lake: Path) -> None:
    """Copies of the keyset that treats columns: as it is, under another spelling of its place, encrypted, with another
    id; and an older version of it. A keyset that cannot be read is told by its place alone."""
    key = Keyset.from_json((lake / "keys" / "crm.json").read_bytes())
    grown, _ = keyset_versions.added(key)
    other = Keyset(7, (dataclasses.replace(key.primary, id=7),))
    create_file(lake / "keys" / "kek.json", "AesGcmKey")
    sealed = encrypted_keysets.seal(key, key_providers.kek(f"file:{lake}/keys/kek.json"))
    texts = {"copy": key.to_json(), "grown": grown.to_json(), "id": other.to_json(), "sealed": sealed}
    for name, content in texts.items():
        key_providers.create(f"file:{lake}/keys/{name}.json", content.encode())
    kek = {"kek": f"file:{lake}/keys/kek.json"}
    for place, more in (("copy", {}), ("../keys/crm", {}), ("grown", {}), ("id", {}), ("sealed", kek)):
        with pytest.raises(BadUsage, match="need a key of their own"):
            profile.reference(_with_key(folder, keyset=f"file:{lake}/keys/{place}.json", **more), "again")
    (lake / "keys" / "crm.json").write_text(sealed, encoding="utf-8")
    with pytest.raises(BadUsage, match="need a key of their own"):
        profile.reference(_with_key(folder, keyset=f"file:{lake}/keys/copy.json"), "again")
    (lake / "keys" / "crm.json").unlink()
    assert profile.reference(_with_key(folder), "joins").name == "joins"


def test_the_key_is_opened_once(
    folder: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    opened, really = list[str | None](), profile.load_keyset

    def load(uri: str, kek: str | None = None, name: str | None = None) -> Keyset:
        opened.append(name)
        return really(uri, kek, name)

    monkeypatch.setattr(profile, "load_keyset", load)
    assert joinable.main(["--conf", str(folder), "--all", "--key", "joins"]) == REFUSED
    assert "one: is not there" in capfd.readouterr().err
    assert opened == ["joins"]


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
    """By hand: more than a tenth, in both directions; of columns that are new what joins by half; what is compared no
    more."""
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
    new = compared(columns, {"a": 0.45, "b": 0.25, "new": 0.6}, 0.5, "vast")
    assert list(profile_file.changes(new, old, 0.5, 0.1)) == [
        "t b in u x: 0.25, was < 0.1",
        "t new in u x: 0.60, was not there",
        "t vast in u x: not compared, was 0.90",
        "t: classes like no other: 0.50, was 0.30",
    ]
    assert list(profile_file.changes(old, new, 0.5, 0.1)) == [
        "t b in u x: < 0.1, was 0.25",
        "t vast in u x: 0.90, was not compared",
        "t: classes like no other: 0.30, was 0.50",
    ]
    assert list(profile_file.changes(new, old, 0.7, 0.25)) == ["t vast in u x: not compared, was 0.90"]


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (None, 0.2, None),  # up to nine of a hundred were hidden
        (None, 0.201, "0.20, was < 0.1"),
        (0.2, None, None),
        (0.19, None, None),
        ((0.5, 0.04), (0.67, 0.04), None),
        ((0.5, 0.04), (0.69, 0.04), "0.69, was 0.50"),
        ((0.69, 0.04), (0.5, 0.04), "0.50, was 0.69"),
        (0.3, 0.4, None),  # as floats 0.4 - 0.3 is more than 0.1
    ],
)
def test_what_is_hidden_or_estimated_is_compared_as_far_as_it_is_told(
    before: float | tuple[float, float] | None, now: float | tuple[float, float] | None, said: str | None
) -> None:
    pair = Pair("t", "a", "u", "x")

    def compared(share: float | tuple[float, float] | None) -> Compared:
        both = {"t": TableProfile(100, {"a": ColumnProfile(100, 0, b"")})}
        both["u"] = TableProfile(100, {"x": ColumnProfile(100, 0, b"")})
        found = Contained(*share) if isinstance(share, tuple) else Contained(share or 0.0, 0.0)
        return Compared(Profiles("k", both), {} if share is None else {pair: found}, frozenset())

    expected = [] if said is None else [f"{pair}: {said}"]
    assert list(profile_file.changes(compared(now), compared(before), 0.5, 0.1)) == expected


def test_columns_of_few_values_are_no_change_from_none(spark: SparkSession, conf: Config) -> None:
    """Nine towns are all in the other table, and nothing of it is kept; with twelve they are a pair that joins. Twenty
    of which that has nine are below a half."""
    key = profile.reference(conf, "joins")

    def compared(towns: int, others: int) -> Compared:
        tables = {
            "t": profile.profiled(spark.range(towns).selectExpr("id town"), key),
            "u": profile.profiled(spark.range(others).selectExpr("id place"), key),
        }
        kept = Profiles("k", {name: _as_kept(each) for name, each in tables.items()})
        told, unsaid = containment.pairs(spark, kept.tables)
        return Compared(kept, told, frozenset(unsaid))

    def _as_kept(table: TableProfile) -> TableProfile:
        return profile_file._table(json.loads(profile_file.text(Profiles("k", {"t": table})))["tables"]["t"])

    few, more, less = compared(9, 20), compared(12, 20), compared(12, 9)
    assert list(profile_file.changes(more, few, 0.5, 0.1)) == ["t town in u place: 1.00, was not compared"]
    assert list(profile_file.changes(few, more, 0.5, 0.1)) == ["t town in u place: not compared, was 1.00"]
    assert list(profile_file.changes(less, more, 0.5, 0.1)) == [
        "t town in u place: < 0.83, was 1.00",
        "u place in t town: not compared, was 0.60",
    ]
    assert not list(profile_file.changes(few, less, 0.5, 0.1))


def test_unique_classes_are_compared_within_their_errors() -> None:
    def of(share: float, error: float) -> Compared:
        table = TableProfile(100, {}, (), share, None, error)
        data = json.loads(profile_file.text(Profiles("k", {"t": table})))["tables"]["t"]
        assert data["unique_error"] == error
        return Compared(Profiles("k", {"t": table}), {}, frozenset())

    assert not list(profile_file.changes(of(0.41, 0.01), of(0.3, 0.0085), 0.5, 0.1))
    assert list(profile_file.changes(of(0.43, 0.01), of(0.3, 0.0085), 0.5, 0.1))
