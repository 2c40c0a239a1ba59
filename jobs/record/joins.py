"""Whether two columns join: by how both were treated, by what stands in them, and in one sentence.

Equal values must have equal results on both sides, of types that Spark compares without turning one into the other.
That the values themselves are alike, no record tells: `in_common` looks at the rows.
"""

from __future__ import annotations

from pyspark.sql import types as T

from jobs.console.shown import shown
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.column_record import ColumnRecord
from privacy_udfs.scope_labels import PERIOD

SUBJECT = "subject"
_FAMILIES: dict[type[T.DataType], str] = {
    T.StringType: "text",
    T.CharType: "text",
    T.VarcharType: "text",
    T.NumericType: "numbers",
    T.BinaryType: "binary",
    T.BooleanType: "true and false",
    T.DateType: "dates",
    T.TimestampType: "instants",
    T.TimestampNTZType: "times without a zone",
}


def verdict(one: ColumnPrivacy, other: ColumnPrivacy) -> tuple[bool, str]:
    """Whether two columns join, and a sentence that says so and why."""
    names, reason = f"{shown(one.path)} and {shown(other.path)}", why_no_join(one, other)
    if reason is not None:
        return False, f"{names}: {reason}"
    if one.cases:
        return True, f"{names} join, row by row of the same case: both sides treat each case alike"
    if one.record is None or other.record is None or one.is_raw:
        return True, f"{names} join as far as their values are written alike: neither is treated"
    return True, f"{names} join{_within(one.record)}: {_how(one.record)}"


def within(record: ColumnRecord) -> str | None:
    """Within what alone equal values have equal results: one ``month``, one ``subject``; None: everywhere."""
    if record.scope == PERIOD and record.context is not None:
        return record.context[1]
    return SUBJECT if record.parameters.get("key_per") == "subject" else None


def _within(record: ColumnRecord) -> str:
    unit = within(record)
    return "" if unit is None else f", within one {unit} only"


def _how(record: ColumnRecord) -> str:
    domain = f" of domain {record.domain}" if record.domain is not None else ""
    version = f", under key {record.key}, version {record.key_id}" if record.key is not None else ""
    return f"both are {record.technique}{domain}{version}"


def why_no_join(one: ColumnPrivacy, other: ColumnPrivacy) -> str | None:
    """Why two columns do not join, or None."""
    if one.cases or other.cases:
        return _no_join_by_cases(one, other)
    for column in (one, other):
        if column.record is not None and column.record.facts.shows is None:
            return f"nobody has said what {column.technique} shows, nor whether equal values have equal results"
    if one.is_raw or other.is_raw:
        raw = "the first" if one.is_raw else "the second"
        both = one.is_raw and other.is_raw
        return _other_kinds(one, other) if both else f"{raw} is raw, the other one treated: nothing would match"
    assert one.record is not None, "what is not raw and has no cases has a record"
    assert other.record is not None
    for record in (one.record, other.record):
        if record.facts.one_result:
            return f"{record.technique} leaves nothing to join on"
        if not record.facts.deterministic:
            return f"{record.technique} gives equal values unequal results"
    return one.record.why_other_results(other.record) or _other_kinds(one, other)


def _no_join_by_cases(one: ColumnPrivacy, other: ColumnPrivacy) -> str | None:
    """Columns that are treated by cases join if the cases are the same ones; what became null joins with nothing."""
    if [case.rows for case in one.cases] != [case.rows for case in other.cases]:
        return "rows are treated differently, by other cases on either side"
    pairs = list(zip(one.cases, other.cases, strict=True))
    pairs = [pair for pair in pairs if not all(map(empties, pair))] or pairs
    reasons = ((case.path, why_no_join(case, others)) for case, others in pairs)
    return next((f"{path}: {reason}" for path, reason in reasons if reason is not None), None)


def empties(column: ColumnPrivacy) -> bool:
    """Whether an entry is one of a whole struct, array or map: all of it null."""
    return column.record is not None and column.record.gives_null


def _other_kinds(one: ColumnPrivacy, other: ColumnPrivacy) -> str | None:
    """Types that Spark compares only after it has turned one into the other, by which values are lost or made equal."""
    if one.kind is None or other.kind is None:
        return None
    kinds = [_family(each.kind) for each in (one, other) if each.kind is not None]
    if kinds[0] == kinds[1] or None in kinds:
        return None
    return f"the first holds {kinds[0]}, the second {kinds[1]}: cast one of them as the other is written"


def _family(kind: T.DataType) -> str | None:
    return next((name for cls, name in _FAMILIES.items() if isinstance(kind, cls)), None)
