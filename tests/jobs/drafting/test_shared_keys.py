"""Keys that tables share, found by their values: one class and one domain for all; a wrong draft fails."""

from __future__ import annotations

import dataclasses
import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from pyspark.sql import SparkSession

from jobs import check, inventory
from jobs.configuration.column_path import ColumnPath
from jobs.detection import shared_keys, sketch
from jobs.detection.evidence import Settings, measure
from jobs.detection.scan import Found
from jobs.detection.shared_keys import Looked
from jobs.drafting import accepted, joined
from jobs.drafting.proposals import Surroundings
from tests.helpers.lakes import write_conf
from tests.jobs.detection.test_column_kinds import TYPES
from tests.jobs.drafting.test_inventory import put

SALT = b"one run"
AROUND = Surroundings((), ("crm",))


def column(name: str, values: list[Any]) -> Found:
    array = pa.array(values)
    seen = measure(array, Settings(1 << 16, SALT)).evidence(TYPES[array.type].simpleString())
    return Found(ColumnPath.parse(name), TYPES[array.type], seen)


def looked(table: str, **columns: list[Any]) -> Looked:
    return Looked(
        table,
        [
            column(name.replace("__", ".") if "-" not in name else f"`{name}`", values)
            for name, values in columns.items()
        ],
    )


def linked(*tables: Looked) -> set[tuple[str, str]]:
    return {(str(link.column), str(link.key)) for link in shared_keys.links(tables, SALT) if link.is_sure}


RND = random.Random(5)
RANDOM_IDS = RND.sample(range(10**6, 10**7), 400)
COUNTED = list(range(1, 401))


def test_a_column_whose_values_are_keys_of_another_table_is_found_by_them() -> None:
    customers, orders = (
        looked("customers", id=RANDOM_IDS),
        looked("buys", who=[RND.choice(RANDOM_IDS) for _ in range(900)]),
    )
    assert linked(customers, orders) == {("buys.who", "customers.id")}
    texts = looked("mails", to=[str(RND.choice(RANDOM_IDS)) for _ in range(900)])
    assert linked(customers, texts) == {("mails.to", "customers.id")}, "a number and its text are one id"
    others = looked("buys", who=RND.sample(range(10**6, 10**7), 400))
    assert linked(customers, others) == set()


def test_a_key_that_counts_up_holds_any_small_number_and_shows_nothing_unless_names_agree() -> None:
    customers = looked("customers", customer_id=COUNTED)
    assert linked(customers, looked("lines", quantity=[at % 40 + 1 for at in range(300)])) == set()
    assert linked(customers, looked("purchases", customer=[at % 300 + 1 for at in range(900)])) == {
        ("purchases.customer", "customers.customer_id")
    }
    assert linked(looked("kunden", nr=COUNTED), looked("kauf", kunde=[at % 99 + 1 for at in range(900)])) == {
        ("kauf.kunde", "kunden.nr")
    }
    padded = [f"{at:06}" for at in COUNTED]
    assert linked(looked("t", k=padded), looked("u", c=[padded[at % 300] for at in range(900)])) == set()


def proposed_for(tables: list[Looked], around: Surroundings) -> Any:
    return joined.propose(tables, around, shared_keys.links(tables, SALT))


def test_references_and_ids_are_the_same_keys_and_one_domain_is_proposed_with_the_prefix() -> None:
    ids = [f"f{at:03}" for at in range(60)]
    patients = looked("Patient", id=ids)
    observations = looked("Observation", subject__reference=[f"Patient/{ids[at % 60]}" for at in range(200)])
    encounters = looked("Encounter", patient=[f"urn:uuid:{ids[at % 50]}" for at in range(200)])
    assert linked(patients, observations, encounters) == {
        ("Observation.subject.reference", "Patient.id"),
        ("Encounter.patient", "Patient.id"),
    }
    made, (group,) = proposed_for([patients, observations, encounters], AROUND)
    assert (group.name, set(group.prefixes)) == ("patient", {"Patient/", "urn:uuid:"})
    proposed = [each for columns in made.values() for each in columns]
    assert {each.kind.class_ for each in proposed} == {"direct_identifier"}
    assert len({json.dumps(each.treatment) for each in proposed}) == 1, "one treatment for all"
    assert all("one domain patient for all" in each.warnings[-1] for each in proposed)
    assert "strip_prefix" in proposed[0].warnings[-1]


