"""The main job from a notebook's door: real Spark, real Delta."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path

import pytest
from chispa import assert_df_equality
from delta.tables import DeltaTable
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import plan, pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake.problems import SourceProblem
from jobs.pseudonymize import Result, run
from jobs.spark_app import session
from jobs.spark_app.failures import RunFailed, translated
from jobs.table_run.planned import inspected, planned
from jobs.treatment.treatment_plan import PlanError
from tests.helpers import lakes, set_runs
from tests.helpers.lakes import column, configured, table, write_conf

CUSTOMER = {"domain": "customer"}
FIRST_YEAR = {"technique": "generalize_date", "unit": "year"}


def raw_customers(spark: SparkSession, lake: Path) -> DataFrame:
    rows = [
        (2**53 + 1, "Ann", datetime.date(1980, 5, 17), ("High St 1", "0250"), [("s1", 2, "for Ann")]),
        (2**53 + 2, None, None, None, None),
        (None, "Bo", datetime.date(2001, 1, 1), ("Low St 2", None), []),
    ]
    schema = (
        "customer_id bigint, name string, birth_date date, address struct<street: string, zip: string>, "
        "items array<struct<sku: string, quantity: int, note: string>>"
    )
    frame = spark.createDataFrame(rows, schema)
    frame.coalesce(1).write.mode("overwrite").parquet(str(lake / "raw" / "crm.customers"))
    return frame


def customers(lake: Path, **more: object) -> dict[str, object]:
    columns = {
        "customer_id": column(CUSTOMER, "direct_identifier"),
        "name": column("redact", "direct_identifier"),
        "birth_date": column(FIRST_YEAR),
        "address.street": column("drop", "direct_identifier"),
        "address.zip": column({"technique": "truncate", "keep": 2}),
        "items[].sku": column("keep", "non_personal"),
        "items[].quantity": column("keep", "non_personal"),
        "items[].note": column({"technique": "mask"}, "sensitive"),
    }
    return table("crm.customers", lake, columns, **more)


def treated(spark: SparkSession, lake: Path, name: str = "crm.customers") -> DataFrame:
    return lakes.treated(spark, lake, name)


def properties(spark: SparkSession, lake: Path, name: str = "crm.customers") -> dict[str, str]:
    return lakes.properties(spark, lake, name)


@pytest.fixture
def done(spark: SparkSession, lake: Path) -> tuple[Config, Result]:
    raw_customers(spark, lake)
    conf = configured(lake, customers(lake))
    return conf, run(spark, conf, "crm.customers")


def test_values_are_treated(spark: SparkSession, lake: Path, done: tuple[Config, Result]) -> None:
    got = {row["address"] and row["address"]["zip"]: row for row in treated(spark, lake).collect()}
    assert treated(spark, lake).columns == ["customer_id", "name", "birth_date", "address", "items"]
    row = got["02"]
    assert len(row["customer_id"]) == 22
    assert row["name"] is None
    assert row["birth_date"] == datetime.date(1980, 1, 1)
    assert row["address"].asDict() == {"zip": "02"}
    assert row["items"][0].asDict() == {"sku": "s1", "quantity": 2, "note": "*** ***"}
    assert treated(spark, lake).where("customer_id IS NULL AND items IS NOT NULL AND size(items) = 0").count() == 1


def test_the_result_counts(done: tuple[Config, Result]) -> None:
    result = done[1]
    assert (result.version, result.rows) == (0, 3)
    assert result.counts["customer_id"] == (2, 1, 0)
    assert result.counts["birth_date"] == (2, 1, 0)
    assert result.counts["address.zip"] == (1, 2, 0)
    assert result.counts["items[].note"] == (1, 0, 0)


def test_the_record_stands_in_properties_fields_and_commit(
    spark: SparkSession, lake: Path, done: tuple[Config, Result]
) -> None:
    found = properties(spark, lake)
    record = json.loads(found["privacy.record"])
    assert set(record["columns"]) == set(done[0].tables["crm.customers"].columns)
    entry = record["columns"]["customer_id"]
    assert entry["technique"] == "keyed_hash"
    assert entry["domain"] == "customer"
    assert entry["key"] == "crm"
    assert entry["parameters"]["normalize"] == ["nfc", "trim"]
    assert found["privacy.status"] == "treated"
    assert found["privacy.policy.version"] == "2026-11"
    assert "privacy.policy.profiles" not in found
    assert len(found["privacy.config.sha256"]) == 64
    assert "pyspark 4.2" in found["privacy.software"]

    schema = treated(spark, lake).schema
    assert schema["customer_id"].metadata["privacy"] == entry
    assert schema["address"].dataType["zip"].metadata["privacy"]["technique"] == "truncate"
    assert schema["items"].dataType.elementType["sku"].metadata["privacy"]["technique"] == "keep"

    commit = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/crm.customers`").collect()[0]
    run_data = json.loads(commit["userMetadata"])
    assert run_data["run_id"] == done[1].run_id
    assert run_data["counts"]["customer_id"] == [2, 1, 0]
    assert (run_data["execution"], "not_columnar" in run_data) == ("columnar", False)


def test_the_commit_says_why_it_was_not_the_columnar_path(spark: SparkSession, lake: Path) -> None:
    """Where it was Spark's path and nobody had asked for it."""
    spark.range(3).coalesce(1).write.parquet(str(lake / "raw" / "t"))
    conf = configured(lake, table("t", lake, {"id": "keep"}, rows="id > 0"))
    found = [run(spark, conf, "t"), run(spark, conf, "t", execution="spark")]
    reason = "the predicate 'rows' is evaluated by Spark"
    assert [(each.execution, each.not_columnar) for each in found] == [("spark", reason), ("spark", None)]
    history = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/t`").orderBy("version").collect()
    said = [json.loads(row["userMetadata"]) for row in history]
    assert [each["execution"] for each in said] == ["spark", "spark"]
    assert [each.get("not_columnar") for each in said] == [reason, None]


def test_the_record_names_the_profiles_that_were_in_force(spark: SparkSession, lake: Path) -> None:
    spark.createDataFrame([("a",)], "a string").write.parquet(str(lake / "raw" / "t"))
    conf = configured(lake, table("t", lake, {"a": "redact"}))
    named = conf.policy.model_copy(update={"profile": ("pci_dss", "hipaa_safe_harbor")})
    run(spark, dataclasses.replace(conf, policy=named), "t")
    assert lakes.properties(spark, lake)["privacy.policy.profiles"] == "pci_dss 1, hipaa_safe_harbor 1"
    run(spark, conf, "t")
    assert "privacy.policy.profiles" not in lakes.properties(spark, lake)


def test_every_version_has_rows_and_record(spark: SparkSession, lake: Path, done: tuple[Config, Result]) -> None:
    run(spark, done[0], "crm.customers")
    harsher = customers(lake)
    harsher["columns"]["birth_date"] = column("redact")  # type: ignore[index]
    run(spark, configured(lake, harsher), "crm.customers")
    log = sorted((lake / "treated" / "crm.customers" / "_delta_log").glob("*.json"))
    assert len(log) == 3
    for commit in log:
        actions = [json.loads(line) for line in commit.read_text().splitlines()]
        kinds = {next(iter(action)) for action in actions}
        assert "add" in kinds
        if commit is log[1]:
            continue  # the same treatment again: Delta writes metadata only where it changed
        metadata = next(action["metaData"] for action in actions if "metaData" in action)
        assert "privacy.record" in metadata["configuration"]
    for version in range(3):
        schema = spark.read.format("delta").option("versionAsOf", version).load(str(log[0].parents[1])).schema
        technique = schema["birth_date"].metadata["privacy"]["technique"]
        assert technique == ("redact" if version == 2 else "generalize_date")


def test_the_same_again_gives_the_same(spark: SparkSession, lake: Path, done: tuple[Config, Result]) -> None:
    again = run(spark, done[0], "crm.customers")
    assert again.version == 1
    before = spark.read.format("delta").option("versionAsOf", 0).load(str(lake / "treated" / "crm.customers"))
    assert_df_equality(before, treated(spark, lake), ignore_row_order=True, ignore_metadata=False)


def test_a_task_without_rows_writes_no_file_that_counts(spark: SparkSession, lake: Path) -> None:
    for number in range(3):
        rows = spark.range(number * 10, number * 10 + 10).coalesce(1)
        rows.write.mode("append").parquet(str(lake / "raw" / "t"))
    conf = configured(lake, table("t", lake, {"id": "keep"}, rows="id BETWEEN 10 AND 19"))
    set_runs.run(spark, conf, "t", "spark", set_runs.FILE_BY_FILE)
    again = set_runs.run(spark, conf, "t", "spark", set_runs.FILE_BY_FILE)
    assert again.version == 1  # the first is known as a run of ours
    last = DeltaTable.forPath(spark, str(lake / "treated" / "t")).history(1).collect()[0]
    added = spark.read.json(str(lake / "treated" / "t" / "_delta_log" / f"{1:020}.json")).where("add IS NOT NULL")
    assert json.loads(last["userMetadata"])["files"] == added.count()


def test_settings_of_the_target_survive_a_replace(spark: SparkSession, lake: Path, done: tuple[Config, Result]) -> None:
    target = f"delta.`{lake}/treated/crm.customers`"
    spark.sql(f"ALTER TABLE {target} SET TBLPROPERTIES (delta.enableChangeDataFeed = true)")
    run(spark, done[0], "crm.customers")
    assert properties(spark, lake)["delta.enableChangeDataFeed"] == "true"


@pytest.mark.parametrize("form", ["delta", "parquet", "csv", "json", "orc"])
def test_sources_by_path(spark: SparkSession, lake: Path, form: str) -> None:
    frame = spark.createDataFrame([("11", "a, b"), ("12", None)], "id string, note string")
    writer = frame.coalesce(1).write.format(form)
    if form == "csv":
        writer = writer.option("header", "true")
    writer.save(str(lake / "raw" / "t"))
    source = {"format": form, "path": str(lake / "raw" / "t")}
    conf = configured(lake, table("t", lake, {"id": CUSTOMER, "note": "keep"}, source=source))
    run(spark, conf, "t")
    got = {row["note"]: row["id"] for row in treated(spark, lake, "t").collect()}
    assert set(got) == {"a, b", None}
    assert len(set(got.values())) == 2


def test_one_pseudonym_whatever_the_type_and_format(spark: SparkSession, lake: Path) -> None:
    ids = [0, 11, 2**53 + 1, -(2**62)]
    frames = {
        "big": spark.createDataFrame([(i,) for i in ids] + [(None,)], "id bigint"),
        "text": spark.createDataFrame([(str(i),) for i in ids], "id string"),
        "dec": spark.createDataFrame([(i,) for i in ids], "id bigint").select(F.col("id").cast("decimal(20,0)")),
    }
    tables = []
    for name, frame in frames.items():
        frame.write.parquet(str(lake / "raw" / name))
        tables.append(table(name, lake, {"id": CUSTOMER}))
    conf = configured(lake, *tables)
    for name in frames:
        run(spark, conf, name)
    got = [{row[0] for row in treated(spark, lake, name).where("id IS NOT NULL").collect()} for name in frames]
    assert got[0] == got[1] == got[2]
    assert len(got[0]) == len(ids)


def test_domains_cannot_be_joined(spark: SparkSession, lake: Path) -> None:
    spark.createDataFrame([("1", "1")], "a string, b string").write.parquet(str(lake / "raw" / "t"))
    conf = configured(lake, table("t", lake, {"a": CUSTOMER, "b": {"domain": "other"}}))
    run(spark, conf, "t")
    row = treated(spark, lake, "t").collect()[0]
    assert row["a"] != row["b"]


def test_tables_by_name(spark: SparkSession, lake: Path) -> None:
    spark.sql("CREATE DATABASE IF NOT EXISTS names")
    spark.createDataFrame([(1, "x")], "id int, note string").write.format("delta").mode("overwrite").saveAsTable(
        "names.src"
    )
    entry = table(
        "names.customers",
        lake,
        {"id": CUSTOMER, "note": "keep"},
        source={"table": "names.src"},
        target={"table": "names.dst"},
    )
    conf = configured(lake, entry)
    for version in (0, 1):
        assert run(spark, conf, "names.customers").version == version
    assert spark.table("names.dst").count() == 1
    found = {row["key"] for row in spark.sql("SHOW TBLPROPERTIES names.dst").collect()}
    assert "privacy.record" in found
    spark.sql("DROP DATABASE names CASCADE")


def test_a_delta_source_is_pinned_and_recorded(spark: SparkSession, lake: Path) -> None:
    path = str(lake / "raw" / "t")
    for mode in ("overwrite", "append"):
        spark.range(3).write.format("delta").mode(mode).save(path)
    source = {"format": "delta", "path": path}
    conf = configured(lake, table("t", lake, {"id": CUSTOMER}, source=source))
    run(spark, conf, "t")
    commit = spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/t`").collect()[0]
    assert json.loads(commit["userMetadata"])["source_version"] == 1


