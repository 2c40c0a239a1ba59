"""Leaves deep in structs, arrays and maps are treated as whole arrays, whatever the slices and nulls above them."""

from __future__ import annotations

import pyarrow as pa
import pytest

import privacy_udfs
from privacy_udfs import nested
from privacy_udfs.errors import UnexpectedFailure, ValueRefused
from privacy_udfs.nested import Kept, Leaf, ListNode, MapNode, StructNode
from privacy_udfs.technique import Key, Technique, Treated

CUT = Leaf("t: x", privacy_udfs.parse({"technique": "truncate", "keep": 1}))
ITEMS = pa.list_(pa.struct([("note", pa.string()), ("n", pa.int64()), ("secret", pa.string())]))
ORDERS = pa.array(
    [
        [{"note": "abc", "n": 1, "secret": "s"}, {"note": None, "n": 2, "secret": "s"}],
        None,
        [],
        [None, {"note": "xyz", "n": 3, "secret": "s"}],
    ],
    ITEMS,
)


def test_array_of_structs_with_a_dropped_field() -> None:
    counts: nested.Counts = {}
    node = ListNode(StructNode({"note": CUT, "n": Kept()}))
    got = nested.treat(node, ORDERS, None, counts)
    assert got.to_pylist() == [
        [{"note": "a", "n": 1}, {"note": None, "n": 2}],
        None,
        [],
        [None, {"note": "x", "n": 3}],
    ]
    assert counts == {"t: x": (2, 2, 0)}


@pytest.mark.parametrize("start", range(5))
def test_slices(start: int) -> None:
    node = ListNode(StructNode({"note": CUT, "n": Kept()}))
    whole = nested.treat(node, ORDERS, None, {})
    assert nested.treat(node, ORDERS.slice(start), None, {}).to_pylist() == whole.slice(start).to_pylist()


def test_values_hidden_under_a_null_struct_do_not_come_out() -> None:
    child = pa.array(["hidden", "seen"])
    values = pa.StructArray.from_arrays([child], names=["a"], mask=pa.array([True, False]))
    counts: nested.Counts = {}
    got = nested.treat(StructNode({"a": CUT}), values, None, counts)
    assert got.to_pylist() == [None, {"a": "s"}]
    assert got.flatten()[0].to_pylist() == [None, "s"]
    assert counts == {"t: x": (1, 1, 0)}


@pytest.mark.parametrize("start", range(5))
def test_maps(start: int) -> None:
    values = pa.array([[("ka", "va"), ("kb", None)], None, [], [("kc", "vc")]], pa.map_(pa.string(), pa.string()))
    got = nested.treat(MapNode(Kept(), CUT), values.slice(start), None, {})
    assert got.to_pylist() == [[("ka", "v"), ("kb", None)], None, [], [("kc", "v")]][start:]


class Whose(Technique):
    """Gives back the subject: shows which one each value met."""

    technique: str = "whose"
    needs_subject = True

    def output_type(self, values: pa.DataType) -> pa.DataType:
        return pa.string()

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        assert subject is not None
        return Treated(subject)


def test_each_element_meets_the_subject_of_its_row() -> None:
    values = pa.array([["a", "b"], [], ["c"]], pa.list_(pa.string()))
    got = nested.treat(ListNode(Leaf("t: x", Whose())), values, pa.array(["anna", "bo", "cy"]), {})
    assert got.to_pylist() == [["anna", "anna"], [], ["cy"]]


class Clumsy(Technique):
    """Fails as a library would: with the value in its message."""

    technique: str = "clumsy"

    def output_type(self, values: pa.DataType) -> pa.DataType:
        return pa.int64()

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        return Treated(values.cast(pa.int64()))


def test_an_unforeseen_error_loses_its_text() -> None:
    with pytest.raises(UnexpectedFailure) as caught:
        nested.treat(Leaf("t: a.b", Clumsy()), pa.array(["canary"]), None, {})
    assert str(caught.value) == "t: a.b: clumsy failed with ArrowInvalid"


def test_refusals_name_the_column_and_count() -> None:
    leaf = Leaf("t: ip", privacy_udfs.parse({"technique": "truncate_ip"}))
    with pytest.raises(ValueRefused, match=r"t: ip: truncate_ip cannot treat 2 of 3 values"):
        nested.treat(leaf, pa.array(["canary", "10.0.0.1", "x"]), None, {})


def test_keys_of_a_map_that_become_equal_or_null_stop_the_run() -> None:
    kind = pa.map_(pa.string(), pa.int64())
    trimmed = Leaf(
        "t: m{key}", privacy_udfs.parse({"technique": "keyed_hash", "normalize": ["trim", "lower"]}), Key(bytes(32))
    )
    equal = pa.array([[("a", 1), ("b", 2)], None, [("a ", 1), ("A", 2), (" a", 3)], [("a", 1)], []], kind)
    for values in (equal, equal.slice(1, 3)):
        with pytest.raises(
            ValueRefused, match=r"t: m\{key\}: in this batch 1 map has equal keys once treated, and 0 keys"
        ):
            nested.treat(MapNode(trimmed, Kept()), values, None, {})
    apart = pa.array([[("a", 1), ("b", 2)], None, [("a", 1), ("c", 2)]], kind)
    treated = nested.treat(MapNode(trimmed, Kept()), apart, None, {})
    assert [None if each is None else len(dict(each)) for each in treated.to_pylist()] == [2, None, 2]
    assert nested.treat(MapNode(trimmed, Kept()), equal.slice(3), None, {}).to_pylist()[1] == []
    nulls = Leaf("t: m{key}", privacy_udfs.parse({"technique": "redact"}))
    with pytest.raises(ValueRefused, match=r"and 2 keys are null"):
        nested.treat(MapNode(nulls, Kept()), apart.slice(2), None, {})


def test_keys_that_are_structs_are_compared_whole() -> None:
    kind = pa.map_(pa.struct([("a", pa.string()), ("b", pa.int64())]), pa.int64())
    leaf = Leaf("t: m{key}.a", privacy_udfs.parse({"technique": "keyed_hash", "normalize": ["trim"]}), Key(bytes(32)))
    node = MapNode(StructNode({"a": leaf, "b": Kept()}), Kept())
    key = [{"a": "x", "b": 1}, {"a": "x", "b": 2}, {"a": "x ", "b": 1}]
    assert len(nested.treat(node, pa.array([[(key[0], 1), (key[1], 2)]], kind), None, {})) == 1
    with pytest.raises(ValueRefused, match=r"t: m\{key\}\.a: in this batch 1 map"):
        nested.treat(node, pa.array([[(key[0], 1), (key[2], 2)]], kind), None, {})
