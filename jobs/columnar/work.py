"""What the driver hands to the tasks of one run: everything that they need, and nothing that they would have to ask."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from jobs.columnar.file_systems import Access
from jobs.columnar.parquet_writer import Layout
from jobs.columnar.parts import Part
from jobs.columnar.reading import Reader
from privacy_udfs.kept_out import Erased
from privacy_udfs.nested import Node
from privacy_udfs.sealed_rows import Seal

Way = tuple[tuple[str, ...], Sequence[Erased]]
"""Names down to a column, and who is told by what stands there."""


@dataclasses.dataclass(frozen=True)
class Tree:
    """What is done to one column. node: None where all its values become null, so that it is not even read. output: its
    type in the target. beside: the ways to the other columns of the row that it depends on."""

    name: str
    node: Node | None
    output: pa.DataType
    beside: tuple[tuple[str, ...], ...] = ()

    def of(self, columns: Mapping[str, pa.Array]) -> pa.Array:
        """What ``node`` walks, of the columns that were read."""
        if not self.beside:
            return columns[self.name]
        arrays = [columns[self.name], *(followed(columns, way) for way in self.beside)]
        return pa.StructArray.from_arrays(arrays, [str(at) for at in range(len(arrays))])


def followed(columns: Mapping[str, pa.Array], way: Sequence[str]) -> pa.Array:
    """What stands at the end of a way of names through structs; null where anything on it is."""
    values = columns[way[0]]
    for name in way[1:]:
        values = pc.struct_field(values, [name])
    return values


def without(values: pa.Array, way: Sequence[str], gone: pa.BooleanArray) -> pa.Array:
    """A column with null where ``gone`` is true, at the end of a way of names through structs."""
    if way:
        inner = [values.field(at) for at in range(values.type.num_fields)]
        at = values.type.get_field_index(way[0])
        inner[at] = without(inner[at], way[1:], gone)
        return pa.StructArray.from_arrays(inner, fields=list(values.type), mask=values.is_null())
    if pa.types.is_dictionary(values.type):
        return pa.DictionaryArray.from_arrays(without(values.indices, (), gone), values.dictionary)
    return pc.if_else(gone, pa.scalar(None, values.type), values)


@dataclasses.dataclass(frozen=True)
class Ages:
    """Which rows are within their time: those whose date, at the end of a way of names, is not before the first; and
    those without one."""

    way: tuple[str, ...]
    first: pa.Scalar

    def within(self, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """The columns without the other rows."""
        dates = followed(columns, self.way)
        stay = pc.fill_null(pc.greater_equal(dates, self.first.cast(dates.type)), True)
        if pc.all(stay, min_count=0).as_py():
            return dict(columns)
        return {name: values.filter(stay) for name, values in columns.items()}


@dataclasses.dataclass(frozen=True)
class Fitting:
    """A run that fits, up to what only the commit knows. wanted: columns of the files that are read. subject: the names
    of the fields that lead to whose row it is; none where nothing asks. codec: Spark's name of the compression.
    is_shuffled: whether the rows are written in a random order. erased: ways to columns, and who is left out by what
    stands there; emptied: the same of values that become null, in rows of others. ages: which rows are treated;
    None: all."""

    parts: Sequence[Part]
    reader: Reader
    access: Access
    wanted: pa.Schema
    trees: tuple[Tree, ...]
    subject: tuple[str, ...]
    codec: str
    is_shuffled: bool = False
    erased: Sequence[Way] = ()
    emptied: Sequence[Way] = ()
    ages: Ages | None = None


@dataclasses.dataclass(frozen=True)
class Work:
    """How the parts are treated and written. mark: of the run (`privacy_udfs.wording`). threads: of the processor, for
    one task. seal: of the rows that are set aside; None where a refused value stops the run."""

    fits: Fitting
    layout: Layout
    mark: str
    threads: int = 1
    seal: Seal | None = None
