"""Tasks that die and runs that fail: each row is in the table once, or the table is as before; no file is left over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs import pseudonymize
from jobs.columnar import late_tasks, writing
from jobs.columnar.file_systems import Access
from jobs.columnar.parquet_reader import ParquetReader
from jobs.columnar.work import Fitting
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake.delta_commit import Place
from jobs.lake.problems import CommitConflict
from jobs.spark_app.failures import translated
from privacy_udfs.errors import LakenymError, UnexpectedFailure
from tests.helpers import standalone
from tests.helpers.lakes import column, configured, table, treated, write_conf
from tests.helpers.set_runs import FILE_BY_FILE, prepared, run

ROWS, GROUP = 45_000, 5_000
"""Of a file and of its row groups. The rows are so wide that a task writes before it has read them all."""
ENTRY = {"id": {"domain": "customer"}, "row": "keep", "note": "keep"}
OLD = {"org.apache.spark.legacyDateTime": ""}
DEATHS = ["raised", "killed", "finished"]
DRIVER = """
import dataclasses, os, signal, sys
from pathlib import Path
from jobs import pseudonymize
from jobs.columnar import task
from jobs.configuration import config
from jobs.spark_app import session

conf, deaths = config.load(Path(sys.argv[1])), Path(sys.argv[2])

def die(deaths, point):
    marker = deaths / f"{point}-{os.getpid()}"
    if len(list(deaths.glob(f"{point}-*"))) == 2:
        return
    marker.touch()
    if point == "raised":
        raise OSError("planted")
    os.kill(os.getpid(), signal.SIGKILL)

@dataclasses.dataclass(frozen=True)
class Dying:
    reader: object
    deaths: Path
    point: str

    def batches(self, stretch, access, wanted):
        for at, batch in enumerate(self.reader.batches(stretch, access, wanted)):
            if at == 8:
                die(self.deaths, self.point)
            yield batch

def dying(point):
    folder = deaths  # it travels by value, with all that it names
    def run(batches, work):
        from jobs.columnar import task
        if point != "finished":
            fits = dataclasses.replace(work.fits, reader=Dying(work.fits.reader, folder, point))
            work = dataclasses.replace(work, fits=fits)
        for told in task.run(batches, work):
            if point == "finished":
                die(folder, point)
            yield told
    return run

spark = session.start("attempts")
for point in sys.argv[3:]:
    task.run = dying(point)
    print("TREATED", point, pseudonymize.run(spark, conf, point, execution="columnar").rows)
spark.stop()
"""


def write_source(lake: Path, note: str, *sizes: int) -> None:
    """Files of these numbers of rows; one after the other the rows have numbers of their own."""
    (lake / "raw" / "t").mkdir(parents=True)
    start = 0
    for at, size in enumerate(sizes):
        numbers = pa.array(range(start, start + size))
        rows = pa.table({"id": numbers, "row": numbers, "note": pa.repeat(note, size)})
        pq.write_table(rows, lake / "raw" / "t" / f"{at}.parquet", row_group_size=GROUP)
        start += size


def entry(name: str, lake: Path) -> dict[str, Any]:
    return table(name, lake, ENTRY, source={"format": "parquet", "path": str(lake / "raw" / "t")})


def data_files(target: Path) -> set[str]:
    """All that lies in a target's folder, but for Delta's log, and for checksums, which only Spark's writer makes."""
    found = {path.relative_to(target) for path in target.rglob("*") if path.is_file() and path.suffix != ".crc"}
    return {str(path) for path in found if path.parts[0] != "_delta_log"}


def committed(target: Path) -> list[set[str]]:
    """The files that each commit added."""
    log = sorted((target / "_delta_log").glob("*.json"))
    commits = [[json.loads(line) for line in each.read_text().splitlines()] for each in log]
    return [{action["add"]["path"] for action in actions if "add" in action} for actions in commits]


