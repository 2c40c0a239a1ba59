"""Show what would be done to tables: ``python jobs/plan.py --conf conf --table crm.customers [--json]``.

Reads schemas and the ids of keys, no rows; prints no values and no secrets. Exit codes as `jobs.pseudonymize`.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from typing import Any

from jobs.shared import cli, events, failures, key_ring, session, tables, treatment_plan
from jobs.shared.record import canonical_json
from jobs.shared.treatment_plan import ColumnPlan, Plan


def as_data(plan: Plan) -> dict[str, Any]:
    """A plan as plain data: one object per leaf column, in the order of the source's schema."""
    return {"table": plan.table, "columns": [_column(column) for column in plan.columns]}


def _column(column: ColumnPlan) -> dict[str, Any]:
    parameters = column.treatment.technique.record()
    return {
        "column": str(column.path),
        "class": column.rule.class_,
        "technique": parameters.pop("technique"),
        "parameters": parameters,
        "domain": column.domain,
        "key": column.treatment.key,
        "key_id": column.key_id,
        "input_type": column.input.simpleString(),
        "output_type": None if column.output is None else column.output.simpleString(),
        "why": column.rule.why,
    }


def as_text(plan: Plan) -> str:
    """A plan as a table for a person; parameters that stand at their defaults are left out."""
    header = ("column", "class", "technique", "parameters", "domain", "key", "type", "becomes", "why")
    lines = events.table_lines(header, [_row(column) for column in plan.columns])
    return "\n".join([plan.table, *(f"  {line}" for line in lines)])


def _row(column: ColumnPlan) -> list[str]:
    changed = column.treatment.technique.model_dump(mode="json", exclude_defaults=True)
    parameters = " ".join(f"{name}={_short(value)}" for name, value in changed.items() if name != "technique")
    key = "" if column.treatment.key is None else f"{column.treatment.key}#{column.key_id}"
    output = "(dropped)" if column.output is None else column.output.simpleString()
    cells = (column.rule.class_, column.name, parameters, column.domain or "", key)
    return [str(column.path), *cells, column.input.simpleString(), output, column.rule.why]


def _short(value: Any) -> str:
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 30 else f"({len(value)} entries)" if isinstance(value, list) else f"{text[:27]}..."


def parser() -> argparse.ArgumentParser:
    options = cli.parser("plan", __doc__)
    options.add_argument("--json", action="store_true", help="one JSON object per table instead of text")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _print_all(options))


def _print_all(options: argparse.Namespace) -> int:
    conf, names = cli.chosen(options)
    spark = session.for_run(session.start("lakenym plan"))

    def show(name: str) -> int:
        entry = conf.tables[name]
        schema = failures.translated(name, lambda: tables.read(spark, entry.source).rows.schema)
        plan = treatment_plan.build(entry, schema, key_ring.open_for(conf, entry).ids)
        print(canonical_json(as_data(plan)) if options.json else as_text(plan), flush=True)
        return 0

    return max(failures.exit_code(events.terminal, functools.partial(show, name), name) for name in names)


if __name__ == "__main__":
    sys.exit(main())
