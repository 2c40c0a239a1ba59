"""Presidio's patterns: in one stated version, and never passed over."""

from __future__ import annotations

import importlib.metadata
from importlib.util import find_spec
from typing import Any

import pyarrow as pa
import pytest

import privacy_udfs
from privacy_udfs.entities import presidio
from privacy_udfs.errors import ParameterError, UnexpectedFailure
from tests.helpers.technique_laws import CANARY

INSTALLED = find_spec("presidio_analyzer") is not None
VERSION = importlib.metadata.version(presidio.PACKAGE) if INSTALLED else "none"
needs_it = pytest.mark.skipif(not INSTALLED, reason="needs the package presidio-analyzer")


def of(found: dict[str, Any], **parameters: Any) -> Any:
    stated = {"technique": "treat_entities", "entities": {"email": "redact"}, "presidio": found}
    return privacy_udfs.parse({**stated, "presidio_version": VERSION, **parameters})


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"presidio_version": None}, "presidio and presidio_version go together"),
        ({"presidio": {}}, "presidio and presidio_version go together"),
        ({"presidio": {"IBAN_CODE": "redact"}}, "presidio: IBAN_CODE is found without: name iban under entities"),
        ({"presidio": {"URL": "redact"}}, "presidio: URL asks the network"),
        ({"presidio": {"us_ssn": "redact"}}, "expected pattern"),
        ({"presidio_score": 2}, "less than or equal to 1"),
    ],
)
def test_faults_of_parameters(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        of({"US_SSN": "redact"}, **parameters)


def test_another_version_or_none_stops_the_run() -> None:
    said = "states 0.0.1: another version" if INSTALLED else r"pip install presidio-analyzer, on the executors too"
    with pytest.raises(UnexpectedFailure, match=said) as caught:
        of({"US_SSN": "redact"}, presidio_version="0.0.1").apply(pa.array([CANARY]))
    assert CANARY not in str(caught.value)


def test_the_version_stands_in_the_record() -> None:
    record = of({"US_SSN": "redact"}).record()
    assert (record["presidio"], record["presidio_version"]) == ({"US_SSN": "redact"}, VERSION)
    assert privacy_udfs.parse(record) == of({"US_SSN": "redact"})


@needs_it
def test_what_presidio_finds_is_replaced() -> None:
    ssn = {"domain": "ssn", "treatment": {"technique": "mask", "keep_end": 4}}
    technique = of({"US_SSN": ssn, "UK_NHS": "redact"}, known={"n": "redact"})
    texts = pa.array(["536-90-4399 of ann@example.org, 943-476-5919; Ann", "nothing", None, "943-476-5918"])
    row = pa.StructArray.from_arrays([pa.array(["Ann"] * 4)], ["n"])
    got = technique.apply(texts, None, row).values.to_pylist()
    assert got == ["***-**-4399 of [email], [UK_NHS]; [n]", "nothing", None, "943-476-5918"]


@needs_it
def test_the_score_decides_but_for_a_valid_check() -> None:
    texts = pa.array(["536904399 9434765919"])
    for least, expect in ((0.4, "536904399 [UK_NHS]"), (0.01, "[US_SSN] [UK_NHS]")):
        technique = of({"US_SSN": "redact", "UK_NHS": "redact"}, presidio_score=least)
        assert technique.apply(texts).values.to_pylist() == [expect]


@needs_it
def test_the_finds_are_presidios_own() -> None:
    from presidio_analyzer.predefined_recognizers import UsItinRecognizer

    text = "ITIN 911-70-1234, 911701234 and 91170-1234"
    own = {(each.start, each.end) for each in UsItinRecognizer().analyze(text, ["US_ITIN"]) if each.score >= 0.3}
    assert own == {span[:2] for span in presidio.find(text, "US_ITIN", VERSION, 0.3)} != set()


@needs_it
def test_a_pattern_that_takes_too_long_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    import regex

    (rule, *_) = presidio._rules("US_SSN", VERSION)
    monkeypatch.setattr(presidio, "_rules", lambda *_: (rule._replace(pattern=regex.compile(r"(?:a|aa)+$")),))
    monkeypatch.setattr(presidio, "LONGEST", 0.05)
    with pytest.raises(UnexpectedFailure, match=r"US_SSN takes more than 0\.05 s in one text: leave it out"):
        of({"US_SSN": "redact"}).apply(pa.array(["a" * 60 + "!"]))


@needs_it
def test_what_it_does_not_know_ends_the_run() -> None:
    with pytest.raises(UnexpectedFailure, match="has no pattern for PERSON"):
        of({"PERSON": "redact"}).apply(pa.array(["x"]))
