"""The lake of ``make demo`` rotated: stopped or killed at each step and run again it is that of a rotation that nobody
stopped, in rows, schemas, records, proofs and in what the audit log tells."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import demo, demo_lake, pseudonymize, rotate_keys
from jobs.configuration.config import Config
from jobs.lake.address import Address
from jobs.record.record_reader import columns_of
from jobs.rotation.scope import Asked
from privacy_udfs.keys import clear_cache
from tests.helpers import rotations
from tests.helpers.audits import listed, with_log, wrong
from tests.helpers.places import ROOT
from tests.helpers.reversals import edit
from tests.helpers.rotations import STEPS

pytestmark = pytest.mark.sweep

WAYS = {
    "crm": {"crm.customers": "source", "crm.orders": "source", "crm.accounts": "source", "web.events": "source"},
    "crm-mail": {"crm.customers": "re-encrypt", "web.events": "re-encrypt"},
}
"""Key of the demo -> the tables that hold it, and how each is moved."""
OF_ONE_WAY = {
    "crm": ("before the source's", "after the source's"),
    "crm-mail": ("before a commit", "after a commit"),
}
CASES = [
    (key, step)
    for key in WAYS
    for step in STEPS
    if step in OF_ONE_WAY[key] or step not in (each for steps in OF_ONE_WAY.values() for each in steps)
]


def environ(root: Path) -> dict[str, str]:
    return {"LAKE": str(root / "lake"), "KEYS": str(root / "keys")}


def configured(root: Path) -> Config:
    """The demo's own configuration, with a log, and with leave to re-encrypt; without the census, which has no key."""
    shutil.rmtree(root / "conf", ignore_errors=True)
    shutil.copytree(ROOT / "conf", root / "conf")
    (root / "conf" / "catalog" / "census.census2000.yaml").unlink()
    edit(root / "conf" / "policy.yaml", rotation={"reencrypt": ["crm-mail"]})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ(root).items():
            patch.setenv(name, value)
        return with_log(root)


@pytest.fixture(scope="module")
def treated(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Treated under the first versions of the keys; the second ones are in force by now."""
    root = tmp_path_factory.mktemp("demo")
    demo_lake.build(root / "lake", customers=150)
    shutil.rmtree(root / "lake" / "raw" / "census2000")
    conf = demo.prepare(root, ROOT / "conf")
    for name in WAYS["crm"]:
        pseudonymize.run(spark, conf, name)
    for key in WAYS:
        rotations.promoted(root, key)
    return root


def copied(treated: Path, tmp_path: Path) -> tuple[Path, Config]:
    """A lake of its own, with the same keys."""
    root = tmp_path / "root"
    shutil.copytree(treated, root)
    clear_cache()
    return root, configured(root)


def contents(spark: SparkSession, conf: Config) -> dict[str, Any]:
    """Of each table its rows, how often each is there, its schema with what fields say, and its record."""
    found = {}
    for name in WAYS["crm"]:
        address = Address.of(conf.tables[name].target)
        rows, properties = address.read(spark), address.properties(spark)
        for each in columns_of(properties).values():
            assert each.technique != "randomized_encryption", "such values would have to be compared opened"
        told = {key: value for key, value in properties.items() if key in ("privacy.record", "privacy.rotation")}
        found[name] = (Counter(map(repr, rows.collect())), rows.schema.jsonValue(), told)
    return found


def outcomes(made: Any) -> dict[str, Any]:
    data = rotate_keys.as_data(made)
    proofs = {each["table"]: {check["check"]: check["outcome"] for check in each["checks"]} for each in data["tables"]}
    return {"from": data["from"], "to": data["to"], "old": data["old_versions"], "proofs": proofs}


@pytest.fixture(scope="module")
def unbroken(spark: SparkSession, treated: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Of each key what a rotation leaves that nobody stopped, and what it says."""
    found = {}
    for key, ways in WAYS.items():
        _, conf = copied(treated, tmp_path_factory.mktemp(f"unbroken-{key}"))
        before = contents(spark, conf)
        made = rotate_keys.run(spark, conf, Asked(key=key))
        assert made.is_proven
        assert {each.table: each.way for each in made.tables} == ways
        found[key] = contents(spark, conf), outcomes(made)
        changed = {name for name in before if before[name] != found[key][0][name]}
        assert changed == set(ways)
    return found


def check_as_unbroken(spark: SparkSession, conf: Config, key: str, unbroken: Mapping[str, Any]) -> None:
    """Run again what was stopped, and compare."""
    made = rotate_keys.run(spark, conf, Asked(key=key))
    rows, told = unbroken[key]
    assert made.is_proven, json.dumps(rotate_keys.as_data(made), indent=1)
    assert contents(spark, conf) == rows
    now = outcomes(made)
    assert {name: now[name] for name in ("to", "old")} == {name: told[name] for name in ("to", "old")}
    for table, checks in now["proofs"].items():
        assert checks in ({}, told["proofs"][table]), "as proven as the other, or proven before it was stopped"
    assert wrong(spark, conf) == []
    rotated = Counter((each["table"], each["outcome"]) for each in listed(spark, conf, kinds=["rotation"]))
    for table in WAYS[key]:
        assert rotated[table, "moved"] == rotated[table, "proven"] == 1
    assert not rotate_keys.run(spark, conf, Asked(key=key)).has_written, "nothing is left to do"


@pytest.mark.parametrize(("key", "step"), CASES)
def test_stopped_at_a_step_and_run_again(
    spark: SparkSession,
    treated: Path,
    unbroken: Mapping[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    step: str,
) -> None:
    _, conf = copied(treated, tmp_path)
    rotations.stopped_at(spark, conf, monkeypatch, step, key)
    check_as_unbroken(spark, conf, key, unbroken)


KILLS = [
    ("crm", "jobs.rotation.marks", "_commit", True),
    ("crm", "jobs.rotation.carried_out", "execute", True),
    ("crm-mail", "jobs.lake.delta_commit", "rewrite", True),
    ("crm-mail", "jobs.rotation.carried_out", "_proven", False),
]


@pytest.mark.parametrize(("key", "module", "name", "after"), KILLS)
def test_killed_by_the_system_and_run_again(
    spark: SparkSession,
    treated: Path,
    unbroken: Mapping[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    module: str,
    name: str,
    after: bool,
) -> None:
    root, conf = copied(treated, tmp_path)
    for each, value in environ(root).items():
        monkeypatch.setenv(each, value)
    rotations.killed(root, module, name, after, key)
    check_as_unbroken(spark, conf, key, unbroken)
