"""Tables whose sources are gone, moved to the next version of their key by a sealed bridge; nothing of it in clear."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from jobs import rotate_keys
from jobs.audit_log.log import Log, LogProblem
from jobs.configuration import config
from jobs.configuration.config import Config, ConfigError
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import vault_table
from jobs.rotation import bridge_filling
from jobs.rotation.scope import Asked
from privacy_udfs.keys import create_file
from tests.helpers import rotations
from tests.helpers.audits import listed, wrong
from tests.helpers.reversals import edit
from tests.helpers.rotations import contents, house, marked, promoted, stopped_at, treated_all, treated_house, versions

BRIDGE, CUSTOMER = Asked(key="crm", way="bridge"), Asked(domain="customer")
WHY = "the shop's system is switched off in March"

TREE = f"tree-{'1' * 32}"


def with_bridge(lake: Path, **more: Any) -> Config:
    """The configuration of the house, with the bridge of customer. more: of its entry; None takes something out."""
    house(lake)
    if not (lake / "keys" / "bridge.json").exists():
        create_file(lake / "keys" / "bridge.json")
    edit(lake / "conf" / "keys.yaml", bridge={"keyset": f"file:{lake}/keys/bridge.json"})
    stated = {"domain": "customer", "key": "bridge", "path": f"{lake}/bridge", "why": WHY}
    stated |= {"id": (lake / "bridge.id").read_text(), **more}
    kept = {name: value for name, value in stated.items() if value is not None}
    edit(lake / "conf" / "policy.yaml", rotation={"reencrypt": ["crm"], "bridge": [kept]})
    return config.load(lake / "conf")


def made(spark: SparkSession, lake: Path) -> None:
    """An empty one."""
    (lake / "bridge.id").write_text(vault_table.create(spark, f"{lake}/bridge"))


def built(spark: SparkSession, lake: Path) -> Config:
    """Treated tables with a bridge."""
    treated_house(spark, lake)
    made(spark, lake)
    conf = with_bridge(lake)
    assert rotate_keys.build_bridge(spark, conf, CUSTOMER) == 4
    return conf


def without_sources(lake: Path) -> None:
    shutil.move(lake / "raw", lake / "gone")


def as_anew(spark: SparkSession, lake: Path) -> Any:
    shutil.move(lake / "gone", lake / "raw")
    treated_all(spark, house(lake, target="anew"))
    shutil.move(lake / "raw", lake / "gone")
    return contents(spark, lake, "anew")


def test_from_end_to_end_without_a_source(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(rotations.TABLES, "crm.people")
    conf = built(spark, lake)
    check_nothing_is_put_there_that_the_log_does_not_know(spark, lake, monkeypatch)
    old, _ = promoted(lake)
    check_refusals(spark, lake)
    conf = with_bridge(lake)
    assert rotate_keys.build_bridge(spark, conf, CUSTOMER) == 4, "what is there is not put there again; one is"
    without_sources(lake)
    done = rotate_keys.run(spark, conf, BRIDGE)
    told = rotate_keys.as_data(done)
    assert done.is_proven, told
    orders = next(each for each in told["tables"] if each["table"] == "shop.orders")
    assert orders["way"] == "bridge and re-encrypt"
    checks = {each["check"]: each["outcome"] for each in orders["checks"]}
    assert checks["bridge"] == checks["columns"] == "holds"
    assert told["old_versions"][0] == {"id": old, "may_be_disabled": True, "named_by": []}
    assert any("the bridge" in each for each in told["held_by"])
    assert contents(spark, lake) == as_anew(spark, lake)
    conf = with_bridge(lake)
    assert not rotate_keys.run(spark, conf, BRIDGE).has_written
    outcomes = [each["outcome"] for each in listed(spark, conf, kinds=["rotation"])]
    assert outcomes.count("bridge begun") == outcomes.count("bridge built") == 2
    assert wrong(spark, conf) == []
    assert rows_of(spark, lake) == 8, "each value under its old and its new pseudonym"
    check_nothing_in_clear(spark, lake, capfd)


def check_nothing_is_put_there_that_the_log_does_not_know(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwritable(*given: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(bridge_filling, "_added", lambda *given: pytest.fail("something was put there"))
        patched.setattr(Log, "append", unwritable)
        with pytest.raises(LogProblem, match="nothing was put there"):
            rotate_keys.build_bridge(spark, with_bridge(lake), CUSTOMER)


def rows_of(spark: SparkSession, lake: Path) -> int:
    return spark.read.format("delta").load(f"{lake}/bridge").count()


def check_nothing_in_clear(spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No pseudonym in the bridge, no value in its log nor in what was told, no least and greatest values."""
    rows = spark.read.format("delta").load(f"{lake}/treated/shop.orders").select("who").distinct().collect()
    pseudonyms = [str(row["who"]).encode() for row in rows]
    table = spark.read.format("delta").load(f"{lake}/bridge").collect()
    held = [bytes(value) for row in table for value in row if isinstance(value, bytes | bytearray)]
    logs = [path.read_bytes() for path in (lake / "bridge" / "_delta_log").iterdir() if path.is_file()]
    files = [path.read_bytes() for path in (lake / "bridge").glob("*.parquet")]
    said = capfd.readouterr()
    told = [*logs, said.out.encode(), said.err.encode()]
    assert len(pseudonyms) == 4
    assert not any(each in where for each in pseudonyms for where in [*held, *files, *told])
    assert not any(value in where for value in (b"C-0", b"C-1", b"C-2", b"C-3", b"Canary") for where in told)
    added = [json.loads(line)["add"] for log in logs for line in log.splitlines() if line.startswith(b'{"add"')]
    stated = [json.loads(each["stats"]) for each in added]
    assert stated
    assert not any(each.get(kind) for each in stated for kind in ("minValues", "maxValues", "nullCount"))
    assert (lake / "bridge").stat().st_mode & 0o077 == 0


