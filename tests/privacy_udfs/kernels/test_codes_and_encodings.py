"""HMAC, AES-CMAC and encodings of digests against the libraries that do one value at a time; and repeats found."""

from __future__ import annotations

import base64
import hmac
import subprocess
import sys
import textwrap
import tracemalloc
import uuid
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_udfs.kernels.aes.cmac import LIMIT, aes_cmac
from privacy_udfs.kernels.arrays.ragged import ROWS, steps
from privacy_udfs.kernels.arrays.repeats import distinct_if_few
from privacy_udfs.kernels.hmac.hmac import hmac_sha256, hmac_sha512
from privacy_udfs.kernels.hmac.hmac_plain import hmac_one_by_one
from privacy_udfs.kernels.hmac.sha2_lanes import lanes
from privacy_udfs.kernels.text.encoding import encode

COMPILER = find_spec("llvmlite") is not None
needs_compiler = pytest.mark.skipif(not COMPILER, reason="needs the extra `fast`")
HASHES = ("sha256", "sha512")
RANDOM = np.random.default_rng(4)
MIXES = {
    "none": [],
    "one, empty": [0],
    "around the ends of blocks": list(range(300)),
    "equal": [5] * 1000,
    "full blocks": [16, 32, 64, 128] * 300,
    "short": RANDOM.integers(0, 70, 2 * ROWS + 3).tolist(),
    "texts": RANDOM.integers(0, 3000, 300).tolist(),
    "a few long among many": [*RANDOM.integers(0, 50, ROWS).tolist(), *[5000] * 40, LIMIT * 16, LIMIT * 16 + 1],
    "a giant": [3, 10_000_000, *[5] * 2000],
}
each_mix = pytest.mark.parametrize("lengths", MIXES.values(), ids=MIXES)


def messages_of(lengths: list[int]) -> tuple[list[bytes], pa.Array]:
    """Random messages, and a slice of an array that holds them behind another value."""
    messages = [RANDOM.bytes(length) for length in lengths]
    return messages, pa.array([b"before", *messages], pa.binary()).slice(1)


def cmac(key: bytes, message: bytes) -> bytes:
    code = CMAC(AES(key))
    code.update(message)
    return code.finalize()


@each_mix
@pytest.mark.parametrize("size", [16, 24, 32])
def test_aes_cmac(lengths: list[int], size: int) -> None:
    messages, array = messages_of(lengths)
    key = RANDOM.bytes(size)
    assert [row.tobytes() for row in aes_cmac(key, array)] == [cmac(key, message) for message in messages]


@each_mix
@pytest.mark.parametrize("name", HASHES)
def test_hmac_one_by_one(lengths: list[int], name: str) -> None:
    messages, array = messages_of(lengths)
    got = hmac_one_by_one(b"key", array, name)
    assert [row.tobytes() for row in got] == [hmac.digest(b"key", message, name) for message in messages]


@needs_compiler
@each_mix
@pytest.mark.parametrize("name", HASHES)
def test_hmac_in_lanes(lengths: list[int], name: str) -> None:
    messages, array = messages_of(lengths)
    compiled = lanes(name)
    assert compiled is not None
    got = compiled.hmac(b"key", array)
    assert [row.tobytes() for row in got] == [hmac.digest(b"key", message, name) for message in messages]


@settings(deadline=None)
@given(
    st.binary(min_size=1, max_size=300), st.lists(st.none() | st.binary(max_size=300), max_size=30), st.integers(0, 3)
)
def test_any_key_and_messages_with_nulls(key: bytes, messages: list[bytes | None], start: int) -> None:
    array = pa.array(messages, pa.binary()).slice(start)
    aes_key = hmac.digest(b"", key, "sha256")
    ways = [(aes_cmac(aes_key, array), lambda message: cmac(aes_key, message))]
    for name in HASHES:
        rows = [hmac_one_by_one(key, array, name)]
        if COMPILER:
            rows.append(lanes(name).hmac(key, array))
        ways += [(got, lambda message, name=name: hmac.digest(key, message, name)) for got in rows]
    for got, oracle in ways:
        assert len(got) == len(array)
        for row, message in zip(got, messages[start:], strict=True):
            assert message is None or row.tobytes() == oracle(message)


def test_hmac_gives_the_same_by_any_way_and_size_of_batch() -> None:
    messages, array = messages_of([10] * 5000)
    for function, name in ((hmac_sha256, "sha256"), (hmac_sha512, "sha512")):
        for size in (1, 999, 5000):
            got = function(b"k", array.slice(0, size))
            assert got[-1].tobytes() == hmac.digest(b"k", messages[size - 1], name)