def test_the_strictest_class_is_that_of_all_who_share_a_key() -> None:
    made, (group,) = proposed_for(
        [looked("people", person_id=RANDOM_IDS), looked("log", x=[RND.choice(RANDOM_IDS) for _ in range(900)])], AROUND
    )
    (person,), (x,) = made["people"], made["log"]
    assert (x.kind.name, x.kind.class_) == ("person_key", "direct_identifier")
    assert x.kind.reasons == ("100% of its values are those of people.person_id",)
    assert x.treatment == person.treatment == {"technique": "keyed_hash", "key": "crm", "domain": group.name}
    known = Surroundings(("person",), ("crm",), {}, {"person": "keyed_hash"})
    again, _ = proposed_for([looked("people", person_id=RANDOM_IDS), looked("log", x=RANDOM_IDS)], known)
    assert {json.dumps(each[0].treatment) for each in again.values()} == {'{"domain": "person"}'}


def test_few_values_dates_and_traits_are_no_keys() -> None:
    days = [f"2020-{1 + at // 28:02}-{1 + at % 28:02}" for at in range(300)]
    assert linked(looked("a", day=days), looked("b", day=days)) == set()
    assert linked(looked("a", id=RANDOM_IDS), looked("b", x=RANDOM_IDS[:5] * 20)) == set()


