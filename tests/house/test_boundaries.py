"""The house's one-way streets, as tests: values know nothing of Spark, and nothing below imports what is above."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.places import ROOT, all_of

CODE = [*all_of(ROOT.glob("privacy_udfs/**/*.py")), *all_of(ROOT.glob("jobs/**/*.py"))]
PLAIN = frozenset({"udf", "udtf", "UserDefinedFunction"})
"""What makes Python functions that see one row at a time."""


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    found = {name.split(".")[0] for name in imports(path)}
    if path.is_relative_to(ROOT / "privacy_udfs"):
        assert not found & {"jobs", "yaml", "delta", "tests"}
        assert "pyspark" not in found or path.name == "udf.py"
    assert "tests" not in found


def test_a_technique_loads_no_spark_and_no_cloud_client() -> None:
    clients = "{'pyspark', 'boto3', 'hvac', 'google.auth', 'azure', 'delta', 'yaml', 'tink'}"
    code = f"import sys, privacy_udfs; print({clients} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def plain_udfs(code: str) -> list[int]:
    """Lines that take hold of a plain UDF: by import from pyspark, or as an attribute of one of its modules or of a
    session, be it called, a decorator or under another name. Our own `privacy_udfs.udf` is another thing."""
    tree, found = ast.parse(code), []
    modules = {"functions", "F", "pyspark"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pyspark"):
            found += [node.lineno for alias in node.names if alias.name in {*PLAIN, "*"}]
            modules |= {alias.asname for alias in node.names if alias.name == "functions" and alias.asname}
        elif isinstance(node, ast.Import):
            modules |= {alias.asname for alias in node.names if alias.name.startswith("pyspark") and alias.asname}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_plain(node, modules):
            found.append(node.lineno)
    return sorted(found)


def _is_plain(node: ast.Attribute, modules: set[str]) -> bool:
    """``F.udf``, ``pyspark.sql.functions.udf``, ``spark.udf.register``."""
    if node.attr == "register" and isinstance(node.value, ast.Attribute):
        return node.value.attr in PLAIN
    of = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
    return node.attr in PLAIN and of in modules


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_plain_udf(path: Path) -> None:
    """A plain Python UDF over a columnar source hangs on Spark 4.2.0 (SPARK-58241)."""
    assert plain_udfs(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "code",
    [
        "from pyspark.sql.functions import udf",
        "from pyspark.sql.functions import col, udf as made",
        "from pyspark.sql.functions import *",
        "from pyspark.sql import functions as F\nF.udf(len)",
        "from pyspark.sql import functions as F\n@F.udf\ndef f(x): ...",
        "import pyspark.sql.functions as G\nmade = G.udf",
        "import pyspark.sql.functions\npyspark.sql.functions.udf(len)",
        "spark.udf.register('f', len)",
    ],
)
def test_a_plain_udf_would_be_seen(code: str) -> None:
    assert plain_udfs(code)


def test_what_is_no_plain_udf() -> None:
    assert plain_udfs("from privacy_udfs import udf\nudf.treat(x)\nfrom pyspark.sql.functions import pandas_udf") == []
