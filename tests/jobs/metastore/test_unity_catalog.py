"""Unity Catalog's SQL: exact statements, whatever names and comments hold, and queries that a real Spark runs.

No Unity Catalog server can be had, so tags are never set for real. What stands in for it: Spark's own parser, which
shares names and literals with it, and tables of the documented shape under the documented name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs import catalog_tags, pseudonymize
from jobs.console.exit_codes import BadUsage
from jobs.lake import sql
from jobs.lake.described import Described
from jobs.lake.record_names import RECORD
from jobs.metastore import sql_text, unity_catalog
from jobs.metastore.catalogs import checked_name
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.column_record import ColumnRecord
from jobs.spark_app import session
from tests.helpers.lakes import column, configured, table

HOSTILE = (
    "'; DROP TABLE x; --",
    "\\' OR 1=1 --",
    "it''s \\\\",
    '"double"',
    "a`b``c",
    "${spark.app.name} {{x}} ${${y}}",
    "line\nbreak\r\ttab\x00\x1f\x7f",
    "-- /* comment */ ;",
    "日本語 🔑 ü",
    ":named ? @at %s \\u0041 \\n",
    "\\",
    "'",
    "",
)


def entry(technique: str, class_: str, domain: str | None = None) -> dict[str, object]:
    how = {"truncate": {"parameters": {"keep": 2}}}.get(technique, {"parameters": {}, "key": "crm", "key_id": 1})
    return {"class": class_, "technique": technique, **how, **({"domain": domain} if domain else {})}


def field(name: str, given: T.DataType = T.StringType(), **metadata: object) -> T.StructField:  # noqa: B008
    return T.StructField(name, given, True, metadata)


TREATED = Described(
    T.StructType(
        [
            field("id", privacy=entry("keyed_hash", "direct_identifier", "customer"), comment="who's who"),
            field("a`b; '", privacy=entry("keyed_hash", "direct_identifier", "crm.customers/a")),
            field("address", T.StructType([field("zip", privacy=entry("truncate", "quasi_identifier"))])),
            field("new", privacy={}),
        ]
    ),
    "[privacy: treated, policy 2026-11; 2 direct_identifier, 1 quasi_identifier, 1 undecided]",
    {RECORD: '{"version":1,"columns":{}}', "privacy.policy.version": "2026-11", "privacy.status": "treated"},
)


def test_the_statements_of_a_table() -> None:
    alter = "ALTER TABLE `main`.`crm`.`o'dd` "
    assert unity_catalog.statements("main.crm.o'dd", TREATED) == [
        alter
        + "ALTER COLUMN `id` COMMENT 'who\\'s who [privacy: direct_identifier, keyed_hash, domain customer]'",
        alter
        + "ALTER COLUMN `a``b; '` COMMENT '[privacy: direct_identifier, keyed_hash, domain of its own]'",
        alter + "ALTER COLUMN `address` COMMENT '[privacy: zip: quasi_identifier, truncate]'",
        alter + "ALTER COLUMN `new` COMMENT '[privacy: undecided]'",
        alter + "SET TAGS ('privacy_status' = 'treated', 'privacy_policy' = '2026-11')",
        alter + "ALTER COLUMN `id` SET TAGS ('privacy_class' = 'direct_identifier', "
        "'privacy_technique' = 'keyed_hash', 'privacy_domain' = 'customer')",
        alter + "ALTER COLUMN `a``b; '` SET TAGS ('privacy_class' = 'direct_identifier', "
        "'privacy_technique' = 'keyed_hash', 'privacy_domain' = 'none')",
        alter + "ALTER COLUMN `address` SET TAGS ('privacy_class' = 'quasi_identifier', "
        "'privacy_technique' = 'truncate', 'privacy_domain' = 'none')",
        alter + "ALTER COLUMN `new` SET TAGS ('privacy_class' = 'undecided', "
        "'privacy_technique' = 'undecided', 'privacy_domain' = 'none')",
    ]  # fmt: skip


def test_a_column_of_several_leaves_has_the_strictest_class() -> None:
    leaves = [
        ColumnPrivacy("a.x", ColumnRecord("quasi_identifier", "truncate")),
        ColumnPrivacy("a.y", cases=(ColumnPrivacy("a.y{when 1}", ColumnRecord("sensitive", "mask")),)),
        ColumnPrivacy("a.z", ColumnRecord("non_personal", "keyed_hash", domain="customer")),
    ]
    assert unity_catalog.column_tags(leaves) == {
        "privacy_class": "sensitive",
        "privacy_technique": "truncate mask keyed_hash",
        "privacy_domain": "customer",
    }


def test_tags_are_what_unity_takes() -> None:
    """Keys without . , - = / : and values of 1,000 characters at most, without spaces at their ends."""
    records = [ColumnRecord("sensitive", f"t{n}", domain=f"domain{n}") for n in range(500)]
    wide = [ColumnPrivacy(f"a.f{n}", record) for n, record in enumerate(records)]
    tags = {**unity_catalog.column_tags(wide), **unity_catalog.table_tags({"privacy.policy.version": " 2 " * 500})}
    assert all(key.replace("_", "").isalpha() for key in tags)
    assert all(len(value) <= 1000 and value == value.strip() for value in tags.values())
    assert unity_catalog.column_tags([]) == {
        "privacy_class": "undecided",
        "privacy_technique": "none",
        "privacy_domain": "none",
    }


# -- whatever names and texts hold ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_a_text(spark: SparkSession, text: str) -> None:
    assert spark.sql(f"SELECT {sql.literal(text)} AS said").collect()[0]["said"] == text
    assert not set("\n\r\t") & set(sql.literal(text))
    assert "${" not in sql.literal(text)
    assert "{{" not in sql.literal(text)


@hypothesis.settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.text("'\\`${}u0041\n;-"), min_size=1, max_size=4)
)
def test_any_text_is_a_text(spark: SparkSession, texts: list[str]) -> None:
    """Spark's own parser reads back what was written: several literals side by side, as tags stand."""
    literals = ", ".join(map(sql.literal, texts))
    assert spark.sql(f"SELECT array({literals}) AS said").collect()[0]["said"] == texts


