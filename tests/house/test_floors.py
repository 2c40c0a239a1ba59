"""Rooms of the house: who may know whom. A room imports only from rooms on floors below it."""

from __future__ import annotations

import ast
import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jobs

JOBS = Path(jobs.__path__[0])
FLOORS: tuple[tuple[str, ...], ...] = (
    ("console",),
    ("configuration", "signatures", "setup"),
    ("lake",),
    ("treatment", "detection", "run_events", "demo_lake", "grants_sql"),
    ("record", "command_line"),
    ("policy", "spark_app", "lineage", "processing_records"),
    ("named_keys", "archive", "metastore", "risk_classes", "audit_log", "columnar", "token_vault", "subject_keys"),
    ("drafting", "gates", "risk_measures", "risk_search", "reversal"),
    ("table_run", "monitoring", "subjects", "starting"),
    ("verification", "report_pages", "retention", "subject_access"),
    ("rotation", "erasure"),
    ("one_command",),
)
"""Bottom up. Above them are the verbs, the files of ``jobs/``, which may know every room and each other."""
FLOOR = {room: at for at, rooms in enumerate(FLOORS) for room in rooms}
HOUSE = JOBS.parent
FILES = sorted(JOBS.rglob("*.py"))
EVERY_FILE = [*FILES, *sorted((HOUSE / "privacy_udfs").rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    """What a file imports, wherever in it, by whole names: modules, and what is taken out of one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports name the whole way"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def known(path: Path) -> Iterator[tuple[str, ...]]:
    """The modules of ``jobs`` that a file imports, as parts below ``jobs``."""
    return (tuple(name.split(".")[1:]) for name in imported(path) if name.startswith("jobs."))


@pytest.mark.parametrize("path", [p for p in FILES if p.parent != JOBS], ids=lambda path: str(path.relative_to(JOBS)))
def test_a_room_knows_only_rooms_below_it(path: Path) -> None:
    own = path.relative_to(JOBS).parts[0]
    for parts in known(path):
        other = parts[0]
        assert other in FLOOR, f"{other} is a verb: a room must not import it"
        assert other == own or FLOOR[other] < FLOOR[own], f"{own} imports {'.'.join(parts)}, which is not below it"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")


def graph() -> dict[str, set[str]]:
    """Each file of both packages and the files that it imports."""
    modules = {module_of(path): path for path in EVERY_FILE}
    found: dict[str, set[str]] = {}
    for name, path in modules.items():
        parts = [each if each in modules else each.rpartition(".")[0] for each in imported(path)]
        found[name] = {part for part in parts if part in modules} - {name}
    assert sum(map(len, found.values())) > len(found), "the reading of imports has found some"
    return found


def test_no_file_imports_itself_by_a_way_round() -> None:
    imports, done, way = graph(), set[str](), list[str]()

    def walk(module: str) -> None:
        assert module not in way, " -> ".join([*way[way.index(module) :], module])
        if module in done:
            return
        way.append(module)
        for other in sorted(imports.get(module, ())):
            walk(other)
        done.add(way.pop())

    for module in sorted(imports):
        walk(module)


def test_every_folder_is_a_room_on_a_floor() -> None:
    folders = {path.name for path in JOBS.iterdir() if any(path.rglob("*.py"))}
    assert folders == set(FLOOR)


def test_no_name_hides_another() -> None:
    """``python jobs/x.py`` puts ``jobs/`` first on the path, so a name there hides a module that others import."""
    verbs = {path.stem for path in JOBS.glob("*.py")} - {"__init__"}
    assert verbs, "there are jobs"
    assert not verbs & set(FLOOR), "a verb and a room have one name"
    taken = set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())
    assert not (verbs | set(FLOOR)) & (taken - {"jobs", "privacy_udfs", "tests"})
