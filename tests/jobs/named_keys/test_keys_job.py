"""The job that looks after keys, by its command line: files, locks, other encrypting keys, and what it never prints."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import tink
import yaml
from tink import aead, json_proto_keyset_format, secret_key_access

from jobs import keys
from jobs.configuration import config
from jobs.console.exit_codes import Refused
from jobs.named_keys import named_key
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import load_keyset
from tests.helpers.key_helpers import four_keys
from tests.helpers.key_servers import kms_server

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(lake: Path) -> Path:
    return four_keys(lake)


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls the job and asserts that no key of the folder is in what it printed."""

    def call(verb: str, *arguments: str) -> tuple[int, str, str]:
        before = _secrets(folder.parent / "keys")
        code = keys.main([verb, "--conf", str(folder), *arguments])
        out, err = capsys.readouterr()
        for secret in before | _secrets(folder.parent / "keys") | {"canary-6b1f"}:
            assert secret not in out + err
        return code, out, err

    return call


def _secrets(folder: Path) -> set[str]:
    """Every serialized key in the folder, as text that could be printed."""
    found = set()
    for path in folder.glob("*.json"):
        for key in json.loads(path.read_text()).get("key", []):
            value = key.get("keyData", {}).get("value", "")
            found |= (
                {value, base64.b64decode(value)[-16:].hex(), str(base64.b64decode(value)[-16:])} if value else set()
            )
    return found


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def shown(run: Run, name: str) -> list[dict[str, Any]]:
    code, out, _ = run("show", "--name", name, "--json")
    assert code == 0
    return list(json.loads(out))


def test_a_key_lives(run: Run, folder: Path) -> None:
    """Create, add, promote, disable, enable, destroy; the file stays whole, encrypted and its owner's only."""
    path = folder.parent / "keys" / "mail.json"
    uris = (f"file:{path}", f"file:{path.with_name('kek.json')}")
    code, out, _ = run("create", "--name", "mail", "--type", "AesSivKey")
    first = load_keyset(*uris)
    assert code == 0
    assert out.startswith(
        f"key mail: created at file:{path}, version {first.primary_id}\nin keys.yaml, write under mail: "
    )
    assert run("add", "--name", "mail")[0] == 0
    old, new = (version["id"] for version in shown(run, "mail"))
    assert old == first.primary_id == load_keyset(*uris).primary_id
    for verb, key_id, states in (
        ("promote", new, [("ENABLED", ""), ("ENABLED", "yes")]),
        ("disable", old, [("DISABLED", ""), ("ENABLED", "yes")]),
        ("enable", old, [("ENABLED", ""), ("ENABLED", "yes")]),
        ("destroy", old, [("DESTROYED", ""), ("ENABLED", "yes")]),
    ):
        more = ["--yes"] if verb == "destroy" else []
        assert run(verb, "--name", "mail", "--id", str(key_id), *more)[0] == 0
        assert [(version["status"], version["primary"]) for version in shown(run, "mail")] == states
        assert set(json.loads(path.read_text())) == {"encryptedKeyset", "keysetInfo"}
        assert mode_of(path) == 0o600
    assert load_keyset(*uris).primary.type == "AesSivKey"
    assert sorted(found.name for found in path.parent.iterdir()) == [
        "broken.json", "crm.json", "kek.json", "mail.json", "other-kek.json"
    ]  # fmt: skip


