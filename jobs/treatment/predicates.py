"""Predicates about rows, as a person wrote them: judged before any row is read, then used as they are.

A predicate is one boolean expression over the source's columns, made of `TAKEN` only. What is in that list gives equal
rows equal answers, reads nothing but the row, and does not fail on a value: Spark's errors quote the values that they
fail on, and executors log them. So text becomes a number or date by ``try_cast`` only, which gives null instead.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from jobs.configuration.documents import describe, did_you_mean
from jobs.configuration.models import TableConfig
from jobs.console.numbers import many
from jobs.lake.read import SourceRows
from jobs.treatment import kept_rows
from jobs.treatment.treatment_plan import PlanError

COLUMNS = ("AttributeReference", "GetStructField", "GetMapValue", "NamedLambdaVariable", "Literal", "TypedNullLiteral")
LOGIC = ("And", "Or", "Not", "If", "CaseWhen", "Coalesce", "Nvl", "Nvl2", "NullIf", "IsNull", "IsNotNull", "IsNaN",
         "EqualTo", "EqualNullSafe", "EqualNull", "LessThan", "LessThanOrEqual", "GreaterThan", "GreaterThanOrEqual",
         "In", "Between", "Greatest", "Least", "With", "CommonExpressionRef", "CommonExpressionDef")  # fmt: skip
TEXT = ("Like", "ILike", "RLike", "StartsWith", "EndsWith", "Contains", "StringLocate", "StringInstr", "Length",
        "Lower", "Upper", "StringTrim", "StringTrimLeft", "StringTrimRight", "Substring", "Left", "Right",
        "Concat")  # fmt: skip
DATES = ("Year", "Quarter", "Month", "DayOfMonth", "DayOfWeek", "WeekDay", "Extract", "DatePart", "DateDiff", "DateAdd",
         "DateSub", "AddMonths", "DateAddYMInterval", "DatetimeSub", "TimestampAddInterval", "ExtractANSIIntervalDays",
         "Hour", "Minute")  # fmt: skip
COLLECTIONS = ("Size", "ArraySize", "ArrayContains", "ArrayExists", "ArrayForAll", "LambdaFunction", "CreateArray",
               "MapContainsKey")  # fmt: skip
ARITHMETIC = ("Add", "Subtract", "Multiply", "Divide", "IntegralDivide", "Remainder")
NUMBERS = (*ARITHMETIC, "UnaryMinus", "Abs", "Floor", "Ceil")
TRIED = ("TryAdd", "TrySubtract", "TryMultiply", "TryDivide")
TAKEN = frozenset({"Cast", *COLUMNS, *LOGIC, *TEXT, *DATES, *COLLECTIONS, *NUMBERS, *TRIED})
"""Spark's names of what a predicate may be made of."""
QUIET_NUMBERS = ("int", "bigint", "float", "double", "interval")
"""Results whose overflow Spark reports without the values."""
PATTERNS = ("Like", "ILike", "RLike")


class PredicateError(PlanError):
    """Predicates that cannot be used: all of them at once. Nothing was read or written."""

    def __init__(self, table: str, faults: list[str]) -> None:
        super().__init__(table, faults)
        self.args = (
            "\n".join([f"{table}: {many(len(faults), 'predicate')} cannot be used", *(f"  {f}" for f in faults)]),
        )


def minimized(source: SourceRows, table: TableConfig, day: datetime.date | None = None) -> SourceRows:
    """The rows that the table's ``rows`` is true for, and that are within the time of its ``retention``; those for
    which it is false or null are left out at the source, and so are those past their time. day: in UTC; None: today.

    All predicates of the table are judged first. Raises `PredicateError`, `RetentionProblem`.
    """
    check(source.rows, table, source.names_from_data)
    if table.rows is not None:
        source = dataclasses.replace(source, rows=source.rows.where(table.rows), count=None)
    return kept_rows.left_out(source, table, day or kept_rows.today())


def check(rows: DataFrame, table: TableConfig, names_from_data: bool = False) -> None:
    """Raise `PredicateError` with every predicate that cannot be used on such rows; none of them is read.

    names_from_data: the names may be values, so that only those are told that the catalog names.
    """
    named = {path.partition(".")[0] for path in table.columns}
    known = [name for name in rows.columns if name in named or not names_from_data]
    found = {text: _fault(rows, text, known) for text in dict.fromkeys(text for _, text in _all(table))}
    faults = [f"{place}: {found[text]}" for place, text in _all(table) if found[text] is not None]
    if faults:
        raise PredicateError(table.name, faults)


