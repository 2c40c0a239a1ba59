"""Keysets, sub-keys and references: what is refused, what is derived, and what never shows."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import logging
import os
import pickle
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import privacy_udfs
from privacy_udfs import Technique, keys
from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_types import KEY_TYPES
from privacy_udfs.keys import KeyReference, Keyset, KeysetEntry, create_file, key_check_value, load_keyset
from privacy_udfs.keyset_cache import KeysetCache
from privacy_udfs.keyset_versions import added, destroyed, disabled, enabled, promoted
from privacy_udfs.techniques.deterministic_encryption import DeterministicEncryption
from privacy_udfs.techniques.keep import Keep
from privacy_udfs.techniques.keyed_hash import KeyedHash
from privacy_udfs.techniques.randomized_encryption import RandomizedEncryption

HASH = KeyedHash()
CMAC = KeyedHash(algorithm="AES-CMAC")
SIV, RAW_SIV = DeterministicEncryption(), DeterministicEncryption(output_prefix="raw")
GCM = RandomizedEncryption()


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    keys.clear_cache()


def secrets_of(keyset: Keyset) -> list[bytes]:
    """The forms in which a key could leak: raw, hex and base64 of it, in pieces."""
    raw = [entry.secret().key for entry in keyset.entries if entry.value]
    data = [key["keyData"]["value"].encode() for key in json.loads(keyset.to_json())["key"] if "keyData" in key]
    forms = [form for key in raw for form in (key, key.hex().encode(), repr(key)[2:-1].encode())]
    return [form[:12] for form in forms] + [form[-20:-8] for form in (*forms, *data)]


def assert_silent(text: str, keyset: Keyset) -> None:
    found = text.encode("utf-8", "backslashreplace")
    assert not any(secret in found for secret in secrets_of(keyset))


def edited(change: Callable[[dict[str, Any]], None], keyset: Keyset | None = None) -> str:
    data = json.loads((keyset or Keyset.generate()).to_json())
    change(data)
    return json.dumps(data)


def nothing(_: dict[str, Any]) -> None:
    pass


def set_key(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["key"][0].update(fields)


def set_data(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["key"][0]["keyData"].update(fields)


REFUSED = {
    "empty object": ("{}", "it has no key"),
    "no keys": (edited(lambda data: data.update(key=[])), "it has no key"),
    "no JSON": ("primaryKeyId: 7", "it is not JSON"),
    "empty": ("", "it is not JSON"),
    "binary": (b"\xff\xfe\x00\x80", "it is not JSON"),
    "a list": ("[]", "is not a JSON object"),
    "deep": ("[" * 100_000, "it is not JSON"),
    "a name twice": ('{"primaryKeyId": 1, "primaryKeyId": 1}', "one name twice"),
    "no primary": (edited(lambda data: data.pop("primaryKeyId")), "its primary is none of its keys"),
    "another primary": (edited(lambda data: data.update(primaryKeyId=5)), "its primary is none of its keys"),
    "primary disabled": (edited(set_key(status="DISABLED")), "is disabled"),
    "duplicate id": (edited(lambda data: data["key"].append(data["key"][0])), "two of its keys have one id"),
    "unknown field": (edited(lambda data: data.update(created=1)), "a field that Tink's keysets do not have"),
    "unknown status": (edited(set_key(status="ACTIVE")), "key number 1 lacks one of ENABLED"),
    "unknown prefix": (edited(set_key(outputPrefixType="UNKNOWN_PREFIX")), "no known output prefix"),
    "no data": (edited(lambda data: data["key"][0].pop("keyData")), "holds no key"),
    "empty value": (edited(set_data(value="")), "holds no key"),
    "bad base64": (edited(set_data(value="?" * 44)), "the value of key number 1 is not base64"),
    "base64 of nothing": (edited(set_data(value="AAAA")), "unknown field number 0"),
    "truncated": (edited(set_data(value="EgQIAxIAGiA=")), "a field is cut short"),
    "weak": (edited(set_data(value="EgIIAxoQAAAAAAAAAAAAAAAAAAAAAA==")), "a size that its type does not allow"),
    "no hash": (edited(set_data(value="GiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==")), "its hash function"),
    "id as text": (edited(set_key(keyId="7")), "keyId is not of the right kind"),
    "id as truth": (edited(set_key(keyId=True)), "keyId is not of the right kind"),
    "id too large": (edited(lambda d: (d.update(primaryKeyId=1 << 32), set_key(keyId=1 << 32)(d))), "between 1 and"),
    "destroyed with its key": (
        edited(lambda d: d["key"].append({**d["key"][0], "keyId": 3, "status": "DESTROYED"})),
        "still holds its key",
    ),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_malformed_keysets_are_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(KeyProblem, match=reason) as caught:
        Keyset.from_json(text)
    assert caught.value.__context__ is None  # nothing that quotes the text hangs on to it
    values = [key.get("keyData", {}).get("value", "") for key in _keys_of(text)]
    assert not any(value and value[:8] in str(caught.value) for value in values)


def _keys_of(text: str | bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
        return list(found["key"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


WHOLE = [added(Keyset.generate(type_name))[0] for type_name in KEY_TYPES]


@given(st.data())
def test_damaged_keysets_are_read_or_refused_in_silence(data: st.DataObject) -> None:
    """Any change of any byte, in both forms: a keyset or a `KeyProblem` that holds nothing of the key."""
    whole = data.draw(st.sampled_from(WHOLE))
    for content, read in ((whole.to_json().encode(), Keyset.from_json), (whole.to_binary(), Keyset.from_binary)):
        at = data.draw(st.integers(0, 10_000)) % len(content)
        damaged = content[:at] + data.draw(st.binary(max_size=3)) + content[at + data.draw(st.integers(0, 3)) :]
        try:
            read(damaged)
        except KeyProblem as error:
            assert_silent("".join(traceback.format_exception(error)), whole)


@pytest.mark.parametrize("type_name", KEY_TYPES)
def test_no_text_of_a_keyset_shows_it(type_name: str) -> None:
    keyset = added(Keyset.generate(type_name))[0]
    shown = [repr(keyset), str(keyset), f"{keyset.entries}", repr(keyset.primary), repr(keyset.primary.secret())]
    for text in shown:
        assert_silent(text, keyset)
    assert f"{keyset.primary_id}* {type_name} ENABLED" in repr(keyset)


def test_a_keyset_never_travels() -> None:
    keyset = Keyset.generate()
    for thing in (keyset, keyset.primary):
        for way in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(KeyProblem, match="never travels"):
                way(thing)


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


def test_states_are_honoured() -> None:
    keyset, second = added(Keyset.generate())
    keyset = promoted(keyset, second)
    first = keyset.entries[0].id
    before = keyset.subkey(HASH, "customer", first)
    assert before.id == first
    assert keyset.subkey(HASH, "customer").id == second
    for gone, word in ((disabled(keyset, first), "disabled"), (destroyed(keyset, first), "destroyed")):
        with pytest.raises(KeyProblem, match=f"key id {first} is {word}"):
            gone.subkey(HASH, "customer", first)
    assert enabled(disabled(keyset, first), first).subkey(HASH, "customer", first) == before
    with pytest.raises(KeyProblem, match="the keyset has no key id 5"):
        keyset.subkey(HASH, "customer", 5)


@pytest.mark.parametrize("step", [disabled, destroyed])
def test_the_primary_stays(step: Callable[[Keyset, int], Keyset]) -> None:
    keyset = Keyset.generate()
    with pytest.raises(KeyProblem, match="is the primary: promote another one first"):
        step(keyset, keyset.primary_id)


def test_destroyed_is_for_ever() -> None:
    keyset, second = added(Keyset.generate())
    secret = keyset.entry(second).value
    keyset = destroyed(keyset, second)
    assert secret not in keyset.to_binary()
    for step in (enabled, disabled, promoted, destroyed):
        with pytest.raises(KeyProblem, match="is destroyed"):
            step(keyset, second)


def with_prefix(keyset: Keyset, prefix: str) -> Keyset:
    entry = dataclasses.replace(keyset.primary, output_prefix=prefix)  # type: ignore[arg-type]
    return dataclasses.replace(keyset, entries=(entry,))


@pytest.mark.parametrize(
    ("type_name", "prefix", "technique"),
    [
        ("AesSivKey", "TINK", SIV),
        ("AesSivKey", "RAW", RAW_SIV),
        ("AesGcmKey", "TINK", GCM),
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
        ("AesSivKey", "RAW", SIV, "writes the TINK prefix, but the key has the prefix RAW"),
        ("AesSivKey", "TINK", RAW_SIV, "writes the RAW prefix, but the key has the prefix TINK"),
        ("AesSivKey", "CRUNCHY", SIV, "the key has the prefix CRUNCHY"),
        ("AesGcmKey", "LEGACY", GCM, "the key has the prefix LEGACY"),
        ("HkdfPrfKey", "RAW", Keep(), "keep takes no key"),
    ],
)
def test_a_key_that_does_not_fit_is_refused(type_name: str, prefix: str, technique: Technique, reason: str) -> None:
    keyset = with_prefix(Keyset.generate(type_name), prefix)
    with pytest.raises(KeyProblem, match=reason):
        keyset.subkey(technique, "customer")


def test_a_foreign_type_is_carried_along_and_not_used() -> None:
    text = edited(set_data(typeUrl="type.googleapis.com/google.crypto.tink.ChaCha20Poly1305Key", value="GiAA"))
    keyset = Keyset.from_json(text)
    assert json.loads(keyset.to_json()) == json.loads(text)
    with pytest.raises(KeyProblem, match="its type is not one of HkdfPrfKey"):
        keyset.subkey(HASH, "customer")


# -- files and references ---------------------------------------------------------------------------------------------


def reference(path: Path, technique: Technique = HASH, domain: str = "customer") -> KeyReference:
    keyset = load_keyset(f"file:{path}")
    return KeyReference("crm", f"file:{path}", None, keyset.primary_id, technique, domain)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    create_file(tmp_path / "crm.json")
    return tmp_path / "crm.json"


def test_a_new_file_is_its_owners_only_and_never_overwritten(tmp_path: Path) -> None:
    path, mask = tmp_path / "crm.json", os.umask(0)
    try:
        create_file(path)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    with pytest.raises(KeyProblem, match="exists already"):
        create_file(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_reference_travels_and_resolves(file: Path) -> None:
    ref = reference(file)
    keyset = load_keyset(ref.keyset)
    assert pickle.loads(pickle.dumps(ref)).resolve() == keyset.subkey(HASH, "customer")
    assert repr(ref) == f"KeyReference(name='crm', key_id={ref.key_id}, technique='keyed_hash', domain='customer')"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert_silent(repr(pickle.dumps(ref, protocol)), keyset)
    assert ref.resolve().material not in pickle.dumps(ref)


def test_a_problem_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(KeyProblem, match=r"key crm: file:.*: cannot be read: No such file") as caught:
        KeyReference("crm", f"file:{tmp_path}/none.json", None, 1, HASH, "customer").resolve()
    assert caught.value.__context__ is None


def test_clear_keysets_warn_once(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    name = f"crm-{os.urandom(4).hex()}"
    with caplog.at_level(logging.WARNING, "lakenym.keys"):
        for _ in range(3):
            keyset = load_keyset(f"file:{file}", name=name)
    assert caplog.messages == [f"key {name}: its keyset is not encrypted; this is for development only"]
    assert_silent(caplog.text, keyset)


def test_encrypted_and_clear_are_not_taken_for_each_other(file: Path, tmp_path: Path) -> None:
    create_file(tmp_path / "kek.json", "AesGcmKey")
    with pytest.raises(KeyProblem, match="is not an encrypted one, but a kek is named"):
        load_keyset(f"file:{file}", f"file:{tmp_path}/kek.json")


# -- the cache --------------------------------------------------------------------------------------------------------


class Counted:
    """A loader that counts and takes its time, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.loads = 0
        self.now = 0.0
        self.cache = KeysetCache(self.load, 300, lambda: self.now)

    def load(self, name: str, uri: str, kek: str | None) -> Keyset:
        self.loads += 1
        if uri == "env:BROKEN":
            raise KeyProblem("broken")
        time.sleep(0.05)
        return dataclasses.replace(Keyset.generate(), primary_id=7, entries=(KeysetEntry.generate("HkdfPrfKey", 7),))

    def get(self, uri: str, kek: str | None = None, name: str = "crm", key_id: int = 7) -> Keyset:
        return self.cache.get(name, uri, kek, key_id)


