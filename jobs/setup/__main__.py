"""Set-up of what pip alone does not bring: a Java that runs Spark, and the two jars of Delta Lake.

``python -m jobs.setup`` is the last step of ``make setup``. It changes nothing outside the virtual
environment it runs in, and checks before it fetches: a second run needs no network.
"""

from __future__ import annotations

import sys
from pathlib import Path

from jobs.setup.delta_jars import JARS, ensure_jars
from jobs.setup.java_runtime import SetupProblem, ensure_java, java_version, package_folder


def main() -> int:
    """Exit code 0 when Java and the jars are there, 3 with what to do on stderr when not."""
    try:
        java = ensure_java(Path(sys.executable).parent)
        ensure_jars(package_folder("pyspark") / "jars", java)
    except SetupProblem as problem:
        print(problem, file=sys.stderr)
        return 3
    print(f"Ready: Java {java_version(java)} ({java}), Delta Lake {JARS[0].version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
