"""`generalize_hierarchy`: a value becomes its ancestor in a hierarchy that someone wrote down."""

from __future__ import annotations

import csv
import functools
import io
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator, model_validator

from privacy_udfs import result_shapes
from privacy_udfs.strength import MORE_IS_STRONGER, NOT_COMPARABLE, Shows
from privacy_udfs.technique import Key, TextTechnique, Treated

Rows = tuple[tuple[str, ...], ...]


class GeneralizeHierarchy(TextTechnique):
    """Replace a value by its ancestor at one level of a hierarchy, as ARX and its kin use them.

    levels: rows of ``value, level 1, level 2, ...``, all of one length, each value once. As text: the content of a CSV
    with semicolons and no header line, as ARX writes it, or the path of one. The record always holds the rows, so that
    it alone is enough to repeat the treatment.
    level: which column to give; 0 is the value itself (which then only checks that all values are known).

    Takes text, and integers by their decimal text; gives text. Null in, null out. empty: see `TextTechnique`. A value
    that is not in the hierarchy is refused, since there is no telling how far it is safe. Faults in the rows are told
    by count, never by content.
    Generalization hides a value among those of its group: check group sizes where that matters.
    """

    technique: Literal["generalize_hierarchy"] = "generalize_hierarchy"
    levels: Annotated[tuple[Annotated[tuple[str, ...], Field(strict=False)], ...], Field(strict=False), NOT_COMPARABLE]
    level: Annotated[int, Field(ge=0), MORE_IS_STRONGER] = 1

    comes_out = "to a level of a CSV of your own"
    shows = Shows.A_PART

    @field_validator("levels", mode="before")
    @classmethod
    def _from_csv(cls, levels: object) -> object:
        return _read_csv(levels) if isinstance(levels, str) else levels

    @model_validator(mode="after")
    def _is_a_hierarchy(self) -> GeneralizeHierarchy:
        faults = _faults(self.levels, self.level)
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def may_stay_whole(self) -> bool:
        """At level 0, and where a value is its own ancestor."""
        return any(row[0] == row[self.level] for row in self.levels)

    def own_words(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row[self.level] for row in self.levels)) if self.level else ()

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        return result_shapes.one_of(results, {row[self.level] for row in self.levels})

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if pa.types.is_string(values) or pa.types.is_large_string(values) or pa.types.is_integer(values):
            return pa.string()
        return self.refuse_type(values, "text or integers")

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        known, ancestors = _columns(self.levels, self.level)
        row = pc.index_in(values.cast(pa.string()), known)
        refused = pc.and_(values.is_valid(), row.is_null()) if row.null_count > values.null_count else None
        return Treated(ancestors.take(row), refused)


def _read_csv(text: str) -> Rows:
    """The rows of a CSV; ``text`` is its path where it can be no content, which has a semicolon or a line break."""
    if not (";" in text or "\n" in text):
        try:
            text = Path(text).read_text(encoding="utf-8-sig")
        except (OSError, ValueError):
            raise ValueError("expected rows, or a CSV in UTF-8 that can be read") from None
    return tuple(tuple(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=";") if row)


def _faults(rows: Rows, level: int) -> list[str]:
    if not rows:
        return ["levels: expected at least one row, got none"]
    width, faults = len(rows[0]), []
    ragged = sum(len(row) != width for row in rows)
    if ragged:
        faults.append(f"levels: {ragged} of {len(rows)} rows have another number of columns than the first, {width}")
    if width <= level:
        faults.append(f"level: expected 0 to {width - 1}, the columns after the value, got {level}")
    repeated = len(rows) - len({row[:1] for row in rows})
    if repeated:
        faults.append(f"levels: {repeated} rows repeat the value of another")
    empty = sum("" in row[1:] for row in rows)
    if empty:
        faults.append(f"levels: {empty} rows have an empty ancestor")
    return faults


@functools.lru_cache(maxsize=32)
def _columns(rows: Rows, level: int) -> tuple[pa.StringArray, pa.StringArray]:
    """The values and their ancestors; kept, since a worker sees many batches of one column."""
    return pa.array([row[0] for row in rows], pa.string()), pa.array([row[level] for row in rows], pa.string())
