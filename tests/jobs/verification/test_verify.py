"""A treated table verified: as it was written, and with 30 leaks planted in it, all of them in one scan."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import json
import math
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs import pseudonymize, verify
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.spark_app import session
from jobs.verification import as_read, chance, file_scan, multisets, outcome, retreated, standing, survivors
from jobs.verification.identifiers import identifiers
from jobs.verification.outcome import Verified
from privacy_udfs.techniques import BY_NAME
from tests.helpers import lakes, quarantines
from tests.helpers.lakes import column, table, write_conf
from tests.helpers.places import ROOT

PEOPLE = 60
NAMES = [f"Zoë {first}sdóttir-{n:02}" for n, first in zip(range(PEOPLE), ["Ann", "Bjarney", "Cecil"] * 20, strict=True)]
MAILS = [f"person.{n:02}.{hashlib.sha256(b'%d' % n).hexdigest()[:4]}@example.org" for n in range(PEOPLE)]
IDS = [7_300_000_019 + 7919 * n for n in range(PEOPLE)]
BORN = [datetime.date(1950 + n, 1 + n % 12, 1 + n % 28) for n in range(PEOPLE)]
DIRECT = "direct_identifier"
COLUMNS = {
    "id": column({"technique": "keyed_hash", "key": "crm", "encoding": "hex"}, DIRECT),
    "name": column("redact", DIRECT),
    "mail": column({"technique": "deterministic_encryption", "key": "crm"}, DIRECT),
    "phone": column({"technique": "format_preserving_encryption", "key": "crm"}, DIRECT),
    "born": {"technique": "generalize_date"},
    "age": {"technique": "generalize_number", "width": 10},
    "note": column("keep"),
    "doc": column("keep"),
    "tags[]": column("keep"),
    "info.ref": column("keep"),
    "info.born": {"technique": "generalize_date", "unit": "month"},
    "amount": column("keep"),
    "blob": column("keep"),
    "secret": column({"technique": "randomized_encryption", "key": "crm"}, "sensitive"),
}


def source() -> pa.Table:
    return pa.table(
        {
            "id": pa.array(IDS),
            "name": NAMES,
            "mail": MAILS,
            "phone": [f"{30_123_456 + 977 * n:011}" for n in range(PEOPLE)],
            "born": pa.array(BORN),
            "age": pa.array([70 - n for n in range(PEOPLE)]),
            "note": [f"called {n % 7} times" for n in range(PEOPLE)],
            "doc": [json.dumps({"a": n % 5}) for n in range(PEOPLE)],
            "tags": pa.array([["a", "b"][: n % 3] for n in range(PEOPLE)]),
            "info": pa.array([{"ref": f"r{n % 9}", "born": BORN[n]} for n in range(PEOPLE)]),
            "amount": pa.array([n % 20 for n in range(PEOPLE)]),
            "blob": pa.array([b"%d" % (n % 4) for n in range(PEOPLE)]),
            "secret": [f"s{n}" for n in range(PEOPLE)],
        }
    )


@pytest.fixture(scope="module")
def treated(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Config]:
    lake = tmp_path_factory.mktemp("verify")
    spark.createDataFrame(source()).coalesce(2).write.format("delta").save(str(lake / "raw" / "t"))
    made = {"format": "delta", "path": str(lake / "raw" / "t")}
    conf = config.load(write_conf(lake, table("t", lake, COLUMNS, source=made)))
    pseudonymize.run(spark, conf, "t")
    pseudonymize.run(spark, conf, "t")
    return lake, conf


@pytest.fixture(scope="module")
def clean(spark: SparkSession, treated: tuple[Path, Config]) -> Verified:
    return verify.run(spark, treated[1], "t", baseline="0")


@pytest.fixture(scope="module")
def without_conf(spark: SparkSession, treated: tuple[Path, Config], clean: Verified) -> Verified:
    return verify.run(spark, None, path=str(treated[0] / "treated" / "t"))


def outcomes(found: Verified) -> dict[str, str]:
    return {check.name: check.outcome for check in found.checks}


CHECKS = ("record", "fields", "configuration", "shapes", "record anew", "rows anew", "counts", "survivors")


def test_a_table_as_it_was_written_holds(clean: Verified) -> None:
    assert outcomes(clean) == dict.fromkeys((*CHECKS, "baseline"), "holds"), [*outcome.lines(clean)]
    assert not clean.fails
    assert clean.scanned is not None
    assert clean.scanned.values == 4 * PEOPLE
    assert clean.scanned.looked_for == ("id", "name", "mail", "phone")
    assert clean.scanned.files >= 6
    said = {check.name: check.said for check in clean.checks}
    assert said["rows anew"] == "60 rows of the source, 12 columns; 1 not the same each time"
    assert said["counts"] == "60 of the source, 60 here, 0 in quarantine"
    assert said["shapes"].startswith("8 columns by shape; of 6 ")
    assert said["baseline"] == "60 rows, 12 columns; secret is not: it is made anew each time"


def test_a_sample_is_of_the_same_rows_on_both_sides(
    spark: SparkSession, treated: tuple[Path, Config], clean: Verified
) -> None:
    own, conf = session.for_run(spark), treated[1]
    stands = standing.found(own, conf, conf.tables["t"].target, "t")
    checks = {check.name: check for check in retreated.check(stands, as_read.source_of(stands), treated[1], sample=20)}
    assert checks["rows anew"].outcome == "holds"
    assert 0 < int(checks["rows anew"].said.partition(" ")[0]) < PEOPLE


# -- leaks ------------------------------------------------------------------------------------------------------------


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def sha(name: str, text: str) -> bytes:
    return hashlib.new(name, text.encode()).digest()


def planted() -> dict[str, dict[str, object]]:
    """What is put into columns, each in a row of its own: as what it is to be told, and of which column."""
    return {
        "note, as it is, whole, name": {"note": NAMES[0]},
        "note, as it is, within a text, mail": {"note": f"write to {MAILS[1]} soon"},
        "note, other case or form, whole, name": {"note": NAMES[2].upper()},
        "note, other case or form, within a text, name": {"note": f"({unicodedata.normalize('NFD', NAMES[3])})"},
        "note, base64, within a text, mail": {"note": b64(MAILS[4])},
        "note, base64, within a text, name": {"note": base64.urlsafe_b64encode(f"?>{NAMES[5]}~".encode()).decode()},
        "note, hex, within a text, mail": {"note": f"0x{MAILS[6].encode().hex()}"},
        "note, URL, within a text, name": {"note": f"https://example.org/?q={quote(NAMES[7])}"},
        "note, unkeyed hash, within a text, mail": {"note": sha("md5", MAILS[8]).hex()},
        "note, unkeyed hash, within a text, name": {"note": b64_of(sha("sha256", NAMES[9].lower()))},
        "note, unkeyed hash, within a text, id": {"note": f"u_{sha('sha1', str(IDS[10])).hex()}"},
        "note, as it is, within a text, id": {"note": f"customer {IDS[11]}."},
        "doc, JSON escapes, within a text, name": {"doc": json.dumps({"who": [NAMES[12]]})},
        "doc, as it is, within a text, mail": {"doc": json.dumps({"who": {"mail": MAILS[13]}})},
        "tags[], as it is, whole, mail": {"tags": ["a", MAILS[14]]},
        "info.ref, as it is, within a text, id": {"info": {"ref": f"R-{IDS[15]}", "born": None}},
        "amount, as it is, whole, id": {"amount": IDS[16]},
        "amount, unkeyed hash, within a text, mail": {
            "amount": int.from_bytes(sha("sha512", MAILS[17])[:8], "big", signed=True)
        },
        "blob, unkeyed hash, within a text, name": {"blob": sha("sha512", NAMES[18])},
        "id, unkeyed hash, within a text, id": {"id": sha("md5", str(IDS[19])).hex()},
        "secret, base64, within a text, name": {"secret": b64(f"{NAMES[20]} and 20 bytes more")},
        "mail, as it is, whole, mail": {"mail": MAILS[21]},
    }


def b64_of(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


FILES = {
    "Delta log, , as it is, within a text, mail",
    "checksum, , as it is, within a text, mail",
    "checkpoint, add.stats, as it is, within a text, mail",
    "change file, note, as it is, whole, name",
    "older version, note, as it is, whole, mail",
    "Parquet footer, , as it is, within a text, id",
    "file name, , as it is, within a text, name",
    "other file, , as it is, within a text, mail",
}


def plant(spark: SparkSession, root: Path) -> None:
    target = spark.read.format("delta").load(str(root))
    rows = [{**dict.fromkeys(target.columns), **row} for row in planted().values()]
    columns = [[row[name] for row in rows] for name in target.columns]
    more = spark.createDataFrame(list(zip(*columns, strict=True)), target.schema)
    more.coalesce(1).write.format("delta").mode("append").option("userMetadata", f"for {MAILS[30]}").save(str(root))
    (root / "_delta_log" / "00000000000000000001.crc").write_text(json.dumps({"note": f"see {MAILS[31]}"}))
    (root / "_delta_log" / ".00000000000000000001.crc.crc").unlink(missing_ok=True)
    checkpoint = pa.table({"add": pa.array([{"path": "x", "stats": json.dumps({"min": MAILS[32]})}])})
    pq.write_table(checkpoint, root / "_delta_log" / "00000000000000000001.checkpoint.0000000001.0000000002.parquet")
    (root / "_change_data").mkdir()
    pq.write_table(pa.table({"note": [NAMES[33]]}), root / "_change_data" / "cdc-1.parquet")
    old = pa.table({"note": [MAILS[34]]}).replace_schema_metadata({"made for": f"no. {IDS[35]}"})
    folder = root / f"name={quote(NAMES[36])}"
    folder.mkdir()
    pq.write_table(old, folder / "part-0.parquet")
    (root / "left.csv").write_text(f"a,b\n1,{MAILS[37]}\n")


@pytest.fixture(scope="module")
def leaking(
    spark: SparkSession, treated: tuple[Path, Config], clean: Verified, without_conf: Verified
) -> Iterator[Verified]:
    """After all that is asked of the table as it was."""
    root = treated[0] / "treated" / "t"
    kept = treated[0] / "kept"
    shutil.copytree(root, kept)
    plant(spark, root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(survivors, "MOST_VALUES", 100)  # three rounds
        found = verify.run(spark, treated[1], "t")
    yield found
    shutil.rmtree(root)
    shutil.copytree(kept, root)


def test_all_leaks_are_found_and_no_other(leaking: Verified) -> None:
    assert leaking.scanned is not None
    told = {
        f"{each.place}, {each.path}, {each.spelling}, {each.extent}, {each.column}": each.found
        for each in leaking.scanned.survivors
    }
    columns = {each.removeprefix("column, "): found for each, found in told.items() if each.startswith("column, ")}
    assert columns == dict.fromkeys(planted(), 1)
    assert set(told) >= FILES
    assert len(planted()) + len(FILES) == 30


def test_of_a_table_with_other_rows_other_checks_fail_too(leaking: Verified) -> None:
    failing = {name for name, said in outcomes(leaking).items() if said == "fails"}
    assert failing == {"shapes", "rows anew", "counts", "survivors"}
    (shapes,) = (check for check in leaking.checks if check.name == "shapes")
    assert {fault.partition(":")[0] for fault in shapes.faults} == {"mail", "secret"}
    (rows,) = (check for check in leaking.checks if check.name == "rows anew")
    assert rows.faults[0] == f"{len(planted())} rows are not what the source gives"


def test_by_the_table_alone(without_conf: Verified) -> None:
    found = outcomes(without_conf)
    assert [name for name, said in found.items() if said == "holds"] == ["record", "fields", "shapes"]
    assert {said for name, said in found.items() if name not in ("record", "fields", "shapes")} == {"not checked"}
    assert not without_conf.fails


def test_a_record_that_was_changed(spark: SparkSession, treated: tuple[Path, Config], clean: Verified) -> None:
    """Milder than it is: the year of birth instead of the decade, say; and a policy that never was."""
    root = treated[0] / "treated" / "t"
    stands = spark.sql(f"SHOW TBLPROPERTIES delta.`{root}`").collect()
    (record,) = (row["value"] for row in stands if row["key"] == "privacy.record")
    told = json.loads(record)
    told["columns"]["age"]["parameters"]["width"] = 50
    del told["columns"]["blob"]
    properties = {"privacy.record": json.dumps(told), "privacy.policy.version": "2031-01"}
    version = clean.version
    for name, text in properties.items():
        spark.sql(f"ALTER TABLE delta.`{root}` SET TBLPROPERTIES ('{name}' = {json.dumps(text)})")
    try:
        found = verify.run(spark, treated[1], "t")
    finally:
        spark.sql(f"RESTORE delta.`{root}` TO VERSION AS OF {version}")
    said = {check.name: check for check in found.checks if check.outcome == "fails"}
    assert said.keys() >= {"fields", "configuration", "record anew"}
    assert set(said["configuration"].faults) == {
        "age: record and configuration differ in width",
        "blob: only the configuration has it",
        "policy version: record and configuration differ",
    }
    assert {fault.partition(":")[0] for fault in said["fields"].faults} == {"age", "blob"}


def test_what_is_no_treated_table(spark: SparkSession, treated: tuple[Path, Config]) -> None:
    for path, why in ((treated[0] / "nowhere", "is not there"), (treated[0] / "raw" / "t", "no treatment record")):
        with pytest.raises(Refused, match=why):
            verify.run(spark, None, path=str(path))


def test_no_value_is_in_what_is_told(leaking: Verified) -> None:
    told = "\n".join(outcome.lines(leaking)) + json.dumps(outcome.as_data(leaking), ensure_ascii=False)
    for value in (*NAMES, *MAILS, *map(str, IDS)):
        assert value not in told
        assert value.lower() not in told.lower()


# -- what is not checked, and what is not told ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("missing", "said", "of_people", "fine"),
    [
        *((0, None, False, True), (1, None, False, False), (12, 12, False, True), (11, 12, False, False)),
        *((9, "< 10", False, True), (10, "< 10", False, False), (10, "< 10", True, True), (-1, "< 10", True, False)),
    ],
)
def test_rows_that_are_kept_out(missing: int, said: int | str | None, of_people: bool, fine: bool) -> None:
    """Of few people there may be many rows."""
    assert retreated._are_kept_out(missing, said, of_people) is fine


def test_a_source_that_may_have_changed_fails_nothing(spark: SparkSession, treated: tuple[Path, Config]) -> None:
    raw = as_read.source_of(standing.found(session.for_run(spark), treated[1], treated[1].tables["t"].target, "t"))
    failing = outcome.judged("counts", ["rows do not add up"])
    assert retreated._of_the_time(failing, raw) == failing
    other = retreated._of_the_time(failing, dataclasses.replace(raw, is_same=False))
    assert (other.outcome, other.faults) == ("not checkable", ())


def test_a_sample_without_a_row_says_nothing(
    spark: SparkSession, treated: tuple[Path, Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multisets, "in_sample", lambda *_: F.lit(False))
    stands = standing.found(session.for_run(spark), treated[1], treated[1].tables["t"].target, "t")
    checks = {check.name: check for check in retreated.check(stands, as_read.source_of(stands), treated[1], sample=20)}
    assert checks["rows anew"].outcome == "not checked"


def test_texts_that_look_for_values_of_other_tables(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their lists are of a run alone: the column is left out and named, the others are compared."""
    monkeypatch.setitem(lakes.DOMAINS, "other", {**lakes.DOMAINS["other"], "normalize": ["nfc", "trim", "lower"]})
    sources = {name: {"format": "delta", "path": str(tmp_path / "raw" / name)} for name in ("c", "t")}
    for name, kinds, row in (("c", "name string", ("Ann Canarybird",)), ("t", "id long, note string", (1, "Hello"))):
        spark.createDataFrame([row], kinds).write.format("delta").save(sources[name]["path"])
    texts = {"technique": "treat_entities", "entities": {"email": "redact"}, "known_elsewhere": {"other": ["c.name"]}}
    tables = [
        table("c", tmp_path, {"name": {"domain": "other"}}, source=sources["c"]),
        table("t", tmp_path, {"id": "keep", "note": texts}, source=sources["t"]),
    ]
    conf = config.load(write_conf(tmp_path, *tables))
    pseudonymize.run(spark, conf, "t")
    said = {check.name: check for check in verify.run(spark, conf, "t").checks}
    assert said["rows anew"].outcome == "holds", said["rows anew"]
    assert "note is not: it looks for values of other tables" in said["rows anew"].said