def check_refusals(spark: SparkSession, lake: Path) -> None:
    """One pseudonym of the table has no row: nothing of any table is moved, nor marked."""
    before, conf = versions(spark, lake, ("audit",)), with_bridge(lake)
    row_key = spark.read.format("delta").load(f"{lake}/bridge").first()["row_key"].hex()  # type: ignore[index]
    spark.sql(f"DELETE FROM delta.`{lake}/bridge` WHERE hex(row_key) = upper('{row_key}')")
    with pytest.raises(Refused, match=r"shop.orders: who: the bridge has no row for a pseudonym"):
        rotate_keys.run(spark, conf, BRIDGE)
    with pytest.raises(Refused, match=r"who: policy.yaml states no bridge of domain customer"):
        rotate_keys.run(spark, house(lake), BRIDGE)
    with pytest.raises(BadUsage, match="states no bridge of domain customer"):
        rotate_keys.build_bridge(spark, house(lake), CUSTOMER)
    with pytest.raises(BadUsage, match="--domain"):
        rotate_keys.build_bridge(spark, conf, BRIDGE)
    assert versions(spark, lake, ("audit",)) == before
    assert marked(spark, lake) == set()


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"domain": "custmer"}, "did you mean 'customer'"),
        ({"why": None}, "why"),
        ({"key": "crm"}, "serves nothing else, got the one of"),
        ({"key": "bridg"}, "did you mean 'bridge'"),
        ({"domain": "mail"}, "needs no bridge"),
        ({"path": "{lake}/treated/shop.orders/x"}, "keep it apart"),
        ({"id": "1"}, "id"),
        ({"path": "{lake}/bridge*"}, "expected one place"),
    ],
)
def test_faults(lake: Path, stated: dict[str, Any], said: str) -> None:
    (lake / "bridge.id").write_text("0" * 32)
    with_bridge(lake)
    with pytest.raises(ConfigError, match=said):
        with_bridge(lake, **{name: value and value.format(lake=lake) for name, value in stated.items()})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"subject_keys": {"path": "{lake}/apart", "id": TREE}}, "got the one of keys of subjects"),
        ({"subject_keys": {"path": "{lake}/bridge/x", "id": TREE}}, "is that of the keys of subjects of bridge"),
    ],
)
def test_its_key_serves_nothing_else(lake: Path, more: dict[str, Any], said: str) -> None:
    (lake / "bridge.id").write_text("0" * 32)
    with_bridge(lake)
    entry = more["subject_keys"]
    stated = {**entry, "path": entry["path"].format(lake=lake)}
    edit(lake / "conf" / "keys.yaml", bridge={"keyset": f"file:{lake}/keys/bridge.json", "subject_keys": stated})
    with pytest.raises(ConfigError, match=said):
        config.load(lake / "conf")