def test_hostile_names_and_comments_in_a_real_table(spark: SparkSession, lake: Path) -> None:
    """Comments are set for real, and tags as table properties, whose literals are the same."""
    own = session.for_run(spark)  # a job's session leaves ${x} in names alone
    names = [text for text in HOSTILE if text and "\x00" not in text]
    schema = T.StructType([T.StructField(name, T.StringType()) for name in names])
    own.sql("CREATE DATABASE hostile")
    try:
        writer = own.createDataFrame([], schema).write.format("delta").option("path", f"{lake}/it's")
        writer.option("delta.columnMapping.mode", "name").saveAsTable("hostile.t")
        comments = dict(zip(names, reversed(names), strict=True))
        own.sql(sql_text.comment_on_columns("hostile.t", comments))
        assert {each.name: each.description for each in own.catalog.listColumns("hostile.t")} == comments
        own.sql(sql_text.register("hostile.again", f"{lake}/it's"))
        assert own.read.table("hostile.again").columns == names
        tags = {f"k{number}": name for number, name in enumerate(names)}
        own.sql(f"ALTER TABLE hostile.t SET TBLPROPERTIES ({unity_catalog._listed(tags)})")
        detail = own.sql("DESCRIBE DETAIL hostile.t").collect()[0]["properties"]
        assert {key: value for key, value in detail.items() if key in tags} == tags
    finally:
        own.sql("DROP DATABASE hostile CASCADE")


@pytest.mark.parametrize("name", ["customers", "crm.customers", "a.b.c.d", "main..customers", ""])
def test_a_name_has_three_parts(name: str) -> None:
    with pytest.raises(BadUsage, match=r"expected CATALOG\.SCHEMA\.TABLE"):
        checked_name(name, "unity")


# -- the job ----------------------------------------------------------------------------------------------------------


