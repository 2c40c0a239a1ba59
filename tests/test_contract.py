"""One contract for all techniques: each is held against it with its own vectors."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest

import privacy_udfs
from privacy_udfs.errors import KeyProblem, LakenymError, ParameterError, TypeRefused
from privacy_udfs.techniques import BY_NAME
from tests.support import Vector, load_vectors

SAMPLES = [load_vectors(name)[0] for name in BY_NAME]
each_technique = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)


def apply(sample: Vector, values: pa.Array, subject: pa.Array | None = None) -> pa.Array:
    return privacy_udfs.apply(sample.treatment, values, sample.key, subject)


@each_technique
def test_null_in_null_out_and_same_length(sample: Vector) -> None:
    values = pa.concat_arrays([pa.nulls(1, sample.values.type), sample.values, pa.nulls(2, sample.values.type)])
    subject = None
    if sample.subject is not None:
        filler = sample.subject.slice(0, 1)
        subject = pa.concat_arrays([filler, sample.subject, filler, filler])
    got = apply(sample, values, subject)
    assert len(got) == len(values)
    assert got.slice(0, 1).null_count == 1
    assert got.slice(len(got) - 2).null_count == 2


@each_technique
@pytest.mark.parametrize("length", [0, 3])
def test_empty_and_all_null_batches(sample: Vector, length: int) -> None:
    subject = None if sample.subject is None else sample.subject.take(pa.array([0] * length, pa.int64()))
    got = apply(sample, pa.nulls(length, sample.values.type), subject)
    assert len(got) == got.null_count == length
    assert got.type == privacy_udfs.parse(sample.treatment).output_type(sample.values.type)


@each_technique
def test_slices_give_the_same(sample: Vector) -> None:
    if not privacy_udfs.parse(sample.treatment).deterministic:
        pytest.skip("two runs of a randomized technique differ by design")
    whole = apply(sample, sample.values, sample.subject)
    for start in range(len(sample.values)):
        subject = None if sample.subject is None else sample.subject.slice(start)
        assert apply(sample, sample.values.slice(start), subject).equals(whole.slice(start))


@each_technique
def test_layouts_give_the_same(sample: Vector) -> None:
    technique = privacy_udfs.parse(sample.treatment)
    if not technique.deterministic:
        pytest.skip("two runs of a randomized technique differ by design")
    whole = apply(sample, sample.values, sample.subject)
    layouts = [sample.values.dictionary_encode()] if not pa.types.is_nested(sample.values.type) else []
    if pa.types.is_string(sample.values.type):
        layouts += [sample.values.cast(pa.large_string()), sample.values.cast(pa.string_view())]
    for values in layouts:
        assert apply(sample, values, sample.subject).to_pylist() == whole.to_pylist()


@each_technique
def test_record_parses_to_an_equal_technique(sample: Vector) -> None:
    technique = privacy_udfs.parse(sample.treatment)
    assert privacy_udfs.parse(technique.record()) == technique
    assert pickle.loads(pickle.dumps(technique)) == technique


@each_technique
def test_determinism_is_as_declared(sample: Vector) -> None:
    once, twice = (apply(sample, sample.values, sample.subject) for _ in range(2))
    assert once.equals(twice) is privacy_udfs.parse(sample.treatment).deterministic


@each_technique
def test_a_key_is_asked_for_exactly_where_it_is_used(sample: Vector) -> None:
    wrong = b"\0" * 32 if sample.key is None else None
    with pytest.raises(KeyProblem):
        privacy_udfs.apply(sample.treatment, sample.values, wrong, sample.subject)


@each_technique
def test_a_subject_is_asked_for_where_it_is_used(sample: Vector) -> None:
    if privacy_udfs.parse(sample.treatment).needs_subject:
        with pytest.raises(TypeRefused):
            apply(sample, sample.values, None)


@each_technique
def test_faults_of_parameters_come_all_at_once(sample: Vector) -> None:
    with pytest.raises(ParameterError) as caught:
        privacy_udfs.parse({**sample.treatment, "no_such": 1, "on_refused": "explode"})
    assert "no_such" in str(caught.value)
    assert "on_refused" in str(caught.value)


@each_technique
def test_frozen(sample: Vector) -> None:
    technique = privacy_udfs.parse(sample.treatment)
    with pytest.raises(Exception, match="frozen"):
        technique.on_refused = "null"  # type: ignore[misc]


def test_an_unknown_technique_is_refused() -> None:
    with pytest.raises(LakenymError, match="expected one of"):
        privacy_udfs.parse({"technique": "sha256_with_salt"})
