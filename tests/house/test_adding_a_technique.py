"""Adding a technique is its file, its vectors and one name in the list: here one is added, and everything knows it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pyspark.sql import types as T

import privacy_udfs
from jobs import check, config_schema, plan
from jobs.configuration import config
from jobs.configuration.config import Config, ConfigError
from jobs.console.exit_codes import REFUSED
from jobs.drafting import drift
from jobs.gates import configuration_gates
from jobs.named_keys import key_ring
from jobs.record import linkage, record_reader, treatment_record
from jobs.record.treated_table import UnsafeUse, check_join, check_publishable, privacy_of
from jobs.table_run.selection import Selection
from jobs.treatment import treatment_plan
from jobs.treatment.treatment_plan import Plan, PlanError
from privacy_udfs import __main__ as documentation
from privacy_udfs.errors import KeyProblem, ParameterError
from privacy_udfs.facts import Facts
from privacy_udfs.keys import create_file
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.techniques import BY_NAME, facts_of
from tests.helpers import added_technique
from tests.helpers.added_technique.caesar import Caesar
from tests.helpers.vectors import Vector, load_vectors
from tests.house import test_readme
from tests.jobs.policy import test_treatment_diff
from tests.privacy_udfs import test_contract, test_vectors

VECTORS = load_vectors("caesar", Path(added_technique.__path__[0]))
TEXT = T.StringType()
SCHEMA = (
    T.StructType().add("name", TEXT).add("nick", TEXT).add("notes", T.MapType(TEXT, TEXT)).add("since", T.DateType())
)
COLUMNS: dict[str, Any] = {
    "name": {"domain": "people"},
    "nick": {"technique": "caesar", "key": "crm", "rounds": 2},
    "notes{key}": {"technique": "caesar", "key": "crm"},
    "notes{value}": "redact",
    "since": "keep",
}
TODAY = datetime.date(2026, 11, 25)
APART = {"technique": "caesar", "key": "crm", "rounds": 4}


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one name in the list."""
    monkeypatch.setitem(BY_NAME, "caesar", Caesar)


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Config]:
    """Writes and reads a configuration whose table ``t`` is treated as `COLUMNS` say, but for what is told."""
    create_file(tmp_path / "crm.json")

    def write(policy: dict[str, Any] | None = None, **columns: Any) -> Config:
        techniques = ["keep", "redact", "keyed_hash", "caesar"]
        classes = {"direct_identifier": {"techniques": techniques}}
        rules = {path: _rule(columns.get(path, treatment)) for path, treatment in COLUMNS.items()}
        source, target = {"path": "/raw", "format": "delta"}, {"path": "/treated"}
        files = {
            "policy.yaml": {"version": "1", "classes": classes, **(policy or {})},
            "keys.yaml": {"crm": {"keyset": f"file:{tmp_path}/crm.json"}},
            "domains.yaml": {"people": {"technique": "caesar", "key": "crm", "rounds": 3}},
            "catalog/t.yaml": {"table": "t", "owner": "me", "source": source, "target": target, "columns": rules},
        }
        for name, content in files.items():
            (tmp_path / "conf" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "conf" / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return config.load(tmp_path / "conf", {})

    return write


def _rule(treatment: Any) -> dict[str, Any]:
    return {"class": "direct_identifier", "treatment": treatment, "why": "a test"}


def planned(conf: Config) -> tuple[Plan, dict[Any, str]]:
    """The plan of the table, with its key opened, and the check values of sub-keys."""
    ring = key_ring.open_for(conf, conf.tables["t"])
    made = treatment_plan.build(conf.tables["t"], SCHEMA, ring.ids)
    return made, dict(ring.checks(made))


def treated(conf: Config) -> T.StructType:
    """The schema of the table as it would be written."""
    made, checks = planned(conf)
    return Selection(made, treatment_record.entries(made, checks), {}).schema()


# -- values -----------------------------------------------------------------------------------------------------------


def checks_on(*marks: pytest.MarkDecorator) -> Iterator[Callable[[Vector], None]]:
    """The checks of the contract that bear one of the marks, and no other parameter than a sample."""
    for name, function in vars(test_contract).items():
        if name.startswith("test_") and any(mark.mark in getattr(function, "pytestmark", ()) for mark in marks):
            lengths = [mark for mark in function.pytestmark if mark.args[0] == "length"]
            for length in lengths[0].args[1] if lengths else [None]:
                more = {} if length is None else {"length": length}
                yield lambda sample, function=function, more=more: function(sample, **more)


def test_the_contract_holds_it() -> None:
    checks = list(checks_on(test_contract.each_technique, test_contract.each_on_text))
    assert len(checks) > 15
    for held in checks:
        for sample in VECTORS:
            held(sample)


def test_its_vectors_run() -> None:
    for sample in VECTORS:
        test_vectors.test_pure_function(sample)
        test_vectors.test_reversible_techniques_give_the_values_back(sample)
    assert [sample.record for sample in VECTORS if sample.record] == [privacy_udfs.parse(VECTORS[0].treatment).record()]


def test_a_master_key_serves_it_and_a_key_of_another_algorithm_does_not() -> None:
    technique = Caesar()
    assert len(Keyset.generate().subkey(technique, "people").material) == 16
    with pytest.raises(KeyProblem, match="AesSivKey serves deterministic_encryption only, not caesar"):
        Keyset.generate("AesSivKey").subkey(technique, "people")


def test_it_is_gone_with_its_name_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(BY_NAME, "caesar")
    with pytest.raises(ParameterError):
        privacy_udfs.parse({"technique": "caesar"})
    assert "Caesar" not in config_schema.schemas()["table.json"]["$defs"]


# -- what is said of it -----------------------------------------------------------------------------------------------


def test_the_documentation_has_it(tmp_path: Path) -> None:
    pages = [tmp_path / "README.md", tmp_path / "docs" / "governance.md"]
    pages[1].parent.mkdir()
    for page in pages:
        page.write_bytes((test_readme.ROOT / page.relative_to(tmp_path)).read_bytes())
    assert documentation.main(["--write", *map(str, pages)]) == 0
    readme, governance = (page.read_text(encoding="utf-8") for page in pages)
    row = f"| `caesar` | {Caesar.comes_out} | {Caesar.standard} |\n"
    assert readme.replace(row, "") == test_readme.README != readme
    assert "\n6. `format_preserving_encryption`, `caesar`\n" in governance
    test_readme.test_every_technique_says_what_it_does(Caesar)
    test_treatment_diff.test_every_technique_and_parameter_states_its_strength("caesar")


@pytest.mark.parametrize(
    ("file", "content", "sound"),
    [
        ("domains.json", {"people": {"technique": "caesar", "key": "crm", "rounds": 3}}, True),
        ("domains.json", {"people": {"technique": "caesar", "key": "crm", "rounds": 26}}, False),
        ("domains.json", {"people": {"technique": "caesar"}}, False),
        ("policy.json", {"version": "1", "classes": {"sensitive": {"techniques": ["caesar"]}}}, True),
        ("policy.json", {"version": "1", "classes": {}, "approved": {"algorithms": ["CAESAR"]}}, True),
        ("policy.json", {"version": "1", "classes": {}, "approved": {"algorithms": ["ROT13"]}}, False),
    ],
)
def test_the_json_schemas_have_it(file: str, content: Any, sound: bool) -> None:
    schemas = config_schema.schemas()
    assert jsonschema.Draft202012Validator(schemas[file]).is_valid(content) is sound
    assert schemas["table.json"]["$defs"]["Caesar"]["required"] == ["key", "technique"]
    assert {"$ref": "#/$defs/Caesar"} in schemas["table.json"]["$defs"]["Treatment"]["oneOf"]


# -- configuration, policy and plan -----------------------------------------------------------------------------------


def test_the_configuration_takes_it_and_tells_its_faults(configured: Callable[..., Config]) -> None:
    assert configured().tables["t"].columns["nick"].treatment.technique == Caesar(rounds=2)
    with pytest.raises(ConfigError) as caught:
        configured(nick={"technique": "caesar", "round": 2}, since={"technique": "cesar", "key": "crm"})
    told = str(caught.value)
    assert "unknown key; did you mean 'rounds'?" in told
    assert "caesar needs the name of a key" in told
    assert "no technique is called 'cesar'; did you mean 'caesar'?" in told


def test_check_approves_and_deprecates_it(
    configured: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = configured({"approved": {"algorithms": ["CAESAR"]}})
    assert configuration_gates.all_findings(conf, TODAY) == []
    rules = [{"technique": "caesar", "parameter": "rounds", "at_least": 2}]
    classes = {"direct_identifier": {"techniques": ["keep", "redact", "caesar"], "rules": rules}}
    deprecated = [{"technique": "caesar", "warn_after": datetime.date(2026, 1, 1), "why": "25 keys are few"}]
    configured({"classes": classes, "approved": {"algorithms": ["HMAC-SHA-256"]}, "deprecated": deprecated})
    assert check.main(["--conf", str(tmp_path / "conf"), "--as-of", str(TODAY)]) == REFUSED
    told = capsys.readouterr().out
    assert "algorithm CAESAR is not approved; policy.yaml approves HMAC-SHA-256" in told
    assert "technique caesar is deprecated: 25 keys are few" in told
    assert "policy.yaml asks of caesar for class direct_identifier that rounds be at least 2; it is 1" in told


def test_the_plan_has_it(configured: Callable[..., Config]) -> None:
    made, _ = planned(configured())
    lines = {line.split()[0]: line.split() for line in plan.as_text(made).splitlines()[2:]}
    assert lines["name"][2:5] == ["caesar", "rounds=3", "people"]
    assert lines["nick"][2:4] == ["caesar", "rounds=2"]
    assert "notes{key}" in lines, "it is injective, and so fit for keys of maps"
    told = {each["column"]: each for each in plan.as_data(made)["columns"]}["nick"]
    assert (told["technique"], told["parameters"]["rounds"], told["output_type"]) == ("caesar", 2, "string")
    with pytest.raises(PlanError, match="since: caesar does not take"):
        planned(configured(since=APART))


@pytest.mark.parametrize(
    ("treatment", "change", "said"),
    [
        ({"technique": "caesar", "key": "crm", "rounds": 5}, "stronger", "rounds 2 -> 5 (stronger)"),
        ({"technique": "caesar", "key": "crm"}, "weaker", "rounds 2 -> 1 (weaker)"),
        ("keep", "weaker", "caesar -> keep (weaker)"),
        ({"technique": "keyed_hash", "key": "crm"}, "stronger", "caesar -> keyed_hash (stronger)"),
    ],
)
def test_the_difference_of_plans_has_it(
    configured: Callable[..., Config], treatment: Any, change: str, said: str
) -> None:
    before = configured()
    found = plan.against_revision(configured(nick=treatment), before, "t", "v1")
    assert {column.column: column.change for column in found.columns if column.change != "unchanged"} == {
        "nick": change
    }
    assert said in found.as_text()


# -- record and treated tables ----------------------------------------------------------------------------------------


def test_the_record_of_it_is_read_back(configured: Callable[..., Config]) -> None:
    made, checks = planned(configured())
    entries = treatment_record.entries(made, checks)
    written = treatment_record.properties(made, entries, "0" * 64, "1")
    read = record_reader.columns_of(written)
    assert read == {str(path): entry for path, entry in entries.items()}
    assert (read["nick"].technique, read["nick"].parameters["rounds"]) == ("caesar", 2)


def test_readers_of_a_treated_table_know_it(configured: Callable[..., Config]) -> None:
    table, apart = treated(configured()), treated(configured(name=APART))
    told = privacy_of(table)["name"]
    assert (told.technique, told.domain, told.is_raw, told.is_decided) == ("caesar", "people", False, True)
    check_join(table, table, on=["name", "nick"])
    with pytest.raises(UnsafeUse, match="domains people and t/name cannot be linked"):
        check_join(table, apart, on="name")
    with pytest.raises(UnsafeUse, match=r"since: a direct identifier that is kept as it is$"):
        check_publishable(table)
    links = linkage.find({"a": table, "b": table}).links
    assert {(link.domain, link.technique) for link in links} >= {("people", "caesar")}


def test_drift_takes_it_for_what_it_says_it_is(configured: Callable[..., Config]) -> None:
    entry = configured(**dict.fromkeys(("notes{value}", "since"), "keep")).tables["t"]
    assert not drift.hides(entry), "letters that are moved can look like something"
    assert "nick" not in drift.shapes(entry)


# -- what says nothing ------------------------------------------------------------------------------------------------


def test_a_technique_that_says_nothing_is_treated_the_careful_way(
    configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(Caesar):
        """The same, of which nobody has said what it is."""

    facts = ("comes_out", "standard", "reversible", "injective", "shows", "algorithms")
    for fact in facts:
        setattr(Silent, fact, getattr(Facts, fact))
    monkeypatch.setitem(BY_NAME, "caesar", Silent)
    with pytest.raises(PlanError, match="caesar may make two keys of a map equal"):
        planned(configured())
    conf = configured({"approved": {"algorithms": ["HMAC-SHA-256"]}})
    assert "algorithm (unknown) is not approved" in str(configuration_gates.all_findings(conf, TODAY)[0])
    found = plan.against_revision(configured(nick="keep"), configured(), "t", "v1")
    assert found.is_weaker
    assert "caesar -> keep (cannot be compared)" in found.as_text()
    assert not facts_of("caesar").covers
    assert facts_of("unheard_of") is Facts


def test_a_column_of_a_technique_that_says_nothing_is_not_published_nor_joined(
    configured: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = treated(configured())

    class Silent(Caesar):
        """The same, of which nobody has said what it shows."""

    Silent.shows = None
    monkeypatch.setitem(BY_NAME, "caesar", Silent)
    assert privacy_of(table)["name"].is_raw
    with pytest.raises(UnsafeUse, match="nobody has said what caesar shows"):
        check_join(table, table, on="name")
    with pytest.raises(UnsafeUse, match="name: a direct identifier"):
        check_publishable(table)


def test_of_several_algorithms_none_is_taken_for_the_one_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Caesar, "algorithms", ("CAESAR", "BRUTUS"))
    assert Facts.algorithm_in_use(Caesar()) is None
