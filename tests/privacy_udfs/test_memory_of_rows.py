"""One row may hold anything: a process that treats it, or refuses it, stays under 2 GB, by what the system counted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pyarrow as pa
import pytest

import privacy_udfs
from privacy_udfs import nested
from privacy_udfs.errors import ValueRefused
from privacy_udfs.json_text.scanner import MOST_BYTES
from privacy_udfs.nested import JsonNode, Kept, Leaf, ListNode, MapNode, Node, StructNode
from privacy_udfs.technique import Key
from tests.helpers.places import ROOT
from tests.helpers.processes import most_memory
from tests.helpers.sweeps import but_for

GB, MANY, LONG = 1 << 30, 10**7, 300 << 20
HASHED = Leaf("t: a", privacy_udfs.parse({"technique": "keyed_hash"}), Key(bytes(32)))
IN_JSON = JsonNode("t: p", {(): Kept(), ("a",): HASHED, ("b", None): HASHED})


def in_one_row(values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)


def many_structs() -> tuple[Node, pa.Array]:
    ids = pa.array(range(MANY), pa.int64())
    structs = pa.StructArray.from_arrays([ids, ids], names=["id", "n"])
    return ListNode(StructNode({"id": HASHED, "n": Kept()})), in_one_row(structs)


def many_entries() -> tuple[Node, pa.Array]:
    ids = pa.array(range(MANY), pa.int64())
    return MapNode(Kept(), HASHED), pa.MapArray.from_arrays(pa.array([0, MANY], pa.int32()), ids, ids)


def a_long_value() -> tuple[Node, pa.Array]:
    return HASHED, pa.array(["x" * LONG])


def a_long_json_text() -> tuple[Node, pa.Array]:
    return IN_JSON, pa.array(['{"a":"' + "x" * LONG + '"}'])


def filled(text: str) -> pa.Array:
    """As long a text of many parts as is taken."""
    return pa.array(['{"b":[' + text * ((MOST_BYTES - 20) // len(text)) + "0]}"])


def json_of_many_values() -> tuple[Node, pa.Array]:
    return IN_JSON, pa.array(['{"b":[' + ",".join(map(str, range(10**6))) + "]}"] * 2)


def json_of_too_many_values() -> tuple[Node, pa.Array]:
    return IN_JSON, filled("0,")


def json_of_many_objects() -> tuple[Node, pa.Array]:
    node = JsonNode("t: p", {("b",): Kept(), ("a",): HASHED})
    return node, filled('{"":[{}]},')


TREATED = [many_structs, many_entries, a_long_value, json_of_many_values, json_of_many_objects]
REFUSED = [a_long_json_text, json_of_too_many_values]


def peak_of(made: Callable[[], tuple[Node, pa.Array]]) -> tuple[str, int]:
    """What a process of its own says that treats it, and its peak in bytes."""
    code = f"from tests.privacy_udfs import test_memory_of_rows as t; t.main(t.{made.__name__})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    said, peak = done.stdout.split()
    return said, int(peak)


def main(made: Callable[[], tuple[Node, pa.Array]]) -> None:
    node, values = made()
    try:
        said = "treated" if len(nested.treat(node, values, None, {})) == len(values) else "lost"
    except ValueRefused:
        said = "refused"
    print(said, most_memory())


DEAR = [json_of_many_values, many_structs]


@pytest.mark.parametrize(
    "made",
    but_for([each for each in (*TREATED, *REFUSED) if each not in DEAR], [*TREATED, *REFUSED]),
    ids=lambda made: made.__name__,
)
def test_a_row_takes_less_than_two_gigabytes(made: Callable[[], tuple[Node, pa.Array]]) -> None:
    said, peak = peak_of(made)
    assert said == ("refused" if made in REFUSED else "treated")
    assert peak < 2 * GB
