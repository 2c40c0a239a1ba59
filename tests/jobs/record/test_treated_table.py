"""What a reader learns from a treated table's schema alone. No JVM: the schemas are those that the job would write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import types as T

from jobs.record import treatment_record
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.column_record import ColumnRecord
from jobs.record.joins import verdict
from jobs.record.treated_table import UnsafeUse, check_join, check_publishable, privacy_of
from jobs.table_run.selection import Selection
from jobs.treatment import treatment_plan
from tests.helpers import lakes
from tests.helpers.lakes import column, configured, table

TEXT = T.StringType()
PLAIN = T.StructType().add("id", T.LongType()).add("a", TEXT).add("b", T.DateType())
NESTED = (
    T.StructType()
    .add("id", T.LongType())
    .add("gone", TEXT)
    .add("address", T.StructType().add("zip", TEXT).add("street", TEXT))
    .add("phones", T.ArrayType(TEXT))
    .add("items", T.ArrayType(T.StructType().add("sku", TEXT).add("note", TEXT).add("tags", T.ArrayType(TEXT))))
    .add("attributes", T.MapType(TEXT, T.ArrayType(TEXT)))
    .add("odd name", TEXT)
    .add("blob", T.StructType().add("x", T.LongType()))
)


def treated(
    lake: Path, columns: Mapping[str, Any], schema: T.StructType = PLAIN, key_id: int = 7, check: str = "aa"
) -> T.StructType:
    """The schema of a table treated as ``columns`` say."""
    rules = dict.fromkeys(schema.names, "keep") if schema is PLAIN else {}
    conf = configured(lake, table("t", lake, {**rules, **columns}))
    plan = treatment_plan.build(conf.tables["t"], schema, {"crm": key_id})
    checks = {entry.path: check for entry in plan.cases}
    return Selection(plan, treatment_record.entries(plan, checks), {}).schema()


DECIDED = {
    "id": column({"domain": "customer"}, "direct_identifier"),
    "gone": "drop",
    "address.zip": {"technique": "truncate", "keep": 2},
    "address.street": "redact",
    "phones[]": column({"technique": "mask"}, "direct_identifier"),
    "items[].sku": "keep",
    "items[].note": "drop",
    "items[].tags[]": "redact",
    "attributes{key}": "keep",
    "attributes{value}[]": "redact",
    "`odd name`": "keep",
    "blob": "redact",
}


def test_each_leaf_tells_its_class_and_treatment(lake: Path) -> None:
    told = privacy_of(treated(lake, DECIDED, NESTED))
    gone = {"gone", "items[].note"}
    assert {path: privacy.technique for path, privacy in told.items()} == {
        path: _technique(rule) for path, rule in DECIDED.items() if path not in gone
    }
    assert (told["id"].class_, told["id"].domain, told["id"].key, told["id"].key_id) == (
        *("direct_identifier", "customer"),
        *("crm", 7),
    )
    assert (told["address.zip"].parameters or {})["keep"] == 2
    assert told["phones[]"].class_ == "direct_identifier"
    assert told["address.street"].path == "address.street"


def _technique(rule: Any) -> str:
    treatment = rule["treatment"] if isinstance(rule, dict) and "treatment" in rule else rule
    if isinstance(treatment, str):
        return treatment
    return str(treatment.get("technique", "keyed_hash"))


def test_what_says_nothing_is_undecided(lake: Path) -> None:
    schema = treated(lake, {}).add("new", T.ArrayType(TEXT)).add("odd", TEXT, True, {"privacy": "x"})
    told = privacy_of(schema)
    assert (told["new[]"], told["odd"]) == (ColumnPrivacy("new[]"), ColumnPrivacy("odd"))
    assert told["a"].is_decided


def test_publishing(lake: Path) -> None:
    check_publishable(treated(lake, DECIDED, NESTED))
    raw = treated(lake, {"a": column("keep", "direct_identifier")}).add("new", T.StringType())
    with pytest.raises(UnsafeUse) as caught:
        check_publishable(raw)
    assert str(caught.value).splitlines() == [
        "the table must not be published:",
        "  a: a direct identifier that is kept as it is",
        "  new: nobody decided about it",
    ]


def test_columns_of_one_domain_join(lake: Path) -> None:
    one = treated(lake, {"id": {"domain": "customer"}})
    other = treated(lake, {"a": {"domain": "customer"}, "b": {"technique": "generalize_date"}})
    check_join(one, one, on="id")
    check_join(one, other, on=[("id", "a")])
    check_join(other, other, on=["a", "b"])
    check_join(one, one, on=["a", "b"])  # both raw


HASH = {"technique": "keyed_hash", "key": "crm", "domain": "free"}


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        ({"domain": "customer"}, {"domain": "other"}, "domains customer and other cannot be linked, by intention"),
        ({"domain": "customer"}, "keep", "the second is raw, the other one treated: nothing would match"),
        ("keep", {"domain": "customer"}, "the first is raw, the other one treated: nothing would match"),
        ("redact", "redact", "redact leaves nothing to join on"),
        (
            {"technique": "randomized_encryption", "key": "crm"},
            {"technique": "randomized_encryption", "key": "crm"},
            "randomized_encryption gives equal values unequal results",
        ),
        (
            HASH,
            {**HASH, "technique": "deterministic_encryption"},
            "keyed_hash and deterministic_encryption give different results",
        ),
        (
            HASH,
            {**HASH, "bits": 64, "encoding": "hex", "on_refused": None},
            "other parameters (bits, encoding) give different results",
        ),
        (
            {"technique": "truncate", "keep": 2},
            {"technique": "truncate", "keep": 3},
            "other parameters (keep) give different results",
        ),
    ],
)
def test_what_does_not_join(lake: Path, left: Any, right: Any, said: str) -> None:
    with pytest.raises(UnsafeUse) as caught:
        check_join(treated(lake, {"a": left}), treated(lake, {"a": right}), on="a")
    first, line = str(caught.value).splitlines()
    assert first == "the tables do not join:"
    assert line.startswith(f"  a and a: {said}")


def test_another_version_or_key_does_not_join(lake: Path) -> None:
    columns = {"a": {"domain": "customer"}}
    one = treated(lake, columns)
    for other, said in (
        (treated(lake, columns, key_id=8), "versions 7 and 8 of key crm: treat the older table anew"),
        (treated(lake, columns, check="bb"), "two keys are called crm and have the id 7"),
    ):
        with pytest.raises(UnsafeUse, match=said):
            check_join(one, other, on="a")


def test_columns_are_found_by_path_or_name(lake: Path) -> None:
    schema = treated(lake, DECIDED, NESTED)
    check_join(schema, schema, on=["odd name", "address.zip", "`odd name`"])
    with pytest.raises(
        UnsafeUse, match=r"the right table has no leaf column 'adress\.zip'; did you mean 'address\.zip'"
    ):
        check_join(schema, schema, on=[("address.zip", "adress.zip")])


def test_all_that_does_not_join_is_told_at_once(lake: Path) -> None:
    with pytest.raises(UnsafeUse) as caught:
        check_join(treated(lake, {"a": "redact", "b": "redact"}), treated(lake, {}), on=["a", "b"])
    assert len(str(caught.value).splitlines()) == 3


def test_it_says_in_a_sentence_why_columns_join(lake: Path) -> None:
    one = treated(lake, {"id": {"domain": "customer"}})
    other = treated(lake, {"a": {"domain": "customer"}})
    said = "both are keyed_hash of domain customer, under key crm, version 7"
    assert check_join(one, other, "id", "a") == f"id and a join: {said}"
    assert check_join(one, other, ("id", "a")) == f"id and a join: {said}"
    assert check_join(one, one, "a") == "a and a join as far as their values are written alike: neither is treated"
    with pytest.raises(UnsafeUse, match="one column of each table"):
        check_join(one, other, ["id"], "a")
    with pytest.raises(UnsafeUse, match=r"no session of Spark|there is no table"):
        check_join("nowhere.at_all", other, "id")


def test_columns_of_other_types_do_not_join(lake: Path) -> None:
    """Spark would turn one into the other: '007' and 7 would be one."""
    raw = treated(lake, {})
    with pytest.raises(UnsafeUse, match="the first holds numbers, the second text: cast one"):
        check_join(raw, raw, "id", "a")
    with pytest.raises(UnsafeUse, match="the first holds text, the second dates"):
        check_join(raw, raw, "a", "b")
    ints = treated(lake, {"num": "keep"}, T.StructType().add("num", T.IntegerType()))
    check_join(raw, ints, "id", "num")


def test_other_steps_of_normalize_are_told(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = treated(lake, {"id": {"domain": "customer"}})
    monkeypatch.setitem(
        lakes.DOMAINS, "customer", {**lakes.DOMAINS["customer"], "normalize": ["trim", {"strip_prefix": "C/"}]}
    )
    other = treated(lake, {"id": {"domain": "customer"}})
    with pytest.raises(UnsafeUse, match=r"normalize is \[nfc, trim\] and \[trim, strip_prefix=C/\]: treat the older"):
        check_join(one, other, "id")


def test_under_keys_of_subjects_rows_of_one_subject_join() -> None:
    def mail(table: str) -> ColumnPrivacy:
        parameters = {"key_per": "subject", "subject_keys": table * 32}
        record = ColumnRecord("direct_identifier", "deterministic_encryption", parameters, "mail", "crm", 7, "aa")
        return ColumnPrivacy("mail", record)

    join, said = verdict(mail("a"), mail("a"))
    assert join
    assert said.startswith(
        "mail and mail join, within one subject only: both are deterministic_encryption of domain mail"
    )
    assert verdict(mail("a"), mail("b")) == (
        False,
        "mail and mail: other parameters (subject_keys) give different results",
    )
