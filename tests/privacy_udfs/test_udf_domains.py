"""``udf.domain`` held against the job: every type of column, spelling and domain, on either path."""

from __future__ import annotations

import datetime
import decimal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from privacy_udfs import keys, udf
from privacy_udfs.errors import TypeRefused
from tests.helpers import lakes

HASH = {"technique": "keyed_hash", "key": "crm"}
NOON = datetime.datetime(2020, 2, 29, 12, 0, 0, 5)
COLUMNS: dict[str, tuple[str, list[Any]]] = {
    "text": ("string", ["\ufeffabc", "abc", "ABC", "A\u030a", "\u00c5", " 1 ", "1", "Patient/1", "PATIENT/1", ""]),
    "prefix": ("string", ["Patient/", "patient/patient/1", "Patient/ 1", "\u00a0x", "urn:2", "", "x\ty", "\u200b"]),
    "small": ("tinyint", [1, -128, 127, 0]),
    "short": ("smallint", [1, -(2**15)]),
    "number": ("int", [1, -5, 2**31 - 1]),
    "large": ("bigint", [1, 2**63 - 1, -(2**63), 2**53 + 1]),
    "price": ("decimal(12,2)", [decimal.Decimal("1.00"), decimal.Decimal("-3.50"), decimal.Decimal("0.00")]),
    "count": ("decimal(20,0)", [decimal.Decimal(1), decimal.Decimal("-12345678901234567890")]),
    "born": ("date", [datetime.date(1, 1, 1), datetime.date(2020, 2, 29), datetime.date(9999, 12, 31)]),
    "seen": ("timestamp", [NOON]),
    "written": ("timestamp_ntz", [NOON]),
    "octets": ("binary", [b"\x00\xff", b"1", b""]),
    "is_so": ("boolean", [True, False]),
}
ROWS = 11
DOMAINS: dict[str, dict[str, Any]] = {
    "soft": {**HASH, "on_refused": "null"},
    "ids": {
        **HASH, "normalize": ["nfkc", "trim", "lower", {"strip_prefix": ["patient/", "urn:"]}], "on_refused": "null",
    },
    "blank": {**HASH, "empty": "null", "encoding": "hex", "normalize": ["trim"]},
    "numbers": {**HASH, "encoding": "bigint", "bits": 64, "on_refused": "null"},
    "siv": {"technique": "deterministic_encryption", "key": "siv", "on_refused": "null"},
    "shown": {"technique": "mask", "keep_end": 1},
}  # fmt: skip


def raw(spark: SparkSession) -> DataFrame:
    """Each column's values, and nulls up to the same number of rows."""
    schema = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    cells = [values + [None] * (ROWS - len(values)) for _, values in COLUMNS.values()]
    return spark.createDataFrame([*zip(*cells, strict=True)], schema).coalesce(1)


def configured(lake: Path, domain: str, names: list[str], execution: str) -> Config:
    rules = {name: {"domain": domain} if name in names else "drop" for name in COLUMNS}
    folder = lakes.write_conf(lake, lakes.table("t", lake, rules, execution=execution))
    if not (lake / "keys" / "siv.json").exists():
        keys.create_file(lake / "keys" / "siv.json", "AesSivKey")
    named = {name: {"keyset": f"file:{lake}/keys/{name}.json"} for name in ("crm", "siv")}
    (folder / "keys.yaml").write_text(yaml.safe_dump(named), encoding="utf-8")
    (folder / "domains.yaml").write_text(yaml.safe_dump(DOMAINS), encoding="utf-8")
    return config.load(folder)


@pytest.mark.sweep
@pytest.mark.parametrize("domain", DOMAINS)
def test_it_gives_what_the_job_gives_of_every_type(spark: SparkSession, lake: Path, domain: str) -> None:
    rows = raw(spark)
    rows.write.parquet(str(lake / "raw" / "t"))
    known = configured(lake, domain, ["text"], "auto")
    own, refused = {}, []
    for field in rows.schema:
        try:
            own[field.name] = udf.domain(known, domain, field.dataType)(field.name)
        except TypeRefused:
            refused.append(field.name)
    assert {"text", "prefix"} <= own.keys()
    assert not refused or domain == "shown"
    ours = rows.select(*(column.alias(name) for name, column in own.items()))
    expected = {name: Counter(str(row[name]) for row in ours.collect()) for name in own}
    for execution in ("columnar", "spark"):
        conf = configured(lake, domain, list(own), execution)
        done = pseudonymize.run(spark, conf, "t")
        assert done.execution == execution
        treated = lakes.treated(spark, lake)
        assert dict(treated.dtypes) == dict(ours.dtypes)
        found = treated.collect()
        for name in own:
            assert Counter(str(row[name]) for row in found) == expected[name], name
