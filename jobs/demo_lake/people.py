"""The customers of the demo lake: made-up people with the names, streets and numbers of their countries."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from mimesis import Address, Locale, Person
from mimesis.enums import Gender

from jobs.demo_lake.numbers import moments, some_null, written

Objects = npt.NDArray[np.object_]
POOL = 600  # names, streets and cities a country
BEYOND_DOUBLE = 2**53 + 1  # from here on a float64 cannot tell every whole number from the next


class Country(NamedTuple):
    """What is written differently from country to country; ``#`` stands for a digit. share: of all customers."""

    code: str
    locale: Locale
    share: float
    phone: str
    national_id: str
    latitude: float
    longitude: float


COUNTRIES = (
    Country("DE", Locale.DE, 0.22, "+49 15# #######", "## ### ### ###", 51.0, 10.0),
    Country("FR", Locale.FR, 0.14, "+33 6 ## ## ## ##", "1 ## 0# 7# ### ### ##", 46.6, 2.4),
    Country("US", Locale.EN, 0.14, "+1-6##-555-####", "9##-##-####", 39.8, -98.6),
    Country("GB", Locale.EN_GB, 0.10, "+44 7### ######", "QQ ## ## ## C", 52.6, -1.5),
    Country("ES", Locale.ES, 0.10, "+34 6## ## ## ##", "########X", 40.2, -3.6),
    Country("PL", Locale.PL, 0.09, "+48 5## ### ###", "###########", 52.1, 19.4),
    Country("JP", Locale.JA, 0.08, "+81 90-####-####", "#### #### ####", 36.6, 138.0),
    Country("IT", Locale.IT, 0.05, "+39 3## #######", "RSS###80A01H501#", 42.8, 12.8),
    Country("SE", Locale.SV, 0.05, "+46 70-### ## ##", "19######-####", 60.1, 15.2),
    Country("GR", Locale.EL, 0.03, "+30 69########", "#########", 39.1, 22.9),
)

TEXT = pa.string()
LOCATION = pa.struct({"lat": pa.float64(), "lon": pa.float64()})
ADDRESS = pa.struct({"street": TEXT, "city": TEXT, "zip": TEXT, "country": TEXT, "location": LOCATION})
SCHEMA = pa.schema(
    {
        "customer_id": pa.int64(),
        "loyalty_id": pa.int64(),
        "first_name": TEXT,
        "last_name": TEXT,
        "email": TEXT,
        "phone": TEXT,
        "national_id": TEXT,
        "birth_date": pa.date32(),
        "gender": TEXT,
        "address": ADDRESS,
        "income": pa.int32(),
        "vip": pa.bool_(),
        "notes": TEXT,
        "created_at": pa.timestamp("us", "UTC"),
    }
)
PERSONAL = ("first_name", "last_name", "phone", "national_id", "address")


