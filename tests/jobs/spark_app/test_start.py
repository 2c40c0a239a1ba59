"""What a start of Spark says, and what is said where it cannot start; what is told of a defect."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.errors import PySparkException

from jobs.console import called
from jobs.lake import storage_jars
from jobs.run_events import events
from jobs.run_events.events import Event, Failed
from jobs.spark_app import failures, interruption, java_output, ready
from privacy_udfs.errors import LakenymError

START = """\
WARNING: Using incubator modules: jdk.incubator.vector
Using Spark's default log4j profile: org/apache/spark/log4j2-defaults.properties
Setting default log level to "WARN".
To adjust logging level use sc.setLogLevel(newLevel). For SparkR, use setLogLevel(newLevel).
26/11/28 18:30:35 WARN NativeCodeLoader: Unable to load native-hadoop library for your platform
:: loading settings :: url = jar:file:/x/ivy-2.5.3.jar!/org/apache/ivy/core/settings/ivysettings.xml
Picked up JAVA_TOOL_OPTIONS: -Xmx1g
"""
TRACE = """\
\tat org.apache.spark.sql.delta.DeltaLog$.apply(DeltaLog.scala:1)
\tat java.base/java.lang.Thread.run(Thread.java:840)
\t... 22 more
Caused by: java.io.IOException: canary
"""


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("LAKENYM_DEBUG", raising=False)
    yield
    called.plainly()


@pytest.mark.parametrize("line", [*START.splitlines(), *TRACE.splitlines()])
def test_start_up_lines_and_stack_traces_say_nothing_to_a_person(line: str) -> None:
    assert not java_output.is_told(line)
    called.by_command(debug=True)
    assert java_output.is_told(line)


@pytest.mark.parametrize("line", ["key crm: its keyset is not encrypted", "26/11/28 18:30:35 ERROR SparkContext: x"])
def test_the_rest_is_heard(line: str) -> None:
    assert java_output.is_told(line)


DAEMON = """\
Traceback (most recent call last):
  File "/x/pyspark/python/lib/pyspark.zip/pyspark/daemon.py", line 262, in manager
  File "/x/pyspark/python/lib/pyspark.zip/pyspark/daemon.py", line 95, in worker
    outfile.flush()
"""


def _passed_on(text: str) -> str:
    held = java_output.Tracebacks()
    lines = [told for line in text.splitlines() for told in held.told(line)]
    return "\n".join([*lines, *held.rest(), ""])


def test_a_worker_whose_reader_had_read_enough_says_nothing() -> None:
    ended = f"{DAEMON}BrokenPipeError: [Errno 32] Broken pipe\n"
    assert _passed_on(f"before\n{ended}{ended.replace('BrokenPipe', 'ConnectionReset')}after\n") == "before\nafter\n"
    others = [
        f"{DAEMON}MemoryError\nafter\n",
        "Traceback (most recent call last):\nBrokenPipeError: x\n",
        'Traceback (most recent call last):\n  File "/x/mine.py", line 1, in f\nBrokenPipeError: x\n',
        f'{DAEMON}  File "/x/mine.py", line 1, in f\nBrokenPipeError: x\n',
        f"{DAEMON}Traceback (most recent call last):\n",
        DAEMON,
    ]
    for text in others:
        assert _passed_on(text) == text
    called.by_command(debug=True)
    assert _passed_on(ended) == ended


def test_java_writes_to_standard_error_alone_and_no_line_of_its_start() -> None:
    """A process that is started inside is Java; what it says later than its start is passed on."""
    java = f"import sys, time; sys.stdout.write({START!r} + 'early\\n'); sys.stdout.flush(); time.sleep(.5);"
    java += f"sys.stderr.write('late\\n' + {TRACE!r})"
    code = f"""
        import subprocess, sys, time
        from jobs.spark_app import java_output
        with java_output.while_starting() as heard:
            java = subprocess.Popen([sys.executable, "-c", {java!r}])
            while not heard.lines: time.sleep(.01)
        print("ours", flush=True)
        java.wait(); time.sleep(.3)
        print(heard.why(), file=sys.stderr)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout == "ours\n"
    assert done.stderr.splitlines() == ["late", "early"]


