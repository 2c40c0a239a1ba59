"""Seconds of ``jobs/check.py`` by the clock, from the start of the process, over a generated catalog."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.timing import Times
from tests.helpers import generated_catalog
from tests.helpers.places import ROOT

CHECK = ROOT / "jobs" / "check.py"
TABLES, COLUMNS = 1000, 10


def measure(turns: int, tables: int = TABLES) -> Times:
    """After one turn to warm up the file system's cache."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as made:
        conf = generated_catalog.write(Path(made) / "conf", tables)
        return Times(tuple([_seconds(conf) for _ in range(turns + 1)][1:]))


def _seconds(conf: Path) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, str(CHECK), "--conf", str(conf)], check=True, capture_output=True)
    return time.perf_counter() - start
