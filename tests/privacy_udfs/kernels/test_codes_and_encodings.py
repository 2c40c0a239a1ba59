"""AES-CMAC and encodings of digests against the libraries that do one value at a time; and repeats found."""

from __future__ import annotations

import base64
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

from privacy_udfs.kernels.aes.cmac import aes_cmac
from privacy_udfs.kernels.arrays.ragged import ROWS, steps
from privacy_udfs.kernels.arrays.repeats import distinct_if_few
from privacy_udfs.kernels.hmac.hmac import hmac_sha256, hmac_sha512
from privacy_udfs.kernels.text import base64_native
from privacy_udfs.kernels.text.encoding import encode
from tests.helpers.messages import RANDOM, each_mix, messages_of


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


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32), st.lists(st.none() | st.binary(max_size=99)), st.integers(0, 3))
def test_aes_cmac_of_messages_with_nulls(key: bytes, messages: list[bytes | None], start: int) -> None:
    array = pa.array(messages, pa.binary()).slice(start)
    got = aes_cmac(key, array)
    assert len(got) == len(array)
    for row, message in zip(got, messages[start:], strict=True):
        assert message is None or row.tobytes() == cmac(key, message)


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


@pytest.mark.skipif(find_spec("llvmlite") is None, reason="needs the extra `fast`")
@pytest.mark.parametrize("size", range(1, 65))
def test_base64url_compiled(size: int) -> None:
    """Every length of a row, wherever the rows lie, up to the end of their buffer."""
    writer = base64_native.compiled()
    assert writer is not None
    for count in (0, 1, 2, 17, 300):
        whole = RANDOM.integers(0, 256, (count, 64)).astype(np.uint8)
        for rows in (whole[:, :size], whole[:, 64 - size :], whole[:, :size].copy(), whole[::-2, :size]):
            for prefix in (b"", b"crm:"):
                expect = [prefix + base64.urlsafe_b64encode(row.tobytes()).rstrip(b"=") for row in rows]
                assert [row.tobytes() for row in writer.write(rows, prefix)] == expect


@pytest.mark.skipif(find_spec("llvmlite") is None, reason="needs the extra `fast`")
@pytest.mark.skipif(sys.platform != "linux", reason="walls are made by Linux's mprotect")
def test_base64url_compiled_reads_nothing_past_the_rows() -> None:
    code = """
        import base64, ctypes, os
        import numpy as np
        from privacy_udfs.kernels.text.base64_native import compiled
        from tests.helpers.walls import Walled
        for size in range(1, 65):
            for stride in (size, 64):
                walled = Walled(os.urandom(40 * stride + size))
                room = np.frombuffer((ctypes.c_char * walled.size).from_address(walled.address), np.uint8)
                rows = np.ndarray((41, size), np.uint8, room, 0, (stride, 1))
                expect = [base64.urlsafe_b64encode(row.tobytes()).rstrip(b"=") for row in rows]
                assert [row.tobytes() for row in compiled().write(rows, b"")] == expect
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


@pytest.mark.skipif(find_spec("llvmlite") is None, reason="needs the extra `fast`")
def test_base64url_is_compiled_once_it_pays() -> None:
    patience = base64_native.Patience(1000)
    assert [patience.writer(count) is not None for count in (999, 0, 1, 5)] == [False, False, True, True]


def test_base64url_is_the_same_before_and_after_it_pays() -> None:
    digests = RANDOM.integers(0, 256, (base64_native.PAYS // 2, 16)).astype(np.uint8)
    like = pa.nulls(len(digests)).is_null()
    first, *others = (encode(digests, like, "base64url", "é-") for _ in range(4))
    assert all(other.equals(first) for other in others)


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
