"""AES-SIV with a key for each row, by each of its ways, against `cryptography` one value at a time."""

from __future__ import annotations

import functools
from importlib.util import find_spec

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from privacy_udfs.kernels.aes import by_key, by_key_native, compiled
from privacy_udfs.kernels.aes.by_key import derived, of_secrets, schedules
from privacy_udfs.kernels.arrays import Bytes
from privacy_udfs.kernels.native import features
from tests.helpers import key_tree_by_hand as by_hand

HELD = by_hand.held()["sealed"]
COUNTS = (1, 2, 3, 4, 5, 7, 8, 9, 17)
LENGTHS = (*range(66), 127, 128, 129, 600)
RNG = np.random.default_rng(5)
SECRETS, BOUND = RNG.integers(0, 256, (17, 32), np.uint8), RNG.integers(0, 256, (17, 32), np.uint8)
KEYS = [by_hand.siv_key(secret.tobytes(), b"siv") for secret in SECRETS]


@functools.cache
def code(wide: int | None) -> by_key_native.Compiled | None:
    return None if wide is None else by_key_native.Compiled(wide)


@pytest.fixture(autouse=True, params=[None, *compiled.WIDTHS], ids=lambda wide: f"{wide} wide" if wide else "loop")
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = request.param
    if wide is not None and (find_spec("llvmlite") is None or not features() >= compiled.WIDTHS[wide]):
        pytest.skip("needs the extra `fast`, and a processor that can")
    monkeypatch.setattr(by_key, "compiled", lambda: code(wide))


def due(row: int, message: Bytes) -> bytes:
    return AESSIV(KEYS[row]).encrypt(message.tobytes(), [BOUND[row].tobytes()])


def test_held_vectors() -> None:
    secret, bound = (np.frombuffer(bytes.fromhex(HELD[name]), np.uint8).reshape(1, 32) for name in ("secret", "bound"))
    made, first = of_secrets(secret, HELD["label"].encode(), bound), np.zeros(1, np.int32)
    for size, token in HELD["by length of 00 01 02 ..."].items():
        message = np.arange(int(size), dtype=np.uint8).reshape(1, -1)
        assert made.seal(first, message).tobytes().hex() == token


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("derive", [True, False])
def test_each_value_is_what_the_reference_gives_and_opens(count: int, derive: bool) -> None:
    keys = np.frombuffer(b"".join(KEYS), np.uint8).reshape(-1, 64)
    made = of_secrets(SECRETS, b"siv", BOUND) if derive else schedules(keys, BOUND)
    index = RNG.permutation(17)[:count].astype(np.int32)
    for length in LENGTHS if count in (5, 17) else (0, 15, 16, 17, 25):
        message = RNG.integers(0, 256, (count, length), np.uint8)
        sealed = made.seal(index, message)
        assert [row.tobytes() for row in sealed] == [due(*each) for each in zip(index.tolist(), message, strict=True)]
        back = made.open(index, sealed)
        assert back is not None
        assert np.array_equal(back, message)


def test_one_key_for_all() -> None:
    key, message = np.frombuffer(KEYS[3], np.uint8).reshape(1, 64), np.arange(17 * 20, dtype=np.uint8).reshape(17, 20)
    sealed = schedules(key, BOUND).seal(np.arange(17, dtype=np.int32), message)
    pairs = zip(message, BOUND, strict=True)
    assert [row.tobytes() for row in sealed] == [
        AESSIV(KEYS[3]).encrypt(each.tobytes(), [bound.tobytes()]) for each, bound in pairs
    ]


def test_equal_values_of_a_subject_are_equal_and_of_two_are_not() -> None:
    message = np.frombuffer(b"same" * 5, np.uint8).reshape(5, 4)
    one, two, three, four, five = of_secrets(SECRETS, b"siv", BOUND).seal(np.array([1, 2, 1, 1, 2], np.int32), message)
    assert one.tolist() == three.tolist() == four.tolist() != two.tolist() == five.tolist()


def test_keys_are_derived() -> None:
    for size, label in ((64, b"siv"), (32, b"gcm"), (16, b"longer"), (96, b"x")):
        made = derived(SECRETS, label, size)
        assert made.shape == (17, size)
        if size == 64:
            assert [row.tobytes() for row in made] == KEYS
    assert derived(SECRETS[:0], b"siv", 64).shape == (0, 64)
    for label in (b"", b"too long"):
        with pytest.raises(ValueError, match="label"):
            derived(SECRETS, label, 64)
        with pytest.raises(ValueError, match="label"):
            of_secrets(SECRETS, label, BOUND)
    with pytest.raises(ValueError, match="whole blocks"):
        derived(SECRETS, b"siv", 20)


@pytest.mark.parametrize("length", [0, 5, 16, 40])
def test_a_changed_token_shows_whatever_its_row(length: int) -> None:
    made, index = of_secrets(SECRETS, b"siv", BOUND), np.arange(17, dtype=np.int32)
    sealed = made.seal(index, np.zeros((17, length), np.uint8))
    for row in range(17):
        changed = sealed.copy()
        changed[row, row % sealed.shape[1]] ^= 1 << row % 8
        assert made.open(index, changed) is None
    assert made.open(np.roll(index, 1), sealed) is None
    assert made.open(index, sealed[:, :15]) is None
    with pytest.raises(InvalidTag):
        AESSIV(KEYS[1]).decrypt(sealed[0].tobytes(), [BOUND[0].tobytes()])


def test_nothing_to_do() -> None:
    made, none = of_secrets(SECRETS[:0], b"siv", BOUND[:0]), np.zeros(0, np.int32)
    assert made.seal(none, np.zeros((0, 5), np.uint8)).shape == (0, 21)
    back = made.open(none, np.zeros((0, 21), np.uint8))
    assert back is not None
    assert back.shape == (0, 5)


def test_compiled_code_is_not_led_astray() -> None:
    if by_key.compiled() is None:
        pytest.skip("of compiled code")
    made = of_secrets(SECRETS[:3], b"siv", BOUND[:3])
    for index in ([3], [-1], [0, 0]):
        with pytest.raises(IndexError):
            made.seal(np.array(index, np.int32), np.zeros((1, 4), np.uint8))
    for secrets, bound in ((SECRETS[:2], BOUND[:3]), (SECRETS[:1], BOUND[:3]), (SECRETS[:, :31], BOUND)):
        with pytest.raises(IndexError):
            of_secrets(secrets, b"siv", bound)
