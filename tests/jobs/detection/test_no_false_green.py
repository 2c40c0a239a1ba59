"""What once was proposed to be kept, or taken for something else, by content and by the way to a column."""

from __future__ import annotations

import uuid
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.detection import hints, kinds
from jobs.detection.kinds import Kind
from jobs.detection.scan import Found
from jobs.detection.shared_keys import Looked
from jobs.drafting import joined
from jobs.drafting.proposals import Surroundings
from tests.jobs.detection.test_column_kinds import seen


def kind(name: str, values: list[Any], table: str = "t") -> Kind:
    return kinds.decide(seen(pa.array(values)), hints.of(ColumnPath.parse(name), table))


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("name[].family", "person_name"),
        ("name[].given[]", "person_name"),
        ("contact[].name.text", "person_name"),
        ("person.nom.famille", "person_name"),
        ("persona.nombre.pila", "person_name"),
        ("namen.nach", "person_name"),
        ("performer[].display", "person_name"),
        ("telecom[].value", "phone"),
        ("kontakt.wert", "phone"),
        ("identifier[].value", "person_key"),
        ("identifiants[].valeur", "person_key"),
        ("subject.reference", "person_key"),
        ("participant[].individual.reference", "person_key"),
        ("customer.id", "person_key"),
        ("address[].line[]", "street"),
        ("anschrift.zeile", "street"),
        ("direccion.linea", "street"),
        ("text.div", "free_text_person"),
        ("maritalStatus.coding[].code", "quasi"),
        ("gender.coding[].code", "gender"),
    ],
)
def test_the_way_to_a_column_tells_what_it_holds(path: str, wanted: str) -> None:
    assert kind(path, ["qwx", "zzt", "wrv"] * 10).name == wanted


@pytest.mark.parametrize("path", ["product.name", "meta.versionId", "code.text", "encounter.period.start", "file.name"])
def test_and_does_not_where_it_speaks_of_no_person(path: str) -> None:
    assert kind(path, ["qwx", "zzt"] * 30).class_ != "direct_identifier"


_CODED = """
    female hispan educ educd marst occ occ2010 ind bpl citizen isFemale is_male Sexe famst relate nchild
    empstat puma etat_civil nb_enfants estado_civil nivel_educativo nacionalidad staatsang
    schulabschluss married veteran
"""
CODED = _CODED.split()


@pytest.mark.parametrize("name", CODED)
def test_traits_written_as_codes_are_quasi_identifiers_and_their_treatment_is_open(name: str) -> None:
    for values in ([0, 1] * 60, [True, False] * 60, [1, None] * 60):
        assert kind(name, values).class_ == "quasi_identifier"


@pytest.mark.parametrize("name", ["race", "inctot", "diffeye", "hhincome", "konfession", "discapacidad"])
def test_or_sensitive(name: str) -> None:
    assert kind(name, [0, 1, 2] * 40).class_ == "sensitive"


_LOINC = """
    8302-2 29463-7 8867-4 2345-7 718-7 8480-6 8462-4 39156-5 9279-1 8310-5 2093-3 2571-8 2085-9 4548-4
    72166-2
"""
LOINC = _LOINC.split()  # of loinc.org
_SNOMED = """
    73211009 38341003 22298006 44054006 195967001 40055000 10509002 444814009 36971009 53741008
    162864005
"""
SNOMED = _SNOMED.split()
_ICD = """
    C50.1 E11.9 F32.0 I10.0 J45.9 M54.5 K21.0 N39.0 R51.9 Z00.0 S72.0
"""
ICD = _ICD.split()
_ATC = """
    C09AA05 A10BA02 N02BE01 C10AA01 A02BC01 B01AC06 R03AC02 N06AB04 H03AA01 J01CA04 M01AE01
"""
ATC = _ATC.split()
_UCUM = """
    mg/dL mm[Hg] cm kg /min % mmol/L kg/m2 Cel 10*3/uL g/dL {score}
"""
UCUM = _UCUM.split()
_RXNORM = """
    314076 197361 308136 860975 310798 617314 314077 243670 106892 895994
"""
RXNORM = _RXNORM.split()


@pytest.mark.parametrize("codes", [LOINC, SNOMED, ICD, ATC, [int(code) for code in SNOMED]])
def test_codes_of_medicine_are_sensitive_and_number_nobody(codes: list[Any]) -> None:
    found = kind("code.coding[].code", codes * 20)
    assert (found.name, found.class_) == ("sensitive", "sensitive")
    few = kind("c", codes[:4] * 40)
    assert few.name == "unknown", "four different ones are no proof"
    assert "different ones are too few" in few.reasons[0]
    assert kind("c", codes[:1] * 200).name == "unknown", "a diagnosis that all have"


