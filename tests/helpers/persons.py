"""A lake in which ten persons stand in every form: hashed, encrypted, as tokens, by periods, nested, in JSON text."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pyspark.sql import SparkSession

from jobs.configuration import config
from jobs.configuration.config import Config
from privacy_udfs.keys import create_file
from tests.helpers import vaults
from tests.helpers.audits import with_log
from tests.helpers.lakes import column, table, write_conf
from tests.helpers.reversals import ANN, approver, edit

HASH = {"technique": "keyed_hash", "key": "crm", "normalize": ["nfc", "trim"]}
DOMAINS: dict[str, dict[str, Any]] = {
    "person": HASH,
    "number": {**HASH, "encoding": "bigint", "bits": 64},
    "mail": {"technique": "deterministic_encryption", "key": "crm"},
    "card": {"technique": "format_preserving_encryption", "key": "crm", "alphabet": "alphanumeric_lower"},
    "month": {**HASH, "scope": "period", "period": "month", "period_zone": "Europe/Berlin"},
    "lost": {"technique": "deterministic_encryption", "key": "crm", "scope": "period", "period": "quarter"},
    "visit": {"technique": "randomized_encryption", "key": "crm", "scope": "record"},
    "area": {"technique": "truncate", "keep": 3},
    "relation": {**HASH, "scope": "relationship"},
}
MANY = 10
PURPOSE = "Art. 15"
ODD = "odd.name `x`"
SCHEMA = (
    f"id string, `{ODD.replace('`', '``')}` string, nr bigint, mail string, card string, tok string, day timestamp, "
    "monthly string, gone date, lost string, visit string, area string, lab string, other bigint, amount int, "
    "home struct<who: string>, lines array<struct<who: string, n: int>>, m map<string, string>, "
    "deep array<struct<at: int, x: array<struct<who: string, v: string>>>>, doc string, docs array<string>, "
    "visits array<string>"
)


def name(at: int) -> str:
    return f"person-{at:06d}"


def person(at: int) -> str:
    """As `card` has it, of letters and digits only."""
    return f"person{at:06d}"


def row(at: int) -> tuple[Any, ...]:
    """Of one person, and of the next one in its arrays."""
    who, next_ = name(at), name((at + 1) % MANY)
    day = datetime.datetime(2026, 1 + at, 1, tzinfo=datetime.timezone.utc) - datetime.timedelta(minutes=30)
    doc = {"who": [{"id": who}, {"id": next_}], "n": at}
    deep = [(1, [(who, "a"), (next_, "b")]), (2, [(next_, "c")]), (3, None)]
    return (
        f" {who} ", who, 70_000_000_000 + at, who, person(at), who, day, who, day.date(), who, who, who, who, at, at,
        (who,), [(who, 1), (next_, 2), None], {who: "x", next_: "y"}, deep, json.dumps(doc), [json.dumps(doc), None],
        [who, next_, None],
    )  # fmt: skip


EMPTY = (None,) * 22
COLUMNS: dict[str, Any] = {
    "id": column({"domain": "person"}, "direct_identifier"),
    "`odd.name ``x```": column({"domain": "person"}, "direct_identifier"),
    "nr": {"domain": "number"},
    "mail": {"domain": "mail"},
    "card": {"domain": "card"},
    "tok": {"domain": "token"},
    "day": "keep",
    "monthly": {"domain": "month", "period_of": "day"},
    "gone": "drop",
    "lost": {"domain": "lost", "period_of": "gone"},
    "visit": {"domain": "visit"},
    "area": {"domain": "area"},
    "lab": {"domain": "relation"},
    "other": "keep",
    "amount": column("keep", "non_personal"),
    "home.who": {"domain": "mail"},
    "lines[].who": {"domain": "person"},
    "lines[].n": column("keep", "non_personal"),
    "m{key}": {"domain": "person"},
    "m{value}": "keep",
    "deep[].at": "keep",
    "deep[].x[].who": {"domain": "person"},
    "deep[].x[].v": "keep",
    "doc:$.who[*].id": {"domain": "person"},
    "doc:$.n": "keep",
    "docs[]:$.who[*].id": {"domain": "mail"},
    "docs[]:$.n": "keep",
    "visits[]": {"domain": "visit"},
}


def configured(spark: SparkSession, lake: Path, columns: Mapping[str, Any] = COLUMNS, **more: Any) -> Config:
    """The table ``t``, made for the recipient ``lab``; its source is written where it is not there. more: of its
    entry."""
    if not (lake / "raw" / "t").exists():
        rows = [*map(row, range(MANY)), EMPTY]
        spark.createDataFrame(rows, SCHEMA).repartition(2).write.parquet(str(lake / "raw" / "t"))
    id_file = lake / "vault.id"
    if not id_file.exists():
        id_file.write_text(vaults.made(spark, lake))
    entry = table("t", lake, columns, **{"made_for": {"recipient": "lab"}, **more})
    folder = write_conf(lake, entry)
    domains = {**DOMAINS, "token": vaults.domain(lake, id_file.read_text())}
    (folder / "domains.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(domains))))
    return config.load(folder)


def with_access(spark: SparkSession, lake: Path, **more: Any) -> Config:
    """The same with a log and a policy of subject access. more: of that."""
    configured(spark, lake)
    if not (lake / "keys" / "access.json").exists():
        create_file(lake / "keys" / "access.json")
    keys = {each: {"keyset": f"file:{lake}/keys/{each}.json"} for each in ("crm", "access")}
    edit(lake / "conf" / "keys.yaml", **keys)
    stated = {
        "approvers": [approver(lake, ANN, domains=[*DOMAINS, "token"])],
        "key": "access",
        "purposes": [PURPOSE],
        "at_most_rows": 50,
        "at_most_hours": 72,
        **more,
    }
    edit(lake / "conf" / "policy.yaml", subject_access=stated)
    return with_log(lake)
