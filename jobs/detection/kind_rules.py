"""The rules that weigh evidence: what has a checksum or a notation of its own first, shares of listed words last.

Their thresholds were set on one half of ``tests/helpers/labelled_columns.py`` alone.
"""

from __future__ import annotations

from collections.abc import Callable

from jobs.detection import number_rules
from jobs.detection.evidence import Evidence
from jobs.detection.kind import FEW, MANY, MORE_THAN_COUNTRIES, NEARLY_ALL, Kind, found

Rule = Callable[[Evidence, frozenset[str]], Kind | None]


def _simple(name: str, finding: str, least: float, hinted: float, text: str) -> Rule:
    """A kind that the share of one finding settles; a lower share does where the column's name agrees."""

    def rule(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
        share = evidence.share(finding)
        return found(name, share, text) if share >= (hinted if name in hints else least) and share > 0 else None

    return rule


SURE_IN_JSON = ("email", "iban", "mac", "reference:person", "url_user_data", "named")
IN_JSON = {"named": "members that are called as those of persons are", "reference:person": "references to persons"}


def _json(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    """A JSON text is what stands in it. Of one in which nothing is known other rules say more, or the column's name."""
    looked = evidence.share("json:looked")
    if evidence.share("json") < 0.5 or not looked:
        return None
    shares: dict[str, float] = {}
    for name in sorted(evidence.counts):
        if name.startswith("json:") and name != "json:looked":
            kind = "named" if name.startswith("json:named:") else name.removeprefix("json:")
            shares[kind] = max(shares.get(kind, 0.0), evidence.share(name) / looked)
    held = {kind: share for kind, share in shares.items() if share >= (0.02 if kind in SURE_IN_JSON else 0.3)}
    if not held:
        return None
    best = max(held, key=lambda kind: (held[kind], kind != "named", kind))
    words = IN_JSON.get(best, best.partition(":")[0].replace("_", " "))
    return found("free_text_person", held[best], f"are JSON texts that hold {words}")


def _imei(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    share = evidence.share("imei")
    if share < (0.3 if "device_id" in hints else 0.7) or evidence.share("payment_card") >= 0.9 * share:
        return None
    return found("device_id", share, "are IMEIs: 15 digits, the prefix of a body that hands them out, a valid Luhn")


def _reference(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    persons, records = evidence.share("reference:person"), evidence.share("reference:record")
    if persons + records < 0.5:
        return None
    if persons >= 0.01:
        return found("person_key", persons, "are references to persons (Patient/..., Practitioner/...)")
    return found("unique", records, "are references to records: each leads to whatever it names")


def _device_id(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    share = evidence.share("device_id")
    if share < (0.3 if "device_id" in hints else 0.7) or (evidence.distinct == 1 and evidence.values > 1):
        return None
    return found("device_id", share, "are random ids")


MEDICAL = {"loinc": "LOINC", "snomed": "SNOMED CT", "icd10": "ICD-10", "atc": "ATC"}


def _medical_code(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    system, share = evidence.best("code")
    if share < 0.8 or evidence.distinct < FEW or "national_id" in hints:
        return None
    return found("sensitive", share, f"are codes of {MEDICAL[system]}, which say what ails one or what was measured")


def _user_name(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    shape, named, own, at = (evidence.share(f"user_name{part}") for part in ("", ":named", ":own", ":at"))
    if at >= 0.7 and evidence.distinct >= FEW:
        return found("user_name", at, "are user names behind an @")
    if shape < (0.5 if "user_name" in hints else 0.85) or evidence.distinct_share < 0.5 or evidence.distinct < MANY:
        return None
    if named >= 0.2:
        return found("user_name", named, "are shaped as user names and hold common names of persons")
    if own >= 0.5:
        return found("user_name", own, "are shaped as user names, each of its own")
    return None


def _ip(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    share = evidence.share("ip")
    versions = evidence.share("ip:small") > 0.8 * share and "ip" not in hints
    return found("ip", share, "are IP addresses") if share >= 0.5 and not versions else None


def _phone(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    share, bare = evidence.share("phone"), evidence.share("phone:bare")
    if (evidence.share("postal_code") >= 0.4 or evidence.share("date") >= NEARLY_ALL) and "phone" not in hints:
        return None  # 2024/05/13 is written as numbers of telephones are, which are no days of a calendar but for a few
    if (share >= (0.3 if "phone" in hints else 0.45) or (share >= 0.3 and share + bare >= 0.7)) and evidence.share(
        "ean"
    ) + evidence.share("isbn") < 0.5:
        return found("phone", share, "are written as telephone numbers or valid as such")
    if "phone" in hints and share + bare >= 0.4:
        return found("phone", share + bare, "are valid as telephone numbers, and the name says so")
    return None


def _date(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    share, aged = evidence.share("date"), evidence.share("date:aged")
    far = sum(of_day for day, of_day in evidence.placeholders.items() if not day.startswith(("18", "19", "20")))
    if share + far < 0.8 or not share:
        return None
    decades = sum(evidence.counts[name] > 0.04 * evidence.examined for name in evidence.counts if name.endswith("0s"))
    if "birth_date" in hints or (aged >= 0.6 * share and decades >= 3):
        return found(
            "birth_date", aged, f"are days that living people are born on, over {decades} decade{'s' * (decades != 1)}"
        )
    return found("moment", share + far, "are dates")


def _person_name(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    known, like, shape = (evidence.share(name) for name in ("person_name", "person_name:like", "person_name:shape"))
    town, company = evidence.share("city"), evidence.share("company")
    formed = evidence.share("city:formed")
    many = evidence.distinct >= min(MANY, 0.5 * evidence.values)
    if shape < 0.6 or company >= 0.15:
        return None
    if (
        "person_name:part" in hints and known >= max(0.15, 0.4 * town) and evidence.distinct >= FEW
    ):  # many a surname is a town's name too
        return found("person_name", known, "hold common names of persons, and the column's name is a part of one's")
    if "person_name" in hints and known >= 0.1:
        return found("person_name", known, "hold common names of persons, and the column's name says so")
    if known >= NEARLY_ALL and known > town + formed + 0.2 and 1 < evidence.distinct < MANY:
        return found("person_name", known, f"hold common names of persons, {evidence.distinct} different ones")
    many = many or (like >= 0.7 and evidence.distinct >= FEW)
    if known >= 0.25 and known > town and known > formed + 0.1 and many:
        return found("person_name", known, "hold common names of persons")
    if known >= 0.15 and known + like >= 0.4 and town < 0.55 and formed < 0.15 and many:
        return found("person_name", like, "hold common names of persons or end as names do")
    if company >= 0.05 or evidence.share("free_text") >= 0.1 or town + formed >= min(0.2, like):
        return None
    if like >= 0.4 and evidence.distinct >= min(1.5 * MANY, 0.5 * evidence.values):
        return found("person_name", like, "end as names of persons do")
    if (known >= 0.08 or like >= 0.2) and evidence.distinct >= min(MORE_THAN_COUNTRIES, 0.62 * evidence.values):
        return found("person_name", like, "hold common names of persons or end as names do; many are different")
    return None


def _street(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    share, named = evidence.share("street"), evidence.share("street:name")
    if share >= (0.2 if "street" in hints else 0.3) and evidence.share("company") < 0.3:
        return found("street", share, "are streets with a number")
    if (
        share + named >= (0.3 if "street" in hints else 0.7)
        and evidence.share("free_text") < 0.5
        and named < 0.9 + share
    ):
        return found("street", share + named, "are names of streets")
    return None


def _city(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    town, formed = evidence.share("city"), evidence.share("city:formed")
    if evidence.share("company") < 0.15 and (
        town >= 0.4 or (town + formed >= 0.5) or ("city" in hints and town + formed > 0.1)
    ):
        return found("city", max(town, formed), "are towns")
    return None


def _text_about_persons(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    text, persons = evidence.share("free_text"), evidence.share("free_text_person")
    hinted = "free_text_person" in hints
    if text >= 0.3 and persons >= (0.02 if hinted else 0.05) and evidence.counts["free_text_person"] >= 3:
        return found("free_text_person", persons, "are texts that mention persons")
    if text >= 0.5 and hinted and evidence.distinct_share > 0.3:
        return found("free_text_person", text, "are free text, which may name persons")
    return None


def _postal_code(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    own, digits = evidence.share("postal_code"), evidence.share("postal_code:digits")
    if (own >= 0.7 and "number:thing" not in hints) or ("postal_code" in hints and own + digits >= 0.5):
        return found("postal_code", own + digits, "are written as postal codes")
    return None


def _coordinates(evidence: Evidence, hints: frozenset[str]) -> Kind | None:
    pairs, degrees = evidence.share("coordinates"), evidence.share("coordinates:degree")
    named = [name for name in ("latitude", "longitude", "coordinates") if name in hints]
    if pairs >= 0.7 or (named and pairs >= 0.3):
        return found("coordinates", pairs, "are places on earth")
    if degrees >= 0.85 or (named and degrees >= 0.3):
        return found(named[0] if named else "coordinates", degrees, "are degrees as a GPS receiver gives them")
    return None


RULES: tuple[Rule, ...] = (
    _json,
    _simple("email", "email", 0.3, 0.1, "are e-mail addresses"),
    _reference,
    _simple("url_user_data", "url_user_data", 0.03, 0.01, "are web addresses with user data in them"),
    _simple("iban", "iban", 0.5, 0.3, "are IBANs with a valid checksum"),
    _imei,
    _simple("payment_card", "payment_card", 0.7, 0.4, "are of a card issuer's range and pass Luhn"),
    _simple("mac", "mac", 0.6, 0.3, "are MAC addresses"),
    _ip,
    _device_id,
    _medical_code,
    number_rules.national_id,
    number_rules.ssn_without_hyphens,
    number_rules.passport,
    number_rules.licence_plate,
    _phone,
    _date,
    _simple("moment", "timestamp", 0.6, 0.6, "are moments in time"),
    _coordinates,
    _postal_code,
    _street,
    _user_name,
    _text_about_persons,
    _person_name,
    _city,
)