def test_what_chance_gives_is_counted_length_by_length() -> None:
    """A million phones of 11 digits meet 10 others by chance (10**12 / 10**11); one of 6 digits among them is no
    excuse for more. Of 12 letters of an alphabet of 36 no one is met."""
    long, mixed = {11: 10**6}, {11: 10**6, 6: 1}
    assert (
        chance.most(long, long, 10) == chance.most(mixed, mixed, 10) == 28
    )  # P(X > 28) = 7.6e-7 where 10 are expected
    assert chance.most({12: 10**6}, {12: 10**6}, 36) == 0
    assert chance.most(long, {}, 10) == 0  # results of no such length
    assert chance.most({6: 1000}, {12: 1000}, 10) == 0
    assert chance.most({6: 1000}, {12: 1000}, 10, within=True) == 12  # two places in each: 2 are expected
    assert chance.most({11: 10**7}, {11: 10**7}, 10) == 1000 + int(5 * 1000**0.5 + 1)


def test_chance_passes_what_is_put_down_to_it_as_rarely_as_is_said() -> None:
    """The tail of a Poisson distribution, summed exactly."""
    for expected in (1e-7, 2e-6, 1e-3, 0.13, 1, 10, 100, 499):
        most = chance._quantile(expected)
        terms = [math.exp(n * math.log(expected) - expected - math.lgamma(n + 1)) for n in range(most + 400)]
        assert math.fsum(terms[most + 1 :]) <= 1e-6
        assert most == 0 or math.fsum(terms[most:]) > 1e-6, "and no more is put down to it than that"