def test_without_java_one_line_says_what_to_do(tmp_path: Path) -> None:
    code = "from jobs.spark_app import failures, session; from jobs.run_events import events; import sys\n"
    code += "sys.exit(failures.exit_code(events.json_lines, lambda: session.start('t') and 0))"
    (tmp_path / "bash").symlink_to("/bin/bash")
    for name in ("dirname", "basename", "readlink", "env"):
        (tmp_path / name).symlink_to(next(p for p in (Path(f"/usr/bin/{name}"), Path(f"/bin/{name}")) if p.exists()))
    environ = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "PYSPARK_GATEWAY_PORT")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environ, "PATH": str(tmp_path), "JAVA_HOME": str(tmp_path / "none")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) == 1
    assert "Spark needs Java 17 or newer, and did not start: 'lakenym setup'" in done.stdout
    assert done.stderr == ""


def test_what_is_missing_without_delta_is_named() -> None:
    assert "'lakenym setup'" in ready.NO_DELTA
    assert "io.delta:delta-spark_4.2_2.13:4.4.0" in ready.NO_DELTA


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("java.lang.ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not found", "s3a"),
        ('UnsupportedFileSystemException: No FileSystem for scheme "gs"', "gs"),
        ("Class org.apache.hadoop.fs.azurebfs.SecureAzureBlobFileSystem not found", "abfss"),
        ("Class org.apache.hadoop.fs.azure.NativeAzureFileSystem$Secure not found", "wasbs"),
        ("Class org.apache.hadoop.fs.aliyun.oss.AliyunOSSFileSystem not found", "oss"),
        ("Class org.apache.hadoop.fs.gs.GoogleHadoopFileSystem not found", "gs"),
        ("Class com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem not found", "gs"),
        ("nothing of the kind", ""),
    ],
)
def test_hadoop_says_which_storage_it_does_not_know(text: str, scheme: str) -> None:
    assert storage_jars.in_text(text) == scheme


def test_each_kind_of_storage_has_its_cure() -> None:
    assert "s3a://" in storage_jars.missing("s3a")
    assert "--packages org.apache.hadoop:hadoop-aws:3." in storage_jars.missing("s3a")
    assert storage_jars.missing("s3").endswith("write s3a://")
    assert "mend the path" in storage_jars.missing("ftpx")
    assert [storage_jars.scheme_of(path) for path in ("s3a://b/x", "/lake/x", "file:/x", "a:b")] == [
        "s3a",
        "",
        "file",
        "",
    ]


def told(error: BaseException) -> Failed:
    heard: list[Event] = []

    def failing() -> int:
        raise error

    assert failures.exit_code(heard.append, failing) == 3
    (failed,) = heard
    assert isinstance(failed, Failed)
    return failed


def test_an_error_of_spark_that_nobody_met_before_is_explained_all_the_same() -> None:
    """It says what is missing, and no value; of one that nobody has words for where it came from."""
    failed = told(
        PySparkException("ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem not found: Bob")
    )
    assert failed.message.startswith("Spark has no file system for s3a://, as its jars are missing: start Spark with ")
    assert told(PySparkException("Bob")).message.startswith("unexpected PySparkException at ")


def test_of_no_table_no_name_is_told() -> None:
    def failing() -> int:
        raise PySparkException("No FileSystem for scheme s3a")

    for table, begins in (("", "Spark has no file system"), ("t", "t: Spark has no file system")):
        with pytest.raises(failures.RunFailed, match=f"^{begins}"):
            failures.translated(table, failing)


def test_a_defect_is_called_one_and_says_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(TypeError("canary"))
    assert found.message.startswith("unexpected TypeError at ")
    assert "this is a defect of the program" in found.message
    assert capsys.readouterr().err == ""
    called.by_command(debug=True)
    again = told(TypeError("canary"))
    way = capsys.readouterr().err
    assert way.startswith("TypeError:\n")
    assert "test_start.py" in way
    assert "canary" not in way + found.message + again.message


