"""Keys that the driver delivers: what travels, and when it must not. The cluster itself is in test_cluster_leaks.py."""

from __future__ import annotations

import pickle
from typing import ClassVar

import pyarrow as pa
import pytest

from jobs.named_keys.key_delivery import is_local, open_ways
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Key, Keyset, key_check_value
from privacy_udfs.keysets.delivered_key import DeliveredKey, SubkeyName
from privacy_udfs.nested import Counts, Leaf, treat
from privacy_udfs.techniques.keyed_hash import KeyedHash

SAFE = {
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
    "spark.network.crypto.saslFallback": "false",
    "spark.io.encryption.enabled": "true",
}


def lacking(settings: dict[str, str]) -> list[str]:
    return open_ways(lambda name, default: settings.get(name, default))


def test_nothing_lacks_where_all_is_encrypted() -> None:
    assert lacking(SAFE) == []
    assert lacking({name: value.upper() for name, value in SAFE.items()}) == []


@pytest.mark.parametrize("name", SAFE)
def test_each_setting_is_needed(name: str) -> None:
    wrong = {"true": "false", "false": "true"}[SAFE[name]]
    for settings in ({**SAFE, name: wrong}, {other: value for other, value in SAFE.items() if other != name}):
        assert lacking(settings) == [f"{name}={SAFE[name]}"]


@pytest.mark.parametrize("trust", ["ssl.trustStore", "ssl.rpc.trustStore", "ssl.rpc.certChain"])
def test_tls_does_too_where_it_knows_whom_to_trust(trust: str) -> None:
    tls = {"spark.authenticate": "true", "spark.io.encryption.enabled": "true", "spark.ssl.rpc.enabled": "true"}
    assert lacking({**tls, f"spark.{trust}": "/etc/spark/trust"}) == []
    assert lacking({**SAFE, **tls}) == ["spark.ssl.rpc.trustStore=(a file)"]


@pytest.mark.parametrize(
    ("master", "local"),
    [
        ("local", True),
        ("local[2]", True),
        ("local[*, 3]", True),
        ("local-cluster[2,1,1024]", False),
        ("spark://h:7077", False),
        ("yarn", False),
        (None, False),
    ],
)
def test_only_one_process_is_local(master: str | None, local: bool) -> None:
    assert is_local(master) == local


class Box:
    """A parcel that is not pickled with what points at it, as a broadcast variable is not."""

    value: ClassVar[dict[SubkeyName, Key]] = {}

    def __reduce__(self) -> tuple[type[Box], tuple[()]]:
        return Box, ()


def test_a_delivered_key_treats_as_the_key_does_and_holds_none() -> None:
    technique = KeyedHash()
    key = Keyset.generate().subkey(technique, "customer")
    delivered = DeliveredKey("crm", key.id, "keyed_hash", "customer", key_check_value(key), Box())
    Box.value = {delivered.subkey_name: key}
    counts: Counts = {}
    travelled = pickle.loads(pickle.dumps(Leaf("t: id", technique, delivered)))
    assert treat(travelled, pa.array(["C-1001"]), None, counts) == technique.apply(pa.array(["C-1001"]), key).values
    for form in (pickle.dumps(travelled), repr(delivered).encode(), str(Box.value).encode()):
        for secret in (key.material, key.material.hex().encode(), repr(key.material)[2:-1].encode()):
            assert secret not in form
    shown = f"name='crm', key_id={key.id}, technique='keyed_hash', domain='customer', check='{delivered.check}'"
    assert repr(delivered) == f"DeliveredKey({shown})"


def test_another_key_than_the_one_that_was_sent_for_is_refused() -> None:
    technique = KeyedHash()
    key, other = (Keyset.generate().subkey(technique, "customer") for _ in range(2))
    delivered = DeliveredKey("crm", key.id, "keyed_hash", "customer", key_check_value(key), Box())
    Box.value = {delivered.subkey_name: Key(other.material, key.id)}
    with pytest.raises(KeyProblem, match=f"key crm: key id {key.id} has other bytes here"):
        delivered.resolve()
