"""`treat_entities`: what is found is replaced as in a column of its domain, and nothing else is touched."""

from __future__ import annotations

import pickle
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import strategies as st

import privacy_udfs
from privacy_udfs import entities, nested
from privacy_udfs.entities import KINDS, Places, known
from privacy_udfs.entities.elsewhere import Listed
from privacy_udfs.errors import KeyProblem, ParameterError, TypeRefused, ValueRefused
from privacy_udfs.keys import KeyReferences, refer
from privacy_udfs.nested import ByRow, JsonNode, Leaf, ListNode, StructNode
from privacy_udfs.technique import Key, Keys
from privacy_udfs.techniques._known_elsewhere import told_of
from privacy_udfs.techniques._replacements import order_of_elsewhere
from tests.helpers.technique_laws import CANARY, KEY, given
from tests.helpers.vectors import load_vectors

STEPS = ["nfc", "trim", "lower"]
OF_DOMAINS: dict[str, dict[str, Any]] = {
    "crm.email": {"technique": "keyed_hash", "normalize": STEPS},
    "crm.phone": {"technique": "keyed_hash", "encoding": "bigint"},
    "pay.iban": {"technique": "deterministic_encryption", "normalize": STEPS},
    "pay.card": {"technique": "format_preserving_encryption", "preserve": " -"},
}
KIND_OF = {"crm.email": "email", "crm.phone": "phone", "pay.iban": "iban", "pay.card": "payment_card"}
KEYS = {
    "crm.email": Key(KEY), "crm.phone": Key(bytes(32)), "pay.iban": Key(bytes(64), 7), "pay.card": Key(bytes(32)),
}  # fmt: skip


def entity(domain: str) -> dict[str, Any]:
    return {"domain": domain, "treatment": OF_DOMAINS[domain]}


BINARY = {"technique": "deterministic_encryption", "encoding": "binary"}


def domain_of(treatment: dict[str, Any]) -> dict[str, Any]:
    return {"domain": "d", "treatment": treatment}


def of(replacements: dict[str, Any], **parameters: Any) -> Any:
    return privacy_udfs.parse({"technique": "treat_entities", "entities": replacements, **parameters})


ALL = of({KIND_OF[domain]: entity(domain) for domain in OF_DOMAINS} | {"ip": "redact"}, regions=["NO"])


def treated(technique: Any, texts: list[str | None], keys: Keys | None = None) -> list[Any]:
    return list(technique.apply(pa.array(texts, pa.string()), keys or Keys(by_domain=KEYS)).values.to_pylist())


def column(domain: str, value: str) -> str:
    """What a column of the domain has for a value."""
    return str(privacy_udfs.apply(OF_DOMAINS[domain], pa.array([value]), KEYS[domain]).to_pylist()[0])


@pytest.mark.parametrize(
    ("domain", "written", "stored"),
    [
        ("crm.email", "Ann@Example.ORG", " ann@example.org "),
        ("crm.email", "e\u0301va@example.org", "\xe9va@example.org"),
        ("crm.phone", "+47 406 12 345", "+47 406 12 345"),
        ("pay.iban", "NO93 8601 1117 947", "no93 8601 1117 947"),
        ("pay.card", "4111 1111 1111 1111", "4111 1111 1111 1111"),
    ],
)
def test_the_same_value_has_one_pseudonym_in_a_text_and_in_a_column(domain: str, written: str, stored: str) -> None:
    assert treated(ALL, [f"so: {written}, {written}."]) == [f"so: {column(domain, stored)}, {column(domain, stored)}."]


def test_keys_and_domains_keep_pseudonyms_apart() -> None:
    other = Keys(by_domain={**KEYS, "crm.email": Key(bytes(32))})
    (one,), (two,) = (treated(ALL, ["ann@example.org +47 406 12 345"], keys) for keys in (None, other))
    assert one.split()[0] != two.split()[0]
    assert one.split()[1:] == two.split()[1:]


PIECES = st.sampled_from(
    ["ann@example.org", "Bob@example.com", "+47 40612345", "NO93 8601 1117 947", "4111 1111 1111 1111", "192.0.2.1",
     "é", "e\u0301", "👩\u200d🚀", "שלום", " ", ", ", "@", "1", "a", "\n", "\x00", "\u202e"]
)  # fmt: skip
TEXT = st.lists(PIECES | st.text(st.characters(codec="utf-8"), max_size=3), max_size=8).map("".join)


