"""JSON text by path: what no path leads to stays byte for byte, what one leads to is treated as a column would be."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import privacy_udfs
from privacy_udfs import nested
from privacy_udfs.errors import ValueRefused
from privacy_udfs.json_text.branches import JsonPath
from privacy_udfs.json_text.scanner import MOST_BYTES, MOST_DEPTH, MOST_STRETCHES
from privacy_udfs.nested import Counts, Dropped, JsonNode, Kept, Leaf
from privacy_udfs.technique import Key

KEY = Key(b"k" * 32)
HASH = {"technique": "keyed_hash"}
EMAIL: JsonPath = ("user", "email")
Part = Leaf | Kept | Dropped


def leaf(treatment: dict[str, Any], label: str = "t: p:$.user.email") -> Leaf:
    technique = privacy_udfs.parse(treatment)
    return Leaf(label, technique, KEY if technique.takes_key() else None)


def treated(paths: dict[JsonPath, Part], *texts: str | None, counts: Counts | None = None) -> list[str | None]:
    found = nested.treat(JsonNode("t: p", paths), pa.array(texts, pa.string()), None, {} if counts is None else counts)
    assert found.type == pa.string()
    return list(found.to_pylist())


def refusal(paths: dict[JsonPath, Part], *texts: str | None) -> str:
    with pytest.raises(ValueRefused) as caught:
        treated(paths, *texts)
    return str(caught.value)


def pseudonym(value: Any, treatment: dict[str, Any] = HASH, kind: pa.DataType | None = None) -> Any:
    """What a plain column's value becomes."""
    return privacy_udfs.apply(treatment, pa.array([value], kind), key=KEY.material)[0].as_py()


REST: dict[JsonPath, Part] = {(): Kept()}
HASHED: dict[JsonPath, Part] = {**REST, EMAIL: leaf(HASH)}


def test_all_else_stays_byte_for_byte() -> None:
    text = (
        ' \n{ "z" : 1.50e+400 ,"a":12345678901234567890123,\t"u":"\\u0041\\/\\ud83d","user":{"email" : "a@b.c" ,'
        '"email2":"é"},"z":1, "n":[ [] ,{} , null,true ]}\r\n'
    )
    [got] = treated(HASHED, text)
    assert got == text.replace('"a@b.c"', json.dumps(pseudonym("a@b.c")))


@pytest.mark.parametrize(
    ("literal", "value", "kind"),
    [
        ('"a@b.c"', "a@b.c", pa.string()),
        (r'"\u0061\u0040b.c"', "a@b.c", pa.string()),
        (r'"\ud83d\ude00\n\"\\\/"', '\U0001f600\n"\\/', pa.string()),
        ('""', "", pa.string()),
        ("42", 42, pa.int64()),
        ("-0", 0, pa.int64()),
        ("9007199254740993", 9007199254740993, pa.int64()),
        ("-9223372036854775808", -(2**63), pa.int64()),
        ("9223372036854775808", 2**63, pa.decimal128(38, 0)),
        ("9" * 38, int("9" * 38), pa.decimal128(38, 0)),
        ("true", True, pa.bool_()),
        ("false", False, pa.bool_()),
    ],
)
def test_the_pseudonym_of_a_plain_column(literal: str, value: Any, kind: pa.DataType) -> None:
    """An integer has the one that it has as text, too."""
    [got] = treated(HASHED, f'{{"user":{{"email":{literal}}}}}')
    assert json.loads(str(got)) == {"user": {"email": pseudonym(value, HASH, kind)}}
    if literal.isdigit():
        assert pseudonym(literal) == pseudonym(value, HASH, kind)


def test_null_and_missing_stay() -> None:
    counts: Counts = {}
    texts = ['{"user":{"email":null}}', '{"user":{}}', '{"user":null}', "{}", None, '{"user":{"email":"x"}}']
    assert treated(HASHED, *texts, counts=counts)[:5] == texts[:5]
    assert counts == {"t: p:$.user.email": (1, 1, 0)}


def test_elements_and_names_by_what_they_read() -> None:
    paths: dict[JsonPath, Part] = {("items", None, "it's é"): leaf({"technique": "truncate", "keep": 1}), (): Kept()}
    got = treated(paths, r'{"it\u0065ms":[{"it\u0027s \u00e9":"abc"}, {"x":"abc"}, null, {}]}', '{"items":[]}')
    assert got == [r'{"it\u0065ms":[{"it\u0027s \u00e9":"a"}, {"x":"abc"}, null, {}]}', '{"items":[]}']