def test_partitioned_and_clustered_targets(spark: SparkSession, lake: Path) -> None:
    frame = spark.createDataFrame([("1", "DE"), ("2", "FR")], "id string, country string")
    for name in ("p", "c"):
        frame.write.parquet(str(lake / "raw" / name))
    columns = {"id": CUSTOMER, "country": "keep"}
    targets = {"p": {"partition_by": ["country"]}, "c": {"cluster_by": ["country"]}}
    entries = [
        table(name, lake, columns, target={"path": str(lake / "treated" / name), **target})
        for name, target in targets.items()
    ]
    conf = configured(lake, *entries)
    for name, detail in {"p": "partitionColumns", "c": "clusteringColumns"}.items():
        for _ in range(2):
            run(spark, conf, name)
        assert spark.sql(f"DESCRIBE DETAIL delta.`{lake}/treated/{name}`").collect()[0][detail] == ["country"]


# -- names and shapes -----


def test_odd_column_names(spark: SparkSession, lake: Path) -> None:
    names = ["a.b", "with space", "back`tick", "größe", "数", "semi;colon", "tab\tname"]
    frame = spark.createDataFrame([tuple(f"v{at}" for at in range(len(names)))], names)
    frame.write.format("delta").option("delta.columnMapping.mode", "name").save(str(lake / "raw" / "t"))
    quoted = {f"`{name.replace('`', '``')}`": CUSTOMER for name in names}
    conf = configured(lake, table("t", lake, quoted, source={"format": "delta", "path": str(lake / "raw" / "t")}))
    run(spark, conf, "t")
    run(spark, conf, "t")
    assert treated(spark, lake, "t").columns == names
    assert all(len(value) == 22 for value in treated(spark, lake, "t").collect()[0])


