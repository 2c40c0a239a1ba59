"""FF1 against an independent implementation (libffx), its laws, and what is refused."""

from __future__ import annotations

import functools
from typing import Any

import ffx
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from privacy_udfs.errors import KeyProblem, TokenRefused, TypeRefused, ValueRefused
from privacy_udfs.kernels.aes.block_cipher import BlockCipher
from privacy_udfs.kernels.ff1 import ff1
from privacy_udfs.kernels.ff1.ff1 import FF1, min_length
from privacy_udfs.kernels.ff1.limbs import Limbs
from privacy_udfs.kernels.ff1.one_by_one import PLAIN_UP_TO, OneByOne
from privacy_udfs.kernels.ff1.radix import fold, from_words, numeral_type, padded, to_words, unfold
from privacy_udfs.kernels.ff1.shape import Shape
from privacy_udfs.kernels.ff1.words import Words
from privacy_udfs.techniques.format_preserving_encryption import FormatPreservingEncryption

KEY = bytes(range(32))
RADICES = (2, 3, 10, 16, 36, 62, 255, 256, 257, 1000, 65535, 65536)
TWEAKS = (b"", b"\x00", b"9876543", bytes(range(11)), bytes(16), bytes(range(40)))


def numerals(radix: int, rows: int, length: int, seed: int = 1) -> npt.NDArray[Any]:
    """Random numerals, but all the least in row 0 and all the greatest in row 1."""
    chance = np.random.default_rng(seed)
    matrix = chance.integers(0, radix, (rows, length)).astype(numeral_type(radix))
    matrix[0], matrix[1] = 0, radix - 1
    return matrix


@functools.cache
def letters(radix: int) -> str:
    """An alphabet of that many different characters, across the planes, without surrogates."""
    return "".join(map(chr, [*range(0x21, 0xD800), *range(0xE000, 0x1F000)][-radix:]))


@functools.cache
def ffx_cipher(key: bytes, radix: int) -> ffx.FF1:
    return ffx.FF1(key, alphabet=letters(radix))


def by_ffx(matrix: npt.NDArray[Any], key: bytes, radix: int, tweak: bytes) -> list[list[int]]:
    alphabet, cipher = letters(radix), ffx_cipher(key, radix)
    texts = ("".join(alphabet[numeral] for numeral in row) for row in matrix)
    return [[alphabet.index(letter) for letter in cipher.encrypt(text, tweak=tweak)] for text in texts]


@pytest.mark.parametrize("radix", RADICES)
def test_every_length_is_what_an_independent_ff1_gives(radix: int) -> None:
    shortest = min_length(radix)
    for at, length in enumerate([*range(shortest, 36), 57, 100, 101, 200]):
        if length < shortest:
            continue
        key, tweak = KEY[: (16, 24, 32)[at % 3]], TWEAKS[at % len(TWEAKS)]
        cipher = FF1(key, radix, tweak)
        for rows in (3, 40):  # few values of long halves are Python's integers, more of them limbs
            clear = numerals(radix, rows, length)
            sealed = cipher.encrypt(clear)
            assert sealed[:3].tolist() == by_ffx(clear[:3], key, radix, tweak)
            assert cipher.decrypt(sealed).tolist() == clear.tolist()


def mix(way: ff1.Arithmetic, number: int, a: npt.NDArray[Any], b: npt.NDArray[Any], sign: int) -> npt.NDArray[Any]:
    """A round over a matrix, as many rows at a time as the arithmetic takes."""
    parts = [slice(at, at + way.rows) for at in range(0, len(a), way.rows)]
    return np.concatenate([way.write(way.mix(number, way.read(a[s]), way.read(b[s]), sign), a.shape[1]) for s in parts])


@pytest.mark.parametrize(("radix", "length"), [(10, 16), (10, 17), (2, 64), (36, 40), (62, 301), (300, 7), (65536, 90)])
def test_the_arithmetics_agree(radix: int, length: int) -> None:
    cipher = BlockCipher(KEY)
    shape = Shape.of(cipher, radix, b"tweak", length)
    clear = numerals(radix, 6, length)
    ways: list[ff1.Arithmetic] = [Limbs(cipher, shape, 6), OneByOne(cipher, shape)]
    if shape.b <= Words.MAX_BYTES:
        ways.append(Words(cipher, shape, 6))
    for number in range(10):
        mixed = []
        for way in ways:
            a, b = clear[:, : shape.numerals(number)], clear[:, : length - shape.numerals(number)]
            mixed += [mix(way, number, a, b, sign) for sign in (1, -1)]
        assert all(one.tolist() == other.tolist() for one, other in zip(mixed, mixed[2:], strict=False))


