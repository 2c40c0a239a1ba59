"""Outputs whose reader is gone, that are closed, or that cannot be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from jobs.console import called, outputs, process
from jobs.console.exit_codes import BadUsage
from jobs.one_command import verbs
from jobs.run_events import events
from jobs.spark_app import failures

JOB = """
    import sys
    from jobs.console import outputs
    from jobs.console.outputs import Unwritten
    def job():
        with outputs.kept():
            for at in range(50000):
                print("a line", at)
            print("all is done", file=sys.stderr)
            return 7
    try:
        sys.exit(job())
    except Unwritten:
        sys.exit(3)
"""


RUN = list(verbs.files().values())


def run(way: str) -> subprocess.CompletedProcess[str]:
    """As a shell runs it. way: what stands behind it; the exit code is that of the job."""
    script = f"'{sys.executable}' -c \"$JOB\" {way}; exit ${{PIPESTATUS[0]}}"
    environ = {**os.environ, "JOB": textwrap.dedent(JOB)}
    return subprocess.run(["/bin/bash", "-c", script], env=environ, capture_output=True, text=True, timeout=60)


def test_a_reader_that_goes_away_ends_nothing() -> None:
    done = run("| head -1")
    assert (done.returncode, done.stdout, done.stderr) == (7, "a line 0\n", "all is done\n")


def test_of_standard_error_too() -> None:
    assert run("2> >(true) > /dev/null").returncode == 7
    done = run("2>&1 > /dev/null | true")
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")


@pytest.mark.parametrize("way", [">&-", "2>&-", ">&- 2>&-"])
def test_outputs_that_are_closed_lead_nowhere(way: str) -> None:
    done = run(f"{way} | cat")
    assert done.returncode == 7
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
def test_what_cannot_be_written_was_wanted() -> None:
    done = run("> /dev/full")
    assert done.returncode == 3
    assert done.stderr.endswith(
        "standard output cannot be written (No space left on device): what was done is done, but not all is told\n"
    )
    assert "Traceback" not in done.stderr


HELP_OF = {
    "a job without Spark": "-c 'import sys; from jobs import check; from jobs.console import process; "
    'sys.exit(process.ended(lambda: check.main(["--help"])))\'',
    "the command": "-m jobs.one_command check --help",
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
@pytest.mark.parametrize("words", HELP_OF.values(), ids=list(HELP_OF))
def test_a_help_that_cannot_be_written_is_no_success(words: str) -> None:
    """Its end waits in memory when the process ends; without a reader it is as it was."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    script = (
        f"'{sys.executable}' {words} > /dev/full; echo $?; '{sys.executable}' {words} | true; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(["/bin/bash", "-c", script], env=environ, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["3", "0"]
    assert done.stderr.splitlines() == [
        "standard output cannot be written (No space left on device): what was done is done, but not all is told"
    ]


def test_every_job_by_its_file_is_kept() -> None:
    """`check` and `config_schema` among them, which have no Spark whose errors are to be told."""
    ends = {path: path.read_text(encoding="utf-8").rstrip().splitlines()[-1] for path in RUN}
    assert ends
    assert {line.strip() for line in ends.values()} == {"sys.exit(process.ended(main))"}


def test_what_ends_a_job_without_spark_is_told_without_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    def failing() -> int:
        raise ValueError("Mustermann")

    def refused() -> int:
        raise BadUsage("say what is meant with jobs/keys.py")

    assert process.exit_code(refused) == 2
    assert capsys.readouterr() == ("", "say what is meant with jobs/keys.py\n")
    assert process.exit_code(failing) == 3
    told = capsys.readouterr().err
    assert told.startswith("unexpected ValueError at ")
    assert "Mustermann" not in told
    called.by_command()
    try:
        assert process.exit_code(refused) == 2
    finally:
        called.plainly()
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["message"]) == ("failed", "say what is meant with lakenym keys")


def test_ctrl_c_before_anything_began_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert process.ended(interrupted) == 130
    assert capsys.readouterr() == ("", "interrupted by Ctrl-C\n")


def test_a_job_by_its_file_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no lost connection to Spark, and its exit code is its own."""
    read, write = os.pipe()
    os.close(read)
    told: list[events.Event] = []

    def step() -> int:
        print("x", flush=True)
        print("y", flush=True)
        return 0

    with open(write, "w", encoding="utf-8") as gone, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", gone)
        assert failures.exit_code(told.append, step) == 0
        assert sys.stdout is gone
    assert told == []


def test_a_terminal_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions are asked on it, for which Python wants its own."""

    class Terminal:
        def isatty(self) -> bool:
            return True

        def flush(self) -> None: ...

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with outputs.kept():
        assert sys.stdout is terminal  # type: ignore[comparison-overlap]
