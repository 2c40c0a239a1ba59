"""Every notebook runs from top to bottom, imports the jobs and defines nothing of its own."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from jobs import demo_lake
from tests.helpers.places import ROOT, all_of

NOTEBOOKS = all_of((ROOT / "notebooks").glob("*.ipynb"))
SHOWN = {"explore_a_treatment": ("pseudonym", 2), "explore_risk": ("image/png", 4)}
"""A word of each notebook's outputs, and in how many of them it is at least."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo_lake.build(tmp_path / "lake", customers=500)
    monkeypatch.setenv("DEMO_ROOT", str(tmp_path))
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.delenv("PYSPARK_PYTHON", raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    word, least = SHOWN[path.stem]
    assert sum(word in str(output) for output in outputs) >= least


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_defines_nothing_and_holds_no_output(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert not any(line.startswith(("def ", "class ", "@")) for line in cell.source.splitlines())
