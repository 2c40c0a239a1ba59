"""The public functions: Arrow and pandas evaluations give the same, whatever the batch, the nulls and the type."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from privacy_udfs import keys, udf
from privacy_udfs.errors import KeyProblem, TypeRefused
from privacy_udfs.keys import KeyReference
from privacy_udfs.nested import Counts
from privacy_udfs.techniques import parse
from privacy_udfs.udf import PartCountsParam
from tests.helpers import lakes

HASH = {"technique": "keyed_hash", "bits": 128}
BIG = 2**53 + 1


@pytest.fixture
def reference(tmp_path: Path) -> KeyReference:
    keys.create_file(tmp_path / "k.json")
    uri = f"file:{tmp_path / 'k.json'}"
    return keys.refer("k", uri, None, parse(HASH), "customer")


def ids(spark: SparkSession, partitions: int) -> DataFrame:
    """Customer numbers past 2^53 next to each other, every third of them null."""
    return spark.range(0, 300, 1, partitions).select(F.when(F.col("id") % 3 != 0, F.col("id") + BIG).alias("id"))


@pytest.mark.parametrize("batch", [1, 7, 10_000])
@pytest.mark.parametrize("evaluation", ["arrow", "pandas"])
def test_a_nullable_bigint_has_one_pseudonym(
    spark: SparkSession, reference: KeyReference, evaluation: str, batch: int
) -> None:
    own = spark.newSession()
    own.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", batch)
    frame = ids(own, 3)
    treated = frame.select("id", udf.on("id", HASH, reference, "bigint", evaluation=evaluation).alias("p")).collect()
    expected = parse(HASH).apply(
        frame.toArrow()["id"], keys.load_keyset(reference.keyset).subkey(parse(HASH), "customer")
    )
    assert [row["p"] for row in treated] == expected.values.to_pylist()
    assert len({row["p"] for row in treated}) == 201


ROW = {
    "string": "Ann-4711",
    "bigint": BIG,
    "tinyint": -5,
    "decimal(20,2)": decimal.Decimal("-123456789012345678.50"),
    "date": datetime.date(1066, 10, 14),
    "timestamp": datetime.datetime(2024, 3, 31, 1, 30, 0, 123456),
    "timestamp_ntz": datetime.datetime(1905, 3, 31, 2, 30, 0, 1),
    "boolean": True,
    "binary": b"\x00\xff",
}


@pytest.mark.parametrize("kind", ROW)
def test_every_type_crosses_both_ways_alike(spark: SparkSession, reference: KeyReference, kind: str) -> None:
    frame = spark.createDataFrame([(ROW[kind],), (None,)], f"v {kind}").coalesce(1)
    arrow, pandas = (udf.on("v", HASH, reference, kind, evaluation=way).alias(way) for way in ("arrow", "pandas"))
    rows = frame.select(arrow).collect(), frame.select(pandas).collect()
    assert [row[0] for row in rows[0]] == [row[0] for row in rows[1]]
    assert [row[0] is None for row in rows[0]] == [False, True]


@pytest.mark.parametrize(
    ("treatment", "kind"),
    [
        ({"technique": "generalize_date", "unit": "month"}, "date"),
        ({"technique": "generalize_date", "unit": "year"}, "timestamp"),
        ({"technique": "generalize_date", "unit": "year"}, "timestamp_ntz"),
        ({"technique": "generalize_number", "width": 10, "label": "lower"}, "bigint"),
        ({"technique": "generalize_number", "width": 10}, "decimal(20,2)"),
        ({"technique": "mask"}, "string"),
        ({"technique": "keep"}, "boolean"),
    ],
    ids=str,
)
def test_results_of_every_type_come_back_alike(spark: SparkSession, treatment: dict[str, object], kind: str) -> None:
    frame = spark.createDataFrame([(ROW[kind],), (None,)], f"v {kind}").coalesce(1)
    columns = [udf.on("v", treatment, input_type=kind, evaluation=way).alias(way) for way in ("arrow", "pandas")]
    arrow, pandas = (frame.select(column) for column in columns)
    assert arrow.schema[0].dataType == pandas.schema[0].dataType
    assert [row[0] for row in arrow.collect()] == [row[0] for row in pandas.collect()]


@pytest.mark.parametrize("make", [udf.arrow, udf.pandas])
def test_in_sql(spark: SparkSession, reference: KeyReference, make: object) -> None:
    spark.udf.register("pseudonym", make(HASH, reference))  # type: ignore[operator]
    row = spark.sql(
        "SELECT pseudonym(CAST(11 AS STRING)) a, pseudonym('11') b, pseudonym(CAST(NULL AS STRING)) c"
    ).first()
    assert row is not None
    assert row["a"] == row["b"]
    assert len(row["a"]) == 22
    assert row["c"] is None


def test_pandas_refuses_numbers_whatever_the_batch(spark: SparkSession, reference: KeyReference) -> None:
    function = udf.pandas(HASH, reference)
    with pytest.raises(Exception, match="CAST the column AS STRING"):
        spark.range(3).select(function("id")).collect()


def test_date_shift_takes_its_subject(spark: SparkSession, reference: KeyReference) -> None:
    shift = {"technique": "date_shift", "max_days": 30, "exclude_zero": True}
    of_shift = keys.refer("k", reference.keyset, None, parse(shift), "dates")
    day = datetime.date(2024, 5, 1)
    frame = spark.createDataFrame([("a", day), ("a", day + datetime.timedelta(9)), ("b", day)], "who string, d date")
    rows = frame.select(udf.on("d", shift, of_shift, "date", subject="who").alias("d")).collect()
    assert (rows[1]["d"] - rows[0]["d"]).days == 9
    assert all(0 < abs((row["d"] - day).days - at) <= 30 for row, at in zip(rows, (0, 9, 0), strict=True))


def test_a_randomized_technique_is_evaluated_once_a_row(spark: SparkSession, reference: KeyReference) -> None:
    seal = {"technique": "randomized_encryption"}
    of_seal = keys.refer("k", reference.keyset, None, parse(seal), "notes")
    frame = spark.createDataFrame([("x",)], "v string").select(udf.on("v", seal, of_seal).alias("t"))
    row = frame.select("t", F.col("t").alias("again")).first()
    assert row is not None
    assert row["t"] == row["again"]


def test_what_spark_ships_and_shows_holds_no_key(spark: SparkSession, reference: KeyReference) -> None:
    from pyspark.cloudpickle import dumps

    function = udf.arrow(HASH, reference)
    shipped = dumps(function.func)  # type: ignore[attr-defined]
    secret = keys.load_keyset(reference.keyset).subkey(parse(HASH), "customer").material
    for spelling in (secret, secret.hex().encode(), repr(secret)[2:-1].encode()):
        assert spelling not in shipped
    assert reference.keyset.encode() in shipped
    assert "file:" not in repr(reference)


def test_of_parts_that_are_counted_again_the_last_attempt_counts() -> None:
    """As when files of a shuffle are lost: Spark adds what tasks count that it runs again."""
    param, total, told = PartCountsParam(), Counts(), list[Counts]()
    param.listener = lambda counts: told.append(dict(counts))
    for part, attempt, count in ((0, 1, (5, 1, 0)), (1, 2, (7, 0, 0)), (0, 3, (5, 1, 0)), (1, 2, (1, 0, 2))):
        total = param.addInPlace(total, {PartCountsParam.TASK: (part, attempt, 0), "t: id": count})
    assert total == {"t: id": (13, 1, 2)}
    assert told[2] == {"t: id": (12, 1, 0)}


class TestOfDomain:
    """Domains by their names, as the job treats them."""

    @pytest.fixture
    def conf(self, lake: Path) -> Config:
        more = {
            "patient": {**HASH, "key": "crm", "normalize": {"strip_prefix": ["Patient/", "urn:patient:"]}},
            "dates": {"technique": "date_shift", "max_days": 30, "key": "crm"},
            "plain": {"technique": "truncate", "keep": 2},
            "lab": {**HASH, "key": "crm", "scope": "relationship"},
            "month": {**HASH, "key": "crm", "scope": "period", "period": "month"},
        }
        rules = {"id": {"domain": "patient"}, "born": {"domain": "dates"}, "number": {"domain": "customer"}}
        folder = lakes.write_conf(lake, lakes.table("t", lake, rules, subject="id"))
        (folder / "domains.yaml").write_text(yaml.safe_dump({**lakes.DOMAINS, **more}), encoding="utf-8")
        return config.load(folder)

    def test_it_gives_what_the_job_gives(self, spark: SparkSession, lake: Path, conf: Config) -> None:
        born = datetime.date(1980, 5, 17)
        schema = "id string, born date, number bigint"
        spelled = [("Patient/1", born, BIG), ("2", born, None), ("1", born, 7), ("urn:patient:1", born, 7)]
        rows = spark.createDataFrame(spelled, schema)
        rows.coalesce(1).write.parquet(str(lake / "raw" / "t"))
        pseudonymize.run(spark, conf, "t")
        own = rows.select(
            udf.domain(conf, "patient")("id").alias("id"),
            udf.domain(conf, "dates", "date", "patient")("born", "id").alias("born"),
            udf.domain(conf, "customer", "bigint")("number").alias("number"),
        )
        treated = lakes.treated(spark, lake)
        assert sorted(map(str, own.collect())) == sorted(map(str, treated.collect()))
        assert len({row["id"] for row in treated.collect()}) == 2
        assert "file:" not in own._jdf.queryExecution().toString()

    def test_whose_row_it_is_must_be_said_where_it_counts(self, conf: Config) -> None:
        with pytest.raises(TypeRefused, match="name the domain of the subject's column"):
            udf.domain(conf, "dates", "date")
        with pytest.raises(TypeRefused, match="name no subject"):
            udf.domain(conf, "patient", subject="patient")

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("patiant", "has no domain 'patiant'; did you mean 'patient'"),
            ("lab", "scope relationship, which a table decides"),
            ("month", "scope period, which a table decides"),
        ],
    )
    def test_what_only_a_run_gives_is_refused(self, conf: Config, name: str, said: str) -> None:
        with pytest.raises(TypeRefused, match=said):
            udf.domain(conf, name)

    def test_a_folder_is_to_be_loaded_first(self, conf: Config, lake: Path) -> None:
        with pytest.raises(TypeRefused, match=r"config\.load\(folder\)"):
            udf.domain(lake / "conf", "patient")  # type: ignore[arg-type]

    def test_a_key_that_is_gone_is_told_by_its_name(self, conf: Config, lake: Path) -> None:
        (lake / "keys" / "crm.json").unlink()
        with pytest.raises(KeyProblem):
            udf.domain(conf, "patient")
