"""SQL that names what a catalog holds: every name and every text in it stays a name and a text, whatever it is.

Pure functions. The statements are those that Spark and Unity Catalog share.
"""

from __future__ import annotations

from collections.abc import Mapping

from jobs.lake.address import Address
from jobs.lake.columns import dotted
from jobs.lake.sql import literal


def register(name: str, location: str) -> str:
    """Give a Delta table that lies at a path a name. Writes nothing to the table, nor to one that has the name."""
    return f"CREATE TABLE IF NOT EXISTS {Address(table=name).sql} USING DELTA LOCATION {literal(location)}"


def comment_on_table(name: str, comment: str) -> str:
    return f"COMMENT ON TABLE {Address(table=name).sql} IS {literal(comment)}"


def comment_on_columns(name: str, comments: Mapping[str, str]) -> str:
    """One statement for several columns, which Delta makes one commit. comments: column -> comment; not empty."""
    changes = ", ".join(f"{dotted(column)} COMMENT {literal(comment)}" for column, comment in comments.items())
    return f"ALTER TABLE {Address(table=name).sql} ALTER COLUMN {changes}"
