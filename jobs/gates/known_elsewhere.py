"""The sources of other tables whose values are looked for in texts."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.errors import PySparkException
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from jobs.configuration import known_elsewhere
from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue
from jobs.configuration.finding import Finding
from jobs.gates.known import Planned
from jobs.lake import consent
from privacy_udfs.technique import plain_type
from privacy_udfs.techniques._replacements import Elsewhere, known_misfit


def readable(known: Planned) -> Iterator[Finding]:
    """Columns that are not there, or whose values are none to look for; and sources that nobody consented to."""
    found: dict[str, None] = {}
    for case in known.plan.cases:
        for domain, sought in known_elsewhere.of(case.treatment.technique).items():
            for place in known_elsewhere.places(sought.columns, known.conf.tables):
                fault = _fault(sought, known.others[place.table].rows.schema, place.path)
                if fault is not None:
                    found[f"{case.path}: known_elsewhere: {domain}: {place}: {fault}"] = None
    for name, source in known.others.items():
        if name != known.table:
            found.update(dict.fromkeys(f"{name}: {why}" for why in consent.refusals(known.conf.tables[name], source)))
    return (Finding("refuse", None, reason) for reason in found)


def _fault(sought: Elsewhere, schema: T.StructType, path: ColumnPath) -> str | None:
    given: T.DataType | None = schema
    for step in path.steps:
        given = _below(given, step)
    if given is None:
        return "there is no such column in its source"
    try:
        return known_misfit(sought, plain_type(to_arrow_type(given, timezone="UTC")))
    except PySparkException:
        return f"values are looked for of text and of whole numbers, not of {given.simpleString()}"


def _below(given: T.DataType | None, step: object) -> T.DataType | None:
    if isinstance(step, Field) and isinstance(given, T.StructType):
        return given[step.name].dataType if step.name in given.names else None
    if isinstance(step, Element) and isinstance(given, T.ArrayType):
        return given.elementType
    if isinstance(given, T.MapType):
        return given.keyType if isinstance(step, MapKey) else given.valueType if isinstance(step, MapValue) else None
    return None