def test_list_says_what_is_where_and_what_is_wrong(run: Run) -> None:
    code, out, _ = run("list", "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)}
    assert (rows["crm"]["versions"], rows["crm"]["type"], rows["crm"]["kek"]) == (1, "HkdfPrfKey", "(clear)")
    assert "No such file" in rows["mail"]["problem"]
    assert "a field that Tink's keysets do not have" in rows["broken"]["problem"]
    assert "not set, or empty" in rows["outside"]["problem"]
    code, out, _ = run("list")
    assert out.splitlines()[0].split() == ["name", "keyset", "kek", "versions", "primary", "type", "problem"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "--name", "crn"], 2, "keys.yaml has no key crn; did you mean crm?"),
        (["create", "--name", "crm"], 1, "exists already, and a key is never overwritten"),
        (["create", "--name", "outside"], 1, "no keyset can be written to env:"),
        (["promote", "--name", "crm", "--id", "5"], 1, "the keyset has no key id 5"),
        (["destroy", "--name", "crm", "--id", "5", "--yes"], 1, "the keyset has no key id 5"),
        (["show", "--name", "broken"], 1, "key broken: "),
        (["rewrap", "--name", "crm", "--to-kek", "fil:x"], 1, "did you mean file:?"),
    ],
)
def test_refusals(run: Run, folder: Path, arguments: list[str], code: int, message: str) -> None:
    before = (folder.parent / "keys" / "crm.json").read_bytes()
    assert run(*arguments)[0] == code
    assert (folder.parent / "keys" / "crm.json").read_bytes() == before
    got, _, err = run(*arguments)
    assert (got, message in err) == (code, True)


def test_the_primary_is_neither_disabled_nor_destroyed(run: Run) -> None:
    key_id = str(shown(run, "crm")[0]["id"])
    for verb in (["disable"], ["destroy", "--yes"]):
        code, _, err = run(verb[0], "--name", "crm", "--id", key_id, *verb[1:])
        assert code == 1
        assert "is the primary: promote another one first" in err


def test_usage_errors_end_with_2(folder: Path) -> None:
    for arguments in (["export", "--name", "crm", "--output", "x"], ["frobnicate"], ["promote", "--name", "crm"]):
        with pytest.raises(SystemExit) as caught:
            keys.main([arguments[0], "--conf", str(folder), *arguments[1:]])
        assert caught.value.code == 2
    assert keys.main(["list", "--conf", str(folder / "none")]) == 2


def test_export_is_what_tink_opens(run: Run, folder: Path) -> None:
    aead.register()
    kek = folder.parent / "keys" / "kek.json"
    (folder / "keys.yaml").write_text(yaml.safe_dump({"crm": {"keyset": f"file:{kek}"}}))
    output = folder.parent / "clear.json"
    code, out, _ = run("export", "--name", "crm", "--cleartext", "--output", str(output))
    assert code == 0
    assert "IN THE CLEAR" in out
    assert mode_of(output) == 0o600
    handle = json_proto_keyset_format.parse(output.read_text(), secret_key_access.TOKEN)
    assert isinstance(handle, tink.KeysetHandle)
    assert handle.primitive(aead.Aead).decrypt(handle.primitive(aead.Aead).encrypt(b"x", b""), b"") == b"x"
    assert run("export", "--name", "crm", "--cleartext", "--output", str(output))[0] == 1


def test_rewrap_from_clear_to_a_kek_to_another(run: Run, folder: Path) -> None:
    there = folder.parent / "keys"
    keyset = load_keyset(f"file:{there}/crm.json")
    for kek in ("kek", "other-kek"):
        uri = f"file:{there}/{kek}.json"
        code, out, _ = run("rewrap", "--name", "crm", "--to-kek", uri)
        assert code == 0
        assert f"encrypted under {uri}; keys.yaml must name this kek now" in out
        assert load_keyset(f"file:{there}/crm.json", uri) == keyset
        (folder / "keys.yaml").write_text(yaml.safe_dump({"crm": {"keyset": f"file:{there}/crm.json", "kek": uri}}))
    with pytest.raises(KeyProblem, match="no enabled key"):
        load_keyset(f"file:{there}/crm.json", f"file:{there}/kek.json")