def test_results_are_written_as_json() -> None:
    paths: dict[JsonPath, Part] = {("a",): leaf({"technique": "mask", "char": "\\"}), (): Kept()}
    assert treated(paths, '{"a":"x\\ny"}') == [r'{"a":"\\\\\\"}']
    assert treated({("a",): leaf({**HASH, "encoding": "bigint"})}, '{"a":"x"}') == [
        f'{{"a":{pseudonym("x", {**HASH, "encoding": "bigint"})}}}'
    ]
    lower = {"technique": "generalize_number", "width": 10, "label": "lower"}
    assert treated({("a",): leaf(lower)}, '{"a":37}') == ['{"a":30}']


@pytest.mark.parametrize(
    ("treatment", "text", "result"),
    [
        ("redact", '{"a": {"b":[1]} , "c":1}', '{"a": null , "c":1}'),
        ("redact", '{"a":1.5}', '{"a":null}'),
        ({"technique": "redact", "value": "x\n"}, '{"a":[1.5]}', '{"a":"x\\n"}'),
        ({"technique": "redact", "value": 7}, '{"a":null}', '{"a":null}'),
    ],
)
def test_whatever_stands_there_is_redacted(treatment: Any, text: str, result: str) -> None:
    given = {"technique": "redact"} if treatment == "redact" else treatment
    assert treated({**REST, ("a",): leaf(given)}, text) == [result]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('{"x":1}', "{}"),
        ('{ "x" : {"y":[1]} , "b" : 2 }', '{ "b" : 2 }'),
        ('{"b":2 , "x":1 }', '{"b":2 }'),
        ('{"x":1,"b":2,"y":3,"c":4}', '{"b":2,"c":4}'),
        ('{"x":1,"y":2 , "b":2}', '{"b":2}'),
        ('{"x":1 ,"y":2 }', "{ }"),
        ('{"b":[0],"x":1 ,"y":"\\n" ,"c":"\\n"}', '{"b":[0] ,"c":"\\n"}'),
        ('{"b":{"x":1}}', '{"b":{"x":1}}'),
    ],
)
def test_a_member_is_cut_out_with_one_comma(text: str, result: str) -> None:
    assert treated({**REST, ("x",): Dropped(), ("y",): Dropped()}, text) == [result]


def test_what_no_path_names_is_cut_out() -> None:
    paths: dict[JsonPath, Part] = {(): Dropped(), EMAIL: leaf(HASH), ("items", None, "n"): Kept()}
    got = treated(paths, '{"a":1,"user":{"id":1,"email":"x"},"items":[1,{"n":2,"m":3},null,{"m":1}],"z":[]}')
    assert got == [f'{{"user":{{"email":"{pseudonym("x")}"}},"items":[{{"n":2}},{{}}]}}']


def test_kept_members_are_passed_over_only_where_they_stand() -> None:
    """Also where one of their names, or none, is told with escapes, and where they are there twice."""
    paths: dict[JsonPath, Part] = {("k",): Kept(), ("k.+",): Kept(), ("a",): leaf({"technique": "redact"})}
    text = '{"k":1, "k.+" : "x" ,"k":2.5,"a":1,"\\u006b":3 , "k":"\\n","k":[1],"k":null}'
    assert treated(paths, text) == [text.replace('"a":1', '"a":null')]
    for other in ('"kk":1,', '"k+":1,', '"K":1,', '"\\u006bk":1,', '"":1,'):
        assert "something below $ that nobody" in refusal(paths, f'{{"k":1,{other}"k":2}}')
    kept: dict[JsonPath, Part] = {(): Kept(), ("a.",): leaf({"technique": "redact"})}
    texts = '{"b":1,"a.":1,"aa":1}', '{"ab":1,"\\u0061.":[1],"b":2}', '{"a":1 , "a.b":2, "a." : "\\n" }'
    assert treated(kept, *texts) == [
        '{"b":1,"a.":null,"aa":1}',
        '{"ab":1,"\\u0061.":null,"b":2}',
        '{"a":1 , "a.b":2, "a." : null }',
    ]


def test_the_nearest_decision_above_holds() -> None:
    paths: dict[JsonPath, Part] = {("user",): leaf({"technique": "redact"}), EMAIL: Kept(), ("n",): Kept()}
    text = '{"user":{"id":1,"email":"x","tags":["a"]},"n":1}'
    assert treated(paths, text) == ['{"user":{"id":null,"email":"x","tags":null},"n":1}']


