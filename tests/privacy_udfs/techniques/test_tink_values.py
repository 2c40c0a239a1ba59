"""Values under keys that are used as they are: with every output prefix Tink opens ours, and we open Tink's."""

from __future__ import annotations

import dataclasses
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tink import aead, daead, json_proto_keyset_format, secret_key_access

from privacy_udfs.errors import TokenRefused
from privacy_udfs.keys import Keyset, KeysetEntry
from privacy_udfs.technique import Technique
from privacy_udfs.techniques.deterministic_encryption import DeterministicEncryption
from privacy_udfs.techniques.randomized_encryption import RandomizedEncryption

for primitive in (daead, aead):
    primitive.register()

PREFIXES = ("TINK", "LEGACY", "RAW", "CRUNCHY")
TYPES: dict[str, type[DeterministicEncryption] | type[RandomizedEncryption]] = {
    "AesSivKey": DeterministicEncryption,
    "AesGcmKey": RandomizedEncryption,
}

key_ids = st.integers(1, (1 << 32) - 1)
texts = st.lists(st.text(max_size=40), min_size=1, max_size=5)


def keyset_of(type_name: str, prefix: str, key_id: int) -> Keyset:
    entry = dataclasses.replace(KeysetEntry.generate(type_name, key_id), output_prefix=prefix)  # type: ignore[arg-type]
    return Keyset(key_id, (entry,))


def technique_for(type_name: str, prefix: str) -> Technique:
    return TYPES[type_name](encoding="binary", output_prefix="raw" if prefix == "RAW" else "tink")


def tinks(keyset: Keyset) -> tuple[Any, Any]:
    """Tink's way to encrypt, and to decrypt, with the keyset."""
    handle = json_proto_keyset_format.parse(keyset.to_json(), secret_key_access.TOKEN)
    if keyset.primary.type == "AesGcmKey":
        cipher = handle.primitive(aead.Aead)
        return cipher.encrypt, cipher.decrypt
    siv = handle.primitive(daead.DeterministicAead)
    return siv.encrypt_deterministically, siv.decrypt_deterministically


@pytest.mark.parametrize("type_name", TYPES)
@pytest.mark.parametrize("prefix", PREFIXES)
@given(key_id=key_ids, values=texts)
def test_both_ways(type_name: str, prefix: str, key_id: int, values: list[str]) -> None:
    keyset, technique = keyset_of(type_name, prefix, key_id), technique_for(type_name, prefix)
    key, (encrypt, decrypt) = keyset.subkey(technique, "any"), tinks(keyset)
    ours = technique.apply(pa.array(values), key).values
    theirs = pa.array([encrypt(value.encode(), b"") for value in values], pa.binary())
    assert [decrypt(token, b"").decode() for token in ours.to_pylist()] == values
    assert technique.revert(theirs, key).to_pylist() == values
    if technique.deterministic:
        assert ours == theirs


@pytest.mark.parametrize("type_name", TYPES)
@given(pair=st.permutations(["TINK", "CRUNCHY", "RAW"]), key_id=key_ids)
def test_one_prefix_is_not_taken_for_another(type_name: str, pair: list[str], key_id: int) -> None:
    """The same key bytes and id, another prefix: nothing opens, as in Tink."""
    keyset = keyset_of(type_name, pair[0], key_id)
    entry = dataclasses.replace(keyset.primary, output_prefix=pair[1])  # type: ignore[arg-type]
    other = Keyset(key_id, (entry,))
    ours, theirs = technique_for(type_name, pair[0]), technique_for(type_name, pair[1])
    tokens = ours.apply(pa.array(["x"]), keyset.subkey(ours, "any")).values
    with pytest.raises(TokenRefused):
        theirs.revert(tokens, other.subkey(theirs, "any"))


@pytest.mark.parametrize("prefix", ["TINK", "CRUNCHY", "LEGACY"])
@given(key_id=key_ids, other_id=key_ids)
def test_another_id_is_refused(prefix: str, key_id: int, other_id: int) -> None:
    keyset, technique = keyset_of("AesSivKey", prefix, key_id), technique_for("AesSivKey", prefix)
    other = Keyset(other_id, (dataclasses.replace(keyset.primary, id=other_id),))
    tokens = technique.apply(pa.array(["x"]), keyset.subkey(technique, "any")).values
    reverted = other.subkey(technique, "any")
    if other_id == key_id:
        assert technique.revert(tokens, reverted).to_pylist() == ["x"]
    else:
        with pytest.raises(TokenRefused):
            technique.revert(tokens, reverted)
