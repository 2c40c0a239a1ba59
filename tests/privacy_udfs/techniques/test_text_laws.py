"""What the techniques on text, addresses and places all keep, and all refuse."""

from __future__ import annotations

import pyarrow as pa
import pytest

from privacy_udfs.errors import TypeRefused, ValueRefused
from privacy_udfs.technique import Technique
from privacy_udfs.techniques.coarsen_location import CoarsenLocation
from privacy_udfs.techniques.date_shift import DateShift
from privacy_udfs.techniques.drop import Drop
from privacy_udfs.techniques.generalize_date import GeneralizeDate
from privacy_udfs.techniques.generalize_hierarchy import GeneralizeHierarchy
from privacy_udfs.techniques.generalize_number import GeneralizeNumber
from privacy_udfs.techniques.mask import Mask
from privacy_udfs.techniques.redact import Redact
from privacy_udfs.techniques.substitute import Substitute
from privacy_udfs.techniques.truncate import Truncate
from privacy_udfs.techniques.truncate_ip import TruncateIp
from tests.helpers.technique_laws import CANARY, KEY, run
from tests.helpers.vectors import Vector, load_vectors

MINE = (Drop, Redact, Mask, Truncate, GeneralizeHierarchy, TruncateIp, CoarsenLocation, Substitute)
BY_NAME = {cls.model_fields["technique"].default: cls for cls in MINE}
VECTORS = [vector for name in BY_NAME for vector in load_vectors(name)]


def treat(vector: Vector, values: pa.Array) -> pa.Array:
    return BY_NAME[vector.treatment["technique"]].model_validate(vector.treatment).apply(values, vector.key).values


each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.id)


@each_vector
def test_a_batch_cut_anywhere_gives_the_same(vector: Vector) -> None:
    for cut in range(len(vector.values) + 1):
        parts = [treat(vector, vector.values.slice(0, cut)), treat(vector, vector.values.slice(cut))]
        assert pa.concat_arrays(parts).to_pylist() == vector.expect.to_pylist()


@each_vector
def test_slices_of_a_batch_with_nulls_between_give_the_same(vector: Vector) -> None:
    null = pa.nulls(1, vector.values.type)
    singles = [vector.values.slice(at, 1) for at in range(len(vector.values))]
    spread = pa.concat_arrays([null, *(part for single in singles for part in (single, null))])
    got = treat(vector, spread.slice(1))
    assert got.type == vector.expect.type
    assert got.take(pa.array(range(0, len(got), 2))).to_pylist() == vector.expect.to_pylist()
    assert got.take(pa.array(range(1, len(got), 2))).null_count == len(singles)


@each_vector
def test_the_record_alone_repeats_the_treatment(vector: Vector) -> None:
    technique = BY_NAME[vector.treatment["technique"]].model_validate(vector.treatment)
    assert type(technique).model_validate(technique.record()) == technique


REFUSING: list[Technique] = [
    Truncate(preset="hipaa_zip3"),
    TruncateIp(),
    CoarsenLocation(precision=5),
    GeneralizeHierarchy(levels=(("a", "b"),)),
]


@pytest.mark.parametrize("technique", REFUSING, ids=lambda technique: technique.technique)
def test_a_refusal_holds_a_count_and_no_value(technique: Technique) -> None:
    with pytest.raises(ValueRefused, match="2 of 3 values") as caught:
        run(technique, [CANARY, None, CANARY])
    assert CANARY not in repr(caught.value)


TAKING_TEXT: list[Technique] = [
    Mask(),
    Mask(shape="email"),
    Truncate(keep=1),
    DateShift(max_days=5, input_format="%Y-%m-%d"),
    GeneralizeDate(input_format="%Y-%m-%d"),
    GeneralizeNumber(width=5, input_format="decimal_point"),
    *REFUSING,
]


@pytest.mark.parametrize("technique", TAKING_TEXT, ids=lambda technique: technique.technique)
def test_text_that_is_not_utf8_is_refused(technique: Technique) -> None:
    """Also where two values would be a character together: C3 A9 is é."""
    raw = pa.array([b"\xff" + CANARY.encode(), b"\xc3", b"\xa9", None])
    values = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    key, subject = KEY if technique.takes_key() else None, pa.array(["a"] * 4)
    with pytest.raises(ValueRefused, match="3 of 4 values") as caught:
        technique.apply(values, key, subject)
    assert CANARY not in repr(caught.value)
    lenient = type(technique).model_validate({**technique.record(), "on_refused": "null"})
    assert lenient.apply(values, key, subject)[1:] == (0, 1, 3)


@pytest.mark.parametrize(
    "technique", [Mask(), Truncate(keep=1), TruncateIp()], ids=lambda technique: technique.technique
)
def test_numbers_are_no_text(technique: Technique) -> None:
    with pytest.raises(TypeRefused, match="it takes text"):
        technique.output_type(pa.int64())
