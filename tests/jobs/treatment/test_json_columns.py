"""Columns of JSON text in a plan: each path is a leaf; what cannot be, is told. No Spark session here."""

from __future__ import annotations

import pytest
from pyspark.sql import types as T

from jobs.table_run.selection import Selection
from jobs.treatment import file_statistics
from privacy_udfs.nested import Dropped, JsonNode, Kept, Leaf, ListNode, StructNode
from tests.jobs.treatment.test_treatment_plan import KEEP, LONG, STRING, faults, planned, struct

HASHED = {"technique": "keyed_hash"}
PATHS = {"p:$": KEEP, "p:$.user.email": HASHED, "p:$.items[*].sku": {"technique": "drop"}}


def test_each_path_is_a_leaf_and_the_column_stays_text() -> None:
    plan = planned({"id": KEEP, **PATHS}, struct(id=LONG, p=STRING))
    assert [str(leaf.path) for leaf in plan.leaves] == ["id", *PATHS]
    assert [leaf.output for leaf in plan.leaves] == [LONG, STRING, STRING, None]
    assert plan.cases[2].domain == "t/p:$.user.email"
    (_, _, kept), (field, node, output) = Selection(plan, {}, {}).trees()
    assert (kept, field.name, output) == (LONG, "p", STRING)
    assert isinstance(node, JsonNode)
    assert node.label == "t: p"
    kinds = {path: type(part) for path, part in node.paths.items()}
    assert kinds == {(): Kept, ("user", "email"): Leaf, ("items", None, "sku"): Dropped}


def test_deep_in_other_columns() -> None:
    schema = struct(events=T.ArrayType(struct(body=STRING, n=LONG)))
    plan = planned({"events[].body:$.a": HASHED, "events[].n": KEEP}, schema)
    [(_, node, output)] = Selection(plan, {}, {}).trees()
    assert isinstance(node, ListNode)
    assert isinstance(node.element, StructNode)
    assert isinstance(node.element.fields["body"], JsonNode)
    assert output == schema["events"].dataType


@pytest.mark.parametrize("kind", [T.VariantType(), T.BinaryType(), LONG], ids=str)
def test_other_columns_have_no_paths(kind: T.DataType) -> None:
    (fault,) = faults({"p:$.a": HASHED}, struct(p=kind))
    assert fault == (
        f"p:$.a: paths lead into JSON text only, and the column is {kind.simpleString()}: decide it as a whole, or "
        "have the source hold it as text (to_json)"
    )


def test_a_variant_is_kept_dropped_or_null_and_nothing_else() -> None:
    schema = struct(id=LONG, v=T.VariantType())
    for technique in ("keep", "drop", "redact"):
        assert planned({"id": KEEP, "v": {"technique": technique}}, schema)
    (fault,) = faults({"id": KEEP, "v": HASHED}, schema)
    assert fault == "v: keyed_hash does not take variant: keep, drop or redact it, or have the source hold it as text"


def test_a_column_that_is_not_there() -> None:
    (fault,) = faults({"id": KEEP, "q:$.a": HASHED}, struct(id=LONG))
    assert fault.startswith("q:$.a: catalog/t.yaml:11 decides a leaf column that the table does not have")


@pytest.mark.parametrize("technique", [{"technique": "generalize_date"}, {"technique": "date_shift", "max_days": 3}])
def test_a_technique_that_takes_nothing_of_json(technique: dict[str, object]) -> None:
    (fault,) = faults({"p:$.a": technique}, struct(p=STRING), subject=None)
    assert f"{technique['technique']} takes, or gives, nothing that JSON holds" in fault


def test_bytes_are_nothing_that_json_holds() -> None:
    encrypted = {"technique": "deterministic_encryption", "encoding": "binary"}
    (fault,) = faults({"p:$.a": encrypted}, struct(p=STRING))
    assert "takes, or gives, nothing that JSON holds" in fault


def test_no_least_and_greatest_texts() -> None:
    """Whatever the class of a place in the text is; and of what identifies, as all columns here do, none either."""
    plan = planned({"id": KEEP, "p:$.a": KEEP, "p:$.b": {"technique": "mask"}}, struct(id=LONG, p=STRING))
    assert file_statistics.properties(plan) == {file_statistics.COLUMNS: ""}
    assert [str(path) for path in file_statistics.unmeasured(plan)] == ["id", "p"]
    assert [str(path) for path in file_statistics.scattered(plan)] == ["p"]