@pytest.fixture
def local_kek(folder: Path) -> tuple[str, str]:
    """The addresses of a local KEK that is a key of its own, and of ``mail``, which it encrypts."""
    there = folder.parent / "keys"
    kek, mail = f"file:{there}/./kek.json", f"file:{there}/mail.json"
    entries = {"lock": {"keyset": f"file://{there}/kek.json"}, "crm": {"keyset": f"file:{there}/crm.json"}}
    (folder / "keys.yaml").write_text(yaml.safe_dump(entries | {"mail": {"keyset": mail, "kek": kek}}))
    assert keys.main(["create", "--conf", str(folder), "--name", "mail"]) == 0
    return kek, mail


def stays(run: Run, there: Path, key_id: int, said: str) -> None:
    """No verb takes a version of the key-encryption key away, and each says why."""
    before = (there / "kek.json").read_bytes()
    for step in (
        ("disable", "--id", str(key_id)),
        ("destroy", "--yes", "--id", str(key_id)),
        ("rewrap", "--to-kek", f"file:{there}/other-kek.json"),
    ):
        code, _, err = run(step[0], "--name", "lock", *step[1:])
        assert (code, (there / "kek.json").read_bytes()) == (1, before), step
        assert said in err


def test_a_kek_is_not_taken_away_from_what_it_encrypts(run: Run, folder: Path, local_kek: tuple[str, str]) -> None:
    kek, mail = local_kek
    there = folder.parent / "keys"
    first = load_keyset(kek).primary_id
    assert run("add", "--name", "lock")[0] == 0
    second = load_keyset(kek).entries[1].id
    assert run("promote", "--name", "lock", "--id", str(second))[0] == 0
    stays(run, there, first, "key lock encrypts the keyset of mail, which would open no more: 'rewrap' that first")
    assert run("rewrap", "--name", "mail", "--to-kek", kek)[0] == 0
    for verb in ("disable", "enable", "disable", "destroy"):
        assert run(verb, "--name", "lock", "--id", str(first), *(["--yes"] if verb == "destroy" else []))[0] == 0
    assert load_keyset(mail, kek)


def test_a_kek_stays_where_what_it_encrypts_cannot_be_read(run: Run, folder: Path, local_kek: tuple[str, str]) -> None:
    there = folder.parent / "keys"
    first = load_keyset(local_kek[0]).primary_id
    assert run("add", "--name", "lock")[0] == 0
    assert run("promote", "--name", "lock", "--id", str(load_keyset(local_kek[0]).entries[1].id))[0] == 0
    (there / "mail.json").chmod(0o644)
    stays(
        run,
        there,
        first,
        "key lock encrypts the keyset of mail, which cannot be read, so nobody knows whether it needs",
    )


def test_the_copy_of_a_kek_for_the_way_back_is_the_kek_too(run: Run, folder: Path, local_kek: tuple[str, str]) -> None:
    there, conf = folder.parent / "keys", folder / "keys.yaml"
    copy = f"file:{there}/copy.json"
    entries = yaml.safe_load(conf.read_text())
    entries["lock"]["reversal"] = {"keyset": copy}
    conf.write_text(yaml.safe_dump(entries))
    first = load_keyset(local_kek[0]).primary_id
    assert run("reversal", "--name", "lock")[0] == 0
    assert run("rewrap", "--name", "mail", "--to-kek", copy)[0] == 0
    entries["mail"]["kek"] = copy
    conf.write_text(yaml.safe_dump(entries))
    assert run("add", "--name", "lock")[0] == 0
    assert run("promote", "--name", "lock", "--id", str(load_keyset(local_kek[0]).entries[1].id))[0] == 0
    code, _, err = run("disable", "--name", "lock", "--id", str(first))
    assert (code, "key lock encrypts the keyset of mail" in err) == (1, True)
    code, _, err = run("rewrap", "--name", "lock", "--to-kek", copy)
    assert (code, "is its own keyset" in err) == (1, True)


