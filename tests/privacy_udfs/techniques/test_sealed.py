"""AES-SIV and AES-GCM tokens against Tink and pyca/cryptography, their laws, and what never opens."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tink import aead, daead, proto_keyset_format, secret_key_access
from tink.proto import aes_gcm_pb2, aes_siv_pb2, tink_pb2

from privacy_udfs.errors import KeyProblem, TokenRefused, TypeRefused
from privacy_udfs.kernels.aes import gcm, siv
from privacy_udfs.kernels.arrays.byte_arrays import SLICE
from privacy_udfs.technique import Key
from privacy_udfs.techniques import parse
from privacy_udfs.techniques._sealed import SealedTechnique
from privacy_udfs.techniques.deterministic_encryption import DeterministicEncryption
from privacy_udfs.techniques.randomized_encryption import RandomizedEncryption

daead.register()
aead.register()

ID = 0x80C0FFEE
SIV_KEY = Key(bytes(range(64)), ID)
GCM_KEY = Key(bytes(range(32)), ID)
SIZES = (0, 1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 127, 128, 129, 255, 511, 512, 513, 5000)
TEXTS = ["x" * size for size in SIZES]
ENCODINGS = ("base64", "base64url", "hex", "binary")

Sealed = type[DeterministicEncryption] | type[RandomizedEncryption]

both = pytest.mark.parametrize(
    ("technique", "key"), [(DeterministicEncryption, SIV_KEY), (RandomizedEncryption, GCM_KEY)]
)


def tink_primitive(kind: str, value: bytes, primitive: Any, prefix: int = tink_pb2.TINK) -> Any:
    key = tink_pb2.Keyset.Key(key_id=ID, status=tink_pb2.ENABLED, output_prefix_type=prefix)
    key.key_data.type_url = f"type.googleapis.com/google.crypto.tink.{kind}"
    key.key_data.value = value
    key.key_data.key_material_type = tink_pb2.KeyData.SYMMETRIC
    keyset = tink_pb2.Keyset(primary_key_id=ID, key=[key]).SerializeToString()
    return proto_keyset_format.parse(keyset, secret_key_access.TOKEN).primitive(primitive)


def tink_siv(prefix: int = tink_pb2.TINK) -> daead.DeterministicAead:
    value = aes_siv_pb2.AesSivKey(key_value=SIV_KEY.material).SerializeToString()
    return tink_primitive("AesSivKey", value, daead.DeterministicAead, prefix)


def tink_gcm(key: bytes = GCM_KEY.material) -> aead.Aead:
    return tink_primitive("AesGcmKey", aes_gcm_pb2.AesGcmKey(key_value=key).SerializeToString(), aead.Aead)


# -- other implementations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("associated_data", ["", "customer", "é" * 20])
@pytest.mark.parametrize(("name", "prefix"), [("tink", tink_pb2.TINK), ("raw", tink_pb2.RAW)])
def test_siv_is_tinks_to_the_byte(associated_data: str, name: Any, prefix: int) -> None:
    technique = DeterministicEncryption(associated_data=associated_data, output_prefix=name)
    tink = tink_siv(prefix)
    ours = technique.apply(pa.array(TEXTS), SIV_KEY).values
    theirs = [tink.encrypt_deterministically(t.encode(), associated_data.encode()) for t in TEXTS]
    assert [base64.b64decode(token) for token in ours.to_pylist()] == theirs
    assert technique.revert(ours, SIV_KEY).to_pylist() == TEXTS


def test_a_value_of_ten_megabytes_is_tinks_to_the_byte() -> None:
    text = "0123456789" * (1 << 20)
    technique = DeterministicEncryption(encoding="binary")
    ours = technique.apply(pa.array(["before", text, None, "behind"]), SIV_KEY).values
    assert ours[1].as_py() == tink_siv().encrypt_deterministically(text.encode(), b"")
    assert technique.revert(ours, SIV_KEY).to_pylist() == ["before", text, None, "behind"]


@pytest.mark.parametrize("associated_data", ["", "customer", "é" * 20])
@pytest.mark.parametrize("size", [16, 32])
def test_tink_opens_our_gcm_and_we_open_tinks(associated_data: str, size: int) -> None:
    technique = RandomizedEncryption(associated_data=associated_data, encoding="binary")
    key = Key(bytes(range(size)), ID)
    tink, ad = tink_gcm(key.material), associated_data.encode()
    values = pa.array([*TEXTS, "0123456789" * (1 << 20)])
    ours = technique.apply(values, key).values
    assert [tink.decrypt(token, ad).decode() for token in ours.to_pylist()] == values.to_pylist()
    theirs = pa.array([tink.encrypt(text.encode(), ad) for text in values.to_pylist()])
    assert technique.revert(theirs, key).equals(values)


@pytest.mark.parametrize("size", [32, 48, 64])
def test_siv_kernel_against_openssl(size: int) -> None:
    key, chance = bytes(range(size)), np.random.default_rng(size)
    messages = [chance.bytes(length) for length in chance.permutation([*range(1, 100), *SIZES[1:]])]
    for associated_data in ([b""], [b"ad"], [chance.bytes(16)], [chance.bytes(33)]):
        kernel = siv.SIV(key, associated_data)
        sealed = kernel.seal(pa.array(messages))
        assert sealed.to_pylist() == [AESSIV(key).encrypt(m, associated_data) for m in messages]
        assert kernel.open(sealed).to_pylist() == messages


@pytest.mark.parametrize("size", [16, 32])
def test_gcm_kernel_against_openssl(size: int) -> None:
    key, chance = bytes(range(size)), np.random.default_rng(size)
    messages = [chance.bytes(length) for length in chance.permutation([*range(100), *SIZES])]
    for associated_data in (b"", b"ad", chance.bytes(16), chance.bytes(33)):
        kernel = gcm.GCM(key, associated_data)
        sealed = kernel.seal(pa.array(messages))
        opened = [AESGCM(key).decrypt(s[:12], s[12:], associated_data) for s in sealed.to_pylist()]
        assert opened == messages
        assert kernel.open(sealed).to_pylist() == messages


def test_gcm_test_case_16() -> None:
    """McGrew and Viega, The Galois/Counter Mode of Operation, Appendix B: its associated data is no text."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    associated_data = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    sealed = bytes.fromhex(
        "cafebabefacedbaddecaf888"
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )
    assert gcm.GCM(key, associated_data).open(pa.array([sealed])).to_pylist() == [plain]