def test_without_the_extra_the_bytes_are_the_same() -> None:
    code = """
        import hmac, sys
        sys.modules["llvmlite"] = None  # importing it now fails as if it were not installed
        import pyarrow as pa
        from privacy_udfs.kernels.hmac.hmac import hmac_sha256
        from privacy_udfs.kernels.hmac.sha2_lanes import lanes
        assert lanes("sha256") is None
        messages = [str(n).encode() for n in range(3000)]
        assert [row.tobytes() for row in hmac_sha256(b"k", pa.array(messages))] == [
            hmac.digest(b"k", message, "sha256") for message in messages
        ]
    """
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True)


@needs_compiler
def test_the_constants_are_those_of_fips_180_4() -> None:
    from privacy_udfs.kernels.hmac.sha2_ir import root_fractions

    assert root_fractions(2, 3, 32) == [0x428A2F98, 0x71374491]
    assert root_fractions(64, 3, 32)[-1] == 0xC67178F2
    assert root_fractions(80, 3, 64)[-1] == 0x6C44198C4A475817
    assert root_fractions(8, 2, 32)[-1] == 0x5BE0CD19
    assert root_fractions(8, 2, 64)[-1] == 0x5BE0CD19137E2179


@given(st.lists(st.integers(1, 400), min_size=1, max_size=200), st.integers(1, 300))
def test_steps_treat_every_message_once(counts: list[int], limit: int) -> None:
    order, active, alone = steps(np.array(counts), limit)
    rows = np.arange(len(counts))[order].tolist()
    assert sorted([*rows, *alone.tolist()]) == list(range(len(counts)))
    assert active[-2:] == [0, 0]
    for step, number in enumerate(active):
        assert {row for row in rows if counts[row] > step} == set(rows[:number])
    assert all(counts[row] <= limit for row in rows)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(8, 64), st.sampled_from(["", "é-", "crm:"]), st.integers(0, 3))
def test_encodings(length: int, size: int, prefix: str, start: int) -> None:
    digests = RANDOM.integers(0, 256, (length + start, 64)).astype(np.uint8)[start:, :size]
    like = pa.array([n % 3 or None for n in range(length + start)], pa.int64()).slice(start)
    oracles = {
        "hex": lambda digest: prefix + digest.hex(),
        "base64url": lambda digest: prefix + base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "bigint": lambda digest: int.from_bytes(digest[:8], "big", signed=True),
    }
    if size >= 16:
        oracles["uuid"] = lambda digest: prefix + str(uuid.UUID(bytes=digest[:16]))
    for encoding, oracle in oracles.items():
        got = encode(digests, like, encoding, prefix)
        got.validate(full=True)
        expect = [oracle(row.tobytes()) if n else None for row, n in zip(digests, like.to_pylist(), strict=True)]
        assert got.to_pylist() == expect


def test_encodings_of_several_chunks() -> None:
    digests = RANDOM.integers(0, 256, (2 * ROWS + 5, 16)).astype(np.uint8)
    got = encode(digests, pa.array(range(len(digests))), "hex")
    assert "".join(got.to_pylist()) == digests.tobytes().hex()


def test_repeats_are_found_wherever_they_are() -> None:
    numbers = np.arange(20_000)
    for few in (numbers % 500, np.sort(numbers % 500), numbers // 16, np.where(numbers % 10, 0, numbers)):
        values = pa.array(few, mask=numbers % 7 == 0).cast(pa.string())
        encoded = distinct_if_few(values)
        assert encoded is not None
        assert encoded.dictionary_decode().equals(values)


@pytest.mark.parametrize("length", [1, 999, 1000, 2048, 10_000, 65_536, 200_000])
def test_distinct_values_are_left_alone(length: int) -> None:
    numbers = np.random.default_rng(length).permutation(length)
    assert distinct_if_few(pa.array(numbers)) is None
    assert distinct_if_few(pa.array(numbers).cast(pa.string())) is None
    headed = np.where(np.arange(length) < length // 10, 0, numbers)  # repeats at the head only
    assert distinct_if_few(pa.array(headed)) is None


@pytest.mark.parametrize("function", [aes_cmac, hmac_sha256, hmac_sha512])
@pytest.mark.parametrize("lengths", [[10] * 100_000, [10_000_000]], ids=["many", "a giant"])
def test_memory_stays_under_twenty_times_the_batch(function: object, lengths: list[int]) -> None:
    array = pa.array([b"x" * length for length in lengths])
    function(b"k" * 32, array.slice(0, 2000))  # type: ignore[operator]
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    digests = function(b"k" * 32, array)  # type: ignore[operator]
    encode(digests[:, :16], array, "hex")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak + pa.total_allocated_bytes() - before < 20 * array.nbytes
