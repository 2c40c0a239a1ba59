"""How the columns of a target are put into its Parquet files: which by dictionary, and which with statistics."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection

import pyarrow as pa

from jobs.columnar.leaves import Leaf, leaves
from privacy_udfs.kernels.arrays import about_distinct

FEW_ROWS = 1000
"""Up to here no look at the rows pays."""
LARGEST_DICTIONARY = 1 << 20
"""Bytes from which on Arrow gives up a column's dictionary, and with it the time that it took."""


@dataclasses.dataclass(frozen=True)
class WriterOptions:
    """What `pyarrow.parquet.ParquetWriter` is given, by its own names: ``**dataclasses.asdict(options)``."""

    write_statistics: list[str]
    use_dictionary: list[str]


def writer_options(
    schema: pa.Schema, scattered: Collection[tuple[str, ...]], unmeasured: Collection[tuple[str, ...]] = ()
) -> WriterOptions:
    """schema: as it is written, with physical names. scattered: paths, spelled as of `leaves`, of columns whose values
    are spread evenly, as pseudonyms are: their bounds leave no file out, and a dictionary only grows with the rows.
    unmeasured: of others whose bounds are not to stand in files.

    Floating-point columns have neither, since Spark would lose rows by them. Arrow's statistics leave NaN out, which
    Spark holds for the greatest number of all: ``d > 100`` would skip it. And Spark looks for 0.0 in a dictionary by
    its bits, where it does not find the -0.0 that equals it.
    """
    columns = [*leaves(schema)]
    told = {leaf for leaf in columns if not pa.types.is_floating(leaf.type) and leaf.path not in scattered}
    measured = {leaf for leaf in told if not leaf.repeated and leaf.path not in unmeasured}
    return WriterOptions(
        write_statistics=_names(columns, lambda leaf: leaf in measured),
        use_dictionary=_names(columns, lambda leaf: leaf in told),
    )


def without_vain(options: WriterOptions, rows: pa.Table) -> WriterOptions:
    """Without dictionaries for columns that hardly repeat, as far as ``rows``, the first of a file, show. It changes
    the time that a file takes and its size, and no value."""
    flat = {field.name for field in rows.schema if not pa.types.is_nested(field.type)}
    kept = [name for name in options.use_dictionary if name not in flat or not _is_vain(rows[name])]
    return dataclasses.replace(options, use_dictionary=kept)


def _is_vain(values: pa.ChunkedArray) -> bool:
    if len(values) <= FEW_ROWS:
        return False
    part = about_distinct(values) / len(values)
    return part > 1 / 2 or part * values.nbytes > LARGEST_DICTIONARY


def _names(columns: Collection[Leaf], wanted: Callable[[Leaf], bool]) -> list[str]:
    """Names that stand for wanted columns only: the writer does not tell two apart that are spelled alike."""
    unwanted = {leaf.dotted for leaf in columns if not wanted(leaf)}
    return sorted({leaf.dotted for leaf in columns} - unwanted)