def test_an_empty_associated_data_is_a_component() -> None:
    sealed = siv.SIV(SIV_KEY.material, [b""]).seal(pa.array([b"x"]))[0].as_py()
    assert sealed == AESSIV(SIV_KEY.material).encrypt(b"x", [b""])
    assert sealed != AESSIV(SIV_KEY.material).encrypt(b"x", None)


# -- laws ---------------------------------------------------------------------------------------------------------


@both
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_reverting_gives_the_values_back(technique: Sealed, key: Key, data: st.DataObject) -> None:
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
    treatment = technique(
        associated_data=data.draw(text),
        encoding=data.draw(st.sampled_from(ENCODINGS)),
        output_prefix=data.draw(st.sampled_from(["tink", "raw"])),
    )
    values = pa.array(data.draw(st.lists(st.none() | text, max_size=20)), pa.string())
    tokens = treatment.apply(values, key).values
    assert tokens.type == treatment.output_type(values.type)
    assert treatment.revert(tokens, key).equals(values)
    start = data.draw(st.integers(0, len(values)))
    assert treatment.revert(tokens.slice(start), key).equals(values.slice(start))
    if treatment.deterministic:
        assert treatment.apply(values.slice(start), key).values.equals(tokens.slice(start))


@both
def test_batches_beyond_a_slice(technique: Sealed, key: Key) -> None:
    values = pa.array(np.arange(2 * SLICE + 3), mask=np.arange(2 * SLICE + 3) % 5 == 0).cast(pa.string())
    tokens = technique().apply(values, key).values
    assert technique().revert(tokens, key).equals(values)
    assert len(tokens.drop_null().unique()) == len(values) - values.null_count


@both
def test_binary_comes_back_as_binary_or_as_text(technique: Sealed, key: Key) -> None:
    values = [b"\xff\x00", None, b"", bytes(40)]
    tokens = technique().apply(pa.array(values), key).values
    assert technique().revert(tokens, key).equals(pa.array(values, pa.binary()))
    assert technique().revert(tokens.slice(1), key).cast(pa.binary()).to_pylist() == values[1:]
    split = pa.array([b"\xc3", b"\xa9"])  # together they would be UTF-8
    assert technique().revert(technique().apply(split, key).values, key).equals(split)


