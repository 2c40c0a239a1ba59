"""The configuration: what a good one means, and that every fault of a bad one is told, with file, line and remedy.

``bad_configs/<case>.txt`` holds files that are laid over ``good_conf``, and the report they must give. ``...`` at the
end of a line stands for what depends on the YAML parser or the list of techniques.
"""

from __future__ import annotations

import json
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jobs import config_schema
from jobs.configuration import config, locations, uris, yaml_reader
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.documents import Fault
from jobs.configuration.models import ColumnRule, Source, Target, Treatment
from privacy_udfs.techniques import BY_NAME
from tests.helpers.places import TESTS, all_of

GOOD, BAD = TESTS / "good_conf", TESTS / "bad_configs"
ENVIRON = {
    "LAKE": "/canary-lake",
    "KEYS": "/canary-keys",
    "SECRET": "canary secret",
    "FORMAT": "canary-format",
    "EMPTY": "",
}
CASES = [path.stem for path in all_of(BAD.glob("*.txt"))]


def parts(text: str) -> dict[str, str | None]:
    """The files of a case, and what is ``expected``. None for a file that must be absent."""
    found = re.split(r"^-- (.+?)( \(absent\))? --\n", text, flags=re.MULTILINE)[1:]
    return {name: None if absent else content for name, absent, content in zip(*[iter(found)] * 3, strict=True)}


def lay(files: dict[str, str | None], folder: Path) -> Path:
    """A good configuration with some files of a case laid over it."""
    shutil.copytree(GOOD, folder, dirs_exist_ok=True)
    for name, content in files.items():
        if content is None:
            (folder / name).unlink()
        elif name != "expected":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
    return folder


def report_of(files: dict[str, str | None], folder: Path) -> list[str]:
    try:
        config.load(lay(files, folder), ENVIRON)
    except ConfigError as error:
        return [str(fault) for fault in error.faults]
    return []


@pytest.fixture
def good() -> Config:
    return config.load(GOOD, ENVIRON)


def test_there_are_bad_configs() -> None:
    assert len(CASES) > 100


@pytest.mark.parametrize("case", CASES)
def test_every_fault_is_told(case: str, tmp_path: Path) -> None:
    files = parts((BAD / f"{case}.txt").read_text(encoding="utf-8"))
    report, expected = report_of(files, tmp_path), str(files["expected"]).splitlines()
    assert expected
    for line, wanted in zip(report, expected, strict=True):
        assert line == wanted or (wanted.endswith("...") and line.startswith(wanted[:-3]))
    assert "canary" not in "\n".join(report), "a value of the environment, or what may be a key, was shown"


def test_the_report_names_its_count_and_can_be_pickled(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(lay({"policy.yaml": None, "domain.yaml": ""}, tmp_path), ENVIRON)
    assert str(caught.value).splitlines()[0] == "2 faults in the configuration"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.faults, str(again)) == (caught.value.faults, str(caught.value))


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a folder with the configuration"):
        config.load(tmp_path / "nowhere")


def no_file(path: Path) -> None:
    path.unlink()
    path.mkdir()


def leads_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def called_otherwise(path: Path) -> None:
    path.parent.rename(path.parent.with_name("catalogue"))


def a_file(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.touch()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (no_file, "catalog/crm.customers.yaml: cannot be read: a folder is there"),
        (leads_nowhere, "catalog/crm.customers.yaml: cannot be read: nothing is there"),
        (called_otherwise, "catalogue: is not read; did you mean 'catalog'?"),
        (a_file, "catalog: expected a folder with a file for each table, got a file"),
    ],
)
def test_what_is_no_file_or_no_folder_is_told(change: Callable[[Path], None], told: str, tmp_path: Path) -> None:
    """A catalog that nobody reads has no table that could be refused: that is no green."""
    folder = lay({}, tmp_path / "conf")
    change(folder / "catalog" / "crm.customers.yaml")
    with pytest.raises(ConfigError) as caught:
        config.load(folder, ENVIRON)
    assert told in list(map(str, caught.value.faults))


