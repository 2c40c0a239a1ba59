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

from jobs.columnar.file_systems import Access
from jobs.verification import file_scan, matcher, needles, rolling, spellings
from jobs.verification.file_scan import HASHED, OTHER, OTHER_FORM, ROWS, Found, Look, Place
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
        "own_words": frozenset(), "vocabulary": frozenset(), "mark": "",
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
        '{"a": "{\\"b\\": \\"zoe@example.org\\"}"}',
        r"O\u0027Neill, Ann",
    ],
)
def test_it_is_found_within_what_is_encoded(text: str) -> None:
    assert spelt(text)


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


def test_rows_are_counted() -> None:
    found: Found = Counter()
    texts = pa.array(["Smith", "smith and Smith", None, "Smith", "other"])
    file_scan.scan_values(texts, Place(look(VALUES), ROWS, "note"), found)
    assert {each[2:4]: number for each, number in found.items()} == {
        ("as it is", "whole"): 2,
        ("as it is", "within a text"): 1,
        ("other case or form", "within a text"): 1,
    }


def test_words_of_ours_do_not_count() -> None:
    known = Needles(table(VALUES))
    words = file_scan.words(["the label Smith", ""], known, KEY)
    assert len(words) == 1
    for kind, more, expected in (
        (ROWS, {"own_words": words}, 0),
        (ROWS, {"vocabulary": words}, 1),
        (file_scan.LOG, {"vocabulary": words}, 0),
        (OTHER, {}, 1),
    ):
        found: Found = Counter()
        file_scan.scan_values(pa.array(["a Smith"]), Place(look(VALUES, **more), kind, "note"), found)
        assert sum(found.values()) == expected


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
