"""The demo lake: seeded, in four formats, and decided to the last column by the catalog in ``conf/``."""

from __future__ import annotations

import inspect
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.orc
import pyarrow.parquet
import pytest
from pyspark.sql.pandas.types import from_arrow_schema

from jobs import demo_lake
from jobs.configuration import config
from jobs.treatment import treatment_plan
from tests.helpers.places import ROOT

CONF = ROOT / "conf"
PEOPLE = 2_000


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    return demo_lake.make(7, PEOPLE)


@pytest.fixture(scope="module")
def crm(tables: dict[str, pa.Table]) -> pa.Table:
    return tables["crm.customers"]


def test_same_seed_same_values(tables: dict[str, pa.Table]) -> None:
    again, other = demo_lake.make(7, PEOPLE), demo_lake.make(8, PEOPLE)
    for name, table in tables.items():
        assert table.equals(again[name])
        assert table.equals(other[name]) is (name == "census.census2000")


def test_it_has_200_000_rows_by_default(tables: dict[str, pa.Table]) -> None:
    rows = {name: table.num_rows for name, table in tables.items()}
    assert list(rows.values()) == [PEOPLE, 3_000, 6_000, 10_000, 29_501]
    default = inspect.signature(demo_lake.build).parameters["customers"].default
    assert default // PEOPLE * (sum(rows.values()) - 29_501) + 29_501 >= 200_000


def test_customer_numbers_pass_what_a_double_can_hold(crm: pa.Table) -> None:
    ids = crm["customer_id"].to_pylist()
    big = [number for number in ids if number > 2**53]
    assert len(set(ids)) == PEOPLE
    assert len(big) == PEOPLE // 10
    assert len({float(number) for number in big}) < len(big)


def test_customer_numbers_join_as_text_and_as_number(tables: dict[str, pa.Table], crm: pa.Table) -> None:
    known = set(crm["customer_id"].to_pylist())
    as_text, as_number = tables["crm.accounts"]["customer_id"], tables["crm.orders"]["customer_id"]
    assert as_text.type == pa.string()
    assert {int(text) for text in as_text.to_pylist()} <= known
    assert set(as_number.drop_null().to_pylist()) <= known
    assert as_number.null_count > 100


def test_addresses_are_typed_in_many_ways(tables: dict[str, pa.Table], crm: pa.Table) -> None:
    typed = tables["web.events"]["email"].drop_null().to_pylist()
    known = set(crm["email"].to_pylist())
    assert {text.strip().lower() for text in typed} <= known
    assert 0.3 < sum(text not in known for text in typed) / len(typed) < 0.6
    assert len(known - {None}) == PEOPLE - crm["email"].null_count


def test_people_are_of_their_countries(crm: pa.Table) -> None:
    rows = crm.select(["first_name", "phone", "address"]).to_pylist()
    of = {row["address"]["country"]: row for row in rows}
    assert set(of) == {"DE", "FR", "US", "GB", "ES", "PL", "JP", "IT", "SE", "GR"}
    assert of["DE"]["phone"].startswith("+49 ")
    assert not of["JP"]["first_name"].isascii()


def luhn(number: str) -> int:
    digits = [int(char) for char in reversed(number) if char.isdigit()]
    return sum(digits[0::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10


def test_numbers_have_their_check_digits(tables: dict[str, pa.Table]) -> None:
    accounts = tables["crm.accounts"]
    assert luhn("4111-1111-1111-1111") == 0  # a number that payment firms publish for tests
    cards, ibans = (accounts[name].drop_null().to_pylist() for name in ("card_number", "iban"))
    assert {luhn(card) for card in cards} == {0}
    assert {int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97 for iban in ibans} == {1}
    assert {len(iban) for iban in ibans if iban.startswith("DE")} == {22}
    assert accounts["iban"].null_count > 0


def test_the_files_hold_the_tables(tables: dict[str, pa.Table], tmp_path: Path) -> None:
    assert demo_lake.build(tmp_path, 7, PEOPLE) == {name: table.num_rows for name, table in tables.items()}
    raw = tmp_path / "raw"
    assert pa.parquet.read_table(raw / "customers").equals(tables["crm.customers"])
    assert pa.parquet.read_table(raw / "orders").equals(tables["crm.orders"])
    parts = sorted((raw / "census2000").glob("*.orc"))
    assert len(parts) == 2
    assert pa.concat_tables(map(pa.orc.read_table, parts)).equals(tables["census.census2000"].replace_schema_metadata())
    accounts = pa.csv.read_csv(
        raw / "accounts" / "part-00000.csv",
        convert_options=pa.csv.ConvertOptions(column_types=tables["crm.accounts"].schema, strings_can_be_null=True),
    )
    assert accounts.equals(tables["crm.accounts"])
    events = pa.json.read_json(raw / "events" / "part-00000.json")
    expect = tables["web.events"]
    assert events.drop_columns("ts").equals(expect.drop_columns("ts"))
    assert pc.cast(events["ts"], pa.timestamp("us", "UTC")).equals(expect["ts"])


def test_building_again_replaces_the_whole(tmp_path: Path) -> None:
    demo_lake.build(tmp_path, 1, 10_000)
    assert len(list((tmp_path / "raw" / "orders").iterdir())) == 2
    demo_lake.build(tmp_path, 1, 100)
    assert [file.name for file in (tmp_path / "raw" / "orders").iterdir()] == ["part-00000.parquet"]
    assert [folder.name for folder in tmp_path.iterdir()] == ["raw"]


def test_the_catalog_decides_every_column(tables: dict[str, pa.Table]) -> None:
    conf = config.load(CONF, {"LAKE": "/lake", "KEYS": "/keys"})
    assert conf.tables.keys() == tables.keys()
    for name, table in tables.items():
        plan = treatment_plan.build(conf.tables[name], from_arrow_schema(table.schema), dict.fromkeys(conf.keys, 1))
        assert len(plan.leaves) == len(conf.tables[name].columns)


def test_the_hierarchies_know_every_value(tables: dict[str, pa.Table], crm: pa.Table) -> None:
    countries = pc.struct_field(crm["address"], "country")
    for file, values in (("countries.csv", countries), ("us_states.csv", tables["census.census2000"]["state"])):
        lines = (CONF / "hierarchies" / file).read_text(encoding="utf-8").splitlines()
        assert set(values.to_pylist()) <= {line.split(";")[0] for line in lines}