@pytest.mark.parametrize("name", [name for name, technique in BY_NAME.items() if not technique.deterministic])
def test_a_domain_takes_no_technique_whose_results_do_not_join(name: str, tmp_path: Path) -> None:
    domains = (GOOD / "domains.yaml").read_text(encoding="utf-8") + f"mail: {{technique: {name}, key: crm}}\n"
    fault = f"domains.yaml:2: mail: {name} gives equal values unequal results: nothing would join"
    (told,) = report_of({"domains.yaml": domains}, tmp_path)
    assert told.startswith(fault)


# -- what a good one means --------------------------------------------------------------------------------------------


def test_a_good_configuration_is_read_whole(good: Config) -> None:
    customers = good.tables["crm.customers"]
    assert list(good.tables) == ["crm.customers", "crm.orders"]
    assert (customers.name, customers.owner) == ("crm.customers", "privacy@example.org")
    assert customers.file == "catalog/crm.customers.yaml"
    assert customers.source == Source(
        format="csv",
        path="/canary-lake/raw/customers",
        options={"sep": ";"},
        schema_="customer_id bigint, country string",
    )
    assert customers.target.properties == {"delta.enableChangeDataFeed": "true"}
    assert customers.target.cluster_by == ("customer_id",)
    assert good.tables["crm.orders"].target == Target(table="treated.orders", partition_by=("day",))
    assert customers.subject == ColumnPath.parse("customer_id")
    assert good.tables["crm.orders"].subject is None
    assert good.keys["crm"].keyset == "file:/canary-keys/crm.json"
    assert (good.keys["mail"].kek, good.keys["mail"].deliver) == ("aws-kms://alias/lake", "driver")
    assert good.policy.version == "2026-11-01"
    assert good.policy.allows("non_personal") == ("keep", "drop")


def test_treatments_are_resolved(good: Config) -> None:
    customers, orders = good.tables["crm.customers"].columns, good.tables["crm.orders"].columns
    hashed = BY_NAME["keyed_hash"].model_validate({"normalize": ["trim"]})
    assert customers["customer_id"].treatment == Treatment(hashed, "crm", "customer")
    assert customers["customer_id"].treatment == good.domains["customer"].treatment == orders["customer_id"].treatment
    assert customers["birth_date"].treatment.technique == BY_NAME["generalize_date"].model_validate({"unit": "year"})
    assert customers["address.street"].treatment == Treatment(BY_NAME["redact"].model_validate({}))
    assert customers["first_visit"].treatment.domain == "visits"
    assert (orders["loyalty_id"].treatment.key, orders["loyalty_id"].treatment.domain) == ("crm", None)
    assert orders["loyalty_id"].treatment.technique.on_refused == "null"
    assert customers["country"].treatment.technique.record()["levels"][2] == ["JP", "Asia", "World"]


def test_columns_are_known_by_the_normal_form_of_their_path(good: Config) -> None:
    columns = good.tables["crm.customers"].columns
    assert {"`odd ``name`", "tags{key}", "tags{value}", "address.street"} <= columns.keys()
    assert columns["country"].line == 9
    assert columns["tags{value}"].why == "${name} is filled in by the campaign"


def test_where_a_rule_stands_is_no_part_of_what_it_says(good: Config) -> None:
    rule = good.tables["crm.customers"].columns["country"]
    assert rule == ColumnRule(rule.class_, rule.treatment, rule.why, line=1)
    assert hash(rule) == hash(ColumnRule(rule.class_, rule.treatment, rule.why))


def test_domains_and_keys_may_be_left_out(tmp_path: Path) -> None:
    lay({"domains.yaml": None, "keys.yaml": None}, tmp_path)
    shutil.rmtree(tmp_path / "catalog")
    conf = config.load(tmp_path, ENVIRON)
    assert (conf.tables, conf.domains, conf.keys) == ({}, {}, {})


