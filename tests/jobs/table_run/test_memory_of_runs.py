"""One row may hold anything: the Python workers of a whole run stay under 2 GB, or it is refused in our own words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import pseudonymize
from jobs.configuration import config
from jobs.spark_app import session
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes
from tests.helpers.places import ROOT
from tests.helpers.processes import most_memory

GB, MANY, LONG = 1 << 30, 10**7, 300 << 20
COLUMNS = {
    "a long value": {"id": "keep", "text": {"technique": "keyed_hash", "key": "crm"}},
    "many long values": {"id": "keep", "text": {"technique": "keyed_hash", "key": "crm"}},
    "a long array": {"id": "keep", "items[]": {"domain": "customer"}},
}


def write(kind: str, folder: Path) -> None:
    """Rows as usual, and one that is huge."""
    folder.mkdir(parents=True)
    if kind == "many long values":
        rows = pa.table({"id": range(2000), "text": pa.repeat("x" * (1 << 20), 2000)})  # 2 GB
        pq.write_table(rows, folder / "a.parquet", row_group_size=50)
        return
    if kind == "a long value":
        rows = pa.table({"id": [1, 2, 3], "text": pa.array(["x", "x" * LONG, None])})
    else:
        items = pa.ListArray.from_arrays(
            pa.array([0, MANY, MANY + 3], pa.int32()), pa.array(range(MANY + 3), pa.int64())
        )
        rows = pa.table({"id": [1, 2], "items": items})
    pq.write_table(rows, folder / "a.parquet")


class Workers(threading.Thread):
    """Watches the processes of Python that Spark starts. peak: the most memory that one of them ever had, in bytes, as
    the system counts it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.over, self.peak = threading.Event(), 0

    def run(self) -> None:
        while not self.over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                self.peak = max(self.peak, _peak(process))


def _peak(process: Path) -> int:
    try:
        if os.getsid(int(process.name)) != os.getsid(0) or b"pyspark.daemon" not in (process / "cmdline").read_bytes():
            return 0
    except OSError:  # it is gone
        return 0
    return most_memory(int(process.name))


def main(conf: str, execution: str) -> None:
    """A run in a process of its own, and what became of it as JSON."""
    spark = session.start("memory", {"spark.driver.memory": "6g", "spark.ui.enabled": "false"})
    workers = Workers()
    workers.start()
    try:
        result = pseudonymize.run(spark, config.load(Path(conf)), "t", execution=execution)  # type: ignore[arg-type]
        said = {"rows": result.rows, "execution": result.execution, "not_columnar": result.not_columnar}
    except LakenymError as error:
        said = {"refused": str(error)}
    workers.over.set()
    workers.join()
    print("TOLD", json.dumps({**said, "peak": workers.peak}))


@pytest.mark.sweep
@pytest.mark.parametrize("execution", ["auto", "spark"])
@pytest.mark.parametrize("kind", COLUMNS)
def test_workers_take_less_than_two_gigabytes(lake: Path, kind: str, execution: str) -> None:
    write(kind, lake / "raw" / "t")
    conf = lakes.write_conf(lake, lakes.table("t", lake, COLUMNS[kind]))
    code = f"from tests.jobs.table_run import test_memory_of_runs as t; t.main({str(conf)!r}, {execution!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
    assert told, done.stderr[-3000:]
    said = json.loads(told[0].removeprefix("TOLD "))
    print(said)
    assert 0 < said["peak"] < 2 * GB, said
    assert said.get("rows") == {"a long value": 3, "many long values": 2000, "a long array": 2}[kind], said
