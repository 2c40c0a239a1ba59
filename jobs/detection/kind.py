"""What a column can be found to be: kinds, the class of each, and what is said of one."""

from __future__ import annotations

import dataclasses
from typing import Literal

from jobs.configuration.entry import UNDECIDED

CLASS_OF = {
    **dict.fromkeys(
        ("email", "phone", "person_name", "street", "iban", "payment_card", "national_id", "mac", "url_user_data",
         "device_id", "free_text_person", "person_key", "licence_plate", "passport", "user_name"), "direct_identifier"),
    **dict.fromkeys(("ip", "postal_code", "city", "birth_date", "coordinates", "latitude", "longitude", "gender", "age",
         "quasi", "moment", "unique"), "quasi_identifier"),
    "sensitive": "sensitive",
    "constant": "non_personal",
    "unknown": UNDECIDED,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Kind:
    """name: a key of `CLASS_OF`. reasons: for the reader of a draft; shares and words of the column's name only. by:
    what shows it."""

    name: str
    reasons: tuple[str, ...]
    by: Literal["content", "name"] = "content"

    @property
    def class_(self) -> str:
        """The class that is proposed; `UNDECIDED` where nothing is known that would speak for one."""
        return CLASS_OF[self.name]


def percent(share: float) -> str:
    """A share as a reader takes it in."""
    return f"{share:.0%}" if share >= 0.01 or share == 0 else f"{share:.1%}"


def found(name: str, share: float, text: str) -> Kind:
    return Kind(name, (f"{percent(share)} of the values {text}",))


FEW, MANY, MORE_THAN_COUNTRIES = 10, 40, 250
"""Distinct values: more than the words of a code, and than any list of countries has."""
NEARLY_ALL = 0.9
