"""What several test files share: the vectors, read once."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from tests.helpers.places import TESTS

VECTORS = TESTS / "vectors"


@dataclasses.dataclass(frozen=True)
class Vector:
    """One published case: a treatment, its input and what must come out."""

    id: str
    treatment: dict[str, Any]
    values: pa.Array
    expect: pa.Array
    key: bytes | None
    subject: pa.Array | None
    record: dict[str, Any] | None = None
    """What a table's record holds of the treatment, where the case pins it."""


def arrow_type(name: str) -> pa.DataType:
    """`string`, `int64`, `date32`, `timestamp[us, tz=UTC]`, `timestamp[us]`, `decimal128(20, 0)`, `binary`, ..."""
    if name.startswith("decimal128("):
        return pa.decimal128(*(int(part) for part in name[11:-1].split(",")))
    if name.startswith("timestamp[us"):
        return pa.timestamp("us", name.partition("tz=")[2].rstrip("]") or None)
    return {"date32": pa.date32(), "bool": pa.bool_()}.get(name) or pa.type_for_alias(name)


def to_arrow(values: list[Any], type_name: str) -> pa.Array:
    """YAML values as Arrow: text for most types (dates and decimals in ISO and plain notation), hex for binary."""
    target = arrow_type(type_name)
    if pa.types.is_null(target):
        return pa.nulls(len(values))
    if pa.types.is_binary(target):
        return pa.array([None if v is None else bytes.fromhex(v) for v in values], target)
    if pa.types.is_string(target) or pa.types.is_boolean(target) or pa.types.is_floating(target):
        return pa.array(values, target)
    text = pa.array([None if v is None else str(v) for v in values], pa.string())
    if pa.types.is_timestamp(target) and target.tz:
        return text.cast(pa.timestamp("us", "UTC")).cast(target)
    return text.cast(target)


def load_vectors(technique: str, folder: Path = VECTORS) -> list[Vector]:
    """The cases of ``tests/vectors/<technique>.yaml``. Each must name its source. Keys: see `Vector`."""
    cases = yaml.safe_load((folder / f"{technique}.yaml").read_text(encoding="utf-8"))
    vectors = []
    for case in cases:
        assert case["source"], f"{technique}: {case['name']} names no source"
        kind = case.get("type", "string")
        subject = case.get("subject")
        vectors.append(
            Vector(
                id=f"{technique}: {case['name']}",
                treatment={"technique": technique, **case.get("treatment", {})},
                values=to_arrow(case["values"], kind),
                expect=to_arrow(case["expect"], case.get("expect_type", kind)),
                key=bytes.fromhex(case["key"]) if "key" in case else None,
                subject=to_arrow(subject["values"], subject["type"]) if subject else None,
                record=case.get("record"),
            )
        )
    assert vectors, f"{technique} has no vectors"
    return vectors