def customers(rng: np.random.Generator, count: int) -> pa.Table:
    """``count`` people. Every tenth has a customer number past 2^53; a third has no loyalty number; some no e-mail."""
    shares = np.array([country.share for country in COUNTRIES])
    of = rng.choice(len(COUNTRIES), count, p=shares / shares.sum())
    gender = rng.choice(np.array(["f", "m", "x"], object), count, p=[0.49, 0.49, 0.02])
    columns: dict[str, Objects] = {name: np.empty(count, object) for name in PERSONAL}
    for index, country in enumerate(COUNTRIES):
        rows = np.flatnonzero(of == index)
        for name, values in personal(rng, country, gender[rows]).items():
            columns[name][rows] = values
    email = emails(rng, columns["first_name"], columns["last_name"])
    table = {
        **columns,
        "customer_id": customer_ids(rng, count),
        "loyalty_id": pa.array(7_000_000_000 + rng.permutation(count), mask=rng.random(count) < 0.33),
        "email": some_null(rng, email, 0.03),
        "birth_date": birth_dates(rng, count),
        "gender": gender,
        "income": pa.array(rng.lognormal(10.4, 0.5, count).astype("int32") // 100 * 100, mask=rng.random(count) < 0.1),
        "vip": rng.random(count) < 0.04,
        "notes": notes(rng, columns["first_name"], columns["phone"], email),
        "created_at": moments(rng, count),
    }
    return pa.table({name: pa.array(table[name], SCHEMA.field(name).type) for name in SCHEMA.names}, SCHEMA)


def personal(rng: np.random.Generator, country: Country, gender: Objects) -> dict[str, Objects]:
    """The columns that depend on the country, for its customers."""
    person = Person(country.locale, seed=int(rng.integers(2**31)))
    count = len(gender)
    female = (gender == "f") | ((gender == "x") & (rng.random(count) < 0.5))
    names = {
        column: np.where(female, *(pool(rng, partial(make, gender=g), count) for g in (Gender.FEMALE, Gender.MALE)))
        for column, make in (("first_name", person.first_name), ("last_name", person.last_name))
    }
    numbers = {"phone": written(rng, country.phone, count), "national_id": written(rng, country.national_id, count)}
    return {**names, **numbers, "address": addresses(rng, country, count)}


def addresses(rng: np.random.Generator, country: Country, count: int) -> Objects:
    """Structs of street, city, zip, country and location; houses of a city lie within some kilometres of its centre."""
    place = Address(country.locale, seed=int(rng.integers(2**31)))
    cities = [place.city() for _ in range(POOL)]
    centres = rng.normal((country.latitude, country.longitude), 1.5, (POOL, 2))
    city = rng.integers(POOL, size=count)
    points = np.round(centres[city] + rng.normal(0, 0.02, (count, 2)), 6)
    made = np.empty(count, object)
    parts = zip(pool(rng, place.address, count), city, pool(rng, place.zip_code, count), points.tolist(), strict=True)
    for row, (street, town, code, (lat, lon)) in enumerate(parts):
        location = {"lat": lat, "lon": lon}
        made[row] = dict(zip(ADDRESS.names, (street, cities[town], code, country.code, location), strict=True))
    return made


def pool(rng: np.random.Generator, make: Callable[[], str], count: int) -> Objects:
    """``count`` picks from `POOL` values that ``make`` made."""
    made = np.empty(POOL, object)
    made[:] = [make() for _ in range(POOL)]
    picked: Objects = made[rng.integers(POOL, size=count)]
    return picked


def customer_ids(rng: np.random.Generator, count: int) -> npt.NDArray[np.int64]:
    """Distinct numbers in no order; a tenth of them neighbours past 2^53, where float64 would confuse them."""
    big = count // 10
    small = 1_000_000_000 + np.arange(count - big, dtype=np.int64) * 37
    return rng.permutation(np.concatenate([small, BEYOND_DOUBLE + np.arange(big, dtype=np.int64)]))


def emails(rng: np.random.Generator, first: Objects, last: Objects) -> Objects:
    """One address a person, under names that are reserved for examples. Scripts that do not fold give ``customer``."""
    host = rng.choice(np.array(["example.com", "example.org", "example.net", "mail.example"], object), len(first))
    made = np.empty(len(first), object)
    for row, names in enumerate(zip(first, last, strict=True)):
        local = ".".join(filter(None, map(folded, names))) or "customer"
        made[row] = f"{local}.{row:x}@{host[row]}"
    return made


def folded(name: str) -> str:
    """The ASCII letters of a name without its accents, in lower case."""
    return re.sub("[^a-z]", "", unicodedata.normalize("NFKD", name).lower())


def birth_dates(rng: np.random.Generator, count: int) -> pa.Array:
    """From 1926 to 2007."""
    first, last = (datetime.date(year, 1, 1).toordinal() - 719_163 for year in (1926, 2008))
    return pa.array(rng.integers(first, last, count).astype("int32")).cast(pa.date32())


NOTES = (
    "Asked to be called {first}; call back under {phone}",
    "Invoices go to {email}",
    "Moved house in spring, {first} will send the new address",
    "Complaint settled by phone ({phone})",
)


def notes(rng: np.random.Generator, first: Objects, phone: Objects, email: Objects) -> list[str | None]:
    """Free text as agents type it: with names, numbers and addresses in it. Two in three have none."""
    which = rng.integers(len(NOTES) * 3, size=len(first))
    return [
        NOTES[index].format(first=first[row], phone=phone[row], email=email[row]) if index < len(NOTES) else None
        for row, index in enumerate(which)
    ]
