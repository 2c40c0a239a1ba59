"""What may be known of a vault without opening a token: which tokens exist, how many, since and until when."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.configuration.models import Treatment
from jobs.configuration.vault_entry import VaultEntry
from jobs.console.exit_codes import BadUsage
from jobs.lake import vault_table
from jobs.lake.vault_table import CREATED, EXPIRES, KEY_ID, ROW_KEY
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Keyset, load_keyset
from privacy_udfs.techniques.tokenize import Tokenize

SMALL = 10
SOON = 30
"""Days."""


def of_domain(conf: Config, name: str) -> tuple[Treatment, VaultEntry]:
    """A domain's treatment and its vault. Raises `BadUsage`."""
    if name not in conf.domains:
        raise BadUsage(f"domains.yaml has no domain {name}{did_you_mean(name, conf.domains)}")
    treatment = conf.domains[name].treatment
    if treatment.vault is None:
        raise BadUsage(f"domain {name} has no vault: its technique is {treatment.technique.technique}")
    return treatment, treatment.vault


def existing(spark: SparkSession, conf: Config, name: str, tokens: Sequence[str]) -> list[bool]:
    """Which of the tokens the vault holds, under any version of the key that is enabled, and not expired. Nothing is
    opened. Raises `KeyProblem`, `SourceProblem`."""
    treatment, entry = of_domain(conf, name)
    technique, key = treatment.technique, conf.keys[str(treatment.key)]
    assert isinstance(technique, Tokenize), "no other technique has a vault"
    vault = vault_table.looked(spark, entry)
    keyset = load_keyset(key.keyset, key.kek, str(treatment.key))
    known = [
        technique.row_keys(pa.array(tokens, pa.string()), keyset.subkey(technique, name, each)) for each in _ids(keyset)
    ]
    asked = pa.table({ROW_KEY: pa.concat_arrays(known).drop_null()})
    there = spark.createDataFrame(asked).join(vault.rows().select(ROW_KEY), ROW_KEY, "left_semi").toArrow()
    held = set(there[ROW_KEY].to_pylist())
    rows = zip(*(each.to_pylist() for each in known), strict=True)
    return [any(each in held for each in row if each is not None) for row in rows]


def _ids(keyset: Keyset) -> list[int]:
    found = [entry.id for entry in keyset.entries if entry.status == "ENABLED"]
    if not found:
        raise KeyProblem("no version of the key is enabled")
    return found


def told(spark: SparkSession, conf: Config, name: str) -> Mapping[str, Any]:
    """The vault of a domain, as plain data: no count below ten, none closer than to ten, and no date of fewer."""
    entry = of_domain(conf, name)[1]
    vault = vault_table.looked(spark, entry)
    rows, now = vault.all_rows(), F.lit(vault.moment)
    soon = F.lit(vault.moment + datetime.timedelta(days=SOON))
    expired = F.col(EXPIRES) <= now
    found = rows.agg(
        F.count("*").alias("tokens"),
        F.count_if(expired).alias("expired"),
        F.count_if(~expired & (F.col(EXPIRES) <= soon)).alias(f"expiring within {SOON} days"),
        F.min(CREATED).cast("date").cast("string").alias("first created"),
        F.max(CREATED).cast("date").cast("string").alias("last created"),
    ).collect()[0]
    dates = ("first created", "last created")
    versions = rows.groupBy(KEY_ID).count().orderBy(KEY_ID).collect()
    return {
        "domain": name,
        "vault": entry.id,
        "version": vault.version,
        **{
            label: rough(value) if isinstance(value, int) else value
            for label, value in found.asDict().items()
            if label not in dates or found["tokens"] >= SMALL
        },
        "by version of the key": {str(row[KEY_ID]): rough(row["count"]) for row in versions},
        "ttl_days": entry.ttl_days,
        "exportable": entry.exportable,
        "bits": vault.bits,
    }


def rough(number: int) -> int | str:
    """A count as it may be shown: of parts and wholes that are told so no part is known that points at somebody."""
    return f"< {SMALL}" if 0 < number < SMALL else number // SMALL * SMALL
