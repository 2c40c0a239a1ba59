"""The rows of one run of the way back: counted, and then turned back, by the path that fits, to where they are to be.

That they are counted shows nothing; what stands between the two (keys, the audit log) is for who asks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from jobs.columnar.unfit import NotColumnar
from jobs.lake import restricted, restricted_files, shapes
from jobs.lake.state import TargetState
from jobs.lake.vault_table import Vault
from jobs.reversal import columnar_path, text_lines, vaults
from jobs.reversal.asked import Asked
from jobs.reversal.columnar_path import Chosen
from jobs.reversal.formats import Format
from jobs.reversal.selection import Selection
from jobs.reversal.treated import Column, Treated
from privacy_udfs.errors import UnexpectedFailure
from privacy_udfs.keys import AnyReference

Way = Literal["columnar", "spark"]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """rows: as Spark reads them. place: where to; None to have the rows given. form: of what is written. vaults: of
    tokens, by path."""

    spark: SparkSession
    asked: Asked
    treated: Treated
    columns: Mapping[str, Column]
    rows: DataFrame
    place: TargetState | None
    form: Format
    vaults: Mapping[str, Vault]

    def selection(self, keys: Mapping[str, AnyReference], sealed: Mapping[str, str] = {}) -> Selection:
        masked = self.asked.form == "masked"
        return Selection(self.asked.table, self.columns, frozenset(self.asked.beside), keys, masked, sealed)

    def turned(self, keys: Mapping[str, AnyReference]) -> DataFrame:
        """By Spark's rows, with what vaults hold for them."""
        found, sealed = vaults.joined(self.rows, self.columns, keys, self.vaults)
        return self.selection(keys, sealed).rows(found)


@dataclasses.dataclass(frozen=True)
class Counted:
    """count: of the rows. chosen: the rows as the columnar path reads them; not_columnar: why it does not."""

    wanted: Wanted
    count: int
    chosen: Chosen | None
    not_columnar: str | None


@dataclasses.dataclass(frozen=True)
class Shown:
    """execution: by which path; not_columnar: why it was Spark's. rows: where they were asked for by themselves."""

    execution: Way
    not_columnar: str | None = None
    rows: pa.Table | None = dataclasses.field(default=None, repr=False)


def counted(wanted: Wanted) -> Counted:
    """Nothing is turned back yet. Raises `Refused` for what the format has no place for."""
    selection, rows = wanted.selection({}), wanted.rows
    if wanted.place is None or wanted.form != "delta":
        text_lines.check(wanted.form, selection.output(wanted.treated.schema))
        return Counted(wanted, rows.count(), None, "only new tables are written by it")
    if wanted.vaults:
        return Counted(wanted, rows.count(), None, "tokens are joined with their vault")
    location = str(wanted.place.location)
    try:
        chosen = columnar_path.chosen(wanted.spark, wanted.treated, rows, wanted.asked, selection, location)
        count = chosen.count()
    except NotColumnar as reason:
        return Counted(wanted, rows.count(), None, str(reason))
    return Counted(wanted, rows.count() if count is None else count, chosen, None)


def turned(known: Counted, keys: Mapping[str, AnyReference], about: Mapping[str, str], run_id: str) -> Shown:
    """All rows, or none. about: what is told of them where they are written."""
    wanted = known.wanted
    if wanted.place is None:
        found = wanted.turned(keys).toArrow()
        if found.num_rows != known.count:
            raise UnexpectedFailure(
                f"{wanted.asked.table}: {known.count} rows were counted, and {found.num_rows} were read"
            )
        return Shown("spark", known.not_columnar, found)
    if wanted.form != "delta":
        return _as_file(known, keys, wanted.place, about, run_id)
    return _as_table(known, keys, wanted.place, about, run_id)


def _as_file(
    known: Counted, keys: Mapping[str, AnyReference], place: TargetState, about: Mapping[str, str], run_id: str
) -> Shown:
    wanted, form = known.wanted, known.wanted.form
    lines = text_lines.of(form, wanted.turned(keys), known.count)
    expected = known.count + (form == "csv")  # the names
    restricted_files.create(wanted.spark, str(place.location), f"rows.{form}", lines, about, run_id, expected)
    return Shown("spark", known.not_columnar)


def _as_table(
    known: Counted, keys: Mapping[str, AnyReference], place: TargetState, about: Mapping[str, str], run_id: str
) -> Shown:
    """In whole Arrow arrays where that fits."""
    spark, why = known.wanted.spark, known.not_columnar
    if known.chosen is not None:
        selection = known.wanted.selection(keys)
        output = selection.output(known.chosen.schema)
        shape = shapes.without_rows(spark, output)
        try:
            files = columnar_path.written(spark, known.chosen.fitted(selection), output, run_id)
            restricted.create(spark, place, shape, about, run_id, known.count, files)
            return Shown("columnar")
        except NotColumnar as reason:
            place, why = restricted.renewed(spark, place), str(reason)
    restricted.create(spark, place, known.wanted.turned(keys), about, run_id, known.count)
    return Shown("spark", why)
