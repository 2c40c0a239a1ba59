"""Recognizers, the weighing of evidence and the hints of names: pure functions, no Spark. Look-alikes count as much."""

# ruff: noqa: RUF001 - letters of other scripts are meant
from __future__ import annotations

import datetime
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.configuration.column_path import ColumnPath
from jobs.detection import distinct, evidence, hints, kinds, leaves, recognizers, scan
from jobs.detection.evidence import Settings, measure
from jobs.detection.recognizers import city, payment_card, placeholders
from privacy_udfs import apply
from privacy_udfs.errors import UnexpectedFailure
from privacy_udfs.techniques import parse
from tests.helpers import labelled_columns, labelled_recipes

SETTINGS = Settings(salt=b"tests")
CASES = [
    (
        "email",
        ["a.b+c@example.org", "用户@例え.jp", "Ann <ann@example.org>"],
        ["a@b", "@home", "a b@example.org x", "3 @ 4.50"],
    ),
    ("iban", ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"], ["DE89370400440532013001", "AB12CDEF"]),
    ("payment_card", ["4111 1111 1111 1111", "378282246310005"], ["4111111111111112", "9999999999999995", "1234"]),
    ("imei", ["490154203237518", "35-209900-176148-1"], ["490154203237519", "378282246310005", "4901542032375180"]),
    ("nine_digits:ssn", ["219099998", "1010001"], ["666123456", "900123456", "123006789", "123450000", "12345"]),
    (
        "passport",
        [
            "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
            "I<UTOD231458907<<<<<<<<<<<<<<<7408122F1204159UTO<<<<<<<<<<<6ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
        ],
        ["L898902C37UTO7408122F1204159ZE184226B<<<<<10", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"],
    ),
    ("passport:de", ["C01X00T47", "C01X00T478"], ["C01X00T479", "A01X00T47", "123456789"]),
    ("licence_plate:de", ["B-AB 1234", "M AB 1", "FÜ-X 12H"], ["ABC-1234", "AB123", "B-AB 0123"]),
    ("licence_plate:fr", ["AB-123-CD", "AB 123 CD"], ["AI-123-CD", "AB-12-CD"]),
    ("licence_plate:it", ["AB123CD"], ["AQ123CD", "AB1234CD"]),
    ("licence_plate:gb", ["AB12 CDE", "AB62CDE"], ["AB32 CDE", "AI12 CDE", "AB12 CD"]),
    ("licence_plate:es", ["1234 BCD"], ["1234 ABC", "123 BCD"]),
    ("licence_plate:nl", ["XX-123-X", "12-BBB-3"], ["AE-123-X", "XX123X"]),
    ("user_name:named", ["anna.schmidt", "jsmith42", "@miller_77"], ["cache-01", "order_status", "Anna Schmidt"]),
    (
        "placeholder:9999-12-31",
        ["9999-12-31", "31.12.9999", "99991231", "12/31/9999", "9999-12-31 23:59:59"],
        ["1999-12-31", "99991231999", "9999-12-31x"],
    ),
    ("mac", ["00:1b:44:11:3a:b7", "00-1B-44-11-3A-B7", "001b.4411.3ab7"], ["00:1b:44", "12:30:45", "aabbccddeeff"]),
    ("ip", ["192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7", "192.0.2.0/24"], ["192.0.2.256", "1.2.3", "12:30"]),
    ("device_id", ["123e4567-e89b-42d3-a456-426614174000", "GA1.2.1234567890.1612345678"], ["SKU-1234", "a" * 31]),
    (
        "url_user_data",
        ["https://u:p@example.org/", "https://x.org/?email=a%40b.de", "/p?token=ab12"],
        ["https://x.org/a?page=2"],
    ),
    ("coordinates", ["52.5200, 13.4050", "POINT (13.4 52.5)", "52° 31' N"], ["12.50, 13.99", "1, 2"]),
    (
        "date",
        ["1980-02-29", "29.02.1980", "02/29/1980", "19800229", "29 février 1980", "1980年2月29日"],
        ["1980", "12.50"],
    ),
    (
        "phone",
        ["+49 1512 3456789", "(212) 555-0123", "06 12 34 56 78", "020-7946-0958"],
        ["2024-12345", "12.345.67", "1234567"],
    ),
    ("national_id:br.cpf", ["390.533.447-05"], ["INV-2024-1"]),
    ("national_id:us.ssn", ["123-45-6789"], ["123456789", "123-456-789"]),
    (
        "street",
        ["Hauptstraße 5", "12 Rue de la Paix", "ул. Ленина, д. 4", "東京都港区芝公園4丁目2"],
        ["Oak Chair", "A note."],
    ),
    (
        "person_name",
        ["Anna Schmidt", "Иван Петров", "山田 太郎", "李伟", "김민준", "Müller"],
        ["Oak Chair", "NEW", "In Progress"],
    ),
    ("free_text_person", ["please call back Mr. Smith about it today"], ["please call back about the order today"]),
    ("company", ["Acme GmbH", "Smith, Jones and Sons", "ООО Ромашка"], ["Anna Schmidt", "Berlin"]),
    ("epoch", ["1700000000", "1700000000123"], ["17000", "9700000000"]),
    ("ean", ["4006381333931"], ["4006381333932"]),
]


@pytest.mark.parametrize(("finding", "yes", "no"), CASES, ids=[case[0] for case in CASES])
def test_values_are_recognized_and_look_alikes_are_not(finding: str, yes: list[str], no: list[str]) -> None:
    values = pa.array([*yes, *no])
    found = placeholders.recognize(values) if finding.startswith("placeholder") else recognizers.recognize(values)
    shown = found.get(finding, np.zeros(len(yes) + len(no), bool))
    assert shown.tolist() == [True] * len(yes) + [False] * len(no)


TEXTS = pa.array(["x", "", "\U0001f600", "a" * 5000, "+", "0", "-1", "\ud7ff", "1e9", "NaN", "\n", "%40@", "('"])


@pytest.mark.parametrize("module", recognizers.OF_TEXTS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_recognizer_takes_empty_sliced_and_odd_arrays(module: object) -> None:
    for values in (pa.array([], pa.string()), TEXTS, TEXTS.slice(3, 4), TEXTS.slice(5, 0)):
        for mask in recognizers.recognize(values, (module,)).values():  # type: ignore[arg-type]
            assert mask.dtype == np.bool_
            assert len(mask) == len(values)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(), max_size=20))
def test_no_text_makes_a_recognizer_fail(texts: list[str]) -> None:
    values = pa.array([text.encode(errors="ignore").decode() for text in texts], pa.string())
    part = measure(values, SETTINGS)
    assert part.examined + part.nulls <= part.rows
    assert all(0 < count <= part.examined for count in part.counts.values())


def test_a_failing_recognizer_names_itself_and_no_value() -> None:
    with pytest.raises(UnexpectedFailure) as failed:
        recognizers.recognize(pa.array(["canary-7f3a"]), (_Broken,))  # type: ignore[arg-type]
    assert str(failed.value) == "the recognizer _Broken failed with ValueError"
    assert failed.value.__cause__ is None


def test_a_column_that_cannot_be_looked_at_is_named_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(values: pa.Array, *rest: object) -> None:
        raise pa.ArrowInvalid(str(values.to_pylist()))

    monkeypatch.setattr(evidence, "measure", fails)
    batch = pa.RecordBatch.from_pydict({"a": pa.array([{"b": "canary-7f3a"}])})
    with pytest.raises(UnexpectedFailure) as failed:
        list(scan._measure_all(iter([batch]), SETTINGS, ("a",)))
    assert str(failed.value) == "a.b: its values could not be looked at: ArrowInvalid"
    assert failed.value.__cause__ is None


def test_a_number_that_a_check_of_stdnum_stumbles_over_is_none() -> None:
    """Its Chinese check raises KeyError where it knows the province, and not the county."""
    assert not recognizers.recognize(pa.array(["636455198001010013"])).get("national_id:cn.ric", np.zeros(1)).any()


class _Broken:
    __name__ = "tests._Broken"

    @staticmethod
    def recognize(values: pa.StringArray) -> None:
        raise ValueError(values.to_pylist())


def test_luhn_agrees_with_the_sum_written_out() -> None:
    rnd = random.Random(5)
    numbers = ["".join(rnd.choice("0123456789") for _ in range(rnd.randrange(12, 20))) for _ in range(500)]

    def valid(number: str) -> bool:
        doubled = [int(d) * (1 + at % 2) for at, d in enumerate(reversed(number))]
        return sum(d - 9 * (d > 9) for d in doubled) % 10 == 0

    found = payment_card.luhn(pa.array(numbers), np.ones(500, np.bool_))
    assert found.tolist() == [valid(number) for number in numbers]
    assert 20 < found.sum() < 90  # a tenth of random numbers


def kind(values: pa.Array, name: str = "c") -> str:
    seen = measure(values, SETTINGS).evidence({"int64": "bigint"}.get(str(values.type), str(values.type)))
    return kinds.decide(seen, hints.of(ColumnPath.parse(name))).name


def test_types_that_hold_the_same_are_judged_the_same() -> None:
    cards = ["4111111111111111", "5500005555555559", "4012888888881881"]
    born = [datetime.date(1940 + at % 60, 3, 4) for at in range(100)]
    assert kind(pa.array(cards)) == kind(pa.array([int(card) for card in cards])) == "payment_card"
    assert kind(pa.array(born)) == kind(pa.array([str(day) for day in born])) == "birth_date"
    assert kind(pa.array(cards).dictionary_encode()) == kind(pa.array(cards, pa.large_string())) == "payment_card"
    assert kind(pa.array([card.encode() for card in cards])) == "payment_card"
    assert kind(pa.array([4111111111111111.0, None, 5500005555555559.0])) == "payment_card"


def test_what_cannot_be_text_is_counted_and_not_looked_at() -> None:
    for values in (pa.array([b"\xff\xfe", None]), pa.nulls(2), pa.array([[1], None])):
        part = measure(values, SETTINGS)
        assert (part.rows, part.examined, dict(part.counts)) == (2, 0, {})
    assert kind(pa.array([True, False])) == "unknown"
    assert kind(pa.array([], pa.string())) == "unknown"


def test_moments_are_no_births_and_recent_dates_neither() -> None:
    recent = [datetime.datetime(2024, 1, 1) + datetime.timedelta(hours=at) for at in range(100)]
    assert kind(pa.array(recent)) == kind(pa.array([moment.date() for moment in recent])) == "moment"
    assert kind(pa.array([int(moment.timestamp() * 1000) for moment in recent])) == "moment"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kundenEMail", "email"),
        ("cust_mobile_no", "phone"),
        ("Geburtsdatum", "birth_date"),
        ("prénom", "person_name"),
        ("address.street", "street"),
        ("customer_id", "person_key"),
        ("items[].gift_note", "free_text_person"),
        ("фамилия", "person_name"),
    ],
)
def test_names_hint_in_many_languages(name: str, expected: str) -> None:
    assert expected in hints.of(ColumnPath.parse(name))


