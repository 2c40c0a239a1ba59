"""What a session is set to while Spark writes the files of a target."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import types as T

from jobs.configuration import file_properties
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.kept_values import IDENTIFYING
from jobs.gates.known import Prepared
from jobs.lake.column_mapping import MODE
from jobs.record.column_record import ColumnRecord
from jobs.record.record_reader import columns_of
from jobs.treatment import file_statistics, layout, parquet_statistics

CODEC = "spark.sql.parquet.compression.codec"


def of(prepared: Prepared) -> Mapping[str, str]:
    """Which columns have statistics, and the compression that the target's properties state: this Delta does not look
    for it there."""
    codec = file_properties.codec(_properties(prepared))
    unmeasured = file_statistics.unmeasured(prepared.plan)
    return {
        **parquet_statistics.without(unmeasured, _is_mapped(prepared)),
        **({} if codec is None else {CODEC: codec}),
    }


def as_it_stands(
    schema: T.StructType, properties: Mapping[str, str], entries: Mapping[ColumnPath, ColumnRecord]
) -> Mapping[str, str]:
    """The same where a treated table is written anew from itself: columns that scatter or that identify people have no
    statistics in parts of files, unless the table says that Delta is to have them. entries: of its record."""
    codec = file_properties.codec(properties)
    above = [path for path, each in entries.items() if each.facts.scatters or each.class_ in IDENTIFYING]
    hidden = file_statistics.not_stated(schema, above, properties)
    off = parquet_statistics.without(hidden, parquet_statistics.is_mapped(properties))
    return {**off, **({} if codec is None else {CODEC: codec})}


def by_record(schema: T.StructType, properties: Mapping[str, str]) -> Mapping[str, str]:
    """The same by the record that the table's properties hold. Where there is none, as in a source, no column is known
    as one of these."""
    entries = {ColumnPath.parse(path): entry for path, entry in columns_of(properties).items()}
    return as_it_stands(schema, properties, entries)


def _is_mapped(prepared: Prepared) -> bool:
    """Whether the columns of the files may have other names than those of the table."""
    stated, there = prepared.entry.target, prepared.target.properties
    by_default = {MODE: str(prepared.spark.conf.get(parquet_statistics.DEFAULT_MODE, "none"))}
    made = layout.column_mapping(stated, prepared.plan.schema)
    return parquet_statistics.is_mapped(there, stated.properties, made, by_default)


def _properties(prepared: Prepared) -> Mapping[str, str]:
    """Of the target as the run leaves it. A run that goes on states none anew."""
    there, stated = prepared.target.properties, prepared.entry.target.properties
    return {**stated, **there, **stated} if prepared.mode == "full" else there
