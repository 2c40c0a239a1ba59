"""How SQL names things: every name stays a name and every text a text, whatever characters it has. Pure functions."""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"[\\'\x00-\x1f\x7f]|\$(?=\{)|\{(?=\{)")
"""Besides what ends a literal: control characters, and what tools replace before parsing, ``${x}`` and ``{{x}}``."""


def quoted(name: str) -> str:
    """A column name as Spark's parser takes it, whatever characters it has."""
    return "`" + name.replace("`", "``") + "`"


def quoted_table(name: str) -> str:
    """``db.table`` with each part quoted."""
    return ".".join(quoted(part) for part in name.split("."))


def literal(text: str) -> str:
    """A text as a literal of Spark's SQL, with its usual escapes (``spark.sql.parser.escapedStringLiterals`` false)."""
    return f"'{_ESCAPED.sub(_escape, text)}'"


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\{character}" if character in "\\'" else f"\\u{ord(character):04x}"
