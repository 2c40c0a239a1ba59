"""What the driver hands to the tasks of one run: everything that they need, and nothing that they would have to ask."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pyarrow as pa

from jobs.columnar.file_systems import Access
from jobs.columnar.parquet_writer import Layout
from jobs.columnar.parts import Part
from jobs.columnar.reading import Reader
from privacy_udfs.nested import Node


@dataclasses.dataclass(frozen=True)
class Tree:
    """What is done to one column. node: None where all its values become null, so that it is not even read. output: its
    type in the target."""

    name: str
    node: Node | None
    output: pa.DataType


@dataclasses.dataclass(frozen=True)
class Fitting:
    """A run that fits, up to what only the commit knows. wanted: columns of the files that are read. subject: the names
    of the fields that lead to whose row it is; none where nothing asks. codec: Spark's name of the compression."""

    parts: Sequence[Part]
    reader: Reader
    access: Access
    wanted: pa.Schema
    trees: tuple[Tree, ...]
    subject: tuple[str, ...]
    codec: str


@dataclasses.dataclass(frozen=True)
class Work:
    """How the parts are treated and written. mark: of the run (`privacy_udfs.wording`). threads: of the processor, for
    one task."""

    fits: Fitting
    layout: Layout
    mark: str
    threads: int = 1
