"""What a change of configuration means: the order of strength, technique by technique, and what is said of a column."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from jobs.policy.diff_report import TableDiff
from jobs.policy.strength import compare, order_of
from jobs.policy.treatment_diff import Decided, diff
from privacy_udfs.strength import Strength
from privacy_udfs.techniques import BY_NAME, parse

VAULT = "0123456789abcdef" * 2
HIERARCHY = [["a", "b", "c"], ["d", "b", "c"]]
LADDERS: dict[str, list[list[dict[str, Any]]]] = {
    "redact": [[{"value": "x"}, {}]],
    "mask": [
        [{"keep_end": 4}, {"keep_end": 2}, {}],
        [{"keep_start": 1, "keep_end": 1}, {"keep_start": 1}, {"keep_start": 0}],
        [{"preserve": "-@. /"}, {}, {"preserve": "-"}, {"preserve": ""}],
        [{"classes": {"upper": "X"}}, {}],
        [{"only": ["digit"]}, {"only": ["digit", "upper"]}, {}, {"length": 8}],
        [{"mask_start": 1}, {"mask_start": 3}],
        [{"shape": "email"}, {"shape": "email", "length": 5}],
    ],
    "truncate": [
        [{"keep": 5}, {"keep": 3}, {"keep": 1}],
        [{"preset": "hipaa_zip3", "small_areas": ["036"]}, {"preset": "hipaa_zip3"}],
    ],
    "keyed_hash": [
        [{"bits": 64}, {"bits": 96}, {}, {"bits": 256}],
        [{"encoding": "bigint"}, {"encoding": "hex"}],
    ],
    "tokenize": [
        [{"vault": VAULT}, {"vault": VAULT, "bits": 256}],
        [{"vault": VAULT, "exportable": True}, {"vault": VAULT}],
    ],
    "format_preserving_encryption": [
        [{"preserve": "- "}, {"preserve": "-"}, {}],
        [{}, {"alphabet": "alphanumeric_lower"}],
    ],
    "date_shift": [
        [{"max_days": 7}, {"max_days": 30}, {"max_days": 365}],
        [{"max_days": 7}, {"max_days": 7, "null_dates": ["1900-01-01"]}],
    ],
    "generalize_date": [
        [{"unit": unit} for unit in ("second", "minute", "hour", "day", "week", "month", "quarter", "year")],
        [{"unit": unit} for unit in ("year", "decade", "century", "millennium")],
        [{}, {"bottom": "1930-01-01"}, {"bottom": "1940-01-01"}],
    ],
    "generalize_number": [
        [{"width": 0.25}, {"width": 5}, {"width": 10}],
        [{"edges": [1, 2, 3]}, {"edges": [1, 3]}, {"edges": [3]}],
        [{"edges": [1, 2]}, {"edges": [1, 2], "other": "x"}],
        [{"edges": [1, 2]}, {"edges": [1, 2], "labels": ["a", "b", "a"]}],
        [{"width": 5}, {"width": 5, "bottom": 0.5}, {"width": 5, "bottom": 10}],
        [{"width": 5}, {"width": 5, "top": 90}, {"width": 5, "top": 80}],
    ],
    "generalize_hierarchy": [[{"levels": HIERARCHY, "level": level} for level in (0, 1, 2)]],
    "truncate_ip": [
        [{}, {"embedded_ipv4": "ipv4"}],
        [{"ipv4": 32}, {}, {"ipv4": 16}],
        [{"ipv6": 64}, {}, {"ipv6": 32}],
    ],
    "coarsen_location": [
        [{"decimals": 4}, {}, {"decimals": 0}],
        [{"precision": 9}, {"precision": 5}],
    ],
    "add_noise": [
        [{"scale": 1}, {"scale": 2.5}, {"scale": 100}],
        [{"scale": 1}, {"scale": 1, "clip_min": 0}, {"scale": 1, "clip_min": 5, "clip_max": 9}],
    ],
}
"""Technique -> ladders of parameters, each step stronger than those before it."""

NEUTRAL: dict[str, list[dict[str, Any]]] = {
    "redact": [{"value": "x"}, {"value": "y"}],
    "mask": [{"length": 4}, {"length": 6}, {"length": 6, "char": "#"}],
    "truncate": [{"keep": 3}, {"keep": 3, "empty": None}],
    "truncate_ip": [{}, {"empty": None}],
    "coarsen_location": [{"precision": 5}, {"precision": 5, "empty": None}],
    "generalize_hierarchy": [{"levels": HIERARCHY}, {"levels": HIERARCHY, "empty": None}],
    "keyed_hash": [{}, {"algorithm": "AES-CMAC"}, {"encoding": "hex"}, {"prefix": "c_"}, {"normalize": ["trim"]}],
    "deterministic_encryption": [{}, {"associated_data": "x"}, {"encoding": "hex"}, {"normalize": ["nfc"]}],
    "randomized_encryption": [{}, {"output_prefix": "raw"}],
    "tokenize": [
        {"vault": VAULT},
        {"vault": VAULT[::-1]},
        {"vault": VAULT, "encoding": "hex"},
        {"vault": VAULT, "prefix": "t", "normalize": ["trim"]},
    ],
    "format_preserving_encryption": [{}, {"tweak": "00"}],
    "date_shift": [
        {"max_days": 7},
        {"max_days": 7, "exclude_zero": True},
        {"max_days": 7, "input_format": "%Y-%m-%d"},
        {"max_days": 7, "empty_subject": None, "normalize": ["trim"], "timezone": "Europe/Berlin"},
    ],
    "generalize_date": [{}, {"timezone": "Europe/Berlin"}, {"input_format": "%Y-%m-%d"}],
    "generalize_number": [
        {"width": 5},
        {"width": 5, "origin": 1},
        {"width": 5, "label": "lower"},
        {"width": 5, "input_format": "decimal_comma"},
    ],
    "add_noise": [{"scale": 1}, {"scale": 1, "empty_subject": None}],
    "substitute": [{"list": "cities"}, {"list": "last_names"}, {"values": ["a", "b"]}],
}
"""Technique -> parameters that give other results and show neither more nor less."""

INCOMPARABLE: dict[str, list[dict[str, Any]]] = {
    "mask": [{"shape": "email"}, {"keep_start": 1}, {"keep_end": 1}, {"preserve": "#"}, {"mask_start": 1}],
    "date_shift": [{"max_days": 7}, {"max_days": 7, "keep_dates": ["1900-01-01"]}],
    "truncate": [{"keep": 3}, {"preset": "hipaa_zip3"}],
    "generalize_number": [{"width": 5}, {"edges": [1, 2]}, {"edges": [1, 3]}],
    "generalize_hierarchy": [{"levels": HIERARCHY}, {"levels": [*HIERARCHY, ["e", "b", "c"]]}],
    "truncate_ip": [{"ipv4": 16, "ipv6": 64}, {"ipv4": 24, "ipv6": 32}],
    "coarsen_location": [{"decimals": 1}, {"precision": 4}],
    "add_noise": [{"scale": 1}, {"scale": 1, "distribution": "laplace"}],
}


def entry(technique: str, parameters: Mapping[str, Any] = MappingProxyType({}), **more: Any) -> dict[str, Any]:
    record = parse({"technique": technique, **parameters}).record()
    return {"class": "quasi_identifier", "technique": record.pop("technique"), "parameters": record, **more}


def verdict(technique: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    return compare(*(entry(technique, p)[k] for p in (before, after) for k in ("technique", "parameters"))).verdict


def pairs(groups: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(technique, *two, id=f"{technique} {two}")
        for technique, group in groups.items()
        for two in itertools.combinations(group, 2)
    ]


@pytest.mark.parametrize(
    ("technique", "weaker", "stronger"),
    [
        pytest.param(technique, *two, id=f"{technique} {two}")
        for technique, ladders in LADDERS.items()
        for ladder in ladders
        for two in itertools.combinations(ladder, 2)
    ],
)
def test_the_order_of_each_parameter(technique: str, weaker: dict[str, Any], stronger: dict[str, Any]) -> None:
    assert verdict(technique, weaker, stronger) == "stronger"
    assert verdict(technique, stronger, weaker) == "weaker"
    assert verdict(technique, weaker, weaker) == "equal"


@pytest.mark.parametrize(("technique", "one", "other"), pairs(NEUTRAL))
def test_other_results_of_equal_strength(technique: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert verdict(technique, one, other) == verdict(technique, other, one) == "equal"


@pytest.mark.parametrize(("technique", "one", "other"), pairs(INCOMPARABLE))
def test_what_cannot_be_compared(technique: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    assert verdict(technique, one, other) == verdict(technique, other, one) == "incomparable"


def test_labels_of_which_a_record_keeps_the_hash_cannot_be_compared() -> None:
    edges, hashes = [*range(21)], [{"count": 22, "sha256": digit * 64} for digit in "01"]
    labels = [hashes[0], hashes[1], ["x"] * 22, None]
    for one, other in itertools.permutations(labels, 2):
        sides = [{"edges": edges, "labels": each} for each in (one, other)]
        found = compare("generalize_number", sides[0], "generalize_number", sides[1]).verdict
        assert (found == "incomparable") is any(each in hashes for each in (one, other))


def test_labels_of_no_bin_are_as_good_as_none() -> None:
    one, none = {"edges": [5]}, {"edges": [5], "labels": []}
    assert verdict("generalize_number", one, none) == verdict("generalize_number", none, one) == "equal"


def test_the_order_of_techniques() -> None:
    order = ["keep", "date_shift", "mask", "format_preserving_encryption", "deterministic_encryption", "keyed_hash"]
    order += ["randomized_encryption", "redact", "drop"]
    for before, after in itertools.combinations(order, 2):
        assert compare(before, {}, after, {}).verdict == "stronger"
        assert compare(after, {}, before, {}).verdict == "weaker"
    for before, after in [("mask", "truncate"), ("date_shift", "add_noise"), ("keep", "unheard_of"), ("no", "keep")]:
        assert compare(before, {}, after, {}).verdict == "incomparable"
    assert compare("unheard_of", {"a": 1}, "unheard_of", {"a": 1}).verdict == "equal"
    assert compare("unheard_of", {"a": 1}, "unheard_of", {"a": 2}).verdict == "incomparable"


@pytest.mark.parametrize("technique", BY_NAME)
def test_every_technique_and_parameter_states_its_strength(technique: str) -> None:
    """Each parameter exactly one: also those that cannot be compared say so, rather than say nothing."""
    parameters = {name: field for name, field in BY_NAME[technique].model_fields.items() if name not in NO_PARAMETERS}
    marks = {name: [m for m in field.metadata if isinstance(m, Strength)] for name, field in parameters.items()}
    assert {name: len(found) for name, found in marks.items()} == dict.fromkeys(parameters, 1)
    assert BY_NAME[technique].shows is not None


NO_PARAMETERS = ("technique", "on_refused")
"""``on_refused`` says what becomes of a value that no treatment takes: it shows no more, and is told by itself."""


def test_what_states_no_strength_cannot_be_compared() -> None:
    for name in ("on_refused", "unheard_of"):
        assert order_of(BY_NAME["keep"], name)(1, 2) is None


def test_it_is_an_order() -> None:
    """Never both ways, and two steps up are up, over all treatments of these tests together."""
    pool = [entry(name, parameters) for name, ladders in LADDERS.items() for ladder in ladders for parameters in ladder]
    pool += [
        entry(name, parameters) for group in (NEUTRAL, INCOMPARABLE) for name in group for parameters in group[name]
    ]
    table = [
        [compare(a["technique"], a["parameters"], b["technique"], b["parameters"]).verdict for b in pool] for a in pool
    ]
    opposite = {"stronger": "weaker", "weaker": "stronger", "equal": "equal", "incomparable": "incomparable"}
    size = range(len(pool))
    assert all(table[j][i] == opposite[table[i][j]] for i in size for j in size)
    up = [[j for j in size if table[i][j] == "stronger"] for i in size]
    assert all(table[i][k] == "stronger" for i in size for j in up[i] for k in up[j])


# -- what is said of a column -----------------------------------------------------------------------------------------


def decided(technique: str, parameters: Mapping[str, Any] = MappingProxyType({}), **more: Any) -> Decided:
    record = parse({"technique": technique, **parameters}).record()
    return Decided("quasi_identifier", record.pop("technique"), record, **more)


def hashed(parameters: Mapping[str, Any] = MappingProxyType({}), **more: Any) -> Decided:
    return decided(
        "keyed_hash", parameters, **{"key": "crm", "key_id": 1, "key_check": "aa", "domain": "customer", **more}
    )


@pytest.mark.parametrize(
    ("before", "after", "change", "said"),
    [
        (hashed(), hashed(), "unchanged", []),
        (
            hashed(),
            hashed(domain="other"),
            "changed",
            ["domain: domain customer -> other: no longer joins with columns of the former"],
        ),
        (
            hashed(domain="given@recipient:lab"),
            hashed(),
            "weaker",
            [
                "domain: domain given@recipient:lab -> customer: no longer joins with columns of the former",
                "domain: scope relationship -> person: more rows join (weaker)",
            ],
        ),
        (
            decided("deterministic_encryption", domain="given@recipient:lab", key="crm"),
            hashed(),
            "not comparable",
            [
                "treatment: deterministic_encryption -> keyed_hash (stronger)",
                "pseudonyms: what was treated before no longer joins",
                "domain: domain given@recipient:lab -> customer: no longer joins with columns of the former",
                "domain: scope relationship -> person: more rows join (weaker)",
            ],
        ),
        (
            hashed(domain="given@recipient:lab"),
            decided("deterministic_encryption", domain="customer", key="crm"),
            "weaker",
            [
                "treatment: keyed_hash -> deterministic_encryption (weaker)",
                "pseudonyms: what was treated before no longer joins",
                "domain: domain given@recipient:lab -> customer: no longer joins with columns of the former",
                "domain: scope relationship -> person: more rows join (weaker)",
            ],
        ),
        (
            hashed(),
            hashed({"bits": 64}, domain="given@recipient:lab"),
            "not comparable",
            [
                "treatment: bits 128 -> 64 (weaker)",
                "domain: domain customer -> given@recipient:lab: no longer joins with columns of the former",
            ],
        ),
        (
            hashed(),
            hashed({"period": "month", "period_of": "day"}, domain="m@period:month"),
            "stronger",
            [
                "treatment: period unset -> 'month' (stronger)",
                "pseudonyms: period_of unset -> 'day' (other results)",
                "domain: domain customer -> m@period:month: no longer joins with columns of the former",
            ],
        ),
        (
            hashed({"period": "month", "period_of": "day"}, domain="m@period:month"),
            hashed({"period": "month", "period_of": "born"}, domain="m@period:month"),
            "not comparable",
            ["treatment: period_of 'day' -> 'born' (cannot be compared)"],
        ),
        (hashed(), hashed(key="web"), "changed", ["key: key crm -> web: other pseudonyms"]),
        (hashed(), hashed(key_id=2), "changed", ["key_version: key version 1 -> 2: other pseudonyms"]),
        (hashed(), hashed(key_id=None), "unchanged", []),
        (
            hashed(),
            hashed(key_check="bb"),
            "changed",
            ["key: another key under the name crm and the same id: other pseudonyms"],
        ),
        (
            hashed(keyset="file:a"),
            hashed(keyset="file:b"),
            "changed",
            ["key: key crm is read from another place: other pseudonyms, unless it was moved"],
        ),
        (
            hashed(),
            dataclasses.replace(hashed(), class_="sensitive"),
            "changed",
            ["class: class quasi_identifier -> sensitive"],
        ),
        (
            hashed(),
            hashed({"bits": 64, "encoding": "hex"}),
            "weaker",
            ["treatment: bits 128 -> 64 (weaker)", "pseudonyms: encoding 'base64url' -> 'hex' (other results)"],
        ),
        (
            hashed(),
            decided("keep"),
            "weaker",
            ["treatment: keyed_hash -> keep (weaker)", "pseudonyms: what was treated before no longer joins"],
        ),
        (decided("keep"), decided("drop"), "stronger", ["treatment: keep -> drop (stronger)"]),
        (
            decided("mask"),
            decided("truncate", {"keep": 2}),
            "not comparable",
            ["treatment: mask -> truncate (cannot be compared)"],
        ),
        (decided("drop"), decided("drop", {"on_refused": None}), "changed", ["treatment: on_refused stop -> null"]),
        (None, decided("keep"), "added", ["column: new: quasi_identifier, keep"]),
        (decided("keep"), None, "removed", ["column: gone: quasi_identifier, keep"]),
    ],
)
def test_what_a_change_means(before: Any, after: Any, change: str, said: list[str]) -> None:
    (column,) = diff({} if before is None else {"a": before}, {} if after is None else {"a": after})
    assert (column.column, column.change) == ("a", change)
    assert [f"{effect.kind}: {effect.text}" for effect in column.effects] == said
    assert column.is_weaker is (change in ("weaker", "not comparable"))


def test_a_part_is_compared_with_the_whole_it_was() -> None:
    whole, parts = (
        {"a": decided("drop"), "b": decided("keep")},
        {"a.x": decided("keep"), "a.y[]": decided("drop"), "b": decided("keep")},
    )
    assert [(c.column, c.change) for c in diff(whole, parts)] == [
        ("a.x", "weaker"),
        ("a.y[]", "unchanged"),
        ("b", "unchanged"),
    ]
    found = [(c.column, c.change) for c in diff(parts, whole)]
    assert found == [("a", "added"), ("b", "unchanged"), ("a.x", "stronger"), ("a.y[]", "unchanged")]


def test_cases_and_places_in_json_cannot_be_compared() -> None:
    cases = {"p{when 1}": decided("redact", rows="a"), "p{when 2}": hashed(rows="b"), "q": decided("keep")}
    places = {"p:$": decided("keep"), "p:$.x": decided("redact"), "q": decided("keep")}
    for before, after, new in ((cases, places, 2), (places, cases, 2)):
        found = diff(before, after)
        assert [each.change for each in found[:new]] == ["not comparable"] * new
        assert {each.column: each.change for each in found}["q"] == "unchanged"
        assert any(each.is_weaker for each in found)
    whole = {"p": decided("redact"), "q": decided("keep")}
    assert {each.column: each.change for each in diff(whole, places)}["p:$"] == "weaker"


def test_text_and_json() -> None:
    before = {"a": decided("drop"), "b": hashed()}
    after = {"a": decided("keep"), "b": hashed(), "c": decided("generalize_hierarchy", {"levels": HIERARCHY})}
    found = TableDiff("t", "the record of version 3", tuple(diff(before, after)))
    lines = found.as_text().splitlines()
    assert lines[0] == "t against the record of version 3: 2 columns change, 1 stay"
    assert [line.split() for line in lines[3:]] == [
        ["a", "WEAKER", "drop", "->", "keep", "(weaker)"],
        ["c", "added", "new:", "quasi_identifier,", "generalize_hierarchy"],
    ]
    told = json.loads(json.dumps(found.as_data()))
    assert told["weaker"] is True
    assert [column["change"] for column in told["columns"]] == ["weaker", "unchanged", "added"]
    same = TableDiff("t", "x", tuple(diff(before, before)))
    assert (same.is_weaker, same.as_text()) == (False, "t against x: 0 columns change, 2 stay")
