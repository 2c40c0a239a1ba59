"""The key tree against one made of `cryptography` alone, by each of its ways; what is destroyed, and what is left."""

from __future__ import annotations

import functools
import itertools
import json
import pickle
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_udfs.kernels.aes import compiled, key_tree, key_tree_walk
from privacy_udfs.kernels.aes.key_tree import Nodes, punctured, root, secrets
from privacy_udfs.kernels.arrays import Bytes
from privacy_udfs.kernels.native import features
from tests.helpers import key_tree_by_hand as by_hand

KEY, SEED = bytes(range(50, 82)), bytes(range(16))
HELD = json.loads(by_hand.FILE.read_text(encoding="utf-8"))
WAYS = (None, *compiled.WIDTHS)
"""OpenSSL, and compiled code by the blocks of a register."""


@functools.cache
def walk(wide: int | None) -> key_tree_walk.Compiled | None:
    return None if wide is None else key_tree_walk.Compiled(wide)


@pytest.fixture(params=WAYS, ids=["openssl", *(f"{wide} wide" for wide in compiled.WIDTHS)])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows go this way, however few."""
    wide = request.param
    if wide is not None and (find_spec("llvmlite") is None or not features() >= compiled.WIDTHS[wide]):
        pytest.skip("needs the extra `fast`, and a processor that can")
    monkeypatch.setattr(key_tree_walk, "ENOUGH", 0)
    monkeypatch.setattr(key_tree_walk, "compiled", lambda: walk(wide))


def rows(values: list[bytes], size: int = 10) -> Bytes:
    return np.frombuffer(b"".join(values), np.uint8).reshape(-1, size)


def told(nodes: Nodes) -> list[tuple[int, bytes, bytes]]:
    parts = zip(nodes.depths.tolist(), nodes.prefixes, nodes.seeds, strict=True)
    return [(depth, prefix.tobytes(), seed.tobytes()) for depth, prefix, seed in parts]


def found(nodes: Nodes, indexes: list[bytes], key: bytes = KEY) -> list[bytes | None]:
    made, alive = secrets(key, nodes, rows(indexes))
    assert not made[~alive].any()
    return [row.tobytes() if there else None for row, there in zip(made, alive.tolist(), strict=True)]


def test_the_held_vectors_are_what_cryptography_gives() -> None:
    assert by_hand.held() == HELD


@pytest.mark.usefixtures("way")
def test_held_vectors() -> None:
    key, nodes = bytes.fromhex(HELD["key"]), root(bytes.fromhex(HELD["root"]))
    indexes = [bytes.fromhex(each) for each in HELD["secrets"]]
    assert found(nodes, indexes, key) == [bytes.fromhex(each) for each in HELD["secrets"].values()]
    gone = [bytes.fromhex(each) for each in HELD["punctured"]["indexes"]]
    left, count = punctured(key, nodes, rows(gone))
    assert count == 3
    assert told(left) == [
        (depth, bytes.fromhex(prefix), bytes.fromhex(seed)) for depth, prefix, seed in HELD["punctured"]["nodes"]
    ]
    assert [each is None for each in found(left, indexes, key)] == [True] * 3 + [False] * 9


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 7, 8, 9, 31, 32, 33, 65])
def test_each_secret_is_what_the_reference_gives(count: int) -> None:
    """Among them those that are gone, and others near them, whose nodes lie deep."""
    indexes, tree = by_hand.indexes(count), by_hand.Tree(KEY, SEED)
    near = [index[:-1] + bytes([index[-1] ^ 1]) for index in indexes[:9]]
    nodes, gone = punctured(KEY, root(SEED), rows(indexes[1::3]))
    assert gone == sum(tree.puncture(index) for index in indexes[1::3])
    every = indexes + near
    assert found(nodes, every) == [tree.secret(index) for index in every]


@pytest.mark.usefixtures("way")
def test_nodes_of_all_levels() -> None:
    """A leaf that is gone leaves siblings at each level; its secret's neighbours walk from each of them."""
    tree, index = by_hand.Tree(KEY, SEED), by_hand.indexes(1)[0]
    nodes, _ = punctured(KEY, root(SEED), rows([index]))
    number = int.from_bytes(index, "big")
    beside = [(number ^ 1 << bit).to_bytes(10, "big") for bit in range(80)]
    assert found(nodes, beside) == [tree.secret(each) for each in beside]


