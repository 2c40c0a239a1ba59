"""Policies for Ranger, read as Ranger reads them, and Hive's SQL. Neither was ever given to its platform: the form is
that of Ranger's sources, and what it means is worked out here by Ranger's rules."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage
from jobs.grants_sql import files, hive, ranger
from tests.helpers.granted import granted, sees
from tests.helpers.lakes import CLASSES, column, table
from tests.jobs.grants_sql.test_unity import COLUMNS, GRANTS, HOSTILE, OWNERS, ROLES

D, Q, S, N = CLASSES
TEXTS = {"type": "array", "items": {"type": "string", "minLength": 1}}
ITEM: dict[str, Any] = {
    "accesses": {"const": [{"type": "select", "isAllowed": True}]},
    "users": {"const": []},
    "groups": {**TEXTS, "minItems": 1, "uniqueItems": True},
    "roles": {"const": []},
    "delegateAdmin": {"const": False},
}


def items(**more: Any) -> dict[str, Any]:
    properties = {**ITEM, **more}
    each = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "array", "items": each}


def of_kind(kind: int, resources: list[str], filled: str) -> dict[str, Any]:
    """A policy of one kind has its own resources, and its own items alone."""
    lists = ("policyItems", "dataMaskPolicyItems", "rowFilterPolicyItems")
    sizes = {name: {"minItems": 1} if name == filled else {"maxItems": 0} for name in lists}
    places = {"required": resources, "additionalProperties": False, "properties": {name: {} for name in resources}}
    return {"properties": {"policyType": {"const": kind}, "resources": places, **sizes}}


RESOURCE = {
    "type": "object",
    "required": ["values", "isExcludes", "isRecursive"],
    "properties": {"values": {**TEXTS, "minItems": 1}, "isExcludes": {"const": False}, "isRecursive": {"const": False}},
    "additionalProperties": False,
}
MASKS = ("MASK", "MASK_SHOW_LAST_4", "MASK_SHOW_FIRST_4", "MASK_HASH", "MASK_NULL", "MASK_NONE", "CUSTOM")
POLICY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["service", "name", "policyType", "resources", "isEnabled"],
    "properties": {
        "service": {"type": "string"},
        "serviceType": {"const": "hive"},
        "name": {"type": "string", "maxLength": 512},
        "description": {"type": "string"},
        "policyType": {"enum": [0, 1, 2]},
        "policyPriority": {"const": 0},
        "policyLabels": TEXTS,
        "isEnabled": {"const": True},
        "isAuditEnabled": {"const": True},
        "resources": {"type": "object", "additionalProperties": RESOURCE},
        "policyItems": items(),
        "denyPolicyItems": {"maxItems": 0},
        "allowExceptions": {"maxItems": 0},
        "denyExceptions": {"maxItems": 0},
        "dataMaskPolicyItems": items(dataMaskInfo={"properties": {"dataMaskType": {"enum": list(MASKS)}}}),
        "rowFilterPolicyItems": items(rowFilterInfo={"properties": {"filterExpr": {"type": "string", "minLength": 1}}}),
    },
    "oneOf": [
        of_kind(0, ["database", "table", "column"], "policyItems"),
        of_kind(1, ["database", "table", "column"], "dataMaskPolicyItems"),
        of_kind(2, ["database", "table"], "rowFilterPolicyItems"),
    ],
}
"""By RangerPolicy.java, and ranger-servicedef-hive.json for resources, accesses and masks."""
EXPORT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["metaDataInfo", "policies"],
    "properties": {"metaDataInfo": {"type": "object"}, "policies": {"type": "array", "items": POLICY}},
}


@pytest.fixture
def conf(lake: Path) -> Config:
    grants = {**GRANTS, "ranger": {"service": "lake_hive", "owners": OWNERS}}
    return granted(lake, grants, table("t", lake, COLUMNS))


@pytest.fixture
def policies(conf: Config) -> list[dict[str, Any]]:
    made = json.loads(files.made(conf, "ranger")[files.JSON])
    jsonschema.validate(made, EXPORT)
    found: list[dict[str, Any]] = made["policies"]
    return found


def test_no_two_policies_have_one_name_or_one_resource(policies: list[dict[str, Any]]) -> None:
    """Ranger takes neither."""
    names = [each["name"] for each in policies]
    places = [json.dumps([each["policyType"], each["resources"]], sort_keys=True) for each in policies]
    assert len(set(names)) == len(names)
    assert len(set(places)) == len(places)


# -- what they mean ---------------------------------------------------------------------------------------------------


def fitting(policies: Collection[Mapping[str, Any]], kind: int, place: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Those of a kind that name a place, in which ``*`` is everything."""

    def names(each: Mapping[str, Any]) -> bool:
        told = each["resources"].items()
        return all(place[what] in given["values"] or "*" in given["values"] for what, given in told)

    return [each for each in policies if each["policyType"] == kind and names(each)]


