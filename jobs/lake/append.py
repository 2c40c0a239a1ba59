"""Rows put to those that a Delta table has, in one commit."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from jobs.lake.address import Address


def append(rows: DataFrame, address: Address, properties: Mapping[str, str] = {}) -> None:
    """Append to the table, which is made where there is none. properties: Delta's own, of a table that is made."""
    writer = rows.write.format("delta").mode("append").options(**properties)
    if address.path is not None:
        writer.save(address.path)
    else:
        writer.saveAsTable(address.sql)
