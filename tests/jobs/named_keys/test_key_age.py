"""The age of keys: warned of, then refused; and what the keys job says to write down."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs import keys
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.named_keys import key_age
from privacy_udfs.keys import load_keyset
from tests.helpers.lakes import POLICY, write_conf

TODAY = datetime.date(2026, 11, 25)
IN_FORCE = {"crm": 7}


def configured(lake: Path, created: dict[str, Any] | None, age: dict[str, int] | None) -> Config:
    conf = write_conf(lake)
    entry = {"keyset": f"file:{lake}/keys/crm.json", **({} if created is None else {"created": created})}
    (conf / "keys.yaml").write_text("# the first line\n" + yaml.safe_dump({"crm": entry}))
    (conf / "policy.yaml").write_text(yaml.safe_dump({**POLICY, **({} if age is None else {"keys": age})}))
    return config.load(conf)


def told(conf: Config) -> list[str]:
    return [str(finding) for finding in key_age.findings(conf, IN_FORCE, TODAY)]


def days_ago(days: int) -> dict[str, datetime.date]:
    return {"6": datetime.date(2000, 1, 1), "7": TODAY - datetime.timedelta(days)}


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (0, None),
        (334, None),
        (335, "keys.yaml:2: warning: crm: version 7 is 335 days old; policy.yaml allows 365: rotate it within 30 days"),
        (365, "keys.yaml:2: warning: crm: version 7 is 365 days old; policy.yaml allows 365: rotate it within 0 days"),
        (
            366,
            "keys.yaml:2: refused: crm: version 7 is 366 days old; policy.yaml allows 365: add a version, promote it,",
        ),
        (-1, "keys.yaml:2: refused: crm: version 7 is to be made on 2026-11-26 only: mend the date"),
    ],
)
def test_a_version_grows_old(lake: Path, days: int, message: str | None) -> None:
    found = told(configured(lake, days_ago(days), {"max_age_days": 365}))
    assert len(found) == (message is not None)
    assert all(line.startswith(str(message)) for line in found)


def test_when_to_warn_is_the_policys(lake: Path) -> None:
    assert told(configured(lake, days_ago(340), {"max_age_days": 365, "warn_days": 10})) == []
    assert told(configured(lake, days_ago(356), {"max_age_days": 365, "warn_days": 10}))


@pytest.mark.parametrize("created", [None, {"6": datetime.date(2026, 1, 1)}])
def test_a_version_without_a_date_is_refused(lake: Path, created: dict[str, Any] | None) -> None:
    [found] = told(configured(lake, created, {"max_age_days": 365}))
    known = '"6": 2026-01-01, ' if created else ""
    assert "nothing says when version 7 was made" in found
    assert found.endswith(f'add created: {{{known}"7": YYYY-MM-DD}}')


def test_without_a_maximum_age_nothing_is_asked(lake: Path) -> None:
    assert told(configured(lake, None, None)) == []


def test_the_keys_job_says_what_to_write_and_shows_it(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `add` prints, put into keys.yaml as it stands, is what `show` shows and the policy judges."""
    conf = configured(lake, None, {"max_age_days": 365})
    folder, old = lake / "conf", load_keyset(conf.keys["crm"].keyset).primary_id
    assert keys.main(["add", "--conf", str(folder), "--name", "crm"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("in keys.yaml, write under crm: created: {")
    written = line.partition("write under crm: ")[2]
    (folder / "keys.yaml").write_text(f"crm:\n  keyset: {conf.keys['crm'].keyset}\n  {written}\n")
    assert keys.main(["show", "--conf", str(folder), "--name", "crm"]) == 0
    shown = {row.split()[0]: row.split()[-1] for row in capsys.readouterr().out.splitlines()[2:]}
    today = datetime.datetime.now(datetime.timezone.utc).date()
    new = next(key_id for key_id in shown if key_id != str(old))
    assert shown == {str(old): "-", new: str(today)}
    judged = key_age.findings(config.load(folder), {"crm": int(new)}, today)
    assert judged == []
