"""Values of other tables are found by digests: whole words, the right ones, and no list of values anywhere."""

from __future__ import annotations

import pickle
import unicodedata
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import strategies as st

import privacy_udfs
from privacy_udfs.entities import elsewhere, known, words
from privacy_udfs.entities.elsewhere import Listed, Search, digest_key
from privacy_udfs.technique import Key
from privacy_udfs.techniques._known_elsewhere import digests_of, told_of
from tests.helpers.technique_laws import CANARY, KEY, given

STEPS = ("nfc", "trim", "lower")


def domain(*steps: str) -> Any:
    return privacy_udfs.parse({"technique": "keyed_hash", "normalize": list(steps)})


def listed(values: list[Any], *steps: str, technique: Any = None, kind: pa.DataType | None = None) -> Listed:
    batch = told_of(pa.array(values, kind or pa.string()), technique or domain(*steps), Key(KEY), "d")
    return Listed.of(pa.Table.from_batches([batch]))


def search(values: list[str], *steps: str) -> Search:
    return Search(listed(values, *steps), digests_of(domain(*steps), Key(KEY), "d"))


def found(text: str, values: list[str], *steps: str) -> list[str]:
    """From left to right, the longest of those at one place first."""
    places = search(values, *steps).rows([text]).get(0, [])
    return [text[start:end] for start, end in sorted(places, key=lambda each: (each[0], -each[1]))]


@pytest.mark.parametrize(
    ("values", "text", "steps", "expected"),
    [
        (["Ann"], "Ann's ANN, ann_b (ann) Anna annual xann 1ann", STEPS, ["Ann", "ANN", "ann", "ann"]),
        (["Ann"], "Ann's ANN, ann_b", ("nfc", "trim"), ["Ann"]),
        (["Ann Smith"], "Ann  Smith or ANN\r\n\tSMITH, Ann. Smith AnnSmith", STEPS, ["Ann  Smith", "ANN\r\n\tSMITH"]),
        ([" Ann\tSmith "], "to Ann Smith", STEPS, ["Ann Smith"]),
        (["Ann", "Ann Smith", "Smith Jones"], "Ann Smith Jones", STEPS, ["Ann Smith", "Ann", "Smith Jones"]),
        (["Acme & Sons Ltd."], "of acme & sons ltd. or Acme & Sons Ltd, Acme Sons Ltd", STEPS,
         ["acme & sons ltd", "Acme & Sons Ltd"]),
        (["O'Brien-Lee"], "O'Brien-Lee O\u2019Brien-Lee OBrien Lee", STEPS, ["O'Brien-Lee"]),
        (["José"], "Jose\u0301 JOSÉ jose Josef", STEPS, ["Jose\u0301", "JOSÉ"]),
        (["José"], "Jose\u0301 José", ("trim",), ["José"]),
        (["Smith"], "Sm\u00adith \u200bSmith\u200b", ("strip_zero_width", "lower"), ["Sm\u00adith", "Smith"]),
        (["Smith"], "Sm\u00adith Smith\u00adson", ("lower",), []),
        (["\uff21\uff2e\uff2e"], "Ann \uff21\uff2e\uff2e", ("nfkc", "lower"), ["Ann", "\uff21\uff2e\uff2e"]),
        (["ΟΔΥΣΣΕΑΣ"], "οδυσσεας, ΟΔΥΣΣΕΑΣ", STEPS, ["οδυσσεας", "ΟΔΥΣΣΕΑΣ"]),
        (["Владимир Путин"], "это ВЛАДИМИР путин.", STEPS, ["ВЛАДИМИР путин"]),
        (["\u05d3\u05d5\u05d3"], "\u05d0\u05dc \u05d3\u05d5\u05d3.", STEPS, ["\u05d3\u05d5\u05d3"]),
        (["王伟"], "我见到王伟先生", STEPS, ["王伟"]),
        (["김철수"], "김철수는", STEPS, ["김철수"]),
        (["สมชาย"], "คุณสมชายมา", STEPS, ["สมชาย"]),
        (["राम"], "रामा राम", STEPS, ["राम"]),
        (["C-1001", "1001"], "c-1001 10011", STEPS, ["c-1001", "1001"]),
        (["Bo", "王", "---", "", " ", "x" * 201], "Bo 王 --- " + "x" * 201, STEPS, []),
        ([" ".join(["ab"] * 63)], " ".join(["ab"] * 64), STEPS, [" ".join(["ab"] * 63)] * 2),
        ([" ".join(["a1"] * 64)], " ".join(["a1"] * 64), STEPS, []),
    ],
)  # fmt: skip
def test_values_are_found_as_their_domain_reads_them(
    values: list[str], text: str, steps: tuple[str, ...], expected: list[str]
) -> None:
    assert found(text, [*values, "Nobody Else"], *steps) == expected


