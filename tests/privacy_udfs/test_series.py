"""pandas Series in and out: the same bytes as of an Arrow array, with index, name and gaps kept."""

from __future__ import annotations

import datetime
import decimal
import subprocess
import sys
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import privacy_udfs
from privacy_udfs.errors import TypeRefused, ValueRefused

KEY = bytes(range(32))
HASH = {"technique": "keyed_hash"}
BIG = 2**53 + 1
PSEUDONYM = "PpAJKxMjEbtYunVCZabw3w"
"""Of 1001, by tests/vectors/keyed_hash.yaml."""

SERIES = {
    "object, text": pd.Series(["1001", None, "1002"]),
    "object, text with NaN": pd.Series(["1001", float("nan"), "1002"], dtype=object),
    "object, integers": pd.Series([1001, None, 1002], dtype=object),
    "string": pd.Series(["1001", None, "1002"], dtype="string"),
    "Int64": pd.Series([1001, None, 1002], dtype="Int64"),
    "category": pd.Series(["1001", None, "1002"], dtype="category"),
    "arrow, text": pd.Series(["1001", None, "1002"], dtype=pd.ArrowDtype(pa.string())),
    "arrow, int64": pd.Series([1001, None, 1002], dtype=pd.ArrowDtype(pa.int64())),
    "object, decimals": pd.Series([decimal.Decimal("1001.00"), None, decimal.Decimal("1002.00")]),
}


@pytest.mark.parametrize("kind", SERIES)
def test_a_series_gives_a_series(kind: str) -> None:
    given = SERIES[kind].set_axis([7, 3, 5]).rename("customer_id")
    before = given.copy()
    got = privacy_udfs.apply(HASH, given, KEY)
    assert isinstance(got, pd.Series)
    assert (got.name, got.index.tolist()) == ("customer_id", [7, 3, 5])
    assert got.isna().tolist() == [False, True, False]
    assert (got[7], got[5]) == (PSEUDONYM, "dbDNKYtkJsZq9bk49_PgJA")
    assert isinstance(got.dtype, pd.ArrowDtype) == kind.startswith("arrow")
    pd.testing.assert_series_equal(given, before)


def test_integers_past_2_53_keep_their_digits_both_ways() -> None:
    bigint = {**HASH, "encoding": "bigint", "bits": 64}
    given = pd.Series([BIG, BIG + 1, None], dtype="Int64")
    got = privacy_udfs.apply(bigint, given, KEY)
    assert got.dtype == "Int64"
    expected = privacy_udfs.apply(bigint, pa.array([BIG, BIG + 1, None]), KEY).to_pylist()
    assert [None if each is pd.NA else int(each) for each in got] == expected
    assert len(set(expected)) == 3


def test_floats_that_were_integers_are_refused_with_the_cure() -> None:
    with pytest.raises(TypeRefused, match="read the column as Int64, or Arrow-backed"):
        privacy_udfs.apply(HASH, pd.Series([1001, None]), KEY)


@pytest.mark.parametrize("odd", [["secret-1", 5], [5, "secret"], [2**70], [object()]], ids=range(4))
def test_what_has_no_one_type_is_refused_and_not_shown(odd: list[Any]) -> None:
    with pytest.raises(TypeRefused, match="a Series of dtype object") as caught:
        privacy_udfs.apply(HASH, pd.Series(odd, dtype=object), KEY)
    assert "secret" not in str(caught.value)
    assert str(2**70) not in str(caught.value)
    assert caught.value.__context__ is None


def test_dates_times_and_numbers_keep_pandas_types() -> None:
    dates = pd.Series([datetime.date(1980, 5, 17), None])
    year = privacy_udfs.apply({"technique": "generalize_date", "unit": "year"}, dates)
    assert year.tolist() == [datetime.date(1980, 1, 1), None]
    times = pd.Series(pd.to_datetime(["1980-05-17 10:00", None]))
    month = privacy_udfs.apply({"technique": "generalize_date", "unit": "month"}, times)
    assert month.tolist()[0] == pd.Timestamp(1980, 5, 1)
    assert month.isna().tolist() == [False, True]
    ages = privacy_udfs.apply({"technique": "generalize_number", "width": 10, "label": "lower"}, pd.Series([41, 58]))
    assert (ages.tolist(), ages.dtype) == ([40, 50], "int64")


def test_a_subject_has_the_index_of_the_values() -> None:
    shift = {"technique": "date_shift", "max_days": 30}
    dates, who = pd.Series([datetime.date(2020, 5, 17)] * 2), pd.Series(["a", "b"])
    got = privacy_udfs.apply(shift, dates, KEY, who)
    alone = privacy_udfs.apply(shift, pa.array(dates), KEY, pa.array(["a", "b"]))
    assert got.tolist() == alone.to_pylist()
    with pytest.raises(TypeRefused, match="another index"):
        privacy_udfs.apply(shift, dates, KEY, who[::-1])


def test_it_is_turned_back_as_a_series() -> None:
    way = {"technique": "deterministic_encryption"}
    given = pd.Series(["Ann", None], index=["x", "y"], name="mail")
    there = privacy_udfs.apply(way, given, bytes(64))
    pd.testing.assert_series_equal(privacy_udfs.revert(way, there, bytes(64)), given)


def test_a_refused_value_is_not_shown() -> None:
    with pytest.raises(ValueRefused) as caught:
        privacy_udfs.apply({**HASH, "normalize": {"strip_prefix": "Patient/"}}, pd.Series(["Patient/"]), KEY)
    assert "Patient/" not in str(caught.value)


def test_it_loads_no_pandas_by_itself() -> None:
    """pyarrow does, where arrays are made of Python's objects."""
    used = "p.series.to_arrow(pa.nulls(1))"
    code = f"import sys, pyarrow as pa, privacy_udfs as p; {used}; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
