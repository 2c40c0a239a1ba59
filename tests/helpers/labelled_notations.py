"""Columns that look alike in every country: identifiers with a notation of their own, and what only looks like them."""

from __future__ import annotations

import datetime
import itertools
import random
import uuid
from collections.abc import Callable
from typing import Any

from faker import Faker

Make = Callable[[], Any]
MAIL_KEYS = ("email", "q", "to")
BRANDS = ("Volkswagen", "Toyota", "Samsung", "Philips", "Bosch", "Nestlé", "Sony", "Lego")
STUFFS = ("Oak", "Steel", "Wool", "Silk", "Soft", "Rustic")
GOODS = ("Chair", "Table", "Lamp", "Shirt", "Towel", "Bike")
Starts = dict[str, tuple[str, str | None, Callable[[int], Make]]]
"""label -> a telling name for the column, what it holds, and how to begin making its values from a seed"""


def all_of_them() -> Starts:
    return {**_everywhere(), **_look_alikes()}


def _seeded(make: Callable[[random.Random, Faker], Any]) -> Callable[[int], Make]:
    def start(seed: int) -> Make:
        rnd, fake = random.Random(seed), Faker("en_US")
        fake.seed_instance(seed)
        return lambda: make(rnd, fake)

    return start


def _serial(first: int) -> Callable[[int], Make]:
    """Numbers as a counter gives them, with gaps."""

    def start(seed: int) -> Make:
        rnd = random.Random(seed)
        return itertools.accumulate((rnd.randrange(1, 4) for _ in itertools.count()), initial=first).__next__

    return start


def _digits(rnd: random.Random, count: int) -> str:
    return str(rnd.randrange(1, 10)) + "".join(rnd.choice("0123456789") for _ in range(count - 1))


def _random(fake: Faker, length: int) -> str:
    return str(fake.password(length, special_chars=False))


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
        "session": ("session_id", "device_id", _seeded(lambda r, f: _random(f, 32))),
        "url_mail": ("url", "url_user_data", _seeded(lambda r, f: f"{f.url()}u?{r.choice(MAIL_KEYS)}={f.email()}")),
        "url_token": ("referrer", "url_user_data", _seeded(lambda r, f: f"{f.uri()}?token={_random(f, 24)}")),
        "url_userinfo": (
            "link",
            "url_user_data",
            _seeded(lambda r, f: f"https://{f.user_name()}:{_random(f, 8)}@{f.domain_name()}/"),
        ),
        "url_some": (
            "url",
            "url_user_data",
            _seeded(lambda r, f: f.uri() if r.random() < 0.85 else f"{f.url()}?user={f.user_name()}"),
        ),
        "birth_date": ("dob", "birth_date", _seeded(lambda r, f: _birth(r))),
        "birth_text": ("born", "birth_date", _seeded(lambda r, f: _birth(r).strftime("%d.%m.%Y"))),
        "birth_us": ("born", "birth_date", _seeded(lambda r, f: _birth(r).strftime("%m/%d/%Y"))),
        "birth_int": ("birth_date", "birth_date", _seeded(lambda r, f: int(_birth(r).strftime("%Y%m%d")))),
        "geo_pair": ("geo", "coordinates", _seeded(lambda r, f: f"{f.latitude():.5f}, {f.longitude():.5f}")),
        "latitude": ("lat", "coordinates", _seeded(lambda r, f: round(r.gauss(48, 4), 6))),
        "ssn_bare": ("ssn", "national_id", _seeded(lambda r, f: _ssn(r))),
        "ssn_int": ("ssn", "national_id", _seeded(lambda r, f: int(_ssn(r)))),
        "imei": ("imei", "device_id", _seeded(lambda r, f: _imei(r))),
        "imei_int": ("imei", "device_id", _seeded(lambda r, f: int(_imei(r)))),
        "mrz": ("mrz", "passport", _seeded(lambda r, f: _zone(r))),
        "passport_de": ("passport", "passport", _seeded(lambda r, f: _of(r, f"A{'D' * 8}", _GERMAN))),
        "user_faker": ("username", "user_name", _seeded(lambda r, f: f.user_name())),
        "user_words": ("login", "user_name", _seeded(lambda r, f: _handle(r, f))),
        "user_at": ("handle", "user_name", _seeded(lambda r, f: f"@{f.user_name()}")),
        **{f"plate_{country}": ("plate_number", "licence_plate", start) for country, start in _plates().items()},
        "note_en": ("comment", "free_text_person", _seeded(lambda r, f: _note(r, f))),
    }


_GERMAN = {"A": "CFGHJKLMNPRTVWXYZ", "D": "CFGHJKLMNPRTVWXYZ0123456789"}


def _of(rnd: random.Random, shape: str, letters: dict[str, str]) -> str:
    """A code of a shape: each sign that ``letters`` has is drawn from there, 9 is a digit, others stay."""
    return "".join(rnd.choice({"9": "0123456789", **letters}.get(each, each)) for each in shape)


