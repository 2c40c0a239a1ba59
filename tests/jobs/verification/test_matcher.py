"""Values found in texts by digests: held against Python's own search, one text and one value at a time."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import types as T

from jobs.columnar.file_systems import Access
from jobs.verification import (
    dictionaries,
    encoded,
    file_scan,
    json_values,
    matcher,
    needles,
    octets,
    own_words,
    rolling,
    spellings,
)
from jobs.verification.file_scan import FOOTER, HASHED, OLDER, OTHER, OTHER_FORM, ROWS, Found, Look, Place
from jobs.verification.needles import Needles

KEY = b"a key of a test, 32 bytes long.."
VALUES = ["Zoë Quixote-Bird", "zoe@example.org", "4711081509", "Smith", "Lin", "O'Neill, Ann", "DE89370400440532013000"]


def table(values: list[str], key: bytes = KEY) -> pa.Table:
    batch = pa.RecordBatch.from_pydict({"c": pa.array(values)})
    return pa.Table.from_batches(list(needles.digests(iter([batch]), key, ["c"], {"c": 0})))


def look(values: list[str], **more: object) -> Look:
    content = needles.packed(table(values))
    known: dict[str, object] = {
        "key": KEY, "content": lambda: content, "access": None, "sources": ["name"], "treatments": {}, "names": {},
        "own_words": {}, "vocabulary": frozenset(), "mark": "",
    }  # fmt: skip
    return Look(**{**known, **more})  # type: ignore[arg-type]


def spelt(text: str, values: list[str] = VALUES, kind: str = ROWS, path: str = "note") -> set[str]:
    found: Found = Counter()
    file_scan.scan_values(pa.array([text, "nothing of note"]), Place(look(values), kind, path), found)
    return {f"{each[2]}, {each[3]}" for each in found}


def pairs(texts: list[str], values: list[str]) -> set[tuple[int, str]]:
    """What is found, each as its text and the digest of what stands there."""
    known = Needles(table(values))
    found = matcher.hits(pa.array(texts, pa.string()), known, rolling.of(KEY))
    by_digest = {rolling.of(KEY).strong(spellings.one_form(pa.array([v]))[0].as_py().encode()): v for v in values}
    return {(int(t), by_digest[int(known.strong[v])]) for t, v in zip(found.text, found.value, strict=True)}


def test_every_occurrence_and_no_other_is_found() -> None:
    """Of two letters nearly everything occurs everywhere; the oracle is Python's ``in``."""
    rng = random.Random(14)
    values = sorted({"".join(rng.choices("ab", k=rng.choice([8, 9, 15, 16, 17, 31, 40]))) for _ in range(60)})
    texts = ["".join(rng.choices("ab", k=rng.randrange(0, 400))) for _ in range(120)] + values[:5]
    texts += [f"{one}{other}" for one, other in zip(values[5:9], values[9:13], strict=True)]
    expected = {(at, value) for at, text in enumerate(texts) for value in values if value in text}
    assert len(expected) > 200
    assert pairs(texts, values) == expected


def test_texts_of_more_bytes_than_are_hashed_at_once() -> None:
    filler = "x" * (rolling.MOST_BYTES - 7)
    texts = [filler, "zoe@example.org", f"{filler} 4711081509 {filler}zoe@example.org", "y" * 100] * 2
    found = pairs(texts, VALUES)
    assert found == {(n, v) for n in (1, 2, 5, 6) for v in VALUES[1:3] if v in texts[n]}


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("Smith", True), ("a Smith.", True), ("Blacksmith", False), ("Smithson", False), ("SMITH!", True),
        ("order 4711081509 of", True), ("x4711081509", False), ("47110815091", False), ("id:4711081509;", True),
        ("Lin", True), ("a Lin b", False), ("xzoe@example.orgx", True), ("", False),
    ],
)  # fmt: skip
def test_short_values_and_numbers_count_by_themselves(text: str, is_found: bool) -> None:
    assert bool(spelt(text)) is is_found


