"""Trees and proofs against Go's ``sumdb/tlog``, byte for byte, and against the vectors of Certificate Transparency."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.audit_log import merkle, proofs
from jobs.audit_log.leaves import Leaf, MalformedLeaf, canonical, plain
from jobs.audit_log.merkle import NotProven
from jobs.audit_log.state import State
from jobs.signatures import checkpoints
from jobs.signatures.checkpoints import Checkpoint
from jobs.signatures.problem import NotSigned
from tests.helpers.audit_vectors import GO, KEY, LEAVES, ORIGIN, OTHER, path, root

CT_LEAVES = [bytes.fromhex(each) for each in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
"""Of ``testdata`` in github.com/google/certificate-transparency and transparency-dev/merkle, with the roots below."""
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_roots_of_certificate_transparency() -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in CT_LEAVES]
    assert [merkle.root_of(hashes[: size + 1]).hex() for size in range(8)] == CT_ROOTS
    assert merkle.root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_roots_are_those_of_go() -> None:
    assert len(GO["roots"]) == 20
    for size in map(int, GO["roots"]):
        assert merkle.root_of(LEAVES[:size]) == root(size)


def test_proofs_of_inclusion_are_those_of_go() -> None:
    assert len(GO["inclusion"]) > 170
    for proof in GO["inclusion"]:
        made = merkle.inclusion(LEAVES[: proof["Size"]], proof["Of"])
        assert made == path(proof)
        merkle.check_inclusion(LEAVES[proof["Of"]], proof["Of"], proof["Size"], made, root(proof["Size"]))


def test_proofs_of_consistency_are_those_of_go() -> None:
    for proof in GO["consistency"]:
        made, earlier = merkle.consistency(LEAVES[: proof["Size"]], proof["Of"]), merkle.root_of(LEAVES[: proof["Of"]])
        assert made == path(proof)
        merkle.check_consistency(proof["Of"], proof["Size"], made, earlier, root(proof["Size"]))


@given(st.integers(1, 300), st.data())
def test_no_other_leaf_or_size_is_proven(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, tree = merkle.inclusion(LEAVES[:size], index), merkle.root_of(LEAVES[:size])
    merkle.check_inclusion(LEAVES[index], index, size, proof, tree)
    other = data.draw(st.integers(0, size + 1).filter(lambda at: at != index))
    for leaf, at, of, steps in (
        (LEAVES[other], index, size, proof),
        (LEAVES[index], other, size, proof),
        (LEAVES[index], index, size, [*proof, LEAVES[0]]),
        (LEAVES[index], index, size, proof[:-1] if proof else [LEAVES[1]]),
    ):
        with pytest.raises(NotProven):
            merkle.check_inclusion(leaf, at, of, steps, tree)


@given(st.integers(2, 300), st.data())
def test_no_other_history_is_proven(size: int, data: st.DataObject) -> None:
    earlier = data.draw(st.integers(1, size - 1))
    proof, tree = merkle.consistency(LEAVES[:size], earlier), merkle.root_of(LEAVES[:size])
    before = merkle.root_of(LEAVES[:earlier])
    merkle.check_consistency(earlier, size, proof, before, tree)
    changed = merkle.root_of([*LEAVES[: earlier - 1], LEAVES[999]])
    for first, steps, was in (
        (earlier, proof, changed),
        (earlier, proof[:-1], before),
        (earlier, [*proof, LEAVES[0]], before),
        (size, proof, before),
        (0, proof, before),
    ):
        with pytest.raises(NotProven):
            merkle.check_consistency(first, size, steps, was, tree)


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(NotProven, match="a tree of 3 leaves has 2 full parts, not 1"):
        merkle.grown((LEAVES[0],), 3, LEAVES[1])


# -- leaves and states ------------------------------------------------------------------------------------------------


def leaf(at: int, **more: Any) -> Leaf:
    return Leaf("key_use", f"2026-11-28T00:00:00.{at:06}Z", "nobody", "lakenym", **{"body": {"key_id": at}, **more})


def test_a_leaf_has_one_spelling() -> None:
    """RFC 8785, 3.2.2 and 3.2.3: its example's names in their order, by UTF-16, and its escapes."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical(dict.fromkeys(names, 1)))) == ordered
    assert canonical({"a": '\u20ac$\u000f\nA\'B"\\\\"/'}) == '{"a":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical({"b": [True, None, -1], "a": {}}) == '{"a":{},"b":[true,null,-1]}'
    with pytest.raises(MalformedLeaf, match="fraction"):
        canonical({"a": 0.5})
    assert canonical(plain({"a": (0.5, 1)})) == '{"a":["0.5",1]}'
    assert Leaf.parse(leaf(1).text()) == leaf(1)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"v":2}', "{"])
def test_what_is_no_leaf(text: str) -> None:
    with pytest.raises(MalformedLeaf):
        Leaf.parse(text)


