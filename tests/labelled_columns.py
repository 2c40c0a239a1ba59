"""A labelled set of columns, made with Faker and mimesis: ``python -m tests.labelled_columns [--half tune|unseen]``.

Persons of 22 locales in 12 scripts, identifiers in many notations, and what looks like them but is not. Which half
a column belongs to, and its seed, follow from the SHA-256 of its label: rules were tuned on the one, and the other was
measured at the end. Columns are named ``c`` unless ``--named``: the content alone has to tell.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
from faker import Faker
from mimesis import Address, Finance, Person, Text
from mimesis.locales import Locale

from jobs.shared.configuration.column_path import ColumnPath
from jobs.shared.inventory import evidence, hints, kinds

SIZE = 250
SETTINGS = evidence.Settings(salt=b"labelled")
FAKER = [
    "en_US",
    "en_GB",
    "de_DE",
    "fr_FR",
    "es_ES",
    "es_MX",
    "it_IT",
    "pt_BR",
    "pt_PT",
    "nl_NL",
    "sv_SE",
    "pl_PL",
    "cs_CZ",
    "hu_HU",
    "tr_TR",
    "ru_RU",
    "uk_UA",
    "el_GR",
    "ar_SA",
    "fa_IR",
    "he_IL",
    "hi_IN",
    "ja_JP",
    "zh_CN",
    "zh_TW",
    "ko_KR",
    "th_TH",
    "da_DK",
    "fi_FI",
    "no_NO",
    "ro_RO",
    "bg_BG",
]
MIMESIS = [
    "en",
    "en-gb",
    "de",
    "fr",
    "es",
    "it",
    "pt-br",
    "nl",
    "sv",
    "pl",
    "cs",
    "hu",
    "tr",
    "ru",
    "uk",
    "el",
    "fa",
    "ja",
    "zh",
    "ko",
    "da",
    "fi",
    "no",
    "hr",
    "sk",
]
Make = Callable[[], Any]


class Labelled(NamedTuple):
    """A column with what it really holds. truth: a kind of `jobs.shared.inventory.kinds`, or None for a look-alike."""

    label: str
    name: str
    truth: str | None
    values: pa.Array

    @property
    def direct(self) -> bool:
        return self.truth is not None and kinds.CLASS_OF[self.truth] == "direct_identifier"


class Recipe(NamedTuple):
    label: str
    name: str
    truth: str | None
    start: Callable[[int], Make]

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.label.encode()).digest()

    @property
    def half(self) -> str:
        return "tune" if self.digest[0] % 2 == 0 else "unseen"

    def column(self) -> Labelled:
        seed = int.from_bytes(self.digest[1:5], "big")
        make, noise = self.start(seed), random.Random(seed)
        made = [make() for _ in range(SIZE)]
        values = [None if noise.random() < 0.04 else value for value in made]
        if self.truth is not None and isinstance(made[0], str) and seed % 2:
            values = [noise.choice(("unknown", "n/a", "-", "?")) if noise.random() < 0.04 else v for v in values]
        return Labelled(self.label, self.name, self.truth, pa.array(values))


def recipes() -> Iterator[Recipe]:
    for locale in FAKER:
        yield from _of_faker(locale)
    for code in MIMESIS:
        yield from _of_mimesis(Locale(code))
    for variant in range(4):
        for label, (name, truth, start) in {**_everywhere(), **_look_alikes()}.items():
            yield Recipe(f"{label}/{variant}", name, truth, start)


def _of_faker(locale: str) -> Iterator[Recipe]:
    def recipe(label: str, name: str, truth: str | None, make: Callable[[Faker, random.Random], Any]) -> Recipe:
        def start(seed: int) -> Make:
            fake = Faker(locale)
            fake.seed_instance(seed)
            return lambda rnd=random.Random(seed): make(fake, rnd)

        return Recipe(f"faker/{locale}/{label}", name, truth, start)

    yield recipe("full_name", "customer_name", "person_name", lambda f, r: f.name())
    yield recipe("last_first", "name", "person_name", lambda f, r: f"{f.last_name()}, {f.first_name()}")
    yield recipe("first_name", "first_name", "person_name", lambda f, r: f.first_name())
    yield recipe("last_name", "last_name", "person_name", lambda f, r: f.last_name())
    yield recipe("phone", "phone", "phone", lambda f, r: f.phone_number())
    yield recipe("email", "mail", "email", lambda f, r: f.email())
    yield recipe("street", "address_line_1", "street", lambda f, r: f.street_address())
    yield recipe("address", "address", "street", lambda f, r: f.address().replace("\n", ", "))
    yield recipe("national_id", "ssn", "national_id", lambda f, r: f.ssn())
    yield recipe("iban", "iban", "iban", lambda f, r: f.iban())
    yield recipe(
        "note_with_person",
        "notes",
        "free_text_person",
        lambda f, r: f"{f.sentence()} {_mention(f, r)} {f.sentence()}",
    )
    yield recipe("city", "city", "city", lambda f, r: f.city())
    yield recipe("postcode", "zip", "postal_code", lambda f, r: f.postcode())
    yield recipe("sentence", "text", None, lambda f, r: f.sentence())
    yield recipe("paragraph", "body", None, lambda f, r: f.paragraph())
    yield recipe("company", "company", None, lambda f, r: f.company())
    yield recipe("job", "job", None, lambda f, r: f.job())
    yield recipe("color", "colour", None, lambda f, r: f.color_name())
    yield recipe("country", "country", None, lambda f, r: f.country())
    yield recipe("word", "tag", None, lambda f, r: f.word())
    yield recipe("two_words", "product", None, lambda f, r: " ".join(f.words(2)).title())


def _mention(fake: Faker, rnd: random.Random) -> str:
    how = rnd.randrange(8)
    if how == 0:
        return fake.email()
    if how == 1:
        return fake.phone_number()
    return fake.name() if how < 5 else fake.sentence()


def _of_mimesis(locale: Locale) -> Iterator[Recipe]:
    def recipe(label: str, name: str, truth: str | None, make: Callable[[Any], Make]) -> Recipe:
        return Recipe(f"mimesis/{locale.value}/{label}", name, truth, make)

    def person(seed: int) -> Person:
        return Person(locale, seed=seed)

    def address(seed: int) -> Address:
        return Address(locale, seed=seed)

    yield recipe("full_name", "kontakt", "person_name", lambda s: person(s).full_name)
    yield recipe("first_name", "vorname", "person_name", lambda s: person(s).first_name)
    yield recipe("last_name", "nachname", "person_name", lambda s: person(s).last_name)
    yield recipe("phone", "tel", "phone", lambda s: person(s).phone_number)
    yield recipe("email", "email", "email", lambda s: person(s).email)
    yield recipe("address", "street", "street", lambda s: address(s).address)
    yield recipe("city", "ort", "city", lambda s: address(s).city)
    yield recipe("zip", "plz", "postal_code", lambda s: address(s).zip_code)
    yield recipe("text", "description", None, lambda s: Text(locale, seed=s).sentence)
    yield recipe("word", "keyword", None, lambda s: Text(locale, seed=s).word)
    yield recipe("color", "farbe", None, lambda s: Text(locale, seed=s).color)
    yield recipe("company", "firma", None, lambda s: Finance(locale, seed=s).company)
    yield recipe("occupation", "beruf", None, lambda s: person(s).occupation)
    yield recipe("state", "region", None, lambda s: address(s).state)


Starts = dict[str, tuple[str, str | None, Callable[[int], Make]]]


def _seeded(make: Callable[[random.Random, Faker], Any]) -> Callable[[int], Make]:
    def start(seed: int) -> Make:
        rnd, fake = random.Random(seed), Faker("en_US")
        fake.seed_instance(seed)
        return lambda: make(rnd, fake)

    return start


def _digits(rnd: random.Random, count: int) -> str:
    return str(rnd.randrange(1, 10)) + "".join(rnd.choice("0123456789") for _ in range(count - 1))


def _birth(rnd: random.Random) -> datetime.date:
    return datetime.date(1930, 1, 1) + datetime.timedelta(days=rnd.randrange(28_000))


def _recent(rnd: random.Random) -> datetime.datetime:
    return datetime.datetime(2021, 1, 1) + datetime.timedelta(seconds=rnd.randrange(130_000_000))


def _everywhere() -> Starts:
    """Identifiers that look alike in every country."""
    cards = {
        "card": str,
        "card_int": int,
        "card_grouped": lambda n: " ".join(n[i : i + 4] for i in range(0, len(n), 4)),
    }
    found: Starts = {
        name: ("card_number", "payment_card", _seeded(lambda r, f, w=write: w(f.credit_card_number())))
        for name, write in cards.items()
    }
    return found | {
        "email_named": ("email", "email", _seeded(lambda r, f: f"{f.name()} <{f.safe_email()}>")),
        "email_idn": ("email", "email", _seeded(lambda r, f: f"{f.user_name()}@bücher{r.randrange(9)}.example")),
        "ipv4": ("client_ip", "ip", _seeded(lambda r, f: f.ipv4())),
        "ipv6": ("client_ip", "ip", _seeded(lambda r, f: f.ipv6())),
        "ip_mixed": ("remote_addr", "ip", _seeded(lambda r, f: r.choice((f.ipv4, f.ipv6))())),
        "mac": ("mac", "mac", _seeded(lambda r, f: f.mac_address())),
        "mac_hyphen": ("mac", "mac", _seeded(lambda r, f: f.mac_address().replace(":", "-").upper())),
        "uuid": ("device_id", "device_id", _seeded(lambda r, f: str(uuid.UUID(int=r.getrandbits(128), version=4)))),
        "gaid_upper": ("idfa", "device_id", _seeded(lambda r, f: str(uuid.UUID(int=r.getrandbits(128))).upper())),
        "cookie": ("ga", "device_id", _seeded(lambda r, f: f"GA1.2.{_digits(r, 9)}.{_digits(r, 10)}")),
        "session": ("session_id", "device_id", _seeded(lambda r, f: f.password(32, special_chars=False))),
        "url_mail": ("url", "url_user_data", _seeded(lambda r, f: f"{f.url()}u?{r.choice(('email', 'q', 'to'))}={f.email()}")),
        "url_token": ("referrer", "url_user_data", _seeded(lambda r, f: f"{f.uri()}?token={f.password(24, special_chars=False)}")),
        "url_userinfo": ("link", "url_user_data", _seeded(lambda r, f: f"https://{f.user_name()}:{f.password(8, special_chars=False)}@{f.domain_name()}/")),
        "url_some": ("url", "url_user_data", _seeded(lambda r, f: f.uri() if r.random() < 0.85 else f"{f.url()}?user={f.user_name()}")),
        "birth_date": ("dob", "birth_date", _seeded(lambda r, f: _birth(r))),
        "birth_text": ("born", "birth_date", _seeded(lambda r, f: _birth(r).strftime("%d.%m.%Y"))),
        "birth_us": ("born", "birth_date", _seeded(lambda r, f: _birth(r).strftime("%m/%d/%Y"))),
        "birth_int": ("birth_date", "birth_date", _seeded(lambda r, f: int(_birth(r).strftime("%Y%m%d")))),
        "geo_pair": ("geo", "coordinates", _seeded(lambda r, f: f"{f.latitude():.5f}, {f.longitude():.5f}")),
        "latitude": ("lat", "coordinates", _seeded(lambda r, f: round(r.gauss(48, 4), 6))),
        "note_en": ("comment", "free_text_person", _seeded(lambda r, f: _note(r, f))),
    }  # fmt: skip


def _note(rnd: random.Random, fake: Faker) -> str:
    name, mail = fake.name(), fake.email()
    return rnd.choice(
        (
            f"Spoke to {name} about the delayed order, will call back tomorrow.",
            f"Customer asked for a refund; confirmation sent to {mail} yesterday.",
            "No answer, left a message on the machine.",
            "Package was damaged on arrival, replacement is on its way.",
            f"Please change the delivery address, regards {name}.",
        )
    )


def _look_alikes() -> Starts:
    """What is no direct identifier although something about it looks like one."""
    counter = {"at": 0}

    def serial(start: int) -> Callable[[random.Random, Faker], int]:
        def make(rnd: random.Random, fake: Faker) -> int:
            counter["at"] += rnd.randrange(1, 4)
            return start + counter["at"]

        return make

    moment = _recent
    made: dict[str, Callable[[random.Random, Faker], Any]] = {
        **{f"order_number_{n}": serial(10 ** (n - 1)) for n in (6, 7, 8, 9, 10, 11, 12)},
        **{f"random_digits_{n}": (lambda r, f, n=n: _digits(r, n)) for n in (5, 8, 9, 10, 11, 13, 15, 16)},
        **{f"random_int_{n}": (lambda r, f, n=n: int(_digits(r, n))) for n in (9, 10, 12, 16)},
        "invoice": lambda r, f: f"INV-{r.randrange(2019, 2026)}-{_digits(r, 6)}",
        "invoice_dash": lambda r, f: f"{r.randrange(2019, 2026)}-{_digits(r, 5)}",
        "order_dashed": lambda r, f: f"{_digits(r, 3)}-{_digits(r, 7)}-{_digits(r, 7)}",
        "sku": lambda r, f: f.bothify("??-####-?").upper(),
        "sku_dotted": lambda r, f: f.numerify("##.###.##"),
        "ean13": lambda r, f: f.ean13(),
        "ean8": lambda r, f: f.ean8(),
        "isbn": lambda r, f: f.isbn13(),
        "epoch_seconds": lambda r, f: int(moment(r).timestamp()),
        "epoch_millis": lambda r, f: int(moment(r).timestamp() * 1000),
        "epoch_text": lambda r, f: str(int(moment(r).timestamp() * 1000)),
        "timestamp": lambda r, f: moment(r),
        "timestamp_text": lambda r, f: moment(r).isoformat(),
        "order_date": lambda r, f: moment(r).date(),
        "order_date_text": lambda r, f: moment(r).strftime("%d/%m/%Y"),
        "price": lambda r, f: round(r.lognormvariate(3, 1), 2),
        "price_text": lambda r, f: f"{r.lognormvariate(3, 1):.2f}",
        "price_euro": lambda r, f: f"{r.lognormvariate(3, 1):.2f} €".replace(".", ","),
        "probability": lambda r, f: r.random(),
        "measure": lambda r, f: r.gauss(0, 500),
        "percent": lambda r, f: round(r.random() * 100, 2),
        "quantity": lambda r, f: r.randrange(1, 50),
        "version": lambda r, f: f"{r.randrange(9)}.{r.randrange(20)}.{r.randrange(10)}.{r.randrange(30)}",
        "version_3": lambda r, f: f"{r.randrange(9)}.{r.randrange(20)}.{r.randrange(10)}",
        "status": lambda r, f: r.choice(("NEW", "PAID", "SHIPPED", "RETURNED")),
        "status_words": lambda r, f: r.choice(("Pending", "In Progress", "On Hold", "Closed", "Won", "Lost", "Open")),
        "weekday": lambda r, f: f.day_of_week(),
        "month": lambda r, f: f.month_name(),
        "currency": lambda r, f: f.currency_code(),
        "url_plain": lambda r, f: f.uri(),
        "page_path": lambda r, f: f"/{f.uri_path()}/{r.randrange(99)}",
        "file_path": lambda r, f: f.file_path(),
        "file_name": lambda r, f: f.file_name(),
        "hex_color": lambda r, f: f.hex_color(),
        "mime": lambda r, f: f.mime_type(),
        "user_agent": lambda r, f: f.user_agent(),
        "boolean": lambda r, f: r.random() < 0.3,
        "catch_phrase": lambda r, f: f.catch_phrase(),
        "language": lambda r, f: f.language_name(),
        "domain": lambda r, f: f.domain_name(),
        "slug": lambda r, f: f.slug(),
        "plate": lambda r, f: f.license_plate(),
        "review": lambda r, f: f"{r.choice(('Great', 'Poor', 'Fine'))} {f.word()}, {f.sentence().lower()}",
        "brand": lambda r, f: r.choice(("Volkswagen", "Toyota", "Samsung", "Philips", "Bosch", "Nestlé", "Sony", "Lego")),
        "product_name": lambda r, f: r.choice(("Oak", "Steel", "Wool", "Silk", "Soft", "Rustic")) + " " + r.choice(("Chair", "Table", "Lamp", "Shirt", "Towel", "Bike")) + f" {r.randrange(100, 999)}",
        "tracking": lambda r, f: f.bothify("1Z####??##########").upper(),
        "duration": lambda r, f: f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}",
        "ticket": lambda r, f: f"{f.lexify('???').upper()}-{r.randrange(1, 9999)}",
        "dimension": lambda r, f: f"{r.randrange(10, 99)}x{r.randrange(10, 99)}x{r.randrange(10, 99)} cm",
        "year": lambda r, f: r.randrange(1990, 2025),
        "score": lambda r, f: r.randrange(300, 850),
    }  # fmt: skip
    return {label: (label, None, _seeded(make)) for label, make in made.items()}


def columns(half: str | None = None) -> Iterator[Labelled]:
    """All labelled columns, or those of one half. What a locale's generator does not have is left out."""
    for recipe in recipes():
        if half in (None, recipe.half):
            try:
                yield recipe.column()
            except (AttributeError, KeyError, NotImplementedError, TypeError):
                continue  # the locale has no such data
            except Exception as error:
                if type(error).__name__ not in ("FieldError", "LocaleError", "UnsupportedLocale"):
                    raise


