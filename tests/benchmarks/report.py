"""What was measured, as Markdown, put between two marks in docs/benchmarks.md; the words around them are written by
hand and stay."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.benchmarks import kernels, shapes, tables
from tests.benchmarks.targets import Verdict
from tests.helpers.places import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
PLOT = PAGE.with_suffix(".svg")
BEGIN, END = "<!-- measured: from here to the next mark written by make bench -->", "<!-- end of measured -->"
PACKAGES = (
    "pyspark", "delta-spark", "pyarrow", "numpy", "pandas", "cryptography", "llvmlite",
    "tink", "libffx", "presidio-anonymizer",
)  # fmt: skip


def write(sections: Iterable[str]) -> None:
    """Put the sections between the marks of the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{chr(10).join(sections)}\n{END}{after}", encoding="utf-8")


def about(command: str, load: tuple[float, float]) -> str:
    """Machine, versions, command. load: how many processes wanted a core, in the mean, before and after."""
    lines = [
        f"Command: `{command}`",
        f"Machine: {_processor()}, {os.cpu_count()} cores, {_memory()} GiB, {platform.system()} {platform.machine()}; "
        f"load {load[0]:.1f} before and {load[1]:.1f} after",
        f"Versions: Python {platform.python_version()}, {_java()}, {', '.join(_versions())}",
    ]
    return "\n".join(f"- {line}" for line in lines) + "\n"


def _versions() -> Iterable[str]:
    for package in PACKAGES:
        try:
            yield f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            yield f"{package} not installed"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _java() -> str:
    java = Path(os.environ["JAVA_HOME"]) / "bin" / "java" if "JAVA_HOME" in os.environ else "java"
    try:
        return subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "Java unknown"


def verdicts(found: Sequence[Verdict]) -> str:
    rows = [
        (
            v.promise,
            v.target,
            "not measured" if v.found is None else f"{v.found:.2f} {v.unit}",
            "met" if v.met else "**missed**",
        )
        for v in found
    ]
    return "### Against the targets\n\n" + table(("", "target", "measured", ""), rows)


def kernel_tables(measured: Mapping[str, Sequence[kernels.Row]]) -> str:
    parts = []
    for title, rows in measured.items():
        base = rows[0].per_value
        lines = [(row.name, *_kernel_cells(row, base)) for row in rows]
        heads = (title, "values", "ns per value", "faster than the first by (least to most)")
        parts.append(table(heads, lines))
    return "### One core, Arrow to Arrow\n\n" + "\n".join(parts)


def _kernel_cells(row: kernels.Row, base: kernels.Times | None) -> tuple[str, str, str]:
    if row.per_value is None:
        return f"{row.count:,}", "not installed", ""
    time = f"{row.per_value.median * 1e9:,.0f}"
    if base is None or base is row.per_value:
        return f"{row.count:,}", time, ""
    least, most = base.spread(row.per_value)
    return f"{row.count:,}", time, f"{base.ratio(row.per_value):.1f} x ({least:.1f} to {most:.1f})"


def check_table(times: kernels.Times, tables: int, columns: int) -> str:
    cells = (
        f"{tables:,} of {columns} columns",
        f"{times.median:.2f}",
        f"{min(times.turns):.2f} to {max(times.turns):.2f}",
    )
    return "### `jobs/check.py`, without Spark\n\n" + table(("tables", "seconds", "least to most"), [cells])


def table_of_tables(rows: Sequence[tables.Row], count: int, cores: int) -> str:
    title = (
        f"### Table to table: {count:,} rows of 9 columns, Delta to Delta, `local[{cores}]`, {len(rows[0].turns)} turns"
    )
    return f"{title}\n\n{_rows(rows)}"


SCANNED = (
    "A scan of a prototype's table once took three times as long. Tried since: row groups of 1,000 rows, small pages\n"
    "do not; dictionaries of whole columns of pseudonyms took about twice as long, and the path gives these up early.\n"
)
"""What became of a slow scan, tried on a busy machine by turns."""


def shape_tables(found: Sequence[shapes.Shape]) -> str:
    return "".join(
        f"### {shape.title[0].upper()}{shape.title[1:]}\n\n{_rows(shape.rows)}\n"
        + (f"{SCANNED}\n" if shape.title == shapes.SCAN else "")
        for shape in found
    )


def _rows(rows: Sequence[tables.Row]) -> str:
    base = rows[0]
    lines = [
        (
            row.name,
            f"{row.median('clock'):.1f}",
            f"{row.ratio(base):.2f} x",
            f"{row.median('processor'):.1f}",
            f"{row.ratio(base, 'processor'):.2f} x",
            f"{row.median('jvm'):.1f}",
            f"{row.median('python'):.1f}",
            f"{row.size / 2**20:,.0f}",
        )
        for row in rows
    ]
    heads = ("", "seconds", "of the first", "processor s", "of the first", "JVM s", "Python s", "MiB written")
    return table(heads, lines)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
