"""A treated table as a data contract, by the Open Data Contract Standard v3.1.0
(https://bitol-io.github.io/open-data-contract-standard/).

Columns and types are those of the table as it is, classes and treatments those of its own record: a contract says what
was done, not what a configuration means to do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Document, Element, Field, MapKey, MapValue
from jobs.configuration.models import TableConfig
from jobs.console.exit_codes import Refused
from jobs.lake.record_names import CONFIG, POLICY, RECORD, SOFTWARE
from jobs.processing_records.article_30 import NOT_STATED, of_made_for, place_of
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.column_record import CLASSES
from jobs.record.record_reader import columns_of
from jobs.record.told_elsewhere import parameters, sha256
from jobs.record.treated_table import privacy_of

API_VERSION = "v3.1.0"
UNITS = {"day": "d", "month": "m", "year": "y"}
LOGICAL: tuple[tuple[tuple[type[T.DataType], ...], str], ...] = (
    ((T.StringType, T.CharType, T.VarcharType, T.BinaryType), "string"),
    ((T.BooleanType,), "boolean"),
    ((T.DateType,), "date"),
    ((T.TimestampType, T.TimestampNTZType), "timestamp"),
    ((T.ByteType, T.ShortType, T.IntegerType, T.LongType), "integer"),
    ((T.FractionalType,), "number"),
    ((T.ArrayType,), "array"),
)
"""Other types are objects."""

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Treated:
    """What a target says of itself."""

    schema: T.StructType
    properties: Mapping[str, str]
    version: int


def of_table(table: TableConfig, found: Treated) -> Json:
    """The contract, as plain data. Raises `Refused` where the table was not treated, `RecordProblem` where what it says
    cannot be understood."""
    if RECORD not in found.properties:
        raise Refused(f"{table.name}: {place_of(table)} carries no record of a treatment: run jobs/pseudonymize.py")
    dropped = [path for path, entry in columns_of(found.properties).items() if entry.facts.drops_column]
    policy, config = found.properties.get(POLICY, NOT_STATED), found.properties.get(CONFIG, NOT_STATED)
    said = {
        "privacyRecordSha256": sha256(found.properties[RECORD]),
        "privacyConfigSha256": config,
        "privacyPolicyVersion": policy,
        "privacySoftware": found.properties.get(SOFTWARE, NOT_STATED),
        "tableVersion": found.version,
        "droppedColumns": dropped,
        **_subjects(table),
    }
    columns = _Columns(privacy_of(found.schema), table.target.partition_by)
    schema = {
        "name": table.name,
        "physicalName": place_of(table),
        "physicalType": "table",
        "logicalType": "object",
        "properties": list(columns.of_struct(ColumnPath(()), found.schema)),
        "customProperties": _custom(said),
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": table.name,
        "name": table.name,
        "version": f"{found.version}.0.0",
        "status": "active",
        "description": {
            "purpose": "; ".join(of_made_for(table, "purpose", table.processing.purposes) or (NOT_STATED,))
        },
        "schema": [schema],
        "team": {"members": [{"username": table.owner, "role": "owner"}]},
        **_retention(table),
    }


def _subjects(table: TableConfig) -> Json:
    stated = table.processing
    lists = {
        "dataSubjects": stated.data_subjects,
        "recipients": of_made_for(table, "recipient", stated.recipients),
    }
    return {name: NOT_STATED if given is None else list(given) for name, given in lists.items()}


def _retention(table: TableConfig) -> Json:
    """As agreed levels of service: of the table, and of columns that have their own."""
    spans: list[tuple[str | None, str]] = [] if table.retention is None else [(None, table.retention)]
    spans += [(path, rule.retention) for path, rule in table.columns.items() if rule.retention is not None]
    found = [_span(column, span) for column, span in spans]
    return {"slaProperties": found} if found else {}


def _span(column: str | None, span: str) -> Json:
    number, _, unit = span.partition(" ")
    told = {"property": "retention", "value": int(number), "unit": UNITS[unit.removesuffix("s")]}
    return {**told, "driver": "regulatory", **({} if column is None else {"element": column})}


@dataclasses.dataclass(frozen=True)
class _Columns:
    told: Mapping[str, ColumnPrivacy]
    partitions: tuple[str, ...]

    def of_struct(self, path: ColumnPath, given: T.StructType) -> Iterator[Json]:
        for field in given.fields:
            below = path.child(Field(field.name))
            found = {"name": field.name, **self._of(below, field.dataType)}
            if not path.steps and field.name in self.partitions:
                found |= {"partitioned": True, "partitionKeyPosition": self.partitions.index(field.name) + 1}
            yield found

    def _of(self, path: ColumnPath, given: T.DataType) -> Json:
        found = {"logicalType": logical(given), "physicalType": _physical(given), **self._treatment(path)}
        if isinstance(given, T.BinaryType):
            found["logicalTypeOptions"] = {"format": "binary"}
        if str(path) in self.told:  # a whole subtree that was emptied: nothing below it was decided
            return found
        if isinstance(given, T.StructType):
            found["properties"] = list(self.of_struct(path, given))
        elif isinstance(given, T.ArrayType):
            found["items"] = self._of(path.child(Element()), given.elementType)
        elif isinstance(given, T.MapType):
            parts = (("key", MapKey(), given.keyType), ("value", MapValue(), given.valueType))
            found["properties"] = [{"name": name, **self._of(path.child(step), of)} for name, step, of in parts]
        return found

    def _treatment(self, path: ColumnPath) -> Json:
        """Of a leaf. Of JSON text that is decided by paths the class is the one that asks for the most care."""
        own = self.told.get(str(path))
        inner = [self.told[name] for name in sorted(self.told) if name.startswith(f"{path}{Document()}")]
        if own is None and not inner:
            return {}
        known = [own] if own is not None else inner
        classes = [each.class_ for each in known if each.class_ is not None]
        treatments = [_treated(each, record) for each in known for record in each.records]
        class_ = min(classes, key=CLASSES.index) if len(classes) == len(known) else "undecided"
        return {"classification": class_, "customProperties": _custom({"treatment": treatments})}


def _treated(column: ColumnPrivacy, record: Any) -> Json:
    return {"path": column.path, "technique": record.technique, **parameters(record)}


def logical(given: T.DataType) -> str:
    """The type in the words of the standard."""
    return next((name for types, name in LOGICAL if isinstance(given, types)), "object")


def _physical(given: T.DataType) -> str:
    return given.typeName() if isinstance(given, (T.StructType, T.ArrayType, T.MapType)) else given.simpleString()


def _custom(said: Mapping[str, Any]) -> list[Json]:
    return [{"property": name, "value": value} for name, value in said.items()]
