"""What a reader of files gives to a task, whatever the format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa

from jobs.columnar.file_systems import Access
from jobs.columnar.parts import Stretch


class Reader(Protocol):
    """Reads stretches of files on an executor. It travels there, so it can be pickled."""

    def batches(self, stretch: Stretch, access: Access, wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows of a stretch, whose columns are those of ``wanted``, of just its types, in its order.

        wanted: columns of the files, by the source's names, with Spark's types as Arrow has them (`to_arrow_type`); the
        columns of folders are not among them. Raises `NotColumnar` where what stands in the file is not, to the value,
        what Spark would read; and `LakenymError` of other kinds where Spark's path would fail with it too.
        """
        ...
