"""What `keyed_hash` promises beyond its vectors: one pseudonym for one value, however stored, laid out or batched."""

from __future__ import annotations

import hmac
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_udfs.errors import KeyProblem, ParameterError, TypeRefused, ValueRefused
from privacy_udfs.technique import Outcome
from privacy_udfs.techniques import parse

KEY = bytes(range(32))
ALGORITHMS = ("HMAC-SHA-256", "HMAC-SHA-512", "AES-CMAC")
each_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


def treat(values: pa.Array | pa.ChunkedArray, key: bytes = KEY, **parameters: Any) -> Outcome:
    return parse({"technique": "keyed_hash", **parameters}).apply(values, key)


@each_algorithm
def test_a_number_has_one_pseudonym_in_every_type(algorithm: str) -> None:
    numbers = pa.array([0, 11, None, 12345, 2_000_000_000], pa.int64())
    expect = treat(numbers, algorithm=algorithm).values
    kinds = [
        pa.int32(),
        pa.uint32(),
        pa.uint64(),
        pa.decimal128(20, 0),
        pa.decimal128(30, 4),
        pa.string(),
        pa.large_string(),
    ]
    for kind in kinds:
        assert treat(numbers.cast(kind), algorithm=algorithm).values.equals(expect)
    beyond_floats = pa.array([2**53 + 1, -(2**63)], pa.int64())
    assert treat(beyond_floats).values.equals(treat(beyond_floats.cast(pa.string())).values)


@each_algorithm
def test_layout_and_batching_do_not_matter(algorithm: str) -> None:
    texts = [None if n % 11 == 3 else f"customer-{n}" * (1 + n % 5) for n in range(3000)]
    values = pa.array(texts)
    expect = treat(values, algorithm=algorithm).values
    layouts = [
        values.cast(pa.large_string()),
        values.cast(pa.string_view()),
        values.dictionary_encode(),
        pa.chunked_array([values.slice(0, 7), values.slice(7, 0), values.slice(7)]),
        pa.concat_arrays([pa.array(["before"]), values]).slice(1),
    ]
    for layout in layouts:
        assert treat(layout, algorithm=algorithm).values.equals(expect)
    for size in (1, 7, 1000, 2999):
        at = 1500 - size // 2
        assert treat(values.slice(at, size), algorithm=algorithm).values.equals(expect.slice(at, size))


@each_algorithm
def test_a_million_values_at_once_give_what_small_batches_give(algorithm: str) -> None:
    values = pa.array(np.arange(1_000_000) % 300_000)
    expect = treat(values, algorithm=algorithm, encoding="bigint").values
    for at in (0, 10_239, 299_999, 999_000):
        part = values.slice(at, 1000)
        assert treat(part, algorithm=algorithm, encoding="bigint").values.equals(expect.slice(at, len(part)))


@each_algorithm
def test_a_value_of_ten_megabytes(algorithm: str) -> None:
    giant = "x" * 10_000_000
    among = pa.array(["a", giant, None, *map(str, range(2000))])
    got = treat(among, algorithm=algorithm).values
    assert got.slice(1, 1).equals(treat(pa.array([giant]), algorithm=algorithm).values)
    assert got.slice(0, 1).equals(treat(pa.array(["a"]), algorithm=algorithm).values)


@each_algorithm
def test_repeats_give_what_single_values_give(algorithm: str) -> None:
    values = pa.array([None if n % 13 == 0 else str(n % 40) for n in range(5000)])
    got = treat(values, algorithm=algorithm)
    assert (got.treated, got.null, got.refused) == (5000 - values.null_count, values.null_count, 0)
    assert got.values.slice(0, 40).equals(treat(values.slice(0, 40), algorithm=algorithm).values)
    assert got.values.slice(4000, 99).equals(treat(values.slice(4000, 99), algorithm=algorithm).values)