def test_hashes_are_the_runs_own_and_shown_nowhere() -> None:
    found = column("id", RANDOM_IDS)
    other = measure(pa.array(RANDOM_IDS), Settings(1 << 16, b"another run")).evidence("bigint")
    assert not np.isin(found.evidence.sketch.values, other.sketch.values).any()
    assert "sketch" not in repr(found.evidence)
    assert "sketch" not in json.dumps(found.evidence.as_data())
    many = measure(pa.array(list(range(3)) * 9000), Settings(1 << 16, SALT)).sketch
    assert len(many.values) == 3
    assert len(measure(pa.array([at // 2 for at in range(9000)]), Settings(1 << 16, SALT)).sketch.values) == sketch.FEW


def test_a_lake_in_which_ids_are_called_otherwise(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From files to drafts; then one `sed` over them, and `check`. The keys of customers are more than the sample."""
    monkeypatch.setenv("LAKE", str(lake))
    conf = write_conf(lake)
    ids = RND.sample(range(10**8, 10**9), 900)
    names = ["Everywoman", "Chalmers", "Levin", "Kramer", "Heuvel"]
    put(lake, "customers", pa.table({"cid": ids, "female": [at % 2 for at in range(900)], "plan": ["a", "b"] * 450}))
    put(lake, "purchases", pa.table({"who": [ids[at % 700] for at in range(240)], "note": ["x", "y"] * 120}))
    patients = [{"name": [{"family": names[at % 5], "given": ["Peter"]}], "id": f"f{at:03}"} for at in range(40)]
    seen = [{"subject": {"reference": f"Patient/f{at % 40:03}"}, "system": "http://loinc.org"} for at in range(120)]
    for file, rows in (("patient", patients), ("observation", seen)):
        (lake / "raw" / f"{file}.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ["--path", str(lake / "raw"), "--output", str(conf / "catalog"), "--sample", "300"]
    assert inventory.main(asked) == 0
    output = "".join(capfd.readouterr())
    files = {path.stem: path for path in (conf / "catalog").glob("*.yaml")}
    drafts = {name: yaml.safe_load(path.read_text())["columns"] for name, path in files.items()}
    assert drafts["purchases"]["who"]["class"] == drafts["customers"]["cid"]["class"] == "quasi_identifier"
    assert "it shares its values with customers.cid" in files["purchases"].read_text()
    assert drafts["customers"]["female"]["class"] == "quasi_identifier"
    for path in ("name[].family", "name[].given[]", "id"):
        assert drafts["patient"][path]["class"] == "direct_identifier", path
    assert drafts["observation"]["subject.reference"]["class"] == "direct_identifier"
    for secret in ("Everywoman", "Chalmers", "f001", "f012", *map(str, ids[:40])):
        assert secret not in output + "".join(path.read_text() for path in conf.rglob("*.*"))

    for path in files.values():  # a careless colleague, in one line
        text = re.sub(
            r"treatment: .*", "treatment: keep", re.sub(r"class: .*", "class: non_personal", path.read_text())
        )
        text = text.replace('why: ""', "why: ok").replace('owner: ""', "owner: me").replace("draft: true\n", "")
        path.write_text(text.replace('{path: ""}', f'{{path: "{lake}/treated/{path.stem}"}}'))
    assert check.main(["--conf", str(conf)]) == 1
    told = capfd.readouterr().out
    for column_ in ("name[].family", "name[].given[]"):
        assert re.search(
            rf"patient.yaml:\d+: refused: columns.`{re.escape(column_)}`: class non_personal, keep, and", told
        )
    assert re.search(r"observation.yaml:\d+: refused: columns.`subject.reference`: .*saw person_key", told)
    assert re.search(r"customers.yaml:\d+: warning: columns.female: class non_personal, keep, and .* saw gender", told)
    assert "the 'why' of 3 columns says nothing (cid, female, plan)" in told


# -- keys that count up: names in two languages, and questions


BUYERS = [at % 390 + 1 for at in range(900)]
"""Foreign keys into `COUNTED`, some of them repeated."""


def asked(*tables: Looked) -> set[tuple[str, str]]:
    return {(str(link.column), str(link.key)) for link in shared_keys.links(tables, SALT) if not link.is_sure}


@pytest.mark.parametrize(
    ("table", "key", "column"),
    [("Kunden", "Kunden-Nr", "customer"), ("kunden", "Kundennummer", "customer_id"), ("clients", "id", "klant"),
     ("patients", "id", "Paciente"), ("customers", "id", "Kunde-ID")],
)  # fmt: skip
def test_names_of_two_languages_agree(table: str, key: str, column: str) -> None:
    keys = looked(table, **{key: COUNTED})
    assert linked(keys, looked("sales", **{column: BUYERS})) == {
        (f"sales.{written(column)}", f"{table}.{written(key)}")
    }


def written(name: str) -> str:
    return str(ColumnPath.parse(name))


def test_what_may_be_a_key_that_counts_up_is_a_question_and_no_link() -> None:
    customers = looked("customers", customer_id=COUNTED)
    for name in ("who", "nr"):  # has most of the keys, or is called a key of who knows what
        found = looked("sales", **{name: BUYERS})
        assert asked(customers, found) == {(f"sales.{name}", "customers.customer_id")}
        assert linked(customers, found) == set()
    few = looked("sales", nr=[at % 40 + 1 for at in range(900)], quantity=[at % 40 + 1 for at in range(900)])
    assert asked(customers, few) == {("sales.nr", "customers.customer_id")}, "a quantity has few of them"
    assert asked(customers, looked("orders", id=COUNTED)) == set(), "what numbers its own table's rows"
    assert asked(customers, looked("sales", supplier_id=BUYERS)) == set(), "it says of what else it is a key"
    assert asked(customers, looked("sales", age=BUYERS)) == set()


def test_a_question_leaves_the_treatment_for_a_person_and_says_what_speaks_for_it() -> None:
    customers, sales = looked("customers", customer_id=COUNTED), looked("sales", nr=BUYERS, who=BUYERS, client=BUYERS)
    around = Surroundings(("customer",), ("crm",), {}, {"customer": "keyed_hash"})
    made, (group,) = proposed_for([customers, sales], around)
    assert [str(each) for each in group.columns] == ["customers.customer_id", "sales.client"]
    nr, who, client = made["sales"]
    assert client.treatment == made["customers"][0].treatment == {"domain": "customer"}
    for each in (nr, who):
        assert each.treatment == "undecided"
        assert each.may_be == (("customers", "customer_id"),)
        (warning,) = each.warnings
        told = "100% of its values are those of customers.customer_id, and it has 98% of these; both count up"
        assert warning.startswith(f"is it a key of customers.customer_id? {told}"), warning


def test_the_domain_that_stands_is_proposed_by_what_a_column_is_called_after() -> None:
    around = Surroundings(("customer",), ("crm",), {}, {"customer": "keyed_hash"})
    names = ["customer", "Kunden-Nr", "client_id", "order_id", "supplier_id"]
    made, groups = proposed_for(
        [looked("purchases", **{name: RND.sample(range(10**9), 400) for name in names})], around
    )
    assert groups == ()
    by_name = dict(zip(names, made["purchases"], strict=True))
    domain = {"domain": "customer"}
    assert [by_name[name].treatment for name in names[:3]] == [domain, domain, domain]
    assert all("by the name alone" in by_name[name].warnings[0] for name in names[:3])
    assert not any(by_name[name].treatment == domain for name in names[3:])
    exact, _ = proposed_for([looked("t", customer_id=RANDOM_IDS)], around)
    assert (exact["t"][0].treatment, exact["t"][0].warnings) == (domain, ())
    own, _ = proposed_for([looked("customers", id=RANDOM_IDS)], around)
    assert own["customers"][0].treatment == domain, "the table says whose ids they are"
    own, _ = proposed_for([looked("customers_2", id=RANDOM_IDS)], around)
    assert own["customers_2"][0].treatment == domain, "and does so where it is counted on"


def test_a_domain_of_two_things_is_of_neither() -> None:
    around = Surroundings(("customer_email",), ("crm",), {}, {"customer_email": "deterministic_encryption"})
    made, groups = proposed_for(
        [looked("customers", id=RANDOM_IDS), looked("orders", customer_id=RANDOM_IDS, customer=RANDOM_IDS)], around
    )
    proposed = [each.treatment for columns in made.values() for each in columns]
    assert {"domain": "customer_email"} not in proposed
    assert "customer_email" not in {group.name for group in groups}


def test_a_domain_that_strips_the_prefixes_already_is_not_told_to(tmp_path: Path) -> None:
    steps = "[nfc, trim, {strip_prefix: [Patient/, 'urn:uuid:']}]"
    text = (
        f"patient: {{technique: keyed_hash, key: crm, normalize: {steps}}}\nplain: {{technique: keyed_hash, key: crm}}"
    )
    (tmp_path / "domains.yaml").write_text(text)
    around = accepted.surroundings(tmp_path)
    assert around.prefixes == {"patient": {"Patient/", "urn:uuid:"}, "plain": frozenset()}
    ids = [f"f{at:03}" for at in range(60)]
    tables = [looked("Patient", id=ids), looked("Observation", subject__reference=[f"Patient/{each}" for each in ids])]
    for prefixes, is_told in (({"patient": frozenset({"Patient/"})}, False), ({"patient": frozenset({"X"})}, True)):
        made, _ = proposed_for(tables, dataclasses.replace(around, prefixes=prefixes))
        warnings = [warning for columns in made.values() for each in columns for warning in each.warnings]
        assert len(warnings) == 2
        assert all(("has to state normalize" in warning) is is_told for warning in warnings), warnings
