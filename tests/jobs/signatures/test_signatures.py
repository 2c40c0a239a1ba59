"""Keys, notes, checkpoints and envelopes against Go's ``sumdb/note``, go-securesystemslib, Tink and OpenSSL."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tink
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tink import json_proto_keyset_format, secret_key_access, signature

from jobs.signatures import checkpoints, envelopes, keys, notes
from jobs.signatures.checkpoints import Checkpoint
from jobs.signatures.keys import PublicKey
from jobs.signatures.problem import NotSigned
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Keyset
from privacy_udfs.keysets import keyset_versions
from privacy_udfs.techniques.keyed_hash import KeyedHash
from tests.helpers.audit_vectors import GO, KEY, ORIGIN, OTHER
from tests.helpers.places import ROOT

RFC_8032 = (
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
    "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
)
"""7.1, TEST 1: seed, public key, signature of nothing."""


def test_rfc_8032() -> None:
    seed, public, signed = map(bytes.fromhex, RFC_8032)
    key = keys.SigningKey("x", seed)
    assert key.public.key == public
    assert key.sign(b"") == signed
    assert key.public.has_signed(b"", signed)
    assert not key.public.has_signed(b"x", signed)


def test_a_public_key_is_told_as_go_tells_it() -> None:
    assert str(KEY.public) == GO["verifier_key"]
    assert PublicKey.parse(GO["verifier_key"]) == KEY.public
    assert keys.parsed([f"# who signs\n{KEY.public}\n\n", str(OTHER.public)]) == (KEY.public, OTHER.public)


@pytest.mark.parametrize(
    "change", [("example", "exemple"), ("+15", "+16"), ("+AQ", "+Ag"), ("VTG4", ""), ("VTG4", "!!")]
)
def test_what_is_no_public_key(change: tuple[str, str]) -> None:
    with pytest.raises(NotSigned, match=r"expected a public key of Ed25519 as name\+hash\+base64"):
        PublicKey.parse(GO["verifier_key"].replace(*change))


def test_a_note_is_the_one_that_go_signs() -> None:
    assert notes.sign(GO["text"], KEY) == GO["note"]
    assert notes.opened(GO["note"], [OTHER.public, KEY.public]) == notes.Note(GO["text"], (KEY.public,))


def test_a_checkpoint_is_a_note() -> None:
    found = checkpoints.opened(GO["note"], ORIGIN, [KEY.public])
    assert (found.size, base64.b64encode(found.root).decode()) == (1000, GO["roots"]["1000"])
    assert checkpoints.sign(found, KEY) == GO["note"]
    more = Checkpoint(ORIGIN, 0, bytes(32), ("one", "two"))
    assert checkpoints.opened(checkpoints.sign(more, KEY), ORIGIN, [KEY.public]) == more


BAD_NOTES: dict[str, Callable[[str], str]] = {
    "text changed": lambda note: note.replace("1000", "1001"),
    "no signature": lambda note: note.partition("\n\n")[0] + "\n",
    "signature by another key": lambda note: notes.sign(GO["text"], OTHER),
    "signature changed": lambda note: note[:-12] + ("A" if note[-12] != "A" else "B") + note[-11:],
    "signature of the other key under this one's hash": lambda note: note.replace(
        base64.b64encode(KEY.public.hash + KEY.sign(GO["text"].encode())).decode(),
        base64.b64encode(KEY.public.hash + OTHER.sign(GO["text"].encode())).decode(),
    ),
    "name changed": lambda note: note.replace("\u2014 lakenym", "\u2014 lakenim"),
    "line cut": lambda note: note[:-1],
    "line of another kind": lambda note: note.replace("\u2014", "-"),
    "two signatures of the key, one bad": lambda note: note + notes.sign("x\n", KEY).partition("\n\n")[2],
    "nothing": lambda note: "",
}


@pytest.mark.parametrize("name", BAD_NOTES)
def test_a_note_that_was_changed(name: str) -> None:
    with pytest.raises(NotSigned):
        notes.opened(BAD_NOTES[name](GO["note"]), [KEY.public])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("o\n1\n", "expected an origin, a size and a root"),
        ("o\n01\n" + base64.b64encode(bytes(32)).decode() + "\n", "expected an origin, a size and a root"),
        ("o\n1\nAAAA\n", "its root is not 32 bytes"),
        ("o\n1\n" + base64.b64encode(bytes(32)).decode() + "\n\nx\n", "expected an origin"),
    ],
)
def test_what_is_no_checkpoint(text: str, told: str) -> None:
    with pytest.raises(NotSigned, match=told):
        checkpoints.opened(notes.sign(text, KEY), "o", [KEY.public])


@pytest.mark.parametrize("text", ["no end", "a\ttab\n", "a\rreturn\n"])
def test_what_is_no_text_of_a_note(text: str) -> None:
    with pytest.raises(NotSigned, match="no text of a note"):
        notes.sign(text, KEY)


def test_a_checkpoint_of_another_log() -> None:
    with pytest.raises(NotSigned, match="a checkpoint of another log"):
        checkpoints.opened(GO["note"], "other.example.org", [KEY.public])


# -- statements -------------------------------------------------------------------------------------------------------


def test_an_envelope_is_the_one_that_go_signs() -> None:
    made = envelopes.sign(GO["payload"], KEY)
    assert {**made, "signatures": [{"sig": each["sig"]} for each in made["signatures"]]} == {
        **GO["envelope"],
        "signatures": [{"sig": each["sig"]} for each in GO["envelope"]["signatures"]],
    }
    assert envelopes.opened(GO["envelope"], [KEY.public]) == {"_type": "https://in-toto.io/Statement/v1"}


def test_the_encoding_that_is_signed() -> None:
    """The example of DSSE's protocol.md."""
    assert envelopes.encoded("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_statement_is_checked_by_openssl(tmp_path: Path) -> None:
    """No code of ours checks it: the encoding by hand, the rest by OpenSSL."""
    payload = envelopes.statement({"crm.customers@3": {"sha256": "00" * 32}}, "urn:lakenym:run:v1", {"rows": 4})
    envelope = json.loads(json.dumps(envelopes.sign(payload, KEY)))
    assert json.loads(base64.b64decode(envelope["payload"])) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "crm.customers@3", "digest": {"sha256": "00" * 32}}],
        "predicateType": "urn:lakenym:run:v1",
        "predicate": {"rows": 4},
    }
    body, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    assert kind == b"application/vnd.in-toto+json"
    key = Ed25519PublicKey.from_public_bytes(KEY.public.key)
    public = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    content = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(body)).encode(), body])
    parts = {"key": public, "sig": base64.b64decode(envelope["signatures"][0]["sig"]), "in": content}
    for changed, code in ((b"", 0), (b" ", 1)):
        for name, part in {**parts, "in": content + changed}.items():
            (tmp_path / name).write_bytes(part)
        done = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key", "-rawin", "-sigfile", "sig", "-in", "in"],
            cwd=tmp_path, capture_output=True,
        )  # fmt: skip
        assert done.returncode == code


