"""Keysets: what is refused, how versions live, and what never shows."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Keyset, KeysetEntry
from privacy_udfs.keysets.key_types import KEY_TYPES
from privacy_udfs.keysets.keyset_versions import added, destroyed, disabled, enabled, promoted
from tests.helpers.key_helpers import HASH, assert_silent, edited, set_data, set_key

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


def test_a_foreign_type_is_carried_along_and_not_used() -> None:
    text = edited(set_data(typeUrl="type.googleapis.com/google.crypto.tink.ChaCha20Poly1305Key", value="GiAA"))
    keyset = Keyset.from_json(text)
    assert json.loads(keyset.to_json()) == json.loads(text)
    with pytest.raises(KeyProblem, match="its type is not one of HkdfPrfKey"):
        keyset.subkey(HASH, "customer")


def test_entries_say_what_they_are() -> None:
    entry = Keyset.generate("AesSivKey").primary
    assert isinstance(entry, KeysetEntry)
    assert (entry.status, entry.type, entry.output_prefix) == ("ENABLED", "AesSivKey", "TINK")
