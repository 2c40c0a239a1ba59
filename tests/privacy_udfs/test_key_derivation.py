"""Sub-keys: what is derived, what is used as it is, and how an auditor repeats it."""

from __future__ import annotations

import dataclasses
import itertools
import re

import pyarrow as pa
import pytest

import privacy_udfs
from privacy_udfs import Technique
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Keyset, key_check_value
from privacy_udfs.keysets.key_derivation import CHECK_INFO, INFO
from privacy_udfs.keysets.key_types import KEY_TYPES
from privacy_udfs.keysets.keyset_versions import added
from privacy_udfs.techniques import BY_NAME
from privacy_udfs.techniques.keep import Keep
from tests.helpers.key_helpers import CMAC, GCM, HASH, RAW_SIV, SIV
from tests.helpers.page_examples import python_example


@pytest.mark.parametrize("type_name", ["HkdfPrfKey", "HmacPrfKey"])
def test_subkeys_differ_by_technique_domain_and_version(type_name: str) -> None:
    keyset, second = added(Keyset.generate(type_name))
    techniques = [HASH, SIV, GCM]
    subkeys = [
        keyset.subkey(technique, domain, key_id)
        for technique in techniques
        for domain in ("customer", "customer/", "Customer", "email")
        for key_id in (keyset.primary_id, second)
    ]
    assert len({key.material for key in subkeys}) == len({key_check_value(key) for key in subkeys}) == len(subkeys)
    assert keyset.subkey(HASH, "customer") == keyset.subkey(HASH, "customer", keyset.primary_id)
    assert {key.id for key in subkeys} == {keyset.primary_id, second}


def test_domains_share_nothing() -> None:
    """Sub-keys of 2,000 domains agree in half their bits, as random ones do: within six standard deviations."""
    keyset = Keyset.generate()
    subkeys = [int.from_bytes(keyset.subkey(HASH, f"domain{n}").material, "big") for n in range(2000)]
    pairs = list(itertools.pairwise(subkeys))
    agreeing = sum(256 - (a ^ b).bit_count() for a, b in pairs)
    expected, deviation = 128 * len(pairs), (64 * len(pairs)) ** 0.5
    assert abs(agreeing - expected) < 6 * deviation
    ones = [sum(key >> place & 1 for key in subkeys) for place in range(256)]
    assert all(abs(count - 1000) < 6 * 500**0.5 for count in ones)


def test_the_check_value_says_nothing_else() -> None:
    key = Keyset.generate().subkey(HASH, "customer")
    assert len(key_check_value(key)) == 16
    assert bytes.fromhex(key_check_value(key)) not in key.material
    assert key_check_value(key) != key_check_value(dataclasses.replace(key, material=key.material[::-1]))


def test_no_domain_has_the_check_value_for_its_subkey() -> None:
    """What is derived for a technique has two more parts after the version, what the check value comes of has one."""
    names = [info.split("/") for info in (CHECK_INFO.decode(), INFO.format(technique="t", domain="a/b"))]
    assert len(names[0]) == 3 < len(names[1])
    assert names[0][:2] == names[1][:2] == ["lakenym", "1"]
    assert not any("/" in technique for technique in BY_NAME)


def test_no_key_is_short_enough_to_be_found_by_its_check_value() -> None:
    """To try all keys of 128 bits is out of reach whether or not one knows 64 bits that tell the right one."""
    assert all(min(kind.sizes) >= 16 for kind in KEY_TYPES.values())


def with_prefix(keyset: Keyset, prefix: str) -> Keyset:
    entry = dataclasses.replace(keyset.primary, output_prefix=prefix)  # type: ignore[arg-type]
    return dataclasses.replace(keyset, entries=(entry,))


@pytest.mark.parametrize(
    ("type_name", "prefix", "technique"),
    [
        ("AesSivKey", "TINK", SIV),
        ("AesSivKey", "RAW", RAW_SIV),
        ("AesGcmKey", "TINK", GCM),
        ("AesSivKey", "CRUNCHY", SIV),
        ("AesGcmKey", "LEGACY", GCM),
        ("AesCmacPrfKey", "RAW", CMAC),
        ("HmacKey", "TINK", HASH),
        ("HmacKey", "RAW", HASH),
        ("HmacKey", "CRUNCHY", HASH),
    ],
)
def test_a_key_of_the_algorithms_own_type_is_used_as_it_is(type_name: str, prefix: str, technique: Technique) -> None:
    keyset = with_prefix(Keyset.generate(type_name), prefix)
    key = keyset.subkey(technique, "customer")
    assert (key.material, key.id) == (keyset.primary.secret().key, keyset.primary_id)


@pytest.mark.parametrize(
    ("type_name", "prefix", "technique", "reason"),
    [
        ("AesSivKey", "TINK", HASH, "AesSivKey serves deterministic_encryption only"),
        ("AesGcmKey", "TINK", SIV, "AesGcmKey serves randomized_encryption only, not deterministic_encryption"),
        ("AesCmacPrfKey", "RAW", HASH, "HMAC-SHA-256 does not take a AesCmacPrfKey"),
        ("HmacKey", "TINK", CMAC, "AES-CMAC does not take a HmacKey of SHA256"),
        ("HmacKey", "LEGACY", HASH, "LEGACY prefix changes what is hashed"),
        ("AesSivKey", "RAW", SIV, "prefix RAW needs output_prefix: raw, but deterministic_encryption has tink"),
        ("AesSivKey", "TINK", RAW_SIV, "prefix TINK needs output_prefix: tink, but deterministic_encryption has raw"),
        ("AesSivKey", "CRUNCHY", RAW_SIV, "prefix CRUNCHY needs output_prefix: tink"),
        ("HkdfPrfKey", "RAW", Keep(), "keep takes no key"),
    ],
)
def test_a_key_that_does_not_fit_is_refused(type_name: str, prefix: str, technique: Technique, reason: str) -> None:
    keyset = with_prefix(Keyset.generate(type_name), prefix)
    with pytest.raises(KeyProblem, match=reason):
        keyset.subkey(technique, "customer")


def test_an_auditor_repeats_the_derivation_with_the_standard_library() -> None:
    """The example of docs/keys.md runs without any package, prints what the page says, and says what the code does."""
    code, shown = python_example("keys.md")
    keyset = Keyset.from_json(re.findall(r'json.loads\("""(.*?)"""', code, re.DOTALL)[0])
    key = keyset.subkey(HASH, "customer")
    pseudonym = privacy_udfs.apply(HASH, pa.array(["C-1001"]), key)[0].as_py()
    assert [line.split()[-1] for line in shown] == [key.material.hex(), key_check_value(key), pseudonym]