@settings(deadline=None)
@given(st.sampled_from(ALGORITHMS), st.integers(8, 16), st.text())
def test_truncation_keeps_the_leftmost_bits(algorithm: str, size: int, text: str) -> None:
    value = pa.array([text])
    full = treat(value, algorithm=algorithm, bits=128, encoding="hex").values[0].as_py()
    assert treat(value, algorithm=algorithm, bits=8 * size, encoding="hex").values[0].as_py() == full[: 2 * size]
    number = treat(value, algorithm=algorithm, encoding="bigint").values[0].as_py()
    assert number.to_bytes(8, "big", signed=True).hex() == full[:16]


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=150), st.lists(st.none() | st.text(), max_size=20), st.integers(0, 2))
def test_agrees_with_the_standard_library(key: bytes, texts: list[str | None], start: int) -> None:
    got = treat(pa.array(texts, pa.string()).slice(start), key, bits=256, encoding="hex").values
    expect = [None if text is None else hmac.new(key, text.encode(), "sha256").hexdigest() for text in texts[start:]]
    assert got.to_pylist() == expect


@pytest.mark.parametrize(("size", "algorithm"), [(32, "HMAC-SHA-256"), (64, "HMAC-SHA-512"), (32, "AES-CMAC")])
def test_the_size_of_a_derived_key(size: int, algorithm: str) -> None:
    assert parse({"technique": "keyed_hash", "algorithm": algorithm}).key_size() == size


def test_keys_that_do_not_fit() -> None:
    for algorithm, key in (("AES-CMAC", b"k" * 20), ("AES-CMAC", b""), ("HMAC-SHA-256", b"")):
        with pytest.raises(KeyProblem):
            treat(pa.array(["a"]), key, algorithm=algorithm)


def test_different_keys_and_algorithms_give_unlinked_pseudonyms() -> None:
    results = [
        treat(pa.array(["a"]), key, algorithm=a).values[0].as_py() for a in ALGORITHMS for key in (KEY, b"k" * 32)
    ]
    assert len(set(results)) == len(results)


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ({"algorithm": "AES-CMAC", "bits": 256}, "bits: AES-CMAC gives 128"),
        ({"bits": 264}, "bits: HMAC-SHA-256 gives 256"),
        ({"encoding": "uuid", "bits": 96}, "bits: a uuid takes 128"),
        ({"encoding": "bigint", "prefix": "c"}, "prefix: a number has none"),
        ({"bits": 56}, "bits"),
        ({"bits": 100}, "bits"),
        ({"bits": "128"}, "bits"),
        ({"encoding": "base64"}, "encoding"),
        ({"normalize": ["upper"]}, "normalize"),
        ({"algorithm": "SHA-256"}, "algorithm"),
    ],
    ids=str,
)
def test_parameters_that_cannot_be(parameters: dict[str, Any], fault: str) -> None:
    with pytest.raises(ParameterError, match=fault):
        parse({"technique": "keyed_hash", **parameters})


def test_malformed_text_is_refused_and_not_shown() -> None:
    values = pa.array([b"fine", b"secret\xff", None], pa.binary()).view(pa.string())
    with pytest.raises(ValueRefused, match="1 of 3") as caught:
        treat(values)
    assert "secret" not in str(caught.value)
    got = treat(values, on_refused="null", normalize=["lower"])
    assert (got.treated, got.null, got.refused) == (1, 1, 1)
    assert got.values.to_pylist()[1:] == [None, None]


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.list_(pa.string()), pa.duration("us")], ids=str)
def test_types_without_one_spelling_are_refused(kind: pa.DataType) -> None:
    with pytest.raises(TypeRefused, match="keyed_hash does not take"):
        treat(pa.nulls(1, kind))


@pytest.mark.parametrize(
    ("parameters", "bits"),
    [({}, 128), ({"bits": 64, "encoding": "hex"}, 64), ({"bits": 256, "encoding": "bigint"}, 64)],
)
def test_it_says_how_many_bits_its_results_hold(parameters: dict[str, Any], bits: int) -> None:
    technique = parse({"technique": "keyed_hash", **parameters})
    assert technique.hash_bits() == bits
    (result,) = technique.apply(pa.array(["x"]), KEY).values.to_pylist()
    if parameters.get("encoding") == "hex":
        assert len(result) * 4 == bits
