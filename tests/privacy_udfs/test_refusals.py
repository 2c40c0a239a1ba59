"""Which rows a tree of treatments refuses, and whole rows that are sealed: no Spark."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import privacy_udfs
from privacy_udfs import nested, sealed_rows
from privacy_udfs.errors import TokenRefused, ValueRefused
from privacy_udfs.nested import ByRow, Choice, Dropped, JsonNode, Kept, Leaf, ListNode, MapNode, StructNode
from privacy_udfs.refusals import Refusal, may_refuse, refusals
from privacy_udfs.technique import Key

IP = Leaf("t: a.ip", privacy_udfs.parse({"technique": "truncate_ip"}))
CUT = Leaf("t: a", privacy_udfs.parse({"technique": "truncate", "keep": 1}))
GOOD = "10.1.2.3"


@given(st.lists(st.sampled_from([GOOD, None, "bad"]), max_size=40), st.integers(0, 5))
def test_just_the_rows_that_are_refused_by_themselves(texts: list[str | None], start: int) -> None:
    values = pa.array(texts, pa.string()).slice(start)
    found = refusals(IP, values, None, 40)
    assert found == [Refusal(at, "t: a.ip", "truncate_ip") for at, text in enumerate(texts[start:]) if text == "bad"]
    left = values.filter(pa.array([at not in {each.row for each in found} for at in range(len(values))], pa.bool_()))
    nested.treat(IP, left, None, {})


def test_nested_values_are_those_of_their_row() -> None:
    node = StructNode({"seen": ListNode(IP), "n": Kept()})
    items = [{"seen": [GOOD, "bad"], "n": 1}, None, {"seen": None, "n": 2}, {"seen": ["bad", "bad"], "n": 3}]
    values = pa.array(items, pa.struct([("seen", pa.list_(pa.string())), ("n", pa.int64())]))
    assert [each.row for each in refusals(node, values, None, 9)] == [0, 3]


def test_keys_of_a_map_that_become_one() -> None:
    maps = pa.array([[("ab", 1), ("ac", 2)], [("ab", 1), ("bc", 2)]], pa.map_(pa.string(), pa.int64()))
    assert refusals(MapNode(CUT, Kept()), maps, None, 9) == [Refusal(0, "t: a", "truncate")]


def test_a_row_without_a_case() -> None:
    node = ByRow(Choice("t: a", {"x": CUT, "y": Kept()}, pa.string()), ("x", "y"))
    holds = [pa.array(each) for each in ([True, False, True], [False, False, True])]
    values = pa.StructArray.from_arrays([pa.array(["p", "q", "r"]), *holds], names=["column", "x", "y"])
    assert refusals(node, values, None, 9) == [Refusal(1, "t: a", "when"), Refusal(2, "t: a", "when")]


def test_json_text_by_path() -> None:
    """Of a text that is none, or has what no path leads to, the column is named; of a value the path."""
    inner = Leaf("t: a:$.ip", privacy_udfs.parse({"technique": "truncate_ip"}))
    node = JsonNode("t: a", {("ip",): inner, ("n",): Kept(), ("x",): Dropped()})
    values = pa.array(['{"ip":"10.1.2.3","x":1}', '{"ip":"bad"}', None, '{"m":1}', "bad"])
    found = [Refusal(1, "t: a:$.ip", "truncate_ip"), Refusal(3, "t: a", "json"), Refusal(4, "t: a", "json")]
    assert refusals(node, values, None, 9) == found
    assert refusals(node, values.slice(2, 2), None, 9) == [Refusal(1, "t: a", "json")]


def test_what_may_refuse_a_row() -> None:
    assert not may_refuse(StructNode({"a": Kept(), "b": ListNode(Kept())}))
    for node in (CUT, Choice("t: a", {"x": Kept(), "y": Kept()}, pa.string()), JsonNode("t: a", {("n",): Kept()})):
        assert may_refuse(StructNode({"a": Kept(), "b": ListNode(node)}))


def test_too_many() -> None:
    assert len(refusals(IP, pa.array(["bad"] * 5), None, 5)) == 5
    with pytest.raises(ValueRefused, match=r"t: a\.ip: truncate_ip refuses more than 4 rows") as caught:
        refusals(IP, pa.array(["bad"] * 5), None, 4)
    assert "bad" not in str(caught.value)


def test_sealed_rows_open_for_whom_they_were_sealed_for() -> None:
    rows = pa.RecordBatch.from_pydict({"id": pa.array([1, None, 3]), "seen": pa.array([["x"], None, []])})
    key = Key(bytes(range(32)), 7)
    technique = sealed_rows.technique("t", "r")
    packed = pa.array([sealed_rows._packed(rows.slice(at, 1)) for at in range(3)], pa.binary())
    sealed = technique.apply(packed, key).values
    opened = sealed_rows.opened(sealed, "t", "r", key)
    assert [row.to_pylist() for row in opened] == [[each] for each in rows.to_pylist()]
    for table, run_id, other in (("u", "r", key), ("t", "s", key), ("t", "r", Key(bytes(32), 7))):
        with pytest.raises(TokenRefused):
            sealed_rows.opened(sealed, table, run_id, other)
