"""The families of kernels: each has a door with a page, code outside comes in by the door only, and imports go down."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import privacy_udfs
from privacy_udfs.kernels import FAMILIES

PACKAGE = "privacy_udfs.kernels"
HOUSE = Path(privacy_udfs.__file__).parents[1]
KERNELS = HOUSE / "privacy_udfs" / "kernels"
CODE = sorted([*HOUSE.glob("privacy_udfs/**/*.py"), *HOUSE.glob("jobs/**/*.py")])


class Import(NamedTuple):
    """``from module import name``; name is "" for ``import module``. Modules below `PACKAGE`, in parts."""

    module: tuple[str, ...]
    name: str


def imports(source: str) -> Iterator[Import]:
    """All imports of kernels, those inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "write whole names"
            found = [(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        for module, name in found:
            whole = f"{module}.{name}" if f"{module}.{name}" == PACKAGE else module
            if whole == PACKAGE or whole.startswith(f"{PACKAGE}."):
                yield Import(tuple(whole.split(".")[2:]), name)


def family_of(path: Path) -> str | None:
    return path.relative_to(KERNELS).parts[0] if path.is_relative_to(KERNELS) and path.parent != KERNELS else None


def past_the_door(source: str, own: str | None) -> list[Import]:
    """Imports of another family's insides, of what its door does not offer, or of a family's own door."""
    faulty = []
    for found in imports(source):
        family = found.module[0] if found.module else found.name
        if family == own:
            inside = len(found.module) == 2 or (KERNELS / family / f"{found.name}.py").exists()
            offered = [] if not inside else [found.name]
        else:
            door = len(found.module) == 1 and importlib.import_module(f"{PACKAGE}.{family}")
            offered = door.__all__ if door else []
        if found.name not in offered:
            faulty.append(found)
    return faulty


def files_that(path: Path) -> set[Path]:
    """The files of kernels that a file imports from."""
    found = set()
    for module, name in imports(path.read_text(encoding="utf-8")):
        places = [(KERNELS.joinpath(*module, name)).with_suffix(".py"), KERNELS.joinpath(*module).with_suffix(".py")]
        found |= {*([place for place in places if place.exists()] or [KERNELS.joinpath(*module, "__init__.py")])}
    return found


def test_the_families_are_all_there_are() -> None:
    assert sorted(FAMILIES) == sorted(path.parent.name for path in KERNELS.glob("*/__init__.py"))
    assert [path.name for path in KERNELS.glob("*.py")] == ["__init__.py"]


def test_code_outside_of_a_family_imports_its_door_only() -> None:
    found = {path: past_the_door(path.read_text(encoding="utf-8"), family_of(path)) for path in CODE}
    assert len(found) > 100
    assert {path: faulty for path, faulty in found.items() if faulty} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from privacy_udfs.kernels.text.canonical import canonical",
        "from privacy_udfs.kernels.text import normalize",
        "import privacy_udfs.kernels.text",
        "from privacy_udfs.kernels import text",
        "from privacy_udfs.kernels.aes import aes_cmac",
    ],
)
def test_ways_around_a_door_are_found(line: str) -> None:
    """The last one is how a file of the family itself would make a circle with its door."""
    assert past_the_door(f"def late():\n    {line}\n", "aes")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_imports_from_those_before_it(family: str) -> None:
    below = FAMILIES[: FAMILIES.index(family)]
    for path in KERNELS.glob(f"{family}/**/*.py"):
        for module, name in imports(path.read_text(encoding="utf-8")):
            assert (*module, name)[0] in (family, *below), path


def test_no_file_imports_itself_by_way_of_others() -> None:
    left = {path: files_that(path) - {path} for path in KERNELS.glob("**/*.py")}
    assert sum(map(len, left.values())) > len(left)
    while free := [path for path, needs in left.items() if not needs & left.keys()]:
        for path in free:
            del left[path]
    assert not left, "these import each other in a circle, or what does"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_door_has_a_page(family: str) -> None:
    page = importlib.import_module(f"{PACKAGE}.{family}").__doc__ or ""
    for part in ("Why by hand.", "Source.", "What it does not protect against."):
        assert page.count(f"\n**{part}** ") == 1, part


def test_importing_every_family_loads_no_compiler() -> None:
    doors = ", ".join(f"{PACKAGE}.{family}" for family in FAMILIES)
    code = f"import sys, {doors}; print({{'llvmlite', 'pyspark', 'pandas'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
