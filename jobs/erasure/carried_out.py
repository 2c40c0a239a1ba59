"""An erasure over all tables of a domain: planned, or carried out. Run again it goes on where tables stand: what is out
stays out, and what may go by then goes."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import uuid
from collections.abc import Iterable, Iterator
from typing import Protocol

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.erasure import (
    bridge_rows,
    looked_before,
    numbered,
    one_table,
    other_list,
    other_sources,
    outcome,
    places,
    quarantines,
    subject_keys,
    vault_rows,
)
from jobs.erasure.one_table import Place
from jobs.erasure.outcome import Erased, TableErased, Unsearched
from jobs.erasure.places import OfSource
from jobs.erasure.subject_keys import OfKey
from jobs.lake.remains import Remains
from jobs.run_events import events
from jobs.run_events.events import Report, Warned
from jobs.spark_app import failures, session
from jobs.subjects.asked import Asked
from jobs.subjects.search import Search, searching

NOT_ASKED = "sources were not asked for (--sources): a run in full, or of what they gained, may bring them back"
WHOLE = (
    "rows of others name somebody there, and runs with the list of the erased leave out the whole row of any who names "
    "one of the erased, as long as its source does: other columns are treated by it (known, period_of), or it may not "
    "be null there. Let another column do that first, or take the name out at the source: "
)
PASSED_OVER = "it has no such column"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """forced: what retention keeps is purged too. sources: these are included."""

    asked: Asked
    forced: bool = False
    sources: bool = False


class Trail(Protocol):
    """What is told of an erasure elsewhere: in the audit log, on the list of the erased, in a receipt."""

    def began(self, search: Search, planned: Erased) -> None:
        """Before the first commit. What it raises ends the erasure with nothing deleted."""

    def still_told(self) -> None:
        """Right before each commit; what it raises stops that one."""

    def erased(self, table: TableErased) -> None:
        """Right after a table was erased from, and purged."""

    def ended(self, search: Search, made: Erased) -> None:
        """After the last one."""


class NoTrail:
    """Where nothing is to be told."""

    def began(self, search: Search, planned: Erased) -> None: ...

    def still_told(self) -> None: ...

    def erased(self, table: TableErased) -> None: ...

    def ended(self, search: Search, made: Erased) -> None: ...


@dataclasses.dataclass(frozen=True)
class _Scope:
    """tables: sources of Delta, then treated ones. others: sources out of which nothing is taken. keys: of which those
    of subjects are destroyed."""

    search: Search
    tables: tuple[Place, ...]
    vaults: tuple[Place, ...]
    bridges: tuple[Place, ...]
    others: tuple[OfSource, ...]
    keys: tuple[OfKey, ...]
    unsearched: tuple[Unsearched, ...]


def planned(spark: SparkSession, conf: Config, wanted: Wanted, report: Report = events.silent) -> Erased:
    """What `erased` would do. Nothing is written. Raises `Refused` with all that is against it."""
    own = session.for_run(spark)
    with _scope(own, conf, wanted) as scope:
        other_list.warned(own, conf, scope.search, report)
        return _planned(own, conf, wanted, scope, str(uuid.uuid4()))


def erased(
    spark: SparkSession, conf: Config, wanted: Wanted, trail: Trail | None = None, report: Report = events.silent
) -> Erased:
    """Raises `Refused` before anything is written; `CommitConflict`, and what a table raises, once others may be
    done."""
    own, told, run_id = session.for_run(spark), trail or NoTrail(), str(uuid.uuid4())
    with _scope(own, conf, wanted) as scope:
        other_list.warned(own, conf, scope.search, report)
        told.began(scope.search, _nothing_yet(wanted, scope, run_id))
        tables = tuple(_each(own, scope.tables, run_id, wanted, told, report))
        tables = tuple(_again(own, scope.tables, tables, run_id, wanted, told, report))
        vaults = tuple(_each(own, scope.vaults, run_id, wanted, told, report))
        bridges = tuple(_each(own, scope.bridges, run_id, wanted, told, report))
        bridges = tuple(_again(own, scope.bridges, bridges, run_id, wanted, told, report))
        # a token that a run brought back while its vault was at work is known to this run, and to no later one
        tables = tuple(_again(own, scope.tables, tables, run_id, wanted, told, report))
        remains = _of_others(own, conf, wanted, scope)
        made = dataclasses.replace(
            _nothing_yet(wanted, scope, run_id),
            tables=(*tables, *vaults, *bridges),
            remains=remains,
            tokens=sum(each.rows_deleted for each in vaults),
            subject_keys=subject_keys.destroyed(scope.keys),
            nowhere=_nowhere(wanted, (*tables, *vaults, *bridges), remains),
        )
        told.ended(scope.search, made)
        return made


def _planned(spark: SparkSession, conf: Config, wanted: Wanted, scope: _Scope, run_id: str) -> Erased:
    told = []
    for each in (*scope.tables, *scope.vaults, *scope.bridges):
        step = functools.partial(one_table.plan, spark, each, wanted.forced)
        told.append(failures.translated(each.name, step))
    remains = _of_others(spark, conf, wanted, scope)
    vaults = told[len(scope.tables) : len(scope.tables) + len(scope.vaults)]
    return dataclasses.replace(
        _nothing_yet(wanted, scope, run_id),
        tables=tuple(told),
        remains=remains,
        tokens=sum(each.rows_deleted for each in vaults),
        subject_keys=subject_keys.counted(scope.keys),
        nowhere=_nowhere(wanted, told, remains),
    )


def _nowhere(wanted: Wanted, tables: Iterable[TableErased], remains: Iterable[Remains]) -> int | None:
    """remains: beside tables. Sources that are files say only that somebody is there, or nobody could look."""
    if wanted.asked.held_in is not None or any(
        each.why != NOT_ASKED and not each.why.startswith(WHOLE) for each in remains
    ):
        return None
    return numbered.nowhere(len(wanted.asked.ids), (each.ids for each in tables))


def _nothing_yet(wanted: Wanted, scope: _Scope, run_id: str) -> Erased:
    now, asked = datetime.datetime.now(datetime.timezone.utc), wanted.asked
    return Erased(run_id, now, asked.domain, len(asked.ids), wanted.forced, (), (), scope.unsearched)


def _each(
    spark: SparkSession, tables: tuple[Place, ...], run_id: str, wanted: Wanted, trail: Trail, report: Report
) -> Iterator[TableErased]:
    for at, place in enumerate(tables):
        try:
            step = functools.partial(one_table.erase, spark, place, run_id, wanted.forced, trail.still_told)
            made = failures.translated(place.name, step)
            trail.erased(made)
            if place.mixed and made.rows_deleted:
                report(Warned(place.name, quarantines.WITH_OTHERS))
            yield made
        except BaseException:
            left = ", ".join(each.name for each in tables[at + 1 :])
            said = "the erasure is under way, and stopped at this table"
            report(Warned(place.name, f"{said}{f'; not reached: {left}' if left else ''}; run it again"))
            raise


def _again(
    spark: SparkSession,
    places: tuple[Place, ...],
    done: tuple[TableErased, ...],
    run_id: str,
    wanted: Wanted,
    trail: Trail,
    report: Report,
) -> Iterator[TableErased]:
    """What runs and others committed while further tables were at work, out of what was read before, is looked at."""
    for place, first in zip(places, done, strict=True):
        if one_table.version(spark, place) == first.after:
            yield first
            continue
        for then in _each(spark, (place,), run_id, wanted, trail, report):
            yield dataclasses.replace(
                then,
                before=first.before,
                after=then.after if then.is_changed else first.after,
                rows_deleted=first.rows_deleted + then.rows_deleted,
                elements_removed=first.elements_removed + then.elements_removed,
                files=first.files + then.files,
                ids=outcome.both(first.ids, then.ids),
            )


@contextlib.contextmanager
def _scope(spark: SparkSession, conf: Config, wanted: Wanted) -> Iterator[_Scope]:
    with searching(spark, conf, wanted.asked) as search:
        tables, unsearched = places.targets(conf, search)
        others, of_delta = list[OfSource](), list[Place]()
        if wanted.sources and wanted.asked.held_in is not None:
            unsearched.append(Unsearched("", "sources", "ids are given as pseudonyms: give them as sources have them"))
        elif wanted.sources:
            for source in places.sources(spark, conf, search):
                address = places.delta_of(spark, conf, source)
                if address is None:
                    others.append(source)
                else:
                    telling = places.keys_of(conf, source.tables)
                    told = places.asked_of(conf, source.tables)
                    of_delta.append(Place(source.label, address, source.sought, keys=telling, asked=told))
        aside, more = quarantines.places(spark, conf, search, functools.partial(places.by_ids, spark, search))
        unsearched += more
        # else a run in between brings back into a target what its source still has
        tables = [*of_delta, *aside, *tables]
        looked = looked_before.tables(spark, conf, wanted.asked)
        unsearched += [Unsearched(place.name, str(path), PASSED_OVER)
                       for place in tables for path in one_table.passed_over(spark, place)]  # fmt: skip
        vaults, more = vault_rows.places(spark, conf, wanted.asked, {gap.table for gap in unsearched if not gap.place})
        bridges, of_bridges = bridge_rows.places(spark, conf, wanted.asked)
        against = [why for place in (*tables, *vaults, *bridges) for why in one_table.refusals(spark, place)]
        if against:
            raise Refused("\n".join(against))
        keys, of_keys = subject_keys.found(spark, conf, wanted.asked), subject_keys.unsearched(conf, wanted.asked)
        gaps = (*unsearched, *more, *of_bridges, *of_keys)
        known = [tuple(dataclasses.replace(each, looked=looked) for each in some) for some in (tables, vaults, bridges)]
        yield _Scope(search, known[0], known[1], known[2], tuple(others), keys, gaps)


def _of_others(spark: SparkSession, conf: Config, wanted: Wanted, scope: _Scope) -> tuple[Remains, ...]:
    """What is left beside tables."""
    if not wanted.sources:
        number = len({place.table for place in scope.search.held.sources})
        whole = places.whole(spark, conf, scope.search)
        told = (Remains("source", len(whole), None, f"{WHOLE}{', '.join(whole)}"),) if whole else ()
        return (*((Remains("source", number, None, NOT_ASKED),) if number else ()), *told)
    return tuple(other_sources.told(spark, conf, scope.others))