def first(items: Collection[Mapping[str, Any]], groups: Collection[str]) -> Mapping[str, Any] | None:
    """The first that is for one of the groups somebody is in; everybody is in ``public``."""
    return next((each for each in items if {*groups, "public"} & {*each["groups"]}), None)


def seen(policies: Collection[Mapping[str, Any]], groups: Collection[str], of: str, name: str) -> str:
    """``refused``, ``null`` or ``shown``."""
    database, _, rest = of.partition(".")
    place = {"database": database, "table": rest, "column": name}
    if not any(first(each["policyItems"], groups) for each in fitting(policies, 0, place)):
        return "refused"
    (mask,) = fitting(policies, 1, place) or [{"dataMaskPolicyItems": ()}]
    item = first(mask["dataMaskPolicyItems"], groups)
    return "null" if item is not None and item["dataMaskInfo"]["dataMaskType"] == "MASK_NULL" else "shown"


TOP = ("id", "name", "born", "paid", "at", "tags", "place", "region")
SEEN = {
    ("it's", "treated.t"): set(TOP),
    ("x') OR TRUE --", "treated.t"): set(TOP),
    ("sales", "treated.t"): {"name", "born", "tags", "place", "region"},
    ("counting", "treated.t"): set(),
    ("support", "treated.t"): set(),
    ("support", "raw.t"): {"id"},
    ("sales", "raw.t"): set(),
    ("stranger", "raw.t"): set(),
}


@pytest.mark.parametrize(("group", "of"), SEEN, ids=str)
def test_each_group_sees_its_columns(policies: list[dict[str, Any]], group: str, of: str) -> None:
    shown = {name: seen(policies, [group], of, name) for name in TOP}
    assert shown == {name: "shown" if name in SEEN[group, of] else "refused" for name in TOP}


def test_whom_somebody_else_lets_in_sees_nulls(policies: list[dict[str, Any]]) -> None:
    """A policy of others that opens whole tables opens no column."""
    place = {"database": ["*"], "table": ["*"], "column": ["*"]}
    item = {"groups": ["stranger"], "accesses": []}
    resources = {name: {"values": values} for name, values in place.items()}
    more = [*policies, {"policyType": 0, "resources": resources, "policyItems": [item]}]
    for of in ("raw.t", "treated.t"):
        assert {seen(more, ["stranger"], of, name) for name in TOP} == {"null"}


def test_denied_as_null_lets_all_columns_be_asked_for(lake: Path) -> None:
    grants = {**GRANTS, "denied": "null", "ranger": {"service": "s", "owners": OWNERS}}
    made = ranger.policies(granted(lake, grants, table("t", lake, COLUMNS)))["policies"]
    shown = {name: seen(made, ["sales"], "treated.t", name) for name in TOP}
    assert shown == {name: "shown" if name in SEEN["sales", "treated.t"] else "null" for name in TOP}


@pytest.mark.parametrize(
    ("groups", "rows"),
    [
        (["sales"], "CAST(`region` AS STRING) IN ('eu', 'it\\'s')"),
        (["sales", "it's"], "CAST(`region` AS STRING) IN ('eu', 'it\\'s')"),
        (["it's"], "1 = 1"),
        ([OWNERS], "1 = 1"),
        (["stranger"], "1 = 0"),
    ],
    ids=str,
)
def test_each_group_sees_its_rows(policies: list[dict[str, Any]], groups: list[str], rows: str) -> None:
    (policy,) = fitting(policies, 2, {"database": "treated", "table": "t"})
    item = first(policy["rowFilterPolicyItems"], groups)
    assert item is not None
    assert item["rowFilterInfo"]["filterExpr"] == rows
    assert not fitting(policies, 2, {"database": "raw", "table": "t"})


