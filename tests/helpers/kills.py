"""Runs that die at a step, as a machine does that loses its power: by SIGKILL, with all that they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def killed(lake: Path, module: str, name: str, when: str, **asked: Any) -> None:
    """A run of table ``t``, under the configuration that was written last, that dies ``before`` or ``after`` a function
    of a module is carried out. asked: of `pseudonymize.run`."""
    command = [sys.executable, "-c", RUN, str(lake / "conf"), module, name, when, json.dumps(asked)]
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        command, env=environ, capture_output=True, start_new_session=True, timeout=300, check=False, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
