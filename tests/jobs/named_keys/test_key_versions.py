"""Another version, or another key, than tables were treated with: seen before the first write."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs import keys, plan, pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.named_keys import named_key
from jobs.pseudonymize import run
from jobs.spark_app import failures, session
from jobs.spark_app.failures import RunFailed
from privacy_udfs.keys import Keyset, clear_cache, create_file, load_keyset
from tests.helpers.lakes import DOMAINS, POLICY, table, write_conf

CUSTOMER = {"domain": "customer"}
ALONE = {"technique": "keyed_hash", "key": "crm"}


@pytest.fixture
def conf(spark: SparkSession, lake: Path) -> Config:
    """Tables ``a`` and ``b`` share a domain, ``c`` has only columns of its own, ``d`` has another domain."""
    columns = {"a": CUSTOMER, "b": CUSTOMER, "c": ALONE, "d": {"domain": "other"}}
    for name in columns:
        spark.createDataFrame([("C-1001",)], "id string").write.parquet(str(lake / "raw" / name))
    return config.load(write_conf(lake, *(table(name, lake, {"id": columns[name]}) for name in columns)))


def rotate(conf: Config) -> int:
    key = named_key.find(conf, "crm")
    made = keys.add(key)
    key.change(lambda keyset: keys.keyset_versions.promoted(keyset, made))
    return made


def replace_keyset(conf: Config, keep_id: bool) -> None:
    """Another keyset under the same name; its only version has the old id, or a new one."""
    path = Path(conf.keys["crm"].keyset.removeprefix("file:"))
    old = load_keyset(f"file:{path}").primary_id
    path.unlink()
    create_file(path)
    if keep_id:
        path.write_text(path.read_text().replace(str(load_keyset(f"file:{path}").primary_id), str(old)))
    clear_cache()


def versions_of(spark: SparkSession, conf: Config, name: str) -> int:
    return spark.sql(f"DESCRIBE HISTORY delta.`{conf.tables[name].target.path}`").count()


# -- the target's own record ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep_id", [True, False])
def test_another_keyset_under_the_name_stops_before_writing(spark: SparkSession, conf: Config, keep_id: bool) -> None:
    run(spark, conf, "c")
    replace_keyset(conf, keep_id)
    with pytest.raises(Refused, match=r"c: id: key 'crm' \(id \d+\) is not the key that the target's record was made"):
        run(spark, conf, "c")
    assert versions_of(spark, conf, "c") == 1


def test_a_restored_version_of_another_key_is_seen_behind_a_new_primary(spark: SparkSession, conf: Config) -> None:
    """The primary is new in either case; what the record names tells whether the keyset is the old one."""
    run(spark, conf, "c")
    replace_keyset(conf, keep_id=True)
    rotate(conf)
    with pytest.raises(Refused, match="is not the key that the target's record was made with"):
        run(spark, conf, "c")
    assert versions_of(spark, conf, "c") == 1


def test_rotation_is_no_other_key(spark: SparkSession, conf: Config) -> None:
    """Whatever becomes of the old version: enabled, disabled, destroyed."""
    run(spark, conf, "c")
    key = named_key.find(conf, "crm")
    for step in (None, keys.keyset_versions.disabled, keys.keyset_versions.destroyed):
        old = key.read().primary_id
        rotate(conf)
        if step is not None:
            key.change(lambda keyset, step=step, old=old: step(keyset, old))  # type: ignore[misc]
        run(spark, conf, "c")
    assert versions_of(spark, conf, "c") == 4


def test_another_algorithm_with_a_longer_sub_key_is_no_other_key(spark: SparkSession, lake: Path, conf: Config) -> None:
    run(spark, conf, "c")
    longer = table("c", lake, {"id": {**ALONE, "algorithm": "HMAC-SHA-512"}})
    run(spark, config.load(write_conf(lake, longer)), "c")
    assert versions_of(spark, conf, "c") == 2


# -- other tables of the domain ---------------------------------------------------------------------------------------


def test_one_domain_is_not_treated_under_two_versions(spark: SparkSession, conf: Config) -> None:
    for name in ("a", "b", "c", "d"):
        run(spark, conf, name)
    old, new = load_keyset(conf.keys["crm"].keyset).primary_id, rotate(conf)
    with pytest.raises(Refused) as caught:
        run(spark, conf, "a")
    assert str(caught.value) == (
        f"a: domain customer: key 'crm' (id {new}) is in force, and the record of b names key 'crm' (id {old}): "
        "pseudonyms would not join. Treat these tables in the same run, move them with jobs/rotate_keys.py, or accept "
        "it for now with --accept-other-key-version"
    )
    assert versions_of(spark, conf, "a") == 1
    for name in ("c", "d"):  # nobody shares with them
        run(spark, conf, name)
    run(spark, conf, "a", accept_other_key_version=True)
    run(spark, conf, "b")  # now they are of one version again
    run(spark, conf, "a")


def test_a_new_table_is_not_treated_with_the_wrong_key(spark: SparkSession, conf: Config) -> None:
    """It has no record of its own yet, but its domain's other table has one."""
    run(spark, conf, "b")
    replace_keyset(conf, keep_id=True)
    with pytest.raises(Refused, match="the record of b names another key of that name and id"):
        run(spark, conf, "a")
    assert not Path(str(conf.tables["a"].target.path)).exists()


