"""Profiles: for each a catalog that keeps it, for each rule an entry that misses it, with the paragraph; exceptions."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import ConfigError
from jobs.configuration.entry import UNDECIDED
from jobs.configuration.finding import Finding
from jobs.configuration.kinds import KINDS
from jobs.configuration.policy_entries import PROFILES
from jobs.detection.kinds import CLASS_OF
from jobs.gates import configuration_gates
from jobs.policy.profiles import BY_NAME as BY_PROFILE
from jobs.policy.profiles import described, judged, named_like
from privacy_udfs.techniques import BY_NAME
from privacy_udfs.techniques.truncate import SMALL_AREAS
from tests.helpers.places import ROOT

TODAY = datetime.date(2026, 11, 27)
CLASSES = ("direct_identifier", "quasi_identifier", "sensitive", "non_personal")
POLICY = {"version": "1", "classes": {name: {"techniques": list(BY_NAME)} for name in CLASSES}}
SEALED = {"keyset": "file:/keys/sealed.json", "kek": "aws-kms://alias/lake"}
KEYS: dict[str, Any] = {
    "sealed": SEALED,
    "aside": {"keyset": "file:/keys/aside.json", "kek": "aws-kms://alias/lake"},
    "clear": {"keyset": "file:/keys/clear.json"},
    "beside": {"keyset": "file:/keys/b.json", "kek": "file:/keys/kek.json"},
    "dotted": {"keyset": "file:/keys/c.json", "kek": "file:///keys/./kek.json"},
    "env": {"keyset": "env:A", "kek": "env:B"},
    "inside": {"keyset": "file:/lake/treated/t/_k.json", "kek": "aws-kms://alias/lake"},
}
DOMAINS = {"customer": {"technique": "keyed_hash", "key": "sealed"}}
HIPAA, GDPR, PCI = PROFILES

HASH = {"technique": "keyed_hash", "key": "sealed"}
SEAL = {"technique": "deterministic_encryption", "key": "sealed"}
ZIP3 = {"technique": "truncate", "preset": "hipaa_zip3", "small_areas": [*SMALL_AREAS, "205", "369"]}
CARD = {"technique": "mask", "shape": "card", "keep_start": 6}
YEAR = {"technique": "generalize_date", "unit": "year"}
YEAR_TO_90 = {**YEAR, "bottom": "1936-11-27"}
SHIFT = {"technique": "date_shift", "max_days": 90, "key": "sealed"}
ENTITIES = {"technique": "treat_entities", "entities": {"email": "redact"}}
STATES = {"technique": "generalize_hierarchy", "levels": [["97201", "OR"], ["10001", "NY"]]}


def column(treatment: Any, kind: str | None = None, class_: str = "quasi_identifier", **more: Any) -> dict[str, Any]:
    stated = {} if kind is None else {"kind": kind}
    return {"class": class_, "treatment": treatment, "why": "a test", **stated, **more}


def direct(treatment: Any, kind: str | None = None, **more: Any) -> dict[str, Any]:
    return column(treatment, kind, "direct_identifier", **more)


def findings(
    folder: Path,
    policy: Mapping[str, Any],
    columns: Mapping[str, Any],
    today: datetime.date = TODAY,
    **table: Any,
) -> list[Finding]:
    """What is found of a table ``t`` under a policy with a profile."""
    lay(folder, policy, {"t": entry("t", columns, **table)})
    return configuration_gates.all_findings(config.load(folder, {}), today)


def entry(name: str, columns: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    place = {"path": f"/lake/treated/{name}"}
    source = {"path": f"/lake/raw/{name}", "format": "delta"}
    return {"table": name, "owner": "me", "source": source, "target": place, **more, "columns": dict(columns)}


def lay(folder: Path, policy: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> None:
    files = {"policy.yaml": {**POLICY, **policy}, "keys.yaml": KEYS, "domains.yaml": DOMAINS}
    for name, data in {**files, **{f"catalog/{name}.yaml": data for name, data in tables.items()}}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(data, indent=1), encoding="utf-8")


# -- catalogs that keep them ------------------------------------------------------------------------------------------

KEPT: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    HIPAA: (
        {"profile": HIPAA},
        {
            "patient_name": direct("drop"),
            "mrn": direct("redact", "medical_record_number"),
            "record": column("keep", "link_code"),
            "zip": column(ZIP3, "postal_code"),
            "state": column("keep", "us_state"),
            "born": column(YEAR_TO_90, "birth_date"),
            "admitted_at": column(YEAR, "moment"),
            "age": column({"technique": "generalize_number", "preset": "hipaa_age"}, "age"),
            "band": column({"technique": "generalize_number", "edges": [18, 40, 65, 80]}, "age"),
            "gender": column("keep", "gender"),
            "diagnosis": column("keep", "sensitive", "sensitive"),
            "dose": column("keep", "other", "non_personal"),
            "notes": direct({"technique": "redact", "value": "removed"}, "free_text_person"),
        },
        {},
    ),
    GDPR: (
        {"profile": [GDPR], "risk": {"k": 5}},
        {
            "customer_id": direct({"domain": "customer"}, "person_key"),
            "email": direct(SEAL),
            "phone": direct({"technique": "format_preserving_encryption", "key": "sealed"}),
            "name": direct("drop"),
            "gender": column("keep"),
            "born": column(SHIFT),
            "price": column("keep", class_="non_personal"),
        },
        {"subject": "customer_id", "review_by": "2027-06-30"},
    ),
    PCI: (
        {"profile": PCI, "keys": {"max_age_days": 365}},
        {
            "pan": direct({**HASH, "bits": 128}, "payment_card"),
            "pan_of_refund": direct(SEAL, "payment_card"),
            "cvv": column("drop", "card_security_code", "sensitive"),
            "track2": column("redact", "card_track", "sensitive"),
            "pin_block": column("redact", "card_pin", "sensitive"),
            "amount": column("keep", "other", "non_personal"),
            "remark": direct("drop"),
        },
        {"retention": "18 months"},
    ),
}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_catalog_that_keeps_a_profile(profile: str, tmp_path: Path) -> None:
    policy, columns, more = KEPT[profile]
    assert findings(tmp_path, policy, columns, **more) == []


def test_a_truncated_card_keeps_the_profile_where_no_other_version_of_it_is(tmp_path: Path) -> None:
    columns = {"pan": direct(CARD, "payment_card"), "again": direct(CARD, "payment_card")}
    assert findings(tmp_path, {"profile": PCI}, columns, retention="1 year") == []


def test_a_profile_that_nobody_names_asks_nothing(tmp_path: Path) -> None:
    assert findings(tmp_path, {}, {"email": direct("keep", "email"), "x": column("keep")}) == []


# -- and one entry for each rule that misses it -----------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Miss:
    """said: what stands in the message besides. at: where it is told, if not at the column ``c``.
    besides: how the one other finding begins, which is no rule of a profile."""

    profile: str
    rule: str
    paragraph: str
    column: dict[str, Any]
    said: str
    table: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    policy: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    at: tuple[str, str] = ("catalog/t.yaml", "columns.c")
    besides: str = ""


P = "45 CFR 164.514(b)(2)(i)"
OPEN = "It cannot be decided from the configuration; a person must look "
KEEPS = "Its values stay as they are"
FPE = {"technique": "format_preserving_encryption", "key": "sealed"}
IN_THE_CLEAR = {**FPE, "alphabet": "0123456", "preserve": "789"}
HIPAA_MISSES = (
    Miss(HIPAA, "names", f"{P}(A)", direct("keep", "person_name"), KEEPS),
    Miss(HIPAA, "geography", f"{P}(B)", column({"technique": "truncate", "keep": 3}, "city"), "a part of each value"),
    Miss(HIPAA, "zip", f"{P}(B)", column({"technique": "truncate", "keep": 3}, "postal_code"), "hipaa_zip3"),
    Miss(HIPAA, "zip", f"{P}(B)", column({**ZIP3, "small_areas": ["036"]}, "postal_code"), f"{OPEN}whether areas of"),
    Miss(HIPAA, "zip", f"{P}(B)", column(STATES, "postal_code"), f"{OPEN}whether the areas that come out"),
    Miss(HIPAA, "dates", f"{P}(C)", column({**YEAR, "unit": "month"}, "moment"), "'unit: year'"),
    Miss(HIPAA, "dates", f"{P}(C)", column(SHIFT, "moment"), "a shifted date is still a date", {"subject": "key"}),
    Miss(HIPAA, "birth_dates", f"{P}(C)", column(YEAR, "birth_date"), "no 'bottom' is stated"),
    Miss(HIPAA, "birth_dates", f"{P}(C)", column({**YEAR, "bottom": "1935-12-31"}, "birth_date"), "in 1936 or later"),
    Miss(HIPAA, "ages", f"{P}(C)", column({"technique": "generalize_number", "width": 5, "top": 95}, "age"), "top: 90"),
    Miss(HIPAA, "ages", f"{P}(C)", column("keep", "age"), KEEPS),
    Miss(HIPAA, "telephone", f"{P}(D)", direct({"technique": "mask", "keep_end": 4}, "phone"), "telephone numbers"),
    Miss(HIPAA, "fax", f"{P}(E)", direct("keep", "fax"), KEEPS),
    Miss(HIPAA, "email", f"{P}(F)", direct({"technique": "mask", "shape": "email"}, "email"), "a part of each value"),
    Miss(HIPAA, "social_security", f"{P}(G)", direct({"technique": "mask", "keep_end": 4}, "national_id"), "social"),
    Miss(HIPAA, "medical_records", f"{P}(H)", direct("keep", "medical_record_number"), KEEPS),
    Miss(HIPAA, "health_plans", f"{P}(I)", direct("keep", "health_plan_number"), KEEPS),
    Miss(HIPAA, "accounts", f"{P}(J)", direct(CARD, "payment_card"), "account numbers must be removed"),
    Miss(HIPAA, "licences", f"{P}(K)", direct("keep", "licence_number"), KEEPS),
    Miss(HIPAA, "vehicles", f"{P}(L)", direct("keep", "licence_plate"), KEEPS),
    Miss(HIPAA, "devices", f"{P}(M)", direct("keep", "device_id"), KEEPS),
    Miss(HIPAA, "urls", f"{P}(N)", column("keep", "url"), KEEPS),
    Miss(HIPAA, "ip", f"{P}(O)", column({"technique": "truncate_ip"}, "ip"), "Internet Protocol"),
    Miss(HIPAA, "biometrics", f"{P}(P)", direct("keep", "biometric"), KEEPS),
    Miss(HIPAA, "faces", f"{P}(Q)", direct("keep", "face_image"), KEEPS),
    Miss(HIPAA, "unique", f"{P}(R)", column("keep", "unique"), KEEPS),
    Miss(HIPAA, "unique", f"{P}(R)", direct("keep", "sensitive"), "any other unique identifying number"),
    Miss(HIPAA, "link_codes", f"{P}(R) and 45 CFR 164.514(c)(1)", direct(HASH, "person_key"), "derived from it"),
    Miss(HIPAA, "link_codes", f"{P}(R) and 45 CFR 164.514(c)(1)", direct(SEAL, "email"), "67 FR 53233"),
    Miss(HIPAA, "texts", f"{P}(A)-(R)", direct(ENTITIES, "free_text_person"), f"{OPEN}at the texts"),
    Miss(HIPAA, "kinds", f"{P}(A)-(R)", column("keep"), f"{OPEN}at what the column holds. State its 'kind'"),
    Miss(HIPAA, "kinds", f"{P}(A)-(R)", column(HASH, "unknown"), f"{OPEN}at what the column holds"),
    Miss(HIPAA, "kinds", f"{P}(A)-(R)", column("keep", "quasi"), f"{OPEN}which trait it is"),
)
GDPR_MISSES = (
    Miss(GDPR, "attribution", "GDPR Art. 4(5), recital 26", direct({"technique": "mask"}), "a part of each value"),
    Miss(
        *(GDPR, "attribution", "GDPR Art. 4(5), recital 26", column("keep", "email", "sensitive"), KEEPS),
        besides="class sensitive, keep, and its own kind email is direct_identifier",
    ),
    Miss(GDPR, "attribution", "GDPR Art. 4(5), recital 26", direct("keep", "email"), KEEPS),
    Miss(GDPR, "attribution", "GDPR Art. 4(5), recital 26", direct({**FPE, "preserve": "abc@."}), "letters or digits"),
    *(
        Miss(GDPR, "singling_out", "GDPR recital 26, Art. 25(1)", column(treatment), f"{OPEN}whether its values single")
        for treatment in (
            {**YEAR, "unit": "day"},
            {"technique": "truncate", "keep": 100},
            {"technique": "generalize_number", "width": 1},
            {"technique": "generalize_number", "edges": [1, 2, 3]},
        )
    ),
    Miss(GDPR, "attribution", "GDPR Art. 4(5), recital 26", direct(ENTITIES), f"{OPEN}at the texts"),
    Miss(GDPR, "singling_out", "GDPR recital 26, Art. 25(1)", column("keep"), f"{OPEN}whether its values single"),
    Miss(GDPR, "singling_out", "GDPR recital 26, Art. 25(1)", column(SHIFT), "risk: {k: ...}", {"subject": "key"}),
    Miss(
        *(GDPR, "secret", "GDPR Art. 4(5) and 32(1)(a), recital 29", direct({**HASH, "key": "clear"})),
        *("The keyset of clear lies unencrypted", {}, {}, ("keys.yaml", "clear")),
    ),
    Miss(
        *(GDPR, "separate", "GDPR Art. 4(5), recital 29", direct({**HASH, "key": "inside"})),
        *("The keyset of inside lies in the folder of a table", {}, {}, ("keys.yaml", "inside")),
    ),
    Miss(
        *(GDPR, "order", "GDPR Art. 4(5) and 25(1)", direct(HASH), "in the order of the source"),
        {"target": {"path": "/lake/treated/t", "row_order": "source"}},
        *({}, ("catalog/t.yaml", "target.row_order")),
    ),
    Miss(
        *(GDPR, "review", "GDPR Art. 25(1) and 32(1)(d)", column(YEAR), "No day is stated"),
        *({"review_by": None}, {}, ("catalog/t.yaml", "review_by")),
    ),
)
DSS = "PCI DSS v4.0.1, "
ASIDE = {"on_refused": "quarantine", "quarantine": {"path": "/lake/aside", "key": "aside"}, "rows": "c <> ''"}
PCI_MISSES = (
    Miss(PCI, "track", f"{DSS}3.3.1 and 3.3.1.1", direct(SEAL, "card_track"), "not even encrypted"),
    Miss(PCI, "security_code", f"{DSS}3.3.1 and 3.3.1.2", column(HASH, "card_security_code"), "derived from it"),
    Miss(PCI, "security_code", f"{DSS}3.3.1 and 3.3.1.2", column("drop", "card_security_code"), OPEN, ASIDE),
    Miss(PCI, "pin", f"{DSS}3.3.1 and 3.3.1.3", column("keep", "card_pin"), KEEPS),
    Miss(PCI, "unreadable", f"{DSS}3.5.1", direct("keep", "payment_card"), KEEPS),
    Miss(PCI, "unreadable", f"{DSS}3.5.1", direct(IN_THE_CLEAR, "payment_card"), "letters or digits"),
    Miss(PCI, "unreadable", f"{DSS}3.5.1", direct({"technique": "mask", "only": ["upper"]}, "payment_card"), "A part"),
    Miss(
        *(PCI, "digits", f"{DSS}3.4.1 and 3.5.1", direct({"technique": "truncate", "keep": 12}, "payment_card")),
        "The first 12 and the last 0 digits stay",
    ),
    Miss(
        *(PCI, "digits", f"{DSS}3.4.1 and 3.5.1"),
        direct({"technique": "mask", "keep_start": 8, "keep_end": 4}, "payment_card"),
        f"{OPEN}whether all cards have a BIN of eight digits",
    ),
    Miss(
        *(PCI, "keyed_hash_of_all", f"{DSS}3.5.1.1", direct({**HASH, "encoding": "bigint"}, "payment_card")),
        "Its hashes hold 64 bits",
    ),
    Miss(PCI, "retention", f"{DSS}3.2.1", direct(CARD, "payment_card"), "No span is stated", {"retention": None}),
    Miss(
        *(PCI, "stored_keys", f"{DSS}3.6.1.2", direct({**HASH, "key": "clear"}, "payment_card")),
        *("The keyset of clear lies unencrypted", {}, {}, ("keys.yaml", "clear")),
    ),
    Miss(
        *(PCI, "kek_apart", f"{DSS}3.6.1", direct({**HASH, "key": "beside"}, "payment_card")),
        *("Both of beside lie in one folder", {}, {}, ("keys.yaml", "beside")),
    ),
    *(
        Miss(
            *(PCI, "kek_apart", f"{DSS}3.6.1", direct({**HASH, "key": key}, "payment_card")),
            *(f"Both of {key} lie in one folder, or one environment", {}, {}, ("keys.yaml", key)),
        )
        for key in ("dotted", "env")
    ),
    Miss(
        *(PCI, "cryptoperiod", f"{DSS}3.7.4", direct(HASH, "payment_card"), "No period is stated for sealed"),
        *({}, {"keys": None}, ("keys.yaml", "sealed")),
    ),
    Miss(PCI, "texts", f"{DSS}3.5.1", direct(ENTITIES, "free_text_person"), f"{OPEN}at the texts"),
    Miss(PCI, "kinds", f"{DSS}12.5.2", column("keep"), f"{OPEN}at what the column holds"),
)
MISSES = (*HIPAA_MISSES, *GDPR_MISSES, *PCI_MISSES)
NAMED = (("card_number", HIPAA), ("customer_id", GDPR), ("cvv2", PCI))
ELSEWHERE = {(HIPAA, "named"), (PCI, "named"), (GDPR, "kinds"), (HIPAA, "zip_census"), (PCI, "one_version")}


@pytest.mark.parametrize("miss", MISSES, ids=[f"{miss.profile}-{miss.rule}" for miss in MISSES])
def test_an_entry_that_misses_a_rule(miss: Miss, tmp_path: Path) -> None:
    policy = {"profile": miss.profile, "keys": {"max_age_days": 365}, **miss.policy}
    columns = {"c": miss.column, "key": column("drop", class_="non_personal")}
    if "subject" in miss.table:
        columns["key"] = column(HASH, "link_code", "non_personal")
    table = {"review_by": "2027-06-30", "retention": "1 year", **miss.table}
    given = {name: value for name, value in table.items() if value is not None}
    found = findings(tmp_path, {k: v for k, v in policy.items() if v is not None}, columns, **given)
    others = [each for each in found if not each.message.startswith(f"{miss.profile}, rule ")]
    assert [each.message.partition(":")[0] for each in others] == ([miss.besides] if miss.besides else [])
    (one,) = [each for each in found if each not in others]
    assert one.place is not None
    assert (one.level, one.place.file, one.place.key) == ("refuse", *miss.at)
    assert one.place.line > 0
    assert one.message.startswith(f"{miss.profile}, rule {miss.rule}: {miss.paragraph}")
    assert miss.said.lower() in one.message.lower()


def test_every_rule_has_an_entry_that_misses_it() -> None:
    rules = {(profile.name, rule.name) for profile in BY_PROFILE.values() for rule in profile.rules}
    assert {(miss.profile, miss.rule) for miss in MISSES} | ELSEWHERE == rules
    assert {miss.paragraph[len(P) + 1] for miss in HIPAA_MISSES} == set("ABCDEFGHIJKLMNOPQR"), "all 18"


@pytest.mark.parametrize(("name", "profile"), NAMED)
def test_what_is_named_like_a_kind_is_not_believed_to_be_of_none(name: str, profile: str, tmp_path: Path) -> None:
    found = findings(tmp_path, {"profile": profile}, {name: column("keep", "other", "non_personal")})
    said = [one.message for one in found if "its name suggests" in one.message]
    assert len(said) == 1, found
    assert said[0].startswith(f"{profile}, rule {'kinds' if profile == GDPR else 'named'}: ")
    assert OPEN in said[0]


@pytest.mark.parametrize(
    ("name", "kind", "profile", "found"),
    [
        ("card_number", "unique", PCI, True),
        ("cvv", "sensitive", PCI, True),
        ("primary_account_number", "other", PCI, True),
        ("postal_pin_code", "postal_code", PCI, False),
        ("ssn", "sensitive", HIPAA, True),
        ("ssn4", "link_code", HIPAA, True),
        ("phone1", "other", HIPAA, True),
        ("patient_id", "link_code", HIPAA, False),
        ("gender_at_birth", "gender", HIPAA, False),
    ],
)
def test_no_kind_is_believed_against_a_name(name: str, kind: str, profile: str, found: bool, tmp_path: Path) -> None:
    told = findings(tmp_path, {"profile": profile}, {name: column("keep", kind)})
    assert [one.message.startswith(f"{profile}, rule named: ") for one in told] == [True] * found


@pytest.mark.parametrize(("results", "misses"), [(("A", "B"), 2), (("A", None), 2), (("A", "A"), 0)])
def test_cases_that_are_redacted_to_different_results_tell_rows_apart(
    results: tuple[str | None, ...], misses: int, tmp_path: Path
) -> None:
    cases = [
        {"rows": f"a {sign} 1", "treatment": {"technique": "redact", "value": value}}
        for sign, value in zip(("=", "<>"), results, strict=True)
    ]
    city = {"class": "quasi_identifier", "kind": "city", "why": "x", "when": cases}
    found = findings(tmp_path, {"profile": HIPAA}, {"place": city})
    assert len(found) == misses
    assert all("rule geography" in one.message and "different results" in one.message for one in found)


def test_a_review_that_is_overdue_is_none(tmp_path: Path) -> None:
    found = findings(tmp_path, {"profile": GDPR}, {"c": column(YEAR)}, review_by="2001-01-01")
    assert [one.level for one in found if f"{GDPR}, rule review: " in one.message] == ["refuse"]


def test_the_areas_of_2000_in_another_order_are_warned_of_too(tmp_path: Path) -> None:
    areas = {**ZIP3, "small_areas": SMALL_AREAS[::-1]}
    (one,) = findings(tmp_path, {"profile": HIPAA}, {"z": column(areas, "postal_code")})
    assert (one.level, "zip_census" in one.message) == ("warn", True)


def test_the_areas_of_the_census_of_2000_are_warned_of(tmp_path: Path) -> None:
    (one,) = findings(tmp_path, {"profile": HIPAA}, {"z": column({"technique": "truncate", "preset": "hipaa_zip3"},
                                                                "postal_code")})  # fmt: skip
    assert (one.level, "zip_census" in one.message, "census of 2000" in one.message) == ("warn", True, True)


@pytest.mark.parametrize(("day", "kept"), [("2026-12-31", True), ("2027-01-01", False)])
def test_years_of_birth_grow_old(day: str, kept: bool, tmp_path: Path) -> None:
    today = datetime.date.fromisoformat(day)
    found = findings(tmp_path, {"profile": HIPAA}, {"c": column(YEAR_TO_90, "birth_date")}, today)
    assert (not found) is kept


@pytest.mark.parametrize("other", [HASH, {"technique": "mask", "shape": "card"}], ids=["hashed", "other digits"])
def test_two_versions_of_a_card_in_two_tables(other: dict[str, Any], tmp_path: Path) -> None:
    tables = {
        name: entry(name, {"pan": direct(each, "payment_card")}, retention="1 year")
        for name, each in (("t", CARD), ("u", other))
    }
    lay(tmp_path, {"profile": PCI, "keys": {"max_age_days": 365}}, tables)
    found = configuration_gates.all_findings(config.load(tmp_path, {}), TODAY)
    assert all(f"{PCI}, rule one_version: {DSS}3.5.1: " in one.message for one in found)
    first, *second = found
    assert str(first.place).startswith("Place(file='catalog/t.yaml'")
    assert "Another version stays in u: pan." in first.message
    assert len(second) == (other is not HASH)


def test_each_case_of_a_column_is_judged(tmp_path: Path) -> None:
    cases = [{"rows": "a = 1", "treatment": "redact"}, {"rows": "a <> 1", "treatment": "keep"}]
    columns = {"mail": {"class": "direct_identifier", "kind": "email", "why": "x", "when": cases}}
    (one,) = findings(tmp_path, {"profile": HIPAA}, columns)
    assert one.place is not None
    assert one.place.key == "columns.`mail{when 2}`"


def test_a_domain_that_fixes_the_treatment_is_named(tmp_path: Path) -> None:
    (one,) = findings(tmp_path, {"profile": HIPAA}, {"id": direct({"domain": "customer"}, "person_key")})
    assert "derived from it, fixed by domain customer (domains.yaml:2). Drop or redact" in one.message


# -- exceptions -------------------------------------------------------------------------------------------------------

EXPERT = "an expert's determination of 2026-10-01"
EXCEPTION = {"profile": HIPAA, "rule": "link_codes", "table": "t", "why": EXPERT, "review_by": "2027-06-30"}


@pytest.mark.parametrize(
    ("exception", "day", "level", "said"),
    [
        ({}, "2027-06-30", "warn", f"Let pass until 2027-06-30 by policy.yaml: {EXPERT}"),
        ({"column": "id"}, "2027-06-30", "warn", f"Let pass until 2027-06-30 by policy.yaml: {EXPERT}"),
        ({}, "2027-07-01", "refuse", "The exception that policy.yaml states ended on 2027-06-30"),
        ({"column": "other"}, "2027-06-30", "refuse", "an exception to state"),
        ({"rule": "unique"}, "2027-06-30", "refuse", "an exception to state"),
    ],
)
def test_an_exception_that_someone_states(
    exception: dict[str, Any], day: str, level: str, said: str, tmp_path: Path
) -> None:
    policy = {"profile": HIPAA, "profile_exceptions": [{**EXCEPTION, **exception}]}
    columns = {"id": direct(HASH, "person_key"), "other": column("keep", "gender")}
    (one,) = findings(tmp_path, policy, columns, datetime.date.fromisoformat(day))
    assert one.level == level
    assert one.message.endswith(said)


@pytest.mark.parametrize(
    ("exception", "said"),
    [
        ({"profile": PCI}, "the policy does not name the profile pci_dss"),
        ({"rule": "link_code"}, "hipaa_safe_harbor has no rule link_code; did you mean 'link_codes'?"),
        ({"table": "tt"}, "the catalog has no table tt; did you mean 't'?"),
        ({"column": "ids"}, "t has no column ids; did you mean 'id'?"),
    ],
)
def test_an_exception_that_names_nothing_is_warned_of(exception: dict[str, Any], said: str, tmp_path: Path) -> None:
    policy = {"profile": HIPAA, "profile_exceptions": [{**EXCEPTION, **exception}]}
    (one,) = findings(tmp_path, policy, {"id": direct("drop")})
    assert one.place is not None
    assert (one.level, one.place.key, one.message) == ("warn", "profile_exceptions[0]", said)
    assert one.place.line > 1


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "columns", "said"),
    [
        (
            {"profile": "hipaa"},
            {},
            "policy.yaml:60: profile: no profile is called 'hipaa'; expected 'hipaa_safe_harbor'",
        ),
        ({"profile": [PCI, PCI]}, {}, "profile: a profile is named twice"),
        ({}, {"c": column("keep", "e_mail")}, "columns.c.kind: no kind is called 'e_mail'; did you mean 'email'?"),
        ({"profile_exceptions": [{**EXCEPTION, "why": " "}]}, {}, "why: expected text that is not blank"),
    ],
)
def test_words_that_are_none(policy: dict[str, Any], columns: dict[str, Any], said: str, tmp_path: Path) -> None:
    lay(tmp_path, policy, {"t": entry("t", columns or {"c": column("drop")})})
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path, {})
    assert said.partition(": ")[2] in str(caught.value)


def test_the_vocabulary_of_kinds_holds_those_that_the_inventory_finds() -> None:
    found = {kind: UNDECIDED if KINDS[kind].class_ is None else KINDS[kind].class_ for kind in CLASS_OF}
    assert found == CLASS_OF
    assert all(each.class_ is None or each.class_ in CLASSES for each in KINDS.values())
    assert set(named_like.WORDS) <= set(KINDS)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("cvv2", "card_security_code"), ("pinBlock", "card_pin"), ("track_2_data", "card_track"),
     ("MRN", "medical_record_number"),
     ("home_fax", "fax"), ("vin", "vehicle_id"), ("photo", "face_image"), ("admitted_at", "moment"), ("email", "email"),
     ("payload:$.user.card_number", "payment_card")],
)  # fmt: skip
def test_names_hint_at_kinds_of_laws_too(name: str, kind: str) -> None:
    assert kind in named_like.of(ColumnPath.parse(name))


def test_profiles_are_those_that_a_policy_may_name() -> None:
    assert tuple(BY_PROFILE) == PROFILES
    for profile in BY_PROFILE.values():
        names = [rule.name for rule in profile.rules]
        assert len(set(names)) == len(names)


def test_a_record_names_profiles_with_their_versions(tmp_path: Path) -> None:
    lay(tmp_path, {"profile": [PCI, HIPAA]}, {"t": entry("t", {"c": column("drop")})})
    policy = config.load(tmp_path, {}).policy
    assert judged.recorded(policy, "t") == f"{PCI} {BY_PROFILE[PCI].version}, {HIPAA} {BY_PROFILE[HIPAA].version}"
    assert judged.recorded(policy.model_copy(update={"profile": ()}), "t") == ""


def test_a_record_names_the_rules_that_its_table_may_miss(tmp_path: Path) -> None:
    let = [{**EXCEPTION, "rule": rule} for rule in ("dates", "names", "names")]
    let += [{**EXCEPTION, "rule": "email", "table": "u"}]
    tables = {name: entry(name, {"c": column("drop")}) for name in ("t", "u", "v")}
    lay(tmp_path, {"profile": [PCI, HIPAA], "profile_exceptions": let}, tables)
    policy = config.load(tmp_path, {}).policy
    assert judged.recorded(policy, "t") == f"{PCI} 1, {HIPAA} 1 (exceptions: names, dates)"
    assert judged.recorded(policy, "u") == f"{PCI} 1, {HIPAA} 1 (exceptions: email)"
    assert judged.recorded(policy, "v") == f"{PCI} 1, {HIPAA} 1"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_docs_say_what_the_rules_say(profile: str) -> None:
    """Else: ``python -m jobs.policy.profiles.described``."""
    assert described.table(BY_PROFILE[profile]) in (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")