@pytest.mark.parametrize("error", [EOFError("canary"), ConnectionResetError("canary")])
def test_a_broken_connection_is_no_defect(error: Exception) -> None:
    message = told(error).message
    assert "broke off in the middle of the work" in message
    assert "canary" not in message
    assert "unexpected" not in message


# -- Ctrl-C ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ctrl-C was pressed, with Spark's handler in force: it interrupts the main thread alone."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interruption.watched()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)
    interruption.watched()
    assert not interruption.is_heard()


def in_a_lane(error: Exception) -> Failed:
    """What is told of a table whose run, in another thread, ends so."""
    told: list[Event] = []

    def failing() -> int:
        raise error

    lane = threading.Thread(target=lambda: failures.exit_code(told.append, failing, "t"))
    lane.start()
    lane.join()
    (failed,) = told
    assert isinstance(failed, Failed)
    return failed


@pytest.mark.usefixtures("heard")
def test_what_ends_by_ctrl_c_says_that_it_was_interrupted() -> None:
    """And not what Spark says of its cancelled jobs; what was committed, and is not told of elsewhere, stays told."""
    for error in (
        LakenymError("t: it cannot be read: Spark says [SPARK_JOB_CANCELLED]"),
        failures.RunFailed("t: Spark failed with InterruptedException"),
        TypeError("canary"),
        ConnectionResetError("canary"),
    ):
        found = in_a_lane(error)
        assert (found.exit_code, found.message) == (130, interruption.OF_A_RUN)
    found = in_a_lane(LakenymError("t: version 3 was committed, and the audit log does not say so"))
    assert found.exit_code == 130
    assert found.message == "interrupted by Ctrl-C; t: version 3 was committed, and the audit log does not say so"


@pytest.mark.usefixtures("heard")
def test_ctrl_c_ends_the_job_and_not_one_table_of_it() -> None:
    """Whatever swallowed it on its way, the next table is not begun."""
    told: list[Event] = []

    def cancelled() -> int:
        raise LakenymError("SPARK_JOB_CANCELLED")

    def job() -> int:
        return max(failures.exit_code(told.append, cancelled, name) for name in ("a", "b"))

    assert failures.exit_code(told.append, job) == 130
    assert told == [Failed("", 130, "interrupted by Ctrl-C")]


@pytest.mark.usefixtures("heard")
def test_what_became_of_a_table_is_told_before_the_job_ends() -> None:
    told: list[Event] = []

    def committed() -> int:
        raise LakenymError("t: version 3 was committed, and the audit log does not say so")

    with pytest.raises(KeyboardInterrupt):
        failures.exit_code(told.append, committed, "t")
    (failed,) = told
    assert isinstance(failed, Failed)
    assert failed.message.startswith("interrupted by Ctrl-C; t: version 3 was committed")


@pytest.mark.usefixtures("heard")
def test_a_job_without_a_table_says_nothing_of_a_target() -> None:
    told: list[Event] = []

    def cancelled() -> int:
        raise LakenymError("SPARK_JOB_CANCELLED")

    assert failures.exit_code(told.append, cancelled) == 130
    assert [each.message for each in told if isinstance(each, Failed)] == [interruption.WORD]


def test_without_ctrl_c_an_error_stays_what_it_is() -> None:
    assert in_a_lane(LakenymError("Spark says [SPARK_JOB_CANCELLED]")).exit_code == 3


def test_a_verb_that_fails_tells_a_program_in_one_line_and_a_person_besides(capsys: pytest.CaptureFixture[str]) -> None:
    def failing() -> int:
        raise LakenymError("mend it with jobs/keys.py")

    assert failures.exit_code(events.terminal, failing) == 3
    assert capsys.readouterr() == ("", "mend it with jobs/keys.py\n"), "a job by its file prints as it did"
    called.by_command()
    assert failures.exit_code(events.terminal, failing) == 3
    told = capsys.readouterr()
    assert told.err == "mend it with lakenym keys\n"
    line = json.loads(told.out)
    del line["time"]
    assert line == {"event": "failed", "table": "", "exit_code": 3, "message": "mend it with lakenym keys"}
    called.by_command(text=True)
    failures.exit_code(events.terminal, failing)
    assert capsys.readouterr().out == ""
