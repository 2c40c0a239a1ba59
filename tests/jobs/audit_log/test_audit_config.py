"""What ``audit.yaml`` may say."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from jobs import config_schema
from jobs.audit_log import log as audit_log
from jobs.audit_log.log import Log
from jobs.configuration import config
from jobs.configuration.config import ConfigError
from jobs.console.exit_codes import BadUsage, Refused
from jobs.gates import configuration_gates
from tests.helpers.audits import COLUMNS, ORIGIN, audited
from tests.helpers.lakes import table


def test_what_it_says(lake: Path) -> None:
    found = audited(lake).audit
    assert found is not None
    assert (found.origin, found.signing_key, found.contents_up_to_mb) == (ORIGIN, "log", 16)
    stated = yaml.safe_load((lake / "conf" / "audit.yaml").read_text())
    jsonschema.Draft202012Validator(config_schema.schemas()["audit.json"]).validate(stated)


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no place": ({"table": None}, "table: required"),
    "two places": ({"table": {"path": "a", "table": "b"}}, "expected exactly one of 'path' and 'table'"),
    "origin": ({"origin": "a b"}, "a name without spaces and '+'"),
    "checkpoints unsigned": ({"signing_key": None}, "expected 'signing_key' with 'checkpoints'"),
    "unknown key": ({"signing_key": "lag"}, "signing_key: keys.yaml has no 'lag'; did you mean 'log'?"),
    "a data key": ({"signing_key": "crm"}, "expected a key that does nothing but sign, got the one of catalog/t.yaml"),
    "unknown": ({"orgin": "x"}, "did you mean 'origin'?"),
    "negative": ({"contents_up_to_mb": -1}, "contents_up_to_mb"),
}


def test_the_key_of_columns_does_not_sign_by_another_name(lake: Path) -> None:
    """Two names of one keyset are one key."""
    audited(lake)
    keys = yaml.safe_load((lake / "conf" / "keys.yaml").read_text())
    (lake / "conf" / "keys.yaml").write_text(yaml.safe_dump({**keys, "again": dict(keys["crm"])}))
    stated = yaml.safe_load((lake / "conf" / "audit.yaml").read_text())
    (lake / "conf" / "audit.yaml").write_text(yaml.safe_dump({**stated, "signing_key": "again"}))
    with pytest.raises(ConfigError, match=r"expected a key that does nothing but sign, got the one of catalog/t\.yaml"):
        config.load(lake / "conf")


def test_a_key_that_the_policy_does_not_approve_signs_nothing(lake: Path) -> None:
    """What is asked by `check` and by every run is in tests/jobs/gates; here are the verbs of the log itself."""
    audited(lake)
    policy = yaml.safe_load((lake / "conf" / "policy.yaml").read_text())
    (lake / "conf" / "policy.yaml").write_text(yaml.safe_dump({**policy, "approved": {"keys": ["crm"]}}))
    conf = config.load(lake / "conf")
    assert conf.audit is not None
    log = Log(None, conf, conf.audit)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=r"key log is not approved; policy\.yaml approves crm"):
        log.signer()
    assert len(log.trusted) == 1, "what it signed before is checked all the same"
    (found,) = configuration_gates.all_findings(conf, datetime.date(2026, 11, 28))
    assert str(found).startswith("keys.yaml:")


@pytest.mark.parametrize("name", FAULTS)
def test_faults(lake: Path, name: str) -> None:
    more, told = FAULTS[name]
    with pytest.raises(ConfigError) as caught:
        audited(lake, **more)
    assert "audit.yaml" in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"table": {"path": "{}/treated/t/audit"}}, "table: is the target of catalog/t.yaml"),
        ({"table": {"path": "{}/raw/t"}}, "table: is the source of catalog/t.yaml"),
        ({"checkpoints": "{}/treated/t"}, "checkpoints: is the target of catalog/t.yaml"),
        ({"checkpoints": "{}/audit/x"}, "checkpoints: is the folder of 'table', or one lies in the other"),
    ],
)
def test_places_apart(lake: Path, more: dict[str, Any], told: str) -> None:
    filled = yaml.safe_load(yaml.safe_dump(more).replace("{}", str(lake)))
    with pytest.raises(ConfigError, match=told):
        audited(lake, table("t", lake, COLUMNS), **filled)


def test_a_file_that_someone_thinks_is_read(lake: Path) -> None:
    audited(lake)
    (lake / "conf" / "audit.yaml").rename(lake / "conf" / "audits.yaml")
    with pytest.raises(ConfigError, match=r"audits.yaml: is not read; did you mean 'audit.yaml'\?"):
        config.load(lake / "conf")


def test_a_log_without_a_key_is_not_signed(lake: Path) -> None:
    conf = audited(lake, signing_key=None, checkpoints=None)
    assert conf.audit is not None
    log = Log(None, conf, conf.audit)  # type: ignore[arg-type]
    assert (log.signing_key, log.trusted, log.checkpoint_names()) == (None, (), [])
    with pytest.raises(BadUsage, match=r"keys.py create --type Ed25519PrivateKey"):
        log.signer()
    assert audit_log.size_of(audit_log.name_of(12)) == 12
