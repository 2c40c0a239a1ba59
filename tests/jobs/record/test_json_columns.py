"""Columns of JSON text: each path has its entry of the record, and what a table tells of itself is by path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.metastore.labels import _joined
from jobs.policy.treatment_diff import Decided, diff
from jobs.record import marks
from jobs.record.treated_table import UnsafeUse, by_column, check_join, check_publishable, privacy_of
from tests.helpers.lakes import column
from tests.jobs.record.test_treated_table import treated

SCHEMA = T.StructType().add("id", T.LongType()).add("p", T.StringType())
DECIDED = {
    "id": {"domain": "customer"},
    "p:$": "drop",
    "p:$.user.id": {"domain": "customer"},
    "p:$.user.email": column("keep", "direct_identifier"),
    "p:$['odd; `name'][*]": "redact",
}


def test_each_path_tells_its_class_and_treatment(lake: Path) -> None:
    schema = treated(lake, DECIDED, SCHEMA)
    assert T.StructType.fromJson(schema.jsonValue()) == schema
    found = privacy_of(schema)
    assert {path: each.technique for path, each in found.items()} == {
        "id": "keyed_hash",
        "p:$": "drop",
        "p:$.user.id": "keyed_hash",
        "p:$.user.email": "keep",
        "p:$['odd; \\u0060name'][*]": "redact",
    }
    assert found["p:$.user.id"].key_id == 7
    assert list(schema["p"].metadata["privacy"]) == [path.removeprefix("p") for path in list(found)[1:]]


def test_what_can_be_done_with_a_path(lake: Path) -> None:
    schema = treated(lake, DECIDED, SCHEMA)
    check_join(schema, schema, [("id", "p:$.user.id")])
    with pytest.raises(UnsafeUse, match=r"p:\$\.user\.email: a direct identifier that is kept"):
        check_publishable(schema)


def test_a_path_that_someone_else_wrote(lake: Path) -> None:
    field = treated(lake, DECIDED, SCHEMA)["p"]
    entry = field.metadata["privacy"][":$"]
    broken = T.StructType([T.StructField("p", T.StringType(), True, {"privacy": {":$.a b": entry, ":$.c": {}}})])
    found = privacy_of(broken)
    assert [(path, each.is_decided, each.fault is None) for path, each in found.items()] == [
        ("p:$.a b", False, False),
        ("p:$.c", False, False),
    ]


def test_comments_name_paths_and_are_read_again(lake: Path) -> None:
    columns = by_column(treated(lake, DECIDED, SCHEMA))["p"]
    mark = marks.of_column(columns)
    assert mark.startswith("[privacy: `:$`: quasi_identifier, drop; `:$.user.id`: quasi_identifier, keyed_hash, domain")
    assert marks.without(marks.marked("Theirs", mark)) == "Theirs"
    said = [(str(_joined(ColumnPath.parse("p"), each.rest)), each.class_) for each in marks.read(mark)]
    assert said == [(each.path, each.class_) for each in columns]


def entry(technique: str, **parameters: Any) -> Decided:
    return Decided("quasi_identifier", technique, parameters)


def test_what_a_shorter_path_held_for_is_compared_with_what_holds_now() -> None:
    """Its longer paths are still there, but they never were all that it held for."""
    before = {"p:$": entry("keep"), "p:$.user": entry("redact", value=None), "p:$.user.id": entry("keep")}
    after = {"p:$": entry("keep"), "p:$.user.id": entry("keep")}
    changes = {each.column: each.change for each in diff(before, after)}
    assert changes == {"p:$": "unchanged", "p:$.user.id": "unchanged", "p:$.user": "weaker"}
    assert {each.column: each.change for each in diff({"p": entry("redact", value=None)}, after)} == {
        "p:$": "weaker",
        "p:$.user.id": "weaker",
    }