def test_tables_are_chosen_by_name(good: Config, tmp_path: Path) -> None:
    assert config.chosen(good, None) == ["crm.customers", "crm.orders"]
    assert config.chosen(good, ["crm.orders", "crm.orders"]) == ["crm.orders"]
    with pytest.raises(ConfigError, match=r"catalog: crm\.oders: no such table; did you mean 'crm\.orders'\?"):
        config.chosen(good, ["crm.oders"])
    with pytest.raises(ConfigError, match="holds no tables"):
        config.chosen(Config({}, {}, {}, good.policy), None)


def test_logs_show_a_source_without_what_a_uri_may_hide() -> None:
    assert Source(path="hdfs://canary@lake/raw", format="delta").describe() == "delta:hdfs://lake/raw"
    assert Source(path="/lake/a@b", format="delta").describe() == "delta:/lake/a@b"
    for path in ("s3a://id:canary@lake/raw", "s3a://id:can/ary@lake/raw", "abfss://c:canary@acc.example.org/a"):
        assert "canary" not in uris.without_user(path)
        with pytest.raises(ValueError, match="holds a password") as caught:
            Source(path=path, format="delta")
        assert "canary" not in str(caught.value)
    for path in (
        "abfss://c@acc.example.org/a:b",
        "hdfs://name:8020/a@b",
        "s3a://lake/a:b@c",
        "file:/a:b@c",
        "/a//b:c@d",
    ):
        Source(path=path, format="delta")
    assert Source(table="raw.orders").describe() == "raw.orders"


# -- snapshots --------------------------------------------------------------------------------------------------------


def changed(tmp_path: Path, file: str, old: str, new: str) -> Config:
    """The good configuration with one text replaced by another."""
    text = (lay({}, tmp_path) / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new), encoding="utf-8")
    return config.load(tmp_path, ENVIRON)


def test_a_snapshot_holds_nothing_of_the_environment(good: Config) -> None:
    text = config.snapshot(good, "crm.customers")
    assert "canary" not in text
    assert "${LAKE}/raw/customers" in text
    assert re.fullmatch("[0-9a-f]{64}", config.snapshot_sha256(good, "crm.customers"))
    elsewhere = config.load(GOOD, {"LAKE": "s3://other", "KEYS": "/other"})
    assert config.snapshot(elsewhere, "crm.customers") == text


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("catalog/crm.customers.yaml", "unit: year", "unit: month"),
        ("domains.yaml", "normalize: [trim]", "normalize: [trim], on_refused: stop"),
        ("keys.yaml", "/crm.json", "/crm2.json"),
        ("policy.yaml", "2026-11-01", "2026-11-02"),
        ("hierarchies/countries.csv", "Asia", "East"),
    ],
)
def test_what_decides_about_a_table_changes_its_snapshot(
    good: Config, tmp_path: Path, file: str, old: str, new: str
) -> None:
    other = changed(tmp_path, file, old, new)
    assert config.snapshot_sha256(other, "crm.customers") != config.snapshot_sha256(good, "crm.customers")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("catalog/crm.orders.yaml", "the measure", "the only measure"),
        ("keys.yaml", "/mail.json", "/mail2.json"),
        ("catalog/crm.customers.yaml", "columns:\n", "# a remark\ncolumns:\n"),
        (
            "catalog/crm.customers.yaml",
            "{technique: generalize_date, unit: year}",
            "{unit: 'year', technique: generalize_date}",
        ),
    ],
)
def test_what_does_not_decide_about_a_table_leaves_its_snapshot(
    good: Config, tmp_path: Path, file: str, old: str, new: str
) -> None:
    other = changed(tmp_path, file, old, new)
    assert config.snapshot(other, "crm.customers") == config.snapshot(good, "crm.customers")