@pytest.fixture(scope="module")
def retried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table for each way to die, whose tasks died twice and were tried again. Their lake."""
    lake = tmp_path_factory.mktemp("attempts")
    write_source(lake, "x" * 1000, ROWS, ROWS)
    conf = write_conf(lake, *(entry(point, lake) for point in DEATHS))
    (lake / "deaths").mkdir()
    (lake / "driver.py").write_text(DRIVER)
    settings = ["--master", "local[2,5]", "--conf", "spark.ui.enabled=false"]
    settings += ["--conf", "spark.sql.files.maxPartitionBytes=4m"]  # each file is a task
    submit = [str(Path(sys.executable).parent / "spark-submit"), *settings]
    done = subprocess.run(
        [*submit, str(lake / "driver.py"), str(conf), str(lake / "deaths"), *DEATHS],
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    (lake / "output.log").write_bytes(done.stdout)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-3000:]
    return lake


@pytest.mark.parametrize("point", DEATHS)
def test_tasks_that_died_and_were_tried_again(spark: SparkSession, retried: Path, point: str) -> None:
    assert len(list((retried / "deaths").glob(f"{point}-*"))) == 2
    rows = treated(spark, retried, point)
    assert rows.count() == 2 * ROWS
    assert rows.select("row").distinct().count() == 2 * ROWS
    target = retried / "treated" / point
    assert [data_files(target)] == committed(target)
    assert "planted" not in (retried / "output.log").read_text(errors="replace")


# Runs that fail. Two tasks run at a time, so the third begins when one of the first two has written its file.


@pytest.fixture
def before(spark: SparkSession, lake: Path) -> tuple[SparkSession, Config]:
    """A treated table of two files."""
    write_source(lake, "10.0.0.1", 100, 100)
    conf = configured(lake, entry("t", lake))
    assert run(spark, conf, "t", "columnar", FILE_BY_FILE).execution == "columnar"
    assert len(data_files(lake / "treated" / "t")) == 2
    return spark, conf


def is_as_before(target: Path, versions: int = 1) -> None:
    """Only commits' files are there, and only so many commits."""
    commits = committed(target)
    assert len(commits) == versions
    assert data_files(target) == set().union(*commits)


def third_file(lake: Path, rows: pa.Table) -> Path:
    path = lake / "raw" / "t" / "z.parquet"
    pq.write_table(rows, path, compression="none", use_dictionary=False)
    assert path.stat().st_size < (lake / "raw" / "t" / "0.parquet").stat().st_size  # so it is the last part
    return path


def test_a_refused_value_leaves_nothing(before: tuple[SparkSession, Config], lake: Path) -> None:
    spark, _ = before
    third_file(lake, pa.table({"id": [1], "row": [200], "note": ["no address"]}))
    entry_of_ips = entry("t", lake)
    entry_of_ips["columns"]["note"] = column({"technique": "truncate_ip"})
    conf = configured(lake, entry_of_ips)
    with pytest.raises(LakenymError, match="truncate_ip cannot treat 1 of 1 values"):
        run(spark, conf, "t", "columnar", FILE_BY_FILE)
    is_as_before(lake / "treated" / "t")


def test_a_source_that_changes_meanwhile_leaves_nothing(before: tuple[SparkSession, Config], lake: Path) -> None:
    spark, conf = before
    path = third_file(lake, pa.table({"id": [1], "row": [200], "note": ["x"]}))
    own, held = prepared(spark, conf, "t", "columnar", FILE_BY_FILE)
    pq.write_table(pa.table({"id": [1, 2], "row": [200, 201], "note": ["x", "yy"]}), path, compression="none")
    with pytest.raises(LakenymError, match="was changed while the run looked at it"):
        translated("t", lambda: pseudonymize.execute(own, held))
    is_as_before(lake / "treated" / "t")


