"""Comments that say class and treatment, in Spark's catalog: real Delta tables, and a real Hive metastore on Derby."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyspark.sql import Row, SparkSession
from pyspark.sql import types as T

from jobs import catalog_tags, pseudonymize
from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.config import Config, ConfigError
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake.address import Address
from jobs.lake.described import Described, of_delta
from jobs.lake.sql import quoted
from jobs.metastore import labels, spark_catalog, sql_text
from jobs.record import marks
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.column_record import CLASSES, ColumnRecord
from jobs.record.treated_table import privacy_of
from tests.conftest import QUICK
from tests.helpers.lakes import column, configured, table, write_conf
from tests.helpers.places import ROOT

CUSTOMER = {"domain": "customer"}
CANARY = "Zerlina-Quistgaard"
SCHEMA = (
    "customer_id bigint, name string, gone string, `odd; na``me` string, "
    "address struct<street: string, zip: string>, items array<struct<sku: string>>"
)
COLUMNS = {
    "customer_id": column(CUSTOMER, "direct_identifier"),
    "name": column({"technique": "mask"}, "direct_identifier"),
    "gone": column("drop", "sensitive"),
    "`odd; na``me`": column("keep", "non_personal"),
    "address.street": column("redact", "direct_identifier"),
    "address.zip": column({"technique": "truncate", "keep": 2}),
    "items[].sku": column({"technique": "keyed_hash", "key": "crm"}, "non_personal"),
}
MARKS = {
    "customer_id": "[privacy: direct_identifier, keyed_hash, domain customer]",
    "name": "[privacy: direct_identifier, mask]",
    "odd; na`me": "[privacy: non_personal, keep]",
    "address": "[privacy: street: direct_identifier, redact; zip: quasi_identifier, truncate]",
    "items": "[privacy: [].sku: non_personal, keyed_hash, domain of its own]",
}


def raw(spark: SparkSession, lake: Path) -> None:
    rows = [(1, CANARY, "x", "y", ("High St 1", "0250"), [("s1",)]), (2, None, None, None, None, None)]
    spark.createDataFrame(rows, SCHEMA).coalesce(1).write.mode("overwrite").parquet(f"{lake}/raw/crm.customers")


@pytest.fixture
def done(spark: SparkSession, lake: Path) -> Config:
    raw(spark, lake)
    conf = configured(lake, table("crm.customers", lake, COLUMNS))
    pseudonymize.run(spark, conf, "crm.customers")
    return conf


@pytest.fixture
def database(spark: SparkSession) -> Any:
    spark.sql("CREATE DATABASE shown")
    yield "shown"
    spark.sql("DROP DATABASE shown CASCADE")


def comments(spark: SparkSession, name: str) -> dict[str, str | None]:
    return {each.name: each.description for each in spark.catalog.listColumns(name)}


def place(lake: Path) -> Address:
    return Address(path=f"{lake}/treated/crm.customers")


def history(spark: SparkSession, lake: Path) -> list[tuple[int, str]]:
    rows = place(lake).history(spark).collect()
    return [(row["version"], row["operation"]) for row in rows]


def say(spark: SparkSession, lake: Path, text: str) -> None:
    """Someone comments on the treated table and on all its columns."""
    own = place(lake).sql
    spark.sql(f"COMMENT ON TABLE {own} IS '{text}'")
    columns = ", ".join(f"{quoted(name)} COMMENT '{text}'" for name in MARKS)
    spark.sql(f"ALTER TABLE {own} ALTER COLUMN {columns}")


# -- writing ----------------------------------------------------------------------------------------------------------


def test_a_treated_table_gets_a_name_and_comments(spark: SparkSession, done: Config, database: str) -> None:
    catalog_tags.run(spark, done, "crm.customers", name="shown.customers")
    assert comments(spark, "shown.customers") == MARKS
    assert spark.catalog.getTable("shown.customers").description == (
        "[privacy: treated, policy 2026-11; 3 direct_identifier, 1 quasi_identifier, 2 non_personal; dropped: gone]"
    )
    described = spark.sql("DESCRIBE EXTENDED shown.customers").collect()
    assert CANARY not in str(described)
    assert "High St" not in str(described)


def in_order(spark: SparkSession, name: str) -> list[Row]:
    return spark.read.table(name).orderBy("customer_id").collect()


def test_the_record_is_as_before_and_the_next_run_works(
    spark: SparkSession, lake: Path, done: Config, database: str
) -> None:
    own = place(lake).sql
    say(spark, lake, "x")
    before, rows, version = of_delta(spark, place(lake)), in_order(spark, own), history(spark, lake)[0][0]
    catalog_tags.run(spark, done, "crm.customers", name="shown.customers")
    after = of_delta(spark, place(lake))
    assert after.properties == before.properties
    assert privacy_of(after.schema) == privacy_of(before.schema)
    assert privacy_of(spark.read.table("shown.customers")) == privacy_of(before.schema)
    assert in_order(spark, own) == rows
    assert history(spark, lake)[:2] == [(version + 2, "CHANGE COLUMNS"), (version + 1, "SET TBLPROPERTIES")]
    assert pseudonymize.run(spark, done, "crm.customers").version == version + 3  # what it compared and swapped
    assert in_order(spark, "shown.customers") == rows
    catalog_tags.run(spark, done, "crm.customers", name="shown.customers")
    assert all(str(comment).endswith(MARKS[name]) for name, comment in comments(spark, "shown.customers").items())


def test_a_second_time_changes_nothing(spark: SparkSession, lake: Path, done: Config, database: str) -> None:
    catalog_tags.run(spark, done, "crm.customers", name="shown.customers")
    before = history(spark, lake)
    catalog_tags.run(spark, done, "crm.customers", name="shown.customers")
    assert history(spark, lake) == before


def test_comments_of_people_stay(spark: SparkSession, done: Config, database: str) -> None:
    catalog_tags.run(spark, done, "crm.customers", name="shown.customers")
    said = 'Who\'s who: \\ "all" of them; ${HOME} {{x}}\nsee [wiki]'
    for statement in (
        sql_text.comment_on_columns("shown.customers", {"name": f"{said} [privacy: sensitive, keep] (mind it)"}),
        sql_text.comment_on_table("shown.customers", said),
    ):
        spark.sql(statement)
    for _ in range(2):
        catalog_tags.run(spark, done, "crm.customers", name="shown.customers")
        assert comments(spark, "shown.customers")["name"] == f"{said} (mind it) {MARKS['name']}"
        assert str(spark.catalog.getTable("shown.customers").description).startswith(f"{said} [privacy: treated, ")


def test_a_target_by_name_keeps_its_name(spark: SparkSession, lake: Path, database: str) -> None:
    raw(spark, lake)
    conf = configured(lake, table("crm.customers", lake, COLUMNS, target={"table": "shown.named"}))
    pseudonymize.run(spark, conf, "crm.customers")
    catalog_tags.run(spark, conf, "crm.customers")
    assert comments(spark, "shown.named") == MARKS
    with pytest.raises(BadUsage, match=r"its target has a name, shown\.named"):
        catalog_tags.run(spark, conf, "crm.customers", name="shown.other")


def test_what_is_refused(spark: SparkSession, lake: Path, done: Config, database: str) -> None:
    with pytest.raises(BadUsage, match="its target lies at a path: say what to call it there"):
        catalog_tags.run(spark, done, "crm.customers")
    with pytest.raises(BadUsage, match=r"shown\. is no table's name there: expected DATABASE\.TABLE"):
        catalog_tags.run(spark, done, "crm.customers", name="shown.")
    with pytest.raises(Refused, match="has no database nowhere: create it first"):
        catalog_tags.run(spark, done, "crm.customers", name="nowhere.customers")
    spark.sql("CREATE TABLE shown.taken USING delta AS SELECT 1 AS a")
    with pytest.raises(Refused, match=r"shown\.taken is another table, at another place"):
        catalog_tags.run(spark, done, "crm.customers", name="shown.taken")
    assert comments(spark, "shown.taken") == {"a": None}
    for there, target in (("has no treatment record", "shown.taken"), ("is not there", "shown.no")):
        conf = configured(lake, table("crm.customers", lake, COLUMNS, target={"table": target}))
        with pytest.raises(Refused, match=f"crm.customers: its target {there}: treat it first"):
            catalog_tags.run(spark, conf, "crm.customers")


def test_the_sql_is_printed_and_not_run(
    spark: SparkSession, lake: Path, done: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    say(spark, lake, "x")
    before = history(spark, lake)
    argv = ["write", "--conf", str(lake / "conf"), "--all", "--database", "shown", "--print-sql"]
    assert catalog_tags.main(argv) == 0
    create, whole, columns = capsys.readouterr().out.splitlines()
    assert (
        create
        == f"CREATE TABLE IF NOT EXISTS `shown`.`customers` USING DELTA LOCATION 'file:{lake}/treated/crm.customers';"
    )
    assert whole.startswith("COMMENT ON TABLE `shown`.`customers` IS 'x [privacy: treated, policy 2026-11; ")
    assert f"`odd; na``me` COMMENT 'x {MARKS['odd; na`me']}'" in columns
    assert history(spark, lake) == before


# -- the marked part of a comment -------------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: ColumnPath(tuple(map(Field, names))))
RECORDS = st.builds(
    ColumnRecord,
    st.sampled_from(CLASSES),
    st.sampled_from(["keep", "keyed_hash"]),
    domain=st.sampled_from([None, "customer", "crm-2.mail"]),
)
LEAVES = st.builds(ColumnPrivacy, PATHS.map(str), RECORDS)


@example("", [ColumnPrivacy("`:$`", ColumnRecord("direct_identifier", "keep"))])
@example("", [ColumnPrivacy("a.`:$ b`:$.c", ColumnRecord("direct_identifier", "keep"))])
@given(st.text(st.characters(exclude_categories=["Cs"])), st.lists(LEAVES, min_size=1, max_size=4))
def test_a_mark_is_read_as_it_was_written(comment: str, columns: list[ColumnPrivacy]) -> None:
    """Whatever people wrote and however columns are called."""
    named = [_under("root", each) for each in columns]
    once = marks.marked(comment, marks.of_column(named))
    assert marks.marked(once, marks.of_column(named)) == once
    assert marks.without(once) == marks.without(comment)
    path = ColumnPath((Field("root"),))
    told = [(each.path, each.class_, each.domain) for each in labels._of_mark(path, once, "x")]
    assert told == [(ColumnPath.parse(each.path), each.class_, each.domain) for each in named]


def _under(root: str, leaf: ColumnPrivacy) -> ColumnPrivacy:
    steps = ColumnPath.parse(leaf.path).steps
    return ColumnPrivacy(str(ColumnPath((Field(root), *steps))), leaf.record)


def test_many_leaves_are_counted() -> None:
    leaves = [ColumnPrivacy(f"a.f{n}", ColumnRecord("sensitive", "redact")) for n in range(30)]
    assert marks.of_column(leaves).endswith("; f24: sensitive, redact; and 5 more]")


def test_what_nobody_decided_and_cases_are_said() -> None:
    records = [ColumnRecord("sensitive", technique) for technique in ("keep", "redact")]
    cases = tuple(ColumnPrivacy(f"a{{when {n}}}", record) for n, record in enumerate(records, 1))
    assert marks.of_column([ColumnPrivacy("a", cases=cases)]) == "[privacy: sensitive, keep or redact]"
    assert marks.of_column([ColumnPrivacy("a")]) == "[privacy: undecided]"


# -- reading ----------------------------------------------------------------------------------------------------------

RECORDED = {"class": "direct_identifier", "technique": "mask", "parameters": {}}
MAIL = "mail [privacy: direct_identifier, domain customer]"
TOLD = T.StructType(
    [
        T.StructField("email", T.StringType(), metadata={"comment": MAIL}),
        T.StructField("birth_date", T.DateType(), metadata={"sensitivity": "personal"}),
        T.StructField("diagnosis", T.StringType(), metadata={"pii": True}),
        T.StructField(
            "address",
            T.StructType(
                [
                    T.StructField("zip", T.StringType(), metadata={"comment": "[privacy: quasi_identifier]"}),
                    T.StructField("note", T.StringType()),
                ]
            ),
            metadata={"comment": "[privacy: direct_identifier]"},
        ),
        T.StructField("attributes", T.MapType(T.StringType(), T.StringType())),
        T.StructField("hashed", T.StringType(), metadata={"privacy": RECORDED}),
        T.StructField("silent", T.StringType()),
    ]
)  # fmt: skip


def test_classes_are_proposed_from_what_the_catalog_says(spark: SparkSession, lake: Path, database: str) -> None:
    spark.createDataFrame([], TOLD).write.format("delta").option("path", f"{lake}/raw/t").saveAsTable("shown.t")
    spark.sql("ALTER TABLE shown.t SET TBLPROPERTIES ('privacy.class.attributes{key}' = 'sensitive')")
    conf = write_conf(lake)
    means = {("sensitivity", "personal"): "quasi_identifier", ("pii", None): "sensitive"}
    made = catalog_tags.read(spark, "shown.t", conf, means=means)
    proposed = {str(each.found.path): (each.kind.class_, each.treatment) for each in made.proposals}
    assert proposed == {
        "email": ("direct_identifier", CUSTOMER),
        "birth_date": ("quasi_identifier", {"technique": "generalize_date", "unit": "year"}),
        "diagnosis": ("sensitive", "redact"),
        "address.zip": ("quasi_identifier", {"technique": "truncate", "keep": 2}),
        "address.note": ("direct_identifier", "redact"),
        "attributes{key}": ("sensitive", {"technique": "keyed_hash", "key": "crm"}),
        "hashed": ("direct_identifier", "keep"),
    }
    assert made.silent == ("attributes{value}", "silent")
    reasons = {str(each.found.path): "; ".join(each.kind.reasons) for each in made.proposals}
    assert reasons["email"] == "the comment says direct_identifier"
    assert reasons["diagnosis"] == "the field's metadata pii says sensitive"
    assert reasons["hashed"] == "the field's treatment record says direct_identifier; and was treated already, by mask"


def test_a_draft_loads_only_once_a_person_has_filled_it_in(
    spark: SparkSession, lake: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spark.sql("CREATE TABLE shown.p (email string COMMENT '[privacy: direct_identifier]', n int) USING parquet")
    spark.sql("ALTER TABLE shown.p SET TBLPROPERTIES ('privacy.class.n' = 'non_personal')")
    conf = write_conf(lake)
    argv = ["read", "--table", "shown.p", "--output", str(conf / "catalog")]
    assert catalog_tags.main(argv) == 0
    assert "2 columns proposed, for a person to accept, in " in capsys.readouterr().out
    file = conf / "catalog" / "shown.p.yaml"
    text = file.read_text(encoding="utf-8")
    assert "evidence" not in text
    assert [each.table for each in config.load(conf).drafts] == ["shown.p"]
    text = text.replace("draft: true\n", "")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        config.load(conf)
    assert str(caught.value).count("why") == 2
    filled = text.replace('why: ""', "why: a test").replace('owner: ""', "owner: a@example.org")
    file.write_text(filled.replace('path: ""', f"path: {lake}/treated/p"), encoding="utf-8")
    loaded = config.load(conf).tables["shown.p"]
    assert {path: rule.class_ for path, rule in loaded.columns.items()} == {
        "email": "direct_identifier",
        "n": "non_personal",
    }
    assert loaded.source.table == "shown.p"
    assert catalog_tags.main(argv) == 0
    assert "shown.p: every column is decided" in capsys.readouterr().out


def test_columns_that_an_entry_lacks_are_added(spark: SparkSession, lake: Path, database: str) -> None:
    spark.sql("CREATE TABLE shown.p (id int, email string COMMENT '[privacy: direct_identifier]') USING parquet")
    spark.sql("ALTER TABLE shown.p SET TBLPROPERTIES ('comment' = 'all of it [privacy: sensitive]')")
    conf = write_conf(lake, table("mine", lake, {"id": "keep"}, source={"table": "shown.p"}))
    made = catalog_tags.read(spark, "shown.p", conf)
    assert (made.file, made.whole, [str(each.found.path) for each in made.proposals]) == (
        *("mine.yaml.draft", False),
        ["email"],
    )
    alone = catalog_tags.read(spark, "shown.p")
    assert {str(each.found.path): each.kind.class_ for each in alone.proposals} == {
        "id": "sensitive",  # the table says so of all columns that say nothing themselves
        "email": "direct_identifier",
    }


def test_what_cannot_be_read(
    spark: SparkSession, lake: Path, done: Config, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog_tags.run(spark, done, "crm.customers", name="shown.customers")
    with pytest.raises(Refused, match=r"shown\.customers: is a treated table"):
        catalog_tags.read(spark, "shown.customers")
    spark.sql("CREATE TABLE shown.mute (a int) USING parquet")
    assert catalog_tags.main(["read", "--database", "shown", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["nothing_said"] == ["a"]
    assert catalog_tags.main(["read", "--table", "shown.no"]) == 2
    assert catalog_tags.main(["read", "--table", "shown.mute", "--means", "pii=personal"]) == 2
    assert catalog_tags.main(["read"]) == 2
    assert "NAME=CLASS" in capsys.readouterr().err


def test_of_two_that_say_different_things_the_strictest_is_proposed() -> None:
    field = T.StructField(
        "a", T.StringType(), metadata={"comment": "[privacy: non_personal]", "privacy_class": "sensitive"}
    )
    told = spark_catalog.told(None, "t", Described(T.StructType([field])), {})  # type: ignore[arg-type]
    assert [each.class_ for each in labels.of_leaf(ColumnPath((Field("a"),)), told)] == ["sensitive", "non_personal"]


# -- a Hive metastore -------------------------------------------------------------------------------------------------

RUN = """
import sys
from pathlib import Path
from jobs import catalog_tags, pseudonymize
from jobs.spark_app import session
from jobs.configuration import config
conf = Path(sys.argv[1])
spark = session.start("hive")
assert spark.conf.get("spark.sql.catalogImplementation") == "hive"
spark.sql("CREATE DATABASE treated")
pseudonymize.run(spark, config.load(conf), "crm.customers")
argv = ["write", "--conf", str(conf), "--table", "crm.customers", "--as", "treated.customers"]
assert catalog_tags.main(argv) == 0
pseudonymize.run(spark, config.load(conf), "crm.customers")
assert catalog_tags.main(argv) == 0
spark.sql("CREATE TABLE treated.raw (email string COMMENT 'mail [privacy: direct_identifier]', n int) USING parquet")
spark.sql("ALTER TABLE treated.raw SET TBLPROPERTIES ('privacy.class.n' = 'non_personal')")
"""
LOOK = """
import json, sys
from jobs import catalog_tags
from jobs.spark_app import session
spark = session.start("hive")
assert catalog_tags.main(["read", "--table", "treated.raw", "--conf", sys.argv[1]]) == 0
found = {each.name: each.description for each in spark.catalog.listColumns("treated.customers")}
rows = spark.table("treated.customers").count()
print(json.dumps({"comments": found, "rows": rows, "table": spark.catalog.getTable("treated.customers").description}))
"""


@pytest.fixture
def hive(tmp_path: Path) -> dict[str, str]:
    """The environment of a Spark whose catalog is a Hive metastore of its own: Derby, below tmp_path."""
    settings = {
        **{name: value for name, value in QUICK.items() if name != "spark.sql.session.timeZone"},
        "spark.master": "local[2]",
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": f"{tmp_path}/warehouse",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={tmp_path}/metastore;create=true",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={tmp_path}",
    }
    (tmp_path / "spark").mkdir()
    lines = (f"{name} {value}\n" for name, value in settings.items())
    (tmp_path / "spark" / "spark-defaults.conf").write_text("".join(lines), encoding="utf-8")
    return {**os.environ, "SPARK_CONF_DIR": str(tmp_path / "spark"), "PYTHONPATH": str(ROOT)}


def test_a_hive_metastore(spark: SparkSession, lake: Path, hive: dict[str, str], tmp_path: Path) -> None:
    raw(spark, lake)
    conf = write_conf(lake, table("crm.customers", lake, COLUMNS))

    def python(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=hive, cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    python("-c", RUN, str(conf))
    drafted = python("-c", LOOK, str(conf))  # another process: what it sees, the metastore told it
    seen = json.loads(drafted.splitlines()[-1])
    assert (seen["comments"], seen["rows"]) == (MARKS, 2)
    assert seen["table"].startswith("[privacy: treated, policy 2026-11; ")
    assert "the comment says direct_identifier" in drafted
    assert "the table's property privacy.class says non_personal" in drafted
    assert (tmp_path / "metastore").is_dir()


def test_comments_are_in_the_commit_of_a_run_and_survive_the_next(
    spark: SparkSession, lake: Path, database: str
) -> None:
    raw(spark, lake)
    conf = configured(lake, table("crm.customers", lake, COLUMNS))
    pseudonymize.run(spark, conf, "crm.customers")
    first = of_delta(spark, place(lake))
    assert {name: first.comment_of(name) for name in first.schema.names} == MARKS
    assert len(history(spark, lake)) == 1
    catalog_tags.run(spark, conf, "crm.customers", name="shown.customers")
    spark.sql(sql_text.comment_on_columns("shown.customers", {"name": "it's \\ mine"}))
    spark.sql(sql_text.comment_on_table("shown.customers", "all 'mine'"))
    pseudonymize.run(spark, conf, "crm.customers")
    again = of_delta(spark, place(lake))
    assert comments(spark, "shown.customers") == {**MARKS, "name": "it's \\ mine " + MARKS["name"]}
    assert again.comment.startswith("all 'mine' [privacy: treated")
    assert privacy_of(again.schema) == privacy_of(first.schema)