def test_a_disabled_version_of_a_kek_is_not_destroyed_either(
    run: Run, folder: Path, local_kek: tuple[str, str]
) -> None:
    kek, mail = local_kek
    first = load_keyset(kek).primary_id
    conf = folder / "keys.yaml"
    both = conf.read_text()
    conf.write_text(both.replace(f"kek: {kek}", "kek: env:NO_KEK"))  # as if nobody had known of it
    assert run("add", "--name", "lock")[0] == 0
    assert run("promote", "--name", "lock", "--id", str(load_keyset(kek).entries[1].id))[0] == 0
    assert run("disable", "--name", "lock", "--id", str(first))[0] == 0
    conf.write_text(both)
    code, _, err = run("destroy", "--name", "lock", "--yes", "--id", str(first))
    assert (code, "encrypts the keyset of mail" in err) == (1, True)
    assert run("enable", "--name", "lock", "--id", str(first))[0] == 0
    assert load_keyset(mail, kek)


def test_a_keyset_is_not_encrypted_under_itself(run: Run, folder: Path) -> None:
    there = folder.parent / "keys"
    (there / "link.json").symlink_to("kek.json")
    entries = {name: {"keyset": f"file:{there}/{file}.json"} for name, file in (("lock", "kek"), ("crm", "crm"))}
    (folder / "keys.yaml").write_text(yaml.safe_dump(entries))
    before = (there / "kek.json").read_bytes()
    for name in ("kek.json", "../keys/kek.json", "link.json"):
        code, _, err = run("rewrap", "--name", "lock", "--to-kek", f"file:{there}/{name}")
        assert (code, (there / "kek.json").read_bytes()) == (1, before)
        assert "is its own keyset: encrypted under itself nothing opens it any more" in err


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The ARN of a key in a KMS."""
    environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": os.devnull}
    with kms_server() as port:
        for name, value in {**environment, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}.items():
            monkeypatch.setenv(name, value)
        yield boto3.client("kms", region_name="eu-west-1").create_key()["KeyMetadata"]["Arn"]


def test_rewrap_under_kms(run: Run, folder: Path, kms: str) -> None:
    there, kek = folder.parent / "keys", f"aws-kms://{kms}?context.purpose=pseudonyms"
    keyset = load_keyset(f"file:{there}/crm.json")
    assert run("rewrap", "--name", "crm", "--to-kek", kek)[0] == 0
    assert load_keyset(f"file:{there}/crm.json", kek) == keyset
    before = (there / "crm.json").read_bytes()
    (folder / "keys.yaml").write_text(yaml.safe_dump({"crm": {"keyset": f"file:{there}/crm.json", "kek": kek + "x"}}))
    assert run("add", "--name", "crm")[0] == 1
    assert (there / "crm.json").read_bytes() == before


def test_no_addition_of_many_at_once_is_lost(folder: Path) -> None:
    """Eight writers: each addition is either in the file or was refused, and the file is a keyset at every moment."""
    key = named_key.find(config.load(folder), "crm")
    refusals: list[str] = []

    def attempt(_: int) -> int | None:
        try:
            return keys.add(key)
        except KeyProblem as error:
            refusals.append(str(error))
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = {key_id for key_id in pool.map(attempt, range(40)) if key_id is not None}
    found = {entry.id for entry in key.read().entries}
    assert made
    assert made < found
    assert all("another writer changed it meanwhile" in refusal for refusal in refusals)
    assert len(found) == len(made) + 1


def test_from_python_too_someone_agrees_to_what_cannot_be_undone(folder: Path) -> None:
    conf = config.load(folder)
    first = keys.run(conf, "show", "crm")[0]["id"]
    keys.run(conf, "add", "crm")
    second = next(row["id"] for row in keys.run(conf, "show", "crm") if row["id"] != first)  # type: ignore[index]
    with pytest.raises(Refused, match="say in 'agreed' that this is meant"):
        keys.run(conf, "destroy", "crm", keys.Asked(id=second))
    with pytest.raises(Refused, match="say in 'cleartext' that this is meant"):
        keys.run(conf, "export", "crm", keys.Asked(output=folder / "clear.json"))
    assert not (folder / "clear.json").exists()
    assert len(keys.run(conf, "show", "crm")) == 2
