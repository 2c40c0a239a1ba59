"""HMAC by each of its ways, those of other processors too, against the library that does one value at a time."""

from __future__ import annotations

import hmac
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_udfs.kernels.hmac.compiled import WAYS, Way, fastest, sound
from privacy_udfs.kernels.hmac.hmac import hmac_sha256, hmac_sha512
from privacy_udfs.kernels.hmac.hmac_plain import hmac_one_by_one
from privacy_udfs.kernels.native import features
from tests.helpers import vectors
from tests.helpers.messages import each_mix, messages_of

HASHES = ("sha256", "sha512")
COMPILER = find_spec("llvmlite") is not None
needs_compiler = pytest.mark.skipif(not COMPILER, reason="needs the extra `fast`")
RFC_4231 = [vector for vector in vectors.load_vectors("keyed_hash") if "RFC 4231" in vector.id]
NEEDS = [needs for needs, _ in WAYS["sha256"]]
each_way = pytest.mark.parametrize("needs", NEEDS, ids=["+".join(needs) or "any processor" for needs in NEEDS])


def way_for(name: str, needs: frozenset[str]) -> Way:
    """The way that a processor with just the features ``needs`` takes."""
    if not needs <= features():
        pytest.skip(f"the processor at hand lacks {', '.join(needs)}")
    way = fastest(name, needs)
    assert way is not None
    return way


@each_mix
@pytest.mark.parametrize("name", HASHES)
def test_hmac_one_by_one(lengths: list[int], name: str) -> None:
    messages, array = messages_of(lengths)
    got = hmac_one_by_one(b"key", array, name)
    assert [row.tobytes() for row in got] == [hmac.digest(b"key", message, name) for message in messages]


@needs_compiler
@each_mix
@each_way
@pytest.mark.parametrize("name", HASHES)
def test_hmac_compiled(lengths: list[int], needs: frozenset[str], name: str) -> None:
    messages, array = messages_of(lengths)
    got = way_for(name, needs).hmac(b"key", array)
    assert [row.tobytes() for row in got] == [hmac.digest(b"key", message, name) for message in messages]


@settings(deadline=None)
@given(
    st.binary(min_size=1, max_size=300), st.lists(st.none() | st.binary(max_size=300), max_size=30), st.integers(0, 3)
)
def test_any_key_and_messages_with_nulls(key: bytes, messages: list[bytes | None], start: int) -> None:
    array = pa.array(messages, pa.binary()).slice(start)
    for name in HASHES:
        every = {needs for needs, _ in WAYS[name] if COMPILER and needs <= features()}
        ways = [hmac_one_by_one(key, array, name), *(way_for(name, needs).hmac(key, array) for needs in every)]
        for got in ways:
            assert len(got) == len(array)
            for row, message in zip(got, messages[start:], strict=True):
                assert message is None or row.tobytes() == hmac.digest(key, message, name)


@needs_compiler
@each_way
@pytest.mark.parametrize("vector", RFC_4231, ids=lambda vector: vector.id)
def test_rfc_4231(vector: vectors.Vector, needs: frozenset[str]) -> None:
    """The vectors file goes through single values, so that no compiled way meets it there."""
    name = vector.treatment["algorithm"].replace("HMAC-SHA-", "sha")
    expect = vector.expect.to_pylist()
    size = vector.treatment.get("bits", 128) // 8
    for copies in (1, 2, 17):
        got = way_for(name, needs).hmac(vector.key or b"", pa.concat_arrays([vector.values.cast(pa.binary())] * copies))
        assert [row[:size].tobytes().hex() for row in got] == expect * copies


def test_hmac_gives_the_same_by_any_way_and_size_of_batch() -> None:
    messages, array = messages_of([10] * 5000)
    for function, name in ((hmac_sha256, "sha256"), (hmac_sha512, "sha512")):
        for size in (1, 999, 5000):
            got = function(b"k", array.slice(0, size))
            assert got[-1].tobytes() == hmac.digest(b"k", messages[size - 1], name)


@needs_compiler
def test_which_way_a_processor_takes() -> None:
    taken = {needs: type(way_for("sha256", needs)) for needs in NEEDS if needs <= features()}
    assert len(set(taken.values())) == len(taken)
    assert type(fastest("sha256")) is next(iter(taken.values()))


@needs_compiler
def test_a_way_that_cannot_be_compiled_or_differs_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    class Wrong:
        name, block = "sha256", 64

        def hmac(self, key: bytes, messages: pa.BinaryArray) -> Any:
            return hmac_one_by_one(key + b"!", messages, "sha256")

    def refused() -> Way:
        raise OSError("secret")

    assert sound(Wrong, "sha256") is None
    assert sound(refused, "sha256") is None
    assert [record.getMessage() for record in caplog.records] == [
        "sha256 is computed in a slower way: the compiled code gave wrong digests",
        "sha256 is computed in a slower way: compiling failed with OSError",
    ]


def test_without_the_extra_the_bytes_are_the_same() -> None:
    code = """
        import hmac, sys
        sys.modules["llvmlite"] = None  # importing it now fails as if it were not installed
        import pyarrow as pa
        from privacy_udfs.kernels.hmac.compiled import fastest
        from privacy_udfs.kernels.hmac.hmac import hmac_sha256
        assert fastest("sha256") is None
        messages = [str(n).encode() for n in range(3000)]
        assert [row.tobytes() for row in hmac_sha256(b"k", pa.array(messages))] == [
            hmac.digest(b"k", message, "sha256") for message in messages
        ]
    """
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True)


@needs_compiler
@pytest.mark.skipif(sys.platform != "linux", reason="walls are made by Linux's mprotect")
def test_nothing_past_the_end_of_the_messages_is_read() -> None:
    code = """
        import hmac, os
        import numpy as np, pyarrow as pa
        from privacy_udfs.kernels.hmac.compiled import fastest
        from tests.helpers.walls import Walled
        for length in range(200):
            offsets = np.arange(9, dtype=np.int32) * np.int32(length)
            walled = Walled(os.urandom(8 * length))
            buffers = [None, pa.py_buffer(offsets), pa.foreign_buffer(walled.address, walled.size)]
            messages = pa.Array.from_buffers(pa.binary(), 8, buffers)
            for having in (None, frozenset()):
                got = fastest("sha256", having).hmac(b"k", messages)
                assert [row.tobytes() for row in got] == [hmac.digest(b"k", m, "sha256") for m in messages.to_pylist()]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


@needs_compiler
@each_way
def test_offsets_that_fall_are_not_followed(needs: frozenset[str]) -> None:
    buffers = [None, pa.py_buffer(np.array([0, 1 << 30, 1, 4], np.int32)), pa.py_buffer(b"abcd")]
    messages = pa.Array.from_buffers(pa.binary(), 3, buffers)
    with pytest.raises((ValueError, IndexError)):
        way_for("sha256", needs).hmac(b"k", messages)


@needs_compiler
def test_the_constants_are_those_of_fips_180_4() -> None:
    from privacy_udfs.kernels.hmac.sha2_ir import root_fractions

    assert root_fractions(2, 3, 32) == [0x428A2F98, 0x71374491]
    assert root_fractions(64, 3, 32)[-1] == 0xC67178F2
    assert root_fractions(80, 3, 64)[-1] == 0x6C44198C4A475817
    assert root_fractions(8, 2, 32)[-1] == 0x5BE0CD19
    assert root_fractions(8, 2, 64)[-1] == 0x5BE0CD19137E2179
