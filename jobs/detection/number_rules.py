"""Rules for the numbers that states hand out: of persons, of passports, of vehicles."""

from __future__ import annotations

from jobs.detection.evidence import Evidence
from jobs.detection.kind import FEW, NEARLY_ALL, Kind, found


def national_id(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    number, share = evidence.best("national_id")
    hinted = "national_id" in hints
    if share < (0.3 if hinted else 0.8) or (evidence.share("ean") >= 0.8 and not hinted):
        return None
    # one number in ten passes a checksum, and there are sixty: a few different ones pass one of them by chance
    by_chance = evidence.distinct < FEW and (share < 1 or evidence.distinct < FEW / 2) and number not in OWN_NOTATION
    if not hinted and (by_chance or evidence.best("code")[1] >= share):
        return None
    return found("national_id", share, f"are valid as {number}")


OWN_NOTATION = ("us.ssn", "gb.nino", "pk.cnic", "ru.snils", "ch.ssn", "fr.nir", "it.codicefiscale", "mx.curp")
"""Numbers that are known by how they are written, so that a few are no chance, be it one in all rows."""
NEVER_INVALID, ENOUGH_NUMBERS, AREAS = 0.995, 60, 5


def ssn_without_hyphens(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    """Nine in ten random numbers could be one; that all of a column could, from areas all over, is no chance."""
    nine, valid = evidence.share("nine_digits"), evidence.share("nine_digits:ssn")
    areas = sum(evidence.share(f"nine_digits:ssn{digit}") >= 0.02 for digit in range(9))
    other = (
        hints - {"national_id", "number:thing", "person_name:part"}
        or evidence.share("nine_digits:bank") >= 0.5
        or evidence.share("date") >= 0.5
    )
    enough = evidence.distinct >= ENOUGH_NUMBERS and evidence.distinct_share >= 0.5
    if nine < NEARLY_ALL or valid < NEVER_INVALID * nine or areas < AREAS or other or not enough:
        return None
    return found("national_id", valid, "are valid as us.ssn without hyphens, and of areas all over: no chance")


def licence_plate(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    country, share = evidence.best("licence_plate")
    hinted, united = "licence_plate" in hints, evidence.share("us_plate")
    series = sum(evidence.share(name) >= 0.03 for name in evidence.counts if name.startswith("us_plate:"))
    if evidence.distinct < 2 * FEW:
        return None
    if share >= (0.3 if hinted else NEARLY_ALL):
        return found("licence_plate", share, f"are written as licence plates of {country.upper()}")
    if (hinted and united >= 0.3) or (united >= 0.8 and series >= 4):
        return found("licence_plate", united, "are written as licence plates of the United States")
    return None


def passport(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    zones, german, form = (evidence.share(name) for name in ("passport", "passport:de", "passport:form"))
    if zones >= 0.5:
        return found("passport", zones, "are machine readable zones of passports or identity cards")
    if german >= 0.85 and evidence.distinct >= 2 * FEW:
        return found("passport", german, "are written as numbers of German passports or identity cards")
    if "passport" in hints and form + german >= 0.3:
        return found("passport", max(form, german), "are written as passport numbers, and the column's name says so")
    return None
