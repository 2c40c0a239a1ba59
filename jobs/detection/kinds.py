"""What a column is found to be: by the rules that weigh evidence, in their order, which is the order of trust, and by
the hint of a name where content leaves it open.
"""

from __future__ import annotations

from collections.abc import Sequence

from jobs.detection.evidence import Evidence
from jobs.detection.kind import CLASS_OF, FEW, NEARLY_ALL, Kind, found, percent
from jobs.detection.kind_rules import RULES

__all__ = ["CLASS_OF", "RULES", "Kind", "decide", "percent"]


def decide(evidence: Evidence, hints: Sequence[str] = ()) -> Kind:
    """What a column is, by content first and its name second."""
    for rule in RULES:
        each = rule(evidence, frozenset(hints))
        if each is not None:
            return each
    return _by_name_or_rest(evidence, hints)


BY_NAME_ALONE = (
    "email", "phone", "iban", "payment_card", "national_id", "passport", "licence_plate", "mac", "person_key",
    "birth_date", "street", "sensitive", "user_name", "person_name", "device_id", "gender", "age", "latitude",
    "longitude", "postal_code", "city", "quasi",
)  # fmt: skip
NAMED = "the column's name says so; the values do not contradict it"
TEXT = ("string", "varchar", "char")
NOTHING_KNOWN = (
    "nothing was recognized, which does not make it harmless (an age, a blood group, a job): a person decides"
)
TRAITS = ("sensitive", "gender", "quasi", "age")
"""What a yes or no can tell of a person."""
ABOUT_NOBODY = (
    "url", "company", "user_name", "postal_code:digits", "postal_code", "us_plate", "passport:form", "ean", "isbn",
    "nine_digits", "prefix", "placeholder",
)  # fmt: skip
"""Findings, each with its variants, that any word, number or address shows; by every other one value in all rows may be
the one person whom all rows are about, or what ails all of them."""
ENOUGH_ALIKE = 100
"""Rows with one value before it is called a constant."""


def _by_name_or_rest(evidence: Evidence, hints: Sequence[str]) -> Kind:
    for name in BY_NAME_ALONE:
        if name in hints and not (evidence.type == "boolean" and name not in TRAITS):
            return Kind(name, (NAMED,), "name")
    if "person_word" in hints and evidence.type != "boolean" and evidence.distinct > 2:
        return Kind("person_key", ("the column is called after a person: its values name or number somebody",), "name")
    if "free_text_person" in hints and evidence.type.startswith(TEXT):
        return Kind("free_text_person", (NAMED,), "name")
    if evidence.share("json") >= 0.5 and evidence.share("json:looked"):
        return Kind("unknown", ("the values are JSON texts: a person decides of each place what it holds",))
    if evidence.share("epoch") >= NEARLY_ALL and evidence.values:
        return found("moment", evidence.share("epoch"), "are moments in time as numbers")
    textual = evidence.type.startswith((*TEXT, "binary", "bigint", "int", "decimal(38"))
    if textual and evidence.values >= 20 and evidence.distinct_share >= NEARLY_ALL:
        return found("unique", evidence.distinct_share, "occur once: a number like that leads to whatever it numbers")
    of_one = _constant(evidence)
    if of_one is not None and (of_one.name == "constant" or not _seen_all_the_same(evidence)):
        return of_one
    return Kind("unknown", _seen_all_the_same(evidence) or (NOTHING_KNOWN,))


TELLING = {
    "person_name": "common names of persons", "device_id": "random ids", "email": "e-mail addresses",
    "phone": "telephone numbers", "street": "streets", "iban": "IBANs", "payment_card": "card numbers",
    "mac": "MAC addresses", "imei": "IMEIs", "user_name:named": "user names", "free_text_person": "texts about persons",
    "ip": "IP addresses", "city": "towns", "code:loinc": "codes of LOINC", "code:snomed": "codes of SNOMED CT",
    "code:icd10": "codes of ICD-10", "code:atc": "codes of ATC", "category:icd10": "categories of ICD-10",
}  # fmt: skip
ALONE = {
    **TELLING, "person_name:shape": "names, by their shape", "phone:bare": "telephone numbers", "passport": "passports",
    "licence_plate": "licence plates", "national_id": "numbers of persons",
}  # fmt: skip
"""What is said of findings that tell only where all rows have one value."""


def _seen_all_the_same(evidence: Evidence) -> tuple[str, ...]:
    """What was recognized and settles nothing: not enough of it, or too few different values."""
    found = {name: evidence.share(name) for name in TELLING}
    number, share = evidence.best("national_id")
    telling = [f"{percent(each)} could be {TELLING[name]}" for name, each in found.items() if each >= 0.3]
    telling += [f"{percent(share)} could be numbers of persons ({number})"] if share >= 0.8 else []
    if not telling:
        return ()
    few = f", and {evidence.distinct} different ones are too few" if evidence.distinct < FEW else ""
    few = ", and all are the same" if evidence.distinct == 1 else few
    return (f"{', '.join(telling)}{few}: a person decides",)


def _constant(evidence: Evidence) -> Kind | None:
    """The one thing that content alone shows to be about nobody in particular: it is the same for everybody."""
    if evidence.values < ENOUGH_ALIKE or evidence.nulls or evidence.distinct != 1:
        return None
    told = [name for name in sorted(evidence.counts) if evidence.share(name) >= NEARLY_ALL and _may_tell(name)]
    if not told:
        return Kind("constant", (f"one and the same value in all {evidence.values:,} rows that were looked at",))
    words = ", ".join(dict.fromkeys(f"100% could be {_said(name)}" for name in told))
    return Kind("unknown", (f"{words}, and all are the same: a person decides",))


def _may_tell(finding: str) -> bool:
    name = finding.partition(":")[0]
    return finding == "user_name:named" or finding == "user_name:at" or name not in ABOUT_NOBODY


def _said(finding: str) -> str:
    """What a finding is called; of a number of some state, which."""
    kind, _, variant = finding.partition(":")
    if finding in ALONE:
        return ALONE[finding]
    return f"{ALONE[kind]} ({variant})" if kind in ALONE else kind.replace("_", " ")
