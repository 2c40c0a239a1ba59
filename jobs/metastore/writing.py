"""Treated tables get a name in the platform's catalog, and comments and tags that say how they were treated."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.configuration.models import Target
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import databases, described
from jobs.lake.address import Address
from jobs.lake.described import Described
from jobs.metastore import sql_text
from jobs.metastore.catalogs import CATALOGS, checked_name
from jobs.spark_app.failures import RunFailed


def called(table: str, target: Target, name: str | None, platform: str) -> str:
    """What the platform's catalog calls a target. name: for one at a path. Raises `BadUsage` where there is no name."""
    if target.table is not None and name is not None:
        raise BadUsage(f"{table}: its target has a name, {target.table}; another one is for targets at a path")
    if target.table is None and name is None:
        raise BadUsage(f"{table}: its target lies at a path: say what to call it there, with --as or --database")
    return checked_name(str(target.table or name), platform)


def statements(spark: SparkSession, table: str, target: Target, name: str, platform: str) -> list[str]:
    """What makes the platform's catalog tell of one treated table. Raises `Refused` where it was not treated yet."""
    found = _treated(spark, table, target)
    named = [] if target.path is None else [sql_text.register(name, str(found.location))]
    return [*named, *CATALOGS[platform].statements(name, found)]


def _treated(spark: SparkSession, table: str, target: Target) -> Described:
    address = Address.of(target)
    there = address.exists(spark)
    found = described.of_delta(spark, address) if there else None
    if found is None or not found.is_treated:
        raise Refused(f"{table}: its target {'has no treatment record' if there else 'is not there'}: treat it first")
    return found


def check_free(spark: SparkSession, table: str, target: Target, name: str) -> None:
    """Raise `Refused` where a target cannot get the name: there is no such database, or another table has it."""
    database, own, called = name.rpartition(".")[0], Address.of(target), Address(table=name)
    if database and not databases.exists(spark, database):
        raise Refused(f"{table}: the platform's catalog has no database {database}: create it first")
    if own.path is not None and called.exists(spark) and own.location(spark) != called.location(spark):
        raise Refused(f"{table}: {name} is another table, at another place: choose another name")


def run(spark: SparkSession, table: str, made: Sequence[str]) -> None:
    """Run statements one by one. Raises `RunFailed` without what Spark says, which may quote comments."""
    for number, statement in enumerate(made, 1):
        try:
            spark.sql(statement)
        except PySparkException as error:
            failed = f"statement {number} of {len(made)} failed [{error.getCondition()}]"
            raise RunFailed(f"{table}: {failed}; those before it are done, and may be done again") from None
