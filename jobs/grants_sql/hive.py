"""Hive's SQL-standard authorization: views as for Spark, in Hive's SQL, and who may select from them.

Hive has no functions over the elements of an array: where a role sees a part of them, the whole column is left out;
of a source, also where they are structs, which may have fields that nobody decided about.
https://hive.apache.org/docs/latest/user/sql-standard-based-hive-authorization/
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.config import Config
from jobs.grants_sql import names, sight, spark_views
from jobs.grants_sql.sight import grants_of
from jobs.grants_sql.sql_text import quoted


def roles(conf: Config) -> list[str]:
    """To be run once: Hive has no way to make a role only if it is not there."""
    return [f"CREATE ROLE {quoted(role)}" for role in sorted(grants_of(conf).roles)]


def statements(conf: Config, table: str) -> list[str]:
    """The views of a table, and who may select from them."""
    return [*spark_views.statements(conf, table, "hive"), *_grants(conf, table)]


def _grants(conf: Config, table: str) -> Iterator[str]:
    for reads in ("source", "target"):
        for each in sight.of_table(conf, table, reads):
            if spark_views.select(conf, each, "hive") is not None:
                yield _grant(names.view(conf, table, each.name, "hive"), each.name)
    for name, _ in spark_views.of_counts(conf, table, "hive"):
        yield from (_grant(name, role) for role in sight.counted_by(conf, table))


def _grant(view: str, role: str) -> str:
    return f"GRANT SELECT ON TABLE {view} TO ROLE {quoted(role)}"
