"""What counts as drift, decided on evidence alone: no Spark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import types as T

from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import TableConfig
from jobs.detection.evidence import Settings, measure
from jobs.detection.scan import Found
from jobs.drafting import accepted, drift, report
from jobs.drafting.drift import Drift
from privacy_udfs import apply
from tests.helpers.lakes import column, table, write_conf

MAILS = pa.array([f"user{at}@example.org" for at in range(50)])
WORDS = pa.array([("new", "paid")[at % 2] for at in range(50)])
NUMBERS = pa.array(range(50))
TYPES = {pa.string(): T.StringType(), pa.int64(): T.LongType(), pa.float64(): T.DoubleType()}


def entry(lake: Path, columns: dict[str, Any]) -> TableConfig:
    return config.load(write_conf(lake, table("t", lake, columns))).tables["t"]


def found(shape: str | None = None, **columns: pa.Array) -> list[Found]:
    """Columns as a scan finds them; ``__`` in a name stands for a dot."""
    made = []
    for name, values in columns.items():
        kind = TYPES[values.type]
        evidence = measure(values, Settings(salt=b"t"), shape).evidence(kind.simpleString())
        made.append(Found(ColumnPath.parse(name.replace("__", ".")), kind, evidence))
    return made


def changes(
    entry: TableConfig, columns: list[Found], before: dict[str, dict[str, Any]] | None = None
) -> set[tuple[str, str]]:
    return {(each.what, each.column) for each in drift.of_columns(entry, columns, before or {})}


def test_what_is_as_it_was_accepted_is_no_drift(lake: Path) -> None:
    kept = entry(lake, {"a": column("redact", "direct_identifier"), "b": column("keep", "non_personal"), "s": "drop"})
    assert changes(kept, found(a=MAILS, b=WORDS, s__x=MAILS, s__y__z=NUMBERS)) == set()


def test_a_column_treated_by_cases_is_decided_and_lost_once(lake: Path) -> None:
    cases = [{"rows": "b > 3", "treatment": "redact"}, {"rows": "b <= 3", "treatment": "keep"}]
    rule = {"class": "direct_identifier", "when": cases, "why": "a test"}
    by_cases = entry(lake, {"a": rule, "b": "keep"})
    assert changes(by_cases, found(a=WORDS, b=NUMBERS)) == set()
    lost = list(drift.of_columns(by_cases, found(b=NUMBERS), {}))
    assert [(each.what, each.column) for each in lost] == [("lost", "a")]


def test_a_struct_that_is_kept_as_such_decides_nothing_within(lake: Path) -> None:
    """As the job sees it: only what goes as a whole is decided by one line."""
    assert changes(entry(lake, {"s": column("keep", "non_personal")}), found(s__x=WORDS)) == {
        ("new", "s.x"),
        ("lost", "s"),
    }


def test_renamed_columns_are_paired_by_name_and_content(lake: Path) -> None:
    two = entry(lake, {"contact": column("redact", "direct_identifier"), "state": column("keep", "non_personal")})
    before = {each.path.root: each.evidence.as_data() for each in found(contact=MAILS, state=WORDS)}
    assert changes(two, found(contacts=MAILS, status=WORDS), before) == {("renamed", "contacts"), ("renamed", "status")}
    assert changes(two, found(contacts=NUMBERS, state=WORDS), before) == {("new", "contacts"), ("lost", "contact")}


def test_types_are_compared_with_the_draft_that_was_accepted(lake: Path) -> None:
    conf = write_conf(lake, table("t", lake, {"count": column("keep", "non_personal")}))
    file = conf / "catalog" / "t.yaml"
    file.write_text(file.read_text().replace("  count:\n", '  # evidence: {"type": "bigint", "match": {}}\n  count:\n'))
    kept = config.load(conf).tables["t"]
    before = accepted.evidence(conf, kept)
    assert changes(kept, found(count=NUMBERS), before) == set()
    assert changes(kept, found(count=WORDS), before) == {("retyped", "count")}
    year = entry(lake, {"count": column({"technique": "generalize_date", "unit": "year"})})
    assert changes(year, found(count=NUMBERS)) == {("retyped", "count")}, "its technique does not take it"


def test_content_that_a_treatment_does_not_cover_is_told_by_kind_and_share_only(lake: Path) -> None:
    weak = entry(lake, {"a": column("keep", "non_personal"), "b": column("redact", "non_personal")})
    told = list(drift.of_columns(weak, found(a=MAILS, b=MAILS), {}))
    assert [(each.what, each.column) for each in told] == [("uncovered", "a")]
    looks, _, reason = told[0].detail.partition(": ")
    assert looks == "looks like email (direct_identifier), is treated as non_personal by keep"
    assert reason == "100% of the values are e-mail addresses"


def test_pseudonyms_that_look_like_none_are_told(lake: Path) -> None:
    hashed = entry(lake, {"a": column({"domain": "customer"}, "direct_identifier"), "b": "redact"})
    shape = drift.shapes(hashed)["a"]
    good = apply({"technique": "keyed_hash", "bits": 128}, MAILS, key=bytes(32))
    assert drift.hides(hashed)
    assert list(drift.of_pseudonyms(hashed, found(shape, a=good))) == []
    mixed = pa.concat_arrays([good, MAILS.slice(0, 2)])
    told = list(drift.of_pseudonyms(hashed, [*found(shape, a=mixed), *found(None, b=MAILS)]))
    assert [(each.what, each.column) for each in told] == [("not_pseudonyms", "a"), ("not_pseudonyms", "b")]
    assert "example.org" not in "".join(each.detail for each in told)


def test_a_name_that_would_reorder_a_line_is_shown_by_its_escape() -> None:
    changes = [Drift("t", "new", "a\u202eb\n\U000e0001", "string, no decision")]
    assert report.drift_as_text("t", changes) == "t\n  new: a\\u202eb\\n\\udb40\\udc01: string, no decision"
    told = report.drift_as_json("t", changes)
    assert told.isprintable()
    assert json.loads(told)["drift"][0]["column"] == changes[0].column


def test_a_new_column_of_which_nothing_is_known_is_told_so(lake: Path) -> None:
    told = list(drift.of_columns(entry(lake, {"a": "redact"}), found(a=MAILS, b=WORDS), {}))
    assert [each.detail for each in told] == ["string, no decision; not known by its content"]


def test_a_column_of_json_text_is_decided_by_its_paths(lake: Path) -> None:
    decided = entry(lake, {"id": "keep", "payload:$.a": "keep", "gone:$.b": "keep"})
    changes = list(drift.of_columns(decided, found(id=NUMBERS, payload=WORDS, other=NUMBERS), {}))
    assert [(change.what, change.column) for change in changes] == [("new", "other"), ("lost", "gone:$.b")]
    known = accepted.entries(lake / "conf")["t"]
    decides = {name: known.decides(ColumnPath.parse(name)) for name in ("id", "payload", "pay", "gone", "other")}
    assert decides == {"id": True, "payload": True, "pay": False, "gone": True, "other": False}
