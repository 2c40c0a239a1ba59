"""A lake with a treated table, an audit log, and people who may approve that values of it are turned back."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import SparkSession

from jobs import approve, pseudonymize, reidentify
from jobs.approve import Wanted
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.reversal.asked import Asked, Rows
from jobs.reversal.carried_out import TurnedBack
from jobs.signatures import keys
from jobs.signatures.keys import SigningKey
from privacy_udfs.keys import create_file, load_keyset
from tests.helpers.audits import listed, with_log
from tests.helpers.lakes import column, table, write_conf

ANN, BOB, EVE = "ann@example.org", "bob@example.org", "eve@example.org"
PURPOSE = "fraud case"
UTC = datetime.timezone.utc
NOW = datetime.datetime(2026, 11, 28, 12, tzinfo=UTC)
SIV = {"technique": "deterministic_encryption", "key": "crm"}
GCM = {"technique": "randomized_encryption", "key": "crm"}
FPE = {"technique": "format_preserving_encryption", "key": "crm"}
SCHEMA = (
    "id bigint, email string, card string, born date, seen timestamp, at timestamp_ntz, paid decimal(12,2), "
    "ok boolean, raw binary, small tinyint, home struct<street: string, zip: string>, "
    "orders array<struct<sku: string, n: int>>, tags map<string, date>, amount int, code string"
)


def rows() -> list[tuple[Any, ...]]:
    day, time = datetime.date(1985, 2, 28), datetime.datetime(2024, 2, 29, 12, 30, 15, 250000)
    first = (1, "canary-1@example.org", "4000123412341234", day, time.replace(tzinfo=UTC), time, Decimal("10.50"), True)
    first += (b"\xff\x00", -7, ("Canary Street 1", "0250"), [("sku-1", 1), ("sku-2", 2)], {"a": day}, 10, "x")
    second = (2, "canary-2@example.org", "4000999912341234", None, None, None, Decimal("-3.00"), False)
    second += (b"", 127, (None, "0251"), [], {}, 20, "y")
    return [first, second, (3, *[None] * 12, 30, None)]


COLUMNS: dict[str, Any] = {
    "id": column(SIV, "direct_identifier"),
    "email": column({"domain": "mail"}, "direct_identifier"),
    "card": column(FPE, "sensitive"),
    "born": column(SIV, "quasi_identifier"),
    "seen": column(GCM, "sensitive"),
    "at": column({**SIV, "encoding": "hex"}, "sensitive"),
    "paid": column(SIV, "sensitive"),
    "ok": column({**GCM, "encoding": "binary"}, "sensitive"),
    "raw": column({**SIV, "encoding": "binary", "output_prefix": "raw"}, "sensitive"),
    "small": column({**SIV, "encoding": "base64url"}, "sensitive"),
    "home.street": column(SIV, "direct_identifier"),
    "home.zip": column("keep", "non_personal"),
    "orders[].sku": column(SIV, "sensitive"),
    "orders[].n": column("keep", "non_personal"),
    "tags{key}": column(SIV, "sensitive"),
    "tags{value}": column(SIV, "sensitive"),
    "amount": column("keep", "non_personal"),
    "code": column({"technique": "keyed_hash", "key": "crm"}, "direct_identifier"),
}
BACK = tuple(path for path, rule in COLUMNS.items() if isinstance(rule["treatment"], dict) and path != "code")
"""The columns that can be turned back."""


def signing_key(lake: Path, name: str) -> SigningKey:
    path = lake / "keys" / f"{name}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        create_file(path, "Ed25519PrivateKey")
    return keys.signing_key(name, load_keyset(f"file:{path}"))


def approver(lake: Path, name: str = ANN, **bounds: Any) -> dict[str, Any]:
    return {"name": name, "public_key": str(signing_key(lake, name).public), **(bounds or {"tables": ["t"]})}


def reversal(lake: Path, **more: Any) -> dict[str, Any]:
    """What the policy says of the way back."""
    return {
        "approvers": [approver(lake), approver(lake, EVE, classes=["sensitive"])],
        "keys": ["crm"],
        "purposes": [PURPOSE, "court order"],
        "at_most_rows": 100,
        "at_most_hours": 72,
        "break_glass": {
            "actors": [BOB],
            "classes": ["sensitive", "direct_identifier"],
            "at_most_rows": 2,
            "review_within_hours": 24,
        },
        **more,
    }


def configured(lake: Path, columns: Mapping[str, Any] = COLUMNS, **more: Any) -> Config:
    """A configuration with a log. more: of the policy's ``reversal``; None takes something out."""
    folder = write_conf(lake, table("t", lake, columns))
    domains = yaml.safe_load((folder / "domains.yaml").read_text())
    domains["mail"] = {**SIV, "normalize": ["nfc", "trim"]}
    (folder / "domains.yaml").write_text(yaml.safe_dump(domains))
    kept = {name: value for name, value in reversal(lake, **more).items() if value is not None}
    edit(folder / "policy.yaml", reversal=kept)
    edit(folder / "keys.yaml", crm={"keyset": f"file:{lake}/keys/crm.json", "reversal": back_key(lake)})
    return with_log(lake)


def made(spark: SparkSession, lake: Path, columns: Mapping[str, Any]) -> Path:
    """A lake whose table with these columns is treated."""
    frame = spark.createDataFrame(rows(), SCHEMA).select(*columns)
    frame.coalesce(1).write.parquet(f"{lake}/raw/t")
    pseudonymize.run(spark, configured(lake, columns), "t")
    return lake


def back_key(lake: Path) -> dict[str, str]:
    return {"keyset": f"file:{lake}/keys/crm.json"}


def edit(path: Path, **more: Any) -> None:
    told = {**yaml.safe_load(path.read_text()), **more}
    kept = json.loads(json.dumps({name: value for name, value in told.items() if value is not None}, default=str))
    path.write_text(yaml.safe_dump(kept))  # as JSON has it, where nothing is shared: YAML would write aliases


def asked(*columns: str, where: str | None = "amount < 100", **more: Any) -> Asked:
    rows = more.pop("rows", None) or Rows(where=where)
    return Asked("t", columns or ("email",), rows, **{"actor": BOB, "purpose": PURPOSE, **more})


def approved(spark: SparkSession, lake: Path, conf: Config, wanted: Asked, by: str = ANN, **more: Any) -> str:
    given = {"at_most": 10, "hours": 24, **more}
    now = given.pop("now", NOW)
    return approve.run(spark, conf, Wanted(wanted, **given), signing_key(lake, by), lambda told: None, now)


def turned(spark: SparkSession, conf: Config, wanted: Asked, approval: str | None, **more: Any) -> TurnedBack:
    given = {"now": NOW + datetime.timedelta(minutes=1), **more}
    return reidentify.run(spark, conf, wanted, approval, **given)


def told(spark: SparkSession, conf: Config) -> list[dict[str, Any]]:
    """What the audit log says of the way back."""
    return listed(spark, conf, kinds=["reversal", "break_glass"])


def reloaded(lake: Path) -> Config:
    return config.load(lake / "conf")
