"""What Unity Catalog is told. No server can be had: the functions run on Spark, with one of our own that says in which
groups somebody is; of other statements the form is held against the documented grammar, and names and texts are read
back by Spark's own parser."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage
from jobs.grants_sql import files, unity, unity_tags
from jobs.lake import sql
from jobs.metastore import unity_catalog
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.column_record import ColumnRecord
from jobs.spark_app import session
from tests.helpers.granted import granted, plain, sees
from tests.helpers.lakes import CLASSES, column, table

D, Q, S, N = CLASSES
HOSTILE = ["it's", "a`b", "x') OR TRUE --", "\\", "${x} {{y}}", "日本 ü", '"']
OWNERS = "owners' club"
PLACE = "struct<zip: string, `city` string>"
UNITY = {"catalog": "spark_catalog", "functions": "masks", "owners": OWNERS}
TYPES = {"types": {"t": {"source": {"place": PLACE}, "target": {"place": PLACE}}}}
COLUMNS = {
    "id": column("redact", D),
    "name": column("keep", Q),
    "born": column("keep", Q),
    "paid": column("keep", S),
    "at": column("keep", S),
    "tags[]": column("keep", N),
    "place.zip": column("keep", Q),
    "place.city": column("keep", N),
    "region": column("keep", N),
}
PLAIN = {name: rule for name, rule in COLUMNS.items() if not name.startswith("place")}
ROLES = {
    "analysts": {"groups": HOSTILE, "sees": sees("pseudonym")},
    "counting": {"sees": sees(quasi_identifier="aggregate")},
    "sales": {
        "sees": sees(quasi_identifier="clear", non_personal="clear"),
        "rows": {"t": {"column": "region", "among": ["eu", "it's"]}},
    },
    "support": {"reads": "source", "sees": sees(direct_identifier="clear"), "why": "they call people"},
}
GRANTS = {
    "databases": {"source": "raw", "target": "treated"},
    "roles": ROLES,
    "unity": {**UNITY, **TYPES},
    "aggregates": {"t": [["name"]]},
    "row_per_person": ["t"],
}


@pytest.fixture
def conf(lake: Path) -> Config:
    return granted(lake, GRANTS, table("t", lake, COLUMNS))


# -- the functions, on Spark ------------------------------------------------------------------------------------------

MADE = Row(
    id=None,
    name="Ann",
    born=datetime.date(1960, 2, 29),
    paid=Decimal("12.50"),
    at=datetime.datetime(2026, 1, 2, 3, 4, 5, 678901),
    tags=["a", None],
    place=Row(zip="02", city="Rome"),
    region="eu",
)
SCHEMA = (
    "id bigint, name string, born date, paid decimal(12,2), at timestamp, tags array<string>, "
    "place struct<zip: string, city: string>, region string"
)
SEEN = {
    OWNERS: "id name born paid at tags place region",
    "it's": "id name born paid at tags place region",
    "sales": "name born tags place region",
    "x": "",
}
"""Of the target. ``id`` is null in it, for whoever may see it too."""


@pytest.fixture
def asked(spark: SparkSession, conf: Config) -> Iterator[SparkSession]:
    own = session.for_run(spark)
    own.sql("CREATE DATABASE masks")
    member(own)
    for statement in unity.statements(conf, "t"):
        if "FUNCTION" in statement:
            own.sql(statement)
    yield own
    own.sql("DROP DATABASE masks CASCADE")
    own.sql("DROP FUNCTION default.is_account_group_member")


def member(own: SparkSession, *groups: str) -> None:
    """Whoever asks is in these groups."""
    of = f"g IN ({', '.join(map(sql.literal, groups))})" if groups else "FALSE"
    own.sql(f"CREATE OR REPLACE FUNCTION default.is_account_group_member(g STRING) RETURNS BOOLEAN RETURN {of}")


def test_each_group_sees_its_columns(asked: SparkSession, conf: Config) -> None:
    given = asked.createDataFrame([MADE], SCHEMA)
    given.createOrReplaceTempView("given")
    masks = dict(masked(unity.statements(conf, "t"), "treated"))
    assert set(masks) == set(given.columns)
    types = {field.name: field.dataType.simpleString() for field in given.schema}
    through = {name: name if name == "place" else f"CAST({name} AS VARIANT)" for name in masks}
    shown = [f"CAST({masks[name]}({through[name]}) AS {types[name]}) AS {name}" for name in given.columns]
    for group, names in SEEN.items():
        member(asked, group)
        (row,) = asked.sql(f"SELECT {', '.join(shown)} FROM given").collect()
        expected = {name: plain(MADE)[name] if name in names.split() else None for name in given.columns}
        assert plain(row) == expected, group


def masked(statements: list[str], of: str) -> Iterator[tuple[str, str]]:
    for statement in statements:
        found = re.fullmatch(
            rf"ALTER TABLE `spark_catalog`\.`{of}`\.`t` ALTER COLUMN `(\w+)` SET MASK (\S+)", statement
        )
        if found:
            yield found[1], found[2]


@pytest.mark.parametrize(
    ("groups", "regions"),
    [
        ((OWNERS,), ["eu", "it's", "us", None]),
        (("it's",), ["eu", "it's", "us", None]),
        (("sales",), ["eu", "it's"]),
        (("sales", "it's"), ["eu", "it's"]),  # two roles: what both may see
        (("counting",), []),
        ((), []),
    ],
    ids=str,
)
def test_each_group_sees_its_rows(
    asked: SparkSession, conf: Config, groups: tuple[str, ...], regions: list[Any]
) -> None:
    member(asked, *groups)
    (statement,) = (each for each in unity.statements(conf, "t") if "SET ROW FILTER" in each)
    function = statement.split("ROW FILTER ")[1].split(" ON ")[0]
    asked.createDataFrame([(each,) for each in ("eu", "it's", "us", None)], "region string").createOrReplaceTempView(
        "r"
    )
    shown = asked.sql(f"SELECT region FROM r WHERE {function}(region)").collect()
    assert [row["region"] for row in shown] == regions
    assert statement.endswith(" ON (`region`)")


# -- the form of the others -------------------------------------------------------------------------------------------

NAME = r"`(?:[^`]|``)*`"
TEXT = r"'(?:[^'\\]|\\.)*'"
TYPE = rf"(?:VARIANT|STRING|STRUCT<{NAME}: STRING(?:, {NAME}: STRING)*>)"
TYPED = rf"{NAME} {TYPE}"
TABLE, TAG = rf"{NAME}\.{NAME}\.{NAME}", rf"{TEXT} = {TEXT}"
FORMS = [
    rf"CREATE SCHEMA IF NOT EXISTS {NAME}\.{NAME}",
    rf"CREATE OR REPLACE FUNCTION {TABLE}\({TYPED}(?:, {TYPED})*\)\nRETURNS (?:{TYPE}|BOOLEAN)\nRETURN .*",
    rf"ALTER TABLE {TABLE} ALTER COLUMN {NAME} SET MASK {TABLE}",
    rf"ALTER TABLE {TABLE} SET ROW FILTER {TABLE} ON \({NAME}(?:, {NAME})*\)",
    rf"GRANT SELECT ON TABLE {TABLE} TO {NAME}",
    rf"CREATE OR REPLACE MATERIALIZED VIEW {TABLE} AS\nWITH .*",
    rf"SELECT assert_true\(\(is_account_group_member\({TEXT}\)\), {TEXT}\)",
    rf"GRANT USE CATALOG ON CATALOG {NAME} TO {NAME}",
    rf"GRANT USE SCHEMA ON SCHEMA {NAME}\.{NAME} TO {NAME}",
    rf"ALTER TABLE {TABLE} SET TAGS \({TAG}\)",
    rf"ALTER TABLE {TABLE} ALTER COLUMN {NAME} SET TAGS \({TAG}\)",
    rf"CREATE OR REPLACE POLICY {NAME} ON SCHEMA {NAME}\.{NAME}\nCOMMENT {TEXT}\nCOLUMN MASK {TABLE}\n"
    rf"TO {NAME} EXCEPT {NAME}(?:, {NAME})*\nFOR TABLES WHEN has_tag_value\({TEXT}, {TEXT}\)\n"
    rf"MATCH COLUMNS has_tag_value\({TEXT}, {TEXT}\) AS {NAME}\nON COLUMN {NAME}",
    rf"CREATE OR REPLACE POLICY {NAME} ON TABLE {TABLE}\nCOMMENT {TEXT}\nCOLUMN MASK {TABLE}\n"
    rf"TO {NAME} EXCEPT {NAME}\nFOR TABLES WHEN (?:NOT )?has_tag_value\({TEXT}, {TEXT}\)\n"
    rf"MATCH COLUMNS (?:TRUE|NOT has_tag\({TEXT}\)) AS {NAME}\nON COLUMN {NAME}",
]
"""As the pages that `unity` and `unity_tags` name have them."""


def has_a_form(statement: str) -> bool:
    return any(re.fullmatch(form, statement, re.DOTALL) for form in FORMS)


def test_every_statement_has_a_documented_form(conf: Config, by_tags: Config) -> None:
    made = [*unity.statements(conf, "t"), *unity_tags.statements(by_tags, "t"), *unity_tags.policies(by_tags)]
    made += unity.uses(conf)
    assert [each for each in made if not has_a_form(each)] == []
    found = [next(at for at, form in enumerate(FORMS) if re.fullmatch(form, each, re.DOTALL)) for each in made]
    assert set(found) == set(range(len(FORMS))), "and each form is there"


def test_names_and_texts_are_read_back(spark: SparkSession, conf: Config) -> None:
    """Of the grants the groups, by Spark's parser, which has Unity's rules for names."""
    parser = spark._jsparkSession.sessionState().sqlParser()  # type: ignore[attr-defined]
    granted = [each.split(" TO ", 1) for each in unity.statements(conf, "t") if each.startswith("GRANT")]
    of_target = [who for what, who in granted if "`treated`" in what]
    names = [parser.parseMultipartIdentifier(each).mkString("|") for each in of_target]
    assert sorted(names) == sorted([*HOSTILE, "sales"])
    assert [who for what, who in granted if "`raw`" in what] == ["`support`"]
    assert [who for what, who in granted if "by_name" in what] == ["`counting`"]


def test_a_source_is_masked_for_all_but_who_may_see_it(conf: Config) -> None:
    made = unity.statements(conf, "t")
    functions = {each.split("(")[0]: each for each in made if "FUNCTION" in each and "__source__" in each}
    seen = [name for name, text in functions.items() if "'support'" in text]
    assert [name.rpartition("`.`")[2] for name in seen] == ["t__source__direct_identifier`"]
    assert all("'owners\\' club'" in text for text in functions.values())
    masks = dict(masked(made, "raw"))
    assert masks["id"].endswith("`t__source__direct_identifier`")
    assert masks["place"].endswith("`t__source__column_place`")


def test_nothing_is_granted_before_it_is_masked(conf: Config, by_tags: Config) -> None:
    """By tags: before all that no tag tells of is hidden, since a tag may be missing, or hold minutes later."""
    hiding = {"`lakenym_no_status` ON TABLE", "`lakenym_no_class` ON TABLE"}
    by_columns = {"`raw`.`t`": {"ALTER COLUMN"}, "`treated`.`t`": {"ALTER COLUMN", "SET ROW FILTER"}}
    for made, masking in (
        (unity.statements(conf, "t"), by_columns),
        (unity_tags.statements(by_tags, "t"), dict.fromkeys(by_columns, frozenset(hiding))),
    ):
        for of, words in masking.items():
            grants = [at for at, each in enumerate(made) if each.startswith("GRANT") and of in each]
            for word in words:
                masks = [at for at, each in enumerate(made) if word in each and of in each]
                assert max(masks) < min(grants), (of, word)


def test_readers_may_get_to_what_they_may_select_from(conf: Config) -> None:
    """USE CATALOG and USE SCHEMA for each group, of the schemas of its tables and counts, and of no other."""
    made = unity.uses(conf)
    groups = {
        "support": {"raw"},
        "counting": {"grants"},
        "sales": {"treated"},
        **{each: {"treated"} for each in HOSTILE},
    }
    named = {group: sql.quoted(group) for group in groups}
    expected = {"CREATE SCHEMA IF NOT EXISTS `spark_catalog`.`grants`"}  # the counts', which are made later
    expected |= {f"GRANT USE CATALOG ON CATALOG `spark_catalog` TO {called}" for called in named.values()}
    for group, schemas in groups.items():
        expected |= {f"GRANT USE SCHEMA ON SCHEMA `spark_catalog`.`{each}` TO {named[group]}" for each in schemas}
    assert set(made) == expected
    assert len(made) == len(expected)
    text = files.made(conf, "unity")[files.USES]
    assert "-- Run by an owner of the catalogs" in text
    assert files.said(text) == {each for each in made if each.startswith("GRANT ")}, (
        "and is told when it is said no more"
    )


def test_counts_are_made_by_an_owner_alone(asked: SparkSession, conf: Config) -> None:
    """Who makes them owns them, and they are counted as their owner sees the table."""
    made = unity.statements(conf, "t")
    (at,) = (at for at, each in enumerate(made) if "assert_true" in each)
    assert at < min(number for number, each in enumerate(made) if "MATERIALIZED VIEW" in each)
    member(asked, "sales", "it's")
    with pytest.raises(Exception, match="counts are made and refreshed as their owner"):
        asked.sql(made[at]).collect()
    member(asked, OWNERS)
    assert asked.sql(made[at]).collect() == [(None,)]


# -- by tags ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_tags(lake: Path) -> Config:
    roles = {name: {**ROLES[name]} for name in ("analysts", "support")}
    roles["sales"] = {"sees": sees(quasi_identifier="pseudonym", non_personal="pseudonym")}
    grants = {**GRANTS, "roles": roles, "unity": {**UNITY, "by": "tags"}, "aggregates": {}}
    return granted(lake, grants, table("t", lake, PLAIN))


@pytest.mark.parametrize(
    ("status", "class_", "seen"),
    [
        ("treated", Q, {OWNERS, "it's", "sales"}),
        ("treated", D, {OWNERS, "it's"}),
        ("treated", "undecided", {OWNERS}),
        ("treated", None, {OWNERS}),
        (None, N, {OWNERS}),
        (None, None, {OWNERS}),
        ("raw", N, {OWNERS}),
        ("raw", D, {OWNERS}),  # the target says that it is a source
    ],
)
def test_what_no_tag_tells_of_is_seen_by_owners_alone(
    by_tags: Config, status: str | None, class_: str | None, seen: set[str]
) -> None:
    """Whatever is run first, files of grants or tags; and never two masks on one column, which is an error there."""
    tags = [
        {} if value is None else {key: value} for key, value in (("privacy_status", status), ("privacy_class", class_))
    ]
    made = [*unity_tags.policies(by_tags), *unity_tags.statements(by_tags, "t")]
    held = [each for each in made if "POLICY" in each and _holds(each, *tags)]
    assert len(held) == 1
    excepted = held[0].partition("EXCEPT ")[2].partition("\n")[0]
    assert {group for group in (OWNERS, "it's", "sales", "support") if sql.quoted(group) in excepted} == seen


def _holds(policy: str, table: dict[str, str], column: dict[str, str]) -> bool:
    """Whether a policy masks a column of the target with these tags, as the platform documents conditions."""
    on, when, match = (
        re.search(pattern, policy) for pattern in (r" ON (?:SCHEMA|TABLE) (.*)", r"WHEN (.*)", r"MATCH COLUMNS (.*) AS")
    )
    assert on
    assert when
    assert match
    return "`treated`" in on[1] and _is(when[1], table) and _is(match[1], column)


def _is(condition: str, tags: dict[str, str]) -> bool:
    found = re.fullmatch(r"(NOT )?has_tag(?:_value)?\('(\w+)'(?:, '(\w+)')?\)", condition)
    if found is None:
        assert condition == "TRUE"
        return True
    holds = found[2] in tags if found[3] is None else tags.get(found[2]) == found[3]
    return holds is (found[1] is None)


def test_who_is_excepted_by_each_class(by_tags: Config) -> None:
    found = {}
    for each in unity_tags.policies(by_tags):
        if "POLICY" in each:
            name = re.search(r"POLICY `lakenym_(\w+)`", each)
            who = re.search(r"EXCEPT (.*)\n", each)
            assert name
            assert who
            found[name[1]] = {group for group in ("owners' club", "it's", "sales", "support") if f"`{group}`" in who[1]}
    everybody, owners = {"owners' club", "it's"}, {"owners' club"}
    assert found == {
        f"raw_{D}": {*owners, "support"},
        f"raw_{Q}": owners,
        f"raw_{S}": owners,
        f"raw_{N}": owners,
        "raw_undecided": owners,
        f"treated_{D}": everybody,
        f"treated_{Q}": {*everybody, "sales"},
        f"treated_{S}": everybody,
        f"treated_{N}": {*everybody, "sales"},
        "treated_undecided": owners,
    }


def test_tags_are_those_that_the_catalog_is_told(by_tags: Config) -> None:
    """What a policy asks for is what ``jobs/catalog_tags.py`` sets on treated tables, and on sources this job."""
    told = unity_catalog.column_tags([ColumnPrivacy("a", ColumnRecord(S, "mask"))])
    status = unity_catalog.table_tags({"privacy.status": "treated"})
    (policy,) = (each for each in unity_tags.policies(by_tags) if f"`lakenym_treated_{S}`" in each)
    (key, value), (of_table, treated) = next(iter(told.items())), next(iter(status.items()))
    assert f"MATCH COLUMNS has_tag_value('{key}', '{value}')" in policy
    assert f"WHEN has_tag_value('{of_table}', '{treated}')" in policy
    undecided = unity_catalog.column_tags([ColumnPrivacy("a")])["privacy_class"]
    assert any(f"has_tag_value('{key}', '{undecided}')" in each for each in unity_tags.policies(by_tags))
    made = unity_tags.statements(by_tags, "t")
    assert f"ALTER TABLE `spark_catalog`.`raw`.`t` ALTER COLUMN `tags` SET TAGS ('privacy_class' = '{N}')" in made
    assert "ALTER TABLE `spark_catalog`.`raw`.`t` SET TAGS ('privacy_status' = 'raw')" in made
    assert not [each for each in made if "`treated`" in each and "TAGS" in each]


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ({"tables": ["t"], "sees": sees("pseudonym")}, "role x: 'tables', which no policy by tags can say"),
        ({"rows": {"t": {"column": "region", "among": ["eu"]}}, "sees": sees("pseudonym")}, "role x: 'rows'"),
        ({"sees": sees(non_personal="clear")}, "role x: sees clear in treated tables"),
        ({"sees": sees(quasi_identifier="pseudonym")}, "column place has structs or maps in it"),
        ({"groups": [f"g{n}" for n in range(20)], "sees": sees("pseudonym")}, "a policy takes 19"),
    ],
)
def test_what_tags_cannot_say_is_refused(lake: Path, role: dict[str, Any], said: str) -> None:
    grants = {**GRANTS, "roles": {"x": role}, "unity": {**UNITY, "by": "tags"}, "aggregates": {}}
    conf = granted(lake, grants, table("t", lake, COLUMNS if "place" in said else PLAIN))
    with pytest.raises(BadUsage, match=re.escape(said)):
        files.made(conf, "unity")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"raw": column("keep", D)},
            "t: column raw is a direct_identifier that is kept, in some rows at least, and role",
        ),
        (
            {"doc:$.mail": column("redact", D), "doc:$.n": column("keep", N)},
            "t: column doc holds direct_identifier, non_personal, and a tag says the strictest alone",
        ),
    ],
)
def test_what_a_tag_would_show_is_refused(lake: Path, more: dict[str, Any], said: str) -> None:
    roles = {"x": {"sees": sees(direct_identifier="pseudonym")}}
    grants = {**GRANTS, "roles": roles, "unity": {**UNITY, "by": "tags"}, "aggregates": {}}
    conf = granted(lake, grants, table("t", lake, {**PLAIN, **more}))
    with pytest.raises(BadUsage, match=re.escape(said)):
        files.made(conf, "unity")


def test_rows_by_a_field_and_one_table_twice_are_refused(lake: Path) -> None:
    rows = {"sees": sees("pseudonym"), "rows": {"t": {"column": "place.city", "among": ["Rome"]}}}
    conf = granted(lake, {**GRANTS, "roles": {"x": rows}, "aggregates": {}}, table("t", lake, COLUMNS))
    with pytest.raises(BadUsage, match=r"t: rows by place\.city: Unity Catalog filters by whole columns"):
        files.made(conf, "unity")
    names = {"t": {"source": "raw.one"}, "u": {"source": "raw.ONE"}}
    two = [table(name, lake, COLUMNS) for name in ("t", "u")]
    roles = {"support": ROLES["support"]}
    conf = granted(lake, {**GRANTS, "names": names, "roles": roles, "aggregates": {}}, *two)
    with pytest.raises(BadUsage, match="is the source of t and the source of u: one table has one set of grants"):
        files.made(conf, "unity")


def test_a_struct_needs_its_type(lake: Path) -> None:
    conf = granted(lake, {**GRANTS, "unity": UNITY}, table("t", lake, COLUMNS))
    said = "t: column place of its target has structs or maps in it, so that its mask has to know its type"
    with pytest.raises(BadUsage, match=said):
        files.made(conf, "unity")