# -- reading YAML -----------------------------------------------------------------------------------------------------


def read(text: str) -> tuple[object, list[Fault]]:
    faults: list[Fault] = []
    document = yaml_reader.parse(text, "x.yaml", faults)
    return document and document.data, faults


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("-12", -12),
        ("0.5", 0.5),
        (".5", 0.5),
        ("-1.5e-3", -0.0015),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("2026-11-01", "2026-11-01"),
        ("2026-11", "2026-11"),
        ("2026-11-01 10:00:00Z", "2026-11-01 10:00:00Z"),
        ("1.2.3", "1.2.3"),
        ("12:30:99", "12:30:99"),
        ("yesterday", "yesterday"),
        ("'no'", "no"),
        ('"0123"', "0123"),
        ("'1:30'", "1:30"),
        ('"a\\tb"', "a\tb"),
        ("|\n  no\n", "no\n"),
        ("a & b * c ! d", "a & b * c ! d"),
    ],
)
def test_scalars(written: str, value: object) -> None:
    assert read(f"x: {written}\n") == ({"x": value}, [])


PRINTABLE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co", "Zl", "Zp"], exclude_characters="\ufeff"))
JSON = st.recursive(
    PRINTABLE | st.integers(-(10**30), 10**30) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PRINTABLE, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(PRINTABLE, JSON, max_size=3))
def test_json_is_read_as_it_is(value: dict[str, object]) -> None:
    assert read(json.dumps(value, ensure_ascii=False)) == (value, [])


@given(st.binary(max_size=60) | st.text(st.sampled_from("a:-{}[],&*!|>'\"#% \n\t0?"), max_size=60).map(str.encode))
def test_any_file_is_read_or_told(content: bytes) -> None:
    faults: list[Fault] = []
    document = yaml_reader.parse(content.decode("utf-8", "replace"), "x.yaml", faults)
    assert document is not None or faults


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"table: t\nowner: \xff\n", 2, "expected UTF-8, got bytes that are not; save the file as UTF-8"),
        ("table: t\n".encode("utf-16"), 1, "expected UTF-8, got bytes that are not; save the file as UTF-8"),
        (b"", 1, "the file is empty"),
        (b"table: t\n# \x07\n", 2, "a control character: in text in double quotes it can be written as an escape"),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, content: bytes, line: int, message: str) -> None:
    lay({}, tmp_path)
    (tmp_path / "catalog" / "t.yaml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path, ENVIRON)
    (fault,) = caught.value.faults
    assert (fault.file, fault.line) == ("catalog/t.yaml", line)
    assert fault.message == message


def test_a_byte_order_mark_is_no_fault(tmp_path: Path, good: Config) -> None:
    policy = lay({}, tmp_path) / "policy.yaml"
    policy.write_bytes(b"\xef\xbb\xbf" + policy.read_bytes())
    assert config.load(tmp_path, ENVIRON).policy == good.policy


def test_the_slow_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch, good: Config) -> None:
    monkeypatch.setattr(yaml_reader, "_LOADER", yaml.SafeLoader)
    assert config.load(GOOD, ENVIRON) == good


# -- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/lake/t", "/lake/t/"),
        ("/lake/t", "file:/lake/t"),
        ("/lake/t", "file:///lake//x/../t/."),
        ("s3a://Lake/t", "s3://lake/t/"),
        ("hdfs://nn:8020/t", "HDFS://nn:8020//t"),
        ("abfss://c@account/t", "abfs://c@account/t"),
        ("lake/t", "./lake/t"),
    ],
)
def test_one_place_in_two_spellings(one: str, other: str) -> None:
    assert locations.of(Target(path=one)) == locations.of(Target(path=other))


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("/lake/raw", "/lake/raw/t", True),
        ("/lake/raw/t", "/lake/raw", True),
        ("/lake/raw", "/lake/rawer", False),
        ("/lake/*/t", "/lake/treated/t", True),
        ("/lake/raw*/t", "/lake/treated/t", False),
        ("/lake/{raw,treated}/t", "/lake/treated/t", True),
        ("s3://a/t", "s3://b/t", False),
        ("/t", "hdfs://nn/t", False),
    ],
)
def test_whether_places_overlap(source: str, target: str, expected: bool) -> None:
    places = locations.of(Source(path=source, format="delta")), locations.of(Target(path=target))
    assert locations.overlap(*places) is expected


