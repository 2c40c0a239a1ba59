"""Which texts are well-formed UTF-8, told of whole arrays as Python tells it of one text."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_udfs.kernels.arrays import utf8

ASCII = st.binary().map(lambda text: bytes(byte & 0x7F for byte in text))
TEXTS = st.one_of(ASCII, st.text().map(str.encode), st.binary())


def decodes(text: bytes | None) -> bool:
    try:
        (text or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


@settings(deadline=None)
@given(st.lists(st.none() | TEXTS, max_size=20) | st.lists(st.none() | ASCII, max_size=20), st.integers(0, 3))
def test_malformed_text_is_what_python_does_not_decode(texts: list[bytes | None], start: int) -> None:
    values = pa.array(texts, pa.binary()).view(pa.string()).slice(start)
    got, malformed = utf8.well_formed(values)
    assert got.view(pa.binary()).to_pylist() == [text if decodes(text) else None for text in texts[start:]]
    assert (malformed is not None) == (not all(map(decodes, texts[start:])))


def test_bytes_around_a_slice_and_below_nulls_are_no_text() -> None:
    whole = pa.array([b"\xff", b"one", b"\xc3\xa9", b"", b"\xff"], pa.binary()).view(pa.string())
    assert utf8.well_formed(whole.slice(1, 3)) == (whole.slice(1, 3), None)
    buffers = [pa.py_buffer(bytes([0b101])), pa.py_buffer(np.array([0, 1, 2, 3], np.int32)), pa.py_buffer(b"a\xffc")]
    with_null = pa.Array.from_buffers(pa.string(), 3, buffers)
    values, malformed = utf8.well_formed(with_null)
    assert values.to_pylist() == ["a", None, "c"]
    assert malformed is None


def test_offsets_that_fall_are_not_taken_for_ascii() -> None:
    """Compiled code would follow them; Arrow's own check refuses them."""
    for offsets in ([0, 3, 1, 4], [0, 9, 2, 4], [0, -1, 2, 4]):
        buffers = [None, pa.py_buffer(np.array(offsets, np.int32)), pa.py_buffer(b"abcd")]
        assert not utf8._is_ascii(pa.Array.from_buffers(pa.string(), 3, buffers))
