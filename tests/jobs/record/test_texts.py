"""Texts with pseudonyms of several domains within, under several keys: from the configuration to the record and back.

Whoever asks which keys a table needs, or which domains it shows, is told of each domain within a text as of a column.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from pyspark.sql import types as T

from jobs import linkage as linkage_job
from jobs import plan as plan_job
from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.gates import configuration_gates
from jobs.named_keys import key_delivery, key_links, key_ring, key_versions
from jobs.named_keys.key_ring import KeyRing
from jobs.policy.treatment_diff import diff, entries_of
from jobs.record import linkage, record_reader, treatment_record
from jobs.record.column_record import ColumnRecord, Unsound
from jobs.record.record_reader import Columns
from jobs.record.treated_table import UnsafeUse, check_join, check_publishable, privacy_of
from jobs.table_run.selection import Selection
from jobs.treatment import treatment_plan
from jobs.treatment.treatment_plan import Plan
from privacy_udfs import nested
from privacy_udfs.keys import KeyReference, KeyReferences, clear_cache, create_file
from privacy_udfs.keysets.delivered_key import DeliveredKey
from tests.helpers.lakes import POLICY, column, table

TEXT = T.StringType()
SCHEMA = T.StructType().add("id", TEXT).add("mail", TEXT).add("note", TEXT)
DOMAINS: dict[str, Any] = {
    "mail": {"technique": "keyed_hash", "key": "crm", "normalize": ["trim", "lower"]},
    "bank": {"technique": "deterministic_encryption", "key": "pay"},
    "host": {"technique": "truncate_ip"},
}
NOTE = {"technique": "treat_entities", "entities": {"email": "mail", "iban": "bank", "ip": "host", "mac": "redact"}}
COLUMNS: dict[str, Any] = {"id": "keep", "mail": {"domain": "mail"}, "note": column(NOTE, "direct_identifier")}


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Config]:
    def write(domains: dict[str, Any] | None = None, policy: dict[str, Any] | None = None, **columns: Any) -> Config:
        keys = {}
        for name, kind in (("crm", "HkdfPrfKey"), ("pay", "HkdfPrfKey"), ("new", "HkdfPrfKey"), ("siv", "AesSivKey")):
            if not (tmp_path / f"{name}.json").exists():
                create_file(tmp_path / f"{name}.json", kind)
            keys[name] = {"keyset": f"file:{tmp_path}/{name}.json"}
        tables = [table("t", tmp_path, {**COLUMNS, **columns}), table("u", tmp_path, {"mail": {"domain": "mail"}})]
        files = {
            "policy.yaml": {**POLICY, **(policy or {})},
            "keys.yaml": keys,
            "domains.yaml": {**DOMAINS, **(domains or {})},
            **{f"catalog/{entry['table']}.yaml": entry for entry in tables},
        }
        for name, content in files.items():
            (tmp_path / "conf" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "conf" / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        clear_cache()
        return config.load(tmp_path / "conf", {})

    return write


def planned(conf: Config, name: str = "t") -> tuple[Plan, KeyRing]:
    ring = key_ring.open_for(conf, conf.tables[name])
    schema = SCHEMA if name == "t" else T.StructType().add("mail", TEXT)
    return treatment_plan.build(conf.tables[name], schema, ring.ids), ring


def recorded(conf: Config, name: str = "t") -> Columns:
    """What the table says of itself, read back from its properties."""
    plan, ring = planned(conf, name)
    entries = treatment_record.entries(plan, ring.checks(plan))
    read = record_reader.columns_of(treatment_record.properties(plan, entries, "0" * 64, "1"))
    assert read == {str(path): entry for path, entry in entries.items()}
    return read


def schema_of(conf: Config) -> T.StructType:
    plan, ring = planned(conf)
    return Selection(plan, treatment_record.entries(plan, ring.checks(plan)), {}).schema()


def test_the_record_says_what_stands_within_and_under_which_keys(configured: Callable[..., Config]) -> None:
    conf = configured()
    entry, (_, ring) = recorded(conf)["note"], planned(conf)
    assert (entry.technique, entry.domain, entry.key) == ("treat_entities", None, None)
    assert entry.parameters["entities"]["email"]["domain"] == "mail"
    assert entry.parameters["entities"]["mac"] == "redact"
    assert {domain: (key["key"], key["key_id"]) for domain, key in (entry.keys or {}).items()} == {
        "mail": ("crm", ring.ids["crm"]),
        "bank": ("pay", ring.ids["pay"]),
    }
    assert [(part.domain, part.technique, part.key) for part in entry.parts] == [
        ("mail", "keyed_hash", "crm"),
        ("bank", "deterministic_encryption", "pay"),
        ("host", "truncate_ip", None),
    ]


def test_a_part_is_recorded_as_the_column_of_its_domain_is(configured: Callable[..., Config]) -> None:
    read = recorded(configured())
    (part,) = (part for part in read["note"].parts if part.domain == "mail")
    assert part.differing(read["mail"]) == ["class_"]
    assert part.key_check is not None


def test_known_values_are_recorded_as_what_is_found_is(configured: Callable[..., Config]) -> None:
    known = {**NOTE, "entities": {"ip": "redact"}, "known": {"mail": "mail"}}
    conf = configured(note=column(known, "direct_identifier"), mail="drop")
    entry, (plan, ring) = recorded(conf)["note"], planned(conf)
    assert entry.parameters["known"]["mail"]["domain"] == "mail"
    assert [(part.domain, part.key) for part in entry.parts] == [("mail", "crm")]
    assert (entry.keys or {}).keys() == {"mail"}
    selection = Selection(plan, treatment_record.entries(plan, ring.checks(plan)), ring.references(plan))
    assert selection.read() == ["id", "mail", "note"], "what is dropped is looked for all the same"
    told = [line for line in plan_job.as_text(plan).splitlines() if line.strip().startswith("note")]
    assert "known=mail:mail" in told[0]
    (found,) = (each for each in diff(entries_of(configured(), "t"), entries_of(conf, "t")) if each.column == "note")
    assert found.change == "not comparable", "entities fewer, known more"


def test_values_are_looked_for_of_text_and_whole_numbers_only(configured: Callable[..., Config]) -> None:
    conf = configured(note=column({**NOTE, "known": {"mail": "mail"}}, "direct_identifier"))
    schema = T.StructType().add("id", TEXT).add("mail", T.DateType()).add("note", TEXT)
    with pytest.raises(treatment_plan.PlanError, match=r"note: known: mail: values are looked for .* not of date32"):
        treatment_plan.build(conf.tables["t"], schema, key_ring.open_for(conf, conf.tables["t"]).ids)


def test_the_metadata_of_the_field_holds_the_same(configured: Callable[..., Config]) -> None:
    conf = configured()
    schema = schema_of(conf)
    told = privacy_of(T.StructType.fromJson(json.loads(schema.json())))["note"]
    assert told.record == recorded(conf)["note"]
    assert not told.is_raw, "a policy that allows it has decided so"
    with pytest.raises(UnsafeUse, match="note: a direct identifier of which only what is recognized is treated"):
        check_publishable(schema)
    with pytest.raises(UnsafeUse, match="treat_entities and keyed_hash give different results"):
        check_join(schema, schema, on=[("note", "mail")])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"keys": None}, "its keys are not those of its domains"),
        ({"keys": {"mail": {"key": "crm", "key_id": 1}}}, "its keys are not those of its domains"),
        ({"keys": {"mail": {"key": "crm"}, "bank": {"key": "pay", "key_id": 1}}}, "its key has no version"),
        ({"keys": {"mail": {"key": 7, "key_id": 1}, "bank": {"key": "pay", "key_id": 1}}}, "is none"),
        ({"keys": ["mail"]}, "its keys are not those of its domains"),
        ({"key": "crm", "key_id": 1}, "treat_entities is a technique without a key"),
        ({"parameters": {"entities": {"email": "mail"}}}, "treat_entities has no such parameters"),
    ],
)
def test_a_record_that_cannot_be_believed_says_nothing(
    configured: Callable[..., Config], change: dict[str, Any], said: str
) -> None:
    entry = recorded(configured())["note"].as_json()
    assert ColumnRecord.from_json(entry).as_json() == entry
    with pytest.raises(Unsound, match=said):
        ColumnRecord.from_json({**entry, **change})


# -- keys -------------------------------------------------------------------------------------------------------------


def test_executors_get_a_reference_for_each_domain(configured: Callable[..., Config]) -> None:
    plan, ring = planned(configured())
    references = ring.references(plan)
    within, alone = references[ColumnPath.parse("note")], references[ColumnPath.parse("mail")]
    assert isinstance(within, KeyReferences)
    assert isinstance(alone, KeyReference)
    keys = within.resolve().by_domain
    assert keys.keys() == {"mail", "bank"}
    assert keys["mail"] == alone.resolve(), "the pseudonyms of texts and columns are one"
    node = Selection(plan, treatment_record.entries(plan, ring.checks(plan)), references).trees()[2][1]
    assert node is not None
    assert [leaf.key for leaf in nested.leaves(node)] == [within]


def test_the_driver_sends_the_keys_within_a_text_that_it_is_to_deliver(configured: Callable[..., Config]) -> None:
    conf = configured()
    conf = dataclasses.replace(
        conf, keys={**conf.keys, "pay": conf.keys["pay"].model_copy(update={"deliver": "driver"})}
    )
    plan, ring = planned(conf)
    (sent,) = key_delivery._sent(ring, plan)
    assert (sent.name, sent.domain) == ("pay", "bank")
    name = key_delivery._subkey_name(sent)

    class Parcel:
        value: ClassVar = {name: ring.subkey(sent)}

    def arriving(ref: KeyReference) -> KeyReference | DeliveredKey:
        return DeliveredKey(*name, ref.check, Parcel()) if ref == sent else ref

    reference = ring.references(plan)[ColumnPath.parse("note")]
    instead = key_delivery._each(reference, arriving)
    assert isinstance(instead, KeyReferences)
    assert isinstance(instead.by_domain["bank"], DeliveredKey)
    assert instead.by_domain["mail"] is not None
    assert instead.resolve() == reference.resolve()


def test_an_older_version_within_a_text_is_seen_from_other_tables_and_the_other_way_round(
    configured: Callable[..., Config],
) -> None:
    conf = configured()
    text_only = configured(mail="redact")
    before, alone = recorded(text_only), recorded(conf, "u")
    (Path(conf.keys["crm"].keyset.removeprefix("file:"))).unlink()
    text_only = configured(mail="redact")  # another keyset under the name
    plan, ring = planned(text_only)
    assert key_versions.sharing(text_only, plan, ()) == ["u"]
    (told,) = key_versions.apart(plan, ring.checks(plan), {"u": alone})
    assert "domain mail: key 'crm'" in told
    others, its_ring = planned(text_only, "u")
    assert key_versions.sharing(text_only, others, ()) == ["t"]
    (told,) = key_versions.apart(others, its_ring.checks(others), {"t": before})
    assert "domain mail: key 'crm'" in told
    assert ["note: key 'crm'" in told for told in key_versions.other_keys(plan, ring, before)] == [True]
    assert key_versions.other_keys(plan, ring, recorded(text_only)) == []


def test_a_key_within_a_text_is_needed(configured: Callable[..., Config]) -> None:
    conf = configured()
    _, ring = planned(conf)
    assert {each.key_id for each in record_reader.all_of(recorded(conf))} >= set(ring.ids.values())
    assert set(json.loads(config.snapshot(conf, "t"))["keys"]) == {"crm", "pay"}
    assert set(json.loads(config.snapshot(conf, "t"))["domains"]) == {"mail", "bank", "host"}


def test_a_key_that_would_link_two_domains_of_texts_is_refused(configured: Callable[..., Config]) -> None:
    siv = {"technique": "deterministic_encryption", "key": "siv"}
    conf = configured({"bank": siv, "mail": dict(siv)})
    (told,) = key_links.refusals(conf, planned(conf)[1])
    assert "it would link mail, bank" in told


def test_a_policy_approves_what_stands_within(configured: Callable[..., Config]) -> None:
    today = datetime.date(2026, 11, 27)
    assert configuration_gates.all_findings(configured(), today) == []
    for approved, said in (
        ({"keys": ["crm"]}, "key pay is not approved"),
        ({"algorithms": ["AES-SIV"]}, "algorithm HMAC-SHA-256 is not approved"),
    ):
        found = configuration_gates.all_findings(configured(policy={"approved": approved}), today)
        assert any(said in str(each) for each in found)


# -- what is shown ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "change", "said"),
    [
        ({"note": {**NOTE, "entities": {**NOTE["entities"], "phone": "redact"}}}, "stronger", "entities"),  # type: ignore[dict-item]
        ({"note": {**NOTE, "entities": {"email": "mail"}}}, "weaker", "entities"),
        ({"note": {**NOTE, "entities": {**NOTE["entities"], "email": "redact"}}}, "stronger", "entities"),  # type: ignore[dict-item]
        ({"note": "keep"}, "weaker", "treat_entities -> keep (weaker)"),
        ({"note": "redact"}, "stronger", "treat_entities -> redact (stronger)"),
        ({"note": {"domain": "mail"}}, "stronger", "treat_entities -> keyed_hash (stronger)"),
        ({"domains": {"mail": {**DOMAINS["mail"], "key": "new"}}}, "changed", "versions, of the domains mail"),
    ],
)  # fmt: skip
def test_what_a_change_means(configured: Callable[..., Config], after: dict[str, Any], change: str, said: str) -> None:
    before = entries_of(configured(), "t")
    (found,) = (each for each in diff(before, entries_of(configured(**after), "t")) if each.column == "note")
    assert found.change == change
    assert said in "; ".join(effect.text for effect in found.effects)


def test_plan_and_linkage_tell_it(configured: Callable[..., Config]) -> None:
    conf = configured()
    plan, ring = planned(conf)
    (line,) = (line for line in plan_job.as_text(plan).splitlines() if line.strip().startswith("note"))
    assert "entities=email:mail,iban:bank,ip:host,mac:redact" in line
    assert f"crm#{ring.ids['crm']} pay#{ring.ids['pay']}" in line
    (told,) = (each for each in plan_job.as_data(plan)["columns"] if each["column"] == "note")
    assert told["keys"]["bank"] == {"key": "pay", "key_id": ring.ids["pay"]}
    found = linkage.find({"t": schema_of(conf)})
    assert {domain: [each.column for each in places] for domain, places in found.within.items()} == {
        "mail": ["note"], "bank": ["note"], "host": ["note"],
    }  # fmt: skip
    report = linkage_job.Report(found, {})
    assert "  mail: t note" in list(linkage_job.lines(report))
    assert linkage_job.as_data(report)["within_texts"]["bank"][0]["column"] == "note"
