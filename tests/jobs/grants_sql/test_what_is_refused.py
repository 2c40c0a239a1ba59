"""``grants.yaml``: what cannot be loaded, what ``check`` finds in it, and what no platform is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from jobs import check, grants
from jobs.configuration import config
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.sql_types import NoType, canonical
from jobs.console.exit_codes import BadUsage, Refused
from jobs.grants_sql import files, findings, sight, unity
from jobs.grants_sql.names import Platform
from tests.helpers.granted import granted, sees, write_grants
from tests.helpers.lakes import CLASSES, column, table

D, Q, S, N = CLASSES
ALL = {"sees": sees("pseudonym")}
COUNTING = {"sees": sees(quasi_identifier="aggregate")}
COLUMNS = {
    "id": column({"domain": "customer"}, D),
    "gone": column("drop", Q),
    "zip": column({"technique": "truncate", "keep": 2}, Q),
    "sex": column("keep", Q),
    "a.zip": column("keep", Q),
    "a_zip": column("keep", Q),
    "rows": column("keep", Q),
    "tags[]": column("keep", Q),
    "paid": column("redact", S),
    "raw": column("keep", D),
}


def faults(lake: Path, grants: dict[str, Any], *tables: dict[str, Any], k: int | None = 5) -> str:
    with pytest.raises(ConfigError) as told:
        config.load(write_grants(lake, grants, *(tables or (table("t", lake, COLUMNS),)), k=k), {})
    assert all(fault.file == "grants.yaml" and fault.line for fault in told.value.faults)
    return str(told.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"roles": {}}, "roles: expected"),
        ({"roles": {"x": {"sees": {"personal": "clear"}}}}, "'direct_identifier', 'quasi_identifier'"),
        ({"roles": {"x": {"sees": sees(sensitive="masked")}}}, "'clear', 'pseudonym', 'aggregate' or 'denied'"),
        ({"roles": {"x-y": ALL}}, "roles.x-y: expected a role's name of small letters, digits and '_'"),
        ({"roles": {"x": {**ALL, "groups": ["a\nb"]}}}, "expected a name of which every character can be seen"),
        ({"roles": {"x": {"sees": sees(sensitive="aggregate")}}}, "expected 'aggregate' of quasi_identifier only"),
        ({"roles": {"x": {**ALL, "reads": "source"}}}, "expected no 'pseudonym' with 'reads: source'"),
        ({"roles": {"x": {**COUNTING, "rows": {"t": {"column": "sex", "among": ["f"]}}}}}, "counts are of all rows"),
        ({"roles": {"x": {**ALL, "tables": ["tt"]}}}, "the catalog has no table 'tt'; did you mean 't'?"),
        ({"roles": {"x": {**ALL, "rows": {"u": {"column": "sex", "among": ["f"]}}}}}, "the catalog has no table 'u'"),
        ({"roles": {"x": {**ALL, "rows": {"t": {"column": "id", "among": ["f"]}}}}}, "whose values are not told"),
        ({"roles": {"x": {**ALL, "rows": {"t": {"column": "gone", "among": ["f"]}}}}}, "is dropped, so that"),
        ({"roles": {"x": {**ALL, "rows": {"t": {"column": "tags[]", "among": ["f"]}}}}}, "one value per row"),
        ({"roles": {"x": {**ALL, "rows": {"t": {"column": "sxe", "among": ["f"]}}}}}, "did you mean 'sex'?"),
        ({"roles": {"x": ALL}, "aggregates": {"t": [["id"]]}}, "is no quasi_identifier, and counts are made of these"),
        ({"roles": {"x": ALL}, "aggregates": {"t": [["gone"]]}}, "is dropped, so that the target does not have it"),
        ({"roles": {"x": ALL}, "aggregates": {"t": [["sex"], ["zip", "sex"]]}}, "sex is in another view of counts too"),
        ({"roles": {"x": ALL}, "aggregates": {"t": [["sex", "sex"]]}}, "sex is twice in it: one would give away"),
        ({"roles": {"x": ALL}, "aggregates": {"t": [["a.zip", "a_zip"]]}}, "would be called 'a_zip'"),
        ({"roles": {"x": ALL}, "aggregates": {"t": [["rows"]]}}, "would be called 'rows'"),
        ({"roles": {"x": ALL}, "unity": {"owners": "o", "types": {"t": {"target": {"a": "int) x"}}}}}, "expected"),
        ({"roles": {"x": ALL}, "unity": {"owners": "o", "by": "tag"}}, "'columns' or 'tags'"),
        ({"roles": {"x": ALL}, "databases": {"source": "a;b"}}, "a database's name, such as treated"),
    ],
    ids=str,
)
def test_what_cannot_be_loaded(lake: Path, given: dict[str, Any], said: str) -> None:
    assert said in faults(lake, given)


def test_counts_need_a_k(lake: Path) -> None:
    assert "state thresholds.k in policy.yaml" in faults(lake, {"roles": {"x": COUNTING}}, k=None)


def test_views_of_two_tables_have_two_names(lake: Path) -> None:
    two = [table(name, lake, {"id": "keep"}) for name in ("a.b_c", "a_b.c")]
    assert "views of a.b_c and a_b.c would have one name" in faults(lake, {"roles": {"x": ALL}}, *two)


# -- whom tables are made for -----------------------------------------------------------------------------------------


def test_a_table_goes_to_whom_it_is_made_for(lake: Path) -> None:
    tables = [
        table("open", lake, {"kind": column("keep", N)}),
        table("lab", lake, {"kind": column("keep", N)}, made_for={"recipient": "lab"}),
    ]
    roles = {"everybody": ALL, "lab": {**ALL, "made_for": {"recipient": "lab"}}}
    roles["raw"] = {"reads": "source", "sees": sees(non_personal="clear"), "why": "x"}
    conf = granted(lake, {"roles": roles}, *tables)
    names = {role: [each.table.name for each in sight.of_role(conf, role)] for role in roles}
    assert names == {"everybody": ["open"], "lab": ["lab"], "raw": ["lab", "open"]}
    said = faults(lake, {"roles": {"x": {**ALL, "tables": ["lab"]}}}, *tables)
    assert "lab is made for recipient lab, and the role for nobody in particular" in said


# -- what is found ----------------------------------------------------------------------------------------------------


def found(conf: Config) -> list[str]:
    return [f"{each.level} {each.place.key if each.place else ''}: {each.message}" for each in findings.of(conf)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"roles": {"x": {"sees": {D: "pseudonym"}}}},
            "refuse roles.x.sees: says nothing of quasi_identifier, sensitive",
        ),
        (
            {"roles": {"x": {"sees": sees(direct_identifier="clear")}}},
            "refuse roles.x: sees direct identifiers in clear",
        ),
        (
            {"roles": {"x": {"reads": "source", "sees": sees(non_personal="clear")}}},
            "refuse roles.x: reads the sources",
        ),
        ({"roles": {"x": {"sees": sees()}}}, "warn roles.x: sees nothing of any table"),
        ({"roles": {"x": {"sees": sees(non_personal="pseudonym")}}}, "warn columns: no role sees id, zip, sex, a.zip"),
        ({"roles": {"x": COUNTING}}, "warn roles.x: sees counts, and 'aggregates' has none of its tables"),
        ({"roles": {"x": COUNTING}, "aggregates": {"t": [["sex"]]}}, "refuse aggregates.t: people cannot be counted"),
        (
            {"roles": {"x": {"sees": sees(quasi_identifier="clear")}}},
            "warn roles.x.sees.quasi_identifier: 'clear' in treated tables leaves out what is treated: t zip;",
        ),
        (
            {"roles": {"x": ALL}},
            "warn roles.x.sees.direct_identifier: 'pseudonym' leaves out direct identifiers that are not treated: t",
        ),
    ],
    ids=str,
)
def test_what_check_finds(lake: Path, given: dict[str, Any], said: str) -> None:
    conf = granted(lake, given, table("t", lake, COLUMNS))
    assert [each for each in found(conf) if each.startswith(said)], found(conf)
    if said.startswith("refuse"):
        with pytest.raises(Refused, match=re.escape(said.partition(": ")[2])):
            grants.run(conf, "spark")


def test_people_whom_no_column_tells_apart_are_not_counted(lake: Path) -> None:
    given = {"roles": {"x": COUNTING}, "aggregates": {"t": [["sex"]]}}
    for how, said in (
        ("drop", "is not in the target"),
        ("redact", "is not in the target"),
        ({"technique": "truncate", "keep": 2}, "several people may have one value in its subject id"),
    ):
        columns = {**COLUMNS, "id": column(how, D)}
        conf = granted(lake, given, table("t", lake, columns, subject="id"))
        assert any(said in each for each in found(conf))
    assert not [
        each for each in found(granted(lake, given, table("t", lake, COLUMNS, subject="id"))) if "refuse" in each
    ]


def test_check_tells_of_grants(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_grants(lake, {"roles": {"x": {"sees": sees(direct_identifier="clear")}}}, table("t", lake, COLUMNS))
    assert check.main(["--conf", str(folder)]) == 1
    assert "grants.yaml:2: refused: roles.x: sees direct identifiers in clear" in capsys.readouterr().out
    (folder / "grants.yaml").unlink()
    assert check.main(["--conf", str(folder)]) == 0


@pytest.mark.parametrize("platform", ["spark", "unity", "hive", "ranger"])
def test_nothing_is_told_without_grants_or_names(lake: Path, platform: str) -> None:
    source = {"format": "csv", "path": "/x", "schema": "id string"}
    roles = {"x": {"reads": "source", "sees": sees("clear"), "why": "x"}}
    bare = {"unity": {"owners": "o"}, "ranger": {"service": "s", "owners": "o"}, "roles": roles}
    conf = granted(lake, bare, table("t", lake, {"id": column("redact", D)}, source=source))
    with pytest.raises(BadUsage, match=r"state databases\.source, or names, in grants\.yaml"):
        grants.run(conf, platform)  # type: ignore[arg-type]
    (lake / "conf" / "grants.yaml").unlink()
    with pytest.raises(BadUsage, match=r"has no grants\.yaml"):
        grants.run(config.load(lake / "conf", {}), platform)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("platform", "named", "said"),
    [
        ("hive", "a.b.c", "expected DATABASE.TABLE for hive"),
        ("unity", "a", "expected CATALOG.SCHEMA.TABLE for unity"),
        ("ranger", "a", "expected DATABASE.TABLE for ranger"),
    ],
)
def test_a_name_fits_its_platform(lake: Path, platform: str, named: str, said: str) -> None:
    bare = {"unity": {"owners": "o"}, "ranger": {"service": "s", "owners": "o"}, "roles": {"x": ALL}}
    conf = granted(lake, {**bare, "names": {"t": {"target": named}}}, table("t", lake, {"id": column("redact", D)}))
    with pytest.raises(BadUsage, match=re.escape(said)):
        grants.run(conf, platform)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["by_sex", "a__b"])
def test_one_view_does_not_take_the_place_of_another(lake: Path, role: str) -> None:
    tables = [table(name, lake, COLUMNS, subject="id") for name in ("t", "t__a")]
    roles = {role: ALL, "b": ALL, "counting": COUNTING}
    conf = granted(lake, {"roles": roles, "aggregates": {"t": [["sex"]]}}, *tables)
    with pytest.raises(BadUsage, match="two statements begin alike: create or replace view"):
        grants.run(conf, "spark")


@pytest.mark.parametrize("platform", ["spark", "unity", "hive", "ranger"])
def test_one_name_does_not_stand_for_two_tables(lake: Path, platform: Platform) -> None:
    """Whoever sees them: else a view of hr.people would read what crm.people decides. Of one source there may be two
    targets."""
    given = {"databases": {"source": "raw", "target": "treated"}, "roles": {"x": {**ALL, "tables": ["hr.people"]}}}
    given |= {"unity": {"owners": "o", "catalog": "main"}, "ranger": {"service": "s", "owners": "o"}}
    columns = {"kind": column("keep", N)}
    source = {"format": "parquet", "path": f"{lake}/raw/people"}
    two = [table(name, lake, columns, source=source) for name in ("crm.people", "hr.people")]
    said = "treated.people would be the target of crm.people and the target of hr.people, which are two tables"
    with pytest.raises(BadUsage, match=said):
        files.made(granted(lake, given, *two), platform)
    given["names"] = {"hr.people": {"target": "treated.staff"}}
    files.made(granted(lake, given, *two), platform)
    two[0] = table("crm.people", lake, columns)
    with pytest.raises(BadUsage, match=r"raw\.people would be the source of crm\.people and the source of hr\.people"):
        files.made(granted(lake, given, *two), platform)


def test_null_needs_no_quotes(lake: Path) -> None:
    folder = write_grants(lake, {"roles": {"x": ALL}}, table("t", lake, COLUMNS))
    text = (folder / "grants.yaml").read_text(encoding="utf-8")
    (folder / "grants.yaml").write_text(f"denied: null\n{text}", encoding="utf-8")
    loaded = config.load(folder, {}).grants
    assert loaded is not None
    assert loaded.denied == "null"


def test_a_direct_identifier_that_is_kept_is_no_pseudonym(lake: Path) -> None:
    kept = {"when": [{"rows": "a", "treatment": "keep"}, {"rows": "not a", "treatment": "redact"}]}
    some = {"class": D, "why": "x", **kept}
    columns = {"raw": column("keep", D), "some": some, "id": column({"domain": "customer"}, D), "a": column("keep", N)}
    roles = {"x": ALL, "z": {"sees": sees(direct_identifier="clear"), "why": "x"}}
    given = {"databases": {"target": "t"}, "roles": roles, "unity": {"owners": "o"}}
    conf = granted(lake, given, table("t", lake, columns))
    masks = [each.rpartition("`t__target__")[2] for each in unity.statements(conf, "t") if "SET MASK" in each]
    assert masks == [f"{D}_kept`", f"{D}_kept_in_part`", f"{D}`", f"{N}_kept`"]
    shown = {each.name: each.whole_columns for role in roles for each in sight.of_role(conf, role)}
    assert shown == {"x": ["id", "a"], "z": ["raw"]}


# -- types ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("string", "STRING"),
        ("Decimal( 10 ,2)", "DECIMAL(10, 2)"),
        ("varchar(10)", "VARCHAR(10)"),
        ("array<struct<sku:string,n int>>", "ARRAY<STRUCT<`sku`: STRING, `n`: INT>>"),
        ("map<string, array<date>>", "MAP<STRING, ARRAY<DATE>>"),
        ("struct<`a``b, c`: binary>", "STRUCT<`a``b, c`: BINARY>"),
    ],
)
def test_a_type_is_written_anew(text: str, made: str) -> None:
    assert canonical(text) == made
    assert canonical(made) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "int) RETURNS INT --",
        "struct<a: int",
        "array<>",
        "array<int>>",
        "x",
        "int int",
        "decimal(a)",
        "struct<a: int>; x",
    ],
)
def test_what_is_no_type_is_none(text: str) -> None:
    with pytest.raises(NoType, match="expected"):
        canonical(text)


def test_a_type_is_not_read_without_end() -> None:
    with pytest.raises(NoType, match="at most 50 types"):
        canonical("array<" * 5000 + "int" + ">" * 5000)