def test_a_file_that_turns_out_not_to_fit_leaves_nothing(before: tuple[SparkSession, Config], lake: Path) -> None:
    """What Spark's path writes instead is all there is then."""
    spark, conf = before
    third_file(lake, pa.table({"id": [1], "row": [200], "note": ["x"]}).replace_schema_metadata(OLD))
    with pytest.raises(Refused, match="execution: columnar is asked for, and"):
        run(spark, conf, "t", "columnar", FILE_BY_FILE)
    is_as_before(lake / "treated" / "t")
    result = run(spark, conf, "t", "auto", FILE_BY_FILE)
    assert (result.execution, result.rows) == ("spark", 201)
    assert result.not_columnar
    is_as_before(lake / "treated" / "t", 2)


def test_a_conflict_leaves_what_the_other_wrote(before: tuple[SparkSession, Config], lake: Path) -> None:
    spark, conf = before
    own, held = prepared(spark, conf, "t", "columnar", FILE_BY_FILE)
    target = lake / "treated" / "t"
    spark.newSession().sql(f"INSERT INTO delta.`{target}` SELECT * FROM delta.`{target}` LIMIT 1")
    with pytest.raises(CommitConflict, match="this run committed nothing"):
        pseudonymize.execute(own, held)
    is_as_before(target, 2)
    assert treated(spark, lake).count() == 201


# Attempts that Spark gives up, and does not wait for.


def test_a_task_that_still_writes_when_another_fails_leaves_nothing(
    before: tuple[SparkSession, Config], lake: Path
) -> None:
    """The large file is read, treated and written for seconds, as many small files; the other fails at once."""
    spark, _ = before
    rows, folder = 100_000, lake / "raw" / "t"
    more = [f"{at:01000d}" for at in range(rows)]
    large = pa.table({"id": range(rows), "row": range(rows), "note": ["10.0.0.1"] * rows, "more": more})
    wrong = pa.table({"id": [1], "row": [1], "note": ["no address"], "more": ["y"]})
    for name in ("0", "1"):
        (folder / f"{name}.parquet").unlink()
    pq.write_table(large, folder / "large.parquet", row_group_size=GROUP)
    pq.write_table(wrong, folder / "wrong.parquet")
    entry_of_ips = entry("t", lake)
    entry_of_ips["columns"] |= {"note": column({"technique": "truncate_ip"}), "more": column("keep")}
    stated = {"delta.targetFileSize": "1mb", "delta.parquet.compression.codec": "uncompressed"}
    entry_of_ips["target"]["properties"] = stated
    conf = configured(lake, entry_of_ips)
    each_file = {"spark.sql.files.maxPartitionBytes": "64m", "spark.sql.files.openCostInBytes": "64m"}
    with pytest.raises(LakenymError, match="truncate_ip cannot treat 1 of 1 values"):
        run(spark, conf, "t", "columnar", each_file)
    is_as_before(lake / "treated" / "t")
    time.sleep(2.5)
    is_as_before(lake / "treated" / "t")


def told(part: int, attempt: int = 0, rows: int = 1) -> dict[str, Any]:
    file = {"path": f"part-{part}-run.parquet", "size": 1, "partition_values": {}, "stats": "{}", "rows": rows}
    return {
        "part": part,
        "attempt": attempt,
        "rows": rows,
        "counts": {},
        "files": [file],
        "refused": [],
        "kept_out": 0,
        "kept_out_values": 0,
    }