def test_types_that_are_not_looked_for_are_named(treated: tuple[Path, Config]) -> None:
    """A column of direct identifiers in a type whose values have no digests."""
    entry = treated[1].tables["t"]
    kinds = "id double, name string, mail array<date>, phone struct<a: boolean, n: decimal(12, 0)>"
    wanted, left_out = identifiers(entry, T.StructType.fromDDL(kinds))
    assert wanted == ("name", "phone")
    assert {path: why.partition(",")[0] for path, why in left_out.items()} == {
        "id": "it is double",
        "mail": "it is array<date>",
    }


def test_checks_that_were_not_made_are_counted() -> None:
    made, not_made = outcome.judged("record", []), outcome.Check("counts", "not checked", "why")
    assert next(outcome.lines(Verified("t", 3, (made, not_made)))).endswith("holds; 1 of 2 checks were not made")
    assert next(outcome.lines(Verified("t", 3, (made,)))).endswith("holds what it says")
    assert outcome.as_data(Verified("t", 3, (made, not_made)))["not_made"] == 1


def test_strict_asks_for_every_check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What was not made, or cannot be: 0, and 1 with --strict; what fails: 1 in any case."""
    holds, fails = outcome.judged("record", []), outcome.judged("record", ["wrong"])
    unmade = [outcome.Check("counts", said, "why") for said in ("not checked", "not checkable")]  # type: ignore[arg-type]
    monkeypatch.setattr(session, "start", lambda name: None)
    for checks, code, strict in (
        ((holds,), 0, 0), ((holds, unmade[0]), 0, 1), ((holds, unmade[1]), 0, 1), ((fails,), 1, 1),
    ):  # fmt: skip
        monkeypatch.setattr(verify, "run", lambda *_, checks=checks, **__: Verified("t", 3, checks))
        assert verify.main(["--path", "/lake/t"]) == code
        assert verify.main(["--path", "/lake/t", "--strict", "--json"]) == strict
    assert '"outcome": "not checkable"' in capsys.readouterr().out


FIELDS = (
    "format", "table", "version", "source_version", "config_sha256", "sample", "unchanged", "holds", "not_made", "of",
    "said", "checks", "survivor_scan",
)  # fmt: skip
SCANNED = (
    "looked_for", "left_out", "values", "files", "not_looked_through", "by_chance", "excused", "survivors",
)  # fmt: skip


def test_the_json_has_what_the_page_says(clean: Verified, leaking: Verified) -> None:
    """docs/verify.md names each field; reports read it."""
    told = outcome.as_data(leaking)
    assert (*told,) == FIELDS
    assert (*told["survivor_scan"],) == SCANNED
    assert {*told["survivor_scan"]["survivors"][0]} == {"place", "path", "spelling", "extent", "column", "found"}
    assert {*told["checks"][0]} == {"name", "outcome", "said", "faults"}
    assert (told["format"], told["table"], told["source_version"], told["sample"]) == (1, "t", 0, retreated.SAMPLE)
    assert len(told["config_sha256"]) == 64
    assert outcome.as_data(clean)["holds"] is True
    page = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")
    for name in (*FIELDS, *SCANNED):
        assert f"`{name}`" in page, name


def test_words_of_ours_are_told_by_their_number() -> None:
    found = survivors.Counter(
        {
            ("column", "city", "as it is", file_scan.EXCUSED, 0): 7,
            ("column", "city", "other case or form", file_scan.EXCUSED, 0): 2,
            ("column", "note", "as it is", "whole", 0): 1,
        }
    )
    different = survivors.Counter(dict.fromkeys(found, 1))
    excused = survivors._excused(found, different, ["name"])
    assert excused == (survivors.Excused("column", "city", "name", 1, 9),)
    assert [*found] == [("column", "note", "as it is", "whole", 0)]
    scanned = survivors.Scanned((), ("name",), {}, 1, 1, excused=excused)
    assert [*outcome.excused(scanned)] == ["1 words of ours that name has too were excused in column city"]


LEVELS = [[f"10.1.2.{n}", "10"] for n in range(40)]
ALL_KINDS: dict[str, tuple[str, object, bool]] = {
    "keyed_hash": ("text", {"technique": "keyed_hash", "key": "crm"}, True),
    "deterministic_encryption": ("text", {"technique": "deterministic_encryption", "key": "crm"}, True),
    "randomized_encryption": ("text", {"technique": "randomized_encryption", "key": "crm"}, False),
    "format_preserving_encryption": ("digits", {"technique": "format_preserving_encryption", "key": "crm"}, True),
    "redact": ("text", "redact", True),
    "keep": ("text", "keep", True),
    "mask": ("text", {"technique": "mask"}, True),
    "truncate": ("text", {"technique": "truncate", "keep": 2}, True),
    "generalize_date": ("born", {"technique": "generalize_date"}, True),
    "generalize_number": ("number", {"technique": "generalize_number", "width": 10}, True),
    "truncate_ip": ("ip", {"technique": "truncate_ip"}, True),
    "substitute": ("text", {"technique": "substitute", "key": "crm", "list": "cities"}, True),
    "date_shift": ("born", {"technique": "date_shift", "max_days": 30, "key": "crm"}, True),
    "add_noise": ("number", {"technique": "add_noise", "scale": 1.5, "key": "crm"}, True),
    "coarsen_location": ("number", {"technique": "coarsen_location"}, True),
    "generalize_hierarchy": ("ip", {"technique": "generalize_hierarchy", "levels": LEVELS}, True),
    "treat_entities": ("ip", {"technique": "treat_entities", "entities": {"ip": "redact"}}, True),
    "drop": ("text", "drop", True),
    "nested": ("nested", None, True),
}


@pytest.mark.sweep
def test_two_runs_are_the_same_but_for_what_is_made_anew(spark: SparkSession, tmp_path: Path) -> None:
    """Of every kind of technique that there is: what is random is named, all else is compared, and equal."""
    made = {
        "text": "concat('w', id)",
        "digits": "lpad(string(id * 7919), 9, '0')",
        "born": "date_add(date'1990-01-01', int(id))",
        "number": "cast(id AS double)",
        "ip": "concat('10.1.2.', id)",
        "nested": "array(named_struct('a', concat('w', id)))",
    }
    rows = spark.range(40).selectExpr(*(f"{made[kind]} AS {name}" for name, (kind, *_) in ALL_KINDS.items()))
    rows.write.format("delta").save(str(tmp_path / "raw" / "t"))
    columns = {name: treatment for name, (_, treatment, _) in ALL_KINDS.items() if treatment is not None}
    columns["nested[].a"] = {"technique": "keyed_hash", "key": "crm"}
    raw = {"format": "delta", "path": str(tmp_path / "raw" / "t")}
    conf = config.load(write_conf(tmp_path, table("t", tmp_path, columns, source=raw, subject="keyed_hash")))
    for _ in range(2):
        pseudonymize.run(spark, conf, "t")
    found = {each.name: each for each in verify.run(spark, conf, "t", baseline="0").checks}
    assert found["baseline"].outcome == found["rows anew"].outcome == "holds", found
    random = [name for name, (*_, same) in ALL_KINDS.items() if not same]
    assert {*ALL_KINDS} - {"nested"} == {*BY_NAME}
    named = [name for name in ALL_KINDS if f"{name} is not: it is made anew each time" in found["baseline"].said]
    assert named == random


@pytest.mark.sweep
def test_rows_add_up_with_those_aside_and_those_kept_out(spark: SparkSession, tmp_path: Path) -> None:
    quarantines.put(quarantines.rows(spark, 0, 40, bad="id % 9 = 4"), tmp_path / "q")
    quarantines.run(spark, tmp_path / "q")
    lake = tmp_path / "s"
    people = [(f"p{n}", "Bern" if n < 20 else "Basel") for n in range(23)]
    spark.createDataFrame(people, "id string, city string").write.format("delta").save(str(lake / "raw" / "t"))
    columns = {"id": column({"domain": "customer"}, DIRECT), "city": "keep"}
    kept = table(
        "t",
        lake,
        columns,
        source={"format": "delta", "path": str(lake / "raw" / "t")},
        suppress={"k": 5, "at_most": 0.5},
    )
    conf = config.load(write_conf(lake, kept))
    pseudonymize.run(spark, conf, "t")
    for each, said in (
        (quarantines.configured(tmp_path / "q"), "40 of the source, 36 here, 4 in quarantine"),
        (conf, "rows add up, but for < 10 kept out"),
    ):
        stands = standing.found(session.for_run(spark), each, each.tables["t"].target, "t")
        (counts,) = (one for one in retreated.check(stands, as_read.source_of(stands), each) if one.name == "counts")
        assert (counts.outcome, counts.said) == ("holds", said)


def test_files_outside_the_folder_were_not_looked_through(
    spark: SparkSession, treated: tuple[Path, Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = survivors.Treated

    def elsewhere(location: str, current: list[str], *more: object) -> survivors.Treated:
        return made(location, [*current, "file:/elsewhere/part-0.parquet"], *more)  # type: ignore[arg-type]

    monkeypatch.setattr(verify, "Treated", elsewhere)
    (found,) = (each for each in verify.run(spark, treated[1], "t").checks if each.name == "survivors")
    assert found.outcome == "fails"
    assert "1 file of the table outside its folder could not be looked through" in found.faults
