"""No text of a file, a name or a comment makes a pattern, or a reader, take more than a time in proportion to it."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jobs
import privacy_udfs
from jobs.configuration import documents, yaml_reader
from jobs.configuration.column_path import ColumnPath, ColumnPathError
from jobs.configuration.documents import Fault
from jobs.record import marks
from tests.helpers.places import ROOT

LONG = 30_000
"""Characters, of which a pattern may take the square for seconds, or all in some hundredths of one."""
ENOUGH = 0.5
"""Seconds of the processor for one pattern and one text."""
DEAR = ("FAMILY_ENDS", "GIVEN_ENDS", "_THAI_NAME")
"""Lists of a hundred endings, asked of single words: in proportion too, but a hundred steps a character."""
METHODS = frozenset({"match", "fullmatch", "search", "sub", "finditer", "findall"})
PIECES = ["_", "0", "1", "9.", "_.", "1e", ":1", ".", " ", "a", "a ", " a", "`", "``", "[privacy:", "[privacy:`", "[]"]
PIECES += ["//", "//a", "/data/", "${", "$$", "-", ";", ", domain ", ":  ", "\n", "\t", "a.", "mc", "van ", "é", "[A]"]
STARTS = {"_": "1", "/data/": "vault:", "//": "a:"}


def texts(length: int) -> Iterator[str]:
    for piece in PIECES:
        yield (STARTS.get(piece, "") + piece * (length // len(piece)))[:length]
        yield STARTS.get(piece, "a") + piece * (length // len(piece)) + "\n!"


def patterns() -> Iterator[tuple[str, re.Pattern[str], set[str]]]:
    """Each pattern that a module of ours keeps, and the methods by which that module asks it."""
    for package in (jobs, privacy_udfs):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield from _of(found.name)


def _of(name: str) -> Iterator[tuple[str, re.Pattern[str], set[str]]]:
    module = importlib.import_module(name)
    asked = dict[str, set[str]]()
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in METHODS:
            asked.setdefault(node.value.id, set()).add(node.attr)
    for attribute, value in vars(module).items():
        many = value.values() if isinstance(value, dict) else [value]
        by_others = set[str]().union(*(asked[other] for other in asked if other not in vars(module)))
        for pattern in many:
            if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
                methods = by_others if isinstance(value, dict) else asked.get(attribute, set())
                yield f"{name}.{attribute}", pattern, methods


def run_all() -> None:
    """Ends by a signal in the middle of a pattern that takes too long, the last one whose name was said."""
    for name, pattern, methods in patterns():
        print(name, flush=True)
        for text in texts(LONG // 30 if name.endswith(DEAR) else LONG):
            signal.setitimer(signal.ITIMER_VIRTUAL, ENOUGH)
            for method in methods:
                found = getattr(pattern, method)(*(("", text) if method == "sub" else (text,)))
                if method == "finditer":
                    list(found)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)  # the next module is not loaded yet


def test_every_pattern_is_linear() -> None:
    """In a process of its own, which can be ended: patterns do not stop for anything else."""
    command = [sys.executable, "-m", "tests.jobs.configuration.test_patterns"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    asked = done.stdout.splitlines()
    assert done.returncode == 0, asked[-1:]
    assert len(asked) > 30


def test_scalars_of_any_length_are_read() -> None:
    read = {
        "1" + "_" * LONG: "with underscores",
        "1" * LONG: "in an unusual notation",
        "0" * LONG: "with a leading zero",
        "1" + ":1" * LONG: "to the base 60",
        "." + "0_" * LONG: "with underscores",
        "1" + "_" * LONG + "x": None,
        "1" * LONG + "x": None,
        "-" * LONG: None,
    }
    for text, surprise in read.items():
        faults: list[Fault] = []
        document = yaml_reader.parse(f"a: {text}\n", "file", faults)
        assert document is not None
        assert document.data == {"a": text}
        assert [surprise in fault.message for fault in faults] == ([True] if surprise else [])
        assert not any(text[:99] in fault.message for fault in faults)


def test_the_same_numbers_are_surprises_as_ever() -> None:
    surprises = "01 00.5 0_1 0x1F 0b1 1:30 1:30.5 1_000 .5_0 1_0e3 1e3 1.e3 1. 5.e-3 .5e3"
    for text in [*surprises.split(), "1" * 41]:
        faults: list[Fault] = []
        yaml_reader.parse(f"a: {text}\n", "file", faults)
        assert len(faults) == 1, text
    for text in [
        ".",
        "-.",
        "1.2.3",
        "1a",
        "2026-11-01",
        "_1",
        "e3",
        ".e3",
        "1:99",
        "0xg",
        "0b13f9a",
        "0o8",
        "--",
        "+",
        "+_",
        "1__a",
    ]:
        faults = []
        document = yaml_reader.parse(f"a: {text}\n", "file", faults)
        assert (document and document.data, faults) == ({"a": text}, [])


def test_depth_comes_to_an_end() -> None:
    for text in ("? " * LONG, "- " * LONG, "[" * LONG, "{" * LONG, "? - " * LONG):
        faults: list[Fault] = []
        assert yaml_reader.parse(text, "file", faults) is None
        assert faults


def test_long_names_and_comments() -> None:
    assert documents.did_you_mean("a" * LONG, ["a" * LONG]) == ""
    for text in ("a" + ".a" * LONG, "a" + "[]" * LONG, "`" + "a" * LONG):
        try:
            ColumnPath.parse(text)
        except ColumnPathError as error:
            assert len(str(error)) < 200  # noqa: PT017 - it must raise, which the next line sees to
        else:
            raise AssertionError
    deep = "a" + ".a" * 100
    assert str(ColumnPath.parse(deep)) == deep
    assert marks.without(" " * LONG + "x") == " " * LONG + "x"
    assert marks.without("x" + " " * LONG + "[privacy: sensitive]") == "x"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    run_all()
