"""Run a notebook, and store what it shows: ``python -m tests.helpers.stored_notebooks``. No times, no paths."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from jobs import demo_lake
from tests.helpers.places import ROOT

CUSTOMERS = 5_000


def executed(path: Path, root: Path, customers: int = CUSTOMERS) -> NotebookNode:
    """The notebook with its outputs, over a demo lake in ``root``, without what libraries say beside them. The
    environment is as it is."""
    demo_lake.build(root / "lake", customers=customers)
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, record_timing=False, resources={"metadata": {"path": str(path.parent)}}
    )
    client.execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def main() -> None:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["DEMO_ROOT"] = folder
            notebook = executed(path, Path(folder))
        notebook.metadata = {key: notebook.metadata[key] for key in ("kernelspec", "language_info")}
        notebook.metadata["language_info"] = {"name": "python"}
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