Z = VALUES[0]
ENCODED = {
    "as it is, whole": Z,
    "as it is, within a text": f"for {Z}: see",
    "other case or form, whole": Z.upper(),
    "other case or form, within a text": f"<{'Zoe' + chr(0x308) + Z[3:]}>",
    "base64, within a text": base64.b64encode(Z.encode()).decode(),
    "hex, within a text": Z.encode().hex(),
    "URL, within a text": f"https://example.org/?q={quote(Z)}&p=1",
    "JSON escapes, within a text": r'{"a": "Zo\u00eb Quixote-Bird"}',
    f"{HASHED}, within a text": hashlib.sha256(Z.encode()).hexdigest(),
}


@pytest.mark.parametrize("spelling", ENCODED)
def test_each_spelling_is_told(spelling: str) -> None:
    assert spelt(ENCODED[spelling]) == {spelling}


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def digest(name: str, text: str) -> bytes:
    return hashlib.new(name, text.encode()).digest()


@pytest.mark.parametrize(
    "text",
    [
        *(b64(f"{'x' * n}zoe@example.org, and more") for n in range(3)),
        f"token-{b64('zoe@example.org')}",
        base64.urlsafe_b64encode(b"??>zoe@example.org~~").decode().rstrip("="),
        b64('{"mail": "zoe@example.org"}'),
        f"a{b'zoe@example.org'.hex()}",
        b"ZOE@EXAMPLE.ORG".hex().upper(),
        *(digest(name, "zoe@example.org").hex() for name in ("md5", "sha1", "sha256", "sha512")),
        digest("sha256", "zoe@example.org").hex().upper()[:40],
        base64.b64encode(digest("sha1", "zoe@example.org")).decode(),
        base64.urlsafe_b64encode(digest("sha512", "zoe@example.org")).decode().rstrip("="),
        str(uuid.UUID(bytes=digest("md5", "zoe@example.org"))),
        f"user_{digest('md5', 'zoe@example.org').hex()}",
        "to=zoe%40example.org",
        "name=O%27Neill%2C+Ann",
        "q=Zo\u00eb+Quixote-Bird",
        '{"a": "{\\"b\\": \\"zoe@example.org\\"}"}',
        r"O\u0027Neill, Ann",
    ],
)
def test_it_is_found_within_what_is_encoded(text: str) -> None:
    assert spelt(text)


def test_what_is_decoded_is_what_python_decodes() -> None:
    """Of texts of any length, behind anything, in one array with others; the oracle is `base64` and `bytes.hex`."""
    rng = random.Random(6)
    letters = "abcXYZ 019.@\u00eb\u6f22\U0001f600"
    inner = ["".join(rng.choices(letters, k=rng.randrange(9, 40))) for _ in range(300)]
    for encoding, encode in (("hex", lambda each: each.encode().hex()), ("base64", b64)):
        before = ["".join(rng.choices("_-. /0afQ", k=rng.randrange(0, 6))) for _ in inner]
        texts = [f"{start}{encode(each)}" for start, each in zip(before, inner, strict=True)]
        found = [each for each in encoded.decoded(pa.array(texts)) if each.encoding == encoding]
        by_row: dict[int, list[str]] = {}
        for row, text in ((r, t) for each in found for r, t in zip(each.rows.tolist(), each.texts, strict=True)):
            by_row.setdefault(row, []).append(text)
        for row, each in enumerate(inner):
            assert any(each in text for text in by_row.get(row, ())), (encoding, texts[row])