@pytest.mark.usefixtures("way")
def test_many_that_are_gone() -> None:
    rng = np.random.default_rng(4)
    indexes = rng.integers(0, 256, (5000, 10), np.uint8)
    before, _ = secrets(KEY, root(SEED), indexes)
    nodes, gone = punctured(KEY, root(SEED), indexes[:2000])
    after, alive = secrets(KEY, nodes, indexes)
    assert gone == 2000
    assert alive.tolist() == [False] * 2000 + [True] * 3000
    assert np.array_equal(after[2000:], before[2000:])
    assert not after[:2000].any()


def test_one_leaf_leaves_three_siblings_a_level() -> None:
    index, tree = by_hand.indexes(1)[0], by_hand.Tree(KEY, SEED)
    nodes, gone = punctured(KEY, root(SEED), rows([index]))
    tree.puncture(index)
    assert gone == 1
    assert len(nodes) == 3 * 40
    assert told(nodes) == tree.rows()


def test_what_is_left_beside_leaves_that_share_a_path() -> None:
    """Two that part at level 6: three siblings for each of five levels, two there, three for each of both below."""
    one, two = bytes(10), bytes([0, 0b0001_0000, *[0] * 8])
    assert by_hand.digits(two)[:6] == (0, 0, 0, 0, 0, 1)
    nodes, _ = punctured(KEY, root(SEED), rows([one, two]))
    assert len(nodes) == 3 * 5 + 2 + 2 * 3 * 34
    four = [bytes([*[0] * 9, last]) for last in range(4)]  # all children of one node, of which nothing is left
    assert len(punctured(KEY, root(SEED), rows(four))[0]) == 3 * 39


def test_a_tree_of_which_nothing_is_left() -> None:
    leaf = Nodes(np.array([40], np.uint8), rows([bytes(10)]), rows([SEED], 16))
    nodes, gone = punctured(KEY, leaf, rows([bytes(10), b"\1" * 10]))
    assert (gone, len(nodes)) == (1, 0)
    assert found(nodes, [bytes(10), b"\2" * 10]) == [None, None]
    assert punctured(KEY, nodes, rows([bytes(10)])) == (nodes, 0)


