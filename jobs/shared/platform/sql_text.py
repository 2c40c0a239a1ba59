"""SQL that names what a catalog holds: every name and every text in it stays a name and a text, whatever it is.

Pure functions. The statements are those that Spark and Unity Catalog share.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from jobs.shared.selection import quoted
from jobs.shared.tables import quoted_table

_ESCAPED = re.compile(r"[\\'\x00-\x1f\x7f]|\$(?=\{)|\{(?=\{)")
"""Besides what ends a literal: control characters, and what tools replace before parsing, ``${x}`` and ``{{x}}``."""


def literal(text: str) -> str:
    """A text as a literal of Spark's SQL, with its usual escapes (``spark.sql.parser.escapedStringLiterals`` false)."""
    return f"'{_ESCAPED.sub(_escape, text)}'"


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\{character}" if character in "\\'" else f"\\u{ord(character):04x}"


def register(name: str, location: str) -> str:
    """Give a Delta table that lies at a path a name. Writes nothing to the table, nor to one that has the name."""
    return f"CREATE TABLE IF NOT EXISTS {quoted_table(name)} USING DELTA LOCATION {literal(location)}"


def comment_on_table(name: str, comment: str) -> str:
    return f"COMMENT ON TABLE {quoted_table(name)} IS {literal(comment)}"


def comment_on_columns(name: str, comments: Mapping[str, str]) -> str:
    """One statement for several columns, which Delta makes one commit. comments: column -> comment; not empty."""
    changes = ", ".join(f"{quoted(column)} COMMENT {literal(comment)}" for column, comment in comments.items())
    return f"ALTER TABLE {quoted_table(name)} ALTER COLUMN {changes}"
