"""The search finds what a look at every node finds, and looks at fewer."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.risk_classes.distances import distances
from jobs.risk_search import class_table, ladders, losses, search, space
from jobs.risk_search.class_table import NotForSearch, TooManyCombinations
from jobs.risk_search.ladders import LadderRefused
from jobs.risk_search.wish import NotReached, Wish, judge
from tests.jobs.risk_search import made

AGES, ZIPS = [None, 1, 2, 3, 5, 8], [None, "111", "112", "121", "211", "222"]
TOWNS, ILLNESSES, WAGES = [place[0] for place in made.PLACES], [None, "a", "b", "c"], [None, 10, 11, 20, 90]
ROW = st.tuples(*map(st.sampled_from, (AGES, ZIPS, TOWNS, ILLNESSES, WAGES)))
WISH = st.builds(
    Wish,
    k=st.integers(1, 4),
    l=st.sampled_from([{}, {"illness": 2}, {"illness": 3, "wage": 2}]),
    entropy_l=st.sampled_from([{}, {"illness": 1.5}, {"wage": 2.5}]),
    t=st.sampled_from([{}, {"illness": 0.3}, {"wage": 0.15}, {"illness": 0.5, "wage": 0.3}]),
    suppressed=st.sampled_from([0.0, 0.1, 0.3]),
)


def rows(count: int, seed: int = 1) -> list[made.Row]:
    draw = random.Random(seed)
    return [tuple(map(draw.choice, (AGES, ZIPS, TOWNS, ILLNESSES, WAGES))) for _ in range(count)]


@given(st.lists(ROW, min_size=1, max_size=24), WISH, st.sampled_from([*losses.MEASURES]))
def test_it_finds_the_least_loss_of_all_nodes(found: list[made.Row], wish: Wish, measure: str) -> None:
    """Against a count of every node, row by row, that knows nothing of groups and bounds."""
    nodes = [*made.every_node(found, wish)]
    reaching = {node.node: node.losses[measure] for node in nodes if node.reaches}
    table = made.table(found)
    for way in ("paths", "breadth_first", "exhaustive"):
        if not reaching:
            with pytest.raises(NotReached):
                search.search(table, made.LADDERS, wish, measure, way)
            continue
        result = search.search(table, made.LADDERS, wish, measure, way)
        assert result.nodes == len(nodes)
        assert result.best.loss == pytest.approx(min(reaching.values()), abs=1e-9)
        assert reaching[result.best.node] == pytest.approx(result.best.loss, abs=1e-9)
        of_best = next(node.losses for node in nodes if node.node == result.best.node)
        assert result.losses == pytest.approx(dict(of_best), abs=1e-9)


@given(st.lists(ROW, min_size=1, max_size=24), WISH, st.sampled_from([*losses.MEASURES]), st.booleans())
def test_what_prunes_holds_of_every_pair_of_nodes(
    found: list[made.Row], wish: Wish, measure: str, hierarchical: bool
) -> None:
    """A coarser node loses no less, and a finer one that reaches it leaves out as many rows as is said, at least."""
    table = made.table(found, ladders_of_sensitive={"illness": made.ILLNESSES} if hierarchical else {})
    over = space.space(table, made.LADDERS)
    loss = losses.MEASURES[measure](over)
    result = search.search(table, made.LADDERS, Wish(), measure, "exhaustive")
    judged = {}
    for point in result.looked_at:
        classes = over.roll_up(table.base, point.node)
        judgement = judge(wish, table, classes, left_out=True)
        out = int(classes.rows[judgement.small].sum())
        judged[point.node] = (
            out if not judgement.stay.any() and out <= wish.most_suppressed(table) else None,
            judgement.least_under(classes),
            *loss.of(classes, judgement.failing),
        )
    for finer, (out, _, bound, _) in judged.items():
        assert loss.bounds()[finer] <= bound + 1e-9
        for coarser, (_, least_under, _, lost) in judged.items():
            if all(one <= other for one, other in zip(finer, coarser, strict=True)):
                assert out is None or least_under <= out + 1e-6
                assert bound <= lost + 1e-9


def test_values_that_are_left_out_take_their_ranks_with_them() -> None:
    """Wages of 2 to 49 are one row's each. With them the spread of wages in either half of the ages is far from the
    whole one, since ranks between 1 and 50 are many; without them, which 5 % allows, 1 and 50 are next to each other:
    then the ages may stay as they are."""
    rare = [(age, age) for age in range(2, 50)]
    common = [(1, wage) for wage in [1] * 226 + [50] * 218 + [*range(51, 59)]]
    others = [(150, wage) for wage in [1] * 50 + [50] * 442 + [*range(51, 59)]]
    ages, wages = zip(*(rare + common + others), strict=True)
    table = class_table.from_arrow(pa.table({"age": ages, "wage": wages, "rows": [1] * len(ages)}), 1)
    wish = Wish(k=2, t={"wage": 0.03}, suppressed=0.05)
    for way in ("paths", "breadth_first", "exhaustive"):
        found = search.search(table, {"age": ladders.intervals((100,))}, wish, way=way)
        assert (found.best.node, round(found.best.suppressed, 3)) == ((0,), 0.048)


@pytest.mark.parametrize("measure", losses.MEASURES)
def test_it_looks_at_fewer_nodes_than_breadth_first(measure: str) -> None:
    table, wish = made.table(rows(300)), Wish(k=5, suppressed=0.05)
    ways = {way: search.search(table, made.LADDERS, wish, measure, way) for way in ("paths", "breadth_first")}
    assert ways["paths"].best.loss == pytest.approx(ways["breadth_first"].best.loss, abs=1e-12)
    assert ways["paths"].checks < ways["breadth_first"].checks <= ways["paths"].nodes
    assert 0 < ways["paths"].roll_ups < ways["paths"].checks


def test_the_front_falls_in_risk_as_it_rises_in_loss() -> None:
    found = search.search(made.table(rows(100)), made.LADDERS, Wish(k=4), way="exhaustive")
    front = found.front
    assert len(front) > 2
    assert [point.suppressed for point in front] == sorted({point.suppressed for point in front}, reverse=True)
    assert [point.kept_loss for point in front] == sorted(point.kept_loss for point in front)
    assert front[0].node == (0, 0, 0)
    assert front[-1].suppressed == 0


def test_people_are_counted_where_a_subject_is_named() -> None:
    """Five rows of one person are one person; the values of the column are not kept."""
    arrays = {"age": [30] * 5 + [40] * 5, "person": [1, 1, 1, 1, 1, 2, 3, 4, 5, 6], "rows": [1] * 10}
    table = class_table.from_arrow(pa.table(arrays), 1, has_subject=True)
    assert search.search(table, {}, Wish(k=5, suppressed=0.5)).best.node == (0,)
    assert search.search(table, {}, Wish(k=5)).levels == {"age": 1}
    without = class_table.from_arrow(pa.table({"age": arrays["age"], "rows": arrays["rows"]}), 1)
    assert search.search(without, {}, Wish(k=5)).levels == {"age": 0}


def test_a_ladder_that_parts_what_it_joined_is_refused() -> None:
    table = class_table.from_arrow(pa.table({"age": [1, 2, 3, 4, 5, 6], "rows": [1] * 6}), 1)
    with pytest.raises(LadderRefused, match="column age: step 2 of its ladder parts values that the step before"):
        search.search(table, {"age": ladders.intervals((2, 3))}, Wish(k=2))


def test_values_a_ladder_does_not_know_are_refused_by_their_number() -> None:
    table = class_table.from_arrow(pa.table({"place": ["Delft", "Canary"], "rows": [1, 1]}), 1)
    with pytest.raises(LadderRefused, match="1 of 2 values") as refused:
        search.search(table, {"place": made.LADDERS["place"]}, Wish(k=2))
    assert "Canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (Wish(l={"ilness": 2}), "not among the sensitive columns: ilness"),
        (Wish(k=0, suppressed=1.0), "k: expected at least 1; suppressed"),
        (Wish(t={"illness": 2}), "t: expected 0 to 1"),
    ],
)
def test_what_cannot_be_asked(wish: Wish, why: str) -> None:
    with pytest.raises(NotForSearch, match=why):
        search.search(made.table(rows(5)), made.LADDERS, wish)


def test_spark_counts_once_and_up_to_a_limit(spark: SparkSession) -> None:
    frame = spark.createDataFrame(
        [(1, "a", "x"), (1, "a", "y"), (None, "b", "x"), (1, "a", "x")], "`a.b` int, zip string, illness string"
    )
    table = class_table.count(frame, ["a.b", "zip"], ["illness"])
    assert table.base.rows.tolist() == [3, 1]
    assert table.base.pairs[0].rows.tolist() == [2, 1, 1]
    with pytest.raises(TooManyCombinations, match="more than 2 combinations"):
        class_table.count(frame, ["a.b", "zip"], ["illness"], most=2)


def test_the_distance_of_ranks_is_that_of_the_paper() -> None:
    """Li et al., 2007: of salaries 3k to 11k, {3k, 4k, 5k} is 0.375 away, {6k, 8k, 11k} 0.167."""
    wages = [3, 4, 5, 6, 8, 11, 7, 9, 10]
    for at, distance in ((0, 0.375), (3, 0.167)):
        ages = [1 if at <= place < at + 3 else 2 for place in range(9)]
        table = class_table.from_arrow(pa.table({"age": ages, "wage": wages, "rows": [1] * 9}), 1)
        classes = table.base.part(np.array([0])).merged((0,), [np.zeros(1, np.int64)], [1])
        assert distances(classes.batch(0), table.sensitive[0].whole)[0] == pytest.approx(distance, abs=5e-4)


def test_the_distance_in_a_hierarchy_is_that_of_moving_shares() -> None:
    """All of one illness against a third of each: a third goes to the one beside it, half of the way up, and a third
    all the way: 1/3 x 1/2 + 1/3 x 1."""
    rows = [(1, "111", "Delft", "a", 1), (2, "111", "Delft", "b", 1), (3, "111", "Delft", "c", 1)]
    table = made.table(rows, ladders_of_sensitive={"illness": made.ILLNESSES})
    found = distances(table.base.batch(0), table.sensitive[0].whole)
    assert found.tolist() == pytest.approx([1 / 2, 1 / 2, 2 / 3])
    assert not judge(Wish(t={"illness": 0.67}), table, table.base).failing.any()
    assert judge(Wish(t={"illness": 0.6}), table, table.base).failing.tolist() == [False, False, True]