def test_threads_share_one_load() -> None:
    counted, found = Counted(), []
    together = threading.Barrier(32)

    def use() -> None:
        together.wait()
        found.append(counted.get("env:A"))

    threads = [threading.Thread(target=use) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted.loads == 1
    assert len(found) == 32
    assert len({id(keyset) for keyset in found}) == 1


def test_time_to_live() -> None:
    counted = Counted()
    first = counted.get("env:A")
    counted.now = 299.9
    assert counted.get("env:A", name="other name") is first
    counted.now = 300.0
    assert counted.get("env:A") is not first
    assert counted.loads == 2
    assert counted.get("env:A", "env:KEK") is not counted.get("env:B")
    assert counted.loads == 4


def test_a_failed_load_is_tried_again_and_leaves_nothing_old() -> None:
    counted = Counted()
    for _ in range(2):
        with pytest.raises(KeyProblem, match="broken"):
            counted.get("env:BROKEN")
    assert counted.loads == 2


def test_a_version_made_meanwhile_is_asked_for(file: Path) -> None:
    reference(file).resolve()
    newer, made = added(load_keyset(f"file:{file}"))
    file.write_text(newer.to_json())
    ref = dataclasses.replace(reference(file), key_id=made)
    assert ref.resolve() == newer.subkey(HASH, "customer", made)
    with pytest.raises(KeyProblem, match="key crm: the keyset has no key id 5"):
        dataclasses.replace(ref, key_id=5).resolve()


def test_references_to_one_keyset_load_it_once(file: Path) -> None:
    refs = [reference(file, domain=f"domain{n}") for n in range(5)]
    first = [ref.resolve() for ref in refs]
    file.unlink()  # whoever went back to the file would fail
    assert [ref.resolve() for ref in refs] == first
    keys.clear_cache()
    with pytest.raises(KeyProblem, match="No such file"):
        refs[0].resolve()


def test_a_forked_child_loads_its_own(file: Path) -> None:
    """Also when another thread of the parent held the lock: the child would wait for a thread that it does not have."""
    ref = reference(file)
    expected = ref.resolve()
    with keys._cache._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            os._exit(0 if ref.resolve() == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_entries_say_what_they_are() -> None:
    entry = Keyset.generate("AesSivKey").primary
    assert isinstance(entry, KeysetEntry)
    assert (entry.status, entry.type, entry.output_prefix) == ("ENABLED", "AesSivKey", "TINK")


# -- the documentation ------------------------------------------------------------------------------------------------


def test_an_auditor_repeats_the_derivation_with_the_standard_library() -> None:
    """The example of docs/keys.md runs without any package, prints what the page says, and says what the code does."""
    page = (Path(__file__).parents[1] / "docs" / "keys.md").read_text(encoding="utf-8")
    code, output = (re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)[0] for kind in ("python", "text"))
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == output
    keyset = Keyset.from_json(re.findall(r'json.loads\("""(.*?)"""', code, re.DOTALL)[0])
    key = keyset.subkey(HASH, "customer")
    pseudonym = privacy_udfs.apply(HASH, pa.array(["C-1001"]), key)[0].as_py()
    assert [line.split()[-1] for line in output.splitlines()] == [key.material.hex(), key_check_value(key), pseudonym]
