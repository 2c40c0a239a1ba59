"""Fetch what pip does not bring: a Java that runs Spark, and the two jars of Delta Lake. ``lakenym setup``.

It changes nothing outside the Python environment it runs in, and checks before it fetches: a second run needs no
network. Maven or Spark's Ivy fetch the jars, by their own settings for mirrors and proxies; a Java is fetched only
where none is found that Spark can use. It is ``python -m jobs.setup`` too.

Exit codes: 0 Java and the jars are there; 2 wrong usage; 3 they cannot be had, and what to do is said.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from jobs.console import called, process
from jobs.console.exit_codes import DONE
from jobs.console.help_text import AsWritten
from jobs.setup.delta_jars import JARS, ensure_jars
from jobs.setup.java_runtime import SetupProblem, ensure_java, java_version, package_folder


def run() -> str:
    """Fetch what is missing; returns what is there. Raises `SetupProblem`, with what to do."""
    bin_folder, jars = Path(sys.executable).parent, package_folder("pyspark") / "jars"
    try:
        java = ensure_java(bin_folder)
        ensure_jars(jars, java)
    except OSError as error:  # an environment of the system, or of somebody else
        raise SetupProblem(
            f"{bin_folder} or {jars} cannot be written ({type(error).__name__}): set up an environment of your own "
            "(python -m venv), or have its owner run this once"
        ) from None
    return f"Ready: Java {java_version(java)} ({java}), Delta Lake {JARS[0].version}"


def parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        called.program("setup"),
        description=called.spoken(__doc__),
        allow_abbrev=False,
        formatter_class=AsWritten,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when Java and the jars are there, 3 with what to do on stderr when not."""
    parser().parse_args(argv)
    return process.exit_code(_run)


def _run() -> int:
    print(run())
    return DONE


if __name__ == "__main__":
    sys.exit(process.ended(main))
