"""Least and greatest values that the catalog asks for: what `check` warns of, and wishes that nothing would heed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jobs import check
from jobs.configuration.config import ConfigError
from tests.helpers import lakes
from tests.helpers.lakes import column, configured, table

HASHED = {"domain": "customer"}
COLUMNS: dict[str, Any] = {
    "id": column(HASHED, "direct_identifier"),
    "zip": column({"technique": "truncate", "keep": 2}),
    "home.city": column("keep"),
    "born": column("redact"),
    "tags[]": column("keep"),
    "amount": column("keep", "sensitive"),
    "day": column("keep", "non_personal"),
}
BOTH = "stand in Delta's log and in the footers of files, and stay there after a deletion until the log is cleaned"
LISTED = "delta.dataSkippingStatsColumns"


def told(lake: Path, columns: Mapping[str, Any] = {}, **target: Any) -> list[str]:
    path = {"path": str(lake / "treated" / "t"), **target}
    stated = {name: {**each, "why": f"a test of {name}"} for name, each in {**COLUMNS, **columns}.items()}
    return [str(each) for each in check.run(configured(lake, table("t", lake, stated, target=path)))]


@pytest.mark.parametrize(
    ("target", "place", "names"),
    [
        ({"cluster_by": ["zip", "day"]}, "target.cluster_by", "the least and greatest values of zip stand"),
        ({"cluster_by": ["id"]}, "target.cluster_by", "the least and greatest values of id stand"),
        ({"partition_by": ["zip", "day"]}, "target.partition_by", "the values of zip stand in names of folders"),
        ({"properties": {LISTED: "id,home,day"}}, "target.properties", "greatest values of id, home.city stand"),
        ({"properties": {LISTED.upper(): "zip"}}, "target.properties", "the least and greatest values of zip stand"),
        ({"properties": {"delta.dataSkippingNumIndexedCols": "2"}}, "target.properties",
         "the least and greatest values of id, zip, home.city stand"),
    ],
)  # fmt: skip
def test_what_the_target_asks_for_is_warned_of(lake: Path, target: dict[str, Any], place: str, names: str) -> None:
    (line,) = told(lake, **target)
    assert line.startswith(f"catalog/t.yaml:1: warning: {place}: ")
    assert names in line


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"cluster_by": ["day", "amount"]},
        {"partition_by": ["day"]},
        {"partition_by": ["born"]},  # of which nothing is left
        {"properties": {LISTED: "day,amount"}},
        {"properties": {"delta.dataSkippingNumIndexedCols": "0"}},
    ],
)
def test_nothing_is_said_where_nothing_is_kept(lake: Path, target: dict[str, Any]) -> None:
    assert told(lake, **target) == []


def test_what_a_column_asks_for_is_warned_of_at_its_line(lake: Path) -> None:
    kept = {"home.city": {**COLUMNS["home.city"], "statistics": True}, "day": {**COLUMNS["day"], "statistics": True}}
    (line,) = told(lake, kept)
    assert ": warning: columns.`home.city`: the least and greatest values of home.city " + BOTH in line
    assert int(line.split(":")[1]) > 1


def test_a_column_by_cases_asks_for_what_any_case_leaves(lake: Path) -> None:
    """The first of them leaves nothing."""
    cases = [{"rows": "day = 'a'", "treatment": "redact"}, {"rows": "not day = 'a'", "treatment": "keep"}]
    stated = {"class": "quasi_identifier", "why": "a test", "when": cases}
    (line,) = told(lake, {"born": {**stated, "statistics": True}})
    assert "the least and greatest values of born " + BOTH in line
    (line,) = told(lake, {"born": stated}, partition_by=["day"], properties={LISTED: "born"})
    assert "the least and greatest values of born " + BOTH in line


@pytest.mark.parametrize(
    ("columns", "properties", "why"),
    [
        ({"zip": {**COLUMNS["zip"], "statistics": True}}, {LISTED: "zip"}, f"properties say it by {LISTED}"),
        ({"zip": {**COLUMNS["zip"], "statistics": False}}, {LISTED: "day"}, f"properties say it by {LISTED}"),
        ({"tags[]": {**COLUMNS["tags[]"], "statistics": True}}, {}, "Delta keeps none of what stands in arrays"),
        ({"born": {**column("drop"), "statistics": True}}, {}, "the column is dropped"),
        ({"zip": {**COLUMNS["zip"], "statistics": "yes"}}, {}, "statistics"),
    ],
)
def test_wishes_that_nothing_would_heed_are_refused(
    lake: Path, columns: dict[str, Any], properties: dict[str, str], why: str
) -> None:
    with pytest.raises(ConfigError, match="statistics") as caught:
        told(lake, columns, properties=properties)
    assert why in str(caught.value)


def test_a_place_in_json_text_has_none(lake: Path) -> None:
    made = table("t", lake, {"p:$.a": {**column("keep"), "statistics": True}})
    with pytest.raises(ConfigError, match="JSON text"):
        lakes.configured(lake, made)
