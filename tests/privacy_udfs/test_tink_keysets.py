"""Keysets against Google's own library: what it writes we read, what we write it reads, byte for byte."""

from __future__ import annotations

import itertools
import json
import random
from typing import Literal

import pytest
import tink
from tink import aead, daead, json_proto_keyset_format, mac, prf, secret_key_access, signature
from tink.proto import hkdf_prf_pb2, tink_pb2

from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Keyset
from privacy_udfs.keysets import encrypted_keysets, key_derivation, keyset_versions
from privacy_udfs.keysets.key_types import HASHES, KEY_TYPES, URL, Secret, public_of
from privacy_udfs.keysets.keyset_aead import KeysetAead
from privacy_udfs.keysets.tink_proto import encode
from privacy_udfs.technique import Technique

for primitive in (prf, daead, aead, mac, signature):
    primitive.register()

TOKEN = secret_key_access.TOKEN
PREFIXES = ("TINK", "LEGACY", "RAW", "CRUNCHY")
CASES = 12  # of each type and prefix: 336 in all
SIGNING = "Ed25519PrivateKey"

each_type = pytest.mark.parametrize("type_name", KEY_TYPES)
each_prefix = pytest.mark.parametrize("prefix", PREFIXES)


def random_key(chance: random.Random, type_name: str, key_id: int, status: str, prefix: str) -> tink_pb2.Keyset.Key:
    """A key of Tink's own protobuf class, of any size and hash function that its type allows."""
    kind = KEY_TYPES[type_name]
    size = chance.choice(kind.sizes[:64])
    params = None
    if kind.hashes:
        chosen = chance.choice([number for number, name in HASHES.items() if name in kind.hashes])
        params = {"hash": chosen, "salt": chance.randbytes(chance.randrange(20)), "tag_size": chance.randrange(10, 20)}
    seed = chance.randbytes(size)
    public = {"version": 0, "key_value": public_of(seed)} if type_name == SIGNING else None
    value = encode(kind.schema, {"key_value": seed, "params": params, "public_key": public})
    key = tink_pb2.Keyset.Key(key_id=key_id, status=status, output_prefix_type=prefix)
    if status != "DESTROYED":
        key.key_data.type_url = URL + type_name
        key.key_data.value = value
        key.key_data.key_material_type = tink_pb2.KeyData.KeyMaterialType.Value(kind.material)
    return key


def random_keyset(chance: random.Random, type_name: str, prefix: str) -> tink_pb2.Keyset:
    ids = chance.sample([1, 127, 128, 2**31, 2**32 - 1, *chance.sample(range(1, 2**32), 20)], chance.randrange(1, 6))
    statuses = ["ENABLED", *chance.choices(["ENABLED", "DISABLED", "DESTROYED"], k=len(ids) - 1)]
    keys = [random_key(chance, type_name, i, status, prefix) for i, status in zip(ids, statuses, strict=True)]
    primary = keys[0].key_id
    chance.shuffle(keys)
    return tink_pb2.Keyset(primary_key_id=primary, key=keys)


def tinks_json(keyset: tink_pb2.Keyset) -> str:
    handle = tink.proto_keyset_format.parse(keyset.SerializeToString(), TOKEN)
    return json_proto_keyset_format.serialize(handle, TOKEN)


def tinks_reading(text: str) -> tink_pb2.Keyset:
    handle = json_proto_keyset_format.parse(text, TOKEN)
    return tink_pb2.Keyset.FromString(tink.proto_keyset_format.serialize(handle, TOKEN))


@each_type
@each_prefix
@pytest.mark.parametrize("case", range(CASES))
def test_round_trips_both_ways(type_name: str, prefix: str, case: int) -> None:
    theirs = random_keyset(random.Random(f"{type_name} {prefix} {case}"), type_name, prefix)
    ours = Keyset.from_json(tinks_json(theirs))
    assert json.loads(ours.to_json()) == json.loads(tinks_json(theirs))
    assert tinks_reading(ours.to_json()) == theirs
    assert ours.to_binary() == theirs.SerializeToString()
    assert Keyset.from_binary(theirs.SerializeToString()) == ours
    assert [(entry.id, entry.status) for entry in ours.entries] == [
        (key.key_id, tink_pb2.KeyStatusType.Name(key.status)) for key in theirs.key
    ]


