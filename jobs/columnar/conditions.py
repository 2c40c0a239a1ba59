"""A condition about rows over whole Arrow arrays, where that gives just what Spark gives; every doubt is a no.

Taken are comparisons of texts, whole numbers, dates and truth values with constants and with each other, ``IN`` of
constants, ``IS NULL``, and what is made of these by ``AND``, ``OR`` and ``NOT``; null counts as in SQL. No
floating-point numbers (Spark's NaN is the greatest), no times, no functions.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from jobs.columnar.unfit import NotColumnar
from jobs.columnar.work import followed

COMPARED = {
    "EqualTo": pc.equal,
    "LessThan": pc.less,
    "LessThanOrEqual": pc.less_equal,
    "GreaterThan": pc.greater,
    "GreaterThanOrEqual": pc.greater_equal,
}
JOINED = {"And": pc.and_kleene, "Or": pc.or_kleene}
WHOLE = {"tinyint": pa.int8(), "smallint": pa.int16(), "int": pa.int32(), "bigint": pa.int64()}
TYPES = {**WHOLE, "string": pa.string(), "date": pa.date32(), "boolean": pa.bool_()}
"""Spark's name of a type -> Arrow's: those whose values both compare alike."""
EPOCH = datetime.date(1970, 1, 1).toordinal()
FIRST_DAY, LAST_DAY = datetime.date.min.toordinal() - EPOCH, datetime.date.max.toordinal() - EPOCH
"""Of the dates that Python has, as which they travel to tasks."""


@dataclasses.dataclass(frozen=True)
class Way:
    """The column at the end of a way of names through structs."""

    names: tuple[str, ...]
    type: pa.DataType


@dataclasses.dataclass(frozen=True)
class Constant:
    value: pa.Scalar = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Step:
    """A function of what it is made of, by its name in Spark."""

    name: str
    of: tuple[Condition, ...]


@dataclasses.dataclass(frozen=True)
class Among:
    """Whether a value is one of some; null where it is null. values: without nulls."""

    of: Condition
    values: pa.Array = dataclasses.field(repr=False)


Condition: TypeAlias = Way | Constant | Step | Among


def understood(node: Any) -> Condition:
    """A predicate, as Spark's analysis has it. Raises `NotColumnar`."""
    kind = str(node.getClass().getSimpleName())
    if bool(node.foldable()):
        return Constant(_constant(node))
    parts = [node.children().apply(at) for at in range(node.children().size())]
    if kind in ("AttributeReference", "GetStructField"):
        return _way(node, kind)
    if kind in ("IsNull", "IsNotNull"):
        return Step(kind, (_way(parts[0], str(parts[0].getClass().getSimpleName()), compared=False),))
    if kind == "In":
        return _among(parts)
    if kind == "Cast":
        return _wider(node, parts[0])
    if kind in COMPARED or kind in JOINED or kind == "Not":
        return Step(kind, tuple(map(understood, parts)))
    raise _other(node)


def columns(condition: Condition) -> Iterator[tuple[str, ...]]:
    """The ways to all columns that a condition looks at."""
    if isinstance(condition, Way):
        yield condition.names
    elif isinstance(condition, Step):
        for part in condition.of:
            yield from columns(part)
    elif isinstance(condition, Among):
        yield from columns(condition.of)


def holds(condition: Condition, known: Mapping[str, pa.Array], rows: int) -> pa.BooleanArray:
    """For which rows it is true. known: their columns, by name."""
    found = _value(condition, known)
    return pa.repeat(found, rows) if isinstance(found, pa.Scalar) else found


def _value(condition: Condition, known: Mapping[str, pa.Array]) -> Any:
    if isinstance(condition, Constant):
        return condition.value
    if isinstance(condition, Way):
        values = followed(known, condition.names)
        if condition.type != pa.null() and values.type != condition.type:
            raise NotColumnar("a column of the condition is of another type than Spark says")
        return values
    parts = [_value(part, known) for part in (condition.of if isinstance(condition, Step) else (condition.of,))]
    if isinstance(condition, Among):
        return _is_among(parts[0], condition.values)
    name = condition.name
    if name == "IsNull":
        return pc.is_null(parts[0])
    if name == "IsNotNull":
        return pc.is_valid(parts[0])
    if name == "Not":
        return pc.invert(parts[0])
    if name in TYPES:
        return parts[0].cast(TYPES[name])
    function: Callable[..., Any] = COMPARED[name] if name in COMPARED else JOINED[name]
    return function(*parts)


def _is_among(values: Any, wanted: pa.Array) -> Any:
    found = pc.is_in(values, value_set=wanted)
    return pc.if_else(pc.is_valid(values), found, pa.scalar(None, pa.bool_()))


def _way(node: Any, kind: str, compared: bool = True) -> Way:
    """compared: whether its values are, and not only whether there are any."""
    names: list[str] = []
    given = str(node.dataType().simpleString())
    while kind == "GetStructField":
        names.insert(0, str(node.childSchema().fields()[int(node.ordinal())].name()))
        node = node.child()
        kind = str(node.getClass().getSimpleName())
    if kind != "AttributeReference":
        raise _other(node)
    if compared and given not in TYPES:
        raise NotColumnar(f"the condition compares values of type {given.partition('<')[0]}, which Spark does")
    return Way((str(node.name()), *names), TYPES[given] if compared else pa.null())


def _among(parts: Sequence[Any]) -> Among:
    if not all(bool(part.foldable()) for part in parts[1:]):
        raise NotColumnar("the condition has an IN of columns, which Spark evaluates")
    values = [_constant(part) for part in parts[1:]]
    if any(not value.is_valid for value in values):
        raise NotColumnar("the condition has an IN with null, which Spark evaluates")
    of = understood(parts[0])
    return Among(of, pa.array([value.as_py() for value in values], values[0].type))


def _wider(node: Any, child: Any) -> Condition:
    """Whole numbers as wider ones."""
    given, wanted = str(child.dataType().simpleString()), str(node.dataType().simpleString())
    if given not in WHOLE or wanted not in WHOLE or WHOLE[given].bit_width > WHOLE[wanted].bit_width:
        raise _other(node)
    return Step(wanted, (understood(child),))


def _constant(node: Any) -> pa.Scalar:
    given = str(node.dataType().simpleString())
    if given not in TYPES:
        raise NotColumnar(f"the condition compares values of type {given.partition('<')[0]}, which Spark does")
    try:
        value = node.eval(None)
    except (PySparkException, Py4JError):
        raise _other(node) from None
    if given == "string" and value is not None:
        value = str(value.toString())
    if given == "date" and value is not None:
        if not FIRST_DAY <= int(value) <= LAST_DAY:
            raise NotColumnar("the condition has a date outside the years 1 to 9999, which Spark compares")
        return pa.scalar(int(value), pa.int32()).cast(pa.date32())
    return pa.scalar(value, TYPES[given])


def _other(node: Any) -> NotColumnar:
    return NotColumnar(f"the condition has {node.prettyName()}, which Spark evaluates")
