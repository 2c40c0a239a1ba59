"""Runs that die at a step, as a machine does that loses its power: by SIGKILL, with all that they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

SETTINGS = (
    "spark.sql.shuffle.partitions=2",
    "spark.databricks.delta.snapshotPartitions=1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism=2",
    "spark.ui.enabled=false",
)
"""As of the suite's own session: tables are small."""
RUN = """
import importlib, json, os, signal, sys
from pathlib import Path
from jobs import pseudonymize
from jobs.configuration import config
from jobs.spark_app import session
place, name, when = importlib.import_module(sys.argv[2]), *sys.argv[3:5]
step = getattr(place, name)
def die(*given, **more):
    if when == "after":
        step(*given, **more)
    os.killpg(0, signal.SIGKILL)
spark = session.start("killed")
setattr(place, name, die)
pseudonymize.run(spark, config.load(Path(sys.argv[1])), "t", **json.loads(sys.argv[5]))
"""

VERB = """
import importlib, os, signal, sys
verb = importlib.import_module(sys.argv[1])
place, name, when, left, of = importlib.import_module(sys.argv[2]), *sys.argv[3:5], [int(sys.argv[5])], sys.argv[6]
step = getattr(place, name)
def die(*given, **more):
    if of and of not in " ".join(str(getattr(each, "location", each)) for each in given[:2]):
        return step(*given, **more)
    left[0] -= 1
    made = step(*given, **more) if left[0] or when == "after" else None
    if not left[0]:
        os.killpg(0, signal.SIGKILL)
    return made
setattr(place, name, die)
sys.exit(verb.main(sys.argv[7:]))
"""


def environ() -> dict[str, str]:
    """Of a process that starts a Spark of its own."""
    submit = [*(f"--conf {each}" for each in SETTINGS), "pyspark-shell"]
    return {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_SUBMIT_ARGS": " ".join(submit)}


def killed_verb(verb: str, step: str, when: str, times: int, *words: str, of: str = "") -> str:
    """A file of ``jobs/`` as a process of its own that dies before or after a step is done for the so manieth time;
    what it said. words: of its command line. of: what its first arguments name, of the place that is meant; empty
    for any."""
    module, _, function = step.rpartition(".")
    command = [sys.executable, "-c", VERB, f"jobs.{verb}", module, function, when, str(times), of, *words]
    done = subprocess.run(
        command, env=environ(), capture_output=True, start_new_session=True, timeout=300, check=False, text=True
    )
    assert done.returncode == -signal.SIGKILL, f"{step} was not reached: {done.stdout[-800:]} {done.stderr[-1500:]}"
    return done.stdout + done.stderr


def killed(lake: Path, module: str, name: str, when: str, **asked: Any) -> None:
    """A run of table ``t``, under the configuration that was written last, that dies ``before`` or ``after`` a function
    of a module is carried out. asked: of `pseudonymize.run`."""
    command = [sys.executable, "-c", RUN, str(lake / "conf"), module, name, when, json.dumps(asked)]
    done = subprocess.run(
        command, env=environ(), capture_output=True, start_new_session=True, timeout=300, check=False, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
