"""Views that Spark has made: each role sees what the configuration says, and nothing else, whatever names there are."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import types as T

from jobs import demo, demo_lake, pseudonymize
from jobs.configuration.config import Config
from jobs.grants_sql import aggregates, spark_views
from jobs.spark_app import session
from tests.helpers.granted import granted, left, plain, sees
from tests.helpers.lakes import CLASSES, column, table
from tests.helpers.places import ROOT

D, Q, S, N = CLASSES


def made(spark: SparkSession, conf: Config, table: str) -> list[str]:
    """Run the statements of a table; returns the names of its views."""
    own, statements = session.for_run(spark), spark_views.statements(conf, table)
    for statement in statements:
        own.sql(statement)
    return [each.split(" ", 5)[4] for each in (s.split(" AS\n")[0] for s in statements) if " VIEW " in each]


def rows(given: Any) -> list[str]:
    """In no order."""
    return sorted(repr(plain(row)) for row in given)


@pytest.fixture
def views(spark: SparkSession) -> Iterator[SparkSession]:
    yield spark
    spark.sql("DROP DATABASE IF EXISTS grants CASCADE")


# -- whatever names and shapes there are ------------------------------------------------------------------------------

UNDECIDED = {"undecided": True}
PART = T.StructType([T.StructField("id", T.IntegerType()), T.StructField("who", T.StringType())])
PLACE = T.StructType(
    [
        T.StructField("zip", T.StringType()),
        T.StructField("city", T.StringType()),
        T.StructField(
            "geo", T.StructType([T.StructField("lat", T.DoubleType()), T.StructField("lon", T.DoubleType())])
        ),
        T.StructField("gained", T.StringType(), metadata=UNDECIDED),
    ]
)
ITEM = T.StructType(
    [
        T.StructField("sku", T.StringType()),
        T.StructField("note", T.StringType()),
        T.StructField("parts", T.ArrayType(PART)),
    ]
)
NESTED = T.StructType(
    [
        T.StructField("t", T.StructType([T.StructField("x", T.StringType())])),
        T.StructField("x", T.StringType()),
        T.StructField("e1", T.StringType()),
        T.StructField("it's", T.StringType()),
        T.StructField("a`b.c", T.IntegerType()),
        T.StructField("${x} -- ;\\", T.StringType()),
        T.StructField("address", PLACE),
        T.StructField("zip", T.StringType()),
        T.StructField("tags", T.ArrayType(T.StringType())),
        T.StructField("items", T.ArrayType(ITEM)),
        T.StructField("props", T.MapType(T.StringType(), PART)),
        T.StructField("odd", T.MapType(T.StringType(), T.StringType())),
        T.StructField("gained", T.StringType(), metadata=UNDECIDED),
    ]
)
CLASS_OF = {
    "t.x": D,
    "x": N,
    "e1": N,
    "`it's`": S,
    "`a``b.c`": N,
    "`${x} -- ;\\`": Q,
    "address.zip": D,
    "address.city": Q,
    "address.geo.lat": S,
    "address.geo.lon": D,
    "zip": N,
    "tags[]": Q,
    "items[].sku": N,
    "items[].note": D,
    "items[].parts[].id": N,
    "items[].parts[].who": S,
    "props{key}": N,
    "props{value}.id": N,
    "props{value}.who": D,
    "odd{key}": Q,
    "odd{value}": S,
}
ROW = Row(
    **{
        "t": Row(x="tx"),
        "x": "x",
        "e1": "e",
        "it's": "q",
        "a`b.c": 7,
        "${x} -- ;\\": "odd",
        "address": Row(zip="z1", city="c", geo=Row(lat=1.5, lon=2.5), gained="new"),
        "zip": "outer",
        "tags": ["a", None],
        "items": [Row(sku="s", note="n", parts=[Row(id=1, who="w"), None]), None, Row(sku=None, note=None, parts=None)],
        "props": {"p": Row(id=3, who="w"), "none": None},
        "odd": {"k": "v"},
        "gained": "new",
    }
)
EMPTY = Row(**dict.fromkeys(NESTED.names))


@pytest.mark.parametrize("denied", ["absent", "null"])
def test_each_class_alone_in_a_nested_table(views: SparkSession, lake: Path, denied: str) -> None:
    """The table is called as one of its columns is, which has a field that is called as another column."""
    given = views.createDataFrame([ROW, EMPTY], NESTED)
    given.write.parquet(f"{lake}/raw/address")
    columns = {path: column("redact", class_) for path, class_ in CLASS_OF.items()}
    only = {f"sees_{class_}": {"reads": "source", "sees": sees(**{class_: "clear"}), "why": "x"} for class_ in CLASSES}
    every = {"reads": "source", "sees": sees("clear"), "why": "x"}
    conf = granted(lake, {"denied": denied, "roles": {**only, "all": every}}, table("address", lake, columns))
    assert len(made(views, conf, "address")) == 5
    for role in (*only, "all"):
        classes = CLASSES if role == "all" else (role.removeprefix("sees_"),)
        seen = {path for path, class_ in CLASS_OF.items() if class_ in classes}
        expected = [left(row, NESTED, "", seen.__contains__, denied == "null") for row in (ROW, EMPTY)]
        shown = views.table(f"grants.address__{role}")
        assert rows(shown.collect()) == rows(expected), role
        assert "gained" not in repr(shown.schema)
        if denied == "null":
            names = [name for name in NESTED.names if name != "gained"]
            assert [(each, shown.schema[each].dataType.typeName()) for each in names] == [
                (each, NESTED[each].dataType.typeName()) for each in shown.columns
            ]


def test_a_role_that_sees_nothing_has_no_view(views: SparkSession, lake: Path) -> None:
    roles = {"nobody": {"sees": sees()}, "some": {"sees": sees(sensitive="pseudonym")}}
    conf = granted(lake, {"roles": roles}, table("t", lake, {"id": column("keep", N)}))
    assert spark_views.statements(conf, "t") == []


def test_a_json_column_is_seen_with_all_that_stands_in_it(views: SparkSession, lake: Path) -> None:
    columns = {"id": column("keep", N), "doc:$.a": column("redact", D), "doc:$.b": column("keep", N)}
    roles = {"half": {"sees": sees(non_personal="pseudonym")}, "all": {"sees": sees("pseudonym")}}
    conf = granted(lake, {"databases": {"target": "t"}, "roles": roles}, table("t", lake, columns))
    _, of_all, of_half = spark_views.statements(conf, "t")
    assert "`doc`" in of_all
    assert "`doc`" not in of_half


# -- the demo ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """The demo's customers and orders, treated, all with names in the catalog, and the views of the demo's roles."""
    root = tmp_path_factory.mktemp("shop")
    demo_lake.build(root / "lake", customers=150)
    conf = demo.prepare(root, ROOT / "conf")
    try:
        for database, kind in (("raw", "parquet"), ("treated", "delta")):
            spark.sql(f"CREATE DATABASE {database}")
            for name in ("customers", "orders"):
                if kind == "delta":
                    pseudonymize.run(spark, conf, f"crm.{name}")
                spark.sql(f"CREATE TABLE {database}.{name} USING {kind} LOCATION '{root}/lake/{database}/{name}'")
        for name in ("crm.customers", "crm.orders"):
            made(spark, conf, name)
        yield conf
    finally:
        for database in ("raw", "treated", "grants"):
            spark.sql(f"DROP DATABASE IF EXISTS {database} CASCADE")


SHOWN = {
    "crm_customers__analysts": (
        "treated.customers",
        "customer_id loyalty_id email phone national_id birth_date gender address.zip address.country "
        "address.location.lat address.location.lon income vip notes created_at",
    ),
    "crm_customers__support": (
        "raw.customers",
        "customer_id loyalty_id first_name last_name email phone national_id address.street notes",
    ),
    "crm_orders__analysts": (
        "treated.orders",
        "order_id customer_id order_ts channel items[].sku items[].quantity items[].price items[].gift_note",
    ),
    "crm_orders__support": (
        "raw.orders",
        "order_id customer_id channel items[].sku items[].quantity items[].price items[].gift_note",
    ),
    "crm_orders__shop": ("treated.orders", "channel items[].sku items[].quantity items[].price"),
}


@pytest.mark.parametrize("view", SHOWN)
def test_roles_of_the_demo_see_these_columns(spark: SparkSession, shop: Config, view: str) -> None:
    name, paths = SHOWN[view]
    of = spark.table(name)
    given = of.where("channel IN ('app', 'shop')") if view.endswith("__shop") else of
    expected = [left(row, of.schema, "", set(paths.split()).__contains__, False) for row in given.collect()]
    shown = spark.table(f"grants.{view}").collect()
    assert rows(shown) == rows(expected)
    assert 0 < len(shown) < of.count() or not view.endswith("__shop")


def test_there_are_no_other_views(spark: SparkSession, shop: Config) -> None:
    counts = {"crm_customers__by_gender_vip", "crm_customers__by_address_country"}
    assert {row["viewName"] for row in spark.sql("SHOW VIEWS IN grants").collect()} == {*SHOWN, *counts}


def test_counts_of_the_demo(spark: SparkSession, shop: Config) -> None:
    people = spark.table("treated.customers").select("gender", "vip").collect()
    sizes = collections.Counter((row["gender"], row["vip"]) for row in people)
    shown = spark.table("grants.crm_customers__by_gender_vip").collect()
    assert {(row["gender"], row["vip"]): row["rows"] for row in shown} == expected_counts(sizes, 5)
    assert shown


# -- counts -----------------------------------------------------------------------------------------------------------


def expected_counts(sizes: dict[Any, int], k: int) -> dict[Any, int]:
    """By hand: all sizes below k are withheld, then the next size, and the next, until k or none are withheld."""
    withheld, together = set[int](), 0
    for size in sorted(set(sizes.values())):
        if size >= k and (together == 0 or together >= k):
            break
        withheld.add(size)
        together += size * sum(each == size for each in sizes.values())
    return {group: size for group, size in sizes.items() if size not in withheld}


CASES = [
    {"a": 5, "b": 6, None: 7},  # nothing to withhold
    {"a": 1, "b": 50, "c": 60},  # one alone would be the rest of a known total: the next goes too
    {"a": 4, "b": 4, "c": 9},  # two that are withheld are enough
    {"a": 4, "b": 9, "c": 9},  # of one size, so together
    {"a": 4, "b": 5},  # nothing is left
    {"a": 1},
    {None: 3, "b": 3, "c": 5, "d": 6},
]


@pytest.mark.parametrize("sizes", CASES, ids=str)
def test_small_groups_and_what_would_tell_them_are_withheld(
    spark: SparkSession, lake: Path, sizes: dict[str | None, int]
) -> None:
    shown = counted(spark, lake, sizes)
    assert shown == expected_counts(sizes, 5)
    rest = sum(sizes.values()) - sum(shown.values())
    assert rest == 0 or rest >= 5 or not shown, "who knows how many there are in all learns no small number"
    assert len(sizes) - len(shown) != 1 or not shown


def counted(spark: SparkSession, lake: Path, sizes: dict[str | None, int]) -> dict[str | None, int]:
    role = {"sees": sees(quasi_identifier="aggregate")}
    grants = {"aggregates": {"t": [["g"]]}, "row_per_person": ["t"], "roles": {"counting": role}}
    conf = granted(lake, grants, table("t", lake, {"g": column("keep", Q)}))
    (paths,) = aggregates.groupings(conf, "t").values()
    spark.createDataFrame([(g,) for g, n in sizes.items() for _ in range(n)], "g string").createOrReplaceTempView("g")
    return {row["g"]: row["rows"] for row in spark.sql(aggregates.query(conf, "t", paths, "g")).collect()}


@pytest.mark.sweep
def test_every_small_case(spark: SparkSession, lake: Path) -> None:
    """All sizes up to 7 of up to three groups, in one query each: as by hand."""
    for many in (1, 2, 3):
        cases = list(itertools.combinations_with_replacement((1, 4, 5, 7), many))
        for case in cases if many < 3 else cases[::3]:
            sizes = dict(zip("abc", case, strict=False))
            assert counted(spark, lake, sizes) == expected_counts(sizes, 5), case


def test_people_are_counted_and_not_their_rows(spark: SparkSession, lake: Path) -> None:
    """Who has five orders is no five people. Rows of nobody are nobody."""
    role = {"sees": sees(quasi_identifier="aggregate")}
    grants = {"aggregates": {"t": [["a.g"]]}, "roles": {"counting": role}}
    columns = {"who": column({"domain": "customer"}, D), "a.g": column("keep", Q)}
    conf = granted(lake, grants, table("t", lake, columns, subject="who"))
    (paths,) = aggregates.groupings(conf, "t").values()
    people = [(f"p{n}", ("many",)) for n in range(6)] * 3 + [("one", ("few",))] * 9 + [(None, ("nobody",))] * 9
    people += [(f"p{n}", ("others",)) for n in range(7)]
    spark.createDataFrame(people, "who string, a struct<g string>").createOrReplaceTempView("orders")
    shown = spark.sql(aggregates.query(conf, "t", paths, "orders")).collect()
    assert {row["a_g"]: row["people"] for row in shown} == {"others": 7}
    assert spark.sql(aggregates.query(conf, "t", paths, "orders")).columns == ["a_g", "people"]