def _plates() -> dict[str, Callable[[int], Make]]:
    """By the letters that each country hands out."""
    fr, it = "ABCDEFGHJKLMNPQRSTVWXYZ", "ABCDEFGHJKLMNPRSTVWXYZ"
    nl, gb = "BDFGHJKLNPRSTVXZ", "ABCDEFGHJKLMNOPRSTUVWXY"
    series = ("A-999-AA", "AA-999-A", "99-AAA-9", "AA-AA-99")
    german = ("A-AA 999", "AA-A 9", "AA-AA 99", "A-A 999", "AAA-A 99")
    made: dict[str, Callable[[random.Random, Faker], Any]] = {
        "de": lambda r, f: _of(r, r.choice(german), {"A": "ABDEFGHKLMNPRSTUW", "9": "123456789"}),
        "fr": lambda r, f: _of(r, "AA-999-AA", {"A": fr}),
        "it": lambda r, f: _of(r, "AA999AA", {"A": it}),
        "gb": lambda r, f: (
            _of(r, f"AA{r.choice((r.randrange(10, 25), r.randrange(51, 75)))}", {"A": gb}).replace("9", "4")
            + " "
            + _of(r, "AAA", {"A": gb})
        ),
        "es": lambda r, f: _of(r, "9999 AAA", {"A": "BCDFGHJKLMNPRSTVWXYZ"}),
        "nl": lambda r, f: _of(r, r.choice(series), {"A": nl}),
        "us": lambda r, f: f.license_plate(),
    }
    return {country: _seeded(make) for country, make in made.items()}


def _ssn(rnd: random.Random) -> str:
    """As they were given out until 2011: by state, none from 773 on."""
    area = rnd.choice([each for each in range(1, 773) if each != 666])
    return f"{area:03}{rnd.randrange(1, 100):02}{rnd.randrange(1, 10_000):04}"


def _imei(rnd: random.Random) -> str:
    number = rnd.choice(("35", "35", "35", "86", "86", "01", "99")) + "".join(rnd.choices("0123456789", k=12))
    total = sum(int(d) * 2 - 9 * (int(d) > 4) if at % 2 else int(d) for at, d in enumerate(number))
    return f"{number}{-total % 10}"


def _zone(rnd: random.Random) -> str:
    """The second line of a passport's zone, with the check digits that are looked at."""
    number, born, until = _of(rnd, "A99999999", {"A": "CFGHJK"}), _birth(rnd), _recent(rnd)
    days = [f"{day:%y%m%d}" for day in (born, until)]
    first, second, third = (f"{part}{_icao(part)}" for part in (number, *days))
    return f"{first}{rnd.choice(('D<<', 'FRA', 'UTO'))}{second}{rnd.choice('MF<')}{third}{'<' * 15}0"


def _icao(text: str) -> int:
    return sum((7, 3, 1)[at % 3] * int(each, 36) for at, each in enumerate(text)) % 10


def _handle(rnd: random.Random, fake: Faker) -> str:
    """Two words that nobody else put together so, and a mark."""
    one, other = fake.word(), fake.word()
    return f"{one}{rnd.choice(('', '_'))}{other}{rnd.choice((rnd.randrange(9), rnd.randrange(1960, 2010), 'x_'))}"


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
    moment = _recent
    made: dict[str, Callable[[random.Random, Faker], Any]] = {
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
        "host": lambda r, f: f"{r.choice(('web', 'db', 'cache', 'mail-relay'))}{r.randrange(1, 400):02}",
        "code_7": lambda r, f: f.bothify("??###??").upper(),
        "code_9": lambda r, f: f.bothify(r.choice(("?#?##?#?#", "??###?#?#"))).upper(),
        "batch": lambda r, f: f"lot_{f.lexify('??')}{r.randrange(999)}",
        "identifier": lambda r, f: f"{f.word()}_{f.word()}",
        "nine_text": lambda r, f: "".join(r.choices("0123456789", k=9)),
        "review": lambda r, f: f"{r.choice(('Great', 'Poor', 'Fine'))} {f.word()}, {f.sentence().lower()}",
        "brand": lambda r, f: r.choice(BRANDS),
        "product_name": lambda r, f: f"{r.choice(STUFFS)} {r.choice(GOODS)} {r.randrange(100, 999)}",
        "tracking": lambda r, f: f.bothify("1Z####??##########").upper(),
        "duration": lambda r, f: f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}",
        "ticket": lambda r, f: f"{f.lexify('???').upper()}-{r.randrange(1, 9999)}",
        "dimension": lambda r, f: f"{r.randrange(10, 99)}x{r.randrange(10, 99)}x{r.randrange(10, 99)} cm",
        "year": lambda r, f: r.randrange(1990, 2025),
        "score": lambda r, f: r.randrange(300, 850),
    }
    serial: Starts = {f"order_number_{n}": ("order_number", None, _serial(10 ** (n - 1))) for n in range(6, 13)}
    return {**serial, **{label: (label, None, _seeded(make)) for label, make in made.items()}}
