"""Rows of a vault, held against HMAC, HKDF and SP 800-108 of other hands, and against a thief."""

from __future__ import annotations

import hashlib
import hmac
import os

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from hypothesis import strategies as st

from privacy_udfs.kernels.arrays import spread
from privacy_udfs.technique import Key
from privacy_udfs.techniques import parse
from privacy_udfs.techniques.tokenize import Tokenize
from privacy_udfs.vault_rows import VaultRows
from tests.helpers.technique_laws import KEY, given

VAULT = "0123456789abcdef" * 2
VALUES = [b"", b"a", b"x" * 31, b"y" * 32, b"z" * 100, b"\x80\x00", b"\x80" * 64, "Zoë".encode()]


def own(role: str) -> bytes:
    return HKDFExpand(hashes.SHA256(), 32, f"lakenym/vault/1/{role}/{VAULT}".encode()).derive(KEY)


def pad(role: str, context: bytes, size: int) -> bytes:
    """SP 800-108 in counter mode, as `cryptography` has it."""
    made = KBKDFHMAC(
        hashes.SHA256(), Mode.CounterMode, size, 4, 4, CounterLocation.BeforeFixed, role.encode(), context, None
    )
    return made.derive(own(f"{role} pad"))


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("size", [16, 17, 32])
def test_rows_are_what_other_hands_make_of_them(size: int) -> None:
    rows, values = VaultRows(KEY, VAULT), pa.array(VALUES, pa.binary())
    made, tokens = rows.made(values, size)
    for at, value in enumerate(VALUES):
        ticket, token = hmac.digest(own("ticket"), value, "sha512"), tokens[at].tobytes()
        assert made.lookup[at].as_py() == ticket[:16]
        assert made.row_key[at].as_py() == hmac.digest(own("row"), token, "sha256")[:16]
        sealed = made.sealed_token[at].as_py()
        salt, tag, hidden = sealed[:16], sealed[16:32], sealed[32:]
        opener = ticket[16:48] + salt
        assert xor(hidden, pad("token", opener, size)) == token
        assert tag == hmac.digest(own("token tag"), opener + hidden, "sha256")[:16]
        sealed = made.sealed_value[at].as_py()
        salt, tag, hidden = sealed[:16], sealed[16:32], sealed[32:]
        filled = value + b"\x80" + bytes(-(len(value) + 1) % 32)
        assert xor(hidden, pad("value", token + salt, len(hidden))) == filled
        assert tag == hmac.digest(own("value tag"), token + salt + hidden, "sha256")[:16]
    assert (rows.tokens(rows.tickets(values), made.sealed_token) == tokens).all()
    assert rows.values(tokens, made.sealed_value).equals(values)  # type: ignore[union-attr]
    carried = rows.carried(values, "1a")
    assert rows.uncarried(carried, "1a").equals(values)  # type: ignore[union-attr]
    key = HKDFExpand(hashes.SHA256(), 32, f"lakenym/vault/1/carried/1a/{VAULT}".encode()).derive(KEY)
    assert [AESGCM(key).decrypt(each[:12], each[12:], b"") for each in carried.to_pylist()] == VALUES


@given(st.lists(st.binary(max_size=70), min_size=1, max_size=6), st.integers(0, 10**6))
def test_what_was_changed_or_is_another_rows_does_not_open(values: list[bytes], at: int) -> None:
    given_values = pa.array(values, pa.binary())
    rows = VaultRows(KEY, VAULT)
    made, tokens = rows.made(given_values, 16)
    one, other = made.sealed_value.to_pylist(), made.sealed_token.to_pylist()
    place = at % len(one[0])
    one[0] = one[0][:place] + bytes([one[0][place] ^ 1]) + one[0][place + 1 :]
    place = at % len(other[0])
    other[0] = other[0][:place] + bytes([other[0][place] ^ 1]) + other[0][place + 1 :]
    assert rows.values(tokens, pa.array(one, pa.binary())) is None
    assert rows.tokens(rows.tickets(given_values), pa.array(other, pa.binary())) is None
    for wrong in (VaultRows(KEY, VAULT[::-1]), VaultRows(KEY[::-1], VAULT)):
        assert wrong.values(tokens, made.sealed_value) is None
        assert wrong.tokens(wrong.tickets(given_values), made.sealed_token) is None
        assert wrong.uncarried(rows.carried(given_values, "1a"), "1a") is None
    assert rows.uncarried(rows.carried(given_values, "1a"), "1b") is None
    assert rows.uncarried(rows.exported(given_values), "1a") is None