@pytest.mark.parametrize("name", ["payload", "payloadType", "signatures"])
def test_an_envelope_that_was_changed(name: str) -> None:
    other: Any = {"payload": "e30=", "payloadType": "text/plain", "signatures": []}[name]
    with pytest.raises(NotSigned):
        envelopes.opened({**GO["envelope"], name: other}, [KEY.public])
    with pytest.raises(NotSigned):
        envelopes.opened({key: value for key, value in GO["envelope"].items() if key != name}, [KEY.public])
    with pytest.raises(NotSigned):
        envelopes.opened(GO["envelope"], [OTHER.public])


# -- keysets ----------------------------------------------------------------------------------------------------------


def test_tink_checks_what_a_keyset_signs() -> None:
    signature.register()
    keyset = Keyset.generate("Ed25519PrivateKey")
    handle = json_proto_keyset_format.parse(keyset.to_json(), secret_key_access.TOKEN)
    verifier = handle.public_keyset_handle().primitive(signature.PublicKeyVerify)
    signed = keys.signing_key("log", keyset).sign(b"content")
    verifier.verify(signed, b"content")
    with pytest.raises(tink.TinkError):
        verifier.verify(signed, b"other")
    theirs = handle.primitive(signature.PublicKeySign).sign(b"content")
    assert keys.signing_key("log", keyset).public.has_signed(b"content", theirs)


def test_older_versions_of_a_key_count_as_long_as_they_are_enabled() -> None:
    keyset = Keyset.generate("Ed25519PrivateKey")
    note = notes.sign("a\n", keys.signing_key("log", keyset))
    first = keyset.primary_id
    keyset, second = keyset_versions.added(keyset)
    keyset = keyset_versions.promoted(keyset, second)
    assert notes.opened(note, keys.public_keys("log", keyset)).text == "a\n"
    with pytest.raises(NotSigned):
        notes.opened(note, keys.public_keys("log", keyset_versions.disabled(keyset, first)))


def test_a_data_key_does_not_sign_and_a_signing_key_treats_nothing() -> None:
    with pytest.raises(KeyProblem, match="is a HkdfPrfKey: what signs is an Ed25519PrivateKey alone"):
        keys.signing_key("log", Keyset.generate())
    with pytest.raises(KeyProblem, match="Ed25519PrivateKey serves signatures only, not keyed_hash"):
        Keyset.generate("Ed25519PrivateKey").subkey(KeyedHash(), "customer")


def test_a_signing_key_shows_nothing_and_never_travels() -> None:
    assert repr(KEY) == f"SigningKey(name={ORIGIN!r})"
    with pytest.raises(KeyProblem, match="never travels"):
        copy.copy(KEY)


def test_the_commands_of_the_docs_check_a_statement(tmp_path: Path) -> None:
    """As they stand there."""
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    commands = page.partition("```bash\n")[2].partition("```")[0]
    envelope = envelopes.sign(envelopes.statement({}, "urn:lakenym:run:v1", {"table": "münchen"}), KEY)
    for changed, code in ((envelope, 0), ({**envelope, "payload": "e30="}, 1)):
        (tmp_path / "run.intoto.json").write_text(json.dumps(changed), encoding="utf-8")
        done = subprocess.run(["bash", "-c", commands], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
