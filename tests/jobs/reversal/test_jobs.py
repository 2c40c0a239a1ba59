"""The two jobs at a shell, keys of the way back, what the policy may say of it, and that no text holds a value."""

from __future__ import annotations

import datetime
import json
import traceback
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import approve, keys, pseudonymize, reidentify
from jobs.configuration import config
from jobs.configuration.config import Config, ConfigError
from jobs.console.exit_codes import BAD_USAGE, DONE, REFUSED, Refused
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import create_file
from tests.helpers import reversals
from tests.helpers.lakes import column
from tests.helpers.reversals import ANN, BOB, approved, asked, configured, reloaded, rows, told, turned

COLUMNS = {name: reversals.COLUMNS[name] for name in ("id", "email", "amount", "code")}
UTC = datetime.timezone.utc


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reversals.made(spark, tmp_path_factory.mktemp("jobs"), COLUMNS)


def words(lake: Path, *more: str) -> list[str]:
    """The words of either job."""
    what = ["--table", "t", "--columns", "email,id", "--where", "amount = 10", "--actor", BOB]
    return ["--conf", str(lake / "conf"), *what, "--purpose", reversals.PURPOSE, *more]


def signed(lake: Path, *more: str) -> list[str]:
    key = f"file:{lake}/keys/{ANN}.json"
    return words(lake, "--approver", ANN, "--signing-key", key, "--at-most", "5", "--hours", "2", *more)