@pytest.mark.parametrize("many", [10_000, pytest.param(1_000_000, marks=pytest.mark.sweep)])
def test_a_thief_of_vault_and_keyset_opens_nothing_without_tokens(many: int) -> None:
    """Every way in that vault and key give, tried on each row; with its token each row opens."""
    values = pa.array([hashlib.sha256(str(at).encode()).digest()[:12] for at in range(many)], pa.binary())
    rows = VaultRows(KEY, VAULT)
    made, tokens = rows.made(values, 16)
    found = 0
    for start in range(0, many, 100_000):
        some = slice(start, start + 100_000)
        sealed, sealed_token = made.sealed_value[some], made.sealed_token[some]
        held = np.frombuffer(b"".join(made.row_key[some].to_pylist()), np.uint8).reshape(-1, 16)
        looked_up = np.frombuffer(b"".join(made.lookup[some].to_pylist()), np.uint8).reshape(-1, 16)
        guesses = [held, looked_up, np.frombuffer(os.urandom(held.size), np.uint8).reshape(held.shape)]
        guesses.append(np.roll(tokens[some], 1, axis=0))  # the token of another value
        found += sum(_opened(rows, guess, sealed, values[some]) for guess in guesses)
        by_value = pa.array([each[::-1] for each in values[some].to_pylist()], pa.binary())
        found += int(rows.tokens(rows.tickets(by_value), sealed_token) is not None)
        assert _opened(rows, tokens[some], sealed, values[some]) == len(sealed)
    assert found == 0


def _opened(rows: VaultRows, tokens: np.ndarray, sealed: pa.BinaryArray, values: pa.BinaryArray) -> int:  # type: ignore[type-arg]
    """How many rows give the value, whatever their tags say: a thief looks at the bytes."""
    body = np.frombuffer(b"".join(sealed.to_pylist()), np.uint8).reshape(len(sealed), -1)
    context = np.hstack([tokens, body[:, :16]])
    plain = body[:, 32:] ^ rows._stream(context, np.full(len(sealed), body.shape[1] - 32)).reshape(len(sealed), -1)
    wanted = np.frombuffer(b"".join(values.to_pylist()), np.uint8).reshape(len(sealed), -1)
    return int((plain[:, : wanted.shape[1]] == wanted).all(axis=1).sum())


@pytest.mark.parametrize(
    ("encoding", "bits"), [("base64url", 128), ("hex", 136), ("uuid", 128), ("base64url", 144), ("base64url", 256)]
)
def test_tokens_as_text(encoding: str, bits: int) -> None:
    technique = parse({"technique": "tokenize", "vault": VAULT, "encoding": encoding, "bits": bits, "prefix": "t."})
    assert isinstance(technique, Tokenize)
    values, key = pa.array(["a", None, "bb", "Zoë"]), Key(KEY)
    tickets = technique.apply(values, key).values
    made, _ = VaultRows(KEY, VAULT).made(values.drop_null().cast(pa.binary()), bits // 8)
    held = spread(made.sealed_token, values)
    tokens = technique.redeemed(tickets, held, key)
    assert tokens is not None
    assert tokens.is_null().to_pylist() == [False, True, False, False]
    assert technique.shaped(tokens).to_pylist() == [True, None, True, True]  # type: ignore[union-attr]
    assert technique.row_keys(tokens, key).drop_null().equals(made.row_key)
    back = technique.values(tokens, spread(made.sealed_value, values), key)
    assert back is not None
    assert back.cast(pa.string()).equals(values)
    assert technique.row_keys(pa.array(["a", "t.", None, tokens[0].as_py() + "A"]), key).null_count == 4
    assert technique.redeemed(tickets, pa.nulls(4, pa.binary()), key) is None
    assert technique.values(tokens, pa.nulls(4, pa.binary()), key) is None


def test_a_value_too_long_is_refused() -> None:
    technique = parse({"technique": "tokenize", "vault": VAULT, "on_refused": "null"})
    outcome = technique.apply(pa.array(["x" * 4096, "x" * 4097, None]), KEY)
    assert (outcome.treated, outcome.null, outcome.refused) == (1, 1, 1)
