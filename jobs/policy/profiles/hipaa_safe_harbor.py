"""De-identification by removal of identifiers: 45 CFR 164.514(b)(2), the Safe Harbor of the HIPAA Privacy Rule.

What is said of it here is from the rule, from HHS' "Guidance Regarding Methods for De-identification of Protected
Health Information" (26 November 2012) and from the preamble of 14 August 2002, 67 FR 53233. Safe Harbor has no room
for judgement: what an expert would let pass (164.514(b)(1)) is a miss here.
"""

from __future__ import annotations

from jobs.policy.profiles.rule import (
    UNDECIDED,
    About,
    Open,
    Profile,
    Rule,
    Seen,
    a_part,
    all_of,
    keyed_code,
    named_otherwise,
    not_known,
    nothing_known,
    of_kinds,
    removed,
    what_stays,
)
from privacy_udfs.techniques.truncate import SMALL_AREAS

P = "45 CFR 164.514(b)(2)(i)"
A_YEAR_OR_MORE = ("year", "decade", "century", "millennium")
OLDEST = 90
LAST = "R"
REMOVE = "Drop or redact the column"

REMOVED: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("names", "A", "names must be removed", ("person_name",)),
    (
        "geography",
        "B",
        "geographic subdivisions smaller than a state, and equivalent codes of places, must be removed",
        ("street", "city", "coordinates", "latitude", "longitude"),
    ),
    ("telephone", "D", "telephone numbers must be removed", ("phone",)),
    ("fax", "E", "fax numbers must be removed", ("fax",)),
    ("email", "F", "electronic mail addresses must be removed", ("email",)),
    ("social_security", "G", "social security numbers must be removed", ("national_id",)),
    ("medical_records", "H", "medical record numbers must be removed", ("medical_record_number",)),
    ("health_plans", "I", "health plan beneficiary numbers must be removed", ("health_plan_number",)),
    ("accounts", "J", "account numbers must be removed", ("iban", "account_number", "payment_card")),
    ("licences", "K", "certificate and license numbers must be removed", ("licence_number",)),
    (
        "vehicles",
        "L",
        "vehicle identifiers and license plates must be removed",
        ("licence_plate", "vehicle_id"),
    ),
    ("devices", "M", "device identifiers and serial numbers must be removed", ("mac", "device_id")),
    ("urls", "N", "web addresses (URLs) must be removed", ("url", "url_user_data")),
    ("ip", "O", "Internet Protocol (IP) addresses must be removed", ("ip",)),
    ("biometrics", "P", "biometric identifiers must be removed", ("biometric",)),
    ("faces", "Q", "full-face photographs and comparable images must be removed", ("face_image",)),
    (
        "unique",
        LAST,
        "any other unique identifying number, characteristic or code must be removed",
        ("person_key", "unique", "user_name", "passport", "card_track", "card_security_code", "card_pin"),
    ),
)
"""Name, letter, demand, kinds."""
OTHERS = ("postal_code", "moment", "birth_date", "age", "free_text_person")
IDENTIFIERS = (*(kind for *_, kinds in REMOVED for kind in kinds), *OTHERS)
"""Kinds that a paragraph names."""


def identifies(seen: Seen) -> bool:
    """Whether it is of a kind that a paragraph names; or someone says that it identifies a person, whatever it is."""
    called_so = seen.column.class_ == "direct_identifier" and seen.kind not in (*UNDECIDED, "link_code")
    return seen.kind in IDENTIFIERS or called_so


def _codes() -> About:
    words = "columns that identify a person, replaced by a code that a key makes of their values"
    return About(lambda seen: identifies(seen) and keyed_code(seen), words)


def _apart(about: About) -> About:
    """But those that `link_codes` speaks of."""
    return About(lambda seen: about.test(seen) and not keyed_code(seen), about.words)


def _called_unique(seen: Seen) -> bool:
    return identifies(seen) and seen.kind not in IDENTIFIERS


def _removal(name: str, letter: str, demands: str, kinds: tuple[str, ...]) -> Rule:
    about = of_kinds(*kinds)
    if letter == LAST:
        words = f"{about.words}; class `direct_identifier` of any other kind"
        about = About(lambda seen: seen.kind in kinds or _called_unique(seen), words)
    return Rule(name, f"{P}({letter})", demands, _apart(about), REMOVE, (removed,))


# -- geography --------------------------------------------------------------------------------------------------------


def zip3(seen: Seen) -> bool:
    """Three digits of the ZIP code, and 000 for the areas that HHS lists, if not for more."""
    areas = seen.technique.zip3_areas()
    return areas is not None and set(areas) >= set(SMALL_AREAS)


def _fewer_areas(seen: Seen) -> bool:
    return seen.technique.zip3_areas() is not None


def _coarser(seen: Seen) -> bool:
    kept = seen.technique.kept_characters()
    return a_part(seen) and (kept is None or (kept[0] < 3 and not kept[1]))


def _areas_of_2000(seen: Seen) -> bool:
    areas = seen.technique.zip3_areas()
    return areas is None or {*areas} != {*SMALL_AREAS}