def test_texts_are_decoded_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory does not grow with what a batch holds; what stands where two meet is found too."""
    monkeypatch.setattr(octets, "MOST_BYTES", 50)
    monkeypatch.setattr(octets, "OVERLAP", 100)
    for before in range(0, 120, 7):
        texts = ["." * before + b64("zoe@example.org") + "." * 90, "x", digest("md5", "zoe@example.org").hex()]
        found: Found = Counter()
        file_scan.scan_values(pa.array(texts), Place(look(VALUES), ROWS, "note"), found)
        assert {each[2] for each in found} == {"base64", HASHED}, before


def test_hashes_are_found_as_they_stand() -> None:
    hashed = digest("sha256", "a")
    spelt_ = [hashed.hex(), f"x{hashed.hex().upper()}.", str(uuid.UUID(bytes=hashed[:16])), b64_of(hashed), "no hash"]
    found = encoded.hashes(pa.array(spelt_))
    assert {row for row, start in zip(found.rows, found.starts, strict=True) if start.tobytes() == hashed[:8]} == {
        0,
        1,
        2,
        3,
    }


def b64_of(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def test_a_task_digests_a_value_once_as_far_as_it_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = [pa.RecordBatch.from_pydict({"c": pa.array(VALUES[at : at + 4])}) for at in (0, 2, 0, 3)]
    for most, rows in ((needles.MOST_SEEN, 7), (0, 4 + 4 + 4 + 4)):
        monkeypatch.setattr(needles, "MOST_SEEN", most)
        made = list(needles.digests(iter(batches), KEY, ["c"], {"c": 0}))
        assert sum(each.num_rows for each in made) == rows
        assert {each for batch in made for each in batch["full"].to_pylist()} == {*table(VALUES)["full"].to_pylist()}


def test_the_hash_of_a_value_in_lower_case_is_found() -> None:
    assert spelt(digest("sha256", "zoë quixote-bird").hex()) == {f"{HASHED}, within a text"}


def test_numbers_and_bytes() -> None:
    hashed = int.from_bytes(digest("sha256", "zoe@example.org")[:8], "big", signed=True)
    columns = {
        "long": pa.array([1, 4711081509]),
        "decimal": pa.array(["4711081509.00"]).cast(pa.decimal128(20, 2)),
        "float": pa.array([4711081509.0, 0.5]),
        "bytes": pa.array([b"\xff zoe@example.org"]),
        "hash": pa.array([digest("sha1", "zoe@example.org")]),
        "number": pa.array([hashed]),
        "none": pa.array([4711, 471108150], pa.int64()),
    }
    for name, values in columns.items():
        found: Found = Counter()
        file_scan.scan_values(values, Place(look(VALUES), ROWS, "other"), found)
        assert (sum(found.values()) == 1) is (name != "none"), name


def test_a_short_number_counts_in_its_own_column_only() -> None:
    for path, expected in (("name", 1), ("quantity", 0)):
        found: Found = Counter()
        file_scan.scan_values(pa.array([17, 18]), Place(look(["17"]), ROWS, path), found)
        assert sum(found.values()) == expected


@pytest.mark.parametrize("values", [pa.array([123456, 1]), pa.array(["123456", "-"]), pa.array(["X1", "-"])])
def test_a_short_value_that_several_columns_share_counts_in_each_of_them(values: pa.Array) -> None:
    """It is told of the column where it stands, whichever of those that have it comes first."""
    batch = pa.RecordBatch.from_pydict({name: pa.array(["123456", "X1", "other"]) for name in ("a", "b", "c")})
    wanted = {"a": 0, "b": 1, "c": 2}
    made = pa.Table.from_batches(needles.digests(iter([batch]), KEY, list(wanted), wanted))
    both = look(VALUES, content=lambda: needles.packed(made), sources=list(wanted))
    for path, told in (("a", {0}), ("b", {1}), ("c", {2}), ("quantity", set())):
        found: Found = Counter()
        file_scan.scan_values(values, Place(both, ROWS, path), found)
        is_word = path == "quantity" and values[0].as_py() == "123456"  # of six digits: a text of them counts anywhere
        assert {each[4] for each in found} == ({0} if is_word else told)


def test_rows_are_counted() -> None:
    found: Found = Counter()
    texts = pa.array(["Smith", "smith and Smith", None, "Smith", "other"])
    file_scan.scan_values(texts, Place(look(VALUES), ROWS, "note"), found)
    assert {each[2:4]: number for each, number in found.items()} == {
        ("as it is", "whole"): 2,
        ("as it is", "within a text"): 1,
        ("other case or form", "within a text"): 1,
    }


def test_words_of_ours_are_excused_where_they_stand_and_told() -> None:
    """A label in its own column; names and parameters in logs. In any other column it is somebody's name."""
    known = Needles(table(VALUES))
    words = file_scan.words(["the label Smith", ""], known, KEY)
    assert len(words) == 1
    for kind, more, is_excused in (
        (ROWS, {"own_words": {"note": words}}, True),
        (ROWS, {"own_words": {"city": words}}, False),
        (ROWS, {"vocabulary": words}, False),
        (file_scan.LOG, {"vocabulary": words}, True),
        (OTHER, {}, False),
    ):
        found: Found = Counter()
        file_scan.scan_values(pa.array(["a Smith", "Smith"]), Place(look(VALUES, **more), kind, "note"), found)
        assert sum(found.values()) == 2, "an excused one is told too"
        assert {each[3] == file_scan.EXCUSED for each in found} == {is_excused}
        assert {len(each) for each in found} == {6 if is_excused else 5}, "how many words is told of excused ones"


