"""Whether columns still join with each other as they did, by the sketches that profiles have of pseudonyms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyspark.sql import SparkSession

from jobs.monitoring.finding import Finding
from jobs.monitoring.profile import TableProfile
from jobs.monitoring.profile_file import Profiles
from jobs.risk_measures import containment, profile, profile_file
from jobs.risk_measures.profile_file import Compared

LEAST = 0.5
"""Of columns that the baseline does not have: the share of values in common from which on it is told."""
TO_DO = "look whether both were treated with the same key version, and from sources of the same day"
LOOK = "find out whether they are meant to join"


def findings(
    spark: SparkSession, now: Profiles, before: Profiles, bounds: Mapping[str, Mapping[str, float]]
) -> Iterator[Finding]:
    """Of pairs of columns of two tables that were profiled together, those whose values overlap otherwise than in the
    baseline. bounds: by table."""
    if len(now) < 2:
        return
    new, old = (_compared(spark, each) for each in (now, {name: before[name] for name in before if name in now}))
    for pair in sorted({*new.told, *old.told}, key=str):
        if pair in new.unsaid or pair in old.unsaid or not new.has(pair):
            continue
        share, was = new.share(pair), old.share(pair)
        found = f"{share:.2f} of its values are in {pair.in_table} {pair.in_column} too"
        if not old.has(pair) and share >= LEAST:
            yield Finding(
                "warn", pair.table, "joinable", f"{found}, which the baseline does not have", LOOK, pair.column
            )
        elif old.has(pair) and abs(share - was) > bounds[pair.table]["joinable"]:
            yield Finding("alert", pair.table, "joinable", f"{found}, were {was:.2f}", TO_DO, pair.column)


def _compared(spark: SparkSession, profiles: Profiles) -> Compared:
    tables = {name: _sketches(table) for name, table in profiles.items()}
    told, unsaid = containment.pairs(spark, tables)
    return Compared(profile_file.Profiles("", tables), told, frozenset(unsaid))


def _sketches(table: TableProfile) -> profile.TableProfile:
    columns = {
        path: profile.ColumnProfile(each.different, each.nulls, each.sketch)
        for path, each in table.columns.items()
        if each.sketch is not None
    }
    return profile.TableProfile(table.rows, columns)
