"""Rows that are written but left out of the table: their files are written anew without them, before the commit.

Which rows these are shows only once all are written. The files that hold one are no part of the commit, and are taken
away: of a row that is left out nothing stays, neither in a file nor in what Delta's log says of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.lake import file_places
from jobs.lake.delta_commit import before_commit
from jobs.lake.delta_commit.before_commit import File
from jobs.lake.delta_commit.files import measure_added, metric
from jobs.lake.delta_commit.rest import Rest
from jobs.lake.delta_commit.scala import java, seq
from jobs.lake.delta_commit.transaction import Transaction
from jobs.lake.java import as_python
from privacy_udfs.errors import UnexpectedFailure


def without(begun: Transaction, actions: Any) -> Any:
    """The actions by which the rows that stay are the whole table; the metrics of the transaction follow. What is
    raised ends the commit, and the files that it would have added are taken away."""
    if begun.leaves_out is None:
        return actions
    told = as_python(java(begun.spark), actions)
    try:
        with begun.leaves_out(
            before_commit.rows_of(begun, [*before_commit.added(told)]), metric(begun, "numOutputRows")
        ) as rest:
            return actions if rest is None else _written_anew(begun, actions, told, rest)
    except BaseException:
        before_commit.take_away(begun, told)
        raise


def _written_anew(begun: Transaction, actions: Any, told: list[File], rest: Rest) -> Any:
    jvm, rows = java(begun.spark), metric(begun, "numOutputRows")
    at = _found(begun, told, rest.places)
    some = [told[each] for each, stay in at.items() if stay]  # of none Spark would write a file without a row
    made = begun.txn.writeFiles(rest.of(before_commit.rows_of(begun, some))._jdf) if some else seq(jvm, [])
    anew = as_python(jvm, made)
    try:
        stay = sum(at.values())
        if some and metric(begun, "numOutputRows") != stay:
            raise UnexpectedFailure(f"{stay} rows were to be written anew, and others were")
        left = [told[each] for each in range(len(told)) if each not in at]
        files = [*before_commit.added([*left, *anew])]
        measure_added(begun, len(files), rows - rest.out, sum(int(file["size"]) for file in files))
        before_commit.delete(begun, [told[each] for each in at])
    except BaseException:
        before_commit.take_away(begun, anew)
        raise
    others = [actions.apply(each) for each in range(len(told)) if each not in at]
    return seq(jvm, others).appendedAll(made)


def _found(begun: Transaction, told: list[File], places: Mapping[str, int]) -> dict[int, int]:
    """Which of the actions add the files at some places; and what is told of each of these."""
    wanted = {file_places.of_row(place): stay for place, stay in places.items()}
    named = {
        number: file_places.of_log(begun.location, action["path"])
        for number, action in enumerate(told)
        if before_commit.is_added(action)
    }
    at = {number: wanted[place] for number, place in named.items() if place in wanted}
    if len(at) != len(wanted):
        raise UnexpectedFailure("files of the rows are not those that were written")
    return at
