"""One contract for all techniques: each is held against it with its own vectors."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import privacy_udfs
from privacy_udfs.errors import KeyProblem, LakenymError, ParameterError, TypeRefused
from privacy_udfs.technique import SubjectTechnique, TextTechnique
from privacy_udfs.techniques import BY_NAME
from tests.helpers.vectors import Vector, load_vectors

SAMPLES = [load_vectors(name)[0] for name in BY_NAME]
each_technique = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)


RECORDS = json.loads((Path(__file__).parents[1] / "vectors" / "records_v1.json").read_text(encoding="utf-8"))
"""Treatments and the records that the first release wrote of them into tables: frozen, never to be made anew."""
TEXT_ONLY = {
    "mask": {},
    "truncate": {"keep": 2},
    "keyed_hash": {},
    "deterministic_encryption": {},
    "randomized_encryption": {},
    "format_preserving_encryption": {"alphabet": "alphanumeric_lower"},
    "date_shift": {"max_days": 3, "input_format": "%Y-%m-%d"},
    "generalize_date": {"input_format": "%Y-%m-%d"},
    "generalize_number": {"width": 1, "input_format": "decimal_point"},
    "generalize_hierarchy": {"levels": [["", "none"], ["2024-01-01", "some"]]},
    "truncate_ip": {},
    "coarsen_location": {"precision": 3},
    "substitute": {"list": "cities"},
}
"""Parameters with which each technique takes text."""


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


@pytest.mark.parametrize("old", RECORDS, ids=lambda old: json.dumps(old["treatment"]))
def test_a_record_written_before_equals_the_one_of_today(old: dict[str, Any]) -> None:
    technique = privacy_udfs.parse(old["treatment"])
    assert technique.record() == old["record"]
    assert privacy_udfs.parse(old["record"]) == technique


def test_records_of_all_techniques_are_frozen() -> None:
    assert {old["record"]["technique"] for old in RECORDS} >= set(BY_NAME)


@pytest.mark.parametrize(
    "treatment",
    [
        {"technique": "truncate", "keep": 2, "empty": None},
        {"technique": "mask", "length": 5, "only": None},
        {"technique": "date_shift", "max_days": 2, "null_dates": ["1900-01-01"], "input_format": "%Y%m%d"},
        {"technique": "add_noise", "scale": 2, "empty_subject": None},
        {"technique": "generalize_number", "edges": [1, 2], "labels": ["a"], "other": "b"},
        {"technique": "truncate_ip", "embedded_ipv4": "ipv4"},
    ],
    ids=str,
)
def test_later_parameters_are_recorded_where_they_are_used(treatment: dict[str, Any]) -> None:
    technique = privacy_udfs.parse(treatment)
    record = technique.record()
    assert {name for name, value in treatment.items() if value is not None} <= record.keys()
    assert "only" not in record
    assert privacy_udfs.parse(record) == technique
    assert [name for name, value in treatment.items() if value is None and name.startswith("empty")] == [
        name for name in record if name.startswith("empty")
    ]


@pytest.mark.parametrize("name", [name for name, cls in BY_NAME.items() if issubclass(cls, TextTechnique)])
def test_an_empty_text_can_count_as_null(name: str) -> None:
    technique = privacy_udfs.parse({"technique": name, **TEXT_ONLY[name], "empty": None, "on_refused": "null"})
    values = pa.array(["", None, "2024-01-01", ""])
    key = bytes(range(64))[: technique.key_size()] if technique.key_size() else None
    subject = pa.array(["a"] * 4) if technique.needs_subject else None
    for given in (values, values.cast(pa.large_string()), values.dictionary_encode(), values.cast(pa.string_view())):
        outcome = technique.apply(given, key, subject)
        assert (outcome.null, outcome.treated + outcome.refused) == (3, 1)
        assert outcome.values.is_null().to_pylist()[:2] == [True, True]
    ever = privacy_udfs.parse({**technique.record(), "empty": "treat"})
    assert ever.apply(values, key, subject).null == 1
    assert (technique.nulls_values(), ever.model_copy(update={"on_refused": "stop"}).nulls_values()) == (True, False)


def test_empty_is_what_the_steps_leave_nothing_of() -> None:
    steps = ["strip_zero_width", "nfkc", "trim"]
    values = pa.array(["\u200b \u200b", " ", "\u200bx", "", "x", None, "\ufeff"])
    for start in range(len(values)):
        technique = privacy_udfs.parse({"technique": "keyed_hash", "normalize": steps, "empty": None})
        got = technique.apply(values.slice(start), bytes(32)).values
        assert got.is_null().to_pylist() == [True, True, False, True, False, True, True][start:]
    bare = privacy_udfs.parse({"technique": "keyed_hash", "empty": None})
    assert bare.apply(values, bytes(32)).values.is_null().to_pylist() == [False, False, False, True, False, True, False]


@pytest.mark.parametrize("name", [name for name, cls in BY_NAME.items() if issubclass(cls, TextTechnique)])
def test_malformed_text_is_never_empty_and_never_shown(name: str) -> None:
    """Lone surrogates, CESU-8 and cut characters, as Spark's cast of binary to text lets them in."""
    values = pa.array([b"canary\xed\xa0\x80", b"\xff", b"\xc3"], pa.binary()).view(pa.string())
    technique = privacy_udfs.parse({"technique": name, **TEXT_ONLY[name], "empty": None})
    key = bytes(range(64))[: technique.key_size()] if technique.key_size() else None
    subject = pa.array(["a"] * 3) if technique.needs_subject else None
    lenient = technique.model_copy(update={"on_refused": "null"}).apply(values, key, subject)
    assert lenient.null == 0
    if lenient.refused:
        assert lenient.refused == lenient.values.null_count == 3
        with pytest.raises(LakenymError) as caught:
            technique.apply(values, key, subject)
        assert "canary" not in str(caught.value)
    else:  # techniques on bytes, which take any
        assert name in ("deterministic_encryption", "randomized_encryption", "substitute")


@pytest.mark.parametrize("name", [name for name, cls in BY_NAME.items() if issubclass(cls, SubjectTechnique)])
def test_one_rule_for_a_subject(name: str) -> None:
    sample = load_vectors(name)[0]
    subjects = pa.array(["Ann", " Ann\u3000", "Ann\u200b", "", None])
    values = sample.values.slice(0, 1).take(pa.array([0] * 5))
    treatment = {"normalize": ["strip_zero_width", "trim"], "empty_subject": None, "on_refused": "null"}
    got = privacy_udfs.apply({**sample.treatment, **treatment}, values, sample.key, subjects).to_pylist()
    plain = privacy_udfs.apply(sample.treatment, values.slice(0, 1), sample.key, subjects.slice(0, 1)).to_pylist()
    assert got == plain * 3 + [None, None]
    apart = privacy_udfs.apply({**sample.treatment, "on_refused": "null"}, values, sample.key, subjects).to_pylist()
    assert len(set(apart[:3])) > 1


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