@pytest.mark.parametrize("reason", ["it speculates", "an attempt failed", "the run fails"])
def test_files_of_other_attempts_are_taken_away_once_no_task_is_at_work(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """What a slow attempt writes after its job is over goes too; what is another run's stays."""
    for name in ("part-0-run", "part-1-run", "late-run", "part-0-other"):
        (tmp_path / f"{name}.parquet").write_bytes(b"x")
    waited: list[str] = []

    def ended(_: SparkSession, run_id: str) -> bool:
        (tmp_path / "later-run.parquet").write_bytes(b"x")
        waited.append(run_id)
        return True

    rows = 2 if reason == "the run fails" else 1
    parts = [told(0, attempt=int(reason == "an attempt failed")), {**told(1), "rows": rows}]
    monkeypatch.setattr(late_tasks, "ended", ended)
    monkeypatch.setattr(writing, "_speculates", lambda _: reason == "it speculates")
    monkeypatch.setattr(writing, "_run", lambda *_: parts)
    place = Place(f"file:{tmp_path}", T.StructType([T.StructField("a", T.LongType())]), (), {}, frozenset())
    fits = Fitting([(), ()], ParquetReader(pa.schema([])), Access(), pa.schema([]), (), (), "snappy")
    if reason == "the run fails":
        with pytest.raises(UnexpectedFailure, match="of 3 rows 2 written"):
            writing.files(spark, fits, place, [], "run")
    else:
        assert len(writing.files(spark, fits, place, [], "run").files) == 2
    assert waited == ["run"]
    kept = set() if reason == "the run fails" else {"part-0-run.parquet", "part-1-run.parquet"}
    assert data_files(tmp_path) == {"part-0-other.parquet"} | kept


SPECULATING = """
import dataclasses, sys, time
from pathlib import Path
from jobs import pseudonymize
from jobs.columnar import task
from jobs.configuration import config
from jobs.spark_app import session

conf, marks = config.load(Path(sys.argv[1])), Path(sys.argv[2])

@dataclasses.dataclass(frozen=True)
class Slow:
    reader: object
    marks: Path

    def batches(self, stretch, access, wanted):
        from pyspark import TaskContext
        first = TaskContext.get().attemptNumber() == 0 and stretch.file.uri.endswith("/0.parquet")
        for at, batch in enumerate(self.reader.batches(stretch, access, wanted)):
            if first and at > 1:
                (self.marks / f"slow-{at}").touch()
                time.sleep(1)
            yield batch
        (self.marks / f"done-{TaskContext.get().attemptNumber()}-{Path(stretch.file.uri).name}").touch()

def slowed():
    folder = marks  # it travels by value, with all that it names
    def run(batches, work):
        from jobs.columnar import task
        fits = dataclasses.replace(work.fits, reader=Slow(work.fits.reader, folder))
        yield from task.run(batches, dataclasses.replace(work, fits=fits))
    return run

spark = session.start("speculating")
task.run = slowed()
print("TREATED", pseudonymize.run(spark, conf, "t", execution="columnar").rows)
spark.stop()
"""


@pytest.mark.sweep
def test_a_second_attempt_beside_a_slow_one(spark: SparkSession, lake: Path) -> None:
    """The second one is done first: its file is the table's, and nothing stays of the first."""
    write_source(lake, "x" * 1000, *[ROWS] * 4)
    conf = write_conf(lake, entry("t", lake))
    (lake / "marks").mkdir()
    (lake / "driver.py").write_text(SPECULATING)
    with standalone.cluster(lake, {}, workers=2, hosts=("127.0.0.1", "127.0.0.2")) as running:
        settings = {"spark.master": running.master, "spark.ui.enabled": "false", "spark.speculation": "true"}
        settings |= {"spark.speculation.interval": "100ms", "spark.speculation.multiplier": "1.1"}
        settings |= {"spark.speculation.quantile": "0.5", "spark.speculation.minTaskRuntime": "100ms"}
        settings |= {"spark.sql.files.maxPartitionBytes": "4m", "spark.executor.memory": "1g"}
        defaults = standalone.properties(lake / "driver.conf", settings)
        environ = {"SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        arguments = [str(conf), str(lake / "marks")]
        with standalone.submitted(lake / "driver.py", arguments, defaults, environ, lake / "output.log") as driver:
            assert driver.wait(300) == 0, (lake / "output.log").read_text(errors="replace")[-3000:]
    done = {path.name for path in (lake / "marks").iterdir()}
    assert "slow-2" in done, "the first attempt was slow"
    assert any(name.startswith("done-1") and name.endswith("0.parquet") for name in done), done
    assert treated(spark, lake).select("row").distinct().count() == treated(spark, lake).count() == 4 * ROWS
    target = lake / "treated" / "t"
    assert [data_files(target)] == committed(target)
