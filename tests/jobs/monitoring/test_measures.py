"""What profiles are made of, without Spark: the index by hand, cells and bins, tallies, small counts, files."""

from __future__ import annotations

import datetime
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import types as T

from jobs.configuration import config
from jobs.configuration.monitoring_bounds import DEFAULTS, MonitoringBounds, PolicyMonitoring, TableMonitoring
from jobs.console.exit_codes import BadUsage
from jobs.monitoring import chance, drift, leaves, numbers, one_pass, profile, profile_file, psi, secret, sketch, tally
from jobs.monitoring.counting import Counting, Wanted
from jobs.monitoring.leaves import Leaf
from jobs.monitoring.profile import ColumnProfile, TableProfile
from jobs.monitoring.secret import Secret
from jobs.monitoring.tally import Tally
from tests.helpers.key_helpers import create_same
from tests.helpers.lakes import column, table, write_conf
from tests.helpers.monitored import with_key

NUMBER, TEXT = Leaf("n", ("n",), (), True), Leaf("t", ("t",), (), False)


@pytest.fixture
def key(lake: Path) -> Secret:
    conf = write_conf(lake, table("t", lake, {"id": column({"domain": "customer"})}))
    create_same(lake / "keys" / "watch.json")  # estimates are the same each time
    return secret.of(config.load(with_key(conf)))


