"""The risk of a table before and after its treatment, as it may be shown and drawn.

Whatever is drawn is drawn of these numbers and no others: they are rounded, banded and hidden first, so that no length
on a page tells what its text does not. Where the two states differ by fewer than ten rows or people, the difference
would tell how few were kept out: then all counts of the state before are rounded to tens. So they are wherever rows
are kept out for being in small classes, or stand in quarantine: less those of one reason, which a page or somebody else
may count, the difference would tell how few there are of the other.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.models import TableConfig
from jobs.configuration.policy_entries import Thresholds
from jobs.lake import read
from jobs.report_pages.facts.plain import Missing, Number
from jobs.report_pages.facts.table_facts import Band, Measured
from jobs.risk_measures import measure, report
from jobs.risk_measures.measure import Asked
from jobs.risk_measures.report import SMALL, Report
from jobs.risk_measures.sizes import THRESHOLD
from jobs.risk_measures.treated import Chosen
from jobs.spark_app import failures
from jobs.treatment import predicates
from privacy_udfs.errors import LakenymError

ATTACKERS = ("prosecutor", "journalist")
DIGITS = 3
HALF = SMALL / 2


def after(found: Report, wanted_k: int | None) -> Measured:
    """The treated table. found: as `jobs.risk` measures it."""
    notes = [*_rows_count(found.chosen), *_left_out(found.chosen.left_out)]
    return dataclasses.replace(_of(report.as_data(found), wanted_k), notes=tuple(notes))


def before(spark: SparkSession, entry: TableConfig, thresholds: Thresholds) -> Measured | Missing:
    """The rows of the source that the treatment reads, by all quasi-identifiers that the catalog names there, those
    that were dropped too; direct identifiers do not count. One pass over the source."""
    try:
        return failures.translated(entry.name, lambda: _before(spark, entry, thresholds))
    except LakenymError as error:
        return Missing(f"the source could not be measured ({type(error).__name__})")


def _before(spark: SparkSession, entry: TableConfig, thresholds: Thresholds) -> Measured | Missing:
    rows = predicates.minimized(read.rows_of(spark, entry.source), entry).rows
    columns, left_out = _quasi(entry)
    if not columns:
        return Missing("the catalog names no quasi-identifier that is one value of a row")
    subject = None if entry.subject is None or not _is_plain(str(entry.subject)) else str(entry.subject)
    threshold = THRESHOLD if thresholds.k is None else 1 / thresholds.k
    found = measure.measure(rows, Asked(columns, subject=subject, threshold=threshold))
    told = report.as_data(Report(entry.name, Chosen(tuple(columns), (), subject, None, (), {}, ()), found, ()))
    return dataclasses.replace(_of(told, thresholds.k), notes=tuple(_left_out(left_out)))


def _quasi(entry: TableConfig) -> tuple[list[str], list[str]]:
    """Those that are one value of a row, and the others."""
    named = [path for path, each in entry.decisions.items() if each.cases[0].class_ == "quasi_identifier"]
    return [path for path in named if _is_plain(path)], [path for path in named if not _is_plain(path)]


def _is_plain(path: str) -> bool:
    return all(isinstance(step, Field) for step in ColumnPath.parse(path).steps)


def _rows_count(chosen: Chosen) -> Iterator[str]:
    if chosen.why_rows is not None:
        yield f"Rows are counted, not people: {chosen.why_rows}."


def _left_out(paths: Any) -> Iterator[str]:
    if paths:
        yield f"Not measured, since a row has several values there: {', '.join(paths)}."


def _of(data: Mapping[str, Any], wanted_k: int | None) -> Measured:
    chances = {
        (attacker, name): _rounded(data[attacker][name])
        for attacker in ATTACKERS
        for name in ("highest", "average", "at_risk")
    }
    return Measured(
        data["counted"],
        tuple(data["quasi_identifiers"]),
        data.get("people", data["rows"]),
        data["classes"],
        data["k"],
        data["uniques"],
        data["risk_threshold"],
        {**chances, ("marketer", "average"): _rounded(data["marketer"])},
        tuple(_band(each, wanted_k) for each in data["histogram"]),
        wanted_k,
        data["sensitive"],
        tuple(_without_count(each) for each in data["missed"]),
    )


def _without_count(missed: str) -> str:
    """Of the share at risk without the number from which it comes."""
    counted, mark, wanted = missed.partition(" have a risk above ")
    return f"too many{mark}{wanted}" if mark else counted


def _rounded(share: float | str) -> float | str:
    return share if isinstance(share, str) else float(f"{share:.{DIGITS}g}")


def _band(found: Mapping[str, Any], wanted_k: int | None) -> Band:
    first, last = found["from"], found["to"]
    sizes = f"{first:,}" if first == last else f"{first:,} to {last:,}"
    if wanted_k is None:
        return Band(sizes, found["rows"])
    side = "below" if last < wanted_k else "above" if first >= wanted_k else "across"
    return Band(sizes, found["rows"], side)


def apart(
    one: Measured | Missing, other: Measured | Missing, rows: int | None, *, keeps_out: bool = False
) -> Measured | Missing:
    """The state before, so that its counts and those of the state after tell nothing small together. rows: that the
    last run wrote. keeps_out: whether rows were kept out whose number nobody is to solve for."""
    if isinstance(one, Missing):
        return one
    known: list[Number] = [other.many] if isinstance(other, Measured) else []
    known += [] if rows is None else [rows]
    return _to_tens(one) if keeps_out or any(_is_near(one.many, each) for each in known) else one


def _is_near(number: Number, other: Number) -> bool:
    return isinstance(number, int) and isinstance(other, int) and 0 < abs(number - other) < SMALL


def _to_tens(found: Measured) -> Measured:
    return dataclasses.replace(
        found,
        many=_tens(found.many),
        classes=_tens(found.classes),
        uniques=_tens(found.uniques),
        chances={name: _coarse(share, found.many) for name, share in found.chances.items()},
        bands=tuple(dataclasses.replace(band, many=_tens(band.many)) for band in found.bands),
        notes=(*found.notes, "Counts before are rounded to tens: else they could tell how few rows were kept out."),
    )


def _coarse(share: float | str, many: Number) -> float | str:
    """A bound is made anew, of counts in tens alone: `< 0.00997`, ten of them, tells that there are 1,003."""
    if not isinstance(share, str):
        return round(share, 2)
    if not isinstance(many, int):
        return share
    counted = round(float(share[1:]) * many, -1)
    if share[0] == "<":
        return f"< {min(1.0, math.ceil(100 * (counted + HALF) / (round(many, -1) - HALF)) / 100):g}"
    return f"> {max(0.0, math.floor(100 * (counted - HALF) / (round(many, -1) + HALF)) / 100):g}"


def _tens(number: Number) -> Number:
    return max(SMALL, round(number, -1)) if isinstance(number, int) and number >= SMALL else number