UNDECIDED = {k: v for k, v in HASHED.items() if k}
NO_JSON = [
    "", " ", "{", '{"a":1', '{"a":1}}', '{"a":1} x', "{'a':1}", '{"a":1,}', '{"a" 1}', "{a:1}", '{"a":NaN}',
    '{"a":[-Infinity]}', '{"a":01}', '{"a":1.}', '{"a":+1}', '{"a":.5}', '{"a":"\t"}', '{"a":"\\x"}', '{"a":tru}',
    '{"a":/**/1}', '\ufeff{"a":1}', '{"a":"x}', '{"user":{"email":"\\ud83"}}', '{"a":[1,]}', '{"user":{"email":1 2}}',
    '{"a":1}\x00', '{"a":1\xa0}', '{"user":{"email":nul}}', "{,}", '{"a":1,,"b":2}',
]  # fmt: skip


@pytest.mark.parametrize("text", NO_JSON)
def test_what_is_no_json_is_refused(text: str) -> None:
    told = refusal(HASHED, '{"user":{}}', text)
    assert told == "t: p: 1 of 2 JSON texts in this batch cannot be treated (1: no JSON by RFC 8259)"


@pytest.mark.parametrize("text", ['"canary"', "[]", "17", "null", '[{"user":1}]'])
def test_another_root_is_refused(text: str) -> None:
    assert "neither an object nor an array that paths lead into" in refusal(HASHED, text)


def test_an_array_that_paths_lead_into() -> None:
    assert treated({(None, "a"): leaf({"technique": "truncate", "keep": 1})}, '[{"a":"xyz"},{}]') == ['[{"a":"x"},{}]']


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('{"canary":1}', "something below $ that nobody decided about"),
        ('{"canary":null}', "something below $ that nobody decided about"),
        ('{"user":{"canary":{}}}', "something below $.user that nobody decided about"),
        ('{"user":"canary"}', "a value at $.user that its longer paths do not lead into"),
        ('{"user":[{"email":"canary"}]}', "a value at $.user that its longer paths do not lead into"),
        ('{"user":{"email":"canary","email":"canary"}}', "$.user.email is there twice"),
        ('{"user":{"email":"canary"},"us\\u0065r":{}}', "$.user is there twice"),
        ("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1), f"nested deeper than {MOST_DEPTH}"),
        ('{"user":{"email":' + "[" * 100_000, f"nested deeper than {MOST_DEPTH}"),
    ],
)
def test_refused_by_a_rule_that_holds_no_word_of_the_text(text: str, rule: str) -> None:
    assert refusal(UNDECIDED, text, "{}", '{"user":null}') == (
        f"t: p: 1 of 3 JSON texts in this batch cannot be treated (1: {rule})"
    )


@pytest.mark.parametrize("text", ['{"user":"canary"}', '{"user":[{"email":"canary"}]}'])
def test_a_path_cannot_be_walked_around_where_the_rest_is_kept(text: str) -> None:
    assert "longer paths do not lead into" in refusal(HASHED, text)


def test_brackets_in_strings_are_no_depth() -> None:
    text = json.dumps({"a": '[{"' * 200, "user": {"email": "x"}, "b": [[]] * 200})
    assert treated({**REST, EMAIL: Kept()}, text) == [text]
    assert "nested deeper" in refusal(HASHED, '{"a":"\\"","b":' + "[" * MOST_DEPTH + "]" * MOST_DEPTH + "}")
    deepest = '{"a":' + "[" * (MOST_DEPTH - 1) + "]" * (MOST_DEPTH - 1) + "}"
    assert treated(HASHED, deepest) == [deepest]


def test_a_text_that_is_too_long_is_refused_before_it_is_read() -> None:
    told = refusal(HASHED, "{}", "x" * (MOST_BYTES + 1))
    assert told == "t: p: 1 of 2 JSON texts in this batch cannot be treated (1: longer than 16 MiB)"


@pytest.mark.parametrize("part", [leaf(HASH), leaf({"technique": "redact"}), Dropped()], ids=["hash", "redact", "drop"])
def test_a_text_of_too_many_values_is_refused(part: Part) -> None:
    text = '{"a":[{"b":1},' + "0," * MOST_STRETCHES + "0]}"
    told = refusal({("a", None): part, ("a", None, "b"): Kept()}, text)
    assert "more than 1048576 values" in told


@pytest.mark.parametrize(
    ("literal", "kind"),
    [
        ("1.0", "numbers with a fraction"),
        ("1e2", "numbers with a fraction"),
        ("1" * 39, "too many digits"),
        ("1" * 100_000, "too many digits"),
        ('["canary"]', "objects or arrays"),
        ('{"canary":1}', "objects or arrays"),
        (r'"\ud83d canary"', "strings with half a surrogate"),
    ],
)
def test_values_of_no_kind(literal: str, kind: str) -> None:
    text = f'{{"user":{{"email":{literal}}}}}'
    told = refusal(HASHED, text, '{"user":{"email":"x"}}')
    assert told.startswith("t: p:$.user.email: keyed_hash cannot treat 1 of 2 values in this batch")
    assert kind in told
    assert "canary" not in told
    counts: Counts = {}
    got = treated({**REST, EMAIL: leaf({**HASH, "on_refused": "null"})}, text, counts=counts)
    assert got == ['{"user":{"email":null}}']
    assert counts == {"t: p:$.user.email": (0, 0, 1)}