def test_counts_are_for_who_counts(policies: list[dict[str, Any]], conf: Config) -> None:
    assert seen(policies, ["counting"], "grants.t__by_name", "rows") == "shown"
    assert seen(policies, ["sales"], "grants.t__by_name", "rows") == "refused"
    assert "CREATE OR REPLACE VIEW `grants`.`t__by_name`" in files.made(conf, "ranger")["t.sql"]


@pytest.mark.parametrize("name", ["a*", "a?", "{USER}", "${x}", "a\\b"])
def test_a_name_that_ranger_takes_for_a_pattern_is_refused(lake: Path, name: str) -> None:
    grants = {**GRANTS, "roles": {"x": ROLES["analysts"]}, "aggregates": {}, "ranger": {"service": "s", "owners": "o"}}
    conf = granted(lake, grants, table("t", lake, {f"`{name}`": column("keep", N)}))
    with pytest.raises(BadUsage, match="Ranger would take some of this name for a pattern"):
        files.made(conf, "ranger")


# -- Hive -------------------------------------------------------------------------------------------------------------


def test_what_hive_is_told(lake: Path, spark: SparkSession) -> None:
    columns = {"id": column("redact", D), "a.b": column("keep", N), "a.c": column("redact", D)}
    columns |= {"items[].x": column("keep", N), "items[].y": column("redact", D)}
    roles = {"all": {"sees": sees("pseudonym")}, "some": {"groups": HOSTILE, "sees": sees(non_personal="pseudonym")}}
    conf = granted(lake, {"databases": {"target": "treated"}, "roles": roles}, table("t", lake, columns))
    schema, of_all, of_some, *grants = hive.statements(conf, "t")
    assert schema == "CREATE SCHEMA IF NOT EXISTS `grants`"
    assert "`t`.`items` AS `items`" in of_all
    assert of_some.split("\n") == [
        "CREATE OR REPLACE VIEW `grants`.`t__some` AS",
        "SELECT",
        "  CASE WHEN `t`.`a` IS NOT NULL THEN named_struct('b', `t`.`a`.`b`) END AS `a`",
        "FROM `treated`.`t` AS `t`",
    ]
    assert grants == [
        "GRANT SELECT ON TABLE `grants`.`t__all` TO ROLE `all`",
        "GRANT SELECT ON TABLE `grants`.`t__some` TO ROLE `some`",
    ]
    parser = spark._jsparkSession.sessionState().sqlParser()  # type: ignore[attr-defined]
    for view in (of_all, of_some):
        parser.parsePlan(view)
    assert files.made(conf, "hive")[files.ROLES].endswith("CREATE ROLE `all`;\n\nCREATE ROLE `some`;\n")


@pytest.mark.parametrize("denied", ["left_out", "null"])
def test_hive_shows_no_structs_within_arrays_of_a_source(lake: Path, denied: str) -> None:
    """They may have fields that nobody decided about, and Hive has no way to leave these out."""
    columns = {"items[].x": column("keep", N), "tags[]": column("keep", N), "m{key}": column("keep", N)}
    columns |= {"m{value}.a": column("keep", N), "n{key}": column("keep", N), "n{value}": column("keep", N)}
    roles = {"raw": {"reads": "source", "sees": sees("clear"), "why": "x"}}
    grants = {"databases": {"source": "raw"}, "roles": roles, **({"denied": "null"} if denied == "null" else {})}
    _, view, _ = hive.statements(granted(lake, grants, table("t", lake, columns)), "t")
    shown = {line.rpartition(" AS ")[2].strip("`,"): line.strip(" ,") for line in view.split("\n")[2:-1]}
    nulls = {f"{each}": f"CASE WHEN FALSE THEN `t`.`{each}` END AS `{each}`" for each in ("items", "m")}
    plain = {each: f"`t`.`{each}` AS `{each}`" for each in ("tags", "n")}
    assert shown == {**plain, **(nulls if denied == "null" else {})}
