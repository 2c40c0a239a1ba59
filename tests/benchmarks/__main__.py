"""``make bench``: measure, and write docs/benchmarks.md and its plot.

Some half an hour on two cores; ``--quick`` takes four minutes and only prints, since short runs say little.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import (
    audit,
    check,
    erasing,
    growth,
    kernels,
    plot,
    report,
    reversal,
    risk,
    scale,
    search,
    shapes,
    small_tables,
    tables,
    targets,
    tokens,
    verified,
)  # fmt: skip

VALUES, QUICK_VALUES = 200_000, 20_000
QUICK_ROWS = 200_000


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    options.add_argument("--quick", action="store_true", help="a tenth of the values and one turn; prints only")
    parts = (
        "kernels",
        "tables",
        "shapes",
        "small",
        "growth",
        "scale",
        "search",
        "risk",
        "audit",
        "verify",
        "reversal",
        "tokens",
        "erase",
    )
    options.add_argument("--only", choices=parts, help="one part of it; prints only")
    options.add_argument("--group", help="of the kernels only those groups whose title holds this; prints only")
    options.add_argument("--turns", type=int, help="turns of each case after one to warm up (default 5)")
    options.add_argument("--cores", type=int, default=1, help="how many tasks Spark runs at a time (default 1)")
    options.add_argument("--folder", type=Path, help="where to put the tables (2 GiB); default: a temporary folder")
    options.add_argument("--rows", type=int, help="of the tokens: how many values; of erasure: rows (default 10^7)")
    options.add_argument("--adult", type=Path, help="of the search: a folder with ARX's adult.csv and its hierarchies")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    load, turns = os.getloadavg()[0], options.turns or (1 if options.quick else 5)
    if options.only == "small":
        print(run_small_tables(options.folder, options.cores))
        return 0
    if options.only == "growth":
        print(run_growth(options.folder, 0.1 if options.quick else 1, turns, options.cores))
        return 0
    if options.only == "scale":
        print(run_scale(options.folder, 0.1 if options.quick else 1, turns, options.cores))
        return 0
    if options.only == "audit":
        print(run_audit(options.folder, 1 if options.quick else 3 * turns, options.cores))
        return 0
    if options.only == "verify":
        print(run_verify(options.folder, 0.1 if options.quick else 1, turns, options.cores))
        return 0
    if options.only == "reversal":
        print(run_reversal(options.folder, 0.1 if options.quick else 1, turns, options.cores))
        return 0
    if options.only == "tokens":
        rows = options.rows or tokens.ROWS // (10 if options.quick else 1)
        print(run_tokens(options.folder, rows, turns, options.cores))
        return 0
    if options.only == "erase":
        print(run_erasing(options.folder, options.rows or erasing.ROWS // (10 if options.quick else 1), options.cores))
        return 0
    count, rows = (QUICK_VALUES, QUICK_ROWS) if options.quick else (VALUES, tables.ROWS)
    sections, verdicts = [], []
    measured: dict[str, list[kernels.Row]] = {}
    tabled: list[tables.Row] = []
    if options.only in (None, "kernels"):
        measured = run_kernels(count, turns, options.group)
        sections.append(report.kernel_tables(measured))
        verdicts += [] if options.group else targets.of_kernels(measured)
    if options.only in (None, "tables") and not options.group:
        tabled = run_tables(options.folder, rows, turns, options.cores)
        sections.insert(0, report.table_of_tables(tabled, rows, options.cores))
        verdicts += [*targets.of_tables(tabled), targets.of_size(tabled)]
    if options.only in (None, "shapes") and not options.group:
        shaped = run_shapes(options.folder, rows / tables.ROWS, turns)
        sections.append(report.shape_tables(shaped))
        verdicts += targets.of_shapes(shaped)
    if options.only in (None, "risk") and not options.group:
        risky = run_risk(options.folder, options.quick, turns, options.cores)
        sections.append(risk.as_text(risky, options.cores))
        verdicts += targets.of_risk(risky)
    if options.only in (None, "search") and not options.group:
        searched = run_search(options.folder, options.adult, options.cores)
        sections.append(search.as_text(searched, options.adult))
        verdicts += targets.of_search(searched)
    if not (options.only or options.group):
        checked = check.measure(turns)
        sections.append(report.check_table(checked, check.TABLES, check.COLUMNS))
        verdicts.append(targets.of_check(checked))
    command = shlex.join(["python", "-m", "tests.benchmarks", *(sys.argv[1:] if argv is None else argv)])
    head = [report.about(command, (load, os.getloadavg()[0])), *([report.verdicts(verdicts)] if verdicts else [])]
    if options.quick or options.only or options.group:
        print("\n".join([*head, *sections]))
        return 0
    report.write([*head, *sections])
    if not plot.draw(report.PLOT, measured, tabled):
        print("no plot: matplotlib is not installed (the extra bench)", file=sys.stderr)
    return 0


def run_kernels(count: int, turns: int, part: str | None) -> dict[str, list[kernels.Row]]:
    measured = {}
    for group in kernels.groups(count):
        if part is None or part in group.title:
            say(group.title)
            measured[group.title] = kernels.measured(group, turns)
    return measured


def run_tables(folder: Path | None, rows: int, turns: int, cores: int) -> list[tables.Row]:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        return tables.measure(Path(made), rows, turns, cores, say)


def run_shapes(folder: Path | None, part: float, turns: int) -> list[shapes.Shape]:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        return shapes.measure(Path(made), part, turns, say)


def run_risk(folder: Path | None, quick: bool, turns: int, cores: int) -> risk.Measured:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        return risk.measure(Path(made), quick, turns, cores, say)


def run_search(folder: Path | None, adult: Path | None, cores: int) -> search.Measured:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        return search.measure(Path(made), adult, cores, say)


def run_small_tables(folder: Path | None, cores: int) -> str:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        return small_tables.as_text(small_tables.measure(Path(made), cores, say), cores)


def run_audit(folder: Path | None, turns: int, cores: int) -> str:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        found = audit.measure(Path(made), turns, cores, say)
        return "\n\n".join([report.verdicts([targets.of_audit(found)]), audit.as_text(found, cores)])


def run_growth(folder: Path | None, part: float, turns: int, cores: int) -> str:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        added = growth.measure(Path(made), part, turns, cores, say)
        changed = growth.measure_changes(Path(made), part, turns, cores, say)
        verdicts = report.verdicts(targets.of_growth(added, changed))
        return "\n\n".join([verdicts, growth.as_text(added, cores), growth.changes_as_text(changed, cores)])


def run_reversal(folder: Path | None, part: float, turns: int, cores: int) -> str:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        return reversal.measure(Path(made), part, turns, cores, say).as_text()


def run_erasing(folder: Path | None, rows: int, cores: int) -> str:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        return erasing.measure(Path(made), rows, cores, say).as_text()


def run_tokens(folder: Path | None, rows: int, turns: int, cores: int) -> str:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        return tokens.measure(Path(made), rows, turns, cores, say).as_text()


def run_scale(folder: Path | None, part: float, turns: int, cores: int) -> str:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        grown = scale.measure(Path(made), part, turns, cores, say)
        elements = scale.measure_elements(Path(made), part, turns, say)
        verdicts = report.verdicts([*targets.of_scale(grown), targets.of_elements(elements)])
        return "\n\n".join([verdicts, scale.as_text(grown, cores), scale.elements_as_text(elements)])


def run_verify(folder: Path | None, part: float, turns: int, cores: int) -> str:
    with tempfile.TemporaryDirectory(dir=folder, prefix="benchmark-") as made:
        found = verified.measure(Path(made), part, turns, cores, say)
        return "\n\n".join([report.verdicts([targets.of_verify(found)]), verified.as_text(found, cores)])


def say(text: str) -> None:
    """Progress, beside the report."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
