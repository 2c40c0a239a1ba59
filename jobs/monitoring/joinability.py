"""Whether columns still join with each other as they did, by the sketches that profiles have of pseudonyms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyspark.sql import SparkSession

from jobs.monitoring import sketch
from jobs.monitoring.finding import Finding
from jobs.monitoring.profile import TableProfile
from jobs.monitoring.profile_file import Profiles
from jobs.risk_measures import containment, profile, profile_file
from jobs.risk_measures.profile_file import Compared

LEAST = 0.5
"""Of columns that the baseline does not have: the share of values in common from which on it is told."""
TO_DO = "look whether both were treated with the same key version, from sources of the same day, and are meant to join"


def findings(
    spark: SparkSession, now: Profiles, before: Profiles, bounds: Mapping[str, Mapping[str, float]]
) -> Iterator[Finding]:
    """Of pairs of columns of two tables that were profiled together, those whose values overlap otherwise than in the
    baseline, whatever the errors of both. bounds: by table."""
    both = [name for name in now if name in before]
    if len(both) < 2:
        return
    new, old = (_compared(spark, {name: each[name] for name in both}) for each in (now, before))
    for name in both:
        told = profile_file.changes(_of(new, name), _of(old, name), LEAST, bounds[name]["joinable"])
        for each in told:
            message = f"values of a column in another table: {each.removeprefix(f'{name} ')}"
            yield Finding("alert", name, "joinable", message, TO_DO)


def _of(compared: Compared, name: str) -> Compared:
    """The pairs of which the first column is of a table."""
    told = {pair: each for pair, each in compared.told.items() if pair.table == name}
    return Compared(compared.kept, told, frozenset(pair for pair in compared.unsaid if pair.table == name))


def _compared(spark: SparkSession, profiles: Profiles) -> Compared:
    tables = {name: _sketches(table) for name, table in profiles.items()}
    told, unsaid = containment.pairs(spark, tables)
    return Compared(profile_file.Profiles("", tables), told, frozenset(unsaid))


def _sketches(table: TableProfile) -> profile.TableProfile:
    columns = {
        path: profile.ColumnProfile(sketch.size(each.sketch), each.nulls, each.sketch)
        for path, each in table.columns.items()
        if each.sketch is not None
    }
    return profile.TableProfile(table.rows, columns)
