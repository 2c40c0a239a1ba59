"""Values from their canonical bytes: every type comes back, and what is no spelling of it is none."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from privacy_udfs import Key
from privacy_udfs.errors import TokenRefused, TypeRefused
from privacy_udfs.kernels.text import canonical, restored
from privacy_udfs.reversal import Reversal
from privacy_udfs.techniques.deterministic_encryption import DeterministicEncryption

DAYS = pa.array([0, -719_162, -719_528, 2_932_896, 2_932_897, 20_000_000, -800_000, None], pa.int32())
TICKS = pa.array([0, 1, 250_000, -1, 1_700_000_000_123_456, 253_402_300_800_000_000, -62_200_000_000_000_000, None])
VALUES = [
    *(pa.array([1, -7, 127, None], kind) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())),
    pa.array([Decimal("1.50"), Decimal("-100.00"), None, Decimal("0.00")], pa.decimal128(10, 2)),
    pa.array([Decimal("100"), Decimal("-3")], pa.decimal128(38, 0)),
    pa.array([Decimal("1.000000000100000000"), Decimal("0.000000000000000001")], pa.decimal128(38, 18)),
    pa.array([True, False, None]),
    DAYS.view(pa.date32()),
    TICKS.view(pa.timestamp("us")),
    TICKS.view(pa.timestamp("us", "UTC")),
    pa.array([43_200_250_000, 0, 86_399_999_000, None]).view(pa.time64("us")),
    pa.array([43_200_250_000_000, 1, None]).view(pa.time64("ns")),
    pa.array([43_200, 0], pa.int32()).view(pa.time32("s")),
    pa.array(["a", "", None, "é"]),
    pa.array([b"\xff", None, b""]),
    pa.array([None, None], pa.int64()),
]


@pytest.mark.parametrize("values", VALUES, ids=[str(values.type) for values in VALUES])
def test_every_type_comes_back(values: pa.Array) -> None:
    spelled = canonical(values)
    if values.type != pa.binary():
        spelled = spelled.cast(pa.string())
    found = restored(spelled, values.type)
    assert found is not None
    assert found.type == values.type
    assert found.equals(values)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("01", pa.int64()), ("300", pa.int8()), ("x", pa.date32()), ("1.50", pa.decimal128(10, 2)), ("TRUE", pa.bool_())],
)
def test_another_spelling_is_none(text: str, kind: pa.DataType) -> None:
    assert restored(pa.array([text]), kind) is None


def test_text_that_is_no_text_stays_as_it_was() -> None:
    """Bytes that are not UTF-8 may stand in a column of text, and are treated as they are."""
    broken = pa.array([b"\xff\xfe", b"a"]).view(pa.string())
    technique, key = DeterministicEncryption(), Key(bytes(range(64)), 7)
    tokens = technique.apply(broken, key).values
    found = Reversal(of=technique, restores=pa.string()).apply(tokens, key).values
    assert found.type == pa.string()
    assert found.view(pa.binary()).to_pylist() == [b"\xff\xfe", b"a"]


def test_the_way_back_of_repeats_and_of_tokens_that_are_none() -> None:
    technique, key = DeterministicEncryption(), Key(bytes(range(64)), 7)
    values = pa.array([*range(10), None] * 500)
    tokens = technique.apply(values, key).values
    back = Reversal(of=technique, restores=pa.int64())
    outcome = back.apply(tokens, key)
    assert outcome.values.equals(values)
    assert (outcome.treated, outcome.null, outcome.refused) == (5000, 500, 0)
    with pytest.raises(TokenRefused):
        back.apply(pa.concat_arrays([tokens, pa.array(["x"])]), key)
    with pytest.raises(TokenRefused):
        Reversal(of=technique, restores=pa.date32()).apply(tokens, key)


def test_masked_is_all_but_the_last_four() -> None:
    technique, key = DeterministicEncryption(), Key(bytes(range(64)), 7)
    tokens = technique.apply(pa.array(["4000-1234", "abcd", None]), key).values
    found = Reversal(of=technique, restores=pa.string(), masked=True).apply(tokens, key).values
    assert found.to_pylist() == ["*****1234", "****", None]
    with pytest.raises(TypeRefused, match="only text is masked"):
        Reversal(of=technique, restores=pa.int64(), masked=True).apply(tokens, key)
