"""Rows of a sealed bridge: found by hand, opened by their own pseudonym and key alone."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy_udfs import apply
from privacy_udfs.bridging import SEAL, Bridged, BridgeRows
from privacy_udfs.errors import KeyProblem, LakenymError, TokenRefused, ValueRefused
from privacy_udfs.reencryption import AFTER, BEFORE
from privacy_udfs.technique import Key, Keys
from privacy_udfs.techniques import parse

ID = "0" * 31 + "1"
OWN, OLD, NEW = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
VALUES = pa.array(["Anna ", "bo", "", "x" * 40, "ünï"])
NORMALIZE = ["nfc", "trim", "lower"]
KNOWN = ["anna", "bo", "", "x" * 40, "ünï"]
HASHES: list[dict[str, Any]] = [{"bits": 128}, {"encoding": "bigint"}, {"prefix": "p_", "algorithm": "AES-CMAC"}]


def technique(more: dict[str, Any]) -> Any:
    return parse({"technique": "keyed_hash", "normalize": NORMALIZE, **more})


def keys(**other: bytes) -> Keys:
    found = {BEFORE: OLD, AFTER: NEW, SEAL: OWN, **other}
    return Keys(by_domain={name: Key(material, 1) for name, material in found.items()})


def moved(more: dict[str, Any], pseudonyms: pa.Array, sealed: pa.Array, **other: bytes) -> pa.Array:
    bridged = Bridged(of=technique(more), bridge=ID, sealed="held")
    return bridged.apply(pseudonyms, keys(**other), pa.StructArray.from_arrays([sealed], ["held"])).values


def held(pseudonyms: pa.Array) -> pa.BinaryArray:
    rows = BridgeRows(OWN, ID)
    return rows.sealed(rows.row_keys(pseudonyms), pa.array([each.encode() for each in KNOWN]))


def expand(role: str) -> bytes:
    """RFC 5869, one block."""
    return hmac.new(OWN, f"lakenym/bridge/1/{role}/{ID}".encode() + b"\x01", hashlib.sha256).digest()


def test_a_row_by_hand() -> None:
    rows, pseudonyms = BridgeRows(OWN, ID), pa.array(["abc"])
    row_key = hmac.new(expand("row"), b"abc", hashlib.sha256).digest()[:16]
    assert rows.row_keys(pseudonyms).to_pylist() == [row_key]
    sealed = rows.sealed(rows.row_keys(pseudonyms), pa.array([b"anna"])).to_pylist()[0]
    plain = AESGCM(expand("value")).decrypt(sealed[:12], sealed[12:], b"")
    assert plain == row_key + b"anna\x80" + bytes(27)
    assert rows.row_keys(pa.array([-7])).to_pylist() == rows.row_keys(pa.array(["-7"])).to_pylist()


@pytest.mark.parametrize("more", HASHES)
def test_pseudonyms_are_those_of_the_values_under_the_other_key(more: dict[str, Any]) -> None:
    old, new = (apply(technique(more), VALUES, key) for key in (OLD, NEW))
    assert moved(more, old, held(old)).equals(new)
    with_null = pa.concat_arrays([old, pa.nulls(1, old.type)])
    sealed = pa.concat_arrays([held(old), pa.nulls(1, pa.binary())])
    assert moved(more, with_null, sealed).equals(pa.concat_arrays([new, pa.nulls(1, new.type)]))
    assert moved(more, pa.nulls(2, old.type), pa.nulls(2, pa.binary())).null_count == 2
    lengths = {len(each) for each in held(old).to_pylist()}
    assert lengths == {12 + 16 + 32 + 16, 12 + 16 + 64 + 16}, "of lengths no more shows than blocks of 32"


def test_what_is_none_of_the_bridge_is_refused() -> None:
    more = HASHES[0]
    old = apply(technique(more), VALUES, OLD)
    sealed = held(old)
    swapped = pa.concat_arrays([sealed.slice(1, 1), sealed.slice(0, 1), sealed.slice(2)])
    changed = pa.array([each[:-1] + bytes([each[-1] ^ 1]) for each in sealed.to_pylist()])
    others = pa.array([f"{each[:-1]}-" for each in old.to_pylist()])
    cases: list[tuple[pa.Array, pa.Array, dict[str, bytes], type[LakenymError]]] = [
        (old, swapped, {}, TokenRefused),
        (old, changed, {}, TokenRefused),
        (old, sealed, {SEAL: NEW}, TokenRefused),
        (old, sealed, {BEFORE: NEW}, TokenRefused),
        (others, held(others), {}, TokenRefused),
        (old, pa.nulls(5, pa.binary()), {}, ValueRefused),
    ]
    for pseudonyms, rows, other, error in cases:
        with pytest.raises(error) as told:
            moved(more, pseudonyms, rows, **other)
        assert "anna" not in str(told.value)
    with pytest.raises(KeyProblem):
        Bridged(of=technique(more), bridge=ID, sealed="held").apply(old, Key(OWN, 1), None)