def test_the_vocabulary_is_what_the_configuration_says() -> None:
    """Not what somebody wrote into a comment or a property of the table."""
    stored = T.StructType(
        [
            T.StructField("Ann Quixote", T.StringType(), metadata={"comment": "ask zoe@example.org"}),
            T.StructField("a", T.ArrayType(T.StructType([T.StructField("b_name", T.LongType())]))),
        ]
    )
    said = own_words.of_table(
        own_words.Told("file:/lake", stored, {"note": "bob@x.org", "delta.a": "1", "privacy.a": "p"})
    )
    for word in ("Ann Quixote", "b_name", "fields", "nullable"):
        assert f'"{word}"' in said[0]
    assert "zoe@example.org" not in str(said)
    assert "bob@x.org" not in str(said)
    assert {"file:/lake", "delta.a", "privacy.a", "p"} <= {*said}


def test_values_within_json_text_are_digested() -> None:
    """All below a place, in whatever spelling; what a longer path decides is not its own."""
    texts = [
        '{"user": {"mail": "zoe\\u0040example.org", "id": 4711081509, "pets": ["Lin"], "ok": true}, "x": "Smith"}',
        '{"user": {"mail": "O\'Neill, Ann", "mail": "Zo\\u00eb Quixote-Bird"}}',
        "no JSON", '{"user": null}', '"Smith"', '{"n": %s, "user": "Vera Long"}' % ("9" * 5000),
    ]  # fmt: skip
    paths = ["c:$.user", "c:$.user.id", "c:$.x", "d"]
    in_json = json_values.decided(paths, ["c:$.user", "d"])
    assert in_json == {"c": {("user",): 0, ("user", "id"): None, ("x",): None}}
    batch = pa.RecordBatch.from_pydict({"c": pa.array(texts)})
    made = pa.Table.from_batches(needles.digests(iter([batch]), KEY, ["c"], {"c:$.user": 0, "d": 1}, in_json))
    wanted = table(["zoe@example.org", "Lin", "O'Neill, Ann", "Zo\u00eb Quixote-Bird", "Vera Long"])
    assert {*made["exact"].to_pylist()} == {*wanted["exact"].to_pylist()}


def test_digests_of_two_runs_have_nothing_in_common() -> None:
    one, other = table(VALUES), table(VALUES, KEY[::-1])
    for name in ("head", "full", "strong", "exact"):
        assert not set(one[name].to_pylist()) & set(other[name].to_pylist()) - {0}
    assert not set(np.ravel(one["hashes"].to_pylist())) & set(np.ravel(other["hashes"].to_pylist()))


def test_what_is_sent_holds_no_value() -> None:
    content = needles.packed(table(VALUES))
    for value in VALUES:
        if len(value) > 2:
            assert value.encode() not in content
            assert value.lower().encode() not in content
            assert digest("md5", value)[:8] not in content


