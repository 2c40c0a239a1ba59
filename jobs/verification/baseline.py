"""A run compared with an earlier one: the same inputs give the same bytes."""

from __future__ import annotations

import json

from pyspark.sql import DataFrame, SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.console.exit_codes import Refused
from jobs.console.numbers import many
from jobs.console.shown import shown
from jobs.lake.address import Address
from jobs.lake.record_names import RECORD
from jobs.record import record_reader
from jobs.verification import multisets
from jobs.verification.outcome import Check, judged
from jobs.verification.standing import Standing


def check(table: Standing, wanted: str) -> Check:
    """wanted: a version of the table, or the path of another one."""
    earlier, records = _earlier(table.spark, table, wanted)
    names = [name for name in table.rows.columns if _is_steady(table, name) and name in earlier.columns]
    faults = [
        f"{shown(name)}: only one of the two has it" for name in sorted({*table.rows.columns} ^ {*earlier.columns})
    ]
    faults += [
        f"{shown(path)}: it was treated otherwise"
        for path in sorted({*table.columns, *records})
        if table.columns.get(path) != records.get(path)
    ]
    changed = [name for name in names if table.rows.schema[name].dataType != earlier.schema[name].dataType]
    faults += [f"{shown(name)}: it had another type" for name in changed]
    names = [name for name in names if name not in changed]
    others = [name for name in table.rows.columns if name in earlier.columns and not _is_steady(table, name)]
    anew = "".join(f"; {shown(name)} is not: it is made anew each time" for name in others)
    if not names:
        return judged("baseline", faults, f"no column to compare{anew}")
    found = multisets.compared(table.rows, earlier, names)
    if found.whole:
        faults.append(f"{found.whole.first} rows that the earlier one has not, {found.whole.second} that it alone has")
    faults += [
        f"{shown(name)}: {apart.first} values more, {apart.second} fewer"
        for name, apart in found.columns.items()
        if apart
    ]
    return judged("baseline", faults, f"{found.rows} rows, {many(len(names), 'column')}{anew}")


def _is_steady(table: Standing, name: str) -> bool:
    """Whether equal inputs give a column equal values."""
    of_it = [each for path, each in table.columns.items() if ColumnPath.parse(path).root == name]
    kind = table.rows.schema[name].dataType
    return all(each.facts.deterministic for each in of_it) and multisets.can_be_compared(kind)


def _earlier(spark: SparkSession, table: Standing, wanted: str) -> tuple[DataFrame, record_reader.Columns]:
    """The rows, and the record of the table there; of an older version the one that its schema's table had then."""
    if wanted.isdigit():
        if not 0 <= int(wanted) <= table.state.version:
            raise Refused(f"--baseline: {table.name} has no version {wanted}")
        commits = [commit for commit in table.state.history.commits if commit.version <= int(wanted)]
        recorded = next((commit.record for commit in reversed(commits) if commit.record is not None), None)
        rows = table.state.address.read(spark, {"versionAsOf": wanted})
        return rows, table.columns if recorded is None else record_reader.columns_of(recorded)
    address = Address(path=wanted) if "/" in wanted else Address(table=wanted)
    if not address.exists(spark):
        raise Refused("--baseline: is not there")
    properties = address.properties(spark)
    if RECORD not in properties or not isinstance(json.loads(properties[RECORD]), dict):
        raise Refused("--baseline: says nothing of how it was treated")
    return address.read(spark), record_reader.columns_of(properties)