@pytest.mark.parametrize("codes", [UCUM, RXNORM, RXNORM[:1] * 9, ["0002-8215-01", "50090-0481-0", "0093-7424-56"] * 4])
def test_other_codes_are_no_numbers_of_persons(codes: list[Any]) -> None:
    assert kind("c", codes * 10).class_ in ("undecided", "non_personal")


def test_numbers_of_persons_are_known_still() -> None:
    swiss = [f"756.{at:04}.{at * 7 % 10000:04}." for at in range(1000, 1040)]
    digits = [text.replace(".", "") for text in swiss]
    swiss = [
        f"{text}{at % 10}{-(sum(int(d) * (1, 3)[i % 2] for i, d in enumerate(number + str(at % 10)))) % 10}"
        for at, (text, number) in enumerate(zip(swiss, digits, strict=True))
    ]
    assert kind("c", swiss).name == "national_id"
    assert kind("c", ["078-05-1120", "219-09-9999"]).name == "national_id", "hyphens of their own"


def test_one_random_id_in_all_rows_is_no_constant_and_no_device() -> None:
    urn = f"urn:uuid:{uuid.UUID(int=5)}"
    for rows in (20, 200):
        found = kind("source", [urn] * rows)
        assert (found.name, found.class_) == ("unknown", "undecided")
        assert found.reasons == ("100% could be random ids, and all are the same: a person decides",)
    assert kind("system", ["urn:oid:2.16.840.1.113883.4.1"] * 200).name == "constant"
    assert kind("system", ["http://loinc.org"] * 200).name == "constant"
    assert kind("url", [f"urn:uuid:{uuid.UUID(int=at)}" for at in range(50)]).name == "device_id"


@pytest.mark.parametrize(
    ("value", "wanted", "says"),
    [
        ("756.9217.0769.85", "national_id", "valid as ch.ssn"),
        ("RSSMRA85T10A562S", "national_id", "valid as it.codicefiscale"),
        ("12345678Z", "unknown", "numbers of persons (es.dni)"),
        (7569217076985, "unknown", "numbers of persons (ch.ssn)"),
        ("M-AB 1234", "unknown", "licence plates (de)"),
        ("L01X00T471", "unknown", "passports (de)"),
        ("B20", "unknown", "categories of ICD-10"),
        ("1701234567", "moment", "moments"),
        ("Okonkwo", "unknown", "names, by their shape"),
        ("EUR", "constant", "one and the same value"),
        (1, "constant", "one and the same value"),
    ],
)
def test_one_value_in_all_rows_that_a_recognizer_knows_is_no_constant(value: Any, wanted: str, says: str) -> None:
    """An export of one person has their number in each of its rows."""
    for rows in (100, 99):
        found = kind("c", [value] * rows)
        assert found.class_ != "non_personal" or (rows, wanted) == (100, "constant")
    found = kind("c", [value] * 100)
    assert found.name == wanted
    assert says in found.reasons[0]


def proposed(columns: dict[str, list[Any]]) -> dict[str, tuple[str, Any]]:
    found = [
        Found(
            ColumnPath.parse(name),
            T.StringType() if isinstance(values[0], str) else T.LongType(),
            seen(pa.array(values)),
        )
        for name, values in columns.items()
    ]
    made, _ = joined.propose([Looked("t", tuple(found))], Surroundings(), ())
    return {str(each.found.path): (each.kind.name, each.treatment) for each in made["t"]}


def test_what_all_rows_of_a_table_about_persons_share_is_for_a_person_to_decide() -> None:
    """ "HIV positive" in all rows is about each of them, which no recognizer can know."""
    shared: dict[str, list[Any]] = {"c": ["HIV positive"] * 100, "n": [4] * 100}
    kept, asked = ("constant", "keep"), ("unknown", "undecided")
    assert proposed(shared) == {"c": kept, "n": kept}
    some = proposed({**shared, "m": [f"x{at}@example.org" for at in range(100)]})
    assert (some["c"], some["n"]) == (asked, kept)
    one = proposed({**shared, "m": ["x@example.org"] * 100})
    assert (one["c"], one["n"]) == (asked, asked), "all rows are about one"


