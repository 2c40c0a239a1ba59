"""What the labelled set is made of: columns of persons in 30 languages and 11 scripts, by Faker and mimesis.

Which half a column belongs to, and its seed, follow from the SHA-256 of its label: rules were tuned on the one, and the
other was measured at the end.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
from faker import Faker
from mimesis import Address, Finance, Person, Text
from mimesis.locales import Locale

from jobs.detection import kinds
from tests.helpers import labelled_notations
from tests.helpers.labelled_notations import Make

SIZE = 250
FAKER = [
    "en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "es_MX", "it_IT", "pt_BR", "pt_PT", "nl_NL", "sv_SE", "pl_PL",
    "cs_CZ", "hu_HU", "tr_TR", "ru_RU", "uk_UA", "el_GR", "ar_SA", "fa_IR", "he_IL", "hi_IN", "ja_JP", "zh_CN",
    "zh_TW", "ko_KR", "th_TH", "da_DK", "fi_FI", "no_NO", "ro_RO", "bg_BG",
]  # fmt: skip
MIMESIS = [
    "en", "en-gb", "de", "fr", "es", "it", "pt-br", "nl", "sv", "pl", "cs", "hu", "tr", "ru", "uk", "el", "fa",
    "ja", "zh", "ko", "da", "fi", "no", "hr", "sk",
]  # fmt: skip


class Labelled(NamedTuple):
    """A column with what it really holds. truth: a kind of `jobs.detection.kinds`, or None for a look-alike."""

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
        for label, (name, truth, start) in labelled_notations.all_of_them().items():
            yield Recipe(f"{label}/{variant}", name, truth, start)


def _of_faker(locale: str) -> Iterator[Recipe]:
    def recipe(label: str, name: str, truth: str | None, make: Callable[[Faker, random.Random], Any]) -> Recipe:
        def start(seed: int) -> Make:
            fake = Faker(locale)
            fake.seed_instance(seed)
            rnd = random.Random(seed)
            return lambda: make(fake, rnd)

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


def columns(half: str | None = None, every: int = 1) -> Iterator[Labelled]:
    """All labelled columns, those of one half, or one in so many of them. What a locale's generator does not have is
    left out."""
    for recipe in recipes():
        if half in (None, recipe.half) and recipe.digest[9] % every == 0:
            try:
                yield recipe.column()
            except (AttributeError, KeyError, NotImplementedError, TypeError):
                continue  # the locale has no such data
            except Exception as error:
                if type(error).__name__ not in ("FieldError", "LocaleError", "UnsupportedLocale"):
                    raise
