"""``--table`` names tables of the catalog or of Spark; it does not choose among those below ``--path``, and says so."""

from __future__ import annotations

import pytest

from jobs.configuration.models import Source
from jobs.console.exit_codes import BadUsage
from jobs.detection.discovery import FoundTable
from jobs.drafting import lake_tables
from jobs.drafting.accepted import Entry
from jobs.lake.address import Address


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/lake/raw/", r"to read\. Of the tables below --path it chooses none: .* --path /lake/raw/orders$"),
        (None, "to read$"),
    ],
)
def test_a_table_below_a_path(path: str | None, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Address, "exists", lambda self, spark: False)
    with pytest.raises(BadUsage, match=said):
        lake_tables.chosen(None, ["orders"], path, None, {})  # type: ignore[arg-type]


def at(path: str | None, name: str = "customers") -> FoundTable:
    return FoundTable(name, None if path is None else Source(path=path, format="csv"), "" if path else "broken")


def entry(name: str, path: str) -> Entry:
    return Entry(name, f"catalog/{name}.yaml", Source(path=path, format="csv"), None, {})


def test_tables_of_one_name_are_counted_on_and_it_is_told() -> None:
    known = {"customers": entry("customers", "/a/customers.csv")}
    (same, other, third) = lake_tables.each_once([at("/a/customers.csv"), at("/b/c.csv"), at("/c/c.csv")], known)
    assert (same.name, same.note) == ("customers", "")
    assert (other.name, third.name) == ("customers_2", "customers_3")
    assert other.note == "/b/c.csv: called so, for customers is another table, the one at /a/customers.csv"
    (alone,) = lake_tables.each_once([at("/b/c.csv")], known)
    assert (alone.name, alone.note) == (other.name, other.note), "by its entry alone too"
    assert lake_tables.entry_of(alone, known) is None, "so it is drafted"
    known["customers_2"] = entry("customers_2", "/b/c.csv")
    (again,) = lake_tables.each_once([at("/b/c.csv")], known)
    assert lake_tables.entry_of(again, known) == known["customers_2"], "and once only"


def test_a_table_that_cannot_be_read_takes_no_other_ones_place() -> None:
    found = lake_tables.each_once([at("/a/customers.csv"), at(None), at("/a/customers.csv/")], {})
    assert [(each.name, each.source is None) for each in found] == [("customers", False), ("customers_2", True)]
