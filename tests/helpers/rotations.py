"""Lakes whose key has gone to its next version, and what their tables are to hold then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs import pseudonymize, rotate_keys
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.lake import delta_commit, state
from jobs.record.record_reader import columns_of
from jobs.rotation import carried_out, in_place, marks, proof, reencrypted
from jobs.rotation.scope import Asked
from jobs.spark_app import session
from privacy_udfs.keys import Keyset, clear_cache, load_keyset
from privacy_udfs.keysets import keyset_versions
from tests.helpers import lakes
from tests.helpers.audits import with_log
from tests.helpers.reversals import edit


def promoted(lake: Path, name: str = "crm") -> tuple[int, int]:
    """A new version is made and put in force; the ids before and after."""
    path = lake / "keys" / f"{name}.json"
    before = Keyset.from_json(path.read_text())
    after = keyset_versions.promoted(*keyset_versions.added(before))
    path.write_text(after.to_json())
    clear_cache()
    return before.primary_id, after.primary_id


def in_force(lake: Path, name: str = "crm") -> Keyset:
    return load_keyset(f"file:{lake}/keys/{name}.json")


def moved_in_place(spark: SparkSession, lake: Path, conf: Config, *paths: str, table: str = "t", **more: Any) -> Any:
    """The columns of a table re-encrypted, by the seam alone."""
    own, keyset = session.for_run(spark), in_force(lake)
    stands = state.inspect(own, conf.tables[table].target)
    entries = columns_of(stands.properties)
    turns = {ColumnPath.parse(p): reencrypted.turn(conf, ColumnPath.parse(p), entries[p], keyset) for p in paths}
    with reencrypted.delivered(own, conf, turns) as changes:
        return in_place.rewritten(own, stands, table, changes, more.pop("run_id", "run-1"), {"key": "crm"}, **more)


# -- a house of several tables -----------------------------------------------------------------------------------------

SIV = {"technique": "deterministic_encryption", "key": "crm"}
FPE = {"technique": "format_preserving_encryption", "key": "crm"}
TABLES: dict[str, dict[str, Any]] = {
    "crm.people": {"mail": {"domain": "mail"}, "card": FPE, "num": "keep"},
    "shop.orders": {"mail": {"domain": "mail"}, "who": {"domain": "customer"}, "num": "keep"},
}
WAYS = {"crm.people": "re-encrypt", "shop.orders": "source"}


def raw(spark: SparkSession, lake: Path, name: str, start: int = 0, end: int = 6) -> None:
    said = {
        "mail": "concat('Canary-', id, '@example.org') AS mail",
        "card": "if(id % 3 = 0, null, cast(4000123400000000 + id AS string)) AS card",
        "who": "concat('C-', id % 4) AS who",
        "num": "cast(id AS int) AS num",
    }
    rows = spark.range(start, end, 1, 2).selectExpr(*(said[column] for column in TABLES[name]))
    rows.write.format("delta").mode("append").save(f"{lake}/raw/{name}")


def house(
    lake: Path,
    target: str = "treated",
    modes: Mapping[str, str] = {},
    policy: Any = ("crm",),
    target_of: Mapping[str, Any] = {},
    entry_of: Mapping[str, Mapping[str, Any]] = {},
) -> Config:
    """The configuration of `TABLES`, with an audit log. modes: of targets; target_of: more of them. entry_of: more of
    entries. policy: keys that may be re-encrypted."""
    entries = [
        lakes.table(
            name,
            lake,
            {
                path: lakes.column(rule, "direct_identifier" if path == "mail" else "sensitive")
                for path, rule in rules.items()
            },
            **{"source": {"format": "delta", "path": f"{lake}/raw/{name}"}, **entry_of.get(name, {})},
            target={"path": f"{lake}/{target}/{name}", "mode": modes.get(name, "full"), **target_of.get(name, {})},
            processing={"recipients": [f"desk of {name}"]},
        )
        for name, rules in TABLES.items()
    ]
    folder = lakes.write_conf(lake, *entries)
    edit(folder / "domains.yaml", mail={**SIV, "normalize": ["nfc", "trim", "lower"]})
    if policy is not None:
        edit(folder / "policy.yaml", rotation={"reencrypt": list(policy)})
    return with_log(lake)


def treated_all(spark: SparkSession, conf: Config) -> None:
    for name in conf.tables:
        pseudonymize.run(spark, conf, name, accept_other_key_version=True)


def treated_house(spark: SparkSession, lake: Path, **more: Any) -> Config:
    for name in TABLES:
        raw(spark, lake, name)
    conf = house(lake, **more)
    treated_all(spark, conf)
    return conf


def contents(spark: SparkSession, lake: Path, target: str = "treated") -> dict[str, Any]:
    """Of each table its rows, in no order, its schema with what fields say, and its record."""
    found = {}
    for name in TABLES:
        rows = spark.read.format("delta").load(f"{lake}/{target}/{name}")
        shown = spark.sql(f"SHOW TBLPROPERTIES delta.`{lake}/{target}/{name}`").collect()
        record = {row["key"]: row["value"] for row in shown}["privacy.record"]
        found[name] = (sorted(map(str, rows.collect())), rows.schema.jsonValue(), record)
    return found


def versions(spark: SparkSession, lake: Path, more: tuple[str, ...] = ()) -> dict[str, int]:
    places = {**{name: f"{lake}/treated/{name}" for name in TABLES}, **{name: f"{lake}/{name}" for name in more}}
    return {
        name: int(DeltaTable.forPath(spark, place).history(1).collect()[0]["version"]) for name, place in places.items()
    }


def marked(spark: SparkSession, lake: Path) -> set[str]:
    found = set()
    for name in TABLES:
        shown = spark.sql(f"SHOW TBLPROPERTIES delta.`{lake}/treated/{name}`").collect()
        found |= {name for row in shown if row["key"] == "privacy.rotation"}
    return found


# -- stopped and killed -----------------------------------------------------------------------------------------------


class Stopped(BaseException):
    """What a killed process is like from within: nobody catches it."""


STEPS = {
    "begun": (marks, "set_all", False, 1),
    "one marked": (marks, "_commit", True, 1),
    "all marked": (marks, "set_all", True, 1),
    "one moved": (carried_out, "_moved", True, 1),
    "before a commit": (delta_commit, "rewrite", False, 1),
    "after a commit": (delta_commit, "rewrite", True, 1),
    "before the source's": (carried_out, "execute", False, 1),
    "after the source's": (carried_out, "execute", True, 1),
    "all moved": (carried_out, "_proven", False, 1),
    "one proven": (proof, "of", True, 2),
}


def stopped_at(
    spark: SparkSession, conf: Config, monkeypatch: pytest.MonkeyPatch, step: str, key: str = "crm", way: Any = "auto"
) -> None:
    """A rotation that ends at a step."""
    place, name, after, times = STEPS[step]
    real, calls = getattr(place, name), list[int]()

    def dies(*given: Any, **more: Any) -> Any:
        calls.append(1)
        made = real(*given, **more) if after or len(calls) < times else None
        if len(calls) == times:
            raise Stopped
        return made

    with monkeypatch.context() as patch:
        patch.setattr(place, name, dies)
        with pytest.raises(Stopped):
            rotate_keys.run(spark, conf, Asked(key=key, way=way))
    assert len(calls) == times


KILLED = """
import importlib, os, signal, sys
from pathlib import Path
from jobs import rotate_keys
from jobs.configuration import config
from jobs.rotation.scope import Asked
from jobs.spark_app import session
place, name, after = importlib.import_module(sys.argv[2]), sys.argv[3], sys.argv[4] == "after"
step = getattr(place, name)
def die(*given, **more):
    if after:
        step(*given, **more)
    os.killpg(0, signal.SIGKILL)
spark = session.start("killed")
setattr(place, name, die)
rotate_keys.run(spark, config.load(Path(sys.argv[1])), Asked(key=sys.argv[5]))
"""


def killed(lake: Path, module: str, name: str, after: bool, key: str = "crm") -> None:
    """A rotation that dies as a machine does that loses its power, before or after a function is done."""
    command = [sys.executable, "-c", KILLED, str(lake / "conf"), module, name, "after" if after else "before", key]
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        command, env=environ, capture_output=True, start_new_session=True, timeout=300, check=False, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
