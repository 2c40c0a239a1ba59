"""What whole columns are taken for, and what is proposed for them: look-alikes, placeholder dates, the unknown."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.detection import hints, kinds
from jobs.detection.evidence import Evidence, Settings, measure
from jobs.detection.scan import Found
from jobs.drafting import draft, proposals
from jobs.drafting.proposals import Proposal, Surroundings
from tests.helpers import labelled_notations

TYPES = {pa.string(): T.StringType(), pa.int64(): T.LongType(), pa.date32(): T.DateType(), pa.bool_(): T.BooleanType()}
AROUND = Surroundings(("customer",), ("crm",))
KINDS = {
    "ssn_bare": "national_id",
    "ssn_int": "national_id",
    "imei": "device_id",
    "imei_int": "device_id",
    "mrz": "passport",
    "passport_de": "passport",
    "user_faker": "user_name",
    "user_words": "user_name",
    "user_at": "user_name",
    **{f"plate_{country}": "licence_plate" for country in ("de", "fr", "it", "gb", "es", "nl", "us")},
}
LOOK_ALIKES = (
    "random_digits_9", "random_digits_15", "random_int_9", "nine_text", "order_number_9", "code_7", "code_9", "sku",
    "ticket", "host", "batch", "identifier", "slug", "domain", "file_name", "invoice",
)  # fmt: skip


def made(label: str, seed: int = 11, rows: int = 250) -> pa.Array:
    make = labelled_notations.all_of_them()[label][2](seed)
    return pa.array([make() for _ in range(rows)])


def seen(values: pa.Array) -> Evidence:
    return measure(values, Settings(salt=b"tests")).evidence(TYPES[values.type].simpleString())


def proposed(values: pa.Array, name: str = "c", around: Surroundings = AROUND) -> Proposal:
    return proposals.propose(Found(ColumnPath.parse(name), TYPES[values.type], seen(values)), around)


@pytest.mark.parametrize(("label", "kind"), KINDS.items())
def test_persons_and_their_things_are_known_by_content(label: str, kind: str) -> None:
    assert kinds.decide(seen(made(label))).name == kind


@pytest.mark.parametrize("label", LOOK_ALIKES)
def test_what_looks_like_them_is_no_direct_identifier(label: str) -> None:
    assert kinds.decide(seen(made(label))).class_ != "direct_identifier"


def test_cards_are_no_imeis_and_few_numbers_prove_nothing() -> None:
    assert kinds.decide(seen(made("card"))).name == "payment_card"
    assert kinds.decide(seen(made("ssn_bare", rows=30))).name == "unique"
    assert kinds.decide(seen(made("ssn_bare", rows=30)), ("national_id",)).name == "national_id"
    routing = pa.array([f"{at:08}{-sum(w * int(d) for w, d in zip((3, 7, 1) * 3, f'{at:08}', strict=False)) % 10}"
                        for at in range(1_000_000, 80_000_000, 310_000)])  # fmt: skip
    assert kinds.decide(seen(routing)).class_ != "direct_identifier", "banks are no persons"


def unknown() -> dict[str, list[Any]]:
    rnd = random.Random(2)
    return {
        "age": [rnd.randrange(18, 90) for _ in range(300)],
        "blood group": [rnd.choice(("A+", "A-", "B+", "0+", "AB-")) for _ in range(300)],
        "job": [rnd.choice(("Nurse", "Teacher", "Lawyer", "Welder", "Clerk")) for _ in range(300)],
        "diagnosis": [rnd.choice(("C50.1", "E11.9", "F32.0")) for _ in range(300)],
        "yes or no": [rnd.random() < 0.1 for _ in range(300)],
        "none at all": [None, "x"][:1] * 299 + ["x"],
        "one value and nulls": [None, "HIV"] * 150,
        "one value of few": ["HIV"] * 20,
    }


@pytest.mark.parametrize("label", unknown())
def test_nothing_is_proposed_for_what_nothing_is_known_of(label: str) -> None:
    found = proposed(pa.array(unknown()[label]))
    assert (found.kind.class_, found.treatment) == ("undecided", "undecided")
    text = draft.additions("t", "catalog/t.yaml", [found])
    assert "    class: undecided\n    treatment: undecided\n" in text
    assert "# evidence: " in text
    assert "keep" not in text


@pytest.mark.parametrize("name", ["gender", "job_title", "nationality"])
def test_how_coarse_a_quasi_identifier_has_to_be_is_left_to_a_person(name: str) -> None:
    found = proposed(pa.array(["a", "b", "c"] * 50), name)
    assert (found.kind.class_, found.treatment) == ("quasi_identifier", "undecided")


def test_only_what_is_the_same_for_everybody_is_proposed_to_be_kept() -> None:
    found = proposed(pa.array(["EUR"] * 200))
    assert (found.kind.name, found.kind.class_, found.treatment) == ("constant", "non_personal", "keep")
    assert found.kind.reasons == ("one and the same value in all 200 rows that were looked at",)
    limited = Surroundings(allowed={"non_personal": ("drop",)})
    assert proposed(pa.array(["EUR"] * 200), around=limited).treatment == "drop"
    assert proposed(pa.array(["x@example.org"] * 200)).treatment == "redact"
    assert proposed(pa.array(["catholic"] * 200), "religion").treatment == "redact"


DAYS = [datetime.date(2015, 1, 1) + datetime.timedelta(days=at) for at in range(3000)]


@pytest.mark.parametrize("form", ["%Y/%m/%d", "%Y-%m-%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d-%m-%Y", "%m/%d/%Y"])
@pytest.mark.parametrize(("first", "kind"), [(1935, "birth_date"), (2011, "moment")])
def test_days_are_no_telephone_numbers_however_they_are_written(form: str, first: int, kind: str) -> None:
    days = [datetime.date(first, 1, 1) + datetime.timedelta(at * 5227 % (70 * 365 if first < 2000 else 3650))
            for at in range(250)]  # fmt: skip
    assert kinds.decide(seen(pa.array([f"{day:{form}}" for day in days]))).name == kind


def test_dates_that_stand_for_none_are_warned_of_by_share() -> None:
    days = pa.array([*DAYS, *[datetime.date(9999, 12, 31)] * 600, *[datetime.date(1900, 1, 1)] * 400])
    for values in (days, pa.array([str(day) for day in days.to_pylist()])):
        found = proposed(values)
        assert found.kind.name == "moment", "they hide no column of dates"
        (warning,) = found.warnings
        assert "1900-01-01 (10%), 9999-12-31 (15%)" in warning
        assert "state them as placeholders of date_shift" in warning
        assert f"  # warning: {warning}\n" in draft.additions("t", "catalog/t.yaml", [found])


def test_a_day_that_somebody_may_be_born_on_is_no_warning() -> None:
    born = [datetime.date(1940, 1, 1) + datetime.timedelta(days=7 * at) for at in range(2500)]
    assert datetime.date(1970, 1, 1) in [*born, datetime.date(1970, 1, 1)]
    assert proposed(pa.array([*born, datetime.date(1970, 1, 1)])).warnings == ()
    assert proposed(pa.array([*DAYS, *[datetime.date(2020, 2, 3)] * 900])).warnings == (), "no other day is ever named"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("userName", "user_name"),
        ("login", "user_name"),
        ("passport_no", "passport"),
        ("kfz_kennzeichen", "licence_plate"),
        ("license_plate", "licence_plate"),
        ("imei", "device_id"),
    ],
)
def test_their_names_hint_at_them(name: str, kind: str) -> None:
    assert kind in hints.of(ColumnPath.parse(name))
