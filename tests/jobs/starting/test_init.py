"""`jobs.init`: from files to a configuration that works; nothing written over, nothing decided, no value shown."""

from __future__ import annotations

import json
import stat
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

from jobs import check, init, inventory
from jobs.configuration import config
from jobs.configuration.models import Source
from jobs.console import next_step
from jobs.console.exit_codes import BadUsage
from jobs.detection import shared_keys, things
from jobs.detection.discovery import FoundTable
from jobs.drafting import joined
from jobs.drafting.proposals import Surroundings
from jobs.lake import read
from jobs.starting import conf_files, domains, found_tables, reading
from jobs.starting.found_tables import Scanned
from tests.jobs.drafting.test_shared_keys import SALT, looked

NAMES = ("Jürgen Groß", "Anaïs Dubois", "Zoë Weiß", "Peter Müller", "Maria Peña", "Sophie Gärtner")
CANARY = "Canaria.Quixotebird@example.org"


def put_customers(folder: Path) -> None:
    """As a spreadsheet of Western Europe writes it."""
    lines = ["Customer-ID;Name;E-Mail;Birth Date;ZIP;Account;Revenue;Share;Active;Since;Seen;Gross, net"]
    for at in range(120):
        mail = CANARY if at == 7 else f"user{at}@example.org"
        born = f"{at % 28 + 1:02d}.{at % 12 + 1:02d}.{1940 + at % 60}"
        seen = f"2024-0{at % 9 + 1}-11 10:0{at % 9}:00"
        rest = f"{'yes' if at % 2 else 'no'};{born};{seen};{at}"
        zip_, account = f"0{1067 + at}", f"{9_000_000_000 + at * 7_919_113}"
        lines.append(
            f"{at:05d};{NAMES[at % 6]} {'abcdefghij'[at % 10]}.;{mail};{born};{zip_};{account};{at * 3}.{at % 100:02d};"
            f"0.{at:07d}1;{rest}"
        )
    (folder / "customers.csv").write_bytes(("\r\n".join(lines) + "\r\n").encode("cp1252"))


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "orders").mkdir(parents=True)
    put_customers(folder)
    orders = {"order_id": list(range(90)), "customer_id": [f"{at % 120:05d}" for at in range(90)]}
    mails = [f"user{at}@example.org" for at in range(90)]
    pq.write_table(pa.table({**orders, "mail": mails}), folder / "orders" / "a.parquet")
    return folder


def test_from_files_to_a_configuration(
    spark: SparkSession,
    raw: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (raw / "broken").mkdir()
    (raw / "broken" / "a.csv").write_text("a,b\n1\n")
    assert init.main([str(raw)]) == 3
    told = capfd.readouterr()
    assert "broken" in told.err
    conf = tmp_path / "conf"
    assert {path.name for path in (conf / "catalog").iterdir()} == {"customers.yaml", "orders.yaml"}

    draft = yaml.safe_load((conf / "catalog" / "customers.yaml").read_text())
    assert draft["source"] == {
        "path": str(raw / "customers.csv"),
        "format": "csv",
        "options": {"encoding": "windows-1252", "sep": ";", "dateFormat": "dd.MM.yyyy"},
        "schema": "`Customer-ID` string, `Name` string, `E-Mail` string, `Birth Date` date, `ZIP` string, "
        "`Account` string, `Revenue` decimal(5,2), `Share` double, `Active` string, `Since` date, `Seen` timestamp, "
        "`Gross, net` bigint",
    }
    assert (draft["draft"], draft["owner"], draft["target"]) == (
        True,
        "",
        {"path": str(tmp_path / "treated/customers")},
    )
    columns = {path: entry["treatment"] for path, entry in draft["columns"].items()}
    assert columns["Customer-ID"] == {"domain": "customer"}
    assert columns["E-Mail"] == {"domain": "email"}
    assert columns["`Birth Date`"] == {"technique": "generalize_date", "unit": "year"}
    orders = yaml.safe_load((conf / "catalog" / "orders.yaml").read_text())["columns"]
    assert (orders["customer_id"]["treatment"], orders["mail"]["treatment"]) == (
        {"domain": "customer"},
        {"domain": "email"},
    )

    assert check.main(["--conf", str(conf)]) == 0, "all that was made is sound"
    made = config.load(conf)
    assert {name: domain.treatment.key for name, domain in made.domains.items()} == {
        "customer": "lake",
        "email": "lake",
    }
    assert [each.table for each in made.drafts] == ["customers", "orders"]
    key = tmp_path / "keys" / "lake.json"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert (key.parent / ".gitignore").read_text().endswith("*\n")
    assert "in the clear, for development" in told.out
    primary = json.loads(key.read_text())["primaryKeyId"]
    assert list(made.keys["lake"].created) == [str(primary)]

    files = [path for path in conf.rglob("*") if path.is_file()]
    everything = told.out + told.err + "".join(path.read_text() for path in files)
    secret = json.loads(key.read_text())["key"][0]["keyData"]["value"]
    for leaked in ("Quixotebird", "user3@", "Gärtner", "9007919113", secret):
        assert leaked not in everything

    before = {path: path.read_bytes() for path in [*files, key]}
    capfd.readouterr()
    assert init.main([str(raw)]) == 3
    told = capfd.readouterr()
    assert "stood already, left as it is: catalog/customers.yaml, catalog/orders.yaml" in told.out
    assert {path: path.read_bytes() for path in before if path.name != "customers.yaml"} == {
        path: content for path, content in before.items() if path.name != "customers.yaml"
    }

    monkeypatch.setattr(next_step, "is_terminal", lambda: True)
    put_customers(tmp_path)
    assert init.main([str(tmp_path / "customers.csv")]) == 0, "another file of that name"
    told = capfd.readouterr()
    place = f"{tmp_path / 'customers.csv'}: called so, for customers is another table, the one at {raw}/customers.csv"
    assert f"customers_2: {place}" in told.out
    assert yaml.safe_load((conf / "catalog/customers_2.yaml").read_text())["columns"].keys() == draft["columns"].keys()
    assert (conf / "evidence" / "customers_2.json").exists()
    assert init.main([str(tmp_path / "customers.csv")]) == 0
    told = capfd.readouterr()
    assert "stood already, left as it is: catalog/customers_2.yaml" in told.out
    assert "next: python jobs/accept.py --conf conf --table customers_2" in told.err, "its draft waits"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], "nothing is at"),
        (["."], "lie in each other: name the folder of the data alone"),
        (["data", "--keys", "conf/keys"], "a key has no place in the configuration"),
        (["data/notes.txt"], "is no file of parquet, orc, csv or json by its name"),
        (["empty"], "no table was found there"),
    ],
)
def test_what_cannot_be_begun_with_leaves_no_file(
    spark: SparkSession,
    raw: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (raw / "notes.txt").write_text("a")
    assert init.main(words) == 2
    assert told in capfd.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} <= {"data", "empty", "spark-warehouse"}


