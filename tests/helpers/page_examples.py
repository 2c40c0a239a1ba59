"""The example in Python of a page of the docs, run as a reader would run it: with no package at all."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.helpers.places import ROOT


def python_example(page: str) -> tuple[str, list[str]]:
    """The code of the page's first example, and the lines that it prints, which are those that the page shows."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    code, output = (re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)[0] for kind in ("python", "text"))
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == output
    return code, output.splitlines()
