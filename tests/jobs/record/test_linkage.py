"""Which tables join, and which quasi-identifiers come together: from schemas alone, and of real treated tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs import linkage, pseudonymize
from jobs.configuration import config
from jobs.record import treatment_record
from jobs.record.linkage import Group, Linkage, find
from jobs.record.treated_table import UnsafeUse, check_join
from jobs.table_run.selection import Selection
from jobs.treatment import treatment_plan
from tests.helpers import lakes, vaults
from tests.helpers.lakes import column, configured, table, write_conf

CUSTOMER = column({"domain": "customer"}, "direct_identifier")
OTHER = column({"domain": "other"}, "direct_identifier")
QUASI = column({"technique": "truncate", "keep": 2})
TEXT = T.StringType()


def treated(lake: Path, name: str, columns: Mapping[str, Any], key_id: int = 7) -> T.StructType:
    """The schema that the job would give a table of these columns; a name with a dot is a field of a struct."""
    schema = T.StructType()
    for path in columns:
        parent, _, child = path.partition(".")
        schema = schema.add(parent, T.StructType().add(child, TEXT) if child else TEXT)
    conf = configured(lake, table(name, lake, columns))
    plan = treatment_plan.build(conf.tables[name], schema, {"crm": key_id})
    checks = {entry.path: "aa" for entry in plan.cases}
    return Selection(plan, treatment_record.entries(plan, checks), {}).schema()


def places(found: Any) -> list[tuple[str, str]]:
    return [(place.table, place.column) for place in found]


def only_group(found: Linkage) -> Group:
    (group,) = found.groups
    return group


@pytest.mark.parametrize("same", [True, False])
def test_tokens_join_where_they_are_of_one_vault(lake: Path, monkeypatch: pytest.MonkeyPatch, same: bool) -> None:
    schemas = {}
    for name, id_ in (("one", "a" * 32), ("other", ("a" if same else "b") * 32)):
        monkeypatch.setitem(lakes.DOMAINS, "person", vaults.domain(lake, id_))
        schemas[name] = treated(lake, name, {"id": column({"domain": "person"}, "direct_identifier")})
    assert [len(link.columns) for link in find(schemas).links] == ([2] if same else [])
    if not same:
        with pytest.raises(UnsafeUse, match="vault"):
            check_join(*schemas.values(), "id")


def test_tables_of_one_domain_hang_together(lake: Path) -> None:
    found = find(
        {
            "customers": treated(lake, "customers", {"id": CUSTOMER, "zip": QUASI, "name": "redact"}),
            "orders": treated(lake, "orders", {"buyer.id": CUSTOMER, "channel": "keep"}),
            "events": treated(lake, "events", {"device": OTHER, "ip": QUASI}),
        }
    )
    (link,) = found.links
    assert (link.domain, link.technique, link.key, link.key_id) == ("customer", "keyed_hash", "crm", 7)
    assert places(link.columns) == [("customers", "id"), ("orders", "buyer.id")]
    group = only_group(found)
    assert group.tables == ("customers", "orders")
    assert places(group.quasi_identifiers) == [
        ("customers", "zip"),
        ("orders", "channel"),
    ]  # redacted names show nothing
    assert group.is_combined
    assert (found.apart, found.raw, found.undecided) == ((), (), ())


def test_tables_hang_together_through_a_third(lake: Path) -> None:
    found = find(
        {
            "a": treated(lake, "a", {"id": CUSTOMER, "x": QUASI}),
            "b": treated(lake, "b", {"id": OTHER, "diagnosis": column("keep", "sensitive")}),
            "c": treated(lake, "c", {"one": CUSTOMER, "two": OTHER}),
            "d": treated(lake, "d", {"sender": CUSTOMER, "x": QUASI}, key_id=8),
        }
    )
    group = only_group(found)
    assert (set(group.tables), group.domains) == ({"a", "b", "c"}, ("customer", "other"))
    assert places(group.quasi_identifiers) == [("a", "x")]
    assert places(group.sensitive) == [("b", "diagnosis")]
    assert not group.is_combined
    (apart,) = found.apart
    assert (apart.domain, apart.one.table, apart.other.table) == ("customer", "a", "d")
    assert apart.reason == "versions 7 and 8 of key crm: treat the older table anew"


def test_columns_of_one_table_are_a_link_and_no_group(lake: Path) -> None:
    found = find({"mails": treated(lake, "mails", {"sender": CUSTOMER, "receiver": CUSTOMER})})
    assert [link.tables for link in found.links] == [("mails",)]
    assert found.groups == ()


def test_what_joins_without_a_pseudonym_and_what_nobody_decided(lake: Path) -> None:
    kept = treated(
        lake, "kept", {"mail": column("keep", "direct_identifier"), "amount": column("keep", "non_personal")}
    )
    hidden = {"technique": "randomized_encryption", "key": "crm"}
    found = find({"kept": kept.add("new", TEXT), "random": treated(lake, "random", {"a": hidden, "b": hidden})})
    assert places(found.raw) == [("kept", "mail")]
    assert places(found.undecided) == [("kept", "new")]
    assert (found.links, found.groups) == ((), ())


def test_columns_with_keys_of_their_own_do_not_join(lake: Path) -> None:
    own = column({"technique": "keyed_hash", "key": "crm"}, "direct_identifier")
    found = find({name: treated(lake, name, {"id": own}) for name in ("a", "b")})
    assert (found.links, found.apart, found.groups) == ((), (), ())


def test_the_widest_scope_is_also_that_of_texts_and_of_values_that_are_left(lake: Path) -> None:
    finds = column({"technique": "treat_entities", "entities": {"email": "customer"}})
    kept = column("keep", "direct_identifier")
    for columns, expected in (({"note": finds}, "person"), ({"id": kept}, "person"), ({"zip": QUASI}, None)):
        assert find({name: treated(lake, name, columns) for name in ("a", "b")}).widest_scope == expected
        assert find({"a": treated(lake, "a", columns)}).widest_scope is None


# -- real tables ------------------------------------------------------------------------------------------------------


@pytest.fixture
def conf(spark: SparkSession, lake: Path) -> Path:
    """Customers and orders that were treated, and a table that never was."""
    spark.sql("CREATE DATABASE linked")
    frame = spark.range(3).select("id", F.lit("0250").alias("zip"), F.lit("web").alias("channel"))
    for name in ("crm.customers", "crm.orders"):
        frame.write.parquet(f"{lake}/raw/{name}")
    rest = {"zip": QUASI, "channel": "drop"}
    folder = write_conf(
        lake,
        table("crm.customers", lake, {"id": CUSTOMER, **rest}),
        table("crm.orders", lake, {"id": CUSTOMER, **rest, "channel": "keep"}, target={"table": "linked.orders"}),
        table("crm.later", lake, {"id": CUSTOMER}),
    )
    for name in ("crm.customers", "crm.orders"):
        pseudonymize.run(spark, config.load(folder), name)
    yield folder
    spark.sql("DROP DATABASE linked CASCADE")


def test_the_tables_alone_tell_it(
    spark: SparkSession, lake: Path, conf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = f"{lake}/treated/crm.customers"
    assert linkage.main(["--table", path, "--table", "linked.orders"]) == 0
    text = capsys.readouterr().out
    assert f"{path}, linked.orders join on customer; together they show" in text
    assert "    linked.orders: zip (truncate), channel (keep)" in text
    assert "0250" not in text
    raw = f"{lake}/raw_delta"
    spark.range(1).write.format("delta").save(raw)
    assert linkage.main(["--table", path, "--table", raw, "--table", "linked.no"]) == 1
    said = [
        line.strip() for line in capsys.readouterr().err.splitlines()
    ]  # one event, whose further lines are indented
    assert said == [f"{raw}: says nothing of how it was treated", "linked.no: is not there"]


def test_the_targets_of_a_configuration(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert linkage.main(["--conf", str(conf), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tables"] == ["crm.customers", "crm.orders"]
    assert told["left_out"] == [{"table": "crm.later", "reason": "is not there"}]
    (group,) = told["groups"]
    assert (group["tables"], group["combined"]) == (["crm.customers", "crm.orders"], True)
    assert [(each["table"], each["column"], each["technique"]) for each in group["quasi_identifiers"]] == [
        ("crm.customers", "zip", "truncate"),
        ("crm.orders", "zip", "truncate"),
        ("crm.orders", "channel", "keep"),
    ]
    assert "measures" not in group  # none is made yet, so none is shown
    assert linkage.main(["--conf", str(conf), "--table", "crm.later"]) == 1


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert linkage.main([]) == 2
    assert linkage.main(["--table", " "]) == 2
    assert "name the tables" in capsys.readouterr().err
