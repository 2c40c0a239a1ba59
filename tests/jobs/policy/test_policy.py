"""The policy: what it refuses and warns of, where it says so, and from which day. `jobs/check.py` as people run it."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs import check
from jobs.configuration import config
from jobs.configuration.finding import Place, refused
from jobs.configuration.models import Policy
from jobs.configuration.policy_entries import Approved, Deprecation, ParameterRule, Snapshots
from jobs.gates import configuration_gates
from jobs.policy import policy_rules
from privacy_udfs.techniques import BY_NAME, parse
from tests.helpers.generated_catalog import write
from tests.helpers.places import ROOT

TODAY = datetime.date(2026, 11, 25)
POLICY: dict[str, Any] = {
    "version": "2026-11",
    "classes": {"direct_identifier": {"techniques": list(BY_NAME)}, "non_personal": {"techniques": ["keep"]}},
}
KEYS = {"crm": {"keyset": "file:/keys/crm.json"}, "sealed": {"keyset": "file:/keys/s.json", "kek": "aws-kms://alias/x"}}
DOMAINS = {"customer": {"technique": "keyed_hash", "algorithm": "AES-CMAC", "key": "sealed"}}


def column(treatment: Any, **more: Any) -> dict[str, Any]:
    return {"class": "direct_identifier", "treatment": treatment, "why": "a test", **more}


def found(
    tmp_path: Path,
    policy: Mapping[str, Any],
    columns: Mapping[str, Any],
    today: datetime.date = TODAY,
    table: Mapping[str, Any] = {},
    rules: list[dict[str, Any]] | None = None,
) -> list[str]:
    """What is said of a table ``t``. Every line of a file is one entry, so that lines can be told."""
    classes = {**POLICY["classes"], "direct_identifier": {"techniques": list(BY_NAME), "rules": rules or []}}
    entry = {"table": "t", "owner": "me", "source": {"path": "/raw", "format": "delta"}, "target": {"path": "/t"}}
    entry |= {**table, "columns": columns}
    (tmp_path / "catalog").mkdir()
    lay(tmp_path / "policy.yaml", {**POLICY, "classes": classes, **policy})
    lay(tmp_path / "keys.yaml", KEYS)
    lay(tmp_path / "domains.yaml", DOMAINS)
    lay(tmp_path / "catalog" / "t.yaml", entry)
    return [str(finding) for finding in configuration_gates.all_findings(config.load(tmp_path, {}), today)]


def lay(path: Path, data: Mapping[str, Any]) -> None:
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in data.items() if key != "columns"]
    if "columns" in data:
        lines += ["columns:", *(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in data["columns"].items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def hashed(**parameters: Any) -> dict[str, Any]:
    return {"technique": "keyed_hash", "key": "crm", **parameters}


# -- parameters -------------------------------------------------------------------------------------------------------

AT_LEAST_128 = {"technique": "keyed_hash", "parameter": "bits", "at_least": 128}


@pytest.mark.parametrize(
    ("rule", "treatment", "said"),
    [
        (AT_LEAST_128, hashed(bits=128), None),
        (AT_LEAST_128, hashed(bits=64), "bits be at least 128; it is 64"),
        (AT_LEAST_128, hashed(encoding="bigint"), "bits be at least 128; it is 64, for a bigint holds no more"),
        (AT_LEAST_128, "redact", None),
        (
            {"technique": "keyed_hash", "parameter": "encoding", "one_of": ["hex", "uuid"]},
            hashed(),
            "encoding be one of hex, uuid; it is base64url",
        ),
        (
            {"technique": "truncate", "parameter": "keep", "at_most": 3, "why": "streets"},
            {"technique": "truncate", "keep": 4},
            "keep be at most 3; it is 4: streets",
        ),
        (
            {"technique": "truncate", "parameter": "keep", "at_most": 3},
            {"technique": "truncate", "preset": "hipaa_zip3"},
            "keep be at most 3; it is not set",
        ),
        (
            {"technique": "truncate", "parameter": "keep", "at_most": 3, "or_unset": True},
            {"technique": "truncate", "preset": "hipaa_zip3"},
            None,
        ),
        (
            {"technique": "generalize_number", "parameter": "width", "at_least": 0.3},
            {"technique": "generalize_number", "width": 0.25},
            "width be at least 0.3; it is 0.25",
        ),
        (
            {"technique": "generalize_number", "parameter": "width", "at_least": 0.1, "at_most": 0.3},
            {"technique": "generalize_number", "width": 0.3},
            None,
        ),
        (
            {"technique": "generalize_number", "parameter": "label", "at_least": 1},
            {"technique": "generalize_number", "width": 0.3},
            "label be at least 1; it is range",
        ),
        (
            {"technique": "date_shift", "parameter": "exclude_zero", "one_of": [True]},
            {"technique": "date_shift", "max_days": 9, "key": "crm"},
            "exclude_zero be one of true; it is false",
        ),
    ],
)
def test_bounds_on_parameters(tmp_path: Path, rule: dict[str, Any], treatment: Any, said: str | None) -> None:
    columns = {"a": {"class": "non_personal", "treatment": "keep", "why": "x"}, "b": column(treatment)}
    lines = found(tmp_path, {}, columns, table={"subject": "a"}, rules=[rule])
    if said is None:
        assert lines == []
    else:
        asked = f"policy.yaml asks of {rule['technique']} for class direct_identifier that "
        assert lines == [f"catalog/t.yaml:8: refused: columns.b: {asked}{said}"]


def test_a_rule_names_the_domain_that_fixes_the_parameter(tmp_path: Path) -> None:
    rule = {"technique": "keyed_hash", "parameter": "algorithm", "one_of": ["HMAC-SHA-256"]}
    (line,) = found(tmp_path, {}, {"a": column({"domain": "customer"})}, rules=[rule])
    assert line.startswith("catalog/t.yaml:6: refused: columns.a: ")
    assert line.endswith("it is AES-CMAC, fixed by domain customer (domains.yaml:1)")


# -- dates ------------------------------------------------------------------------------------------------------------

CMAC = {"algorithm": "AES-CMAC", "warn_after": "2027-01-01", "refuse_after": "2027-07-01", "why": "one is enough"}


@pytest.mark.parametrize(
    ("today", "said"),
    [
        ("2027-01-01", []),
        (
            "2027-01-02",
            ["warning: columns.a: algorithm AES-CMAC is deprecated and refused after 2027-07-01: one is enough"],
        ),
        (
            "2027-07-01",
            ["warning: columns.a: algorithm AES-CMAC is deprecated and refused after 2027-07-01: one is enough"],
        ),
        ("2027-07-02", ["refused: columns.a: algorithm AES-CMAC is refused after 2027-07-01: one is enough"]),
    ],
)
def test_what_runs_out_is_warned_of_then_refused(tmp_path: Path, today: str, said: list[str]) -> None:
    columns = {"a": column(hashed(algorithm="AES-CMAC")), "b": column(hashed())}
    lines = found(tmp_path, {"deprecated": [CMAC]}, columns, datetime.date.fromisoformat(today))
    assert lines == [f"catalog/t.yaml:6: {text}" for text in said]


@pytest.mark.parametrize(
    ("deprecated", "treatment", "said"),
    [
        (
            {"algorithm": "AES-CMAC"},
            {"domain": "customer"},
            "domains.yaml:1: warning: customer: algorithm AES-CMAC is deprecated",
        ),
        ({"key": "crm"}, hashed(), "keys.yaml:1: warning: crm: key crm is deprecated"),
        (
            {"provider": "aws-kms"},
            {"domain": "customer"},
            "keys.yaml:2: warning: sealed: provider aws-kms is deprecated",
        ),
        ({"technique": "redact"}, "redact", "catalog/t.yaml:6: warning: columns.a: technique redact is deprecated"),
        (
            {"key": "crn"},
            hashed(),
            "policy.yaml:3: warning: deprecated[0]: keys.yaml has no key crn; did you mean 'crm'?",
        ),
        (
            {"package": "pyarrow", "below": "9999"},
            "drop",
            f"policy.yaml:3: warning: deprecated[0]: package pyarrow {version('pyarrow')} (before 9999) is deprecated",
        ),
        ({"package": "pyarrow", "below": "1.2"}, "drop", None),
        ({"package": "no-such-package"}, "drop", None),
    ],
)
def test_each_kind_is_told_where_it_is_mended(
    tmp_path: Path, deprecated: dict[str, str], treatment: Any, said: str | None
) -> None:
    columns = (
        {"a": column(treatment), "b": column(treatment)} if said and "keys.yaml" in said else {"a": column(treatment)}
    )
    lines = found(tmp_path, {"deprecated": [{**deprecated, "why": "old"}]}, columns)
    told_as_it_is = said is None or "did you mean" in said
    assert lines == ([] if said is None else [said if told_as_it_is else f"{said}: old"])


@pytest.mark.parametrize(
    ("approved", "treatment", "said"),
    [
        ({"algorithms": ["HMAC-SHA-256"]}, hashed(), None),
        ({"algorithms": ["HMAC-SHA-256"]}, "drop", None),
        (
            {"algorithms": ["HMAC-SHA-256"]},
            {"technique": "deterministic_encryption", "key": "crm"},
            "catalog/t.yaml:6: refused: columns.a: algorithm AES-SIV is not approved; "
            "policy.yaml approves HMAC-SHA-256",
        ),
        (
            {"keys": ["crn"]},
            hashed(),
            "keys.yaml:1: refused: crm: key crm is not approved; policy.yaml approves crn; did you mean 'crn'?",
        ),
        (
            {"providers": ["file"]},
            {"domain": "customer"},
            "keys.yaml:2: refused: sealed: provider aws-kms is not approved; policy.yaml approves file",
        ),
        ({"providers": ["file", "aws-kms"]}, {"domain": "customer"}, None),
        ({"clear_keysets": False}, {"domain": "customer"}, None),
        (
            {"clear_keysets": False},
            hashed(),
            "keys.yaml:1: refused: crm: the keyset lies unencrypted in file:, "
            "which policy.yaml forbids: name the 'kek' it is under",
        ),
        ({"packages": {"pyarrow": "1.0"}}, "drop", None),
        (
            {"packages": {"pyarrow": "9999"}},
            "drop",
            f"policy.yaml:3: refused: approved.packages.pyarrow: "
            f"approved from version 9999 on; {version('pyarrow')} is installed",
        ),
        (
            {"packages": {"no-such-package": "1"}},
            "drop",
            "policy.yaml:3: refused: approved.packages.no-such-package: "
            "approved from version 1 on; it is not installed",
        ),
    ],
)
def test_what_is_not_approved_is_refused(
    tmp_path: Path, approved: dict[str, Any], treatment: Any, said: str | None
) -> None:
    assert found(tmp_path, {"approved": approved}, {"a": column(treatment)}) == ([] if said is None else [said])


def test_every_keyed_technique_of_today_has_its_algorithm() -> None:
    keyed = {name: cls for name, cls in BY_NAME.items() if cls.takes_key()}
    assert len(keyed) == 7
    for name, cls in keyed.items():
        assert cls.algorithms, name
        assert parse({"technique": name, **MORE.get(name, {})}).algorithm_in_use() in cls.algorithms
    assert not any(cls.algorithms for name, cls in BY_NAME.items() if name not in keyed)
    assert parse({"technique": "redact"}).algorithm_in_use() is None


MORE: dict[str, dict[str, Any]] = {
    "date_shift": {"max_days": 3},
    "add_noise": {"scale": 1},
    "substitute": {"list": "cities"},
}


# -- required fields and reviews --------------------------------------------------------------------------------------


def test_required_fields_are_the_columns_or_the_tables(tmp_path: Path) -> None:
    policy = {"require": ["review_by", "retention"]}
    columns = {name: column("drop") for name in "abcde"} | {"f": column("drop", retention="1 year")}
    lines = found(tmp_path, policy, columns, table={"review_by": "2027-01-01"})
    message = "policy.yaml requires it: give it for the table, or for a, b, c and 2 more"
    assert lines == [f"catalog/t.yaml:1: refused: retention: {message}"]


def test_one_for_the_table_is_one_for_each_column(tmp_path: Path) -> None:
    policy = {"require": ["review_by", "retention"]}
    assert not found(tmp_path, policy, {"a": column("drop")}, table={"review_by": "2027-01-01", "retention": "90 days"})


@pytest.mark.parametrize(
    ("grace", "today", "said"),
    [
        (None, "2026-11-01", []),
        (None, "2026-11-02", ["warning"]),
        (None, "2099-01-01", ["warning"]),
        (10, "2026-11-11", ["warning"]),
        (10, "2026-11-12", ["refused"]),
        (0, "2026-11-02", ["refused"]),
    ],
)
def test_a_review_that_is_due(tmp_path: Path, grace: int | None, today: str, said: list[str]) -> None:
    columns = {"a": column("drop", review_by="2026-11-01"), "b": column("drop", review_by="2200-01-01")}
    policy = {} if grace is None else {"review_grace_days": grace}
    lines = found(tmp_path, policy, columns, datetime.date.fromisoformat(today), table={"review_by": "2000-01-01"})
    assert [line.split(": ")[1] for line in lines] == said
    assert all(line.startswith("catalog/t.yaml:7: ") and "was due by 2026-11-01" in line for line in lines)


def test_a_tables_review_is_told_once(tmp_path: Path) -> None:
    lines = found(tmp_path, {}, {"a": column("drop"), "b": column("drop")}, table={"review_by": "2026-11-24"})
    assert lines == [
        "catalog/t.yaml:1: warning: review_by: the review was due by 2026-11-24: "
        "look at the decision again, then set a new date"
    ]


def test_one_table_is_not_told_of_another(tmp_path: Path) -> None:
    write(tmp_path / "conf", tables=2)
    other = tmp_path / "conf" / "catalog" / "made.t0001.yaml"
    other.write_text(other.read_text(encoding="utf-8").replace("2099-12-31", "2020-01-01"), encoding="utf-8")
    conf = config.load(tmp_path / "conf", {})
    assert policy_rules.violations(conf, "made.t0000", TODAY) == []
    assert [violation.level for violation in policy_rules.violations(conf, "made.t0001", TODAY)] == ["refuse"]
    assert refused([Place("f", 1).says("warn", "m")]) == []


# -- its reference page -----------------------------------------------------------------------------------------------


def test_the_policy_of_the_reference_is_one(tmp_path: Path) -> None:
    """The page's example loads, and it shows and explains every key there is."""
    page = (ROOT / "docs" / "governance.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    (tmp_path / "policy.yaml").write_text(example, encoding="utf-8")
    assert config.load(tmp_path, {"LAKE": "/lake"}).policy.model_fields_set == Policy.model_fields.keys()
    words = {name for model in (Policy, ParameterRule, Approved, Deprecation, Snapshots) for name in model.model_fields}
    assert not [name for name in words if name not in page]


# -- jobs/check.py ----------------------------------------------------------------------------------------------------


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    return write(tmp_path / "conf", tables=3)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_nothing_refused(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["--conf", str(conf)]) == 0
    assert capsys.readouterr().out == "3 tables: 0 refused, 0 warnings\n"


def test_a_warning_is_no_failure_and_a_refusal_is(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(conf / "domains.yaml", "key: crm", "algorithm: AES-CMAC, key: crm")
    replace(conf / "policy.yaml", "[HMAC-SHA-256, AES-SIV]", "[AES-CMAC, AES-SIV]")
    assert check.main(["--conf", str(conf), "--as-of", "2026-06-01"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].startswith(f"{conf}/domains.yaml:1: warning: customer: algorithm AES-CMAC")
    assert out.splitlines()[-1] == "3 tables: 0 refused, 1 warnings"
    assert check.main(["--conf", str(conf), "--as-of", "2027-06-01", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["tables"], told["as_of"], len(told["violations"])) == (3, "2027-06-01", 1)
    assert told["violations"][0].items() >= {"file": "domains.yaml", "line": 1, "level": "refuse"}.items()


def test_bad_configuration_exits_2_with_every_fault(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(conf / "catalog" / "made.t0001.yaml", "truncate_ip", "truncate_pi")
    replace(conf / "catalog" / "made.t0002.yaml", "owner", "onwer")
    assert check.main(["--conf", str(conf)]) == 2
    out = capsys.readouterr().out
    assert f"{conf}/catalog/made.t0001.yaml:13: columns.c0_ip.treatment.technique: no technique" in out
    assert "did you mean 'owner'?" in out
    assert check.main(["--conf", str(conf), "--json"]) == 2
    assert {fault["line"] for fault in json.loads(capsys.readouterr().out)["faults"]} >= {13, 2}


def test_without_environment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("LAKE", "KEYS"):
        monkeypatch.delenv(name, raising=False)
    assert check.main(["--conf", str(ROOT / "conf")]) == 2
    assert "variable LAKE is not set" in capsys.readouterr().out
    assert check.main(["--conf", str(ROOT / "conf"), "--without-environment", "--as-of", "2026-11-25"]) == 0


def test_it_is_a_ready_hook(conf: Path) -> None:
    """The entry of ``.pre-commit-hooks.yaml``, run as pre-commit would, beside the configuration."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["pass_filenames"] is False
    program, *words = hook["entry"].split()
    assert program == "python"
    command = [sys.executable, *words, *hook["args"]]
    done = subprocess.run(command, cwd=conf.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "3 tables: 0 refused, 0 warnings\n"), done.stderr


def test_it_loads_no_spark() -> None:
    code = "import sys, jobs.check; sys.exit('pyspark' in sys.modules or 'py4j' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_thousand_tables_take_seconds_at_most(tmp_path: Path) -> None:
    """The aim is under 2 s with start-up (docs/benchmarks.md has it measured); here is room for a busy machine."""
    conf = write(tmp_path / "conf", tables=1000)
    start = time.process_time()
    assert check.main(["--conf", str(conf)]) == 0
    assert time.process_time() - start < 6
