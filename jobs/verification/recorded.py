"""Whether the record of a table is whole, stands on its fields too, and is what its configuration decides."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.console.shown import shown
from jobs.lake.record_names import CONFIG, POLICY, PRIVACY, RECORD, SOFTWARE, STATUS
from jobs.policy.treatment_diff import entries_of
from jobs.record import field_metadata, treatment_record
from jobs.record.column_record import ColumnRecord
from jobs.record.treated_table import privacy_of
from jobs.verification.outcome import Check, judged
from jobs.verification.standing import Standing

OF_RUN = ("key_id", "key_check", "keys", "parameters")
"""Of a record what no configuration says, or says at other length."""


def check(table: Standing) -> Iterator[Check]:
    faults = [f"the property {name} is missing" for name in (CONFIG, POLICY, SOFTWARE) if name not in table.properties]
    if table.properties.get(STATUS) != "treated":
        faults.append(f"the property {STATUS} does not say treated")
    yield judged("record", faults, f"{len(table.columns)} columns or cases, well-formed")
    yield judged("fields", sorted(set(_of_fields(table))), "each field's own entry is the record's")
    if table.conf is None:
        yield Check(
            "configuration", "fails" if table.unknown.startswith("what is stored") else "not checked", table.unknown
        )
    else:
        yield judged("configuration", list(_of_configuration(table)), "the record is what it decides")


def _of_fields(table: Standing) -> Iterator[str]:
    entries = {ColumnPath.parse(path): entry for path, entry in table.columns.items()}
    for path, field in _fields(ColumnPath(()), table.rows.schema):
        wanted = field_metadata.of_field(path, entries).get(PRIVACY, {})
        if field_metadata.decoded(field.metadata.get(PRIVACY, {})) != field_metadata.decoded(wanted):
            yield f"{shown(str(path))}: what stands on the field is not what the record says"
    told = privacy_of(table.rows.schema)
    yield from (f"{shown(path)}: nobody decided about it" for path, column in told.items() if not column.is_decided)
    there = {str(path) for path, _ in _fields(ColumnPath(()), table.rows.schema)}
    for name, entry in table.columns.items():
        is_field = all(isinstance(step, Field) for step in ColumnPath.parse(name).steps)
        if entry.facts.drops_column and name in there:
            yield f"{shown(name)}: is said to be left out, and is there"
        elif is_field and not entry.facts.drops_column and name not in there:
            yield f"{shown(name)}: is in the record, and not in the table"


def _fields(path: ColumnPath, given: T.StructType) -> Iterator[tuple[ColumnPath, T.StructField]]:
    """All fields that have metadata of ours: of structs in structs, not in arrays and maps."""
    for field in given.fields:
        below = path.child(Field(field.name))
        yield below, field
        if isinstance(field.dataType, T.StructType):
            yield from _fields(below, field.dataType)


def _of_configuration(table: Standing) -> Iterator[str]:
    assert table.conf is not None
    decided = entries_of(table.conf, table.name)
    for path in sorted({*decided, *table.columns}):
        one, other = decided.get(path), table.columns.get(path)
        if one is None or other is None:
            yield f"{shown(path)}: only {'the record' if one is None else 'the configuration'} has it"
        else:
            differing = _differing(one, other)
            if differing:
                yield f"{shown(path)}: record and configuration differ in {', '.join(differing)}"
    record = json.loads(table.properties[RECORD])
    entry = table.conf.tables[table.name]
    least = None if entry.suppress is None else {"k": entry.suppress.k}
    boxes = None if entry.mondrian is None else entry.mondrian.as_record()
    for name, said, wanted in (
        ("rows", record.get("rows"), entry.rows),
        ("suppress", record.get("suppress"), least),
        ("mondrian", record.get("mondrian"), boxes),
        ("policy version", table.properties.get(POLICY), table.conf.policy.version),
    ):
        if said != wanted:
            yield f"{name}: record and configuration differ"


def _differing(decided: ColumnRecord, recorded: ColumnRecord) -> list[str]:
    names = [name for name in decided.differing(recorded) if name not in (*OF_RUN, "keyset")]
    shortened = {name: treatment_record.short(value) for name, value in decided.parameters.items()}
    return [*names, *_different(shortened, recorded.parameters)]


def _different(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