def test_a_number_is_no_text() -> None:
    told = refusal({**REST, ("a",): leaf({"technique": "mask"}, "t: p:$.a")}, '{"a":"x"}', '{"a":17}')
    assert told == (
        "t: p:$.a: mask cannot treat 1 of 2 values in this batch, which are of kinds that it does not take in JSON: "
        "1 integers"
    )


def test_what_a_technique_refuses_itself() -> None:
    fpe = {"technique": "format_preserving_encryption", "alphabet": "digits"}
    assert "cannot treat 1 of 1 values" in refusal({**REST, EMAIL: leaf(fpe)}, '{"user":{"email":"12"}}')


def test_not_utf_8() -> None:
    values = pa.array([b'{"user":{}}', b'{"a":"\xff"}']).view(pa.string())
    with pytest.raises(ValueRefused, match=r"1: no JSON by RFC 8259\)$"):
        nested.treat(JsonNode("t: p", HASHED), values, None, {})


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())])
def test_layouts_and_slices(kind: pa.DataType) -> None:
    texts = [None, '{"user":{"email":"a"}}', None, '{"user":{"email":"b"}}', '{"user":{}}']
    whole = treated(HASHED, *texts)
    values = pa.array(texts).cast(kind)
    for start in range(len(texts) + 1):
        got = nested.treat(JsonNode("t: p", HASHED), values.slice(start), None, {})
        assert got.to_pylist() == whole[start:]


def test_the_subject_of_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions of a few bytes: rows are counted through all of them."""
    monkeypatch.setattr("privacy_udfs.json_text.documents.PORTION", 20)
    noise = {"technique": "add_noise", "scale": 5, "distribution": "uniform"}
    subject = pa.array(["ann", "bob", "cyd", "dan"])
    texts = [f'{{"a":[{at},{at}]}}' for at in (10, 20, 30, 40)]
    node = JsonNode("t: p", {("a", None): leaf(noise)})
    got = nested.treat(node, pa.array(texts), subject, {})
    plain = privacy_udfs.apply(noise, pa.array([10, 20, 30, 40]), key=KEY.material, subject=subject).to_pylist()
    assert [json.loads(text)["a"] for text in got.to_pylist()] == [[value, value] for value in plain]


def test_all_portions_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privacy_udfs.json_text.documents.PORTION", 20)
    texts = ["x", '{"user":{"email":"a"}}', '{"user":1}', '{"user":{"email":1.5}}', "", '{"user":{}}'] * 40
    told = refusal(HASHED, *texts)
    assert told == (
        "t: p: 120 of 240 JSON texts in this batch cannot be treated (80: no JSON by RFC 8259; 40: a value at $.user "
        "that its longer paths do not lead into)"
    )
    good = ['{"user":{"email":"a"}}', None, '{"user":{}}'] * 40
    counts: Counts = {}
    assert treated(HASHED, *good, counts=counts) == treated(HASHED, *good[:3]) * 40
    assert counts == {"t: p:$.user.email": (40, 0, 0)}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b", "c", 'é"\\', ""]), inner),
)


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(["a", "b", "x"]), JSON), max_size=4),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
)
def test_it_reads_as_python_reads_it(documents: list[dict[str, Any]], indent: int | str | None, plain: bool) -> None:
    """Redacted at ``$.a.b`` and ``$.x[*]``, cut out at ``$.b``: the same as on what Python reads; else unchanged."""
    paths: dict[JsonPath, Part] = {
        (): leaf({"technique": "redact", "value": 0}, "rest"), ("a", "b"): leaf({"technique": "redact"}),
        ("b",): Dropped(), ("x", None): Kept(),
    }  # fmt: skip
    texts = [json.dumps(each, indent=indent, ensure_ascii=plain) for each in documents]
    got = treated(paths, *texts)
    assert [json.loads(str(text)) for text in got] == [expected(each) for each in documents]
    assert treated({(): Kept(), ("never",): Kept()}, *texts) == texts


def expected(document: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in document.items():
        if name == "a" and isinstance(value, dict):
            found[name] = {inner: None if inner == "b" or each is None else 0 for inner, each in value.items()}
        elif name == "x" and isinstance(value, list):
            found[name] = value
        elif name != "b":
            found[name] = None if value is None else 0
    return found