def test_the_sql_is_printed(spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spark.range(2).write.parquet(f"{lake}/raw/crm.customers")
    columns = {"id": column({"domain": "customer"}, "direct_identifier")}
    conf = configured(lake, table("crm.customers", lake, columns))
    pseudonymize.run(spark, conf, "crm.customers")
    own = f"delta.`{lake}/treated/crm.customers`"
    spark.sql(f"COMMENT ON TABLE {own} IS 'x'")
    spark.sql(f"ALTER TABLE {own} ALTER COLUMN id COMMENT 'x'")
    argv = ["write", "--platform", "unity", "--print-sql", "--conf", str(lake / "conf"), "--table", "crm.customers"]
    assert catalog_tags.main([*argv, "--as", "main.treated.customers"]) == 0
    name = "`main`.`treated`.`customers`"
    assert capsys.readouterr().out.splitlines() == [
        f"CREATE TABLE IF NOT EXISTS {name} USING DELTA LOCATION 'file:{lake}/treated/crm.customers';",
        f"COMMENT ON TABLE {name} IS 'x [privacy: treated, policy 2026-11; 1 direct_identifier]';",
        f"ALTER TABLE {name} ALTER COLUMN `id` COMMENT 'x [privacy: direct_identifier, keyed_hash, domain customer]';",
        f"ALTER TABLE {name} SET TAGS ('privacy_status' = 'treated', 'privacy_policy' = '2026-11');",
        f"ALTER TABLE {name} ALTER COLUMN `id` SET TAGS ('privacy_class' = 'direct_identifier', "
        "'privacy_technique' = 'keyed_hash', 'privacy_domain' = 'customer');",
    ]
    assert catalog_tags.main([*argv, "--as", "treated.customers"]) == 2
    assert "expected CATALOG.SCHEMA.TABLE" in capsys.readouterr().err


def test_where_unity_cannot_be_spoken_the_job_says_which_statement_failed(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Spark's own catalog takes what it can; the first tag is none of it."""
    spark.range(2).write.parquet(f"{lake}/raw/crm.customers")
    conf = configured(lake, table("crm.customers", lake, {"id": "keep"}))
    pseudonymize.run(spark, conf, "crm.customers")
    own = f"delta.`{lake}/treated/crm.customers`"
    spark.sql(f"COMMENT ON TABLE {own} IS 'x'")
    spark.sql(f"ALTER TABLE {own} ALTER COLUMN id COMMENT 'x'")
    spark.sql("CREATE DATABASE treated_by_unity")
    argv = ["write", "--platform", "unity", "--conf", str(lake / "conf"), "--all"]
    try:
        assert catalog_tags.main([*argv, "--database", "spark_catalog.treated_by_unity"]) == 3
        said = "crm.customers: statement 4 of 5 failed [PARSE_SYNTAX_ERROR]; those before it are done"
        assert said in capsys.readouterr().err
        (shown,) = spark.catalog.listColumns("treated_by_unity.customers")
        assert shown.description == "x [privacy: quasi_identifier, keep]"
    finally:
        spark.sql("DROP DATABASE treated_by_unity CASCADE")


@pytest.fixture
def information_schema(spark: SparkSession, tmp_path: Path) -> Iterator[str]:
    """A catalog ``system`` with the two documented tables: a real one, in Derby, through Spark's own connector."""
    catalog = "org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog"
    settings = {"": catalog, ".url": f"jdbc:derby:memory:{tmp_path.name};create=true", ".driver": DRIVER}
    settings[".pushDownPredicate"] = "false"  # Derby keeps text as CLOBs, which it does not compare
    shared = spark.sparkContext._jsc.sc().conf()  # what new sessions begin with, as a job's own does
    for key, value in settings.items():
        spark.conf.set(f"spark.sql.catalog.system{key}", value)
        shared.set(f"spark.sql.catalog.system{key}", value)
    spark.sql("CREATE NAMESPACE system.information_schema")
    names = "catalog_name string, schema_name string, table_name string"
    told = {"table_tags": "tag_name string, tag_value string"}
    told["column_tags"] = f"column_name string, {told['table_tags']}"
    for name, columns in told.items():
        spark.sql(f"CREATE TABLE system.information_schema.{name} ({names}, {columns})")
    yield "system.information_schema"
    for name in told:
        spark.sql(f"DROP TABLE system.information_schema.{name}")
    for key in settings:
        spark.conf.unset(f"spark.sql.catalog.system{key}")
        shared.remove(f"spark.sql.catalog.system{key}")


DRIVER = "org.apache.derby.iapi.jdbc.AutoloadedDriver"
TAGS = (
    ("spark_catalog", "tagged", "customers", "email", "privacy_class", "direct_identifier"),
    ("spark_catalog", "tagged", "customers", "email", "privacy_domain", "customer"),
    ("spark_catalog", "tagged", "customers", "zip", "pii", "yes"),
    ("spark_catalog", "tagged", "customers", "gone", "privacy_class", "sensitive"),
    ("spark_catalog", "tagged", "customers", "n", "owner", "sales"),
    ("spark_catalog", "tagged", "other", "n", "privacy_class", "sensitive"),
)


def test_classes_are_proposed_from_tags(spark: SparkSession, lake: Path, information_schema: str) -> None:
    spark.sql("CREATE DATABASE tagged")
    try:
        spark.sql("CREATE TABLE tagged.customers (Email string, zip string, n int) USING parquet")
        for row in TAGS:
            spark.sql(f"INSERT INTO {information_schema}.column_tags VALUES ({', '.join(map(sql.literal, row))})")
        conf = lake / "conf"
        configured(lake)
        name, means = "spark_catalog.tagged.customers", {("pii", "yes"): "quasi_identifier"}
        made = catalog_tags.read(spark, name, conf, "unity", means)
        assert [(str(p.found.path), p.kind.class_, p.treatment, p.kind.reasons) for p in made.proposals] == [
            (
                *("Email", "direct_identifier", {"domain": "customer"}),
                ("the tag privacy_class says direct_identifier",),
            ),
            ("zip", "quasi_identifier", {"technique": "truncate", "keep": 2}, ("the tag pii says quasi_identifier",)),
        ]
        assert made.silent == ("n",)
        tag = ("spark_catalog", "tagged", "customers", "privacy_class", "sensitive")
        spark.sql(f"INSERT INTO {information_schema}.table_tags VALUES ({', '.join(map(sql.literal, tag))})")
        made = catalog_tags.read(spark, name, conf, "unity", means)
        assert {str(p.found.path): p.kind.class_ for p in made.proposals}["n"] == "sensitive"
    finally:
        spark.sql("DROP DATABASE tagged CASCADE")


def test_queries_are_printed_and_hold_hostile_names(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["read", "--platform", "unity", "--print-sql", "--table", "Main.crm.O'Hara"]
    assert catalog_tags.main(argv) == 0
    where = "WHERE catalog_name = 'main' AND schema_name = 'crm' AND table_name = 'o\\'hara';"
    assert capsys.readouterr().out.splitlines() == [
        f"SELECT tag_name, tag_value FROM system.information_schema.table_tags {where}",
        f"SELECT column_name, tag_name, tag_value FROM system.information_schema.column_tags {where}",
    ]
