"""Encryption under keys of subjects, held against `cryptography` one value at a time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

import privacy_udfs
from privacy_udfs.errors import ParameterError, TypeRefused, ValueRefused
from privacy_udfs.kernels.aes import by_key
from privacy_udfs.keysets.key_derivation import derive
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.subject_keys import Keyed, SubjectKeys
from privacy_udfs.technique import Key
from privacy_udfs.techniques._by_subject import BySubject

TABLE = "0123456789abcdef0123456789abcdef"
KEY = bytes(range(100, 132))
BOTH = ("deterministic_encryption", "randomized_encryption")
ENCODINGS = ("base64", "base64url", "hex", "binary")


def technique(name: str = BOTH[0], **more: Any) -> BySubject:
    made = privacy_udfs.parse({"technique": name, "key_per": "subject", "subject_keys": TABLE, **more})
    assert isinstance(made, BySubject)
    return made


def role(name: str, size: int = 32) -> bytes:
    return HKDFExpand(hashes.SHA256(), size, f"lakenym/subject_keys/1/{name}".encode()).derive(KEY)


def lookup(subject: bytes) -> bytes:
    return hmac.digest(role("lookup"), subject, "sha256")[:16]


def subject_key(secret: bytes, label: bytes, size: int) -> bytes:
    made = KBKDFCMAC(algorithms.AES, Mode.CounterMode, size, 4, 4, CounterLocation.BeforeFixed, label, b"", None)
    return made.derive(secret)


def bound(name: str, domain: str, subject: bytes, associated_data: str = "") -> bytes:
    told = json.dumps(["lakenym/1/subject", name, domain, associated_data], separators=(",", ":")).encode()
    return hashlib.sha256(told).digest()[:16] + lookup(subject)


def unseal(name: str, token: bytes, secret: bytes, data: bytes) -> bytes:
    if name == BOTH[0]:
        return AESSIV(subject_key(secret, b"siv", 64)).decrypt(token[17:], [data])
    return AESGCM(subject_key(secret, b"gcm", 32)).decrypt(token[17:29], token[29:], data)


def decoder(encoding: str) -> Callable[[Any], bytes]:
    return {
        "base64": base64.b64decode,
        "base64url": lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)),
        "hex": bytes.fromhex,
        "binary": lambda value: value,
    }[encoding]


def handle(token: bytes) -> bytes:
    pad = Cipher(algorithms.AES256(role("handle")), modes.ECB()).encryptor().update(token[17:33])
    return bytes(one ^ other for one, other in zip(token[1:17], pad, strict=True))


class Held:
    """A table of keys in memory."""

    def __init__(self, subjects: list[Any]) -> None:
        self.keys = SubjectKeys(KEY)
        names = sorted({str(each).encode() for each in subjects if each not in (None, "")})
        lookups = pa.array([lookup(name) for name in names], pa.binary())
        made = self.keys.made(lookups)
        rows = zip(names, made.handle.to_pylist(), made.wrapped.to_pylist(), strict=True)
        self.rows = {name: (handle, wrapped) for name, handle, wrapped in rows}

    def secret(self, name: bytes) -> bytes:
        handle, wrapped = self.rows[name]
        return AESSIV(role("wrap", 64)).decrypt(wrapped, [lookup(name) + handle])

    def by_lookup(self, carried: pa.Array) -> pa.Array:
        known = {lookup(name): handle + wrapped for name, (handle, wrapped) in self.rows.items()}
        return pa.array([None if each is None else known.get(each[:16]) for each in carried.to_pylist()], pa.binary())

    def by_handle(self, handles: pa.Array) -> pa.Array:
        known = {handle: lookup(name) + wrapped for name, (handle, wrapped) in self.rows.items()}
        return pa.array([known.get(each) for each in handles.to_pylist()], pa.binary())


def sealed(made: BySubject, values: pa.Array, subjects: pa.Array, held: Held, domain: str = "d") -> Any:
    carried = made.step_before_join().apply(values, KEY, subjects).values
    return made.redeemed(carried, held.by_lookup(carried), Key(KEY), domain)


def values_of(count: int) -> tuple[list[str | None], list[str]]:
    rng = random.Random(7)
    lengths = [*range(70), 511, 512, 513, 600, 5000]
    values = ["x" * rng.choice(lengths) if rng.random() > 0.1 else None for _ in range(count)]
    return values, [f"s{rng.randrange(count // 3)}" for _ in range(count)]


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", BOTH)
def test_each_value_is_what_the_reference_gives(
    name: str, encoding: str, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not native:
        monkeypatch.setattr(by_key, "compiled", lambda: None)
    values, subjects = values_of(5000 if native else 300)
    made, held = technique(name, encoding=encoding, associated_data="more"), Held(subjects)
    tokens = sealed(made, pa.array(values), pa.array(subjects), held)
    assert tokens.type == made.output_type(pa.string())
    decode = decoder(encoding)
    for value, subject, token in zip(values, subjects, tokens.to_pylist(), strict=True):
        if value is None:
            assert token is None
            continue
        raw, whose = decode(token), subject.encode()
        assert raw[0] == 2
        assert handle(raw) == held.rows[whose][0]
        assert unseal(name, raw, held.secret(whose), bound(name, "d", whose, "more")) == value.encode()
        if name == BOTH[0]:
            key = AESSIV(subject_key(held.secret(whose), b"siv", 64))
            assert raw[17:] == key.encrypt(value.encode(), [bound(name, "d", whose, "more")])
    back = made.values(tokens, held.by_handle(made.handles(tokens, Key(KEY))), Key(KEY), "d")
    assert back is not None
    assert back.cast(pa.string()).to_pylist() == values
    shaped = made.shaped(tokens)
    assert shaped is not None
    assert shaped.drop_null().to_pylist() == [True] * (len(tokens) - tokens.null_count)


def test_equal_values_of_one_subject_alone_are_equal() -> None:
    tokens = sealed(technique(), pa.array(["a"] * 3), pa.array(["1", "2", "1"]), Held(["1", "2"])).to_pylist()
    assert tokens[0] == tokens[2] != tokens[1]


@pytest.mark.parametrize("name", BOTH)
def test_tokens_do_not_tell_whose_they_are(name: str) -> None:
    """Two values of one subject have no byte string in common but the first byte."""
    one, two = sealed(technique(name, encoding="binary"), pa.array(["a", "b"]), pa.array(["1"] * 2), Held(["1"]))
    assert one.as_py()[1:17] != two.as_py()[1:17]


def test_a_subject_is_one_however_its_column_has_it() -> None:
    held, made = Held(["7"]), technique(subject_normalize=["trim"])
    one = [sealed(made, pa.array(["v"]), subject, held).to_pylist() for subject in (pa.array([7]), pa.array([" 7 "]))]
    assert one[0] == one[1]


def test_a_value_of_nobody_is_refused() -> None:
    made = technique()
    with pytest.raises(ValueRefused, match="deterministic_encryption cannot treat 2 of 4 values"):
        sealed(made, pa.array(["v", "v", "v", None]), pa.array(["1", None, "", None]), Held(["1"]))
    tokens = sealed(technique(on_refused="null"), pa.array(["v", "v"]), pa.array(["1", None]), Held(["1"]))
    assert tokens.null_count == 1


@pytest.mark.parametrize("name", BOTH)
def test_without_its_row_nothing_opens_and_nothing_is_sealed(name: str) -> None:
    made, held = technique(name), Held(["1", "2"])
    values, subjects = pa.array(["v", "w"]), pa.array(["1", "2"])
    tokens = sealed(made, values, subjects, held)
    others = Held(["1", "2"])  # the same subjects, keys made anew: the old ones were destroyed
    assert made.values(tokens, others.by_handle(made.handles(tokens, Key(KEY))), Key(KEY), "d") is None
    others.rows = {name: (held.rows[name][0], wrapped) for name, (_, wrapped) in others.rows.items()}
    assert made.values(tokens, others.by_handle(made.handles(tokens, Key(KEY))), Key(KEY), "d") is None
    del held.rows[b"2"]
    assert sealed(made, values, subjects, held) is None


@pytest.mark.parametrize("name", BOTH)
def test_what_was_moved_or_changed_does_not_open(name: str) -> None:
    made, held = technique(name, encoding="binary"), Held(["1", "2"])
    tokens = sealed(made, pa.array(["value", "other"]), pa.array(["1", "2"]), held)
    one, two = tokens.to_pylist()

    def opens(token: bytes, domain: str = "d", by: BySubject = made, key: bytes = KEY) -> bool:
        array = pa.array([token])
        return by.values(array, held.by_handle(by.handles(array, Key(key))), Key(key), domain) is not None

    assert opens(one)
    assert opens(two)
    assert not opens(one, domain="e")
    assert not opens(one, by=technique(name, encoding="binary", associated_data="x"))
    assert not opens(one, key=bytes(32))
    assert not opens(two[:17] + one[17:])  # one's value under the handle of two
    for at in range(len(one)):
        assert not opens(one[:at] + bytes([one[at] ^ 1]) + one[at + 1 :])
    assert not any(opens(one[:size]) for size in range(len(one)))


def test_known_keys_seal_and_open_without_a_table() -> None:
    made, rng = technique(encoding="binary"), np.random.default_rng(3)
    known = Keyed(*(rng.integers(0, 256, (5, size), np.uint8) for size in (16, 32, 16)))
    values = pa.array([b"a", b"b", b"", b"d" * 40, b"e"])
    keys = SubjectKeys(KEY)
    back = made.opened(made.sealed(values, keys, known, "d"), keys, known, "d")
    assert back is not None
    assert back.equals(values)


@pytest.mark.parametrize("name", BOTH)
def test_apply_and_revert_say_what_to_do(name: str) -> None:
    treatment = {"technique": name, "key_per": "subject", "subject_keys": TABLE}
    with pytest.raises(TypeRefused, match="keys of subjects stand in a table"):
        privacy_udfs.apply(treatment, pa.array(["v"]), KEY, pa.array(["1"]))
    with pytest.raises(TypeRefused, match="keys of subjects stand in a table"):
        privacy_udfs.revert(treatment, pa.array(["v"]), KEY)


@pytest.mark.parametrize("more", [{"subject_keys": None}, {"key_per": None}, {"output_prefix": "raw"}])
def test_parameters_that_do_not_go_together(more: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        technique(**more)


def test_a_period_does_not_go_with_it() -> None:
    with pytest.raises(ParameterError, match="not both"):
        technique(period="day")


def test_one_key_for_all_columns_of_a_table_of_keys() -> None:
    keyset = Keyset.generate()
    keys = {keyset.subkey(technique(name), domain).material for name in BOTH for domain in ("a", "b")}
    assert len(keys) == 1
    secret = keyset.primary.secret()
    due = HKDF(hashes.SHA256(), 32, secret.salt, f"lakenym/1/subject_keys/{TABLE}".encode()).derive(secret.key)
    assert keys == {due} == {derive("HkdfPrfKey", secret, technique(), "c")}


@pytest.mark.parametrize("kind", ["AesSivKey", "AesGcmKey"])
def test_it_takes_a_master_key(kind: str) -> None:
    with pytest.raises(privacy_udfs.LakenymError):
        Keyset.generate(kind).subkey(technique(BOTH[kind == "AesGcmKey"]), "d")


def test_compiled_code_is_not_led_astray() -> None:
    made = by_key.schedules(np.zeros((1, 64), np.uint8), np.zeros((3, 32), np.uint8))
    for index in ([3], [-1], [0, 0]):
        with pytest.raises(IndexError):
            made.seal(np.array(index, np.int32), np.zeros((1, 4), np.uint8))


def test_a_wrong_tag_shows_whatever_its_place() -> None:
    keys, data = np.arange(640, dtype=np.uint8).reshape(10, 64), np.arange(320, dtype=np.uint8).reshape(10, 32)
    made, index = by_key.schedules(keys, data), np.arange(10, dtype=np.int32)
    sealed_rows = made.seal(index, data)
    for row in range(10):
        changed = sealed_rows.copy()
        changed[row, 20] ^= 4
        assert made.open(index, changed) is None
    with pytest.raises(InvalidTag):
        AESSIV(keys[1].tobytes()).decrypt(sealed_rows[0].tobytes(), [data[0].tobytes()])


PREFIXED = {"subject_normalize": {"strip_prefix": "Patient/"}}


def test_a_subject_with_a_prefix_and_without_is_one_and_a_prefix_alone_is_nobody() -> None:
    found = (
        technique(**PREFIXED).lookups(pa.array(["Patient/f001", "f001", "Patient/", "", None]), Key(KEY)).to_pylist()
    )
    assert found == [lookup(b"f001"), lookup(b"f001"), None, None, None]


def test_a_value_that_is_a_prefix_alone_is_refused_before_a_key_is_looked_for() -> None:
    """Beside one whose subject is nobody, and one that is null."""
    step = technique(normalize={"strip_prefix": "Patient/"}, on_refused="null", **PREFIXED).step_before_join()
    whose = pa.array(["a", "Patient/", "c", "d"])
    got = step.apply(pa.array(["Patient/", "x", "Patient/x", None]), KEY, subject=whose)
    assert (got.treated, got.null, got.refused) == (1, 1, 2)
    assert got.values.is_null().to_pylist() == [True, True, False, True]
    assert got.values[2].as_py()[:16] == lookup(b"c")
