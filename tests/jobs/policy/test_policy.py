"""The policy: what it refuses and warns of, where it says so, and from which day. `jobs/check.py` as people run it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from jobs.configuration import asked_risk, config
from jobs.configuration.config import ConfigError
from jobs.configuration.finding import Place, refused
from jobs.configuration.models import Policy
from jobs.configuration.policy_entries import Approved, Deprecation, ParameterRule, ProfileException, Snapshots
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


def test_a_table_asks_less_of_its_rows_only_where_the_policy_says_so(tmp_path: Path) -> None:
    asked = {"k": 5, "t": 0.5, "at_risk": 0.1}
    columns = {"a": {"class": "non_personal", "treatment": "keep", "why": "x"}}
    own = {"risk": {"k": 4, "t": 0.6, "at_risk": 0.05, "l": 1}}
    (tmp_path / "refused").mkdir()
    assert found(tmp_path / "refused", {"risk": asked}, columns, table=own) == [
        f"catalog/t.yaml:1: refused: risk.{name}: policy.yaml (risk) asks for {asks}, and {got} is laxer; "
        "risk.laxer_for names who may"
        for name, asks, got in (("k", 5, 4), ("t", 0.5, 0.6))
    ]
    (tmp_path / "let").mkdir()
    (line,) = found(tmp_path / "let", {"risk": {**asked, "laxer_for": ["t", "tt"]}}, columns, table=own)
    assert line.endswith("warning: risk.laxer_for[1]: the catalog has no table tt; did you mean 't'?")


AGE = {"class": "quasi_identifier", "treatment": "keep", "why": "x"}
INCOME = {"class": "sensitive", "treatment": "keep", "why": "x"}
BY_CLASS = {
    "quasi_identifier": {"techniques": ["keep", "drop"], "risk": {"k": 10, "at_risk": 0.05}},
    "sensitive": {"techniques": ["keep", "redact"], "risk": {"l": 3, "t": 0.4}},
    "non_personal": {"techniques": ["keep"]},
}


def test_a_table_asks_no_less_than_the_policy_does_of_its_classes(tmp_path: Path) -> None:
    own = {"risk": {"k": 10, "at_risk": 0.1, "l": 2, "t": 0.3}}
    policy = {"classes": BY_CLASS, "risk": {"k": 12}}
    columns, who = {"age": AGE, "income": INCOME}, "risk.laxer_for names who may"
    here = "catalog/t.yaml:1: refused: risk"
    (tmp_path / "refused").mkdir()
    lines = found(tmp_path / "refused", policy, columns, table=own)
    assert lines == [
        f"{here}.at_risk: policy.yaml (classes.quasi_identifier.risk) asks for 0.05, and 0.1 is laxer; {who}",
        f"{here}.k: policy.yaml (risk) asks for 12, and 10 is laxer; {who}",
        f"{here}.l: policy.yaml (classes.sensitive.risk) asks for 3, and 2 is laxer; {who}",
        "policy.yaml:2: warning: classes.quasi_identifier.risk.k: changes nothing: risk.k asks for 12 of every table, "
        "and the strictest counts",
    ]
    (tmp_path / "let").mkdir()
    let = {**policy, "risk": {"k": 5, "laxer_for": ["t"]}}
    assert found(tmp_path / "let", let, columns, table=own) == []
    conf = config.load(tmp_path / "let", {})
    assert asked_risk.of(conf.policy, conf.tables["t"]).asked() == own["risk"]


@pytest.mark.parametrize(
    ("columns", "asked"),
    [
        ({"age": AGE, "income": INCOME}, {"k": 10, "l": 3, "t": 0.4, "at_risk": 0.05}),
        ({"age": AGE}, {"k": 10, "t": 0.5, "at_risk": 0.05}),
        ({"age": {**AGE, "treatment": "drop"}, "income": INCOME}, {"k": 5, "l": 3, "t": 0.4}),
        ({"income": {**INCOME, "treatment": {"technique": "redact"}}}, {"k": 5, "t": 0.5}),
        ({"a": {**AGE, "class": "non_personal"}}, {"k": 5, "t": 0.5}),
    ],
)
def test_what_is_asked_of_a_class_is_asked_where_such_columns_stay(
    tmp_path: Path, columns: Mapping[str, Any], asked: Mapping[str, float]
) -> None:
    found(tmp_path, {"classes": BY_CLASS, "risk": {"k": 5, "t": 0.5, "l": 1}}, columns)
    conf = config.load(tmp_path, {})
    assert asked_risk.of(conf.policy, conf.tables["t"]).asked() == asked


@pytest.mark.parametrize(
    ("class_", "risk", "said"),
    [
        ("quasi_identifier", {"l": 3}, "quasi_identifier: risk: l: expected 'k' or 'at_risk' only; "),
        ("sensitive", {"l": 3, "at_risk": 0.1}, "sensitive: risk: at_risk: expected 'l' or 't' only; "),
        ("non_personal", {"k": 3}, "non_personal: risk: k: expected none: nothing is measured by such columns; "),
    ],
)
def test_a_class_is_bound_by_what_its_columns_are_measured_for(
    tmp_path: Path, class_: str, risk: Mapping[str, Any], said: str
) -> None:
    classes = {**BY_CLASS, class_: {"techniques": ["keep"], "risk": risk}}
    with pytest.raises(ConfigError) as refused:
        found(tmp_path, {"classes": classes}, {"a": {**AGE, "class": "non_personal"}})
    assert f"policy.yaml:2: classes: {said}" in str(refused.value)


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
    assert len(keyed) == 8
    for name, cls in keyed.items():
        assert cls.algorithms, name
        assert parse({"technique": name, **MORE.get(name, {})}).algorithm_in_use() in cls.algorithms
    assert not any(cls.algorithms for name, cls in BY_NAME.items() if name not in keyed)
    assert parse({"technique": "redact"}).algorithm_in_use() is None


MORE: dict[str, dict[str, Any]] = {
    "date_shift": {"max_days": 3},
    "add_noise": {"scale": 1},
    "substitute": {"list": "cities"},
    "tokenize": {"vault": "0" * 32},
}


# -- required fields and reviews --------------------------------------------------------------------------------------


def test_required_fields_are_the_columns_or_the_tables(tmp_path: Path) -> None:
    policy = {"require": ["review_by", "retention"]}
    columns = {name: column("drop") for name in "abcde"} | {"f": column("drop", retention="1 year")}
    lines = found(tmp_path, policy, columns, table={"review_by": "2027-01-01"})
    message = "policy.yaml requires it: give it for the table, or for a, b, c and 2 more"
    assert lines == [f"catalog/t.yaml:1: refused: retention: {message}"]


def test_the_widest_scope_wants_a_reason_where_the_policy_says_so(tmp_path: Path, monkeypatch: Any) -> None:
    columns = {"a": column({"domain": "customer"}), "b": column({"domain": "other"}), "c": column({"domain": "given"})}
    given = {"technique": "keyed_hash", "key": "sealed", "scope": "relationship"}
    reasoned = {"technique": "keyed_hash", "key": "sealed", "why": "a join key of all"}
    monkeypatch.setitem(DOMAINS, "other", reasoned)
    monkeypatch.setitem(DOMAINS, "given", given)
    for at, (policy, said) in enumerate((({}, 0), ({"require": ["scope"]}, 1))):
        folder = tmp_path / str(at)
        folder.mkdir()
        lines = found(folder, policy, columns, table={"made_for": {"recipient": "lab"}})
        assert len(lines) == said
        assert all("domains.yaml:1: refused: customer: policy.yaml requires a reason" in line for line in lines)


def test_a_domain_that_only_columns_name_is_of_the_widest_scope(tmp_path: Path) -> None:
    wide = {"technique": "keyed_hash", "key": "sealed", "domain": "anybody"}
    columns = {"a": column(wide), "b": column({**wide, "technique": "randomized_encryption"}), "c": column("drop")}
    columns["d"] = column({"technique": "keyed_hash", "key": "sealed"})
    for at, (policy, said) in enumerate((({}, 0), ({"require": ["scope"]}, 1))):
        folder = tmp_path / str(at)
        folder.mkdir()
        lines = found(folder, policy, columns)
        assert len(lines) == said
        told = "refused: columns.a: policy.yaml requires a reason for the widest scope: declare domain anybody in"
        assert all(line.startswith("catalog/t.yaml:") and told in line for line in lines)


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


def test_small_classes_that_are_kept_out_are_those_that_are_asked_for(tmp_path: Path) -> None:
    """A class of seven would stay, and stop the run; where no more is asked, or nothing, there is nothing to say."""
    columns = {"zip": {"class": "quasi_identifier", "treatment": "keep", "why": "a test"}}
    classes = {**POLICY["classes"], "quasi_identifier": {"techniques": ["keep"], "risk": {"k": 10}}}
    for at, (asked, k, said) in enumerate(
        [
            ({"risk": {"k": 8}, "classes": classes}, 5, ["policy.yaml (classes.quasi_identifier.risk) asks for 10"]),
            ({"risk": {"k": 10}, "classes": {**classes, "quasi_identifier": {"techniques": ["keep"]}}}, 10, []),
            ({"risk": {"l": 2}, "classes": {**classes, "quasi_identifier": {"techniques": ["keep"]}}}, 2, []),
        ]
    ):
        folder = tmp_path / str(at)
        folder.mkdir()
        lines = found(folder, asked, columns, table={"suppress": {"k": k}})
        assert [line.split(", and ")[1].split(": ")[0] for line in lines] == said
        assert all(line.startswith("catalog/t.yaml:1: warning: suppress.k: classes of fewer than 5") for line in lines)


# -- its reference page -----------------------------------------------------------------------------------------------


def test_the_policy_of_the_reference_is_one(tmp_path: Path) -> None:
    """The page's example loads, and it shows and explains every key there is."""
    page = (ROOT / "docs" / "governance.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    (tmp_path / "policy.yaml").write_text(example, encoding="utf-8")
    assert config.load(tmp_path, {"LAKE": "/lake"}).policy.model_fields_set == Policy.model_fields.keys()
    models = (Policy, ParameterRule, Approved, Deprecation, ProfileException, Snapshots)
    words = {name for model in models for name in model.model_fields}
    assert not [name for name in words if name not in page]