@pytest.mark.parametrize("what", ["quarantine", "column", "erasure", "bridge"])
def test_its_key_is_no_other_s(lake: Path, what: str) -> None:
    (lake / "bridge.id").write_text("0" * 32)
    with_bridge(lake)
    conf, place = lake / "conf", f"file:{lake}/keys/bridge.json"
    edit(conf / "keys.yaml", bridge={"keyset": place}, again={"keyset": place.replace("keys/", "keys/./")})
    file = conf / "catalog" / "crm.people.yaml"
    if what == "quarantine":
        edit(file, on_refused="quarantine", quarantine={"path": f"{lake}/aside", "key": "again"})
    elif what == "column":
        columns = yaml.safe_load(file.read_text())["columns"]
        columns = {name: {**columns[name]} for name in columns}
        first = next(iter(columns))
        columns[first]["treatment"] = {"technique": "keyed_hash", "key": "again"}
        edit(file, columns=columns)
    elif what == "erasure":
        edit(conf / "policy.yaml", erasure={"key": "bridge"})
    else:
        policy = yaml.safe_load((conf / "policy.yaml").read_text())["rotation"]
        (one,) = policy["bridge"]
        edit(conf / "policy.yaml", rotation={**policy, "bridge": [one, {**one, "domain": "mail", "path": f"{lake}/b"}]})
    with pytest.raises(ConfigError, match="which serves nothing else, got the one of"):
        config.load(conf)


def test_the_log_is_told_before_anything_is_put_there(monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[str]()
    key = SimpleNamespace(name="crm", key_id=1, technique=SimpleNamespace(technique="keyed_hash"), domain="customer")
    turn = SimpleNamespace(before=key, seal=key)
    log = SimpleNamespace(
        leaf=lambda kind, time, **more: f"{kind} {more['outcome']}", append=lambda make: told.extend(make(None))
    )
    bridge = SimpleNamespace(id="1", table=SimpleNamespace(place="/b"))
    frame = SimpleNamespace(count=lambda: 4)
    vault = SimpleNamespace(location="/b", version=1, all_rows=lambda: frame)
    for name, given in (("of", bridge), ("_columns", [(None, None)]), ("_turn", turn), ("_of_source", frame)):
        monkeypatch.setattr(bridge_filling, name, lambda *_, given=given: given)
    monkeypatch.setattr(bridge_filling, "_added", lambda *_: (told.append("rows"), vault)[1])  # type: ignore[func-returns-value]
    monkeypatch.setattr("jobs.rotation.bridge_filling.audit_log.opened", lambda *_: log)
    nothing: Any = SimpleNamespace(key="crm")
    assert bridge_filling.built(nothing, nothing, nothing, "customer") == 4
    assert told == ["rotation bridge begun", "key_use used", "rows", "rotation bridge built"]


def test_a_bridge_is_not_built_where_a_plan_is_asked_for(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--conf", str(lake), "--domain", "customer", "--build-bridge", "--plan"]
    assert rotate_keys.main(asked) == 2
    assert "--build-bridge writes" in capsys.readouterr().err


@pytest.mark.sweep
@pytest.mark.parametrize("step", ["begun", "all marked", "one moved", "before a commit", "after a commit", "all moved"])
def test_killed_at_a_step_and_run_again(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    conf = built(spark, lake)
    without_sources(lake)
    promoted(lake)
    stopped_at(spark, conf, monkeypatch, step, way="bridge")
    assert rotate_keys.run(spark, conf, BRIDGE).is_proven
    assert contents(spark, lake) == as_anew(spark, lake)
    # and by the same bridge to the version after that
    conf = with_bridge(lake)
    rotations.promoted(lake)
    assert rotate_keys.run(spark, conf, BRIDGE).is_proven
    assert contents(spark, lake) == as_anew(spark, lake)
