"""Tables are read and written, and names quoted for SQL, in ``jobs/lake`` alone; what else asks an `Address`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import jobs

JOBS = Path(jobs.__path__[0])
OUTSIDE = sorted(path for path in JOBS.rglob("*.py") if path.relative_to(JOBS).parts[0] != "lake")
QUOTING, STATEMENTS = "jobs.lake.sql", ".sql() of a session"
ALLOWED = {
    "grants_sql/sql_text.py": {QUOTING},  # views and grants that a person runs, or a platform: nothing runs them here
    "metastore/sql_text.py": {QUOTING},  # comments and locations are text literals of the catalog's own DDL
    "metastore/unity_catalog.py": {QUOTING, STATEMENTS},  # so are tags; its tags are told by tables of its own
    "metastore/writing.py": {STATEMENTS},  # runs the statements that a person may read first (--print-sql)
}
PROPERTIES = {"read", "readStream", "catalog", "write", "writeStream"}
"""Of sessions and data frames; nothing calls them itself, as one calls a method that has such a name."""
METHODS = {"table", "writeTo", "saveAsTable", "insertInto", "mergeInto"}
SESSIONS = {"for_run", "start", "newSession", "getOrCreate", "getActiveSession", "active"}
"""What gives a session."""


def doors(code: str) -> set[str]:
    """Which doors to tables a piece of code goes through by itself."""
    return set(_doors(ast.parse(code)))


def _doors(tree: ast.Module) -> Iterator[str]:
    calls = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    modules, sessions = set[str](), set(_sessions(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules |= {alias.asname or alias.name for alias in node.names}
            yield from _imported(node)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        of = node.value.id if isinstance(node.value, ast.Name) else None
        if node.attr in PROPERTIES and id(node) not in calls and of not in modules:
            yield f".{node.attr}"
        elif node.attr in METHODS and (of in sessions or (id(node) in calls and of not in modules)):
            yield f".{node.attr}()"
        elif node.attr == "sql" and (of in sessions or _is_session(node.value)):
            yield STATEMENTS


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    whole = node.module if isinstance(node, ast.ImportFrom) else None
    for alias in node.names:
        name = alias.name if whole is None else f"{whole}.{alias.name}"
        if name.split(".")[0] == "delta":
            yield "Delta's own classes"
        if f"{name}.".startswith(f"{QUOTING}."):
            yield QUOTING


def _sessions(tree: ast.Module) -> Iterator[str]:
    """Names that hold a session: by their annotation, or by what they are assigned."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            target = node.arg if isinstance(node, ast.arg) else getattr(node.target, "id", "")
            if "SparkSession" in ast.unparse(node.annotation):
                yield target
        elif isinstance(node, ast.Assign) and _is_session(node.value):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _is_session(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return name in SESSIONS
    return isinstance(value, ast.Attribute) and value.attr == "sparkSession"


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(JOBS)))
def test_nothing_else_reads_writes_or_quotes(path: Path) -> None:
    found, allowed = doors(path.read_text(encoding="utf-8")), ALLOWED.get(str(path.relative_to(JOBS)), set())
    assert found == allowed, "ask an Address; or, where a door that is allowed is no more used, take it from the list"


def test_what_is_allowed_is_there() -> None:
    assert set(ALLOWED) <= {str(path.relative_to(JOBS)) for path in OUTSIDE}


@pytest.mark.parametrize(
    ("code", "door"),
    [
        ("rows = spark.read.table('t')", ".read"),
        ("reader = spark.read\nreader.load('t')", ".read"),
        ("def f(s: SparkSession): return s.table('t')", ".table()"),
        ("def f(s: 'SparkSession | None'):\n    t = s.table\n    t('t')", ".table()"),
        ("session.for_run(x).table('t')", ".table()"),
        ("rows.sparkSession.catalog.dropTempView('t')", ".catalog"),
        ("x.readStream.load()", ".readStream"),
        ("rows.write.save('t')", ".write"),
        ("rows.writeTo('t').append()", ".writeTo()"),
        ("from delta.tables import DeltaTable as D", "Delta's own classes"),
        ("import delta", "Delta's own classes"),
        ("from jobs.lake import sql as s", QUOTING),
        ("from jobs.lake.sql import quoted as q", QUOTING),
        ("import jobs.lake.sql", QUOTING),
        ("own = session.for_run(spark)\nown.sql('DESCRIBE HISTORY t')", STATEMENTS),
        ("def f(spark: SparkSession): return functools.partial(spark.sql, 'SHOW TBLPROPERTIES t')", STATEMENTS),
        ("rows.sparkSession.sql('x')", STATEMENTS),
    ],
)
def test_every_door_is_seen(code: str, door: str) -> None:
    assert door in doors(code)


@pytest.mark.parametrize(
    "code",
    [
        "from jobs.lake import read\nread.rows_of(spark, source)",
        "keyset = key.read()\nconf.files.catalog()\nmade = config_schema.write(folder)",
        "name = target.table",
        "from jobs.drafting import draft\ndraft.table('t')",
        "Address(table='t').sql",
    ],
)
def test_what_only_looks_like_one_is_none(code: str) -> None:
    assert doors(code) == set()