class Result(NamedTuple):
    column: Labelled
    found: kinds.Kind
    evidence: evidence.Evidence


def judged(half: str | None, named: bool) -> Iterator[Result]:
    """What the inventory says of each column."""
    for column in columns(half):
        type_ = {"string": "string", "int64": "bigint"}.get(str(column.values.type), str(column.values.type))
        seen = evidence.measure(column.values, SETTINGS).evidence(type_)
        given = hints.of(ColumnPath.parse(column.name)) if named else ()
        yield Result(column, kinds.decide(seen, given), seen)


def scores(results: list[Result]) -> dict[str, float]:
    """recall and precision of the class direct_identifier; exact: the share of its columns whose kind is right too."""
    direct = [result for result in results if result.column.direct]
    said = [result for result in results if result.found.class_ == "direct_identifier"]
    right = [result for result in said if result.column.direct]
    exact = [result for result in right if result.found.name == result.column.truth]
    return {
        "columns": len(results),
        "direct": len(direct),
        "recall": len(right) / len(direct),
        "precision": len(right) / len(said),
        "exact": len(exact) / len(direct),
    }


def table(results: list[Result]) -> list[str]:
    """Lines of Markdown: per kind how many columns there are, and what was said of them."""
    lines = ["| truth | columns | kind found | direct identifier found | said instead |", "|---|---:|---:|---:|---|"]
    for truth in sorted({str(result.column.truth) for result in results}):
        group = [result for result in results if str(result.column.truth) == truth]
        exact = sum(result.found.name == truth for result in group)
        direct = sum(result.found.class_ == "direct_identifier" for result in group)
        other = Counter(result.found.name for result in group if result.found.name != truth)
        said = ", ".join(f"{name} {count}" for name, count in other.most_common(5))
        lines.append(f"| {truth.replace('None', 'a look-alike')} | {len(group)} | {exact} | {direct} | {said} |")
    return lines


def main() -> None:
    options = argparse.ArgumentParser("tests.labelled_columns", description=__doc__)
    options.add_argument("--half", choices=("tune", "unseen"))
    options.add_argument("--named", action="store_true", help="columns have telling names")
    options.add_argument("--wrong", action="store_true", help="list the columns that were judged wrong")
    asked = options.parse_args()
    results = list(judged(asked.half, asked.named))
    print(json.dumps({name: round(value, 3) for name, value in scores(results).items()}))
    print("\n".join(table(results)))
    for result in results if asked.wrong else ():
        if result.column.direct != (result.found.class_ == "direct_identifier"):
            match = {k: v for k, v in result.evidence.as_data()["match"].items() if not k.startswith("date:")}
            print(f"{result.column.label}: {result.found.name} {match}")


if __name__ == "__main__":
    main()