def test_a_state_is_what_the_leaves_make_it() -> None:
    at = "2026-11-28T00:00:00.000000Z"
    started = Leaf("run_started", at, "a", "s", "crm", "r-1", body={"policy_sha256": "aa", "location": "file:/x"})
    ended = Leaf("run_failed", at, "a", "s", "crm", "r-1")
    states = [State()]
    for each in (started, leaf(1), ended):
        states.append(states[-1].after(each.text()))
        assert State.parse(states[-1].text()) == states[-1]
    assert [*states[1].open] == [*states[2].open] == ["r-1"]
    assert states[1].open["r-1"]["location"] == "file:/x"
    assert states[3].open == {}
    assert (states[3].policy, states[3].size) == ("aa", 3)
    texts = [each.text().encode() for each in (started, leaf(1), ended)]
    assert states[3].root == merkle.root_of(map(merkle.leaf_hash, texts))
    for odd in (
        "{}",
        states[1].text().replace(at, "soon"),
        states[1].text().replace('"crm"', "1"),
        states[1].text().replace('"file:/x"', "7"),
        states[2].text().replace('"size":2', '"size":3'),
    ):
        with pytest.raises(MalformedLeaf):
            State.parse(odd)


# -- proofs as files --------------------------------------------------------------------------------------------------

TEXTS = [leaf(at).text() for at in range(12)]
HASHES = [merkle.leaf_hash(text.encode()) for text in TEXTS]


def tree_of(size: int, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, merkle.root_of(HASHES[:size]))


def signed(size: int, key: Any = KEY, **changes: Any) -> str:
    return checkpoints.sign(dataclasses.replace(tree_of(size), **changes), key)


def included(index: int = 4, size: int = 11) -> dict[str, Any]:
    return proofs.inclusion(TEXTS[index], index, HASHES, tree_of(size), signed(size))


def grown(earlier: int = 5, size: int = 11) -> dict[str, Any]:
    found: dict[str, Any] = proofs.consistency(tree_of(earlier), signed(earlier), HASHES, tree_of(size), signed(size))
    return found


def test_proofs_as_files() -> None:
    told = proofs.check(json.loads(json.dumps(included())), ORIGIN, [KEY.public])
    assert told == "leaf 4 is in the log lakenym.example.org/log of 11 leaves"
    told = proofs.check(json.loads(json.dumps(grown())), ORIGIN, [OTHER.public, KEY.public])
    assert told == "the log lakenym.example.org/log of 11 leaves begins with that of 5"


def flipped(text: str) -> str:
    """Base64 with one bit of its first byte changed."""
    return ("A" if text[0] != "A" else "B") + text[1:]


FORGED: dict[str, Callable[[], dict[str, Any]]] = {
    "a leaf that says something else": lambda: {**included(), "leaf": TEXTS[4].replace("nobody", "somebody")},
    "another leaf of the log": lambda: {**included(), "leaf": TEXTS[5]},
    "another index": lambda: {**included(), "index": 5},
    "an index past the end": lambda: {**included(), "index": 11},
    "a hash of the path changed": lambda: {
        **included(), "path": [flipped(included()["path"][0]), *included()["path"][1:]]},
    "a path with one hash left out": lambda: {**included(), "path": included()["path"][1:]},
    "two hashes of the path in the place of each other": lambda: {
        **included(), "path": [included()["path"][1], included()["path"][0], *included()["path"][2:]]},
    "a checkpoint of another size": lambda: {**included(), "checkpoint": signed(12)},
    "a checkpoint that another key signed": lambda: {**included(), "checkpoint": signed(11, OTHER)},
    "a checkpoint whose root was changed after it was signed": lambda: {
        **included(), "checkpoint": signed(11).replace(tree_of(11).text.split("\n")[2],
                                                       tree_of(10).text.split("\n")[2])},
    "a checkpoint of another log": lambda: {**included(), "checkpoint": signed(11, origin="other.example.org")},
    "a node that passes for a leaf": lambda: {
        "proof": proofs.INCLUSION, "leaf": (HASHES[0] + HASHES[1]).decode("latin-1"), "index": 0,
        "path": included(0)["path"][1:], "checkpoint": signed(11)},
    "an earlier log with another history": lambda: {
        **grown(), "earlier": signed(5, root=merkle.root_of([*HASHES[:4], HASHES[11]]))},
    "an earlier log that is larger": lambda: {**grown(), "earlier": signed(12)},
    "a path of consistency cut short": lambda: {**grown(), "path": grown()["path"][:-1]},
    "no path": lambda: {**grown(), "path": None},
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_proofs_are_found(name: str) -> None:
    with pytest.raises((NotProven, NotSigned)):
        proofs.check(FORGED[name](), ORIGIN, [KEY.public])