@pytest.mark.parametrize(
    ("document", "wanted", "says"),
    [
        ('{{"mail": "x{0}@example.org", "n": {0}}}', "free_text_person", "JSON texts that hold email"),
        ('{{"e": [{{"id": {0}}}, ["x{0}@example.org"]]}}', "free_text_person", "JSON texts that hold email"),
        ('{{"subject": {{"reference": "Patient/f{0}"}}}}', "free_text_person", "JSON texts that hold references"),
        ('{{"a": {{"last_name": "Qwx{0}"}}}}', "free_text_person", "JSON texts that hold members that are called"),
        ('{{"page": {0}, "ok": true, "none": null}}', "unknown", "JSON texts: a person decides of each place"),
        ("[{0}, {0}]", "unknown", "JSON texts"),
        ('["\\ud800", {0}]', "unknown", "JSON texts"),
        ("{{{0}", "unique", "occur once"),
    ],
)
def test_json_text_is_what_stands_in_it(document: str, wanted: str, says: str) -> None:
    found = kind("p", [document.format(at) for at in range(300)])
    assert found.name == wanted
    assert says in found.reasons[0]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("diagnosis", "sensitive"), ("phone", "phone"), ("customer_name", "person_name"), ("gender", "gender")],
)
def test_json_in_which_nothing_is_known_hides_no_name(name: str, wanted: str) -> None:
    assert kind(name, [f'{{"page": {at}}}' for at in range(300)]).name == wanted
    letters = [f"{{Dear Mrs Anna Miller, call me at +49 30 9018 {at:04}}}" for at in range(240)] + ["[1]"] * 60
    assert kind("p", letters).name == "free_text_person"


def test_references_say_whom_they_lead_to() -> None:
    for before in ("Patient/", "Practitioner/", "https://fhir.example.org/r4/Patient/"):
        assert kind("c", [f"{before}f{at:03}" for at in range(50)]).name == "person_key"
        assert kind("c", [f"{before}f001"] * 200).name == "person_key", "all rows are about one"
    assert kind("c", [f"Encounter/{at}" for at in range(50)]).name == "unique"
    assert kind("c", [f"Encounter/{at}" for at in range(40)] + ["Patient/1"] * 10).name == "person_key"


def test_names_of_persons_that_are_few_are_no_nothing() -> None:
    assert kind("c", ["Anna", "Peter", "Sophie"] * 40).name == "person_name"
    alone = kind("c", ["Sophie"] * 200)
    assert alone.class_ != "non_personal"
    assert kind("month", ["April", "May", "June", "August"] * 30).class_ != "direct_identifier"
    assert kind("city", ["Paris", "London", "Berlin"] * 30).name == "city"


@pytest.mark.parametrize(
    ("table", "name", "wanted"),
    [
        ("crm.customers", "id", "person_key"),
        ("kunden", "nr", "person_key"),
        ("pacientes", "numero", "person_key"),
        ("products", "id", "unique"),
        ("orders", "customer", "person_key"),
        ("achats", "usager", "person_key"),
        ("customers_2", "id", "person_key"),
        ("crm.kunden_13", "nr", "person_key"),
        ("products_2", "id", "unique"),
    ],
)
def test_a_tables_name_says_whose_ids_are_its_own(table: str, name: str, wanted: str) -> None:
    assert kind(name, list(range(40)), table).name == wanted


def test_the_number_of_an_order_is_no_postal_code_and_a_postal_code_is_one_still() -> None:
    numbers = [f"B-{at:05}" for at in range(200)]
    assert {name: kind(name, numbers).name for name in ("`Bestell-Nr`", "orderNumber", "plz", "c")} == {
        "`Bestell-Nr`": "unique",
        "orderNumber": "unique",
        "plz": "postal_code",
        "c": "postal_code",
    }
    assert kind("order_zip", ["1234 AB", "2345 BC"] * 50).name == "postal_code"


def test_last_is_a_surname_where_surnames_are_in_it() -> None:
    """Many a surname is a town too."""
    surnames = ("Washington", "Jackson", "Houston", "Lincoln", "Madison", "Columbus", "Smith", "Johnson", "Williams",
                "Brown", "Miller", "Davis", "Wilson")  # fmt: skip
    towns = ("Berlin", "Hamburg", "Chicago", "Boston", "Seattle", "Dallas", "Denver", "Munich", "Toulouse", "Lyon")
    assert kind("last", [*surnames] * 20).name == "person_name"
    assert kind("last", [*towns] * 20).name == "city"
    assert kind("last", [f"2024-03-{at % 28 + 1:02} 10:0{at % 9}:00" for at in range(100)]).name == "moment"


def test_days_before_months_with_a_time_are_moments_and_with_none_may_be_births() -> None:
    assert kind("c", [f"{at % 28 + 1:02}.03.2024 {at % 24:02}:15" for at in range(200)]).name == "moment"
    assert kind("c", [f"{at % 28 + 1:02}.03.{1940 + at % 60} 00:00" for at in range(200)]).name == "birth_date"