@each_prefix
@pytest.mark.parametrize("associated_data", [b"", b"lake"])
def test_encrypted_round_trips_both_ways(prefix: str, associated_data: bytes) -> None:
    chance = random.Random(f"{prefix} {associated_data!r}")
    for type_name in KEY_TYPES:
        kek = random_keyset(chance, "AesGcmKey", prefix)
        our_kek = KeysetAead(Keyset.from_binary(kek.SerializeToString()))
        their_kek = tink.proto_keyset_format.parse(kek.SerializeToString(), TOKEN).primitive(aead.Aead)
        theirs = random_keyset(chance, type_name, prefix)
        handle = tink.proto_keyset_format.parse(theirs.SerializeToString(), TOKEN)
        sealed = json_proto_keyset_format.serialize_encrypted(handle, their_kek, associated_data)
        ours = encrypted_keysets.unseal(sealed, our_kek, associated_data)
        assert ours.to_binary() == theirs.SerializeToString()
        again = encrypted_keysets.seal(ours, our_kek, associated_data)
        opened = json_proto_keyset_format.parse_encrypted(again, their_kek, associated_data)
        assert tink.proto_keyset_format.serialize(opened, TOKEN) == theirs.SerializeToString()
        assert json.loads(again)["keysetInfo"] == json.loads(sealed)["keysetInfo"]
        with pytest.raises(KeyProblem, match="no enabled key of the encrypting keyset decrypts it"):
            encrypted_keysets.unseal(sealed, our_kek, b"other")


@each_type
def test_tink_uses_what_is_generated_here(type_name: str) -> None:
    handle = json_proto_keyset_format.parse(Keyset.generate(type_name).to_json(), TOKEN)
    if type_name == "AesSivKey":
        cipher = handle.primitive(daead.DeterministicAead)
        assert cipher.decrypt_deterministically(cipher.encrypt_deterministically(b"x", b""), b"") == b"x"
    elif type_name == "AesGcmKey":
        cipher = handle.primitive(aead.Aead)
        assert cipher.decrypt(cipher.encrypt(b"x", b""), b"") == b"x"
    elif type_name == "HmacKey":
        assert len(handle.primitive(mac.Mac).compute_mac(b"x")) == 5 + 32
    elif type_name == SIGNING:
        signed = handle.primitive(signature.PublicKeySign).sign(b"x")
        handle.public_keyset_handle().primitive(signature.PublicKeyVerify).verify(signed, b"x")
    else:
        assert len(handle.primitive(prf.PrfSet).primary().compute(b"x", 16)) == 16


class Sized(Technique):
    """A technique that wants a key of so many bytes."""

    technique: Literal["sized"] = "sized"
    size: int

    def key_size(self) -> int:
        return self.size


@pytest.mark.parametrize("hash_name", ["SHA256", "SHA512"])
def test_derivation_is_tinks_hkdf_prf(hash_name: str) -> None:
    """The sub-key of a master is what Tink's PRF gives on the documented label, for any salt, size and domain."""
    chance = random.Random(hash_name)
    for size, domain in itertools.product((16, 32, 64), ("customer", "München/Straße", "x" * 300)):
        secret = Secret(chance.randbytes(chance.randrange(32, 80)), hash_name, chance.randbytes(chance.randrange(70)))
        technique = Sized(size=size)
        info = f"lakenym/1/{technique.technique}/{domain}".encode()
        assert key_derivation.derive("HkdfPrfKey", secret, technique, domain) == tinks_hkdf(secret, info, size)


def tinks_hkdf(secret: Secret, info: bytes, size: int) -> bytes:
    params = hkdf_prf_pb2.HkdfPrfParams(hash=secret.hash, salt=secret.salt)
    key = tink_pb2.Keyset.Key(key_id=7, status="ENABLED", output_prefix_type="RAW")
    key.key_data.type_url = URL + "HkdfPrfKey"
    key.key_data.value = hkdf_prf_pb2.HkdfPrfKey(params=params, key_value=secret.key).SerializeToString()
    key.key_data.key_material_type = tink_pb2.KeyData.SYMMETRIC
    keyset = tink_pb2.Keyset(primary_key_id=7, key=[key])
    handle = tink.proto_keyset_format.parse(keyset.SerializeToString(), TOKEN)
    return bytes(handle.primitive(prf.PrfSet).primary().compute(info, size))


def test_tink_follows_the_life_of_versions() -> None:
    """Add, promote, disable, destroy here: Tink encrypts with the new primary, and opens what is still enabled."""
    keyset = Keyset.generate("AesGcmKey")
    old = keyset.primary_id
    ciphertext = _aead(keyset).encrypt(b"x", b"")
    keyset, new = keyset_versions.added(keyset)
    keyset = keyset_versions.promoted(keyset, new)
    assert _aead(keyset).encrypt(b"x", b"")[1:5] == new.to_bytes(4, "big")
    assert _aead(keyset).decrypt(ciphertext, b"") == b"x"
    for gone in (keyset_versions.disabled(keyset, old), keyset_versions.destroyed(keyset, old)):
        with pytest.raises(tink.TinkError):
            _aead(gone).decrypt(ciphertext, b"")
    back = keyset_versions.enabled(keyset_versions.disabled(keyset, old), old)
    assert _aead(back).decrypt(ciphertext, b"") == b"x"


def _aead(keyset: Keyset) -> aead.Aead:
    return json_proto_keyset_format.parse(keyset.to_json(), TOKEN).primitive(aead.Aead)