def test_files_are_looked_through_as_tasks_do(tmp_path: Path) -> None:
    """Without Spark: one task over a folder."""
    (tmp_path / "name=Smith").mkdir()
    rows = pa.table({"col-1": pa.array([{"col-2": ["zoe@example.org", None]}])})
    pq.write_table(rows, tmp_path / "part.parquet", write_statistics=False, store_schema=False)
    (tmp_path / "name=Smith" / "a.txt").write_bytes(b"\xff\xfe" + b"x" * 5_000_000 + b" 4711081509\r\n")
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    kinds = [file_scan.kind_of(name, name == "part.parquet") for name in files]
    given = pa.RecordBatch.from_arrays(
        [pa.array([f"file:{tmp_path}/{name}" for name in files]), pa.array(files), pa.array(kinds)],
        ["uri", "name", "kind"],
    )
    known = look(VALUES, access=Access(), names={"col-1": "info", "col-2": "mails"})
    found = [row for batch in file_scan.scan(iter([given]), known) for row in batch.to_pylist()]
    assert [list(row.values()) for row in found] == [
        ["file name", "", "as it is", "within a text", 0, -1, 1],
        ["other file", "", "as it is", "within a text", 0, -1, 1],
        ["column", "info.mails[]", "as it is", "whole", 0, -1, 1],
    ]


PLACES = {
    "_delta_log/00000000000000000000.json": '{"remove": {"path": "x", "stats": "{\\"min\\": \\"%s\\"}"}}',
    "_delta_log/00000000000000000001.json": '{"metaData": {"schemaString": "{\\"comment\\": \\"ask %s\\"}"}}',
    "_delta_log/00000000000000000002.json": '{"metaData": {"configuration": {"contact": "%s"}}}',
    "_delta_log/00000000000000000003.json": '{"commitInfo": {"userMetadata": "for %s"}}',
    "_delta_log/00000000000000000000.00000000000000000003.compacted.json": '{"add": {"stats": "%s"}}',
    "_delta_log/00000000000000000003.checkpoint.0c1d.json": '{"sidecar": {"path": "%s"}}',
    "_delta_log/_last_checkpoint": '{"checkpointSchema": "%s"}',
    "_delta_log/00000000000000000003.crc": '{"metadata": {"name": "%s"}}',
    "_delta_log/_commits/00000000000000000004.8a.json": '{"commitInfo": {"userMetadata": "%s"}}',
    "deletion_vector_a.bin": "\x01\x02%s\x03",
    "_delta_index/bloom": "%s",
    ".part.parquet.crc": "crc%s",
    "_SUCCESS": "%s",
}
"""What lies beside a table's rows -> what is told of one place in it."""
PARQUET = {
    "orphan.parquet": (OLDER, "note"),
    "_change_data/cdc.parquet": (file_scan.CHANGES, "note"),
    "_delta_log/_sidecars/s.parquet": (file_scan.CHECKPOINT, "note"),
    "_delta_log/00000000000000000003.checkpoint.parquet": (file_scan.CHECKPOINT, "note"),
}


def scanned(root: Path, **more: object) -> set[tuple[str, str]]:
    """Of a folder, as a task looks through it: what is found in which kind of file, and in which column."""
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    kinds = [file_scan.kind_of(name, False) for name in files]
    uris = [f"file:{root}/{name}" for name in files]
    given = pa.RecordBatch.from_arrays(list(map(pa.array, (uris, files, kinds))), ["uri", "name", "kind"])
    found = [
        row
        for batch in file_scan.scan(iter([given]), look(VALUES, access=Access(), **more))
        for row in batch.to_pylist()
    ]
    return {(row["place"], row["path"]) for row in found}


