"""Where key material comes from: the door to it, files and variables. Services: test_aws_kms and others."""

from __future__ import annotations

import concurrent.futures
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from privacy_udfs import key_providers
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Keyset, create_file, load_keyset
from privacy_udfs.keysets import encrypted_keysets
from tests.helpers.key_servers import SECRET, problem


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("fil:/x", "no keyset can be read from fil:; expected one of file:, env:, vault:; did you mean file:?"),
        ("/etc/crm.json", "no keyset can be read from an address without a scheme"),
        ("aws-kms://alias/lake", "no keyset can be read from aws-kms:"),
        ("", "no keyset can be read from an address without a scheme"),
    ],
)
def test_an_unknown_scheme_is_refused(uri: str, expected: str) -> None:
    assert expected in problem(lambda: key_providers.fetch(uri))


def test_other_doors_refuse_too() -> None:
    assert "did you mean aws-kms:?" in problem(lambda: key_providers.kek("aws-km://alias/lake"))
    assert "did you mean gcp-kms:?" in problem(lambda: key_providers.kek("gcp_kms://projects/p"))
    assert "no keyset can be written to env:" in problem(lambda: key_providers.create("env:X", b""))
    assert "no keyset can be written to env:" in problem(lambda: key_providers.replace("env:X", b"", b""))


def test_no_client_of_a_service_is_imported_until_used() -> None:
    clients = "{'boto3', 'botocore', 'hvac', 'requests', 'google.auth', 'google_crc32c', 'azure'}"
    code = f"import sys, privacy_udfs.keys; print(sorted({clients} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_client_says_what_to_install() -> None:
    expected = r"no_such_client is not installed: pip install 'lakenym\[aws\]'"
    with pytest.raises(KeyProblem, match=expected):
        key_providers.aws_kms.client_library.load("no_such_client", "aws")


# -- file: and env: ---------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "crm.json"
    path.write_text(SECRET)
    path.chmod(0o600)
    return path


def test_a_file_is_read_by_every_form_of_its_address(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    link = file.with_name("link.json")
    link.symlink_to(file)
    for uri in (f"file:{file}", f"file://{file}", "file:crm.json", "file:./crm.json", f"file:{link}"):
        assert key_providers.fetch(uri) == SECRET.encode()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o644, 0o601, 0o777])
def test_a_file_open_to_others_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    link = file.with_name("link.json")
    link.symlink_to(file)
    for path in (file, link):
        message = problem(lambda path=path: key_providers.fetch(f"file:{path}"))
        assert f"others than its owner can reach it (mode {mode:04o}): chmod 600 {path}" in message


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    for name in ("pipe", "folder"):
        assert "not a plain file" in problem(lambda name=name: key_providers.fetch(f"file:{tmp_path}/{name}"))
    assert "No such file" in problem(lambda: key_providers.fetch(f"file:{tmp_path}/none"))
    assert "needs a path" in problem(lambda: key_providers.fetch("file:"))
    assert "a host has no place here" in problem(lambda: key_providers.fetch("file://host/crm.json"))


def test_a_file_too_large_is_refused(file: Path) -> None:
    file.write_bytes(b" " * (1 << 20))
    assert len(key_providers.fetch(f"file:{file}")) == 1 << 20
    file.write_bytes(b" " * ((1 << 20) + 1))
    assert "larger than 1048576 bytes" in problem(lambda: key_providers.fetch(f"file:{file}"))


def test_a_file_is_replaced_whole_and_by_one_writer(file: Path) -> None:
    link = file.with_name("link.json")
    link.symlink_to(file)
    key_providers.replace(f"file:{link}", b"new", SECRET.encode())
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == ["crm.json", "link.json"]
    message = problem(lambda: key_providers.replace(f"file:{file}", b"newer", b"old"))
    assert "another writer changed it meanwhile; nothing was written" in message
    assert file.read_bytes() == b"new"


def test_of_many_writers_one_wins(file: Path) -> None:
    """40 increments by 8 threads: each step is won by one writer, and none is lost."""
    file.write_bytes(b"0")

    def increment(_: int) -> int:
        for attempt in range(1000):
            before = key_providers.fetch(f"file:{file}")
            try:
                key_providers.replace(f"file:{file}", str(int(before) + 1).encode(), before)
            except KeyProblem:
                continue
            return attempt
        raise AssertionError("never won")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(increment, range(40)))
    assert file.read_bytes() == b"40"
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    message = problem(lambda: create_file(tmp_path / "none" / "crm.json"))
    assert "cannot be written: No such file or directory" in message


def test_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_KEYSET", SECRET)
    assert key_providers.fetch("env:CRM_KEYSET") == SECRET.encode()
    monkeypatch.setenv("CRM_KEYSET", "")
    assert "not set, or empty" in problem(lambda: key_providers.fetch("env:CRM_KEYSET"))
    assert "needs the name of a variable" in problem(lambda: key_providers.fetch("env:A=B"))
    monkeypatch.setenv("CRM_KEYSET", SECRET)
    assert "it is not JSON" in problem(lambda: load_keyset("env:CRM_KEYSET"))


def test_a_local_kek(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_file(tmp_path / "kek.json", "AesGcmKey")
    keyset = Keyset.generate()
    sealed = encrypted_keysets.seal(keyset, key_providers.kek(f"file:{tmp_path}/kek.json"))
    monkeypatch.setenv("CRM_KEYSET", sealed)
    monkeypatch.setenv("CRM_KEK", (tmp_path / "kek.json").read_text())
    assert load_keyset("env:CRM_KEYSET", f"file:{tmp_path}/kek.json") == keyset
    assert load_keyset("env:CRM_KEYSET", "env:CRM_KEK") == keyset
    assert "the keyset is encrypted, but no kek is named" in problem(lambda: load_keyset("env:CRM_KEYSET"))
    monkeypatch.setenv("CRM_KEK", Keyset.generate("AesGcmKey").to_json())
    assert "no enabled key" in problem(lambda: load_keyset("env:CRM_KEYSET", "env:CRM_KEK"))
    monkeypatch.setenv("CRM_KEK", Keyset.generate("HkdfPrfKey").to_json())
    assert "env:CRM_KEK: a key that encrypts keysets" in problem(lambda: load_keyset("env:CRM_KEYSET", "env:CRM_KEK"))


def _flipped(text: str) -> str:
    """One character in the middle is another."""
    at = len(text) // 2
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def test_a_damaged_encrypted_keyset_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_file(tmp_path / "kek.json", "AesGcmKey")
    kek = key_providers.kek(f"file:{tmp_path}/kek.json")
    sealed = json.loads(encrypted_keysets.seal(Keyset.generate(), kek))
    for change, reason in (
        ({"encryptedKeyset": ""}, "it has no encryptedKeyset"),
        ({"encryptedKeyset": _flipped(sealed["encryptedKeyset"])}, "no enabled key"),
        ({"encryptedKeyset": sealed["encryptedKeyset"][:-8]}, "no enabled key"),
        ({"encryptedKeyset": "AQ=="}, "no enabled key"),
        ({"encryptedKeyset": SECRET}, "is not base64"),
        ({"keysetInfo": []}, "keysetInfo is not of the right kind"),
        ({SECRET: 1}, "a field that Tink's keysets do not have"),
    ):
        monkeypatch.setenv("CRM_KEYSET", json.dumps({**sealed, **change}))
        assert reason in problem(lambda: load_keyset("env:CRM_KEYSET", f"file:{tmp_path}/kek.json"))
