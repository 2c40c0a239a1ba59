"""Pseudonyms in layers: computed as docs/layers.md says, by `hmac` alone; and keys that do not fit are refused."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import privacy_udfs
from privacy_udfs import keys
from privacy_udfs.errors import KeyProblem, ParameterError
from privacy_udfs.keys import Keyset, key_check_value
from privacy_udfs.keysets import keyset_versions
from privacy_udfs.keysets.delivered_key import DeliveredKey
from privacy_udfs.technique import LayeredKey
from privacy_udfs.techniques import BY_NAME, parse
from privacy_udfs.techniques.keyed_hash import KeyedHash
from tests.helpers import layers_by_hand
from tests.helpers.layers_by_hand import keyset_of
from tests.helpers.page_examples import python_example
from tests.helpers.places import ROOT

VECTORS = json.loads((ROOT / "tests" / "vectors" / "layers.json").read_text(encoding="utf-8"))
MASTERS = {int(key_id): bytes.fromhex(key) for key_id, key in VECTORS["keys"].items()}
OLD, NEW, NEWEST = MASTERS
KEYSET = keyset_of(MASTERS)
FORMS: list[dict[str, Any]] = [
    {},
    {"prefix": "c/"},
    {"prefix": "ü"},
    {"encoding": "hex", "bits": 64},
    {"encoding": "uuid"},
    {"encoding": "bigint"},
    {"algorithm": "HMAC-SHA-512", "bits": 512},
    {"algorithm": "AES-CMAC"},
]
each_form = pytest.mark.parametrize("form", FORMS, ids=str)


def made(layers: tuple[int, ...] = (OLD, NEW), **parameters: Any) -> KeyedHash:
    found = parse({"technique": "keyed_hash", "layers": [*map(str, layers)], **parameters})
    assert isinstance(found, KeyedHash)
    return found


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['domain']} {case['parameters']}")
def test_the_vectors(case: dict[str, Any]) -> None:
    technique = made(tuple(map(int, case["layers"])), **case["parameters"])
    key = KEYSET.subkey(technique, case["domain"])
    assert privacy_udfs.apply(technique, pa.array(case["values"]), key).to_pylist() == case["expect"]
    assert case["check"] in (None, key_check_value(key))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=40))), st.sampled_from([2, 3]), st.text(min_size=1, max_size=9))
def test_any_value_by_hand(values: list[str | None], many: int, domain: str) -> None:
    technique = made(tuple(MASTERS)[:many])
    got = privacy_udfs.apply(technique, pa.array(values, pa.string()), KEYSET.subkey(technique, domain)).to_pylist()
    masters = [*MASTERS.values()][:many]
    assert got == [None if each is None else layers_by_hand.pseudonym(each, masters, domain) for each in values]


def test_the_page_says_what_is_done() -> None:
    _, shown = python_example("layers.md")
    key = KEYSET.subkey(made(), "customer")
    assert shown[-1].split()[0] == privacy_udfs.apply(made(), pa.array(["C-1001"]), key)[0].as_py()


@each_form
def test_what_was_treated_before_gets_the_further_layers(form: dict[str, Any]) -> None:
    """Of each number of layers that a table may have already."""
    values = pa.array(["C-1001", None, "", "Müller", "C-1001"])
    whole = made((OLD, NEW, NEWEST), **form)
    key = KEYSET.subkey(whole, "customer")
    assert isinstance(key, LayeredKey)
    due = privacy_udfs.apply(whole, values, key)
    for done, before in ((1, KeyedHash(**form)), (2, made((OLD, NEW), **form))):
        there = privacy_udfs.apply(before, values, KEYSET.subkey(before, "customer", OLD if done == 1 else NEW))
        further = whole.further(there, key, done)
        assert further.values.equals(due)
        assert further.refused is None or not any(further.refused.to_pylist())
    part = whole.further(pa.concat_arrays([there, there]).slice(1, 3), key, 2)
    assert part.values.equals(due.slice(1, 3))


@pytest.mark.parametrize("form", [form for form in FORMS if form.get("encoding") != "bigint"], ids=str)
def test_what_is_no_pseudonym_gets_no_further_layer(form: dict[str, Any]) -> None:
    technique, plain = made(**form), KeyedHash(**form)
    key = KEYSET.subkey(technique, "customer")
    there = privacy_udfs.apply(plain, pa.array(["C-1001"]), KEYSET.subkey(plain, "customer", OLD))[0].as_py()
    assert isinstance(key, LayeredKey)
    wrong = ["C-1001", "", there[:-1], there + "A", f"x{there}", f"{there}\n", None]
    found = technique.further(pa.array([*wrong, there]), key, 1)
    assert found.refused is not None
    assert found.refused.to_pylist() == [True] * 6 + [False, False]
    assert found.values.to_pylist()[:7] == [None] * 7


def test_the_first_layer_is_what_was_there_before() -> None:
    """To the byte: another derivation would give a table in layers that no moved table equals."""
    key = KEYSET.subkey(made(), "customer")
    assert isinstance(key, LayeredKey)
    assert key.layers[0] == KEYSET.subkey(KeyedHash(), "customer", OLD)
    assert (key.id, [each.id for each in key.layers]) == (NEW, [OLD, NEW])


def test_no_two_layers_and_no_domain_share_a_subkey() -> None:
    """Under one version too. A layer's label has a ``.`` where a technique's name stands, and no name holds one."""
    assert not any({".", "/"} & {*name} for name in BY_NAME)
    same = keyset_of({1: bytes(32), 2: bytes(32), 3: bytes(32)})
    domains = ["customer", "customer/layer/2", "layer2/customer", "keyed_hash.layer2/customer", ".layer2/customer"]
    whole = made((1, 2, 3))
    layers = [each for domain in domains for each in same.subkey(whole, domain).layers]  # type: ignore[attr-defined]
    assert len({each.material for each in layers}) == 3 * len(domains)
    for technique in BY_NAME.values():
        if technique.takes_key() and technique is not BY_NAME["treat_entities"]:
            other = parse({"technique": technique.model_fields["technique"].default, **_least(technique)})
            found = {same.subkey(other, f"{domain}").material[:16] for domain in domains}
            assert not found & {each.material[:16] for each in layers if each.id != 1}


def _least(technique: type[privacy_udfs.Technique]) -> dict[str, Any]:
    known: dict[str, dict[str, Any]] = {
        "date_shift": {"max_days": 1},
        "add_noise": {"scale": 1},
        "substitute": {"values": ["a", "b"]},
        "tokenize": {"vault": "0" * 32},
    }
    return known.get(str(technique.model_fields["technique"].default), {})


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (["1"], "two or more"),
        (["1", "1"], "twice"),
        (["1", "2", "1"], "twice"),
        (["1", "0"], "layers"),
        (["1", "4294967296"], "no id"),
        (["1", "02"], "layers"),
        ([1, 2], "layers"),
        ("12", "layers"),
        ([str(n) for n in range(1, 10)], "layers"),
    ],
)
def test_layers_that_are_none(layers: Any, reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        parse({"technique": "keyed_hash", "layers": layers})


def test_no_other_technique_has_layers() -> None:
    for name in BY_NAME.keys() - {"keyed_hash"}:
        with pytest.raises(ParameterError, match="layers"):
            parse({"technique": name, "layers": ["1", "2"]})


def test_the_record_of_before_is_the_same() -> None:
    assert "layers" not in KeyedHash().record()
    assert made().record()["layers"] == [str(OLD), str(NEW)]
    assert parse(made().record()) == made()


def test_a_key_for_each_layer() -> None:
    key = KEYSET.subkey(made(), "customer")
    for technique, wrong, told in (
        (made(), key.material, "each of its 2 layers, got 1"),
        (made(), KEYSET.subkey(KeyedHash(), "customer"), "each of its 2 layers, got 1"),
        (made((OLD, NEW, NEWEST)), key, "each of its 3 layers, got 2"),
        (KeyedHash(), key, "got 2"),
    ):
        with pytest.raises(KeyProblem, match=told):
            privacy_udfs.apply(technique, pa.array(["C-1001"]), wrong)


def test_each_layer_has_to_be_enabled_and_there() -> None:
    disabled = keyset_versions.disabled(keyset_versions.promoted(KEYSET, NEW), OLD)
    with pytest.raises(KeyProblem, match=f"key id {OLD} is disabled"):
        disabled.subkey(made(), "customer")
    with pytest.raises(KeyProblem, match=f"key id {OLD} is destroyed"):
        keyset_versions.destroyed(disabled, OLD).subkey(made(), "customer")
    with pytest.raises(KeyProblem, match="has no key id 7"):
        KEYSET.subkey(made((7, NEW)), "customer")
    with pytest.raises(KeyProblem, match="not the last of the layers"):
        KEYSET.subkey(made(), "customer", OLD)


def test_a_key_that_is_used_as_it_is_can_be_first_only() -> None:
    keyset = Keyset.generate("HmacKey")
    keyset, master = keyset_versions.added(keyset, "HkdfPrfKey")
    first = keyset.primary_id
    key = keyset.subkey(made((first, master)), "customer")
    assert isinstance(key, LayeredKey)
    assert key.layers[0].material == keyset.primary.secret().key
    with pytest.raises(KeyProblem, match=f"key id {first}: a HmacKey is used as it is"):
        keyset.subkey(made((master, first)), "customer")


def test_a_key_that_the_driver_sends_is_checked_layer_by_layer() -> None:
    technique = made()
    key = KEYSET.subkey(technique, "customer")

    class Parcel:
        value = pickle.loads(pickle.dumps({("crm", NEW, "keyed_hash", "customer"): key}))

    sent = DeliveredKey("crm", NEW, "keyed_hash", "customer", key_check_value(key), Parcel())
    assert sent.resolve() == key
    for at in (0, 1):
        checks = key_check_value(key).split(".")
        checks[at] = "0" * 16
        with pytest.raises(KeyProblem, match="other bytes"):
            DeliveredKey("crm", NEW, "keyed_hash", "customer", ".".join(checks), Parcel()).resolve()
    shown = f"{key!r} {sent!r} {keys.KeyReference('crm', 'file:x', None, NEW, technique, 'customer', '')!r}"
    assert not any(each.material.hex() in shown or str(each.material) in shown for each in key.layers)  # type: ignore[attr-defined]