def test_approved_shown_and_turned_back(
    spark: SparkSession, lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(lake, COLUMNS)
    file, out = str(tmp_path / "approval.json"), str(tmp_path / "out")
    assert approve.main(signed(lake, "--output", file)) == REFUSED
    assert "say --yes where no one can be asked" in capsys.readouterr().err
    assert not Path(file).exists()
    assert approve.main(signed(lake, "--output", file, "--yes")) == DONE
    said = capsys.readouterr().out
    for line in (
        f"{ANN} allows {BOB} to see values of t, as they were before they were treated:",
        "  email (direct_identifier)",
        "  id (direct_identifier)",
        "rows: all with amount = 10",
        "at most: 5 rows, in one run",
        f"purpose: {reversals.PURPOSE}",
    ):
        assert f"{line}\n" in said
    assert approve.main(["--conf", str(lake / "conf"), "--show", file]) == DONE
    shown = capsys.readouterr().out
    assert "  email (direct_identifier)\n" in shown
    assert "it counts now, if it was not used up" in shown
    assert reidentify.main(words(lake, "--approval", file)) == BAD_USAGE
    assert reidentify.main(words(lake, "--approval", file, "--output", out)) == DONE
    found = capsys.readouterr()
    assert "canary" not in found.out + found.err
    (row,) = spark.read.format("delta").load(out).collect()
    assert row.asDict() == {"id": 1, "email": "canary-1@example.org"}
    assert reidentify.main(words(lake, "--approval", file, "--console")) == REFUSED
    assert "counts once, and was used" in capsys.readouterr().err
    assert approve.main(signed(lake, "--output", f"{file}2", "--yes", "--many")) == DONE
    capsys.readouterr()
    assert reidentify.main(words(lake, "--approval", f"{file}2", "--console")) == DONE
    assert "canary-1@example.org" in capsys.readouterr().out
    assert reidentify.main(["--conf", str(lake / "conf"), "--expire", out]) == REFUSED
    text = json.loads(Path(file).read_text())
    Path(file).write_text(json.dumps({**text, "payload": text["payload"][:-8] + "AAAAAAA="}))
    assert approve.main(["--conf", str(lake / "conf"), "--show", file]) == REFUSED


def test_a_public_key_is_printed(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    who = ["--conf", str(lake / "conf"), "--approver", ANN, "--signing-key", f"file:{lake}/keys/{ANN}.json"]
    assert approve.main([*who, "--print-key"]) == DONE
    assert capsys.readouterr().out.strip() == reversals.approver(lake)["public_key"]


# -- keys -------------------------------------------------------------------------------------------------------------


def test_the_way_back_opens_a_key_of_its_own(spark: SparkSession, lake: Path) -> None:
    """The nightly job's place is not even there; and what is at the other place has to be the same key."""
    configured(lake, COLUMNS)
    create_file(lake / "keys" / "back-kek.json", "AesGcmKey")
    nightly, back = lake / "keys" / "crm.json", lake / "keys" / "crm-back.json"
    place = {"keyset": f"file:{back}", "kek": f"file:{lake}/keys/back-kek.json"}
    reversals.edit(lake / "conf" / "keys.yaml", crm={"keyset": f"file:{nightly}", "reversal": place})
    conf = reloaded(lake)
    text = approved(spark, lake, conf, asked(), once=False)
    with pytest.raises(KeyProblem, match="cannot be read"):
        turned(spark, conf, asked(), text)
    assert "a copy of all its versions" in str(keys.run(conf, "reversal", "crm"))
    assert "encryptedKeyset" in back.read_text()
    hidden = nightly.rename(nightly.with_suffix(".away"))
    try:
        assert turned(spark, conf, asked(), text).rows == 3
    finally:
        hidden.rename(nightly)
    assert keys.run(conf, "reversal", "crm"), "again, after a change of its versions"
    create_file(lake / "keys" / "other.json")
    other = {"keyset": f"file:{lake}/keys/other.json"}
    reversals.edit(lake / "conf" / "keys.yaml", crm={"keyset": f"file:{nightly}", "reversal": other})
    with pytest.raises(KeyProblem, match="key id"):
        turned(spark, reloaded(lake), asked(), text)
    with pytest.raises(KeyProblem, match="holds another keyset"):
        keys.run(reloaded(lake), "reversal", "crm")


def test_a_copy_is_no_less_sealed_than_the_key(tmp_path: Path) -> None:
    """Neither where the kek was forgotten, nor where the policy wants none in the clear; and nothing is written."""
    configured(tmp_path, COLUMNS)
    create_file(tmp_path / "keys" / "kek.json", "AesGcmKey")
    nightly, back, kek = (f"file:{tmp_path}/keys/{name}.json" for name in ("sealed", "back", "kek"))
    for place in ({"keyset": back}, {"keyset": back, "kek": kek}):
        sealed = {"keyset": nightly, "kek": kek, "reversal": place}
        reversals.edit(tmp_path / "conf" / "keys.yaml", crm=sealed)
        if "kek" not in place:
            keys.run(reloaded(tmp_path), "create", "crm")
            with pytest.raises(Refused, match="would lie in the clear"):
                keys.run(reloaded(tmp_path), "reversal", "crm")
            assert not (tmp_path / "keys" / "back.json").exists()
    assert "a copy of all its versions" in str(keys.run(reloaded(tmp_path), "reversal", "crm"))
    clear = {"keyset": f"file:{tmp_path}/keys/crm.json", "reversal": {"keyset": f"file:{tmp_path}/keys/copy.json"}}
    reversals.edit(tmp_path / "conf" / "keys.yaml", crm=clear)
    reversals.edit(tmp_path / "conf" / "policy.yaml", approved={"clear_keysets": False})
    with pytest.raises(Refused, match=r"which policy\.yaml forbids"):
        keys.run(reloaded(tmp_path), "reversal", "crm")
    assert not (tmp_path / "keys" / "copy.json").exists()


# -- the policy -------------------------------------------------------------------------------------------------------


def faults(lake: Path, **more: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        configured(lake, COLUMNS, **more)
    return str(caught.value)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"keys": ["crn"]}, "keys.yaml has no key 'crn'; did you mean 'crm'?"),
        ({"purpose": ["x"]}, "did you mean 'purposes'?"),
        ({"purposes": []}, "purposes"),
        ({"at_most_rows": 0}, "at_most_rows"),
        ({"break_glass": {"actors": [BOB]}}, "classes"),
    ],
    ids=["key", "misspelt", "no purpose", "no rows", "half a glass"],
)
def test_the_policy_is_read_strictly(tmp_path: Path, more: dict[str, Any], told: str) -> None:
    assert told in faults(tmp_path, **more)


