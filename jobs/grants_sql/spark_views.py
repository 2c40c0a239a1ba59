"""Views for Spark, one for each table and role, and one for each count.

A view stops nobody who may read the files behind it: it says what a role is shown, and another layer has to hold it to
that (Ranger's plugin, a service that runs the queries, folders that only the service may enter).
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.config import Config
from jobs.grants_sql import aggregates, names, sight
from jobs.grants_sql.names import Platform
from jobs.grants_sql.sight import Sight, grants_of
from jobs.grants_sql.sql_text import ROW, Projection, condition


def statements(conf: Config, table: str, platform: Platform = "spark") -> list[str]:
    """Those of a table; empty where no role sees anything of it. platform: ``hive`` speaks its SQL."""
    made = [*of_rows(conf, table, platform), *(made for _, made in of_counts(conf, table, platform))]
    created = f"CREATE SCHEMA IF NOT EXISTS {names.schema(conf, grants_of(conf).databases.views, platform)}"
    return [created, *made] if made else []


def of_rows(conf: Config, table: str, platform: Platform) -> Iterator[str]:
    """A view for each role that sees rows."""
    for reads in ("source", "target"):
        for each in sight.of_table(conf, table, reads):
            made = select(conf, each, platform)
            if made is not None:
                yield f"CREATE OR REPLACE VIEW {names.view(conf, table, each.name, platform)} AS\n{made}"


def select(conf: Config, each: Sight, platform: Platform) -> str | None:
    """What a role sees of a table; None where that is nothing."""
    closed = each.reads == "target"  # no run writes what no entry decides
    shown = Projection(each.sees, platform != "hive", grants_of(conf).denied == "null", closed)
    columns = shown.of(each.columns)
    if not columns:
        return None
    rows = each.role.rows.get(each.table.name)
    made = [f"SELECT\n  {f',{chr(10)}  '.join(columns)}"]
    made.append(f"FROM {names.address(conf, each.table.name, each.reads, platform)} AS {ROW}")
    return "\n".join([*made, *([] if rows is None else [f"WHERE {condition(rows)}"])])


def of_counts(conf: Config, table: str, platform: Platform, what: str = "VIEW") -> Iterator[tuple[str, str]]:
    """Each view of counts, by its name as SQL writes it; none where no role sees counts of the table."""
    if sight.counted_by(conf, table):
        for ending, paths in aggregates.groupings(conf, table).items():
            of = names.address(conf, table, "target", platform)
            name = names.view(conf, table, ending, platform)
            yield name, f"CREATE OR REPLACE {what} {name} AS\n{aggregates.query(conf, table, paths, of)}"
