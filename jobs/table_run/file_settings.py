"""What a session is set to while Spark writes the files of a target."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.configuration import file_properties
from jobs.gates.known import Prepared
from jobs.lake.column_mapping import MODE
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
