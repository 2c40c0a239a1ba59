"""What a session is set to while Spark writes the files of a target."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.configuration import file_properties
from jobs.gates.known import Prepared
from jobs.treatment import file_statistics

CODEC = "spark.sql.parquet.compression.codec"


def of(prepared: Prepared) -> Mapping[str, str]:
    """Which columns have statistics, and the compression that the target's properties state: this Delta does not look
    for it there."""
    codec = file_properties.codec(_properties(prepared))
    return {**file_statistics.parquet_settings(prepared.plan), **({} if codec is None else {CODEC: codec})}


def _properties(prepared: Prepared) -> Mapping[str, str]:
    """Of the target as the run leaves it. A run that goes on states none anew."""
    there, stated = prepared.target.properties, prepared.entry.target.properties
    return {**stated, **there, **stated} if prepared.mode == "full" else there