def without(rest: str, kind: str) -> str:
    """What a find leaves of another, as it is to stand."""
    before, said, after = re.fullmatch(r"([\W_]*)(.*?)([\W_]*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{before}[{kind}]{after}" if said else rest


def test_nothing_of_two_finds_that_overlap_stays() -> None:
    technique = of({"payment_card": "redact", "phone": "redact", "email": "redact"}, regions=["US", "DE"])
    texts = ["4242 4242 4242 4242 415 555 2671", "Tel 030 1234567 / 030 1234568.", "ann@b.organn@b.org"]
    got = privacy_udfs.apply(technique, pa.array(texts)).to_pylist()
    assert got == ["[payment_card] [phone]", "Tel [phone] [phone].", "[email]@[email]"]


@given(TEXT)
def test_all_outside_of_what_is_found_stays_byte_for_byte(text: str) -> None:
    (got,) = treated(ALL, [text])
    order = [kind for kind in KINDS if kind in ALL.entities]
    at, place = 0, 0
    for span in entities.find_in(text, order, Places(regions=("NO",))):
        between = text[at : span.start]
        domain = next((domain for domain, kind in KIND_OF.items() if kind == span.kind), None)
        found = text[span.start : span.end]
        word = without(found, span.kind) if span.is_rest else "[ip]" if domain is None else column(domain, found)
        assert got[place : place + len(between) + len(word)] == between + word
        at, place = span.end, place + len(between) + len(word)
    assert got[place:].encode() == text[at:].encode()


@given(st.lists(st.none() | TEXT, max_size=6), st.integers(0, 6))
def test_a_batch_split_anywhere_gives_the_same(texts: list[str | None], at: int) -> None:
    assert treated(ALL, texts[:at]) + treated(ALL, texts[at:]) == treated(ALL, texts)


def test_a_fixed_word_is_not_found_again() -> None:
    marked = of(dict.fromkeys(KINDS, "redact"), regions=["NO"], countries=["NO"])
    texts = [f"{{{kind}}} [{kind}]" for kind in KINDS]
    assert marked.apply(pa.array(texts)).values.to_pylist() == texts


# -- values that are known from other columns of the row ---------------------------------------------------------------

KNOWN = of(
    {"email": entity("crm.email"), "phone": "redact"},
    known={"name": entity("crm.email"), "id": entity("crm.phone"), "who.nick": "redact"},
    regions=["NO"],
)
ROWS = pa.StructArray.from_arrays(
    [
        pa.array(["Ann Smith", " ANN smith", None, "Bo", "Ann@Example.org"]),
        pa.array([40612345, 1001, 1001, 7, 1001], pa.int64()),
        pa.array(["Annie", None, "smith", "", "org"]).dictionary_encode(),
    ],
    ["name", "id", "who.nick"],
)
NOTES = ["annie: Ann\nSMITH has 40612345", "ann smith, 1001", "Smith is no. 1001", "Bo 7", "ann@example.org"]


def test_a_known_value_gets_the_pseudonym_of_its_own_column() -> None:
    names, ids = ROWS.field(0), ROWS.field(1)
    name = privacy_udfs.apply(OF_DOMAINS["crm.email"], names, KEYS["crm.email"]).to_pylist()
    number = privacy_udfs.apply(OF_DOMAINS["crm.phone"], ids, KEYS["crm.phone"]).to_pylist()
    got = KNOWN.apply(pa.array(NOTES), Keys(by_domain=KEYS), ROWS)
    assert got.values.to_pylist() == [
        *(f"[who.nick]: {name[0]} has {number[0]}", f"{name[1]}, {number[1]}", f"[who.nick] is no. {number[2]}"),
        *("Bo 7", name[4]),
    ]
    assert name[0] == name[1], "the domain does not tell them apart"
    halves = [
        KNOWN.apply(pa.array(NOTES[at : at + 2]), Keys(by_domain=KEYS), ROWS.slice(at, 2)).values for at in (0, 2)
    ]
    assert [text for half in halves for text in half.to_pylist()] == got.values.to_pylist()[:4]


def test_in_arrays_and_json_texts_known_values_are_those_of_the_row() -> None:
    plain_ = of({"ip": "redact"}, known={"n": "redact"})
    texts = pa.array([["Ann, Bob", None], [], None, ["Ann", "Bob"]])
    json_ = pa.array(['{"t":["Ann","Bob"]}', "{}", None, '{"t":["Ann"]}'])
    names = pa.array(["Ann", "Ann", "Ann", "Bob"])
    for node, column, expect in (
        (ListNode(Leaf("t: a[]", plain_)), texts, [["[n], Bob", None], [], None, ["Ann", "[n]"]]),
        (
            JsonNode("t: p", {("t", None): Leaf("t: p", plain_)}),
            json_,
            ['{"t":["[n]","Bob"]}', "{}", None, '{"t":["Ann"]}'],
        ),
    ):
        assert nested.beside(node) == ("n",)
        row = pa.StructArray.from_arrays([column, names], ["column", "0"])
        assert nested.treat(ByRow(node, (), ("n",)), row, None, {}).to_pylist() == expect
        assert nested.treat(ByRow(node, (), ("n",)), row.slice(3), None, {}).to_pylist() == expect[3:]


@given(st.lists(st.tuples(TEXT, st.none() | TEXT), max_size=5))
def test_only_what_is_known_or_found_is_touched(rows: list[tuple[str, str | None]]) -> None:
    technique = of({"mac": "redact"}, known={"n": "redact"})
    names = pa.StructArray.from_arrays([pa.array([name for _, name in rows], pa.string())], ["n"])
    got = technique.apply(pa.array([text for text, _ in rows], pa.string()), None, names).values.to_pylist()
    for (text, name), after in zip(rows, got, strict=True):
        rest = iter(text)
        assert all(part in rest for part in after.replace("[n]", "")), "it is the text without some of it"
        wanted = None if name is None else known.sought(name)
        assert wanted is None or not list(known.find(after.replace("[n]", "|"), {"n": wanted}))


def test_the_columns_of_the_row_are_needed_and_none_is_told() -> None:
    texts = pa.array([CANARY])
    for row in (None, texts, pa.StructArray.from_arrays([texts], ["name"])):
        with pytest.raises(TypeRefused, match=r"treat_entities needs the row's name, id, who\.nick") as caught:
            KNOWN.apply(texts, Keys(by_domain=KEYS), row)
        assert CANARY not in str(caught.value)
    floats = pa.StructArray.from_arrays([texts, pa.array([1.5]), texts], ["name", "id", "who.nick"])
    with pytest.raises(
        TypeRefused, match="known: id: values are looked for of text and of whole numbers, not of double"
    ):
        KNOWN.apply(texts, Keys(by_domain=KEYS), floats)
    with pytest.raises(TypeRefused, match="1 values but 5 rows"):
        KNOWN.apply(texts, Keys(by_domain=KEYS), ROWS)
    malformed = pa.array([b"ann\xff"], pa.binary()).view(pa.string())
    row = pa.StructArray.from_arrays([malformed], ["n"])
    assert of({"mac": "redact"}, known={"n": "redact"}).apply(pa.array(["ann"]), None, row).values.to_pylist() == [
        "ann"
    ]


def test_a_record_without_known_is_as_it_was() -> None:
    assert "known" not in ALL.record()
    assert privacy_udfs.parse(KNOWN.record()) == KNOWN
    assert KNOWN.record()["known"]["who.nick"] == "redact"
    assert set(KNOWN.domains()) == {"crm.email", "crm.phone"}


# -- what a domain refuses --------------------------------------------------------------------------------------------


def refusing(on_refused: str, of_text: str) -> Any:
    """Cards are encrypted over digits alone: one that is written with blanks is refused."""
    card = {"technique": "format_preserving_encryption", "on_refused": on_refused}
    return of({"payment_card": {"domain": "pay.card", "treatment": card}}, on_refused=of_text)


def test_a_text_with_a_value_that_its_domain_refuses_is_refused() -> None:
    texts = pa.array([f"{CANARY} 4111 1111 1111 1111", "4111111111111111", "none", None])
    with pytest.raises(ValueRefused, match="treat_entities cannot treat 1 of 4 values") as caught:
        refusing("stop", "stop").apply(texts, Keys(by_domain=KEYS))
    assert CANARY not in str(caught.value)
    assert "4111" not in str(caught.value)
    outcome = refusing("stop", "null").apply(texts, Keys(by_domain=KEYS))
    assert outcome[1:] == (2, 1, 1)
    assert outcome.values.to_pylist()[0] is None
    assert outcome.values.to_pylist()[2:] == ["none", None]


def test_where_a_domain_gives_null_the_kind_stands() -> None:
    texts = ["x 4111 1111 1111 1111"]
    assert treated(refusing("null", "stop"), texts) == ["x [payment_card]"]
    nothing = of({"email": {"domain": "gone", "treatment": {"technique": "redact"}}})
    assert nothing.apply(pa.array(["to ann@example.org"])).values.to_pylist() == ["to [email]"]


def test_malformed_texts_and_refused_ones_are_counted_together() -> None:
    values = pa.array([b"\xff", b"4111 1111 1111 1111", b"fine"], pa.binary()).view(pa.string())
    outcome = refusing("stop", "null").apply(values, Keys(by_domain=KEYS))
    assert outcome[1:] == (1, 0, 2)
    assert outcome.values.to_pylist() == [None, None, "fine"]


# -- parameters and keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "entities: required, and missing"),
        ({"entities": {}}, "at least 1"),
        ({"entities": {"name": "redact"}}, "'email', 'iban'"),
        ({"entities": {"email": "crm.email"}}, "entities.email"),
        ({"entities": {"national_id": "redact"}}, "national_id needs countries"),
        ({"entities": {"email": "redact"}, "countries": ["NO"]}, "countries goes with national_id only"),
        ({"entities": {"email": "redact"}, "regions": ["NO"]}, "regions goes with phone only"),
        ({"entities": {"phone": "redact"}, "regions": ["Norway"]}, "expected codes of US, GB"),
        ({"entities": {"national_id": "redact"}, "countries": ["XX"]}, "expected codes of AL"),
        ({"entities": {"email": domain_of({"technique": "date_shift", "max_days": 3})}}, "date_shift"),
        ({"entities": {"email": domain_of(BINARY)}}, "binary, which cannot stand in a text"),
        (
            {"entities": {"email": entity("crm.email"), "ip": {**entity("pay.iban"), "domain": "crm.email"}}},
            "one domain has two treatments",
        ),
    ],
)  # fmt: skip
def test_faults_of_parameters(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        privacy_udfs.parse({"technique": "treat_entities", **parameters})


def test_it_takes_a_key_for_each_domain_and_text_only() -> None:
    texts = pa.array(["ann@example.org"])
    with pytest.raises(
        KeyProblem, match=r"a key for each of its domains: crm\.email, crm\.phone, pay\.iban, pay\.card"
    ):
        ALL.apply(texts, KEY)
    with pytest.raises(KeyProblem, match=r"domain pay\.iban: deterministic_encryption needs a key"):
        ALL.apply(texts, Keys(by_domain={key: value for key, value in KEYS.items() if key != "pay.iban"}))
    with pytest.raises(TypeRefused, match="it takes text"):
        ALL.output_type(pa.int64())
    assert "\\x" not in repr(Keys(by_domain=KEYS))
    assert pickle.loads(pickle.dumps(ALL)) == ALL


def test_references_to_keys_stand_for_all_of_them(tmp_path: Any) -> None:
    from privacy_udfs.keys import create_file

    technique = of({"email": entity("crm.email"), "iban": entity("pay.iban")})
    references = {}
    for name, domain in (("crm", "crm.email"), ("pay", "pay.iban")):
        create_file(tmp_path / f"{name}.json")
        references[domain] = refer(name, f"file:{tmp_path}/{name}.json", None, technique.domains()[domain], domain)
    node = ListNode(StructNode({"text": Leaf("t: notes[].text", technique, KeyReferences(references))}))
    notes = pa.array([[{"text": "ann@example.org"}, {"text": None}], None, [], [{"text": "none"}]])
    counts: nested.Counts = {}
    got = nested.treat(node, notes, None, counts).to_pylist()
    own = privacy_udfs.apply(OF_DOMAINS["crm.email"], pa.array(["ann@example.org"]), references["crm.email"].resolve())
    assert got == [[{"text": own[0].as_py()}, {"text": None}], None, [], [{"text": "none"}]]
    assert counts == {"t: notes[].text": (2, 1, 0), f"t: notes[].text{nested.WITHIN}": (1, 0, 0)}


def test_finds_that_become_pseudonyms_are_counted_each() -> None:
    """By hand: two and one; what is redacted is none."""
    technique = of({"email": entity("crm.email"), "iban": "redact"})
    texts = ["a@example.org, b@example.org", "c@example.org DE89370400440532013000", None, "none"]
    found = technique.apply(pa.array(texts), Keys(by_domain=KEYS))
    assert (found[1:], found.within) == ((3, 1, 0), 3)


def test_its_vectors_hold_each_kind() -> None:
    assert {kind for vector in load_vectors("treat_entities") for kind in vector.treatment["entities"]} == set(KINDS)


# -- values that are known from other tables ---------------------------------------------------------------------------


def others(values: list[str], domain: str = "crm.email", **parameters: Any) -> tuple[Any, Keys]:
    """A technique that looks for the values of another table, and its keys with what was told of them."""
    elsewhere = {domain: {**entity(domain), "columns": ["crm.customers.name"]}}
    technique = of({"email": "redact"}, known_elsewhere=elsewhere, **parameters)
    told = told_of(pa.array(values), technique.known_elsewhere[domain].treatment, KEYS[domain], domain)
    return technique, Keys(by_domain=KEYS, listed={domain: Listed.of(pa.Table.from_batches([told]))})


def test_values_of_other_tables_get_the_pseudonyms_of_their_columns() -> None:
    technique, keys = others(["Ann Smith", "Bob Smith", "Smith Jones", "Acme Ltd.", "Ann", "ann@example.org"])
    ann, jones, acme, only, mail = (
        column("crm.email", value) for value in ("ann smith", "smith jones", "ACME LTD.", "Ann", "ann@example.org")
    )
    texts = [
        "ANN\nSMITH of Acme Ltd, not Anna",
        "Ann Smith Jones, Bob Smith Jones",
        "ann, ann@example.org, bob@example.org",
        None,
        "",
    ]
    got = technique.apply(pa.array(texts), keys)
    assert got.values.to_pylist() == [
        f"{ann} of {acme}, not Anna", f"{only} {jones}, [crm.email] {jones}", f"{only}, {mail}, [email]", None, "",
    ]  # fmt: skip
    assert got[1:] == (4, 1, 0)


def test_what_the_row_knows_counts_first() -> None:
    technique, keys = others(["Ann Smith", "Bob Lee"], known={"n": "redact"})
    row = pa.StructArray.from_arrays([pa.array(["Ann Smith", "Ann"])], ["n"])
    got = technique.apply(pa.array(["Ann Smith", "Ann Smith, Ann, Bob Lee"]), keys, row).values.to_pylist()
    assert got == ["[n]", f"{column('crm.email', 'ann smith')}, [n], {column('crm.email', 'bob lee')}"]


def test_a_value_of_another_table_that_its_domain_refuses_makes_the_text_a_refused_one() -> None:
    technique, keys = others(["A 4111111111111111", "4111111111111111"], "pay.card", on_refused="null")
    got = technique.apply(pa.array(["of A 4111111111111111", "4111111111111111", "none"]), keys)
    assert got[1:] == (2, 0, 1)
    assert got.values.to_pylist() == [None, column("pay.card", "4111111111111111"), "none"]


def test_values_of_other_tables_come_with_the_keys_and_stand_in_no_record() -> None:
    technique, keys = others(["Ann Smith"])
    with pytest.raises(KeyProblem, match=r"the values to look for of crm\.email: none were sent"):
        technique.apply(pa.array(["x"]), Keys(by_domain=KEYS))
    assert privacy_udfs.parse(technique.record()) == technique
    assert technique.record()["known_elsewhere"]["crm.email"]["columns"] == ["crm.customers.name"]
    assert "known_elsewhere" not in ALL.record()
    assert "Smith" not in repr(keys)
    masked = {"domain": "m", "treatment": {"technique": "mask"}, "columns": ["a.b"]}
    with pytest.raises(ParameterError, match="digests under the domain's key; mask has none"):
        of({"email": "redact"}, known_elsewhere={"m": masked})
    with pytest.raises(ParameterError, match="known_elsewhere: x stands for another domain"):
        of({"email": "redact"}, known_elsewhere={"x": {**entity("crm.email"), "columns": ["a.b"]}})


@pytest.mark.parametrize(
    ("before", "after", "sign"),
    [(["a.b"], ["a.b", "a.c"], 1), (["a.b", "a.c"], ["a.c"], -1), (["a.b"], ["a.c"], None), ([], ["a.b"], 1)],
)
def test_more_columns_are_stronger(before: list[str], after: list[str], sign: int | None) -> None:
    sides = [{"d": {**entity("crm.email"), "columns": columns}} if columns else {} for columns in (before, after)]
    assert order_of_elsewhere(*sides) == sign
