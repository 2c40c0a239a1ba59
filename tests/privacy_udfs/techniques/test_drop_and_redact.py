"""Laws of `drop` and `redact`."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from privacy_udfs.errors import TypeRefused
from privacy_udfs.techniques.drop import Drop
from privacy_udfs.techniques.redact import Redact
from tests.helpers.technique_laws import CANARY


@pytest.mark.parametrize("kind", [pa.string(), pa.int64(), pa.list_(pa.string()), pa.struct([("a", pa.date32())])])
def test_drop_gives_no_column_and_redact_the_same_type(kind: pa.DataType) -> None:
    values = pa.nulls(3, kind)
    assert Drop().output_type(kind) == Drop().apply(values).values.type == pa.null()
    assert Redact().output_type(kind) == Redact().apply(values).values.type == kind


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (CANARY, pa.int64()),
        (CANARY, pa.date32()),
        (CANARY, pa.binary()),
        (CANARY, pa.timestamp("us", "UTC")),
        ("1970-01-01T00:00:00", pa.timestamp("us", "UTC")),
        ("true", pa.bool_()),
        (True, pa.int64()),
        (True, pa.string()),
        (1, pa.bool_()),
        (1, pa.string()),
        (128, pa.int8()),
        (-1, pa.uint8()),
        (2**64, pa.int64()),
        (1.5, pa.int64()),
        (0.001, pa.decimal128(9, 2)),
        (1000, pa.decimal128(4, 2)),
        ("x", pa.list_(pa.string())),
    ],
)
def test_a_constant_that_does_not_fit_its_column_is_refused(value: Any, kind: pa.DataType) -> None:
    with pytest.raises(TypeRefused, match="fits") as caught:
        Redact(value=value).output_type(kind)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
