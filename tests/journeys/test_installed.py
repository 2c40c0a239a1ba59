"""The wheel, in an environment of its own far from any checkout: the command is there and tells the truth."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.helpers.lakes import column, table, write_conf
from tests.helpers.places import ROOT

pytestmark = pytest.mark.sweep


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``lakenym`` of an environment that has this wheel, and the packages that it needs from the one of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    for name in ("jobs", "privacy_udfs", "conf"):  # a copy, since a build leaves folders of its own
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source" / name)
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "source")]
    subprocess.run([*pip, *build], check=True, capture_output=True, env=environ())
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = folder / "venv" / "bin" / "python"
    (wheel,) = folder.glob("lakenym-*.whl")
    install = ["--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, *install], check=True, capture_output=True, env=environ())
    own = folder / "venv" / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    (own / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder / "venv" / "bin" / "lakenym"


def environ() -> dict[str, str]:
    """The environment, without what leads to the checkout."""
    left_out = ("PYTHONPATH", "PYSPARK_PYTHON")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, "SPARK_LOCAL_IP": "127.0.0.1"}


def run(command: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYSPARK_PYTHON")}
    return subprocess.run(
        [str(command), *words],
        cwd=folder,
        env={**environ, "SPARK_LOCAL_IP": "127.0.0.1"},
        capture_output=True,
        text=True,
    )


def test_helps_are_there_far_from_the_checkout(command: Path, tmp_path: Path) -> None:
    told = run(command, tmp_path, "--help")
    assert told.returncode == 0, told.stderr
    assert "\n  pseudonymize    Treat tables as the catalog says\n" in told.stdout
    for verb in ("setup", "keys", "rotate-keys"):
        done = run(command, tmp_path, verb, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"usage: lakenym {verb} ")
    assert list(tmp_path.iterdir()) == [], "a help helps, and does nothing else"


def test_set_up_finds_what_it_needs_in_the_wheel(command: Path, tmp_path: Path) -> None:
    code = (
        "from jobs.setup import java_runtime as j; import jobs; print(jobs.__path__[0]); print(j.JAVA_LOCK.is_file())"
    )
    done = subprocess.run(
        [str(command.with_name("python")), "-c", code], cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True
    )
    where, has_lock = done.stdout.split()
    assert Path(where).is_relative_to(command.parent.parent), "it is the installed one"
    assert has_lock == "True"


def test_a_run_prints_json_lines_and_no_line_of_a_start(command: Path, tmp_path: Path) -> None:
    (tmp_path / "raw" / "t").mkdir(parents=True)
    (tmp_path / "raw" / "t" / "a.csv").write_text("id,born\nA-1,1990-04-01\n", encoding="utf-8")
    source = {"format": "csv", "path": str(tmp_path / "raw" / "t"), "schema": "id string, born date"}
    columns = {"id": column({"domain": "customer"}, "direct_identifier"), "born": "keep"}
    conf = write_conf(tmp_path, table("t", tmp_path, columns, source=source))
    done = run(command, tmp_path, "pseudonymize", "--conf", str(conf), "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events == ["checked", "planned", "committed"]
    assert done.stderr == "key crm: its keyset is not encrypted; this is for development only\n"


def test_the_demo_works_far_from_the_checkout(command: Path, tmp_path: Path) -> None:
    done = run(command, tmp_path, "--text", "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    told = done.stdout
    assert "The join still works" in told
    assert ". .demo/env && lakenym plan --conf .demo/conf --table crm.orders" in told
    assert (tmp_path / ".demo" / "conf" / "catalog" / "crm.customers.yaml").is_file()
