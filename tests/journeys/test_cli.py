"""The jobs as a scheduler starts them: ``spark-submit``, exit codes, JSON lines, and a terminal.

A start of Spark takes longer than all that a job does here. So ``spark-submit`` starts one job that goes well and one
that a person watches, and in the sweep one that is refused; all else is asked of ``main``, all that a job's file calls.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import plan, pseudonymize
from jobs.console import exit_codes
from jobs.spark_app import session
from tests.helpers.lakes import column, table, write_conf
from tests.helpers.places import ROOT
from tests.helpers.standalone import SUBMIT as SPARK_SUBMIT
from tests.helpers.sweeps import but_for

SUBMIT = [
    str(SPARK_SUBMIT),
    *("--master", "local[2]", "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=2"),
]
KEYED = {"domain": "customer"}


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("cli")
    for name in ("good", "new_column"):
        (lake / "raw" / name).mkdir(parents=True)
        pq.write_table(pa.table({"id": [1, 2], "mail": ["a@b.c", None]}), lake / "raw" / name / "a.parquet")
    good = table("good", lake, {"id": column(KEYED, "direct_identifier"), "mail": "redact"})
    return write_conf(lake, good, table("new_column", lake, {"id": KEYED}))


def submit(job: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*SUBMIT, str(ROOT / "jobs" / job), *arguments]
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)


def events(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def test_one_json_line_per_event_and_exit_0(conf: Path) -> None:
    done = submit("pseudonymize.py", "--conf", str(conf), "--table", "good")
    assert done.returncode == 0, done.stderr
    assert [event["event"] for event in events(done.stdout)] == ["checked", "planned", "committed"]
    last = events(done.stdout)[-1]
    assert last["rows"] == 2
    assert {"column": "id", "class": "direct_identifier", "technique": "keyed_hash"}.items() <= last["columns"][
        0
    ].items()  # type: ignore[index]
    assert last["columns"][0]["treated"] == 2  # type: ignore[index]


@pytest.mark.parametrize("how", but_for(["main"], ["main", "spark-submit"]))
def test_all_refuses_before_anything_is_written(
    spark: SparkSession, conf: Path, how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sorted((conf.parent / "treated").rglob("*.json"))
    asked = ["--conf", str(conf), "--all"]
    if how == "main":
        code, said = pseudonymize.main(asked), capfd.readouterr().out
    else:
        done = submit("pseudonymize.py", *asked)
        code, said = done.returncode, done.stdout
    assert code == 1
    failed = [event for event in events(said) if event["event"] == "failed"]
    assert [event["table"] for event in failed] == ["new_column"]
    assert "mail (string): no decision" in str(failed[0]["message"])
    assert sorted((conf.parent / "treated").rglob("*.json")) == before


def test_dry_run_writes_nothing(spark: SparkSession, lake: Path) -> None:
    (lake / "raw" / "t").mkdir(parents=True)
    pq.write_table(pa.table({"id": [1]}), lake / "raw" / "t" / "a.parquet")
    folder = write_conf(lake, table("t", lake, {"id": KEYED}))
    assert pseudonymize.main(["--conf", str(folder), "--table", "t", "--dry-run"]) == exit_codes.DONE
    assert not (lake / "treated").exists()


def test_bad_usage_and_configuration_exit_2_without_starting_spark(
    conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One in a process of its own, as a shell starts it; the others by what that process calls."""
    monkeypatch.delattr(session, "start")
    for arguments in (
        [],
        ["--conf", str(conf)],
        ["--conf", str(conf), "--table", "god"],
        ["--conf", str(tmp_path / "none"), "--all"],
        ["--conf", str(conf), "--all", "--table", "good"],
        ["--conf", str(conf), "--all", "--dry"],
    ):
        assert code_of(arguments) == 2, arguments
        said = capfd.readouterr()
        assert said.out + said.err
        assert "Traceback" not in said.out + said.err
    god = [sys.executable, str(ROOT / "jobs" / "pseudonymize.py"), "--conf", str(conf), "--table", "god"]
    done = subprocess.run(god, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "did you mean good?" in done.stdout
    assert "Traceback" not in done.stderr


def code_of(arguments: list[str]) -> int:
    try:
        return pseudonymize.main(arguments)
    except SystemExit as ended:  # as the reader of arguments ends it
        return int(str(ended.code))


def test_a_source_that_is_not_there_exits_1(spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = write_conf(lake, table("gone", lake, {"id": KEYED}))
    assert pseudonymize.main(["--conf", str(folder), "--table", "gone"]) == exit_codes.REFUSED == 1
    told = capfd.readouterr()
    assert "nothing is there: mend 'path'" in events(told.out)[-1]["message"]  # type: ignore[operator]
    assert "Traceback" not in told.out + told.err


def test_plan_as_text_and_as_json(spark: SparkSession, conf: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert plan.main(["--conf", str(conf), "--table", "good", "--json"]) == exit_codes.DONE
    (found,) = events(capfd.readouterr().out)
    columns = {column["column"]: column for column in found["columns"]}  # type: ignore[attr-defined]
    assert found["row_order"] == "shuffled"
    assert columns["id"]["input_type"] == "bigint"
    assert columns["id"]["output_type"] == "string"
    assert columns["id"]["key"] == "crm"
    assert plan.main(["--conf", str(conf), "--table", "good"]) == exit_codes.DONE
    text = capfd.readouterr().out
    assert "column" in text
    assert "rows are written in random order" in text
    assert f"crm#{columns['id']['key_id']}" in text


def test_a_person_gets_a_summary(conf: Path) -> None:
    """Through a real pseudo-terminal, and through spark-submit, which puts a pipe between."""
    leader, follower = pty.openpty()
    command = [
        *SUBMIT,
        str(ROOT / "jobs" / "pseudonymize.py"),
        "--conf",
        str(conf),
        "--table",
        "good",
        "--even-unchanged",
    ]
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    with subprocess.Popen(command, env=environ, stdout=follower, stderr=follower, stdin=follower) as job:
        os.close(follower)
        shown = b""
        while True:
            try:
                piece = os.read(leader, 4096)
            except OSError:  # the terminal's other end is closed
                break
            if not piece:
                break
            shown += piece
        assert job.wait(timeout=120) == 0
    text = shown.decode()
    assert "rows/s" in text
    assert "technique" in text
    assert '{"time"' not in text
