"""What properties of a Delta table say of its data files: how large they are to be, and how they are compressed.

Neither is Delta's own in the version that runs are tried with, which refuses names behind ``delta.`` that it does not
know. ``delta.parquet.compression.codec`` stands in Delta's protocol since version 4.3; ``delta.targetFileSize`` is
what platforms and other writers know. Names are taken in any letter case, as Delta takes its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

TARGET_SIZE, CODEC = "delta.targetFileSize", "delta.parquet.compression.codec"
BOTH = (TARGET_SIZE.lower(), CODEC.lower())
LEAST_SIZE = 1 << 20
CODECS = ("snappy", "zstd", "gzip", "lz4", "uncompressed", "none")
"""Of Delta's protocol, in Spark's words too; ``none`` is another word for ``uncompressed``."""
_SIZE = re.compile(r"(\d{1,18})([kmgt]?)(i?b)?")
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def refusal(name: str, value: str) -> str | None:
    """Why a value is refused; None where it is not, or the property is another one."""
    if name.lower() == TARGET_SIZE.lower():
        found = size(value)
        if found is None or found < LEAST_SIZE:
            return "expected a size of 1 MB or more: a number of bytes, or with a unit, such as 128mb"
    if name.lower() == CODEC.lower() and value.lower() not in CODECS:
        return f"expected one of {', '.join(CODECS)}"
    return None


def size(value: str) -> int | None:
    """Bytes; None where it is no size. Units are powers of 1024, as Spark has them."""
    found = _SIZE.fullmatch(value.strip().lower())
    return None if found is None else int(found[1]) << _UNITS[found[2]]


def target_size(properties: Mapping[str, str]) -> int | None:
    """Bytes of a file, as the properties of a table say it; None where they do not, or say no size."""
    stated = _stated(properties, TARGET_SIZE)
    found = None if stated is None else size(stated)
    return None if found is None else max(found, LEAST_SIZE)


def codec(properties: Mapping[str, str]) -> str | None:
    """Spark's name of the compression, as the properties of a table say it; None where they do not, or say one that is
    not of Delta's protocol."""
    stated = (_stated(properties, CODEC) or "").strip().lower()
    return stated if stated in CODECS else None


def _stated(properties: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in properties.items() if key.lower() == name.lower()), None)