def counted(values: pa.Array, key: Secret, wanted: Wanted, parts: int = 1) -> Tally:
    """What tasks count of parts of a column, put together by their rows."""
    found, size = Tally(), -(-len(values) // parts) or 1
    for at in range(parts):
        one = Counting(wanted, key.hashes)
        for within in (0, 1):
            one.add(values.slice(at * size + within * (size // 2), size // 2 if not within else size - size // 2))
        for part in one.done().parts():
            found.add(*part)
    return found


# -- the index --------------------------------------------------------------------------------------------------------


def test_the_index_by_hand() -> None:
    """60 and 40 of 100 become 40 and 60 of 100: (0.4 - 0.6) ln(0.4 / 0.6) + (0.6 - 0.4) ln(0.6 / 0.4) = 0.4 ln 1.5.
    And three bins, of tables of other sizes: 0.5, 0.3, 0.2 become 0.25, 0.25, 0.5: 0.25 ln 2 + 0.05 ln 1.2 + 0.3 ln 2.5
    """
    assert psi.index([60, 40], [40, 60]) == pytest.approx(0.4 * math.log(1.5), abs=1e-12)
    assert psi.index([60, 40], [40, 60]) == pytest.approx(0.1621860, abs=1e-7)
    by_hand = 0.25 * 0.6931472 + 0.05 * 0.1823216 + 0.3 * 0.9162907
    assert psi.index([500, 300, 200], [100, 100, 200]) == pytest.approx(by_hand, abs=1e-6)


def test_equal_counts_give_0_exactly() -> None:
    for counts in ([1], [70, 10, 0, 123_457], [3, 4], [0, 0], []):
        assert psi.index(counts, counts) == 0


def test_few_rows_of_a_bin_count_as_ten_in_either_table() -> None:
    """A bin of 100 of 1000 that is empty now: shares 0.1 and 10 / 910; the other one 0.9 and 900 / 910."""
    p, q = 10 / 910, 0.1
    by_hand = (p - q) * math.log(p / q) + (900 / 910 - 0.9) * math.log(900 / 910 / 0.9)
    assert psi.index([900, 100], [900, 0]) == pytest.approx(by_hand, abs=1e-12)
    assert len({psi.index([900, 100], [900, few]) for few in range(10)}) == 1, "it does not tell how few"
    assert psi.index([900, 3], [900, 8]) == 0
    assert psi.index([900, 0], [900, 0]) == 0


def test_what_chance_does() -> None:
    """Of tables: once in ten thousand chi-square with 9 degrees is above 33.72, with 1 above 15.14, with 99 above 158.
    The approximation is never below that, and at most 8 % above."""
    for bins, quantile in ((10, 33.72), (2, 15.14), (100, 158.0)):
        found = psi.by_chance([1000] * bins, [1000] * bins) * 1000 * bins / 2
        assert 0.998 * quantile < found < 1.08 * quantile
    assert psi.by_chance([500], [500]) == 0
    random = np.random.default_rng(7)
    two = random.multinomial(7500, [0.002] * 500, size=2)
    assert psi.index(*two.tolist()) > 0.1, "many bins of few rows: the rule of thumb is wrong here"
    assert psi.index(*two.tolist()) < psi.by_chance(*two.tolist())


# -- numbers ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=50))
def test_keys_are_in_the_order_of_floats(found: list[float]) -> None:
    floats = np.array(found)
    keys = numbers.keys(floats)
    assert (np.argsort(keys, kind="stable") == np.argsort(floats + 0.0, kind="stable")).all()
    assert [numbers.number(key) for key in keys.tolist()] == [each + 0.0 for each in found]


def test_deciles_of_a_thousand_numbers() -> None:
    keys = numbers.keys(np.arange(1000.0))
    bounds = numbers.edges(keys, np.ones(1000, np.int64), 10)
    assert bounds == [100.0 * each for each in range(1, 10)]
    assert numbers.places(np.array([-1, 0, 99.9, 100, 950, np.inf]), bounds).tolist() == [0, 0, 0, 1, 9, 9]


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=400), st.integers(1, 5))
def test_cells_are_few_and_bins_among_them_exact(found: list[int], parts: int) -> None:
    """However the numbers come, a bin has as many of them as stand between its bounds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers, "MOST_CELLS", 16)
        all_of = Tally()
        for at in range(parts):
            one = Tally()
            one.add_cells(
                numbers.keys(np.array(found[at::parts], np.float64)), np.ones(len(found[at::parts]), np.int64)
            )
            for part in one.parts():
                all_of.add(*part)
        assert len(all_of.cells) <= 16
        bounds = tuple(numbers.edges(all_of.cells, all_of.sizes, 1))
        places = numbers.places(np.array(found, np.float64), bounds).tolist()
        assert profile.named(all_of, "bins", bounds) == {str(at): places.count(at) for at in range(max(places) + 1)}


def test_numbers_that_lie_close_are_told_apart() -> None:
    """Microseconds of one hour, of which some 10^15 have gone by: bins are minutes."""
    found = 1.7e15 + np.arange(0, 3_600_000_000, 100_000.0)
    cells, sizes, _ = numbers.coarser(numbers.keys(found), np.ones(len(found), np.int64), 0)
    bounds = numbers.edges(cells, sizes, 10)
    assert len(bounds) == 9
    assert np.bincount(numbers.places(found, bounds)).max() < 1.1 * len(found) / 10


# -- tallies ----------------------------------------------------------------------------------------------------------


def test_a_tally_is_the_same_however_rows_lie(key: Secret) -> None:
    texts = pa.array([f"canary-{at % 300}" if at % 7 else None for at in range(5000)])
    whole = counted(texts, key, Wanted(TEXT))
    assert (whole.seen, whole.nulls, len(whole.categories), whole.many) == (5000, 715, 300, False)
    assert sum(whole.categories.values()) == 5000 - 715
    assert sketch.estimate(whole.hashes) == 300
    for parts in (2, 7):
        again = counted(texts, key, Wanted(TEXT), parts)
        assert again.categories == whole.categories
        assert (again.hashes == whole.hashes).all()


def test_over_a_thousand_categories_are_only_estimated(key: Secret) -> None:
    texts = pa.array([f"canary-{at}" for at in range(30_000)])
    for wanted in (Wanted(TEXT), Wanted(TEXT, is_pseudonym=True)):
        found = counted(texts, key, wanted, 3)
        assert found.many
        assert not found.categories
        assert len(found.hashes) == sketch.LEAST_OF
        assert sketch.estimate(found.hashes) == pytest.approx(30_000, rel=0.05)
    apart = Tally()  # each part has few, all together have many
    for at in range(3):
        for part in counted(texts.slice(at * 500, 500), key, Wanted(TEXT)).parts():
            apart.add(*part)
    assert apart.many
    assert sketch.estimate(apart.hashes) == 1500


def test_every_type_is_counted(key: Secret) -> None:
    day = datetime.date(2026, 1, 1)
    for values, distinct in (
        (pa.array([Decimal("1.50"), Decimal("-2.25"), None, Decimal("1.50")]), 2),
        (pa.array([day, None, day, datetime.date(1969, 12, 31)]), 2),
        (pa.array([datetime.datetime(2026, 1, 1), None], pa.timestamp("us", tz="UTC")), 1),
        (pa.array([0.0, -0.0, float("nan"), float("nan"), None, float("inf")]), 3),
        (pa.array([1, None, 2**62], pa.int64()), 2),
        (pa.array([1, -1, None], pa.int8()), 2),
        (pa.array([1.5, None], pa.float32()), 1),
    ):
        found = counted(values, key, Wanted(NUMBER))
        assert (found.seen, found.nulls, len(found.categories)) == (len(values), 1, distinct), values.type
        assert found.sizes.sum() + found.nan == len(values) - 1
        assert sketch.estimate(found.hashes) == distinct
    for values, distinct in ((pa.array([True, False, None]), 2), (pa.array([b"\xff", b"", None]), 2)):
        found = counted(values, key, Wanted(TEXT))
        assert (found.nulls, len(found.categories)) == (1, distinct)
        assert sketch.estimate(found.hashes) == distinct


def test_leaves_lie_as_deep_as_they_like() -> None:
    integer, text = T.IntegerType(), T.StringType()
    sku = T.StructType().add("sku", text).add("sizes", T.ArrayType(integer))
    given = (
        T.StructType()
        .add("a", T.StructType().add("b", integer).add("c.d", text))
        .add("items", T.ArrayType(sku))
        .add("m", T.MapType(text, T.DoubleType()))
        .add("v", T.VariantType())
        .add("w", T.StructType().add("x", T.ArrayType(T.VariantType())).add("y", integer))
    )
    able, unable = leaves.of(given)
    paths = ["a.b", "a.`c.d`", "items[].sku", "items[].sizes[]", "m{key}", "m{value}", "w.y"]
    assert [leaf.path for leaf in able] == paths
    assert unable == ["v", "w.x[]"]
    items = pa.array(
        [
            [{"sku": "x", "sizes": [1, 2]}, None],
            None,
            [],
            [{"sku": None, "sizes": None}, {"sku": "y", "sizes": [None]}],
        ],
        pa.list_(pa.struct([("sku", pa.string()), ("sizes", pa.list_(pa.int32()))])),
    )
    assert leaves.values(items, able[2]).to_pylist() == ["x", None, None, "y"]
    assert leaves.values(items, able[3]).to_pylist() == [1, 2, None]
    maps = pa.array([[("k", 1.0), ("l", None)], None, []], pa.map_(pa.string(), pa.float64()))
    assert leaves.values(maps, able[4]).to_pylist() == ["k", "l"]
    assert leaves.values(maps.slice(0, 1), able[5]).to_pylist() == [1.0, None]


# -- profiles ---------------------------------------------------------------------------------------------------------


def texts(**counts: int) -> pa.Array:
    return pa.array([name for name, many in counts.items() for _ in range(many)])


def profiled(values: pa.Array, key: Secret, before: ColumnProfile | None = None, leaf: Leaf = TEXT) -> ColumnProfile:
    wanted = Wanted(leaf, bounds=None if before is None else before.bounds)
    return profile.of_column(counted(values, key, wanted), leaf.is_number, False, before)


def test_small_counts_are_in_the_rest(key: Secret) -> None:
    found = profiled(texts(a=50, b=20, c=9, d=4), key)
    assert sorted(found.counts.values()) == [20, 50]
    assert (found.rest, found.known, found.different) == (13, (), 0)


def test_a_rest_of_fewer_than_ten_takes_the_least_category_with_it(key: Secret) -> None:
    """Else the count of c would follow from all others."""
    found = profiled(texts(a=50, b=20, c=3), key)
    assert (sorted(found.counts.values()), found.rest, len(found.known)) == ([50], 23, 1)
    alone = profiled(pa.concat_arrays([texts(a=50), pa.nulls(3, pa.string())]), key)
    assert (alone.counts, alone.rest, alone.nulls) == ({}, 53, 0), "nor does that of nulls"


def test_few_values_are_told_as_none(key: Secret) -> None:
    few = profiled(texts(a=9), key)
    assert (few.seen, few.values, few.counts, few.rest) == (0, 0, {}, 0)
    nulls = profiled(pa.concat_arrays([texts(a=9), pa.nulls(91, pa.string())]), key)
    assert (nulls.seen, nulls.nulls, nulls.values, nulls.rest) == (100, 100, 0, 0)


def test_what_is_gone_moves_the_index(key: Secret) -> None:
    """Of 700, 200 and 100 rows the last are gone but for three, which are among the twelve of the rest by now. Bins of
    fewer than ten rows count as ten: of 1010 then, of 922 now."""
    before = profiled(texts(a=700, b=200, c=100), key)
    found = drift.of_column(profiled(texts(a=700, b=200, c=3, d=5, e=4), key), before)
    pairs = ((700 / 922, 700 / 1010), (200 / 922, 200 / 1010), (10 / 922, 100 / 1010), (12 / 922, 10 / 1010))
    assert found.psi == pytest.approx(sum((p - q) * math.log(p / q) for p, q in pairs), abs=1e-12)


@given(st.lists(st.integers(0, 40), max_size=8), st.integers(0, 30))
def test_no_number_of_a_profile_is_small(counts: list[int], nulls: int) -> None:
    found = Tally(seen=sum(counts) + nulls, nulls=nulls, categories={at: n for at, n in enumerate(counts) if n})
    made = profile.of_column(found, False, False, None)
    told = [made.seen, made.nulls, made.values, made.rest, made.different, *made.counts.values()]
    assert not [number for number in told if 0 < number < 10]
    assert made.values == made.rest + sum(made.counts.values())
    again = drift.of_column(made, made)
    assert again.psi in (0.0, None)
    assert again.new_categories == 0


def test_numbers_stand_in_the_bins_of_the_baseline(key: Secret) -> None:
    """A thousand numbers from 0 on, of which each bin has a hundred. Now 500 of them, all below 200: 300 and 200 in
    two bins, and 10 of 580 in each of eight."""
    before = profiled(pa.array(range(1000)), key, leaf=NUMBER)
    assert (before.kind, before.bounds, set(before.counts.values())) == (
        "bins",
        tuple(100.0 * each for each in range(1, 10)),
        {100},
    )
    values = pa.array([at % 200 for at in range(500)])
    now = counted(values, key, Wanted(NUMBER, bounds=before.bounds))
    found = drift.of_column(profile.of_column(now, True, False, before), before)
    shares = [count / 580 for count in (300, 200, *[10] * 8)]
    by_hand = sum((p - 0.1) * math.log(p / 0.1) for p in shares)
    assert found.psi == pytest.approx(by_hand, abs=1e-12)
    same = counted(pa.array(range(1000)), key, Wanted(NUMBER, bounds=before.bounds), 3)
    assert drift.of_column(profile.of_column(same, True, False, before), before).psi == 0


def test_new_categories_are_counted(key: Secret) -> None:
    before = profiled(texts(a=500, b=300, c=4, d=20, e=2), key)
    now = counted(texts(a=500, b=300, d=20, c=9, canary=60, other=40, few=3), key, Wanted(TEXT))
    found = drift.of_column(profile.of_column(now, False, False, before), before)
    assert (found.new_categories, found.new_values) == (2, 100)
    assert found.new_share == pytest.approx(100 / 932)
    told = list(drift.findings("t", DEFAULTS, *_tables(found), {"c": found}))
    assert [(each.what, each.level) for each in told if each.what == "new_categories"] == [("new_categories", "alert")]
    assert not any("canary" in str(each) for each in told)


def _tables(found: drift.Drift) -> tuple[TableProfile, TableProfile]:
    return TableProfile(1000, {"c": found.now}), TableProfile(1000, {"c": found.before})


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (ColumnProfile(1000, 0, 40, "many", {}, (), 1000), []),
        (ColumnProfile(1000, 100, 40, "many", {}, (), 900), []),
        (ColumnProfile(1000, 110, 40, "many", {}, (), 890), ["nulls"]),
        (ColumnProfile(1000, 0, 51, "many", {}, (), 1000), ["distinct"]),
        (ColumnProfile(1000, 0, 0, "many", {}, (), 1000), ["distinct"]),
    ],
)
def test_bounds_of_nulls_and_different_values(now: ColumnProfile, told: list[str]) -> None:
    before = ColumnProfile(1000, 0, 40, "many", {}, (), 1000)
    found = drift.Drift(before, now)
    assert [each.what for each in drift.findings("t", DEFAULTS, *_tables(found), {"c": found})] == told


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        (12, 0, []),  # it may be 9
        (10, 0, []),
        (0, 13, []),
        (0, 14, ["14 rows, < 10 in the baseline (+56% at least)"]),
        (4000, 0, ["< 10 rows, 4000 in the baseline (-100% at least)"]),
        (20, 0, ["< 10 rows, 20 in the baseline (-55% at least)"]),
        (0, 0, []),
    ],
)
def test_rows_that_are_too_few_to_tell(then: int, now: int, told: list[str]) -> None:
    found = drift.findings("t", DEFAULTS, TableProfile(now, {}), TableProfile(then, {}), {})
    assert [each.message for each in found] == told


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        ([30] * 40, [30] * 40, []),
        ([30] * 40, [30] * 20, ["about 20 different values, 40 in the baseline (-50%)"]),
        ([30] * 8, [30] * 40, ["about 40 different values, < 10 in the baseline (+400% at least)"]),
        ([10] * 40, [10] * 20 + [9] * 20, []),  # they are all there still
        ([9] * 40, [10] * 40, []),
        ([40] * 12, [40] * 9, []),  # 9 of 12 are a quarter less, and no more
        (
            [10] * 40,
            [10] * 15 + [1] * 10,
            ["about 15 different values of 10 rows and more, 40 in the baseline (-38%)"],
        ),
    ],
)
def test_categories_near_ten_rows_do_not_come_and_go(then: list[int], now: list[int], told: list[str]) -> None:
    before, after = (profile.of_column(drawn(each), False, False, None) for each in (then, now))
    found = drift.findings("t", DEFAULTS, *_tables(drift.Drift(before, after)), {"c": drift.Drift(before, after)})
    assert [each.message for each in found] == told


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        ((3, 12), (4, 12), []),  # nine values, then eight: neither is told
        ((0, 12), (3, 12), []),
        ((100, 1000), (1000, 1000), ["over 99.1% nulls, 10.0% in the baseline"]),
        ((600, 1000), (5, 1000), ["under 1.0% nulls, 60.0% in the baseline"]),
    ],
)
def test_nulls_that_are_too_few_to_tell(then: tuple[int, int], now: tuple[int, int], told: list[str]) -> None:
    before, after = (
        profile.of_column(Tally(seen, nulls, categories={1: seen - nulls}), False, False, None)
        for nulls, seen in (then, now)
    )
    assert after.nulls in {0, after.seen}, "hidden"
    found = drift.findings("t", DEFAULTS, *_tables(drift.Drift(before, after)), {"c": drift.Drift(before, after)})
    assert [each.message for each in found if each.what == "nulls"] == told


def test_a_column_of_too_many_categories_that_had_nearly_as_many() -> None:
    then = profile.of_column(drawn([30] * 990), False, False, None)
    few = profile.of_column(drawn([30] * 20), False, False, None)
    now = ColumnProfile(40_000, 0, 1100, "many", {}, (), 40_000)
    for before, level in ((then, "warn"), (few, "alert")):
        found = drift.findings("t", DEFAULTS, *_tables(drift.Drift(before, now)), {"c": drift.Drift(before, now)})
        assert [(each.level, each.what) for each in found] == [(level, "new_categories")]


def test_rows_and_columns() -> None:
    one = ColumnProfile(1000, 0, 40, "many")
    before, now = TableProfile(1000, {"a": one, "b": one}), TableProfile(400, {"a": one, "c": one})
    found = [(each.what, each.level, each.column) for each in drift.findings("t", DEFAULTS, now, before, {})]
    assert found == [("rows", "alert", ""), ("columns", "alert", "b"), ("columns", "warn", "c")]
    assert not list(drift.findings("t", {**DEFAULTS, "rows": 0.7}, now, now, {}))


def test_bounds_of_an_entry_go_before_those_of_the_policy() -> None:
    policy = PolicyMonitoring(psi=0.05, rows=2)
    found = MonitoringBounds(rows=0.1).before(policy)
    assert (found["rows"], found["psi"], found["psi_warn"], found["stale_days"]) == (0.1, 0.05, 0.05, 7)
    with pytest.raises(ValueError, match="not above"):
        MonitoringBounds(psi=0.1, psi_warn=0.2)


def test_bounds_of_a_column_go_before_those_of_its_table() -> None:
    """Each by itself: what a column does not state is as its table, or the policy, has it."""
    given = {"psi": 0.05, "columns": {"income": {"nulls": 0.5, "psi": 0.02}, "`home`.zip": {"refused": 0.5}}}
    stated = TableMonitoring.model_validate(given)
    table = stated.before(PolicyMonitoring(distinct=3, psi_warn=0.04))
    assert stated.columns["income"].over(table) == {**table, "nulls": 0.5, "psi": 0.02, "psi_warn": 0.02}
    assert (table["psi"], table["psi_warn"], table["nulls"], table["distinct"]) == (0.05, 0.04, 0.1, 3)
    before, now = (ColumnProfile(1000, nulls, 40, "many", {}, (), 1000 - nulls) for nulls in (0, 300))
    drifts = {path: drift.Drift(before, now) for path in ("income", "town")}
    tables = (TableProfile(1000, dict.fromkeys(drifts, each)) for each in (now, before))
    own = {"income": stated.columns["income"].over(table)}
    assert [each.column for each in drift.findings("t", table, *tables, drifts, own)] == ["town"]


def test_what_profiles_hide_does_not_follow_from_how_a_column_moved(key: Secret) -> None:
    """Of two tables that differ in counts from 1 to 9 alone profiles are equal; so is what is told with all digits: the
    index, and the share of new categories. Else somebody solves it for the count."""
    before = profiled(texts(a=500, b=300, d=100, e=40), key)
    for one, other in (
        ({"d": 3, "e": 9, "f": 8}, {"d": 8, "e": 9, "f": 3}),
        ({"new": 12, "x": 3}, {"new": 14, "x": 1}),
        ({"new": 40, "d": 1, "e": 8}, {"new": 46, "d": 2, "e": 1}),
    ):
        mades = [profiled(texts(a=500, b=300, **each), key) for each in (one, other)]
        assert mades[0] == mades[1], "that is what they hide"
        first, second = (drift.of_column(made, before) for made in mades)
        assert first == second
        assert not 0 < first.new_values < 10


def test_a_category_whose_count_is_hidden_is_new_all_the_same(key: Secret) -> None:
    """Of 300 rows, beside which one to nine stand: 294 at the least."""
    before = profiled(texts(a=500, b=300), key)
    found = drift.of_column(profiled(texts(a=500, b=300, canary=299, x=4), key), before)
    assert (found.new_categories, found.new_values) == (1, 299 + 4 - 9)


def test_a_hidden_count_is_no_drift(key: Secret) -> None:
    """The count of b joins the rest since three rows came; that is not the end of b."""
    before = profiled(texts(a=5000, b=2000), key)
    now = profiled(texts(a=5000, b=2000, c=3), key)
    assert len(now.known) == 1
    found = drift.of_column(now, before)
    assert found.psi is not None
    assert found.psi < 1e-6


def test_codes_of_categories_are_those_of_one_column_alone(key: Secret, lake: Path) -> None:
    """Else yes and no of a column that one knows would be found in all others."""
    found = counted(pa.array([True, False, True]), key, Wanted(TEXT)).categories
    codes = {(table, path): key.own_codes(table, path, found) for table in ("t", "u") for path in ("a", "b", 'a", "b')}
    assert all(sorted(each.values()) == [1, 2] for each in codes.values())
    assert len({code for each in (found, *codes.values()) for code in each}) == 2 * 7
    assert key.own_codes("t", "a", found) == codes["t", "a"]
    other = secret.of(config.load(with_key(lake / "conf", "another")))
    assert not {*other.own_codes("t", "a", found)} & {*codes["t", "a"]}
    assert key.own_codes("t", "a", {}) == {}


# -- putting together -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tasks", "left"),
    [
        (0, [1]),
        (1, [1]),
        (256, [1]),
        (257, [2, 1]),
        (65_536, [256, 1]),
        (100_000, [391, 2, 1]),
        (10**8, [390_625, 1526, 6, 1]),
    ],
)
def test_however_many_tasks_there_are_few_parts_meet_in_one(tasks: int, left: list[int]) -> None:
    assert one_pass.levels(tasks) == left
    assert all(-(-given // 256) == made for given, made in zip([tasks or 1, *left], left, strict=False))


def test_what_a_task_puts_together_is_no_more_than_one_part(key: Secret) -> None:
    """30 parts of three columns, of which each is as large as a part can be, 16 at a time: two groups of each, of a
    part's size, and what the driver is given is one of each."""
    random = np.random.default_rng(5)

    def part(at: int, column: int) -> pa.RecordBatch:
        made = Tally(10_000, 10, categories={int(each): 10 for each in random.integers(0, 900, 500)})
        made.add_hashes(random.integers(0, 2**63, 5000, dtype=np.uint64))
        made.add_cells(random.integers(0, 2**63, 5000, dtype=np.uint64), np.ones(5000, np.int64))
        return one_pass._batch(column, at, made)

    parts = [part(at, column) for at in range(30) for column in range(3)]
    most = max(each.num_rows for each in parts)
    groups = list(one_pass._merged(iter(parts), 16))
    assert len(groups) == 3 * 2
    assert all(each.num_rows <= 2 * most for each in groups)
    last = list(one_pass._merged(iter(groups), 16))
    assert len(last) == 3
    found = one_pass._put_together(last)
    at_once = one_pass._put_together(parts, one_pass.ALL)
    assert found.keys() == at_once.keys() == {(column, 0) for column in range(3)}
    for where, made in found.items():
        assert (made.seen, made.nulls) == (300_000, 300)
        assert made.categories == at_once[where].categories
        assert (made.hashes == at_once[where].hashes).all()
        assert int(made.sizes.sum()) == 150_000


def drawn(counts: Any) -> Tally:
    """What is counted of a column of so many rows of each category."""
    found = {at: int(many) for at, many in enumerate(counts) if many}
    return Tally(seen=sum(found.values()), categories=found)


def zipf(values: int) -> Any:
    shares = 1 / np.arange(1, values + 1)
    return shares / shares.sum()


@pytest.mark.parametrize(
    ("shares", "rows", "later"),
    [
        (np.full(100, 0.01), 1000, 1000),
        (np.full(100, 0.01), 1000, 3000),
        (np.full(100, 0.01), 600, 60_000),
        (np.full(100, 0.01), 3000, 600),
        (zipf(800), 20_000, 20_000),
        (zipf(800), 20_000, 60_000),
        (zipf(30), 200, 200),
        (np.array([0.9, *[0.005] * 20]), 1500, 1800),
    ],
)
def test_two_draws_of_one_distribution_have_no_new_categories(shares: Any, rows: int, later: int) -> None:
    random = np.random.default_rng(11)
    for _ in range(20):
        then, now = drawn(random.multinomial(rows, shares)), drawn(random.multinomial(later, shares))
        before = profile.of_column(then, False, False, None)
        found = drift.of_column(profile.of_column(now, False, False, before), before)
        assert (found.new_categories, found.new_values) == (0, 0)
        assert not [each for each in drift.findings("t", DEFAULTS, *_tables(found), {"c": found}) if each.what == "psi"]


@pytest.mark.parametrize(
    ("then", "more", "new"),
    [
        ([500, 500], [20], 1),  # the baseline has no rest: none of them had a row in it
        ([500, 500], [10], 0),  # which one of rate 5 leaves out once in e^5
        ([500, 500, 9, 9, 9], [60], 1),
        ([500, 500, 9, 9, 9], [30], 0),  # nine rows may have become thirty
        (
            [500, 500, 9, 9, 9],
            [30] * 20,
            7,
        ),  # but not all: each needs two of 27 (of one, 31 * 0.39 * 0.61^30 < 0.0001 / 20)
    ],
)
def test_what_the_rest_of_a_baseline_explains(then: list[int], more: list[int], new: int) -> None:
    before = profile.of_column(drawn(then), False, False, None)
    now = drawn([500, 500, *[0] * len(then[2:]), *more])
    assert drift.of_column(profile.of_column(now, False, False, before), before).new_categories == new


def test_how_rare_a_count_is_by_hand() -> None:
    """As many rows in both tables: at most 1 of 1 + 9 is the baseline's in (1 + 10) / 2^10; of a table that grew to
    three times its size, none of 4 in (3/4)^4."""
    assert chance._chance(1, 9, 1.0) == pytest.approx(11 / 1024, rel=1e-9)
    assert chance._chance(0, 4, 3.0) == pytest.approx(0.75**4, rel=1e-9)


# -- files ------------------------------------------------------------------------------------------------------------


def test_a_profile_is_read_as_it_was_written(key: Secret, lake: Path) -> None:
    made = {
        "t": TableProfile(
            1000,
            {
                "n": profiled(pa.array(range(81_000, 82_000)), key, leaf=NUMBER),
                "c": profiled(texts(canary=50, b=20, c=3), key),
                "s": profile.of_column(
                    counted(pa.array([f"canary{at}" for at in range(99)]), key, Wanted(TEXT, True)), False, True, None
                ),
            },
            ("v",),
        )
    }
    text = profile_file.text(made, key)
    (lake / "p.json").write_text(text)
    assert profile_file.read(lake / "p.json", key) == made
    assert "canary" not in text
    assert made["t"].columns["n"].bounds == tuple(81_000.0 + 100 * each for each in range(1, 10))
    assert "81" not in "".join(json.loads(text)["tables"]["t"]["columns"]["n"]["counts"]), "no bound stands in it"
    assert "81100" not in text
    assert "81100" not in repr(made)


def test_a_profile_that_is_none(key: Secret, lake: Path) -> None:
    other = secret.of(config.load(with_key(lake / "conf", "another")))
    pseudonyms = counted(pa.array([f"canary{at}" for at in range(99)]), key, Wanted(TEXT, True))
    columns = {
        "n": profiled(pa.array(range(100)), key, leaf=NUMBER),
        "s": profile.of_column(pseudonyms, False, True, None),
    }
    whole = json.loads(profile_file.text({"t": TableProfile(100, columns)}, key, ["u"]))
    said = whole["tables"]["t"]
    short = {**said["columns"], "s": {**said["columns"]["s"], "sketch": "AAAA"}}
    path = lake / "p.json"
    for change, told in (
        ({"key_check": other.check}, "another key"),
        ({"version": 1}, "version 1"),
        ({"bounds": whole["bounds"][:-8] + "AAAAAAA="}, "was changed"),
        ({"tables": {"t": {}}}, "was changed"),
        ({"tables": {"t": {**said, "rows": 99}}}, "was changed"),
        ({"tables": {"t": {**said, "columns": short}}}, "was changed"),
        ({"missing": []}, "was changed"),
        ({"more": 1}, "was changed"),
        ({"mac": other.mac({name: it for name, it in whole.items() if name != "mac"})}, "was changed"),
        ({"mac": None}, "was changed"),
        ({"mac": "\ud800"}, "was changed"),
    ):
        path.write_text(json.dumps({**whole, **change}))
        with pytest.raises(BadUsage, match=told):
            profile_file.read(path, key)
    path.write_text(json.dumps(whole, indent=7))
    assert profile_file.read(path, key)["t"].columns == columns, "how it is spelled does not matter"
    path.write_text("[]")
    with pytest.raises(BadUsage, match="no profile"):
        profile_file.read(path, key)
    with pytest.raises(BadUsage, match="No such file"):
        profile_file.read(lake / "none.json", key)


def test_without_a_key_nothing_is_made(lake: Path) -> None:
    folder = write_conf(lake, table("t", lake, {"id": column({"domain": "customer"})}))
    with pytest.raises(BadUsage, match="names no key for monitoring"):
        secret.of(config.load(folder))
    with_key(folder, "crm")
    with pytest.raises(BadUsage, match="need a key of their own"):
        secret.of(config.load(folder))


def test_kinds_of_rows_are_each_once() -> None:
    assert len(set(tally.KINDS)) == 9