# -- schemas ----------------------------------------------------------------------------------------------------------

KINDS = {"table.json": "catalog/crm.customers.yaml", "domains.json": "domains.yaml"}
KINDS |= {"keys.json": "keys.yaml", "policy.json": "policy.yaml"}


def test_the_schemas_are_those_of_this_version(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = TESTS.parent / "conf" / "schema"
    assert config_schema.main(["--check", str(folder)]) == 0, "python jobs/config_schema.py --output conf/schema"
    assert config_schema.main(["--output", str(tmp_path)]) == 0
    (tmp_path / "keys.json").write_text("{}", encoding="utf-8")
    assert config_schema.main(["--check", str(tmp_path)]) == 1
    assert "keys.json is stale" in capsys.readouterr().out


def test_the_page_of_keys_is_that_of_this_version(tmp_path: Path) -> None:
    assert config_schema.main(["--page", str(tmp_path / "table.md")]) == 0
    page = (TESTS.parent / "docs" / "table.md").read_text(encoding="utf-8")
    assert (tmp_path / "table.md").read_text(encoding="utf-8") == page, "make schemas"
    assert "| `payment_card` | 12 to 19 digits are of an issuer's range and pass Luhn |\n" in page
    assert "====" not in page, "a table of a docstring as it is written there"
    rows = [line for line in page.partition("## Treatments")[0].splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert [row for row in rows if not row.removesuffix(" |").rpartition("| ")[2].strip()] == [], "keys without meaning"


def plain_yaml(text: str) -> object:
    """YAML as editors read it: dates are text."""
    data, faults = read(text)
    assert not faults
    return data


@pytest.mark.parametrize(
    ("schema", "file"), [*KINDS.items(), ("table.json", "catalog/crm.orders.yaml")], ids=lambda name: str(name)
)
def test_the_schemas_accept_what_the_loader_accepts(schema: str, file: str) -> None:
    validator = jsonschema.Draft202012Validator(config_schema.schemas()[schema])
    validator.check_schema(validator.schema)
    validator.validate(plain_yaml((GOOD / file).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "case",
    [
        "entry_why_missing",
        "entry_key_unknown",
        "entry_class_unknown",
        "treatment_word_unknown",
        "treatment_neither",
        "technique_unknown",
        "parameter_unknown",
        "parameter_range",
        "parameter_choice",
        "key_missing",
        "key_without_need",
        "domain_with_parameters",
        "levels_twice",
        "source_format_unknown",
        "domain_in_a_domain",
        "key_material",
        "key_deliver_unknown",
        "policy_technique_unknown",
        "policy_class_unknown",
        "policy_of_many_faults",
        "review_and_retention",
    ],
)
def test_the_schemas_refuse_what_one_file_can_tell(case: str) -> None:
    files = parts((BAD / f"{case}.txt").read_text(encoding="utf-8"))
    (file,) = files.keys() - {"expected"}
    kind = next((kind for kind, name in KINDS.items() if name == file), "table.json")
    validator = jsonschema.Draft202012Validator(config_schema.schemas()[kind])
    assert not validator.is_valid(plain_yaml(str(files[file])))


# -- boundaries -------------------------------------------------------------------------------------------------------


def test_reading_the_configuration_loads_no_spark() -> None:
    code = "import sys, jobs.configuration.config, jobs.config_schema; sys.exit('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=TESTS.parent, check=False).returncode == 0