def test_rows_without_a_header_show_no_name_and_can_be_named(
    spark: SparkSession, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text(f"{CANARY},Maria Müller\nb@example.org,Peter Weiß\n")
    (tmp_path / "guests.csv").write_text("C0012,QUIXOTEBIRD,M,9\nC0013,JONES,F,12\nC0014,SMITH,M,7\n")
    (tmp_path / "bundle.json").write_text('{\n "entry": [\n {"resource": {"id": "a", "born": "1980-01-02"}}\n ]\n}\n')
    assert init.main(["people.csv", "guests.csv"]) == 3
    told = capfd.readouterr()
    assert "quixotebird" not in (told.out + told.err).lower()
    assert "guests: the names of its columns look like data" in told.err
    assert "--option header=false --names NAME,NAME" in told.err
    assert not (tmp_path / "conf").exists(), "nothing was found, so nothing was begun"

    named = ["--option", "header=false", "--names", "guest_id,surname,sex,visits"]
    assert init.main(["guests.csv", "bundle.json", *named]) == 0
    told = capfd.readouterr()
    guests = yaml.safe_load((tmp_path / "conf/catalog/guests.yaml").read_text())
    assert guests["source"] == {
        "path": str(tmp_path / "guests.csv"),
        "format": "csv",
        "options": {"header": "false"},
        "schema": "`guest_id` string, `surname` string, `sex` string, `visits` bigint",
    }
    assert list(guests["columns"]) == ["guest_id", "surname", "sex", "visits"]
    rows = read.rows_of(spark, Source.model_validate(guests["source"])).rows.collect()
    assert [row["visits"] for row in rows] == [9, 12, 7], "no person was taken for a header"
    bundle = yaml.safe_load((tmp_path / "conf/catalog/bundle.yaml").read_text())
    assert bundle["source"]["options"] == {"multiLine": "true"}
    assert "entry[].resource.id" in bundle["columns"]
    assert "bundle: each file is read as one JSON value, by multiLine" in told.out
    files = [path for path in (tmp_path / "conf").rglob("*") if path.is_file()]
    assert not any("quixotebird" in path.read_text().lower() for path in files)


@pytest.mark.parametrize(
    ("options", "columns", "told"),
    [
        (["header"], "", "--option: expected NAME=VALUE"),
        (["heder=false"], "", "--option heder: no option that format csv takes"),
        (["multiLine=yes"], "", "--option multiLine: expected 'true' or 'false'"),
        (["header=false"], "a,,b", "--names: expected a name for each column"),
        (["header=false"], "a,A", "--names: expected a name for each column"),
        ([], "a,b", "--names: names are for files without a header"),
    ],
)
def test_what_is_said_of_reading_is_looked_at_first(options: list[str], columns: str, told: str) -> None:
    with pytest.raises(BadUsage) as refused:
        reading.asked(options, columns)
    assert str(refused.value).startswith(told)


def test_what_holds_nothing_is_told_and_not_begun_with(
    spark: SparkSession, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry without a column could never be accepted."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "b.jsonl"):
        Path(name).touch()
    Path("c").mkdir()
    pq.write_table(pa.table({}), "c/c.parquet")
    assert init.main(["a.csv", "b.jsonl", "c"]) == 3
    one, other, third = capfd.readouterr().err.splitlines()[-3:]
    assert one.startswith("a: no CSV file holds a first record within its first 200 lines (an empty file holds none): ")
    assert other.startswith("b: no JSON object holds a key: all files are empty, or all objects; ")
    assert third == "c: it has no columns: there is nothing to decide"
    assert not Path("conf").exists()
    assert inventory.main(["--path", str(tmp_path / "c")]) == 3
    assert "c: it has no columns" in capfd.readouterr().err
    Path("header.csv").write_text("id,mail\n")
    assert init.main(["header.csv"]) == 0, "no rows yet, but columns to decide"


def test_all_that_is_no_module_ships_in_the_wheel() -> None:
    """What setuptools takes along beside modules is listed by package; one that is not is missed once installed."""
    root = Path(init.__file__).parent.parent
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    section = project.partition("[tool.setuptools.package-data]\n")[2].partition("\n\n")[0]
    listed = {
        name.strip(' "'): json.loads(globs) for name, _, globs in (each.partition("=") for each in section.splitlines())
    }
    folders = {root.joinpath(*name.split(".")): globs for name, globs in listed.items()}
    taken = {path for folder, globs in folders.items() for each in globs for path in folder.glob(each)}
    beside = {path for room in ("jobs", "privacy_udfs") for path in (root / room).rglob("*") if path.is_file()}
    assert {path for path in beside if path.suffix not in (".py", ".pyc")} == taken
    assert conf_files.TEMPLATES / "policy.yaml" in taken


def test_one_thing_in_two_languages_is_one_domain() -> None:
    """Linked by their values or not: two numberings of customers are one domain, as the raw ones are one kind of id."""
    counted, others = list(range(1, 301)), list(range(10**6, 10**6 + 300))
    for ids in (counted, list(range(10**8, 10**8 + 300))):
        tables = [
            looked("Kunden", **{"Kunden-Nr": counted, "patient_id": others}),
            looked("purchases", customer=[ids[at % 290] for at in range(900)]),
        ]
        around = Surroundings((), ("lake",))
        groups = joined.propose(tables, around, shared_keys.links(tables, SALT))[1]
        source = Source(path="/a", format="parquet")
        scanned = [Scanned(FoundTable(each.table, source), source, each, ()) for each in tables]
        found = domains.proposed(scanned, groups, "lake")
        assert len(groups) == (1 if ids is counted else 0)
        assert len(found) == 2, found
        assert sum(things.mean_the_same(name, "customer") for name in found) == 1
        assert "patient" in found


def test_references_say_whose_they_are_however_few_there_are() -> None:
    """Four patients are too few to be compared by their values."""
    ids = [str(uuid.UUID(int=at << 64 | 1 << 78 | 1 << 63)) for at in range(4)]
    tables = [
        looked("Patient", id=ids, identifier__value=ids),
        looked("Observation", subject__reference=[f"Patient/{ids[at % 4]}" for at in range(32)]),
    ]
    source = Source(path="/a", format="parquet")
    scanned = [Scanned(FoundTable(each.table, source), source, each, ()) for each in tables]
    assert not shared_keys.links(tables, SALT)
    found = domains.proposed(scanned, (), "lake")
    assert list(found) == ["patient"]
    assert found["patient"]["normalize"] == ["nfc", "trim", {"strip_prefix": "Patient/"}]
    around = Surroundings(("patient",), ("lake",), {}, {"patient": "keyed_hash"})
    made, _ = joined.propose(tables, around, ())
    (own, number), (reference,) = made["Patient"], made["Observation"]
    assert own.treatment == reference.treatment == {"domain": "patient"}
    assert number.treatment != own.treatment, "a number that others gave"


def test_files_with_the_same_columns_may_be_one_table_which_is_told() -> None:
    paths = ("/d/a.parquet", "/d/b.parquet", "/d/c.parquet", "/e/d.parquet", "/d/folder")
    values = [{"x": [1, 2]}, {"x": [3, 4]}, {"y": [1, 2]}, {"x": [1, 2]}, {"x": [1, 2]}]
    sources = [Source(path=path, format="parquet") for path in paths]
    names = [path[3] for path in paths]
    tables = [
        Scanned(FoundTable(name, source), source, looked(name, **columns), ())
        for name, source, columns in zip(names, sources, values, strict=True)
    ]
    (told,) = found_tables.alike(tables)
    assert told.startswith("a, b: files of /d with the same columns, each drafted as a table of its own")