def _all(table: TableConfig) -> Iterator[tuple[str, str]]:
    if table.rows is not None:
        yield f"rows ({table.file}:{table.line})", table.rows
    for path, rule in table.columns.items():
        if rule.rows is not None:
            yield f"{path} ({table.file}:{rule.line})", rule.rows


def _fault(rows: DataFrame, text: str, known: Sequence[str]) -> str | None:
    """What is wrong with a predicate, or None. known: names of columns that may be told."""
    try:
        found = refusal(rows, condition(rows, text))
    except PySparkException as error:
        found = told(error, known)
    return None if found is None else f"{found}, in {describe(text)}"


def condition(rows: DataFrame, text: str) -> Any:
    """A predicate on such rows as Spark understands it. Raises what Spark raises; None where it is no expression."""
    plan = rows.where(text)._jdf.queryExecution().analyzed()
    # else a function written in SQL was put in its place
    return plan.condition() if plan.getClass().getSimpleName() == "Filter" else None


def named(understood: Any) -> tuple[str, ...]:
    """The columns that a predicate asks, as it spells them. understood: by `condition`."""
    found = understood.references().toSeq()
    return tuple(dict.fromkeys(str(found.apply(at).name()) for at in range(found.size())))


def refusal(rows: DataFrame, understood: Any) -> str | None:
    """Why a predicate is not taken, or None. understood: by `condition`."""
    if understood is None:
        return "a function that is not Spark's own is none of what a predicate may use"
    return next(_refused(understood, {name.lower() for name in rows.columns}), None)


def told(error: PySparkException, known: Sequence[str]) -> str:
    """Of Spark's own text only its class and the names that were written."""
    condition = error.getCondition() or ""
    if condition.startswith("UNRESOLVED_COLUMN"):
        name = (error.getMessageParameters() or {}).get("objectName", "").replace("`", "")
        return f"the source has no column {name!r}{did_you_mean(name, known)}"
    if condition.endswith("FILTER_NOT_BOOLEAN"):
        return "expected a condition that is true or false, got something else"
    if condition.startswith("PARSE_"):
        return "expected one SQL condition, as after WHERE, got something else"
    return f"Spark does not take it {f'[{condition}]' if condition else 'and gives no name for what is wrong'}"


def _refused(node: Any, columns: set[str]) -> Iterator[str]:
    """Why parts of an expression, as Spark understood it, are not taken."""
    kind = str(node.getClass().getSimpleName())
    children = [node.children().apply(at) for at in range(node.children().size())]
    if kind not in TAKEN:
        yield f"{node.prettyName()} is none of what a predicate may use (docs/governance.md, 'Rows')"
    elif kind == "AttributeReference" and str(node.name()).lower() not in columns:
        yield f"the source has no column {str(node.name())!r}"
    elif kind == "Cast":
        yield from _refused_cast(node)
    elif kind in NUMBERS and not _is_quiet(node):
        given = node.dataType().simpleString()
        yield f"{node.prettyName()} may fail on a value of type {given}: cast to bigint or double before it"
    elif kind in PATTERNS and not children[1].foldable():
        yield f"{node.prettyName()} takes a pattern that is written out, not one from a column"
    for child in children:
        yield from _refused(child, columns)


def _refused_cast(node: Any) -> Iterator[str]:
    """Casts that could fail on a value of the table; of a constant it is tried now."""
    given, wanted = node.child().dataType(), node.dataType()
    names = f"{given.simpleString()} to {wanted.simpleString()}"
    if node.foldable():
        try:
            node.eval(None)
        except (PySparkException, Py4JError):
            yield f"a constant in it is no {wanted.simpleString()}"
    elif not (_tries(node) or given.equals(wanted) or _never_fails(node, given, wanted)):
        mend = f"write try_cast(... AS {wanted.simpleString()}), or a constant of the column's type"
        yield f"a cast of {names} may fail on a value: {mend}"


def _never_fails(node: Any, given: Any, wanted: Any) -> bool:
    names = given.simpleString().partition("(")[0], wanted.simpleString()
    return bool(node.canUpCast(given, wanted)) or names in (("timestamp", "date"), ("decimal", "double"))


def _is_quiet(node: Any) -> bool:
    quiet = node.dataType().simpleString().partition(" ")[0] in QUIET_NUMBERS
    return quiet or (node.getClass().getSimpleName() in ARITHMETIC and _tries(node))


def _tries(node: Any) -> bool:
    """Whether null comes of a value that would fail; of a cast or of arithmetic."""
    return str(node.evalMode().toString()) == "TRY"
