"""What `generalize_date`, `generalize_number`, `date_shift` and `add_noise` all keep, and all refuse."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import strategies as st
from pydantic import ValidationError

from privacy_udfs.errors import TypeRefused, ValueRefused
from privacy_udfs.technique import Technique
from privacy_udfs.techniques.add_noise import AddNoise
from privacy_udfs.techniques.date_shift import DateShift
from privacy_udfs.techniques.generalize_date import GeneralizeDate
from privacy_udfs.techniques.generalize_number import GeneralizeNumber
from tests.helpers.technique_laws import KEY, SUBJECTS, binning, given, noising


@pytest.mark.parametrize("technique", [GeneralizeDate(timezone="Asia/Tokyo"), DateShift(max_days=1)])
def test_what_lies_outside_the_calendar_is_refused(technique: Technique) -> None:
    key = None if technique.key_size() is None else KEY
    for kind, per_day in (
        (pa.date32(), 1),
        (pa.timestamp("us"), 86_400_000_000),
        (pa.timestamp("us", "UTC"), 86_400_000_000),
    ):
        storage = pa.int32() if kind == pa.date32() else pa.int64()
        ends = [-719_162 * per_day - 1, (2_932_896 + 1) * per_day, np.iinfo(storage.to_pandas_dtype()).max]
        values = pa.array([*ends, -np.iinfo(storage.to_pandas_dtype()).max, 0, None], storage).view(kind)
        with pytest.raises(ValueRefused) as caught:
            technique.apply(values, key, pa.array(["a"] * 6))
        assert str(caught.value) == f"{technique.technique} cannot treat 4 of 6 values in this batch"
        lenient = technique.model_copy(update={"on_refused": "null"})
        outcome = lenient.apply(values, key, pa.array(["a"] * 6))
        assert outcome[1:] == (1, 1, 4)
        assert outcome.values.is_null().to_pylist() == [True] * 4 + [False, True]


@pytest.mark.parametrize("technique", [GeneralizeDate(), DateShift(max_days=1), binning(width=1)])
def test_text_is_taken_only_when_told_so(technique: Technique) -> None:
    with pytest.raises(TypeRefused, match="input_format"):
        technique.output_type(pa.string())


@pytest.mark.parametrize("technique", [DateShift(max_days=5), noising(scale=2.0)])
def test_a_value_without_a_subject_is_refused(technique: Technique) -> None:
    kind = pa.date32() if technique.technique == "date_shift" else pa.int32()
    values = pa.array([1, 2, None, 4], pa.int32()).view(kind)
    subjects = pa.array(["a", None, None, "b"])
    with pytest.raises(ValueRefused, match="cannot treat 1 of 4"):
        technique.apply(values, KEY, subjects)
    lenient = technique.model_copy(update={"on_refused": "null"})
    assert lenient.apply(values, KEY, subjects).values.is_null().to_pylist() == [False, True, True, False]
    assert lenient.apply(values, KEY, pa.nulls(4, pa.string()))[1:] == (0, 1, 3)
    with pytest.raises(TypeRefused):
        technique.apply(values, KEY, None)


TIMES = st.datetimes(dt.datetime(1800, 1, 1), dt.datetime(2200, 1, 1))
ALL: list[Any] = [
    (GeneralizeDate(unit="week", timezone="America/St_Johns"), pa.timestamp("us", "UTC"), TIMES),
    (GeneralizeDate(unit="decade"), pa.date32(), TIMES.map(dt.datetime.date)),
    (GeneralizeDate(unit="hour", timezone="Australia/Lord_Howe"), pa.timestamp("us", "UTC"), TIMES),
    (GeneralizeDate(input_format="%Y-%m-%d"), pa.string(), TIMES.map(lambda time: str(time.date()))),
    (
        binning(edges=(0, 9), labels=("a", "b", "c"), input_format="decimal_point"),
        pa.string(),
        st.integers().map(lambda number: str(number % 1000)),
    ),
    (DateShift(max_days=10, input_format="%Y-%m-%d"), pa.string(), TIMES.map(lambda time: str(time.date()))),
    (binning(width=7, bottom=-50, top=50), pa.int16(), st.integers(-99, 99)),
    (binning(width="0.25", label="midpoint"), pa.decimal128(20, 4), st.integers(-99, 99).map(Decimal)),
    (binning(edges=(0, 10), label="lower"), pa.float32(), st.floats(-20, 20, width=32)),
    (DateShift(max_days=10), pa.date32(), TIMES.map(dt.datetime.date)),
    (noising(scale=3.0), pa.int64(), st.integers(-99, 99)),
    (noising(scale=3.0, distribution="laplace"), pa.decimal128(20, 4), st.integers(-99, 99).map(Decimal)),
]


@pytest.mark.parametrize(("technique", "kind", "element"), ALL)
@given(st.data())
def test_slices_and_splits_give_the_same(
    technique: Technique, kind: pa.DataType, element: Any, data: st.DataObject
) -> None:
    raw = pa.array(data.draw(st.lists(st.none() | element, min_size=1)), kind)
    subject = pa.array(data.draw(st.lists(SUBJECTS, min_size=len(raw), max_size=len(raw))), pa.string())
    key = None if technique.key_size() is None else KEY

    def apply(values: pa.Array, subjects: pa.Array) -> pa.Array:
        return technique.apply(values, key, subjects).values

    whole, at = apply(raw, subject), data.draw(st.integers(0, len(raw)))
    assert pa.concat_arrays(
        [apply(raw.slice(0, at), subject.slice(0, at)), apply(raw.slice(at), subject.slice(at))]
    ).equals(whole)
    assert len(whole) == len(raw)
    assert whole.is_null().equals(raw.is_null())
    assert technique.apply(pa.nulls(at, kind), key, subject.slice(0, at))[1:] == (0, at, 0)
    encoded = technique.apply(raw.dictionary_encode(), key, subject.dictionary_encode()).values
    assert encoded.equals(whole)
    assert type(technique).model_validate(technique.record()) == technique


FAULTY: list[tuple[type[Technique], dict[str, Any], str]] = [
    (GeneralizeDate, {"unit": "fortnight"}, "unit"),
    (GeneralizeDate, {"timezone": "Mars/Base"}, "IANA"),
    (GeneralizeDate, {"timezone": "../../etc/passwd"}, "IANA"),
    (GeneralizeDate, {"timezone": "localtime"}, "IANA"),
    (GeneralizeDate, {"bottom": "19340630"}, "YYYY-MM-DD"),
    (GeneralizeDate, {"bottom": "1934-02-30"}, "YYYY-MM-DD"),
    (GeneralizeNumber, {}, "exactly one of width and edges"),
    (GeneralizeNumber, {"width": 1, "edges": (1, 2)}, "exactly one of width and edges"),
    (GeneralizeNumber, {"width": 0}, "width must be above 0"),
    (GeneralizeNumber, {"width": True}, "expected a number"),
    (GeneralizeNumber, {"width": float("nan")}, "expected a finite number"),
    (GeneralizeNumber, {"width": "ten"}, "decimal notation"),
    (GeneralizeNumber, {"width": 10**38}, "at most 38 digits"),
    (GeneralizeNumber, {"width": "1e-39"}, "at most 38 digits after the point"),
    (GeneralizeNumber, {"width": "1e-999999999999999"}, "at most 38 digits after the point"),
    (GeneralizeNumber, {"edges": ()}, "edges"),
    (GeneralizeNumber, {"edges": (1, 1)}, "edges must increase"),
    (GeneralizeNumber, {"edges": (1, 2), "origin": 1}, "origin goes with width"),
    (GeneralizeNumber, {"edges": (1, 2), "top": 0}, "must be below top"),
    (GeneralizeNumber, {"width": 1, "bottom": 2, "top": 2}, "bottom must be below top"),
    (GeneralizeNumber, {"width": 0, "origin": 1, "bottom": 3, "top": 2}, "width must be above 0; .*must be below top"),
    (GeneralizeNumber, {"preset": "hipaa_age", "top": 95}, "needs top: 90"),
    (GeneralizeNumber, {"width": 1, "labels": ["a"]}, "labels go with edges"),
    (GeneralizeNumber, {"edges": (1, 2), "bottom": 0, "labels": ["a"]}, "labels go with edges, without bottom and top"),
    (GeneralizeNumber, {"edges": (1, 2, 3), "labels": ["a", "b", "c"]}, "labels: expected 2, one .*, or 4"),
    (GeneralizeNumber, {"edges": (1, 2), "labels": ["a"], "label": "lower"}, "they go with label: range"),
    (GeneralizeNumber, {"edges": (1,), "labels": ["a", "b"], "other": "c"}, "other goes with labels for the bins"),
    (GeneralizeNumber, {"edges": (1, 2), "labels": ["\ud800"]}, "lone surrogate"),
    (GeneralizeNumber, {"width": 1, "other": "c"}, "nothing lies outside"),
    (GeneralizeNumber, {"width": 1, "input_format": "%Y"}, "input_format"),
    (GeneralizeDate, {"input_format": "%Y-%m"}, "expected %Y, %m and %d"),
    (GeneralizeDate, {"input_format": "%Y-%m-%d %d"}, "each part once"),
    (GeneralizeDate, {"input_format": "%d %b %Y"}, "no other %"),
    (GeneralizeDate, {"input_format": "%Y-%m-%d %M"}, "without those before it"),
    (GeneralizeDate, {"input_format": "%Y年%m%d"}, "ASCII"),
    (GeneralizeDate, {"input_format": "yyyy-MM-dd"}, "expected %Y, %m and %d"),
    (GeneralizeDate, {"input_format": "%Y%m%d%"}, "no other %"),
    (DateShift, {"max_days": 1, "keep_dates": ["1900-1-1"]}, "YYYY-MM-DD"),
    (
        DateShift,
        {"max_days": 1, "keep_dates": ["1900-01-01"], "null_dates": ["1900-01-01"]},
        "in keep_dates and in null",
    ),
    (DateShift, {"max_days": 1, "normalize": ["trim", "nfkc"]}, "nfkc comes before trim"),
    (DateShift, {"max_days": 1, "normalize": ["nfc", "nfkc"]}, "name one of the two"),
    (DateShift, {"max_days": 1, "normalize": ["nfc", "strip_zero_width"]}, "strip_zero_width comes first"),
    (DateShift, {}, "max_days"),
    (DateShift, {"max_days": 0}, "max_days"),
    (DateShift, {"max_days": 1.0}, "max_days"),
    (DateShift, {"max_days": 1, "normalize": ["upper"]}, "normalize"),
    (AddNoise, {"scale": 0}, "scale"),
    (AddNoise, {"scale": float("inf")}, "scale"),
    (AddNoise, {"scale": 1, "distribution": "gauss"}, "distribution"),
    (AddNoise, {"scale": 1, "clip_min": 2, "clip_max": 1}, "clip_min must not be above"),
]


@pytest.mark.parametrize(("technique", "parameters", "message"), FAULTY)
def test_faulty_parameters_fail_at_construction(
    technique: type[Technique], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        technique.model_validate(parameters)


def test_zero_is_zero_however_it_is_written() -> None:
    assert binning(width=1, origin="-0e-999999999999999") == binning(width=1)


@pytest.mark.parametrize("kind", [pa.string(), pa.bool_(), pa.binary(), pa.timestamp("ns"), pa.date64(), pa.float16()])
def test_types_that_are_not_taken_are_refused(kind: pa.DataType) -> None:
    for technique in (GeneralizeDate(), binning(width=1), DateShift(max_days=1), noising(scale=1)):
        with pytest.raises(TypeRefused, match="it takes"):
            technique.output_type(kind)
