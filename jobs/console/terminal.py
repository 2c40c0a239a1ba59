"""Whether a person watches."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def is_terminal() -> bool:
    """Whether output ends on a terminal, also through ``spark-submit``, which hands it on through a pipe."""
    if sys.stdout.isatty():
        return True
    try:
        return "SPARK_ENV_LOADED" in os.environ and Path(f"/proc/{os.getppid()}/fd/1").readlink().is_char_device()
    except OSError:  # no /proc on this system
        return False
