"""One contract for all techniques: each is held against it with its own vectors."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import privacy_udfs
from privacy_udfs.errors import KeyProblem, LakenymError, ParameterError, TypeRefused, ValueRefused
from privacy_udfs.technique import SubjectTechnique, Technique, TextTechnique
from privacy_udfs.techniques import BY_NAME
from tests.helpers.vectors import Vector, load_vectors

SAMPLES = [vector for name in BY_NAME for vector in load_vectors(name)]
RECORDS = json.loads((Path(__file__).parents[1] / "vectors" / "records_v1.json").read_text(encoding="utf-8"))
"""Treatments and the records that the first release wrote of them into tables: frozen, never to be made anew. What came
later has its record among its vectors."""
TAKING_ANY_BYTES = ("deterministic_encryption", "randomized_encryption", "substitute")
"""Techniques that seal or hash the bytes of a text and read no character of it, so malformed ones are as good as any.
Every other technique on text refuses those."""


def of_kind(kind: type[Technique], samples: list[Vector], values: pa.DataType | None = None) -> list[Vector]:
    """The first sample of each technique of a kind, if told of values of that type; none of them may lack one."""
    found: dict[str, Vector] = {}
    for sample in samples:
        if values is None or sample.values.type == values:
            found.setdefault(name_of(sample), sample)
    names = [name for name in map(name_of, samples) if issubclass(BY_NAME[name], kind)]
    return [found[name] for name in dict.fromkeys(names)]


def name_of(sample: Vector) -> str:
    return str(sample.treatment["technique"])


def each(samples: list[Vector]) -> pytest.MarkDecorator:
    assert samples, "a test of none would pass"
    return pytest.mark.parametrize("sample", samples, ids=lambda sample: sample.id)


each_technique = each(SAMPLES)
each_on_text = each(of_kind(TextTechnique, SAMPLES, pa.string()))
each_with_subject = each(of_kind(SubjectTechnique, SAMPLES))


def apply(sample: Vector, values: pa.Array, subject: pa.Array | None = None) -> pa.Array:
    return privacy_udfs.apply(sample.treatment, values, sample.key, subject)


def told(sample: Vector, values: pa.Array, subject: pa.Array | None = None) -> list[Any]:
    """What treating gives; where no two runs give the same, what comes back of it."""
    treated = apply(sample, values, subject)
    if privacy_udfs.parse(sample.treatment).deterministic:
        return list(treated.to_pylist())
    return list(privacy_udfs.revert(sample.treatment, treated, sample.key).to_pylist())


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
    whole = told(sample, sample.values, sample.subject)
    for start in range(len(sample.values)):
        subject = None if sample.subject is None else sample.subject.slice(start)
        assert told(sample, sample.values.slice(start), subject) == whole[start:]


@each_technique
def test_layouts_give_the_same(sample: Vector) -> None:
    whole = told(sample, sample.values, sample.subject)
    layouts = [pa.chunked_array([sample.values.slice(0, 1), sample.values.slice(1)])]
    if not pa.types.is_nested(sample.values.type):
        layouts.append(sample.values.dictionary_encode())
    if pa.types.is_string(sample.values.type):
        layouts += [sample.values.cast(pa.large_string()), sample.values.cast(pa.string_view())]
    for values in layouts:
        assert told(sample, values, sample.subject) == whole


@each_technique
def test_record_parses_to_an_equal_technique(sample: Vector) -> None:
    technique = privacy_udfs.parse(sample.treatment)
    assert privacy_udfs.parse(technique.record()) == technique
    assert pickle.loads(pickle.dumps(technique)) == technique
    assert sample.record in (None, technique.record())


@pytest.mark.parametrize("old", RECORDS, ids=lambda old: json.dumps(old["treatment"]))
def test_a_record_written_before_equals_the_one_of_today(old: dict[str, Any]) -> None:
    technique = privacy_udfs.parse(old["treatment"])
    assert technique.record() == old["record"]
    assert privacy_udfs.parse(old["record"]) == technique


def test_records_of_all_techniques_are_frozen() -> None:
    frozen = {old["record"]["technique"] for old in RECORDS}
    later = {name_of(sample) for sample in SAMPLES if sample.record is not None}
    assert frozen | later == set(BY_NAME)


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


@each_on_text
def test_an_empty_text_can_count_as_null(sample: Vector) -> None:
    technique = privacy_udfs.parse({**sample.treatment, "empty": None, "on_refused": "null"})
    value = next(value for value in sample.values.to_pylist() if value)
    values = pa.array(["", None, value, ""])
    subject = pa.array(["a"] * 4) if technique.needs_subject else None
    for given in (values, values.cast(pa.large_string()), values.dictionary_encode(), values.cast(pa.string_view())):
        outcome = technique.apply(given, sample.key, subject)
        assert (outcome.null, outcome.treated + outcome.refused) == (3, 1)
        assert outcome.values.is_null().to_pylist()[:2] == [True, True]
    ever = privacy_udfs.parse({**technique.record(), "empty": "treat"})
    assert ever.apply(values, sample.key, subject).null == 1
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


@each_on_text
def test_malformed_text_is_never_empty_and_never_shown(sample: Vector) -> None:
    """Lone surrogates, CESU-8 and cut characters, as Spark's cast of binary to text lets them in."""
    values = pa.array([b"canary\xed\xa0\x80", b"\xff", b"\xc3"], pa.binary()).view(pa.string())
    technique = privacy_udfs.parse({**sample.treatment, "empty": None, "on_refused": "stop"})
    subject = pa.array(["a"] * 3) if technique.needs_subject else None
    lenient = technique.model_copy(update={"on_refused": "null"}).apply(values, sample.key, subject)
    taken = name_of(sample) in TAKING_ANY_BYTES
    assert lenient[1:] == ((3, 0, 0) if taken else (0, 0, 3))
    assert lenient.values.null_count == lenient.refused
    if not taken:
        with pytest.raises(ValueRefused, match="3 of 3 values") as caught:
            technique.apply(values, sample.key, subject)
        assert "canary" not in repr(caught.value)
    assert not any(b"canary" in result for result in lenient.values.cast(pa.binary()).to_pylist() if result is not None)