@both
def test_empty_and_all_null(technique: Sealed, key: Key) -> None:
    for values in (pa.array([], pa.string()), pa.nulls(3, pa.string()), pa.nulls(2)):
        tokens = technique(encoding="binary").apply(values, key).values
        assert tokens.type == pa.binary()
        assert tokens.null_count == len(tokens) == len(values)
        assert technique(encoding="binary").revert(tokens, key).to_pylist() == [None] * len(values)


def test_equal_values_get_equal_tokens_only_where_promised() -> None:
    values = pa.array(["same"] * 2000)
    assert len(DeterministicEncryption().apply(values, SIV_KEY).values.unique()) == 1
    tokens = RandomizedEncryption(encoding="binary").apply(values, GCM_KEY).values
    assert len(pc.binary_slice(tokens, 5, 17).unique()) == 2000


def test_one_pseudonym_whatever_the_type() -> None:
    columns = [pa.array([42, None], kind) for kind in (pa.int8(), pa.int64(), pa.uint64())]
    columns += [pa.array([42, None]).cast(pa.decimal128(20, 0)), pa.array(["42", None]), pa.array([b"42", None])]
    columns += [pa.array(["42", None]).dictionary_encode(), pa.array(["42", None], pa.string_view())]
    assert len({str(DeterministicEncryption().apply(column, SIV_KEY).values.to_pylist()) for column in columns}) == 1


# -- what never opens ---------------------------------------------------------------------------------------------


def refused(treatment: SealedTechnique, tokens: pa.Array, key: Key) -> bool:
    """Refused with the one message. Anything else that is raised fails the test that asks."""
    try:
        treatment.revert(tokens, key)
    except TokenRefused as error:
        return (error.args, error.__cause__, error.__context__) == ((TokenRefused.MESSAGE,), None, None)
    return False


@both
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_random_tokens_are_refused(technique: Sealed, key: Key, data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from(ENCODINGS))
    alphabet = st.sampled_from("Aa0+/-_=\n é\0fF")
    header = st.sampled_from([b"", b"\1" + ID.to_bytes(4, "big"), b"\1"])
    raw = st.builds(bytes.__add__, header, st.binary(max_size=80))
    written = raw.map(base64.b64encode) | raw.map(base64.urlsafe_b64encode) | raw.map(lambda b: b.hex().encode())
    text = st.text(max_size=60) | st.text(alphabet, max_size=60) | written.map(bytes.decode)
    token = pa.array([data.draw(raw if encoding == "binary" else text)], pa.binary() if encoding == "binary" else None)
    for prefix in ("tink", "raw"):
        assert refused(technique(encoding=encoding, output_prefix=prefix), token, key)  # type: ignore[arg-type]


@both
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_changed_tokens_are_refused(technique: Sealed, key: Key, data: st.DataObject) -> None:
    """Any change of any token in a batch: characters for others, taken away, put in."""
    treatment = technique(encoding=data.draw(st.sampled_from(ENCODINGS)))
    values = pa.array(["", "Ada", "x" * 40, "y" * 700])
    tokens = treatment.apply(values, key).values.to_pylist()
    row = data.draw(st.integers(0, 3))
    was = tokens[row]
    start = data.draw(st.integers(0, len(was)))
    stop = data.draw(st.integers(start, min(len(was), start + 20)))
    letter = st.binary(max_size=3) if treatment.encoding == "binary" else st.text("Ab0+/-_= \n=é", max_size=3)
    tokens[row] = was[:start] + data.draw(letter) + was[stop:]
    assume(tokens[row] != was)
    assert refused(treatment, pa.array(tokens), key)


@both
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_single_bit_counts(technique: Sealed, key: Key, encoding: Any) -> None:
    treatment = technique(encoding=encoding)
    token = treatment.apply(pa.array(["seventeen  bytes!"]), key).values[0].as_py()
    token = token if encoding == "binary" else token.encode()
    for bit in range(8 * len(token)):
        changed = (int.from_bytes(token, "big") ^ (1 << bit)).to_bytes(len(token), "big")
        tokens = pa.array([changed], pa.binary())
        assert refused(treatment, tokens if encoding == "binary" else tokens.view(pa.string()), key)