def test_a_keyset_replaced_after_the_look_stops_the_run(spark: SparkSession, conf: Config) -> None:
    """Executors fetch it by themselves: what they find must be what the record will say."""
    own = session.for_run(spark)
    prepared = pseudonymize.prepare(own, conf, "a")
    file = Path(conf.keys["crm"].keyset.removeprefix("file:"))
    kept = file.read_text()
    replace_keyset(conf, keep_id=True)
    with pytest.raises(RunFailed, match="has other bytes here than where the run was checked") as caught:
        failures.translated("a", lambda: pseudonymize.execute(own, prepared))
    assert "crm" in str(caught.value)
    path = str(conf.tables["a"].target.path)
    assert not DeltaTable.isDeltaTable(spark, path)
    file.write_text(kept)
    assert (
        run(spark, conf, "a").version == 0
    )  # a worker that holds the right key goes on with it, whatever the file says


def call(job: Any, lake: Path, *arguments: str) -> int:
    return int(job.main(["--conf", str(lake / "conf"), *arguments]))


def test_the_command_lines(spark: SparkSession, lake: Path, conf: Config, capfd: pytest.CaptureFixture[str]) -> None:
    """One run for all of them passes; `plan` says the same as the job."""
    assert call(pseudonymize, lake, "--all") == 0
    rotate(conf)
    for job in (plan, pseudonymize):
        capfd.readouterr()
        assert call(job, lake, "--table", "a") == 1
        out, err = capfd.readouterr()
        assert "is in force, and the record of b names" in out + err
        assert call(job, lake, "--table", "c") == 0
    assert call(plan, lake, "--table", "a", "--accept-other-key-version") == 0
    assert call(plan, lake, "--table", "a", "--table", "b") == 0
    assert call(pseudonymize, lake, "--all") == 0
    assert call(pseudonymize, lake, "--table", "a") == 0


def test_other_tables_are_read_only_where_they_share(spark: SparkSession, lake: Path, conf: Config) -> None:
    """A broken target of a table that shares nothing is not even looked at."""
    log = lake / "treated" / "d" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("{broken")
    run(spark, conf, "a")


# -- age --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "code", "word"), [(10, 0, None), (345, 0, "warning"), (400, 1, "refused")])
def test_age_warns_then_refuses(
    spark: SparkSession, lake: Path, conf: Config, capfd: pytest.CaptureFixture[str], days: int, code: int, word: str
) -> None:
    keyset: Keyset = load_keyset(conf.keys["crm"].keyset)
    made = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days)
    entry = {"keyset": conf.keys["crm"].keyset, "created": {str(keyset.primary_id): made}}
    (lake / "conf" / "keys.yaml").write_text(yaml.safe_dump({"crm": entry}))
    (lake / "conf" / "policy.yaml").write_text(yaml.safe_dump({**POLICY, "keys": {"max_age_days": 365}}))
    assert DOMAINS["customer"]["key"] == "crm"
    for job in (plan, pseudonymize):
        capfd.readouterr()
        assert call(job, lake, "--table", "a") == code
        out, err = capfd.readouterr()
        assert (word or "days old") in out + err if word else "days old" not in out + err
    assert (lake / "treated" / "a").exists() == (code == 0)