def test_short_notes_are_taken_for_text_about_persons_by_their_name() -> None:
    notes = pa.array(["For Anna", "With love", "Happy birthday"] * 20)
    assert kind(notes) == "unknown"
    assert kind(notes, "items[].gift_note") == kind(pa.nulls(9, pa.string()), "comment") == "free_text_person"
    assert kind(pa.array([5, 10, 20, 50] * 20), "note") == "unknown"


@pytest.mark.parametrize("name", ["product_name", "email_template", "ip_count", "company_name", "status", "total"])
def test_names_that_only_sound_like_it_do_not_hint(name: str) -> None:
    assert not set(hints.of(ColumnPath.parse(name))) & {"person_name", "email", "ip", "phone", "person_key"}


def test_distinct_values_are_estimated_and_merge() -> None:
    bits = distinct.size_for(20_000)
    texts = pa.array([str(at) for at in range(15_000)])
    left, right = (distinct.bitmap(part, bits, b"s") for part in (texts.slice(0, 9_000), texts.slice(6_000)))
    assert abs(distinct.estimate(left | right) - 15_000) < 300
    assert distinct.estimate(distinct.bitmap(texts.slice(0, 0), bits, b"s")) == 0
    assert (distinct.bitmap(texts, bits, b"other") != distinct.bitmap(texts, bits, b"s")).any()