def test_approvers_are_people_with_keys(tmp_path: Path) -> None:
    ann = reversals.approver(tmp_path)
    assert "the catalog has no table 'tt'; did you mean 't'?" in faults(tmp_path, approvers=[{**ann, "tables": ["tt"]}])
    assert "has no domain 'mial'; did you mean 'mail'?" in faults(tmp_path, approvers=[{**ann, "domains": ["mial"]}])
    bare = {name: ann[name] for name in ("name", "public_key")}
    assert "what this person may approve" in faults(tmp_path, approvers=[bare])
    assert "one name, or one key" in faults(tmp_path, approvers=[ann, {**ann, "tables": ["t"]}])
    assert "a public_key of that name" in faults(tmp_path, approvers=[{**ann, "name": "other"}])
    changed = ann["public_key"][:-3] + ("AA=" if not ann["public_key"].endswith("AA=") else "AB=")
    assert "approvers[0]" in faults(tmp_path, approvers=[{**ann, "public_key": changed}])
    other = ann["public_key"].replace(ANN, "mallory")
    assert "do not belong together" in faults(tmp_path, approvers=[{**ann, "name": "mallory", "public_key": other}])


# -- no value in any text ---------------------------------------------------------------------------------------------


def test_what_fails_is_told_without_a_value_and_leaves_nothing(
    spark: SparkSession, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A row that others put into the treated table: none of the rows is shown, not the good ones either."""
    frame = spark.createDataFrame(rows(), reversals.SCHEMA).select(*COLUMNS)
    frame.coalesce(1).write.parquet(f"{tmp_path}/raw/t")
    conf = configured(tmp_path, COLUMNS)
    pseudonymize.run(spark, conf, "t")
    place = f"{tmp_path}/treated/t"
    before = approved(spark, tmp_path, conf, asked())
    conf = configured(tmp_path, {**COLUMNS, "email": column({**reversals.SIV, "encoding": "hex"}, "direct_identifier")})
    pseudonymize.run(spark, conf, "t")
    with pytest.raises(Refused, match="the table was treated otherwise when it was approved"):
        turned(spark, conf, asked(), before)
    text = approved(spark, tmp_path, conf, asked())
    spark.sql(f"INSERT INTO delta.`{place}` VALUES ('x', 'canary-by-hand', 50, 'y')")
    with pytest.raises(Exception, match="nothing was committed") as caught:
        turned(spark, conf, asked(), text, output=str(tmp_path / "out"))
    trace = "".join(traceback.format_exception(caught.value))
    assert "canary" not in trace + repr(caught.value.args) + json.dumps(told(spark, conf)) + "".join(capfd.readouterr())
    assert "t: email: the value cannot be reverted" in str(caught.value)
    assert [row["outcome"] for row in told(spark, conf)] == ["refused", "started", "failed"]
    assert told(spark, conf)[-1]["body"]["left"] is False
    assert not (tmp_path / "out").exists()


def test_the_plan_holds_no_value(spark: SparkSession, lake: Path, tmp_path: Path) -> None:
    """Of neither kind of output, nor of tokens."""
    conf = configured(lake, COLUMNS)
    context = spark.sparkContext._jsc.sc()
    text, last = approved(spark, lake, conf, asked(), once=False), max(executions(spark), default=-1)
    turned(spark, conf, asked(), text, output=str(tmp_path / "out"))
    turned(spark, conf, asked(), text)
    plans = [plan for number, plan in executions(spark).items() if number > last]
    assert any("treat_column" in plan for plan in plans), "they are there to be looked at"
    assert not any("canary" in plan for plan in plans)
    assert context is not None


def executions(spark: SparkSession) -> dict[int, str]:
    """What Spark keeps of queries for its pages and its event log, by their number: descriptions and physical plans."""
    listed = spark._jsparkSession.sharedState().statusStore().executionsList()
    found = [listed.apply(at) for at in range(listed.size())]
    return {each.executionId(): f"{each.description()} {each.physicalPlanDescription()}" for each in found}


def test_config_is_read(lake: Path) -> None:
    found: Config = config.load(lake / "conf")
    assert found.policy.reversal is not None
    assert found.policy.reversal.approvers[0].may_approve("t", "anything", "sensitive")
    assert not found.policy.reversal.approvers[0].may_approve("other", "anything", "sensitive")
