"""Encryption under keys of subjects, held against `cryptography` one value at a time."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import pickle
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
from privacy_udfs import subject_keys
from privacy_udfs.errors import KeyProblem, ParameterError, TokenRefused, TypeRefused, ValueRefused
from privacy_udfs.kernels.aes import by_key
from privacy_udfs.keysets.key_derivation import derive
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.keysets.tree_reference import Inline, TreeReference, digest_of
from privacy_udfs.subject_keys import SubjectKeys, TreeKey
from privacy_udfs.technique import Key
from privacy_udfs.techniques._by_subject import BySubject

TABLE = "tree-0123456789abcdef0123456789abcdef"
KEY = bytes(range(100, 132))
BOTH = ("deterministic_encryption", "randomized_encryption")
ENCODINGS = ("base64", "base64url", "hex", "binary")


def technique(name: str = BOTH[0], **more: Any) -> BySubject:
    made = privacy_udfs.parse({"technique": name, "key_per": "subject", "subject_keys": TABLE, **more})
    assert isinstance(made, BySubject)
    return made


def role(name: str, size: int = 32) -> bytes:
    return HKDFExpand(hashes.SHA256(), size, f"lakenym/subject_keys/2/{name}".encode()).derive(KEY)


def index(subject: bytes) -> bytes:
    return hmac.digest(role("index"), subject, "sha256")[:10]


def block(key: bytes, given: bytes) -> bytes:
    return Cipher(algorithms.AES256(key), modes.ECB()).encryptor().update(given)


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def child(node: bytes, level: int, digit: int) -> bytes:
    given = xor(node, bytes([level, digit]) + bytes(14))
    return xor(block(role("tree"), given), given)


def secret(root: bytes, leaf: bytes) -> bytes:
    """Two bits a level, the first ones first."""
    for level in range(40):
        root = child(root, level, leaf[level // 4] >> (6 - 2 * (level % 4)) & 3)
    return child(root, 40, 0) + child(root, 40, 1)


def subject_key(secret: bytes, label: bytes, size: int) -> bytes:
    made = KBKDFCMAC(algorithms.AES, Mode.CounterMode, size, 4, 4, CounterLocation.BeforeFixed, label, b"", None)
    return made.derive(secret)


def bound(name: str, domain: str, subject: bytes, associated_data: str = "") -> bytes:
    told = json.dumps(["lakenym/2/subject", name, domain, associated_data], separators=(",", ":")).encode()
    return hashlib.sha256(told).digest()[:22] + index(subject)


def unseal(name: str, token: bytes, secret: bytes, data: bytes) -> bytes:
    if name == BOTH[0]:
        return AESSIV(subject_key(secret, b"siv", 64)).decrypt(token[11:], [data])
    return AESGCM(subject_key(secret, b"gcm", 32)).decrypt(token[11:23], token[23:], data)


def decoder(encoding: str) -> Callable[[Any], bytes]:
    return {
        "base64": base64.b64decode,
        "base64url": lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)),
        "hex": bytes.fromhex,
        "binary": lambda value: value,
    }[encoding]


def named(token: bytes) -> bytes:
    """The index that a token names."""
    return xor(token[1:11], block(role("handle"), token[11:27])[:10])


class Held:
    """A table of keys in memory."""

    def __init__(self, root: bytes = bytes(range(16))) -> None:
        self.keys, self.root = SubjectKeys(KEY, TABLE), root
        self.nodes = self.keys.root(lambda size: root[:size])

    def key(self, domain: str = "d") -> TreeKey:
        return TreeKey(KEY, tree=TABLE, domain=domain, nodes=self.nodes)

    def without(self, *subjects: bytes) -> Held:
        leaves = np.frombuffer(b"".join(map(index, subjects)), np.uint8).reshape(-1, 10)
        self.nodes = self.keys.punctured(self.nodes, leaves)[0]
        return self

    def secret(self, subject: bytes) -> bytes:
        return secret(self.root, index(subject))


def sealed(made: BySubject, values: pa.Array, subjects: pa.Array, held: Held, domain: str = "d") -> Any:
    return made.apply(values, held.key(domain), subjects).values


def values_of(count: int) -> tuple[list[str | None], list[str]]:
    rng = random.Random(7)
    lengths = [*range(70), 511, 512, 513, 600, 5000]
    values = ["x" * rng.choice(lengths) if rng.random() > 0.1 else None for _ in range(count - 1)]
    values.append("x" * 70_000)
    return values, [f"s{rng.randrange(count // 3)}" for _ in range(count)]


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", BOTH)
def test_each_value_is_what_the_reference_gives(
    name: str, encoding: str, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not native:
        monkeypatch.setattr(by_key, "compiled", lambda: None)
    values, subjects = values_of(300 if not native else 5000 if encoding == "base64" else 600)
    made, held = technique(name, encoding=encoding, associated_data="more"), Held()
    tokens = sealed(made, pa.array(values), pa.array(subjects), held)
    assert tokens.type == made.output_type(pa.string())
    decode, secrets = decoder(encoding), {each: held.secret(each.encode()) for each in set(subjects)}
    for value, subject, token in zip(values, subjects, tokens.to_pylist(), strict=True):
        if value is None:
            assert token is None
            continue
        raw, whose = decode(token), subject.encode()
        assert raw[0] == 3
        assert named(raw) == index(whose)
        assert unseal(name, raw, secrets[subject], bound(name, "d", whose, "more")) == value.encode()
        if name == BOTH[0]:
            key = AESSIV(subject_key(secrets[subject], b"siv", 64))
            assert raw[11:] == key.encrypt(value.encode(), [bound(name, "d", whose, "more")])
    assert made.revert(tokens, held.key()).to_pylist() == values
    shaped = made.shaped(tokens)
    assert shaped is not None
    assert shaped.drop_null().to_pylist() == [True] * (len(tokens) - tokens.null_count)


def test_equal_values_of_one_subject_alone_are_equal() -> None:
    tokens = sealed(technique(), pa.array(["a"] * 3), pa.array(["1", "2", "1"]), Held()).to_pylist()
    assert tokens[0] == tokens[2] != tokens[1]


@pytest.mark.parametrize("name", BOTH)
def test_tokens_do_not_tell_whose_they_are(name: str) -> None:
    """Two values of one subject have no byte string in common but the first byte."""
    one, two = sealed(technique(name, encoding="binary"), pa.array(["a", "b"]), pa.array(["1"] * 2), Held())
    assert one.as_py()[1:11] != two.as_py()[1:11]


def test_a_subject_is_one_however_its_column_has_it() -> None:
    held, made = Held(), technique(subject_normalize=["trim"])
    one = [sealed(made, pa.array(["v"]), subject, held).to_pylist() for subject in (pa.array([7]), pa.array([" 7 "]))]
    assert one[0] == one[1]


def test_a_value_of_nobody_or_of_one_whose_key_was_destroyed_is_refused() -> None:
    values = pa.array(["v", "v", "v", None, "v", "v", None])
    subjects = pa.array(["1", None, "", None, "2", "2", "2"])
    held = Held().without(b"2")
    with pytest.raises(ValueRefused) as told:
        sealed(technique(), values, subjects, held)
    assert str(told.value).startswith(
        "deterministic_encryption cannot treat 4 of 7 values in this batch: 2 of nobody (the subject is null or "
        "empty); 2 of subjects whose keys were destroyed, and who never get one again: keep their rows out"
    )
    outcome = technique(on_refused="null").apply(values, held.key(), subjects)
    assert outcome[1:] == (1, 2, 4)
    tokens = outcome.values.to_pylist()
    assert tokens == [sealed(technique(), pa.array(["v"]), pa.array(["1"]), Held())[0].as_py(), *[None] * 6]


def test_few_subjects_of_many_values_and_one_of_them_destroyed() -> None:
    """By way of the different ones: the same as one by one."""
    subjects = ["1", None, "2", "", "3"] * 500
    made, values = technique(on_refused="null"), pa.array([f"v{at}" for at in range(2500)])
    tokens = made.apply(values, Held().without(b"2").key(), pa.array(subjects)).values.to_pylist()
    assert [token is None for token in tokens] == [each not in ("1", "3") for each in subjects]
    each = [(at, token) for at, token in enumerate(tokens) if token is not None]
    for at, token in each[:30]:
        assert sealed(technique(), values[at : at + 1], pa.array([subjects[at]]), Held())[0].as_py() == token


@pytest.mark.parametrize("name", BOTH)
def test_without_its_leaf_nothing_opens_and_all_else_does(name: str) -> None:
    made, held = technique(name), Held()
    tokens = sealed(made, pa.array(["v", "w"]), pa.array(["1", "2"]), held)
    with pytest.raises(TokenRefused):  # another root: the same indexes, other keys
        made.revert(tokens, Held(bytes(16)).key())
    held.without(b"2")
    assert made.revert(tokens[:1], held.key()).to_pylist() == ["v"]
    for some in (tokens, tokens[1:]):
        with pytest.raises(ValueRefused, match="the key of a value's subject was destroyed"):
            made.revert(some, held.key())


@pytest.mark.parametrize("name", BOTH)
def test_what_was_moved_or_changed_does_not_open(name: str) -> None:
    made, held = technique(name, encoding="binary"), Held()
    tokens = sealed(made, pa.array(["value", "other"]), pa.array(["1", "2"]), held)
    one, two = tokens.to_pylist()

    def opens(token: bytes, domain: str = "d", by: BySubject = made, key: bytes = KEY) -> bool:
        try:
            by.revert(pa.array([token]), dataclasses.replace(held.key(domain), material=key))
        except TokenRefused:
            return False
        return True

    assert opens(one)
    assert opens(two)
    assert not opens(one, domain="e")
    assert not opens(one, by=technique(name, encoding="binary", associated_data="x"))
    assert not opens(one, key=bytes(32))
    assert not opens(two[:11] + one[11:])  # one's value under the index of two
    for at in range(len(one)):
        assert not opens(one[:at] + bytes([one[at] ^ 1]) + one[at + 1 :])
    assert not any(opens(one[:size]) for size in range(len(one)))


# -- nodes as a table has them ----------------------------------------------------------------------------------------


def test_nodes_are_wrapped_as_the_reference_does_and_open_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject_keys, "OF_A_PART", 50)
    held = Held().without(b"1")
    parts = held.keys.wrapped(held.nodes)
    assert [len(part.depths) for part in parts] == [50, 50, 20]  # three siblings on each of 40 levels
    for at, part in enumerate(parts):
        place = at.to_bytes(4, "big") + (3).to_bytes(4, "big")
        seeds = AESSIV(role("wrap", 64)).decrypt(part.wrapped, [TABLE.encode(), place, part.depths, part.prefixes])
        assert seeds == held.nodes.seeds[50 * at : 50 * at + 50].tobytes()
    assert held.keys.unwrapped(parts) == held.nodes
    assert subject_keys.lost(parts) == 1


def test_nodes_that_are_not_all_there_or_are_others_do_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject_keys, "OF_A_PART", 50)
    held = Held().without(b"1")
    parts = held.keys.wrapped(held.nodes)
    first, *rest = parts
    changed = first._replace(depths=first.depths[:-1] + b"\x01")
    for others in (parts[:2], parts[1:], parts[::-1], [changed, *rest], [first._replace(wrapped=b"x"), *rest]):
        assert held.keys.unwrapped(others) is None
    assert SubjectKeys(bytes(32), TABLE).unwrapped(parts) is None
    assert SubjectKeys(KEY, TABLE[:-1] + "0").unwrapped(parts) is None


def test_what_leads_to_a_destroyed_key_is_known_without_any_key() -> None:
    keys, whole = Held().keys, Held()
    without = {each: keys.wrapped(Held().without(*each).nodes) for each in ((b"1",), (b"2",), (b"1", b"2"))}
    root, (one, two, both) = keys.wrapped(whole.nodes), without.values()
    assert not subject_keys.covered(root, one)
    assert subject_keys.covered(one, root)
    assert subject_keys.covered(both, one)
    assert subject_keys.covered(both, two)
    assert not subject_keys.covered(one, two)
    assert not subject_keys.covered(one, both)
    assert subject_keys.covered(one, one)
    assert [subject_keys.lost(parts) for parts in (root, one, two, both)] == [0, 1, 1, 2]


def test_a_reference_keeps_a_tree_apart_from_others_and_shows_no_key() -> None:
    held, key = Held(), Key(KEY, 7)

    class Reference:
        domain = "d"

        def resolve(self) -> Key:
            return key

    def of(nodes: Any) -> TreeReference:
        parts = held.keys.wrapped(nodes)
        return TreeReference(Reference(), TABLE, digest_of(parts), Inline(parts))

    whole, less = of(held.nodes), of(Held().without(b"1").nodes)
    assert (whole.resolve().nodes, less.resolve().nodes) == (held.nodes, Held().without(b"1").nodes)
    assert (whole.resolve().id, whole.resolve().domain, whole.resolve().tree) == (7, "d", TABLE)
    seed = held.root.hex()
    assert seed not in repr(whole) + repr(whole.resolve())
    assert held.root not in pickle.dumps(whole.nodes)
    key = Key(bytes(32), 7)
    with pytest.raises(KeyProblem, match="do not open under version 7 of its key"):
        whole.resolve()


@pytest.mark.parametrize("name", BOTH)
def test_apply_and_revert_say_what_to_do(name: str) -> None:
    treatment = {"technique": name, "key_per": "subject", "subject_keys": TABLE}
    first = {**treatment, "subject_keys": TABLE.removeprefix("tree-")}
    with pytest.raises(TypeRefused, match="keys of subjects are leaves of a tree"):
        privacy_udfs.apply(treatment, pa.array(["v"]), KEY, pa.array(["1"]))
    with pytest.raises(TypeRefused, match="keys of subjects are leaves of a tree"):
        privacy_udfs.revert(treatment, pa.array(["v"]), KEY)
    with pytest.raises(TypeRefused, match="treated under the first form of subjects' keys"):
        privacy_udfs.revert(first, pa.array(["v"]), KEY)


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
    whose = technique(**PREFIXED).indexes(pa.array(["Patient/f001", "f001", "Patient/", "", None]), Held().key())
    found = [None if at < 0 else whose.indexes[at].tobytes() for at in whose.at]
    assert found == [index(b"f001"), index(b"f001"), None, None, None]


def test_a_value_that_is_a_prefix_alone_is_refused() -> None:
    """Beside one whose subject is nobody, and one that is null."""
    made = technique(normalize={"strip_prefix": "Patient/"}, on_refused="null", encoding="binary", **PREFIXED)
    held, whose = Held(), pa.array(["a", "Patient/", "c", "d"])
    got = made.apply(pa.array(["Patient/", "x", "Patient/x", None]), held.key(), subject=whose)
    assert (got.treated, got.null, got.refused) == (1, 1, 2)
    tokens = got.values.to_pylist()
    assert [token is None for token in tokens] == [True, True, False, True]
    assert unseal(BOTH[0], tokens[2], held.secret(b"c"), bound(BOTH[0], "d", b"c")) == b"x"
    stops = technique(normalize={"strip_prefix": "Patient/"}, **PREFIXED)
    with pytest.raises(ValueRefused, match=r"1 of 1 value"):
        stops.apply(pa.array(["Patient/"]), held.key(), subject=pa.array(["a"]))