# -- against a search of every place for every value -------------------------------------------------------------------


def letter(character: str) -> bool:
    return character.isalnum() and not dense(character) and character not in "\u00ad\u200b"


def dense(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7a3"


def spans(text: str) -> list[tuple[int, int]]:
    """Words, character by character."""
    out, at = [], 0
    while at < len(text):
        end = at + 1
        if dense(text[at]):
            while end < len(text) and text[end] == "\u0301":
                end += 1
            out.append((at, end))
        elif letter(text[at]):
            place = end
            while place < len(text) and (letter(text[place]) or text[place] in "\u0301\u00ad\u200b"):
                place += 1
                end = end if text[place - 1] in "\u00ad\u200b" else place
            out.append((at, end))
        at = end
    return out


def read(text: str, steps: tuple[str, ...]) -> str:
    text = " ".join(text.split())
    for step in steps:
        text = text.strip() if step == "trim" else text.lower() if step == "lower" else (
            unicodedata.normalize(step.upper(), text)
        )  # fmt: skip
    return text


def naive(text: str, values: list[str], steps: tuple[str, ...]) -> set[tuple[int, int]]:
    wanted = set()
    for value in values:
        own = spans(value)
        whole = value[own[0][0] : own[-1][1]] if own else ""
        if own and known.sought(" ".join(whole.split())) is not None:
            wanted.add((len(own), read(whole, steps)))
    there = spans(text)
    return {
        (there[first][0], there[last][1])
        for first in range(len(there))
        for last in range(first, len(there))
        if (last - first + 1, read(text[there[first][0] : there[last][1]], steps)) in wanted
    }


WORD = st.text("abAÉé12王김\u0301\u00ad\u200b", max_size=4)
BETWEEN = st.sampled_from([" ", "  ", "\n", "\u00a0", "-", "'", ". ", ", ", "_", "", "@"])
PHRASE = st.lists(st.tuples(WORD, BETWEEN), max_size=4).map(lambda parts: "".join(a + b for a, b in parts))


@given(
    st.lists(PHRASE, max_size=4),
    st.lists(st.tuples(PHRASE | st.integers(0, 3), BETWEEN), max_size=6),
    st.sampled_from([(), ("nfc",), ("nfc", "trim", "lower"), ("lower",)]),
)
def test_what_is_found_is_what_a_search_of_every_place_finds(
    values: list[str], parts: list[tuple[str | int, str]], steps: tuple[str, ...]
) -> None:
    said = [part if isinstance(part, str) else [*values, "", "", "", ""][part] for part, _ in parts]
    text = "".join(a + b for a, (_, b) in zip(said, parts, strict=True))
    got = search([*values, "xyz xyz"], *steps).rows([None, text, ""]).get(1, [])
    assert set(got) == naive(text, values, steps)
    assert len(got) == len(set(got))


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.sampled_from([(), STEPS, ("nfkc", "trim", "lower")]))
def test_a_value_that_is_written_as_it_stands_is_found(value: str, steps: tuple[str, ...]) -> None:
    own = list(words.WORD.finditer(value))
    whole = value[own[0].start() : own[-1].end()] if own else ""
    if known.sought(" ".join(whole.split())) is not None:
        text = f"to {whole}, and more"
        assert (3, 3 + len(whole)) in search([value], *steps).rows([text])[0]


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("ab 王\u0301\u00ad_-"), max_size=60))
def test_a_text_in_pieces_has_the_words_that_it_has(text: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(words, "PIECE", 3)
        patched.setattr(words, "LONGEST", 5)
        own = [
            (at + word.start(), at + word.end())
            for at, piece, end in words.pieces(text)
            for word in words.WORD.finditer(piece)
            if word.start() < end
        ]
    assert own == [word.span() for word in words.WORD.finditer(text)]


def test_in_a_long_text_too(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Ann Smith, x " * 40_000
    places = search(["Ann Smith", "Ann Smith, x Ann"]).rows(["", text])[1]
    assert len(places) == len(set(places)) == 40_000 + 39_999
    monkeypatch.setattr(elsewhere, "AT_ONCE", 7)
    monkeypatch.setattr(elsewhere, "KEPT", 2)
    assert search(["Ann Smith", "Ann Smith, x Ann"]).rows(["", text])[1] == places


# -- what is held and told of values -----------------------------------------------------------------------------------


def test_no_value_is_in_what_is_told_or_held() -> None:
    values = [CANARY, f"{CANARY} Smith", f"({CANARY} Jones)", "7"]
    batch = told_of(pa.array(values), domain(*STEPS), Key(KEY), "d")
    held = Listed.of(pa.Table.from_batches([batch]))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    for content in (sink.getvalue().to_pybytes(), pickle.dumps(held), repr(held).encode()):
        for part in (CANARY.encode(), CANARY.split("-")[1].encode(), b"Smith", b"Jones", KEY):
            assert part not in content
            assert part.decode("latin-1").encode("utf-16-le") not in content
    assert len(held) == 3
    assert pickle.loads(pickle.dumps(held)).own.to_pylist() == held.own.to_pylist()


def test_what_the_column_has_is_told_where_the_text_would_have_another() -> None:
    values = ["Acme Ltd.", "Ann  Lee", "ann lee", "Plain Name"]
    held = listed(values, *STEPS)
    digests = digests_of(domain(*STEPS), Key(KEY), "d")
    own = Search(held, digests).own(["acme ltd", "ann lee", "plain name", "unknown"])
    column = privacy_udfs.apply(domain(*STEPS), pa.array(values), KEY).to_pylist()
    assert own == [column[0], None, None, None], "of two that are one in texts, the one that is written so"
    assert len(held) == 3


def test_whole_numbers_have_the_pseudonyms_of_their_column() -> None:
    technique = domain("lower")
    held = listed([1234567, 7, 7654321], technique=technique, kind=pa.int64())
    said = ["1234567", "7654321"]
    column = privacy_udfs.apply(technique, pa.array([1234567, 7654321]), KEY).cast(pa.string()).to_pylist()
    of_text = privacy_udfs.apply(technique, pa.array(said), KEY).to_pylist()
    own = Search(held, digests_of(technique, Key(KEY), "d")).own(said)
    assert [text if each is None else each for each, text in zip(own, of_text, strict=True)] == column
    assert len(held) == 2


def test_keys_and_domains_tell_digests_apart() -> None:
    one = digest_key(KEY, "d")
    assert len(one) == 32
    assert len({one, digest_key(KEY, "e"), digest_key(bytes(32), "d"), KEY}) == 4
    # HKDF-SHA-256 (RFC 5869) by its definition
    import hashlib
    import hmac

    extracted = hmac.digest(bytes(32), KEY, hashlib.sha256)
    assert one == hmac.digest(extracted, b"lakenym/1/known-elsewhere/d\x01", hashlib.sha256)


def test_digests_that_begin_alike_are_told_apart() -> None:
    """By the half that differs: of 10^6 values two begin alike with a chance of 10^-8."""
    rows = np.array([[5, 1], [5, 3], [5, 7], [9, 0]], np.uint64)
    held = Listed(rows, np.array([], np.int64), pa.array([], pa.string()), rows[:1, 0], rows[:1, 0])
    asked = np.array([[5, 3], [5, 7], [5, 4], [9, 0], [9, 1], [10, 0], [0, 0], [5, 1]], np.uint64)
    digests = np.ascontiguousarray(asked.astype(">u8")).view(np.uint8).reshape(-1, 16)
    assert held.places(digests).tolist() == [1, 2, -1, 3, -1, -1, -1, 0]


def test_nothing_of_nulls_and_malformed_values() -> None:
    values = pa.array([b"ann\xff", None, b"", b"Ann Lee"], pa.binary()).view(pa.string())
    batch = told_of(values, domain(*STEPS), Key(KEY), "d")
    assert batch["words"].to_pylist() == [2]
    assert told_of(values.slice(0, 3), domain(), Key(KEY), "d").num_rows == 0
    nothing = told_of(pa.array([], pa.string()), domain(), Key(KEY), "d")
    assert nothing.schema == elsewhere.SCHEMA
    empty = Listed.of(pa.Table.from_batches([nothing]))
    assert Search(empty, digests_of(domain(), Key(KEY), "d")).rows(["Ann Lee"]) == {}