@pytest.mark.parametrize("length", [600, 2459, 2461, 5000, 30_001])
def test_very_long_values(length: int) -> None:
    clear = numerals(10, 2, length)
    cipher = FF1(KEY, 10)
    sealed = cipher.encrypt(clear)
    assert sealed.tolist() == by_ffx(clear, KEY, 10, b"")
    assert cipher.decrypt(sealed).tolist() == clear.tolist()


def plainly(row: list[int], radix: int) -> int:
    number = 0
    for numeral in row:
        number = number * radix + numeral
    return number


@pytest.mark.parametrize("radix", RADICES)
@pytest.mark.parametrize("length", [1, 2, *(PLAIN_UP_TO * n + d for n in (1, 2, 3, 4) for d in (-1, 0, 1)), 1777])
def test_numbers_split_in_two_are_those_of_a_plain_loop(radix: int, length: int) -> None:
    cipher = BlockCipher(KEY)
    way = OneByOne(cipher, Shape.of(cipher, radix, b"", 2 * length))
    rows = numerals(radix, 4, length)
    rows[2, : length * 2 // 3] = 0  # leading zeros, beyond the first part
    rows[3, length // 3 :] = 0
    for row in rows:
        number = way.read(row[np.newaxis])
        assert number == plainly(row.tolist(), radix)
        written = way.write(number, length)
        assert (written.dtype, written.tolist()) == (numeral_type(radix), [row.tolist()])


def test_a_value_of_200_000_digits_comes_back() -> None:
    clear = numerals(10, 3, 200_000)[2:]
    sealed = FF1(KEY, 10).encrypt(clear)
    assert sealed.tolist() != clear.tolist()
    assert FF1(KEY, 10).decrypt(sealed).tolist() == clear.tolist()


def test_it_is_a_permutation_of_its_domain() -> None:
    every = np.arange(10**6)
    text = pc.ascii_lpad(pa.array(every).cast(pa.string()), 6, "0")
    sealed = FormatPreservingEncryption().apply(text, KEY).values
    assert set(pc.binary_length(sealed).unique().to_pylist()) == {6}
    assert np.array_equal(np.sort(sealed.cast(pa.int64()).to_numpy()), every)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_reverting_gives_the_values_back(data: st.DataObject) -> None:
    chars = st.characters(exclude_categories=["Cs"])
    alphabet = data.draw(st.one_of(st.just("digits"), st.lists(chars, min_size=2, max_size=300, unique=True)))
    alphabet = alphabet if isinstance(alphabet, str) else "".join(alphabet)
    drawn = "0123456789" if alphabet == "digits" else alphabet
    preserve = "".join(set(data.draw(st.text(chars, max_size=4))) - set(drawn))
    technique = FormatPreservingEncryption(
        alphabet=alphabet, preserve=preserve, tweak=data.draw(st.binary(max_size=40)).hex(), on_refused="null"
    )
    value = st.text(st.sampled_from(drawn + preserve), max_size=60)
    values = pa.array(data.draw(st.lists(st.none() | value, max_size=20)), pa.string())
    outcome = technique.apply(values, KEY)
    assert outcome.values.type == pa.string()
    shortest = min_length(len(drawn))
    for was, became, back in zip(values, outcome.values, technique.revert(outcome.values, KEY), strict=True):
        text = was.as_py()
        if text is None or sum(char not in preserve for char in text) < shortest:
            assert became.as_py() is None
            continue
        assert back.as_py() == text
        assert len(became.as_py()) == len(text)
        assert [c for c in became.as_py() if c in preserve] == [c for c in text if c in preserve]
    short = sum(v is not None and sum(c not in preserve for c in v) < shortest for v in values.to_pylist())
    assert outcome.refused == short


@settings(deadline=None, max_examples=30)
@given(st.lists(st.none() | st.text("0123456789-", max_size=40), max_size=30), st.integers(0, 30))
def test_a_batch_split_anywhere_gives_the_same(values: list[str | None], at: int) -> None:
    technique = FormatPreservingEncryption(preserve="-", on_refused="null")
    batch = pa.array(values, pa.string())
    parts = [technique.apply(part, KEY).values for part in (batch.slice(0, at), batch.slice(at))]
    assert technique.apply(batch, KEY).values.equals(pa.concat_arrays(parts))


@pytest.mark.parametrize("alphabet", ["digits", "0123456789é"])
def test_what_cannot_be_treated_is_refused_and_leaves_no_trace(alphabet: str) -> None:
    malformed = pa.array([b"12\xff456"], pa.binary()).view(pa.string())
    values = pa.concat_arrays([pa.array(["12345", "canary", "1234567", None, ""]), malformed])
    technique = FormatPreservingEncryption(alphabet=alphabet, on_refused="null")
    outcome = technique.apply(values, KEY)
    assert (outcome.treated, outcome.null, outcome.refused) == (1, 1, 4)
    assert outcome.values.is_valid().to_pylist() == [False, False, True, False, False, False]
    assert not any(b"canary" in (buffer or pa.py_buffer(b"")).to_pybytes() for buffer in outcome.values.buffers())
    with pytest.raises(ValueRefused, match="4 of 6") as caught:
        FormatPreservingEncryption(alphabet=alphabet).apply(values, KEY)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("radix", RADICES)
def test_the_least_domain_is_a_million(radix: int) -> None:
    shortest = min_length(radix)
    assert radix**shortest >= 10**6
    assert shortest == 2 or radix ** (shortest - 1) < 10**6
    technique = FormatPreservingEncryption(alphabet=letters(radix), on_refused="null")
    values = pa.array([letters(radix)[0] * size for size in (shortest - 1, shortest)])
    assert technique.apply(values, KEY).values.is_valid().to_pylist() == [False, True]


@pytest.mark.parametrize("kind", [pa.int64(), pa.binary(), pa.float64(), pa.bool_(), pa.date32()])
def test_only_text_is_taken(kind: pa.DataType) -> None:
    with pytest.raises(TypeRefused, match="cast numbers to text"):
        FormatPreservingEncryption().apply(pa.nulls(1, kind), KEY)


@pytest.mark.parametrize(
    "parameters",
    [
        {"alphabet": "a"},
        {"alphabet": "aba"},
        {"alphabet": ""},
        {"alphabet": "a\ud800"},
        {"alphabet": letters(65536) + "!"},
        {"tweak": "abc"},
        {"tweak": "zz"},
        {"tweak": "+1"},
        {"preserve": "-5"},
        {"preserve": "\udfff"},
        {"alphabet": 10},
    ],
)
def test_parameters_that_cannot_be(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FormatPreservingEncryption.model_validate(parameters)


@pytest.mark.parametrize("size", [0, 15, 31, 33, 64])
def test_keys_of_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(KeyProblem):
        FormatPreservingEncryption().apply(pa.array(["123456"]), bytes(size))


def test_tweaks_and_keys_give_different_pseudonyms() -> None:
    values = pa.array(["1234567890123456"])
    treatments = [FormatPreservingEncryption(tweak=tweak) for tweak in ("", "00", "0000")]
    got = {t.apply(values, key).values[0].as_py() for t in treatments for key in (KEY, KEY[:16], bytes(32))}
    assert len(got) == 9
    assert FormatPreservingEncryption(tweak="ABCD") == FormatPreservingEncryption(tweak="abcd")


@pytest.mark.parametrize("token", ["12345", "12a4567", ""])
def test_what_is_no_pseudonym_is_not_reverted(token: str) -> None:
    with pytest.raises(TokenRefused):
        FormatPreservingEncryption().revert(pa.array(["123456", token]), KEY)


@settings(deadline=None)
@given(st.sampled_from([2, 10, 36, 256, 257, 65536]), st.integers(1, 30), st.integers(0, 2**32))
def test_numbers_and_numerals(radix: int, length: int, seed: int) -> None:
    matrix = np.random.default_rng(seed).integers(0, radix, (3, length)).astype(numeral_type(radix))
    wide = padded(matrix, 8 // matrix.itemsize)
    levels = 3 if radix <= 256 else 2
    assert unfold(fold(wide, radix, levels), radix, levels).tolist() == wide.tolist()
    if radix**length < 1 << 63:
        numbers = to_words(matrix, radix)
        assert numbers.tolist() == [sum(int(x) * radix**i for i, x in enumerate(row[::-1])) for row in matrix]
        assert from_words(numbers, radix, length).tolist() == matrix.tolist()