@pytest.mark.parametrize("cut", [1, 40, 99])
def test_evidence_of_parts_adds_up_to_that_of_the_whole(cut: int) -> None:
    values = pa.array([None if at % 9 == 0 else f"user{at}@example.org" for at in range(100)])
    whole, parts = measure(values, SETTINGS), measure(values.slice(0, cut), SETTINGS) + measure(values[cut:], SETTINGS)
    assert whole.counts == parts.counts
    assert (whole.rows, whole.nulls, whole.examined) == (parts.rows, parts.nulls, parts.examined)
    assert (whole.bits == parts.bits).all()


def test_evidence_as_data_holds_shares_and_no_value() -> None:
    data = measure(pa.array(["canary-7f3a@example.org"] * 3), SETTINGS).evidence("string").as_data()
    assert data["match"]["email"] == 1.0
    assert "canary" not in repr(data)


def test_leaves_of_sliced_and_null_nested_arrays() -> None:
    inner = pa.struct([("x", pa.int64())])
    rows = pa.table(
        {
            "s": pa.array([{"x": 1}, None, {"x": 3}], inner),
            "l": pa.array([[{"x": 1}, {"x": 2}], None, [{"x": 3}]], pa.list_(inner)),
            "m": pa.array([[("a", 1)], None, [("b", 2), ("c", 3)]], pa.map_(pa.string(), pa.int64())),
        }
    )
    batch = rows.slice(1, 2).combine_chunks().to_batches()[0]
    found = {str(path): values.to_pylist() for path, values in leaves.of_batch(batch, "slm")}
    assert found == {"s.x": [None, 3], "l[].x": [3], "m{key}": ["b", "c"], "m{value}": [2, 3]}


