"""What a column can be said to hold: the kinds that the inventory finds (`jobs.detection.kinds`), and more of laws.

A column's entry states its ``kind``; the profiles of the policy (`jobs.policy.profiles`) go by it.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from jobs.configuration.documents import did_you_mean, one_of
from jobs.configuration.entry import one_of_those

DIRECT, QUASI, SENSITIVE, NON_PERSONAL = "direct_identifier", "quasi_identifier", "sensitive", "non_personal"


class Kind(NamedTuple):
    """means: for a reader. class_: of a column of this kind, if it is treated by nothing; None where that is open."""

    means: str
    class_: str | None


KINDS: dict[str, Kind] = {
    "person_name": Kind("names of persons", DIRECT),
    "user_name": Kind("user names", DIRECT),
    "email": Kind("e-mail addresses", DIRECT),
    "phone": Kind("telephone numbers", DIRECT),
    "fax": Kind("fax numbers", DIRECT),
    "street": Kind("streets with or without a number", DIRECT),
    "city": Kind("towns, counties, precincts: places smaller than a state", QUASI),
    "postal_code": Kind("postal codes", QUASI),
    "coordinates": Kind("latitude and longitude, or another code of a place", QUASI),
    "latitude": Kind("latitudes", QUASI),
    "longitude": Kind("longitudes", QUASI),
    "us_state": Kind("states of the United States, or larger areas", QUASI),
    "country": Kind("countries, or larger areas", QUASI),
    "birth_date": Kind("dates of birth, years of birth too", QUASI),
    "moment": Kind("other dates and times of events: admission, discharge, death, orders", QUASI),
    "age": Kind("ages in years", QUASI),
    "gender": Kind("genders", QUASI),
    "national_id": Kind("social security numbers, tax numbers, national numbers of persons", DIRECT),
    "passport": Kind("numbers of passports and identity cards", DIRECT),
    "licence_number": Kind("numbers of certificates and licences: to drive, of a profession", DIRECT),
    "medical_record_number": Kind("numbers of medical records", DIRECT),
    "health_plan_number": Kind("numbers of members of health plans", DIRECT),
    "iban": Kind("bank accounts", DIRECT),
    "account_number": Kind("numbers of accounts of other forms than an IBAN", DIRECT),
    "payment_card": Kind("numbers of payment cards: the primary account number (PAN)", DIRECT),
    "card_track": Kind("contents of a card's magnetic stripe or chip", SENSITIVE),
    "card_security_code": Kind("the three or four digits printed on a card", SENSITIVE),
    "card_pin": Kind("PINs and PIN blocks", SENSITIVE),
    "licence_plate": Kind("licence plates", DIRECT),
    "vehicle_id": Kind("other numbers of vehicles, such as the VIN", DIRECT),
    "device_id": Kind("numbers of devices, cookies, advertising ids", DIRECT),
    "mac": Kind("MAC addresses", DIRECT),
    "ip": Kind("IP addresses", QUASI),
    "url": Kind("web addresses", QUASI),
    "url_user_data": Kind("web addresses with data about users in them", DIRECT),
    "biometric": Kind("finger and voice prints, and other marks of a body", DIRECT),
    "face_image": Kind("photographs of faces, and the like", DIRECT),
    "person_key": Kind("keys of persons: customer_id", DIRECT),
    "unique": Kind("other numbers that lead to one person, such as an order's", QUASI),
    "link_code": Kind(
        "codes that were assigned at random to link records, neither derived from nor related to information about the "
        "person, and not used elsewhere",
        QUASI,
    ),
    "free_text_person": Kind("texts that may speak of persons", DIRECT),
    "quasi": Kind("a trait by which persons may be told apart: a profession, a nationality", QUASI),
    "sensitive": Kind("a sensitive fact that identifies nobody: a diagnosis, an income", SENSITIVE),
    "constant": Kind("one value in all rows", NON_PERSONAL),
    "other": Kind("none of these, as a person has seen", None),
    "unknown": Kind("nobody knows yet", None),
}


def _known(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"no kind is called {name!r}{did_you_mean(name, KINDS) or f'; expected {one_of(KINDS)}'}")
    return name


KindName = Annotated[str, AfterValidator(_known), one_of_those(lambda: KINDS)]