# -- dates and ages ---------------------------------------------------------------------------------------------------


def years(seen: Seen) -> bool:
    return seen.technique.date_unit() in A_YEAR_OR_MORE


def years_to_90(seen: Seen) -> bool:
    """Years, and one for all who are 90 or will be this year."""
    oldest = seen.technique.oldest_date()
    return years(seen) and oldest is not None and oldest.year >= seen.today.year - OLDEST


def _years_found(seen: Seen) -> str:
    oldest = seen.technique.oldest_date()
    if not years(seen):
        return what_stays(seen)
    if oldest is None:
        return "Years stay, those of people over 89 too, for no 'bottom' is stated"
    return (
        f"Only years before {oldest.year} become one, so that on {seen.today} those of people over 89 show: 'bottom' "
        f"must lie in {seen.today.year - OLDEST} or later"
    )


def ages_to_90(seen: Seen) -> bool:
    top = seen.technique.top_number()
    return top is not None and top <= OLDEST


def _open_dates(seen: Seen) -> bool:
    return a_part(seen) and seen.technique.date_unit() is None


RULES = (
    *(_removal(*each) for each in REMOVED),
    Rule(
        "zip",
        f"{P}(B)",
        "of a ZIP code at most the first three digits may stay, and 000 in place of those whose area holds 20,000 or "
        "fewer people",
        _apart(of_kinds("postal_code")),
        "Truncate it with 'preset: hipaa_zip3', or drop or redact the column",
        (removed, zip3),
        (
            Open(_fewer_areas, "whether areas of HHS' list that small_areas leaves out hold more than 20,000 people"),
            Open(_coarser, "whether the areas that come out are no smaller than those of three digits"),
        ),
    ),
    Rule(
        "zip_census",
        f"{P}(B)",
        "which areas hold 20,000 people or fewer goes by the current census",
        of_kinds("postal_code"),
        "Look them up, and state them as 'small_areas', those of the list included",
        (_areas_of_2000,),
        found=lambda seen: "The list that the preset brings along is the one that HHS made of the census of 2000",
        level="warn",
    ),
    Rule(
        "dates",
        f"{P}(C)",
        "of dates that are about a person only the year may stay",
        _apart(of_kinds("moment")),
        "Generalize it to 'unit: year', or drop or redact the column; a shifted date is still a date",
        (removed, years),
        (Open(_open_dates, "whether what comes out is no finer than a year"),),
    ),
    Rule(
        "birth_dates",
        f"{P}(C)",
        "of dates of birth only the year may stay, and one category for all who are 90 or older",
        _apart(of_kinds("birth_date")),
        "Generalize it to 'unit: year' with a 'bottom' 90 years back, or drop or redact the column",
        (removed, years_to_90),
        (Open(_open_dates, "whether what comes out is no finer than a year, and one category from 90 on"),),
        _years_found,
    ),
    Rule(
        "ages",
        f"{P}(C)",
        "all ages over 89 must become one category of 90 or older",
        _apart(of_kinds("age")),
        "Generalize it with 'preset: hipaa_age' or 'top: 90', or drop or redact the column",
        (removed, ages_to_90),
    ),
    Rule(
        "link_codes",
        f"{P}(R) and 45 CFR 164.514(c)(1)",
        "a code that links records must be neither derived from nor related to information about the person; a keyed "
        "hash of an identifier is (67 FR 53233, of HMAC), however well its key is kept",
        _codes(),
        "Drop or redact the column, or assign codes at random at the source and state 'kind: link_code'; an expert may "
        "determine otherwise by 164.514(b)(1), which is an exception to state",
    ),
    Rule(
        "texts",
        f"{P}(A)-(R)",
        "no text may hold any of the listed identifiers",
        all_of(of_kinds("free_text_person"), lambda seen: not keyed_code(seen), "not replaced as a whole"),
        REMOVE,
        (removed,),
        (Open(lambda seen: True, "at the texts: what is not recognized in them stays"),),
    ),
    Rule(
        "kinds",
        f"{P}(A)-(R)",
        "each identifier that is listed must be removed, so it must be known what a column holds",
        About(
            lambda seen: nothing_known(seen) or (seen.kind == "quasi" and not removed(seen)),
            "columns that are not removed, of no kind, of `unknown` and of `quasi`",
        ),
        "State its 'kind', or drop or redact the column",
        (),
        (Open(lambda seen: seen.kind == "quasi", "which trait it is: a country, a state, or one that singles out"),),
        not_known,
    ),
    Rule(
        "named",
        f"{P}(A)-(R)",
        "each identifier that is listed must be removed",
        About(named_otherwise(*IDENTIFIERS), "columns of any other kind that are named like an identifier"),
        "State its 'kind', or drop or redact the column, or state the exception",
        found=not_known,
    ),
)
PROFILE = Profile(
    "hipaa_safe_harbor", 1, "HIPAA Privacy Rule, 45 CFR 164.514(b)(2) and (c): de-identification, Safe Harbor", RULES
)
