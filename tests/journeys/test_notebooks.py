"""Every notebook runs from top to bottom, imports the jobs and defines nothing of its own."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from tests.helpers import stored_notebooks
from tests.helpers.places import ROOT, all_of

NOTEBOOKS = all_of((ROOT / "notebooks").glob("*.ipynb"))
OF_THIS_MACHINE = ("file:/", "/tmp", "/home", "/work", "/root", ".demo")
SHOWN = {"explore_a_treatment": ("pseudonym", 2), "explore_risk": ("image/png", 4)}
"""A word of each notebook's outputs, and in how many of them it is at least."""


def kinds(cell: NotebookNode) -> list[str]:
    """Of what kind a cell's outputs are."""
    return [output.output_type for output in cell.get("outputs", [])]


def without_pictures(output: NotebookNode) -> Any:
    return {**output, "data": {kind: each for kind, each in output.get("data", {}).items() if kind != "image/png"}}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_ROOT", str(tmp_path))
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.delenv("PYSPARK_PYTHON", raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    notebook = stored_notebooks.executed(path, tmp_path, customers=500)
    stored = nbformat.read(path, as_version=4)
    assert [kinds(cell) for cell in notebook.cells] == [kinds(cell) for cell in stored.cells], "store it anew"
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    word, least = SHOWN[path.stem]
    assert sum(word in str(output) for output in outputs) >= least


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_defines_nothing_and_shows_what_it_gives(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    for cell in cells:
        assert not any(line.startswith(("def ", "class ", "@")) for line in cell.source.splitlines())
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert len(outputs) >= sum(cell.cell_type == "code" for cell in cells) / 2
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert not any("execution" in cell.metadata for cell in cells), "times"
    text = json.dumps([without_pictures(output) for output in outputs])
    assert not [word for word in (*OF_THIS_MACHINE, "spark://", "keyset", "material") if word in text]
    assert not re.search(r"\d\d:\d\d:\d\d|20\d\d-\d\d-\d\dT", text), "times"
    assert path.stat().st_size < 700_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_analyst_reads_two_imports(path: Path) -> None:
    """Of this house; pictures and tables are of others."""
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    imports = [line for source in code for line in source.splitlines() if line.startswith(("import ", "from "))]
    named = [line.split()[1] for line in imports]
    assert [name for name in named if name not in ("pandas", "matplotlib")] == ["jobs", "privacy_udfs"]
