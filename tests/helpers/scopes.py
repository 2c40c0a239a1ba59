"""A small lake whose domains have all four scopes."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.configuration import config
from jobs.configuration.config import Config
from tests.helpers.lakes import POLICY, table, write_conf

HASH = {"technique": "keyed_hash", "key": "crm", "normalize": ["nfc", "trim"]}
DOMAINS: dict[str, dict[str, Any]] = {
    "person": {**HASH},
    "relation": {**HASH, "scope": "relationship"},
    "month": {**HASH, "scope": "period", "period": "month", "period_zone": "Europe/Berlin"},
    "visit": {"technique": "randomized_encryption", "key": "crm", "scope": "record"},
    "mail": {"technique": "deterministic_encryption", "key": "crm", "scope": "relationship"},
    "mail-month": {"technique": "deterministic_encryption", "key": "crm", "scope": "period", "period": "month"},
}
LAB, COURT = {"recipient": "research-lab"}, {"recipient": "court"}
BILLING = {"purpose": "billing"}
SCHEMA = "id string, twin string, day date, at timestamp, clock timestamp_ntz, number int"


def rows(number: int = 40) -> list[tuple[Any, ...]]:
    """Each value on the 10th of three months, and at the instants that are midnight in Berlin."""
    found: list[tuple[Any, ...]] = []
    for at in range(number):
        for month in (1, 2, 3):
            day = datetime.date(2026, month, 10)
            instant = datetime.datetime(2026, month, 1, tzinfo=datetime.timezone.utc) - datetime.timedelta(minutes=30)
            clock = datetime.datetime(2026, month, 28, 23, 59)
            found.append((f"C-{at}", f"C-{at}", day, instant, clock, 10 * at + month))
    return found


def written(spark: SparkSession, lake: Path, name: str, number: int = 40) -> None:
    spark.createDataFrame(rows(number), SCHEMA).repartition(2).write.parquet(str(lake / "raw" / name))


def entry(name: str, lake: Path, columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A table of the rows above; a column that is not told of is kept."""
    kept = dict.fromkeys(("id", "twin", "day", "at", "clock", "number"), "keep")
    return table(name, lake, {**kept, **columns}, **more)


def configured(
    lake: Path,
    *tables: dict[str, Any],
    policy: dict[str, Any] | None = None,
    keys: Sequence[str] | None = (),
) -> Config:
    """keys: those beside ``crm``, of files that are there; None: keys.yaml stays as it is."""
    before = lake / "conf" / "keys.yaml"
    kept = before.read_text(encoding="utf-8") if keys is None else None
    folder = write_conf(lake, *tables)
    if kept is not None:
        before.write_text(kept, encoding="utf-8")
    named = {name: {"keyset": f"file:{lake}/keys/{name}.json"} for name in ("crm", *(keys or ()))}
    written = {"domains": DOMAINS, "policy": {**POLICY, **(policy or {})}, **({} if kept else {"keys": named})}
    for file, content in written.items():
        (folder / f"{file}.yaml").write_text(json.dumps(content), encoding="utf-8")
    return config.load(folder)