# few bytes vary, so that paths are shared to all depths
near_indexes = st.lists(
    st.builds(
        lambda first, middle, last: bytes([first, 0, 0, 0, middle, 0, 0, 0, 0, last]),
        *[st.sampled_from([0, 1, 2, 3, 64, 128, 192, 255])] * 3,
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(gone=near_indexes, others=near_indexes)
def test_after_puncturing_all_others_are_as_before(gone: list[bytes], others: list[bytes]) -> None:
    nodes, count = punctured(KEY, root(SEED), rows(gone))
    assert count == len(set(gone))
    left = [index for index in others if index not in gone]
    assert found(nodes, left) == found(root(SEED), left)
    assert found(nodes, gone) == [None] * len(gone)
    for depth, prefix, _ in told(nodes):
        node = by_hand.digits(prefix)[:depth]
        assert all(by_hand.digits(index)[:depth] != node for index in gone)
    tree = by_hand.Tree(KEY, SEED)
    for index in gone:
        tree.puncture(index)
    assert told(nodes) == tree.rows()


@settings(max_examples=20)
@given(gone=near_indexes.filter(bool), data=st.data())
def test_neither_order_nor_repetition_matters(gone: list[bytes], data: st.DataObject) -> None:
    whole, _ = punctured(KEY, root(SEED), rows(gone))
    nodes = root(SEED)
    for index in data.draw(st.permutations(gone)):
        nodes, _ = punctured(KEY, nodes, rows([index]))
    assert nodes == whole
    assert punctured(KEY, nodes, rows(gone)) == (whole, 0)
    assert punctured(KEY, nodes, rows([])) == (whole, 0)


def test_another_key_or_root_gives_others() -> None:
    index = by_hand.indexes(1)
    other = [found(root(SEED), index), found(root(bytes(16)), index), found(root(SEED), index, bytes(32))]
    assert all(one != two for one, two in itertools.combinations(other, 2))


def test_equal_indexes_have_equal_secrets() -> None:
    one, two, three = found(root(SEED), [b"a" * 10, b"b" * 10, b"a" * 10])
    assert one == three != two


def nodes_of(*parts: tuple[int, bytes]) -> Nodes:
    return Nodes(
        np.array([depth for depth, _ in parts], np.uint8),
        rows([prefix.ljust(10, b"\0") for _, prefix in parts]),
        rows([SEED] * len(parts), 16),
    )


@pytest.mark.parametrize(
    "parts",
    [
        [(4, b"\2"), (4, b"\1")],  # not sorted
        [(4, b"\1"), (4, b"\1")],  # twice
        [(4, b"\1"), (8, b"\1\1")],  # one above the other
        [(0, b""), (4, b"\1")],
        [(3, b"\1")],  # a bit below its level
        [(41, b"\1")],
    ],
)
def test_what_no_tree_can_leave_is_refused(parts: list[tuple[int, bytes]]) -> None:
    with pytest.raises(ValueError, match="not the nodes of a key tree"):
        nodes_of(*parts)


def test_what_is_sorted_by_bytes_above_127_is_taken() -> None:
    assert len(nodes_of((4, b"\1"), (4, b"\x7f"), (4, b"\x80"), (4, b"\xff"))) == 4


@pytest.mark.parametrize("shape", [((1,), (1, 9), (1, 16)), ((1,), (1, 10), (2, 16)), ((2,), (1, 10), (1, 16))])
def test_parts_that_do_not_fit_are_refused(shape: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match="not the nodes of a key tree"):
        Nodes(*(np.zeros(each, np.uint8) for each in shape))


def test_keys_and_indexes_of_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        secrets(bytes(16), root(SEED), rows([bytes(10)]))
    with pytest.raises(ValueError, match="rows of 10 bytes"):
        secrets(KEY, root(SEED), np.zeros((1, 16), np.uint8))


def test_nodes_show_no_seed_and_stay_as_they_are() -> None:
    given = np.frombuffer(bytes(range(16)), np.uint8).reshape(1, 16).copy()
    nodes = Nodes(np.zeros(1, np.uint8), np.zeros((1, 10), np.uint8), given)
    before = found(nodes, by_hand.indexes(2))
    given[0] = 7
    assert found(nodes, by_hand.indexes(2)) == before
    with pytest.raises(ValueError, match="read-only"):
        nodes.seeds[0] = 7
    assert repr(nodes) == "Nodes(1)"
    again = pickle.loads(pickle.dumps(nodes))
    assert again == nodes
    assert not again.ready
    assert nodes != root(bytes(16))
    assert nodes != "nodes"


@pytest.mark.usefixtures("way")
def test_compiled_code_is_not_led_astray() -> None:
    code = key_tree_walk.compiled()
    if code is None:
        pytest.skip("of compiled code")
    for numbers in ([1], [-1]):
        with pytest.raises(IndexError):
            code.walked(KEY, root(SEED), np.array(numbers), np.zeros((1, 10), np.uint8))
    for key, indexes in ((KEY, np.zeros((1, 9), np.uint8)), (bytes(31), np.zeros((1, 10), np.uint8))):
        with pytest.raises(IndexError):
            code.walked(key, root(SEED), np.array([0]), indexes)


def test_code_that_fails_or_differs_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    def fails(wide: int) -> int:
        raise OSError(wide)

    def is_missing(wide: int) -> int:
        raise ImportError(wide)

    assert compiled.first_that_agrees("x", fails, lambda _: True) is None
    assert compiled.first_that_agrees("x", lambda wide: wide, lambda _: False) is None
    able = [wide for wide, needed in compiled.WIDTHS.items() if features() >= needed]
    assert len(caplog.records) == 2 * len(able)
    assert compiled.first_that_agrees("x", is_missing, lambda _: True) is None
    assert len(caplog.records) == 2 * len(able)
    if able:
        assert compiled.first_that_agrees("x", lambda wide: wide, lambda wide: wide == able[-1]) == able[-1]


def test_a_table_of_cells_grows_with_what_is_gone() -> None:
    assert [key_tree_walk._level_of_cells(4096 + 100 * gone) for gone in (0, 64, 1000, 10**6)] == [6, 6, 8, 10]


def test_the_door_offers_it() -> None:
    assert key_tree.LEVELS == by_hand.LEVELS