@each_with_subject
def test_one_rule_for_a_subject(sample: Vector) -> None:
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
def test_facts_about_results_are_as_declared(sample: Vector) -> None:
    technique = privacy_udfs.parse(sample.treatment)
    got = apply(sample, sample.values, sample.subject)
    if technique.keeps_type:
        assert got.type == technique.output_type(sample.values.type) == sample.values.type
    if technique.keeps_values:
        assert got.equals(sample.values)
    if technique.one_result:
        assert len(set(got.drop_null().to_pylist())) <= 1
    assert technique.gives_null() is False or got.null_count == len(got)
    if technique.result_pattern() is not None:
        assert pc.all(pc.match_substring_regex(got.drop_null(), technique.result_pattern())).as_py() is not False
    if technique.covers or technique.unrecognizable:
        pairs = zip(sample.values.to_pylist(), got.to_pylist(), strict=True)
        assert not any(str(value) in str(result) for value, result in pairs if len(str(value)) > 3 and result)


@each_technique
def test_different_values_stay_so_where_it_is_declared(sample: Vector) -> None:
    stated = {name: value for name, value in sample.treatment.items() if name not in ("normalize", "empty")}
    technique = privacy_udfs.parse({**stated, "on_refused": "null"})
    outcome = technique.apply(sample.values, sample.key, sample.subject)
    results = outcome.values.to_pylist()
    treated = [pair for pair in zip(map(str, sample.values.to_pylist()), results, strict=True) if pair[1] is not None]
    values, results = {value for value, _ in treated}, {result for _, result in treated}
    assert not technique.injective or len(results) == len(values)


@each_technique
def test_a_key_and_an_algorithm_go_together(sample: Vector) -> None:
    technique = privacy_udfs.parse(sample.treatment)
    assert (sample.key is not None) is technique.takes_key() is (technique.key_size() is not None)
    assert (technique.algorithm_in_use() in technique.algorithms) is technique.takes_key()
    assert technique.takes_key() or not (technique.algorithms or technique.key_types or technique.reversible)


@each_technique
def test_a_key_is_asked_for_exactly_where_it_is_used(sample: Vector) -> None:
    wrong = b"\0" * 32 if sample.key is None else None
    with pytest.raises(KeyProblem):
        privacy_udfs.apply(sample.treatment, sample.values, wrong, sample.subject)


@each_technique
def test_a_subject_is_asked_for_where_it_is_used_and_passed_over_elsewhere(sample: Vector) -> None:
    if privacy_udfs.parse(sample.treatment).needs_subject:
        with pytest.raises(TypeRefused, match="needs a subject"):
            apply(sample, sample.values, None)
        with pytest.raises(TypeRefused, match="subjects"):
            apply(sample, sample.values, pa.array(["a"] * (len(sample.values) + 1)))
    else:
        subjects = pa.array([str(at) for at in range(len(sample.values))])
        assert told(sample, sample.values, subjects) == told(sample, sample.values)


@each_with_subject
def test_results_depend_on_the_subject_and_on_nothing_else_beside_the_value(sample: Vector) -> None:
    value = sample.values.slice(0, 1).take(pa.array([0] * 20))
    subjects = pa.array([str(at % 10) for at in range(20)])
    got = apply(sample, value, subjects).to_pylist()
    assert got[:10] == got[10:]
    assert len(set(got)) > 5, "ten subjects have one draw each"


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