@pytest.mark.parametrize(
    "record",
    [
        {"technique": "keyed_hash", "prefix": "c_", "encoding": "hex"},
        {"technique": "keyed_hash", "bits": 64},
        {"technique": "keyed_hash", "encoding": "uuid"},
        {"technique": "deterministic_encryption"},
        {"technique": "deterministic_encryption", "encoding": "base64url", "output_prefix": "raw"},
    ],
)
def test_pseudonyms_have_the_shape_that_is_expected_of_them(record: dict[str, object]) -> None:
    pattern = parse(record).result_pattern()
    assert pattern is not None
    made = apply(record, pa.array(["a", "bb", "c" * 50]), key=bytes(range(64)))
    assert recognizers.text.matches(made, pattern).all()
    assert not recognizers.text.matches(pa.array(["a@example.org", "Anna"]), pattern).any()


def test_towns_are_known_by_hashes_that_seldom_err() -> None:
    """The file's own order is what the search in it relies on."""
    held = city.towns()
    assert (np.diff(held.astype(np.int64)) > 0).all()
    towns = pa.array(["Castrop-Rauxel", "MÜNCHEN", "Clermont-Ferrand", "Córdoba", "Kraków", "São Paulo", "Lisboa"])
    assert city.recognize(towns)["city"].all()
    rnd = random.Random(3)
    others = pa.array(["".join(rnd.choices("abcdefghijklmnopqrstuvwxyz", k=12)) for _ in range(20_000)])
    assert city.recognize(others)["city"].sum() < 5


def test_the_half_that_rules_were_tuned_on_keeps_its_quality() -> None:
    """A sixteenth of the labelled columns of that half. The other is for `tests.helpers.labelled_columns`."""
    results = list(labelled_columns.judged(labelled_recipes.columns("tune", every=16)))
    scores = labelled_columns.scores(results)
    assert scores["direct"] > 12
    assert scores["recall"] >= 0.9
    assert scores["precision"] >= 0.9


def test_labelled_columns_cover_a_dozen_locales_and_both_halves() -> None:
    made = list(labelled_recipes.recipes())
    assert len({recipe.label for recipe in made}) == len(made)
    halves = [recipe.half for recipe in made]
    assert 0.4 < halves.count("tune") / len(halves) < 0.6
    assert len(labelled_recipes.FAKER) >= 12