@pytest.mark.parametrize("name", PLACES)
def test_each_place_beside_the_rows_is_looked_through(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(PLACES[name] % "zoe@example.org", encoding="utf-8")
    assert scanned(tmp_path) == {(file_scan.kind_of(name, False), "")}
    (tmp_path / name).write_text(PLACES[name] % "no one", encoding="utf-8")
    assert not scanned(tmp_path)


@pytest.mark.parametrize("name", PARQUET)
def test_each_parquet_file_below_the_folder_is_looked_through(name: str, tmp_path: Path) -> None:
    """Rows that a deletion vector hides, orphans, sidecars."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    rows = pa.table({"note": ["zoe@example.org"]})
    pq.write_table(rows, tmp_path / name, write_statistics=False)
    assert scanned(tmp_path) == {PARQUET[name]}


@pytest.mark.parametrize(
    "more", [{}, {"write_page_index": True}, {"use_dictionary": False, "data_page_version": "2.0"}]
)
def test_statistics_and_key_values_of_a_footer_are_looked_through(more: dict[str, object], tmp_path: Path) -> None:
    pq.write_table(pa.table({"note": ["zoe@example.org"]}), tmp_path / "a.parquet", **more)
    assert scanned(tmp_path) == {(OLDER, "note"), (FOOTER, "")}
    clean = pa.table({"note": ["one"]}).replace_schema_metadata({"made for": "zoe@example.org"})
    pq.write_table(clean, tmp_path / "a.parquet", **more)
    assert scanned(tmp_path) == {(FOOTER, "")}


def test_values_of_a_dictionary_that_no_row_has_are_looked_through(tmp_path: Path) -> None:
    """A writer puts a dictionary as it is given, also what rows that were filtered out had."""
    whole = pa.array(["one", "zoe@example.org", "two"]).dictionary_encode()
    rows = pa.table({"note": whole.take(pa.array([0, 2])), "s": pa.array([1, 2])})
    pq.write_table(rows, tmp_path / "a.parquet", write_statistics=False, store_schema=False)
    content = (tmp_path / "a.parquet").read_bytes()
    assert b"zoe@example.org" in content, "the test is about something"
    assert scanned(tmp_path) == {(file_scan.DICTIONARY, "note")}
    many = [f"w{n}" for n in range(50_000)]
    nested = pa.array([[each] for each in many], pa.list_(pa.string()))
    pq.write_table(pa.table({"a": many, "b": nested}), tmp_path / "a.parquet", write_statistics=False)
    with pa.OSFile(str(tmp_path / "a.parquet")) as file:
        found = dictionaries.unused(file, pq.read_metadata(tmp_path / "a.parquet"), 1000)
        assert not [path for path, values in found if len(values)]


def test_every_kind_of_file_has_a_name() -> None:
    kinds = {
        "part-1.parquet": "older version",
        "_change_data/cdc-1.parquet": "change file",
        "_delta_log/00000000000000000000.json": "Delta log",
        "_delta_log/00000000000000000000.crc": "checksum",
        "_delta_log/00000000000000000010.checkpoint.parquet": "checkpoint",
        "_delta_log/_last_checkpoint": "Delta log",
        "_delta_log/_sidecars/a.parquet": "checkpoint",
        ".part-1.parquet.crc": "checksum",
        "notes.txt": "other file",
    }
    assert {name: file_scan.kind_of(name, False) for name in kinds} == kinds
    assert file_scan.kind_of("part-1.parquet", True) == "column"
    assert OTHER_FORM


def test_what_looks_encoded_and_is_not_holds_no_short_value_by_chance() -> None:
    """Names of five letters, and telephone numbers, of which each four signs can be taken for base64."""
    rng = random.Random(7)
    names = ["".join(rng.choices("etaoinshr", k=5)) for _ in range(3000)]
    texts = [f"+49 {rng.randrange(10**9, 10**10)}" for _ in range(2000)] + [rng.randbytes(9).hex() for _ in range(2000)]
    found: Found = Counter()
    file_scan.scan_values(pa.array(texts), Place(look(names), ROWS, "phone"), found)
    assert not found
    assert spelt(b64("to Smith")) == {"base64, within a text"}
