"""Results of one key made those of another: what treating the values anew would give, or an error."""

from __future__ import annotations

import pyarrow as pa
import pytest

from privacy_udfs.errors import KeyProblem, TokenRefused
from privacy_udfs.reencryption import AFTER, BEFORE, Reencryption
from privacy_udfs.technique import Key, Keys, Technique
from privacy_udfs.techniques import parse

SIV = {"technique": "deterministic_encryption"}
LOWER = {**SIV, "normalize": ["nfc", "trim", "lower"]}
GCM = {"technique": "randomized_encryption"}
FPE = {"technique": "format_preserving_encryption", "preserve": "-"}
TEXTS = pa.array([" Ann@Example.org", None, "", "İ", " Ann@Example.org"])
DIGITS = pa.array(["4000-1234", None, "000001"])


def keys_of(technique: Technique) -> Keys:
    size = technique.key_size() or 0
    one, two = (Key(bytes([number]) * (size // 2) + bytes([number + 2]) * (size // 2), number) for number in (1, 2))
    return Keys(by_domain={BEFORE: one, AFTER: two})


@pytest.mark.parametrize(
    ("stated", "values"),
    [
        (SIV, TEXTS),
        (LOWER, TEXTS),
        (LOWER, pa.array([b"Ann ", b"\xff\x00", None], pa.binary())),  # bytes are spelt no other way
        ({**SIV, "encoding": "hex", "output_prefix": "raw"}, pa.array([1, None, -7], pa.int64())),
        ({**SIV, "encoding": "binary", "associated_data": "x"}, TEXTS),
        (FPE, DIGITS),
        (SIV, pa.array([f"v{number % 7}" for number in range(2000)])),
        (SIV, pa.array([None, None], pa.string())),
        (SIV, pa.array([], pa.string())),
    ],
)
def test_it_is_what_treating_anew_gives(stated: dict[str, object], values: pa.Array) -> None:
    technique = parse(stated)
    keys = keys_of(technique)
    before, after = (technique.apply(values, keys.by_domain[name]).values for name in (BEFORE, AFTER))
    made = Reencryption(of=technique).apply(before, keys)
    assert made.values.equals(after)
    assert (made.treated, made.null, made.refused) == (len(values) - values.null_count, values.null_count, 0)


def test_what_differs_each_time_comes_back_the_same() -> None:
    technique = parse(GCM)
    keys = keys_of(technique)
    sealed = technique.apply(TEXTS, keys.by_domain[BEFORE]).values
    made = Reencryption(of=technique).apply(sealed, keys).values
    assert technique.revert(made, keys.by_domain[AFTER]).to_pylist() == TEXTS.to_pylist()
    with pytest.raises(TokenRefused):
        technique.revert(made, keys.by_domain[BEFORE])


@pytest.mark.parametrize("stated", [SIV, GCM, FPE])
def test_of_a_value_that_is_none_of_the_keys_nothing_comes(stated: dict[str, object]) -> None:
    technique = parse(stated)
    with pytest.raises(TokenRefused):
        Reencryption(of=technique).apply(pa.array(["canary, no token"]), keys_of(technique))


def test_it_needs_both_keys() -> None:
    technique = parse(SIV)
    one = keys_of(technique).by_domain[BEFORE]
    for key in (one, None, Keys(by_domain={BEFORE: one})):
        with pytest.raises(KeyProblem, match="two keys"):
            Reencryption(of=technique).apply(TEXTS, key)
