"""What words of `jobs.erase` and its brothers do not go together: told before Spark starts, with nothing made."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs import erase, retain, rotate_keys, subject, verify
from jobs.spark_app import session
from tests.helpers.lakes import column, table, write_conf

WORDS = {
    "nobody": (erase, [], "say whom to erase: --domain, and --ids or --ids-table"),
    "no ids": (erase, ["--domain", "customer"], "say whom to erase"),
    "no such domain": (erase, ["--domain", "custmer", "--ids", "IDS"], "no domain custmer; did you mean 'customer'?"),
    "no such file": (erase, ["--domain", "customer", "--ids", "none"], "none cannot be read: nothing is there"),
    "a folder": (erase, ["--domain", "customer", "--ids", "."], ". cannot be read: a folder is there"),
    "a plan of a list": (erase, ["--plan", "--make-list", "l"], "--plan and --make-list do not go together"),
    "a receipt of a plan": (
        erase,
        ["--domain", "customer", "--ids", "IDS", "--plan", "--receipt", "r"],
        "--plan and --receipt do not go together: say one of them",
    ),
    "half a column": (erase, ["--domain", "customer", "--ids-table", "t"], "--ids-table and --ids-column go together"),
    "a receipt of a plan of rows": (retain, ["--all", "--plan", "--receipt", "r"], "--receipt: a plan takes nothing"),
    "no such key": (rotate_keys, ["--key", "crmm"], "keys.yaml has no key crmm; did you mean crm?"),
    "nobody's domain": (rotate_keys, ["--domain", "custmer"], "no domain custmer; did you mean 'customer'?"),
    "whose ids": (subject, ["--plan", "--domain", "custmer", "--ids", "IDS"], "no domain custmer; did you mean"),
    "no ids of a person": (
        subject,
        ["--plan", "--domain", "customer", "--ids", "none"],
        "the file of ids none cannot be read as text: nothing is there",
    ),
}


@pytest.mark.parametrize(("job", "words", "told"), WORDS.values(), ids=list(WORDS))
def test_wrong_words_start_no_spark(
    job: object,
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "start", None)  # calling it would be a defect of class TypeError, exit code 3
    conf = write_conf(tmp_path, table("t", tmp_path, {"id": column({"domain": "customer"}, "direct_identifier")}))
    (tmp_path / "ids").write_text("1\n")
    given = [str(tmp_path / "ids") if word == "IDS" else word for word in words]
    before = set(tmp_path.rglob("*"))
    assert job.main(["--conf", str(conf), *given]) == 2  # type: ignore[attr-defined]
    assert told in capsys.readouterr().err
    assert set(tmp_path.rglob("*")) == before


def test_verify_says_when_it_needs_no_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        verify.main(["--all"])
    assert "--conf is needed, unless --path is given" in capsys.readouterr().err