def test_case_collisions_are_refused(spark: SparkSession, lake: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (lake / "raw" / "t").mkdir(parents=True)
    pq.write_table(pa.table({"id": ["1"], "ID": ["canary"]}), lake / "raw" / "t" / "a.parquet")
    conf = configured(lake, table("t", lake, {"id": CUSTOMER}))
    with pytest.raises(SourceProblem, match="two columns are called id") as caught:
        run(spark, conf, "t")
    assert "canary" not in str(caught.value)
    assert not (lake / "treated" / "t").exists()


def test_200_columns_and_no_rows(spark: SparkSession, lake: Path) -> None:
    names = [f"c{at}" for at in range(200)]
    frame = spark.range(5).select(*[F.col("id").cast("string").alias(name) for name in names])
    frame.write.parquet(str(lake / "raw" / "wide"))
    frame.limit(0).write.parquet(str(lake / "raw" / "none"))
    conf = configured(lake, *(table(name, lake, dict.fromkeys(names, CUSTOMER)) for name in ("wide", "none")))
    assert run(spark, conf, "wide").rows == 5
    assert run(spark, conf, "none").rows == 0
    assert len(treated(spark, lake, "none").columns) == 200
    assert json.loads(properties(spark, lake, "none")["privacy.record"])["columns"]["c199"]["technique"] == "keyed_hash"


# -- refusals -----


def test_an_undecided_column_stops_the_job(spark: SparkSession, lake: Path) -> None:
    raw_customers(spark, lake)
    entry = customers(lake)
    del entry["columns"]["items[].note"]  # type: ignore[attr-defined]
    with pytest.raises(PlanError, match=r"items\[\]\.note \(string\): no decision"):
        run(spark, configured(lake, entry), "crm.customers")
    assert not (lake / "treated").exists()


def test_a_target_with_raw_history_is_refused(spark: SparkSession, lake: Path) -> None:
    raw = raw_customers(spark, lake)
    raw.write.format("delta").save(str(lake / "treated" / "crm.customers"))
    conf = configured(lake, customers(lake))
    with pytest.raises(Refused, match=r"1 version without a treatment record \(0\)"):
        run(spark, conf, "crm.customers")
    assert run(spark, conf, "crm.customers", allow_raw_history=True).version == 1
    with pytest.raises(Refused, match="without a treatment record"):  # version 0 can still be read
        run(spark, conf, "crm.customers")


def test_another_key_under_the_same_name_is_refused(
    spark: SparkSession, lake: Path, done: tuple[Config, Result]
) -> None:
    keyset = lake / "keys" / "crm.json"
    from privacy_udfs import keys

    before = keys.load_keyset(f"file:{keyset}")
    keyset.unlink()
    keys.create_file(keyset)
    other = keys.load_keyset(f"file:{keyset}")
    text = keyset.read_text().replace(str(other.primary.id), str(before.primary.id))
    keyset.write_text(text)
    keys.clear_cache()
    with pytest.raises(Refused, match="is not the key that the target's record was made with"):
        run(spark, done[0], "crm.customers")


def test_refused_values_stop_the_run_or_become_null(spark: SparkSession, lake: Path) -> None:
    spark.createDataFrame([("10.1.2.3",), ("canary",), (None,)], "ip string").write.parquet(str(lake / "raw" / "t"))
    stop = {"technique": "truncate_ip"}
    with pytest.raises(RunFailed, match=r"t: ip: truncate_ip cannot treat 1 of \d values") as caught:
        run(spark, configured(lake, table("t", lake, {"ip": stop})), "t")
    assert "canary" not in str(caught.value)
    assert not list((lake / "treated").glob("t/_delta_log/*.json"))
    result = run(spark, configured(lake, table("t", lake, {"ip": {**stop, "on_refused": "null"}})), "t")
    assert result.counts == {"ip": (1, 1, 1)}
    assert {row["ip"] for row in treated(spark, lake, "t").collect()} == {"10.1.2.0", None}


def test_a_malformed_line_stops_the_run(spark: SparkSession, lake: Path) -> None:
    folder = lake / "raw" / "t"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("id,note\n1,x\n2,y,canary\n")
    source = {"format": "csv", "path": str(folder)}
    conf = configured(lake, table("t", lake, {"id": CUSTOMER, "note": "keep"}, source=source))
    with pytest.raises(RunFailed, match="line 3, has a record of 3 columns, and 2 are expected") as caught:
        run(spark, conf, "t")
    assert "canary" not in str(caught.value)


def test_a_csv_schema_must_fit_the_header(spark: SparkSession, lake: Path) -> None:
    """Spark would go by position, and put the notes under the name of the ids."""
    folder = lake / "raw" / "t"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("id,note\n1,x\n")
    source = {"format": "csv", "path": str(folder), "schema": "id int, note string"}
    entry = table("t", lake, {"id": CUSTOMER, "note": "keep"}, source=source)
    assert run(spark, configured(lake, entry), "t").rows == 1
    wrong = {**entry, "source": {**source, "schema": "note string, id int"}}
    with pytest.raises(
        SourceProblem,
        match=r"a\.csv has a header with another name in column 1 than source\.schema, which calls it note",
    ):
        run(spark, configured(lake, wrong), "t")


def test_a_column_that_only_some_files_have_must_be_decided(spark: SparkSession, lake: Path) -> None:
    path = str(lake / "raw" / "t")
    spark.range(3).write.parquet(path)
    spark.range(3).selectExpr("id", "'canary' AS mail").write.mode("append").parquet(path)
    with pytest.raises(PlanError, match="mail"):
        run(spark, configured(lake, table("t", lake, {"id": CUSTOMER})), "t")


def test_csv_files_with_different_headers_are_refused(spark: SparkSession, lake: Path) -> None:
    folder = lake / "raw" / "t"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("id,note\n1,x\n")
    (folder / "b.csv").write_text("note,id\ny,2\n")
    source = {"format": "csv", "path": str(folder)}
    conf = configured(lake, table("t", lake, {"id": CUSTOMER, "note": "keep"}, source=source))
    with pytest.raises(RunFailed, match="has a header with another name in column 1"):
        run(spark, conf, "t")


def test_a_value_that_looks_like_a_raised_error_is_not_shown() -> None:
    def failing() -> None:
        raise PySparkException("[CAST_INVALID_INPUT] The value '[USER_RAISED_EXCEPTION] Zerlina SQLSTATE' is malformed")

    with pytest.raises(
        RunFailed, match=r"^t: Spark failed with PySparkException, of which more is not told"
    ) as refused:
        translated("t", failing)
    assert "Zerlina" not in str(refused.value)


# -- a run is carried out as it was prepared --------------------------------------------------------------------------


def test_what_no_gate_was_asked_about_is_not_carried_out(spark: SparkSession, lake: Path) -> None:
    raw_customers(spark, lake)
    conf = configured(lake, customers(lake))
    own = session.for_run(spark)
    looked_at = inspected(planned(own, conf, "crm.customers"))
    with pytest.raises(BadUsage, match="as it was prepared"):
        pseudonymize.execute(own, looked_at)  # type: ignore[arg-type]
    ready = pseudonymize.prepare(own, conf, "crm.customers")
    with pytest.raises(BadUsage, match="in the same session"):
        pseudonymize.execute(session.for_run(spark), ready)
    assert not (lake / "treated").exists()
    assert pseudonymize.execute(own, ready).version == 0


def test_a_plan_from_python_asks_every_gate_and_writes_nothing(spark: SparkSession, lake: Path) -> None:
    raw_customers(spark, lake)
    conf = configured(lake, customers(lake))
    assert plan.run(spark, conf, "crm.customers").table == "crm.customers"
    assert not (lake / "treated").exists()
    spark.sql("SELECT 'x' AS id").write.format("delta").save(str(lake / "treated" / "crm.customers"))
    with pytest.raises(Refused, match="--accept-raw-history"):
        plan.run(spark, conf, "crm.customers")
    assert plan.run(spark, conf, "crm.customers", accept_raw_history=True).table == "crm.customers"


def test_messages_keep_the_mark_of_the_run_where_the_configuration_is_kept(spark: SparkSession, lake: Path) -> None:
    """The snapshot is stored between the look at the source and the first row that is read."""
    (lake / "raw").mkdir()
    (lake / "raw" / "t.csv").write_text("num\n1\nx\n", encoding="utf-8")
    source = {"format": "csv", "path": str(lake / "raw" / "t.csv"), "schema": "num int"}
    conf_dir = write_conf(lake, table("t", lake, {"num": "keep"}, source=source))
    with (conf_dir / "policy.yaml").open("a", encoding="utf-8") as policy:
        policy.write(f"snapshots: {{path: {lake}/snapshots}}\n")
    with pytest.raises(RunFailed, match=r"t\.csv holds a value in column num that is no int"):
        run(spark, config.load(conf_dir), "t")
    assert (lake / "snapshots").exists()
