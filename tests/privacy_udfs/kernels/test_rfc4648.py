"""Base64 and hex of whole arrays against the standard library, and what is not decoded."""

from __future__ import annotations

import base64

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_udfs.kernels.text import rfc4648

CODERS = {
    "base64": (rfc4648.encode_base64, rfc4648.decode_base64, base64.b64encode),
    "base64url": (
        rfc4648.encode_base64url,
        rfc4648.decode_base64url,
        lambda b: base64.urlsafe_b64encode(b).rstrip(b"="),
    ),
    "hex": (rfc4648.encode_hex, rfc4648.decode_hex, lambda b: b.hex().encode()),
}
each_coder = pytest.mark.parametrize("name", CODERS)


@each_coder
@settings(deadline=None)
@given(values=st.lists(st.binary(max_size=20)))
def test_encodings_are_the_standard_librarys(name: str, values: list[bytes]) -> None:
    encode, decode, standard = CODERS[name]
    written = encode(pa.array(values, pa.binary()))
    assert written.to_pylist() == [standard(value).decode() for value in values]
    assert decode(written).to_pylist() == values


@each_coder
@settings(deadline=None)
@given(text=st.text("AQZaz019+/-_=fF \n", max_size=9))
def test_only_what_encoding_gives_is_decoded(name: str, text: str) -> None:
    encode, decode, _ = CODERS[name]
    whole = pa.array(["", text])
    decoded = decode(whole)
    assert decoded is None or encode(decoded).equals(whole)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("base64", "QQ"), ("base64", "QQ="), ("base64", "QR=="), ("base64", "QUJ="), ("base64", "===="),
        ("base64", "A==="), ("base64", "QQ==QQ=="), ("base64", "Q-=="), ("base64", "QQ=A"), ("base64", " QQ="),
        ("base64", "="), ("base64", "Q"),
        ("base64url", "Q"), ("base64url", "QQ=="), ("base64url", "QR"), ("base64url", "QUJ"), ("base64url", "Q+"),
        ("hex", "a"), ("hex", "AB"), ("hex", "0x"), ("hex", " a"), ("hex", "é"),
    ],
)  # fmt: skip
def test_misspelt_encodings(name: str, text: str) -> None:
    assert CODERS[name][1](pa.array(["", text])) is None


ROWS = {
    "base64": (rfc4648.rows_from_base64, rfc4648.decode_base64),
    "base64url": (rfc4648.rows_from_base64url, rfc4648.decode_base64url),
    "hex": (rfc4648.rows_from_hex, rfc4648.decode_hex),
}


@each_coder
@settings(deadline=None)
@given(size=st.integers(0, 9), data=st.data())
def test_rows_of_one_length_are_decoded_alike(name: str, size: int, data: st.DataObject) -> None:
    """What is no encoding too, in any row."""
    letters = st.text("AQZaz019+/-_=fF \n", min_size=size, max_size=size)
    coded = st.binary(min_size=size, max_size=size).map(lambda value: CODERS[name][2](value).decode())
    texts = data.draw(st.lists(st.one_of(letters, coded.filter(lambda text: len(text) == size)), min_size=1))
    rows, whole = ROWS[name]
    found = rows(np.frombuffer("".join(texts).encode(), np.uint8).reshape(len(texts), size))
    wanted = whole(pa.array(texts))
    assert (found is None) == (wanted is None)
    if found is not None:
        matrix, spare = found
        ends = [matrix.shape[1] - int(filling) for filling in spare]
        assert [bytes(row[:end]) for row, end in zip(matrix, ends, strict=True)] == wanted.to_pylist()
