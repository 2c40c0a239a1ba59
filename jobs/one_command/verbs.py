"""Which verbs there are, and what each does in one line: read from the files of jobs, none of which is run for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import jobs

FOLDER = Path(jobs.__path__[0])
GROUPS = {
    "begin": ("setup", "demo", "init", "inventory", "accept", "config_schema"),
    "treat tables": ("check", "plan", "pseudonymize", "verify"),
    "keys and tokens": ("keys", "rotate_keys", "shred", "tokens"),
    "risk and joins": ("risk", "linkage", "joinable"),
    "persons and retention": ("erase", "retain", "subject", "reidentify", "approve"),
    "evidence": ("audit", "history", "monitor", "report"),
    "platforms": ("grants", "catalog_tags"),
}
"""In which order they are listed. A verb that none names is listed too, at the end."""
OTHERS = "more"
OWN = Path(__file__).parent.name
_MOST = 90


def files() -> dict[str, Path]:
    """Every verb, by its name, and the file that is run: each file of ``jobs``, and each folder with a ``__main__``."""
    verbs = {path.stem: path for path in FOLDER.glob("*.py") if not path.stem.startswith("_")}
    verbs |= {path.parent.name: path for path in FOLDER.glob("*/__main__.py") if path.parent.name != OWN}
    return dict(sorted(verbs.items()))


def module(verb: str) -> str:
    """What Python calls the module of a verb."""
    return f"jobs.{verb}.__main__" if files()[verb].stem == "__main__" else f"jobs.{verb}"


def named(word: str) -> str:
    """The name of a verb that was written with ``-`` or ``_``."""
    return word.replace("-", "_")


def purpose(path: Path) -> str:
    """What a verb does: the beginning of its file's docstring, up to the first example or full stop."""
    text = " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].split())
    first = re.split(r"[:.,]? ?``|[.:,] (?=``|[A-Z])|\.$|: ", text, maxsplit=1)[0]
    return first if len(first) <= _MOST else f"{first[: _MOST - 3]}..."


def grouped() -> Iterator[tuple[str, list[str]]]:
    """The groups with the verbs that are there."""
    there = files()
    left = [verb for verb in there if not any(verb in verbs for verbs in GROUPS.values())]
    for group, verbs in (*GROUPS.items(), (OTHERS, left)):
        if found := [verb for verb in verbs if verb in there]:
            yield group, found
