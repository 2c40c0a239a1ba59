"""References to keys: files, what travels, and the cache of a process."""

from __future__ import annotations

import dataclasses
import logging
import os
import pickle
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from privacy_udfs import key_providers, keys
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Key, KeyReference, Keyset, KeysetEntry, create_file, key_check_value, load_keyset
from privacy_udfs.keysets import encrypted_keysets
from privacy_udfs.keysets.keyset_cache import KeysetCache
from privacy_udfs.keysets.keyset_versions import added
from tests.helpers.key_helpers import HASH, assert_silent, reference


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    keys.clear_cache()
    yield
    keys.clear_cache()


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
        KeyReference("crm", f"file:{tmp_path}/none.json", None, 1, HASH, "customer", "00" * 8).resolve()
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

    def get(self, uri: str, kek: str | None = None, name: str = "crm") -> Key:
        return self.cache.use(name, uri, kek, lambda keyset: keyset.subkey(HASH, "customer"))


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
    assert len({key.material for key in found}) == 1


def test_time_to_live() -> None:
    counted = Counted()
    first = counted.get("env:A")
    counted.now = 299.9
    assert counted.get("env:A", name="other name") == first
    counted.now = 300.0
    assert counted.get("env:A") != first
    assert counted.loads == 2
    assert counted.get("env:A", "env:KEK") != counted.get("env:B")
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
    expected = newer.subkey(HASH, "customer", made)
    ref = dataclasses.replace(reference(file), key_id=made, check=key_check_value(expected))
    assert ref.resolve() == expected
    with pytest.raises(KeyProblem, match="key crm: the keyset has no key id 5"):
        dataclasses.replace(ref, key_id=5).resolve()


def with_other_bytes(file: Path) -> Keyset:
    """The keyset in the file is replaced by one of the same ids and states, with other keys."""
    before = load_keyset(f"file:{file}")
    entries = tuple(KeysetEntry.generate(entry.type, entry.id) for entry in before.entries)
    after = Keyset(before.primary_id, entries)
    file.write_text(after.to_json())
    return after


def test_other_bytes_under_the_same_id_are_refused(file: Path) -> None:
    ref = reference(file)
    before, after = load_keyset(ref.keyset), with_other_bytes(file)
    with pytest.raises(KeyProblem, match=f"key crm: key id {ref.key_id} has other bytes here") as caught:
        ref.resolve()
    for keyset in (before, after):
        assert_silent(f"{caught.value!r} {caught.value}", keyset)
    assert caught.value.__context__ is None


def test_the_cache_serves_no_key_that_was_replaced(file: Path) -> None:
    """A worker lives longer than a run: the next one's key may have other bytes, told by their check value."""
    old = reference(file)
    old.resolve()
    after = with_other_bytes(file)
    assert reference(file).resolve() == after.subkey(HASH, "customer")
    with pytest.raises(KeyProblem, match="has other bytes here"):
        old.resolve()
    assert reference(file).resolve() == after.subkey(HASH, "customer")


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


# -- what it costs ----------------------------------------------------------------------------------------------------

START_UP = """
import sys, time
import pyarrow  # which Spark's functions need anyway
start = time.process_time()
from privacy_udfs.keys import refer
from privacy_udfs.techniques import parse
technique = parse({"technique": "keyed_hash"})
for domain in ("customer", "email"):
    refer("crm", *sys.argv[1:3], technique, domain).resolve()
print(time.process_time() - start)
print(*sorted({"boto3", "botocore", "hvac", "requests", "pyspark"} & set(sys.modules)))
"""


def test_keys_of_a_local_provider_are_there_in_less_than_a_second(tmp_path: Path) -> None:
    """Imports, an encrypted keyset fetched twice (once as the driver, once as a worker does), two sub-keys derived."""
    create_file(tmp_path / "kek.json", "AesGcmKey")
    kek = f"file:{tmp_path}/kek.json"
    sealed = encrypted_keysets.seal(Keyset.generate(), key_providers.kek(kek))
    key_providers.create(f"file:{tmp_path}/crm.json", sealed.encode())
    command = [sys.executable, "-c", START_UP, f"file:{tmp_path}/crm.json", kek]
    seconds, clients = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert float(seconds) < 1
    assert clients == "", "clients of services are imported where one is used"