@both
def test_truncated_tokens_are_refused(technique: Sealed, key: Key) -> None:
    token = technique(encoding="binary").apply(pa.array(["Ada Lovelace"]), key).values[0].as_py()
    for size in range(len(token)):
        assert refused(technique(encoding="binary"), pa.array([token[:size]]), key)
    assert refused(technique(encoding="binary"), pa.array([token + b"\0"]), key)


@both
def test_another_key_id_or_data_is_refused(technique: Sealed, key: Key) -> None:
    tokens = technique(associated_data="a").apply(pa.array(["Ada", None]), key).values
    size = len(key.material)
    assert refused(technique(associated_data="a"), tokens, Key(bytes(size), ID))
    assert refused(technique(associated_data="a"), tokens, Key(key.material[::-1], 0))
    assert refused(technique(associated_data="a"), tokens, Key(key.material, ID + 1))
    assert refused(technique(associated_data=""), tokens, key)
    assert refused(technique(associated_data="a", output_prefix="raw"), tokens, key)
    assert technique(associated_data="a").revert(tokens, key.material).to_pylist() == ["Ada", None]


@both
def test_one_bad_token_among_many_is_enough(technique: Sealed, key: Key) -> None:
    tokens = technique().apply(pa.array([str(number) for number in range(SLICE + 5)]), key).values
    for bad in (0, 7, len(tokens) - 1):
        parts = [tokens.slice(0, bad), pa.array([tokens[bad].as_py()[::-1]]), tokens.slice(bad + 1)]
        assert refused(technique(), pa.concat_arrays(parts), key)


@both
def test_tokens_of_another_type_are_refused(technique: Sealed, key: Key) -> None:
    for encoding, values in (("binary", pa.array(["AQ=="])), ("hex", pa.array([b"01"])), ("base64", pa.array([1]))):
        with pytest.raises(TypeRefused, match="as its tokens are"):
            technique(encoding=encoding).revert(values, key)  # type: ignore[arg-type]


# -- keys, types, parameters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("technique", "sizes"), [(DeterministicEncryption, {32, 48, 64}), (RandomizedEncryption, {16, 32})]
)
def test_key_sizes(technique: Sealed, sizes: set[int]) -> None:
    for size in range(70):
        if size in sizes:
            key = os.urandom(size)
            assert technique().revert(technique().apply(pa.array(["x"]), key).values, key).to_pylist() == ["x"]
        else:
            with pytest.raises(KeyProblem):
                technique().apply(pa.array(["x"]), bytes(size))


@both
def test_floats_and_nested_types_are_refused(technique: Sealed, key: Key) -> None:
    for values in (pa.array([1.5]), pa.array([[1]]), pa.array([{"a": 1}])):
        with pytest.raises(TypeRefused):
            technique().apply(values, key)


@both
@pytest.mark.parametrize("wrong", [{"encoding": "base32"}, {"output_prefix": "crunchy"}, {"associated_data": "\ud800"}])
def test_parameters_that_cannot_be(technique: Sealed, key: Key, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        technique.model_validate(wrong)


@pytest.mark.parametrize("encoding", ["base64", "base64url", "hex", "binary"])
@pytest.mark.parametrize("prefix", ["tink", "raw"])
def test_siv_whatever_lengths_stand_together(encoding: str, prefix: str) -> None:
    """Frequent lengths go as matrices, others do not: each value gets what `cryptography` gives for it alone."""
    seal, head = AESSIV(bytes(range(64))).encrypt, b"\x01\0\0\0\x07" if prefix == "tink" else b""
    coders: dict[str, Callable[[bytes], object]] = {
        "base64": lambda token: base64.b64encode(token).decode(),
        "base64url": lambda token: base64.urlsafe_b64encode(token).decode().rstrip("="),
        "hex": bytes.hex,
        "binary": bytes,
    }
    technique = parse({"technique": "deterministic_encryption", "encoding": encoding, "output_prefix": prefix})
    frequent = [at.to_bytes(2, "big").ljust(size, b"x")[:size] for at in range(99) for size in (0, 1, 15, 16, 17, 33)]
    rare = [bytes(size) for size in (*range(2, 50, 7), 511, 512, 513, 700)]
    for values in (frequent, rare, [*rare, *frequent, *rare], [b""] * 99, []):
        treated = technique.apply(pa.array([*values, None], pa.binary()), Key(bytes(range(64)), 7)).values
        treated.validate(full=True)
        assert treated.to_pylist() == [*(coders[encoding](head + seal(value, [b""])) for value in values), None]
