"""The shape of results: all that techniques give have it, and values that were never treated do not."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

import privacy_udfs
from privacy_udfs import result_shapes
from privacy_udfs.technique import narrow, plain
from privacy_udfs.techniques import BY_NAME
from tests.helpers.vectors import Vector, load_vectors

SAMPLES = [vector for name in BY_NAME for vector in load_vectors(name)]
PROSE = "Zoë Example <zoe@example.org>, born 1980-02-29, 17 Elm Street"
WITHOUT = {"keep", "drop", "treat_entities"}
"""Techniques of whose results nobody can tell by the look that they are results."""
DAY, TIME = datetime.date(1980, 2, 29), datetime.datetime(1980, 2, 29, 12, 34, 56, 789)
HASH = {"technique": "keyed_hash"}
SEAL = {"technique": "deterministic_encryption"}
TOKEN = "AQAAAAdub3QgYSB0b2tlbiBidXQgbG9uZw=="  # 0x01, key id 7, 20 bytes
EDGES = {"technique": "generalize_number", "edges": [18, 65]}


def count(treatment: Any, results: pa.Array, key_id: int | None = None) -> int | None:
    found = result_shapes.misshapen(privacy_udfs.parse(treatment), narrow(plain(results)), key_id)
    return None if found is None else sum(found.to_pylist())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)
def test_results_have_the_shape_and_prose_has_not(sample: Vector) -> None:
    technique = privacy_udfs.parse(sample.treatment)
    if technique.drops_column or technique.by_vault:  # of the latter the vectors are no results
        return
    results = privacy_udfs.apply(sample.treatment, sample.values, sample.key, sample.subject)
    assert not count(technique, pa.concat_arrays([results, pa.nulls(1, results.type)]))
    if technique.technique not in WITHOUT and count(technique, results) is not None:
        assert count(technique, pa.array([PROSE])) == 1


@pytest.mark.parametrize(
    ("treatment", "good", "bad"),
    [
        ({"technique": "redact"}, [None], ["x"]),
        ({"technique": "redact", "value": "gone"}, ["gone", None], ["x"]),
        ({"technique": "redact", "value": 0}, [0, None], [1]),
        ({"technique": "mask"}, ["***-**", None, ""], ["12-34"]),
        ({"technique": "mask", "keep_end": 2}, ["**-*34", "**"], ["12-34", "34"]),
        ({"technique": "mask", "length": 4}, ["****"], ["***", "abcd"]),
        ({"technique": "mask", "shape": "card"}, ["****-****-****-1111", "*** ***"], ["4111-1111-1111-1111"]),
        ({"technique": "mask", "classes": {"upper": "X", "lower": "x", "digit": "9"}}, ["Xx-99"], ["Ab-12"]),
        ({"technique": "truncate", "keep": 2}, ["02", "0"], ["0250"]),
        ({"technique": "truncate", "preset": "hipaa_zip3"}, ["000", "100"], ["036", "12345"]),
        (HASH, ["A" * 22], ["A" * 21, "A" * 23, "A" * 21 + "="]),
        ({**HASH, "encoding": "hex", "prefix": "a_"}, ["a_" + "0f" * 16], ["0f" * 16, "a_" + "0F" * 16]),
        ({"technique": "tokenize", "vault": "0" * 32}, ["A" * 22, "-" * 21 + "w", None], ["A" * 21, "A" * 21 + "B"]),
        ({"technique": "tokenize", "vault": "0" * 32, "encoding": "hex"}, ["0f" * 16], ["0F" * 16, "0f" * 15]),
        ({**HASH, "encoding": "bigint"}, [1], ["1"]),
        (SEAL, [TOKEN], [TOKEN[:-1], TOKEN[:24], "no token"]),
        ({**SEAL, "encoding": "hex"}, ["01" * 21], ["01" * 20, "0x" * 21]),
        ({**SEAL, "encoding": "binary"}, [b"\1" * 21], [b"\1" * 20]),
        ({"technique": "randomized_encryption", "output_prefix": "raw", "encoding": "hex"}, ["01" * 28], ["01" * 27]),
        ({"technique": "format_preserving_encryption"}, ["123456"], ["12345", "12345a"]),
        ({"technique": "date_shift", "max_days": 9}, [DAY], ["1980-02-29"]),
        ({"technique": "date_shift", "max_days": 9, "input_format": "%d.%m.%Y"}, ["29.02.1980"], ["1980-02-29"]),
        ({"technique": "generalize_date"}, [datetime.date(1980, 1, 1)], [DAY]),
        ({"technique": "generalize_date", "unit": "week"}, [datetime.date(1980, 2, 25)], [DAY]),
        ({"technique": "generalize_date", "unit": "hour"}, [TIME.replace(minute=0, second=0, microsecond=0)], [TIME]),
        (EDGES, ["<18", "[18, 65)", ">=65"], ["17", "[18, 64)", "<65", "[17, 18)", "[65, 70)"]),
        ({**EDGES, "labels": ["young", "grown", "old"]}, ["old"], ["[18, 65)"]),
        ({**EDGES, "other": "-"}, ["[18, 65)", "-"], ["<18"]),
        ({**EDGES, "label": "lower"}, [18, 65], [41, 64]),
        ({**EDGES, "label": "midpoint"}, [41.5, 18.0, 65.0], [41.0]),
        ({"technique": "generalize_number", "width": 0.25}, ["[0.25, 0.5)"], ["[0.3, 0.55)", "[0.25, 0.75)"]),
        ({"technique": "generalize_number", "width": 5, "label": "lower"}, [10, 0], [11]),
        ({"technique": "generalize_hierarchy", "levels": [["a", "A"], ["b", "A"]]}, ["A"], ["a"]),
        ({"technique": "truncate_ip"}, ["192.0.2.0", "2001:db8:1::"], ["192.0.2.7", "2001:db8:1::3", "2001:DB8:1::"]),
        ({"technique": "coarsen_location", "decimals": 1}, [52.5, -0.1], [52.51]),
        ({"technique": "coarsen_location", "decimals": 1}, [Decimal("52.50")], [Decimal("52.51")]),
        ({"technique": "coarsen_location", "precision": 5}, ["u33db"], ["u33d", "a33db", "52.5,13.4"]),
        ({"technique": "add_noise", "scale": 3, "clip_min": 0, "clip_max": 99}, [0, 99], [-1, 100]),
        ({"technique": "add_noise", "scale": 3, "clip_min": 0}, [0.5, 2.5], [-0.5]),
        ({"technique": "substitute", "values": ["Ann", "Bo"]}, ["Ann"], ["Cy", "ann"]),
        ({"technique": "substitute", "list": "cities"}, ["Aachen"], ["Nowhere"]),
    ],
    ids=lambda given: given.get("technique") if isinstance(given, dict) else "",
)
def test_by_hand(treatment: Any, good: list[Any], bad: list[Any]) -> None:
    assert count(treatment, pa.array(good)) == 0
    assert count(treatment, pa.array(bad)) == len(bad)


def test_a_token_tells_the_id_of_its_key() -> None:
    assert [count(SEAL, pa.array([TOKEN]), key_id) for key_id in (7, 8, None)] == [0, 1, 0]
    assert count({**SEAL, "output_prefix": "raw"}, pa.array([TOKEN]), 8) == 0, "a raw token says nothing of a key"
    assert count(HASH, pa.array(["A" * 22]), 8) == 0


def test_of_some_results_nobody_can_tell() -> None:
    for treatment in ({"technique": "keep"}, {"technique": "add_noise", "scale": 3}):
        assert count(treatment, pa.array([1])) is None


def test_what_a_technique_writes_itself() -> None:
    told = {
        "redact": ({"value": "gone"}, ("gone",)),
        "substitute": ({"values": ["Ann", "Bo"]}, ("Ann", "Bo")),
        "generalize_hierarchy": ({"levels": [["a", "A"], ["b", "A"]]}, ("A",)),
        "generalize_number": ({"edges": [1, 2], "labels": ["one"], "other": "-"}, ("one", "-")),
        "keyed_hash": ({}, ()),
    }
    for name, (parameters, words) in told.items():
        assert privacy_udfs.parse({"technique": name, **parameters}).own_words() == words  # type: ignore[dict-item]
